"""Whatever is stored, every open window is planned once and no settled one, newest first."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from extract.api.planner import EARLIEST, EMPTY_DAYS, Chunk, FetchScope, PlannedSite, plan
from extract.api.requested_again import Incomplete, RequestedAgain
from extract.archive.raw_archive import IndexEntry
from extract.archive.segment import ByteRange
from extract.requests import Request, history, question_of
from extract.windows import ONE_DAY, Window, day_exists, local_today, windows
from flows.incomplete import merged
from tests.examples import examples
from wattlog.series import is_of_days, series_with_windows
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

NOW = datetime(2025, 7, 1, 3, 30, tzinfo=UTC)
SETTLE_HOURS = 48
ZONES: list[tzinfo] = [
    Zone("America/Los_Angeles"),
    Zone("Australia/Lord_Howe"),
    Zone("Pacific/Apia"),
    timezone(timedelta(hours=-7)),
]
SITE_ID = 1001


def entry(request: Request, window: Window, asked_at: datetime, outcome: str = "data") -> IndexEntry:
    """The index entry of a response."""
    return IndexEntry(
        raw_id=f"{asked_at.isoformat()} {request.series} {window.start}",
        run_id="run",
        provider="simulator",
        site_id=SITE_ID,
        series=request.series,
        question=question_of(dict(request.params)),
        elapsed_ms=1.0,
        attempt=1,
        method="GET",
        path=request.path,
        status=500 if outcome == "error" else 200,
        outcome=outcome,
        sha256="",
        duplicate_of=None,
        size=2,
        window_start=window.start,
        window_end=window.end,
        closes_at=window.closes_at,
        requested_at=asked_at,
        segment="",
        byte_range=ByteRange(0, 1),
    )


def window_of(request: Request) -> Window:
    assert request.window is not None
    return request.window


def planned(subject: PlannedSite, entries: Sequence[IndexEntry], scope: FetchScope) -> list[Chunk]:
    return plan(subject, entries, scope, now=NOW, settle_hours=SETTLE_HOURS)


outcomes = st.sampled_from(["data", "no_data", "error", "transport", "wrong_window", "contract", "not_json"])
delays = st.integers(-48, 400)


@examples(120)
@given(
    zone=st.sampled_from(ZONES),
    days_back=st.integers(0, 70),
    has_battery=st.booleans(),
    stored=st.lists(st.tuples(st.integers(0, 400), outcomes, delays), max_size=60),
)
def test_every_open_window_once_and_no_settled_one(
    zone: tzinfo, days_back: int, has_battery: bool, stored: list[tuple[int, str, int]]
) -> None:
    """The definition of settled, written out: a response, kept 48 hours or more after the window's end."""
    today = local_today(NOW, zone)
    since = today - timedelta(days=days_back)
    subject = PlannedSite(SITE_ID, zone, zone, date(2020, 1, 1), has_battery)
    scope = FetchScope(series_with_windows(), since=since)
    everything = [request for chunk in planned(subject, [], scope) for request in chunk.requests]
    entries, is_settled = [], set[tuple[Series, date]]()
    for pick, outcome, delay_h in stored:
        request = everything[pick % len(everything)]
        window = window_of(request)
        asked_at = min(window.closes_at + timedelta(hours=delay_h), NOW)
        entries.append(entry(request, window, asked_at, outcome))
        if outcome in {"data", "no_data"} and asked_at >= window.closes_at + timedelta(hours=SETTLE_HOURS):
            is_settled.add((request.series, window.start))
    again = [request for chunk in planned(subject, entries, scope) for request in chunk.requests]
    keys = [(request.series, window_of(request).start) for request in again]
    assert len(set(keys)) == len(keys), "once"
    assert set(keys) == {(request.series, window_of(request).start) for request in everything} - is_settled


@examples(60)
@given(zone=st.sampled_from(ZONES), days_back=st.integers(0, 120), length=st.integers(0, 120))
def test_every_day_of_the_range_newest_first(zone: tzinfo, days_back: int, length: int) -> None:
    """Days that exist, from --since to --until or today, in every daily series; months and requests within fall."""
    today = local_today(NOW, zone)
    since = today - timedelta(days=days_back)
    until = min(since + timedelta(days=length), today)
    subject = PlannedSite(SITE_ID, zone, zone, date(2020, 1, 1), has_battery=True)
    chunks = planned(subject, [], FetchScope(series_with_windows(), since=since, until=until))
    expected = [until - timedelta(days=back) for back in range((until - since).days + 1)]
    for series in filter(is_of_days, series_with_windows()):
        days = [window_of(request).start for chunk in chunks if chunk.series is series for request in chunk.requests]
        assert days == [day for day in expected if day_exists(day, zone)]
    assert [chunk.month for chunk in chunks] == sorted((chunk.month for chunk in chunks), reverse=True)


@examples(60)
@given(
    installed_back=st.one_of(st.none(), st.integers(0, 300)),
    asked_back=st.one_of(st.none(), st.integers(0, 1500)),
    begins_back=st.integers(0, 700),
    silence=st.tuples(st.integers(0, 500), st.integers(0, EMPTY_DAYS - 1)),
)
def test_walking_back_finds_the_beginning_and_ends(
    installed_back: int | None, asked_back: int | None, begins_back: int, silence: tuple[int, int]
) -> None:
    """Planning and answering in turns: all energy is found unless 60 days are silent, and nothing is asked for ever (Q17)."""
    zone = ZONES[0]
    today = local_today(NOW, zone)

    def ago(days: int | None) -> date | None:
        return None if days is None else today - timedelta(days=days)

    begins, quiet_until, since = (
        today - timedelta(days=begins_back),
        today - timedelta(days=silence[0]),
        ago(asked_back),
    )
    subject = PlannedSite(SITE_ID, zone, zone, ago(installed_back), has_battery=True)
    scope = FetchScope((Series.POWER,), since=since)
    entries: dict[date, IndexEntry] = {}
    for _ in range(100):
        fresh = [
            request
            for chunk in planned(subject, list(entries.values()), scope)
            for request in chunk.requests
            if window_of(request).start not in entries
        ]
        if not fresh:
            break
        for request in fresh:
            day = window_of(request).start
            is_quiet = quiet_until - timedelta(days=silence[1]) < day <= quiet_until
            outcome = "data" if day >= begins and not is_quiet else "no_data"
            entries[day] = entry(request, window_of(request), NOW, outcome)
    else:
        raise AssertionError("it goes on for ever")
    found = {day for day, entry in entries.items() if entry.outcome == "data"}
    is_bounded = installed_back is not None and (since is None or since >= today - timedelta(days=installed_back))
    if is_bounded:
        assert min(entries) == (since or ago(installed_back))
        return
    oldest = min([*found, ago(installed_back) or today])
    assert min(entries) == max(since or EARLIEST, oldest - EMPTY_DAYS * ONE_DAY), "sixty empty days, or as far as asked"
    if min(begins, today) >= oldest - EMPTY_DAYS * ONE_DAY and silence[0] <= begins_back and silence[1] < EMPTY_DAYS:
        quiet = {quiet_until - timedelta(days=back) for back in range(silence[1])}
        there = {today - timedelta(days=back) for back in range(begins_back + 1)}
        assert found == {day for day in there - quiet if since is None or day >= min(since, today)}


@examples(60)
@given(
    offsets=st.lists(st.sampled_from([-8, -7]), min_size=2, max_size=40),
    now_offset=st.sampled_from([-8, -7]),
)
def test_days_of_a_fixed_offset_leave_no_hour_out(offsets: list[int], now_offset: int) -> None:
    """Q7: days asked in summer and in winter end at different instants; where an hour is missing between, it is asked."""
    first = date(2024, 1, 1)
    entries = []
    for number, hours in enumerate(offsets):
        then = timezone(timedelta(hours=hours))
        day = first + timedelta(days=number)
        (asked,) = windows(Grain.DAY, day, day, then, today=date(2025, 7, 1))
        entries.append(entry(history(SITE_ID, Series.POWER, asked, then), asked, NOW))
    clock = timezone(timedelta(hours=now_offset))
    subject = PlannedSite(SITE_ID, clock, clock, first, has_battery=True)
    last = first + timedelta(days=len(offsets) - 1)
    scope = FetchScope((Series.POWER,), since=first, until=last)
    again = [request for chunk in planned(subject, entries, scope) for request in chunk.requests]
    entries += [entry(request, window_of(request), NOW) for request in again]
    covered = sorted((entry.closes_at - ONE_DAY, entry.closes_at) for entry in entries if entry.closes_at)
    if now_offset == -8:
        for (_, end), (start, _) in pairwise(covered):
            assert start <= end, "no hour between two days"
    assert len(again) <= sum(
        before == -7 and after == -8 for before, after in zip(offsets, [*offsets[1:], now_offset], strict=True)
    )
    assert not planned(subject, entries, scope), "asked once"


@examples(60)
@given(
    zone=st.sampled_from(ZONES),
    spans=st.lists(st.tuples(st.integers(0, 40 * 96), st.integers(1, 200)), max_size=6),
    asked_back=st.integers(2, 50),
)
def test_windows_that_are_left_out_early_would_not_be_requested(
    zone: tzinfo, spans: list[tuple[int, int]], asked_back: int
) -> None:
    """Most settled windows are left out by their days alone; the plan is as if each had been examined."""
    first = local_today(NOW, zone) - timedelta(days=40)
    subject = PlannedSite(SITE_ID, zone, zone, first, has_battery=True)
    scope = FetchScope((Series.POWER, Series.ENERGY_DAY))
    asked_at = NOW - timedelta(days=asked_back)
    everything = [request for chunk in planned(subject, [], scope) for request in chunk.requests]
    entries = [
        entry(request, window_of(request), max(asked_at, window_of(request).closes_at + timedelta(hours=49)))
        for request in everything
    ]
    beginning, quarter = datetime(first.year, first.month, first.day, tzinfo=UTC), timedelta(minutes=15)
    gaps = merged([(beginning + at * quarter, beginning + (at + length) * quarter) for at, length in spans])
    lacking = Incomplete({"power": gaps})
    with patch.object(RequestedAgain, "may_be_due", lambda *_: True):
        expected = plan(subject, entries, scope, now=NOW, settle_hours=SETTLE_HOURS, incomplete=lacking)
    assert plan(subject, entries, scope, now=NOW, settle_hours=SETTLE_HOURS, incomplete=lacking) == expected
