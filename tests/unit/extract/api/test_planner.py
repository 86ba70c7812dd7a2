"""Which windows are requested, and which never again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from extract.api.planner import EARLIEST, Chunk, FetchScope, PlannedSite, cross_check_requests, plan
from extract.archive.raw_archive import IndexEntry, RawArchive, Response
from wattlog.series import series_with_windows
from wattlog.series_spec import Series
from wattlog.zones import Zone

ZONE = Zone("Europe/London")
NOW = datetime(2025, 4, 2, 12, tzinfo=UTC)
SITE = PlannedSite(1001, ZONE, ZONE, date(2025, 2, 20), has_battery=True)
SINCE = date(2025, 3, 25)


def planned(entries: list[IndexEntry] | None = None, now: datetime = NOW, subject: PlannedSite = SITE) -> list[Chunk]:
    return plan(subject, entries or [], FetchScope(series_with_windows(), since=SINCE), now=now, settle_hours=48)


def windows_of(chunks: list[Chunk], series: Series) -> list[date]:
    return [
        request.window.start
        for chunk in chunks
        if chunk.series is series
        for request in chunk.requests
        if request.window
    ]


def test_every_window_of_the_range_newest_first() -> None:
    chunks = planned()
    assert windows_of(chunks, Series.POWER) == [date(2025, 4, 2) - timedelta(days=back) for back in range(9)]
    assert windows_of(chunks, Series.ENERGY_DAY) == [date(2025, 4, 1), date(2025, 3, 1)]
    assert windows_of(chunks, Series.ENERGY_MONTH) == [date(2025, 1, 1)]
    assert windows_of(chunks, Series.ENERGY_YEAR) == [date(2025, 2, 20)], "a lifetime begins at the installation"
    assert [chunk.month for chunk in chunks] == sorted((chunk.month for chunk in chunks), reverse=True)


def test_the_parameters_of_requests() -> None:
    """kind and period per series; start_date and time_zone are sent (Q1); London's day of the spring change."""
    sent = {
        (chunk.series, request.window.start): dict(request.params)
        for chunk in planned()
        for request in chunk.requests
        if request.window
    }
    assert sent[(Series.POWER, date(2025, 3, 30))] == {
        "kind": "power",
        "start_date": "2025-03-30T00:00:00+00:00",
        "end_date": "2025-03-30T23:59:59+01:00",
        "time_zone": "Europe/London",
    }
    assert sent[(Series.ENERGY_DAY, date(2025, 3, 1))]["end_date"] == "2025-03-31T23:59:59+01:00"
    assert sent[(Series.ENERGY_DAY, date(2025, 4, 1))]["end_date"] == "2025-04-02T23:59:59+01:00", "up to today"
    assert sent[(Series.ENERGY_INTERVAL, date(2025, 4, 1))]["period"] == "day"
    assert sent[(Series.ENERGY_MONTH, date(2025, 1, 1))]["period"] == "year"
    assert sent[(Series.ENERGY_YEAR, date(2025, 2, 20))]["period"] == "lifetime"


def test_a_fixed_offset_is_no_time_zone_name() -> None:
    """Q7: windows are days of the offset that the server uses."""
    subject = replace(SITE, zone=timezone(timedelta(hours=-7)))
    request = planned(subject=subject)[0].requests[0]
    assert "time_zone" not in dict(request.params)
    assert dict(request.params)["end_date"].endswith("-07:00")


def test_no_state_of_energy_without_a_battery() -> None:
    assert not windows_of(planned(subject=replace(SITE, has_battery=False)), Series.SOE)


def test_the_history_begins_with_the_installation() -> None:
    chunks = plan(SITE, [], FetchScope((Series.POWER,)), now=NOW, settle_hours=48)
    assert min(windows_of(chunks, Series.POWER)) == date(2025, 2, 20)


def test_no_day_is_requested_from_before_any_history() -> None:
    """An installation of 2007 may be true; no site has data of that time (Q17)."""
    subject = replace(SITE, installed_on=date(2007, 3, 1))
    chunks = plan(subject, [], FetchScope((Series.POWER,)), now=NOW, settle_hours=48)
    assert min(windows_of(chunks, Series.POWER)) == EARLIEST


@pytest.fixture
def answered(tmp_path: Path) -> list[IndexEntry]:
    """Every planned window, with a response at NOW."""
    archive = RawArchive(tmp_path)
    for chunk in planned():
        for request in chunk.requests:
            archive.keep(Response(request, NOW, 1.0, 1, 200, {}, b"{}", "no_data"), run_id="run", provider="simulator")
    return archive.entries(1001)


def test_settled_windows_are_never_requested_again(answered: list[IndexEntry]) -> None:
    """Q12, Q13: a response is final if it was kept 48 hours after the window's end, with data or without."""
    again = planned(answered)
    assert windows_of(again, Series.POWER) == [date(2025, 4, 2), date(2025, 4, 1), date(2025, 3, 31)]
    assert windows_of(again, Series.ENERGY_DAY) == [date(2025, 4, 1), date(2025, 3, 1)]
    assert windows_of(again, Series.ENERGY_MONTH) == [date(2025, 1, 1)]


def test_time_alone_does_not_settle_a_window(answered: list[IndexEntry]) -> None:
    """A window that was requested too early is requested once more, at any later time (Q25)."""
    later = planned(answered, now=NOW + timedelta(days=30))
    assert date(2025, 3, 31) in windows_of(later, Series.POWER)
    assert date(2025, 3, 30) not in windows_of(later, Series.POWER)


def test_errors_do_not_settle(answered: list[IndexEntry]) -> None:
    failed = [replace(entry, outcome="error", status=500) for entry in answered]
    assert planned(failed) == planned()


def series_of(chunks: list[Chunk]) -> set[Series]:
    return {chunk.series for chunk in chunks}


def test_series_that_a_site_does_not_have_are_not_requested() -> None:
    """Except a series that was named: a site may have more than site_info lists."""
    bare = replace(SITE, has_battery=False)
    needed = {Series.SOE, Series.BACKUP, Series.CHARGE}
    assert series_of(planned(subject=bare)) == set(series_with_windows()) - needed
    assert series_of(planned(subject=replace(bare, has_wall_connectors=True))) == set(
        series_with_windows()
    ) - needed | {Series.CHARGE}
    named = plan(bare, [], FetchScope(tuple(needed), is_named=True), now=NOW, settle_hours=48)
    assert series_of(named) == needed


def test_the_legacy_endpoint_is_requested_each_time() -> None:
    (chunk,) = plan(SITE, [], FetchScope((Series.HISTORY,)), now=NOW, settle_hours=48)
    assert (chunk.month, len(chunk.requests)) == ("2025-04", 5)


def test_quarter_hours_are_requested_with_the_day_in_both_eras() -> None:
    """Q10, Q21: before April 2024 only they have more than one row; since then they may divide the same energy differently."""
    old = replace(SITE, installed_on=date(2020, 1, 1))
    scope = FetchScope(
        (Series.ENERGY_INTERVAL,), since=date(2024, 4, 7), until=date(2024, 4, 8), has_quarter_hours=True
    )
    chunks = plan(old, [], scope, now=NOW, settle_hours=48)
    asked = [(request.days, dict(request.params).get("interval")) for chunk in chunks for request in chunk.requests]
    assert asked == [("2024-04-08", None), ("2024-04-08", "15m"), ("2024-04-07", None), ("2024-04-07", "15m")]


def test_a_response_of_quarter_hours_does_not_settle_the_day(tmp_path: Path) -> None:
    old = replace(SITE, installed_on=date(2020, 1, 1))
    day = date(2024, 4, 6)
    scope = FetchScope((Series.ENERGY_INTERVAL,), since=day, until=day, has_quarter_hours=True)
    (chunk,) = plan(old, [], scope, now=NOW, settle_hours=48)
    quarter = next(request for request in chunk.requests if "interval" in dict(request.params))
    archive = RawArchive(tmp_path)
    archive.keep(Response(quarter, NOW, 1.0, 1, 200, {}, b"{}", "data"), run_id="run", provider="simulator")
    (left,) = plan(old, archive.entries(1001), scope, now=NOW, settle_hours=48)
    assert [dict(request.params).get("interval") for request in left.requests] == [None]


def test_the_search_before_the_installation_stops_after_sixty_days() -> None:
    """Q17: requested by --since; zeros do not count as energy."""
    scope = FetchScope((Series.POWER,), since=date(2019, 1, 1))
    assert min(windows_of(plan(SITE, [], scope, now=NOW, settle_hours=48), Series.POWER)) == date(2024, 12, 22)


def test_rows_of_zeros_do_not_lead_further_back(tmp_path: Path) -> None:
    """Q17: before the installation there may be nothing, or zeros."""
    scope, archive = FetchScope((Series.POWER,), since=date(2019, 1, 1)), RawArchive(tmp_path)
    chunks = plan(SITE, [], scope, now=NOW, settle_hours=48)
    for request in (request for chunk in chunks for request in chunk.requests):
        archive.keep(Response(request, NOW, 1.0, 1, 200, {}, b"{}", "data"), run_id="run", provider="simulator")
    entries = archive.entries(1001)
    further = plan(SITE, entries, scope, now=NOW, settle_hours=48)
    assert min(windows_of(further, Series.POWER)) == date(2024, 12, 22) - timedelta(days=60)
    ended = plan(SITE, entries, scope, now=NOW, settle_hours=48, holds_energy=lambda _: False)
    assert min(windows_of(ended, Series.POWER)) > date(2024, 12, 22)


def test_a_site_without_a_known_beginning_has_one_lifetime(tmp_path: Path) -> None:
    """However far back the search went, the window of the lifetime is the same, so that new rows replace old ones."""
    unknown = replace(SITE, installed_on=None)
    for since in (None, date(2025, 3, 1)):
        chunks = plan(unknown, [], FetchScope((Series.ENERGY_YEAR,), since=since), now=NOW, settle_hours=48)
        assert windows_of(chunks, Series.ENERGY_YEAR) == [EARLIEST]


def test_cross_check_requests_of_suspect_days(answered: list[IndexEntry]) -> None:
    """Q19: their weeks, newest first, and the days that are not stored; nothing of the future."""
    days = [date(2025, 3, 26), date(2025, 3, 27), date(2025, 4, 1), date(2025, 4, 20)]
    asked = cross_check_requests(SITE, answered, days, now=NOW, settle_hours=48)
    assert [(request.series, request.days) for request in asked] == [
        (Series.ENERGY_DAY, "2025-03-31 to 2025-04-06"),
        (Series.ENERGY_DAY, "2025-03-24 to 2025-03-30"),
        (Series.ENERGY_INTERVAL, "2025-04-01"),
    ]
    assert dict(asked[0].params)["end_date"] == "2025-04-02T23:59:59+01:00", "a week that is not over ends today"
