"""Windows over every IANA zone and the years 2015 to 2030."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extract.windows import day_exists, last_second, windows
from tests.examples import examples
from wattlog.local_days import first_instant
from wattlog.series_spec import Grain
from wattlog.zones import Zone, zone_names

ZONES = sorted(zone_names())
FIRST, LAST = date(2015, 1, 1), date(2030, 12, 31)
days = st.dates(FIRST, LAST)
zones = st.sampled_from(ZONES)


HALF_DAY = timedelta(hours=12)
HALF_DAYS = (date(LAST.year + 1, 1, 1) - FIRST) // HALF_DAY
STRIDE = 8
"""Half days between two looks at a zone's offset: no zone changes it and changes it back within four days."""


@cache
def change_days(name: str) -> tuple[date, ...]:
    """The local days on and beside which the zone's offset changes: where windows go wrong, if they do."""
    zone, found = Zone(name), []

    def at(half_day: int) -> datetime:
        return (datetime(FIRST.year, 1, 1, tzinfo=UTC) + half_day * HALF_DAY).astimezone(zone)

    for start in range(0, HALF_DAYS, STRIDE):
        stop = min(start + STRIDE, HALF_DAYS)
        if at(start).utcoffset() != at(stop).utcoffset():
            for half_day in range(start, stop):
                if at(half_day).utcoffset() != at(half_day + 1).utcoffset():
                    found += [at(half_day).date() + timedelta(days=shift) for shift in (-1, 0, 1, 2)]
    return tuple(found)


def assert_end_date_selects(day: date, name: str) -> None:
    """The `end_date` lies in the last second of the day, with the offset in force then, and is not midnight (Q1, Q2)."""
    zone = Zone(name)
    (window,) = windows(Grain.DAY, day, day, zone, today=LAST + timedelta(days=400))
    sent = datetime.fromisoformat(window.end_date)
    there = sent.astimezone(zone)
    assert there.date() == day
    assert there.microsecond == 0
    after = (sent.astimezone(UTC) + timedelta(seconds=1)).astimezone(zone)
    assert after.date() > day
    assert sent.utcoffset() == there.utcoffset()
    assert (there.hour, there.minute, there.second) != (0, 0, 0)
    assert window.closes_at == sent.astimezone(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("name", ZONES)
def test_every_day_near_a_change_of_offset(name: str) -> None:
    for day in change_days(name):
        if FIRST <= day <= LAST and day_exists(day, Zone(name)):
            assert_end_date_selects(day, name)


@examples(500)
@given(days, zones)
@example(date(2018, 11, 4), "America/Sao_Paulo")  # midnight is skipped
@example(date(2018, 2, 17), "America/Sao_Paulo")  # 23:00 to 24:00 comes twice
@example(date(2024, 11, 3), "America/Havana")  # midnight comes twice
@example(date(2018, 5, 4), "Asia/Pyongyang")  # the day ends at 23:30
@example(date(2025, 4, 6), "Australia/Lord_Howe")  # half an hour longer
def test_end_date_selects_its_day_and_no_other(day: date, name: str) -> None:
    assert_end_date_selects(day, name)


@examples(100)
@given(days, zones, st.integers(0, 80))
def test_days_tile_time(start: date, name: str, length: int) -> None:
    """Each day's window begins at the instant the one before closes: no second is in none, none in two."""
    found = list(
        windows(Grain.DAY, start, start + timedelta(days=length), Zone(name), today=LAST + timedelta(days=400))
    )
    for one, next_one in pairwise(found):
        assert one.closes_at == next_one.start_at.astimezone(UTC)
        assert one.end + timedelta(days=1) == next_one.start


@examples(100)
@given(days, zones, st.sampled_from([Grain.MONTH, Grain.YEAR]), st.integers(0, 800))
def test_months_and_years_cover_the_range_without_overlap(start: date, name: str, grain: Grain, length: int) -> None:
    until = start + timedelta(days=length)
    zone = Zone(name)
    found = list(windows(grain, start, until, zone, today=until))
    assert found[0].start <= start
    assert found[-1].end >= until
    for one, next_one in pairwise(found):
        assert one.end + timedelta(days=1) == next_one.start
        assert one.end_at == last_second(one.end, zone)
    assert found[-1].end_at == last_second(until, zone), "a window that is not over is asked up to the end of today"


@given(st.dates(date(1950, 1, 1), date(2037, 1, 1)), zones)
def test_first_instant_is_the_first(day: date, name: str) -> None:
    """Nothing earlier shows this date, in any year that the time-zone database covers well."""
    zone = Zone(name)
    if not day_exists(day, zone):
        return
    start = first_instant(day, zone)
    assert start.astimezone(zone).date() == day
    assert (start - timedelta(seconds=1)).astimezone(zone).date() < day
