"""Which windows are asked, and which never again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from extract.archive import Entry, Exchange, RawArchive
from extract.planner import Chunk, Subject, Wanted, plan
from extract.series import HISTORY, Series

ZONE = ZoneInfo("Europe/London")
NOW = datetime(2025, 4, 2, 12, tzinfo=UTC)
SITE = Subject(1001, ZONE, date(2025, 2, 20), has_battery=True)
SINCE = date(2025, 3, 25)


def planned(entries: list[Entry] | None = None, now: datetime = NOW, subject: Subject = SITE) -> list[Chunk]:
    return plan(subject, entries or [], Wanted(tuple(HISTORY), since=SINCE), now=now, settle_hours=48)


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


def test_the_parameters_say_what_is_meant() -> None:
    """kind and period per series; start_date and time_zone go along (Q1); London's day of the spring change."""
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
    """Q7: windows are days of the offset by which the server cuts."""
    subject = replace(SITE, zone=timezone(timedelta(hours=-7)))
    request = planned(subject=subject)[0].requests[0]
    assert "time_zone" not in dict(request.params)
    assert dict(request.params)["end_date"].endswith("-07:00")


def test_no_state_of_energy_without_a_battery() -> None:
    assert not windows_of(planned(subject=replace(SITE, has_battery=False)), Series.SOE)


def test_walking_back_stops_at_the_installation() -> None:
    chunks = plan(SITE, [], Wanted((Series.POWER,)), now=NOW, settle_hours=48)
    assert min(windows_of(chunks, Series.POWER)) == date(2025, 2, 20)


@pytest.fixture
def answered(tmp_path: Path) -> list[Entry]:
    """Every planned window, answered at NOW."""
    archive = RawArchive(tmp_path)
    for chunk in planned():
        for request in chunk.requests:
            archive.keep(Exchange(request, NOW, 1.0, 1, 200, {}, b"{}", "no_data"), run_id="run", provider="simulator")
    return archive.entries(1001)


def test_settled_windows_are_never_asked_again(answered: list[Entry]) -> None:
    """Q12, Q13: an answer is final when it was kept 48 hours after the window's end, data or not."""
    again = planned(answered)
    assert windows_of(again, Series.POWER) == [date(2025, 4, 2), date(2025, 4, 1), date(2025, 3, 31)]
    assert windows_of(again, Series.ENERGY_DAY) == [date(2025, 4, 1), date(2025, 3, 1)]
    assert windows_of(again, Series.ENERGY_MONTH) == [date(2025, 1, 1)]


def test_the_day_after_an_answer_does_not_settle_by_itself(answered: list[Entry]) -> None:
    """A window answered too early is asked once more, however much later that is (Q25)."""
    later = planned(answered, now=NOW + timedelta(days=30))
    assert date(2025, 3, 31) in windows_of(later, Series.POWER)
    assert date(2025, 3, 30) not in windows_of(later, Series.POWER)


def test_errors_do_not_settle(answered: list[Entry]) -> None:
    failed = [replace(entry, outcome="error", status=500) for entry in answered]
    assert planned(failed) == planned()
