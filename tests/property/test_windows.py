"""Windows over every IANA zone and the years 2015 to 2030."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extract.windows import Grain, day_exists, first_instant, last_second, windows

ZONES = sorted(available_timezones() - {"localtime"})
FIRST, LAST = date(2015, 1, 1), date(2030, 12, 31)
days = st.dates(FIRST, LAST)
zones = st.sampled_from(ZONES)


@cache
def change_days(name: str) -> tuple[date, ...]:
    """The local days on and beside which the zone's offset changes: where windows go wrong, if they do."""
    zone, found = ZoneInfo(name), []
    at = datetime(FIRST.year, 1, 1, tzinfo=UTC)
    while at.year <= LAST.year:
        after = at + timedelta(hours=12)
        if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            day = at.astimezone(zone).date()
            found += [day + timedelta(days=shift) for shift in (-1, 0, 1, 2)]
        at = after
    return tuple(found)


def assert_end_date_selects(day: date, name: str) -> None:
    """The `end_date` lies in the last second of the day, with the offset in force then, and is not midnight (Q1, Q2)."""
    zone = ZoneInfo(name)
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
        if FIRST <= day <= LAST and day_exists(day, ZoneInfo(name)):
            assert_end_date_selects(day, name)


@settings(max_examples=500, deadline=None)
@given(days, zones)
@example(date(2018, 11, 4), "America/Sao_Paulo")  # midnight is skipped
@example(date(2018, 2, 17), "America/Sao_Paulo")  # 23:00 to 24:00 comes twice
@example(date(2024, 11, 3), "America/Havana")  # midnight comes twice
@example(date(2018, 5, 4), "Asia/Pyongyang")  # the day ends at 23:30
@example(date(2025, 4, 6), "Australia/Lord_Howe")  # half an hour longer
def test_end_date_selects_its_day_and_no_other(day: date, name: str) -> None:
    assert_end_date_selects(day, name)


@settings(max_examples=100, deadline=None)
@given(days, zones, st.integers(0, 80))
def test_days_tile_time(start: date, name: str, length: int) -> None:
    """Each day's window begins at the instant the one before closes: no second is in none, none in two."""
    found = list(
        windows(Grain.DAY, start, start + timedelta(days=length), ZoneInfo(name), today=LAST + timedelta(days=400))
    )
    for one, next_one in pairwise(found):
        assert one.closes_at == next_one.start_at.astimezone(UTC)
        assert one.end + timedelta(days=1) == next_one.start


@settings(max_examples=100, deadline=None)
@given(days, zones, st.sampled_from([Grain.MONTH, Grain.YEAR]), st.integers(0, 800))
def test_months_and_years_cover_the_range_without_overlap(start: date, name: str, grain: Grain, length: int) -> None:
    until = start + timedelta(days=length)
    zone = ZoneInfo(name)
    found = list(windows(grain, start, until, zone, today=until))
    assert found[0].start <= start
    assert found[-1].end >= until
    for one, next_one in pairwise(found):
        assert one.end + timedelta(days=1) == next_one.start
        assert one.end_at == last_second(one.end, zone)
    assert found[-1].end_at == last_second(until, zone), "a window that is not over is asked up to the end of today"


@given(st.dates(date(1950, 1, 1), date(2037, 1, 1)), zones)
def test_first_instant_is_the_first(day: date, name: str) -> None:
    """Nothing earlier shows this date, in any year the time-zone database knows well."""
    zone = ZoneInfo(name)
    if not day_exists(day, zone):
        return
    start = first_instant(day, zone).astimezone(UTC)
    assert start.astimezone(zone).date() == day
    assert (start - timedelta(seconds=1)).astimezone(zone).date() < day
