"""Local days of every zone there is, against the zone database itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE, answer, energy_row, power_row, slots
from transform.interval_lengths import measure_interval_s
from transform.intervals import shape_energy_intervals, shape_power
from transform.time import day_edges_us, days_of, instants_of, local_date, to_utc
from wattlog.zones import Zone, zone_names

ZONES = sorted(zone_names())
FIRST, LAST = date(2024, 12, 1), date(2026, 1, 31)


def change_days(zone: Zone) -> list[date]:
    """Days between FIRST and LAST in which the offset of a zone changes."""
    noon = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC)
    instants = [noon + timedelta(days=ahead) for ahead in range((LAST - FIRST).days)]
    offsets = [instant.astimezone(zone).utcoffset() for instant in instants]
    return [
        instants[index].astimezone(zone).date() + timedelta(days=ahead)
        for index in range(1, len(offsets))
        if offsets[index] != offsets[index - 1]
        for ahead in (-1, 0)
    ]


def test_local_dates_are_right_in_every_zone_around_every_change_of_offset() -> None:
    """Q5, Q36, Q37: 5-minute instants of two days around each change, in all zones of the database."""
    compared = 0
    for name in ZONES:
        zone = Zone(name)
        for day in change_days(zone):
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=1)
            instants = [noon + timedelta(minutes=5 * index) for index in range(0, 2 * 288, 3)]
            series = pd.Series(pd.DatetimeIndex(instants).as_unit("us"))
            expected = np.array([instant.astimezone(zone).date() for instant in instants], dtype="datetime64[D]")
            assert (days_of(local_date(series, zone)) == expected).all(), (name, day)
            compared += len(instants)
    assert compared > 50_000


def test_days_begin_at_their_first_instant_in_every_zone() -> None:
    """Each start is of its day, the second before it is of the day before; lengths differ from 24 hours at changes only."""
    changes = 0
    for name in ZONES:
        zone = Zone(name)
        for day in change_days(zone):
            start, following = instants_of(day_edges_us(day, day, zone))
            assert start.tz_convert(zone).date() == day, (name, day)
            assert (start - pd.Timedelta(seconds=1)).tz_convert(zone).date() == day - timedelta(days=1), (name, day)
            assert following.tz_convert(zone).date() == day + timedelta(days=1), (name, day)
            changes += (following - start) != pd.Timedelta(hours=24)
    assert changes > 300


@examples(150)
@given(
    name=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2012, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - made aware below
    minutes=st.lists(st.integers(0, 3 * 24 * 60), min_size=1, max_size=20),
)
def test_any_instant_in_any_zone_has_the_date_that_the_zone_says(
    name: str, start: datetime, minutes: list[int]
) -> None:
    """Strings with the offset of the moment go in, the zone's own dates come out."""
    zone = Zone(name)
    instants = [(start.replace(tzinfo=UTC) + timedelta(minutes=minute)).astimezone(zone) for minute in minutes]
    read = to_utc(pd.Series([instant.isoformat() for instant in instants], dtype="str"))
    assert [instant.to_pydatetime() for instant in read] == instants
    assert local_date(read, zone).tolist() == [instant.date() for instant in instants]


@pytest.mark.parametrize(
    ("zone", "day", "rows"),
    [
        ("America/Los_Angeles", date(2025, 3, 9), 276),
        ("America/Los_Angeles", date(2025, 11, 2), 300),
        ("Europe/Dublin", date(2025, 3, 30), 276),
        ("Europe/Dublin", date(2025, 10, 26), 300),
        ("Australia/Sydney", date(2025, 10, 5), 276),
        ("Australia/Sydney", date(2025, 4, 6), 300),
        ("Australia/Lord_Howe", date(2025, 10, 5), 282),
        ("Australia/Lord_Howe", date(2025, 4, 6), 294),
        ("Pacific/Chatham", date(2025, 9, 28), 276),
        ("Asia/Kolkata", date(2025, 3, 9), 288),
    ],
)
def test_days_of_every_length_are_filed_whole(zone: str, day: date, rows: int) -> None:
    """Q5, Q37: 276, 300, 282, 294 rows of five minutes; each is filed once, dated right, and 300 s long."""
    site = replace(BATTERY_SITE, timezone=zone)
    stamps = slots(day, Zone(zone))
    named = {"installation_time_zone": site.timezone}
    of_energy = [energy_row(stamp, grid_energy_imported=1) for stamp in stamps]
    energy = answer("energy_interval", of_energy, day=day, envelope=named)
    powers = answer("power", [power_row(stamp, 12) for stamp in stamps], day=day, envelope=named)
    intervals = shape_energy_intervals([energy], site)["energy_intervals"]
    for frame in (intervals, shape_power([powers], site)["power"]):
        assert len(frame) == rows
        assert set(frame["local_date"]) == {day}
        assert set(frame["interval_s"]) == {300}
    assert intervals["grid_energy_imported_wh"].sum() == rows


@examples(100)
@given(
    name=st.sampled_from(ZONES),
    ahead=st.integers(0, (LAST - FIRST).days),
    step_s=st.sampled_from([300, 900, 1800, 3600]),
    kept=st.lists(st.booleans(), min_size=16, max_size=16),
)
def test_the_length_is_measured_right_whatever_is_missing(name: str, ahead: int, step_s: int, kept: list[bool]) -> None:
    """Q14, Q15: whole stretches of a day may be missing, as long as some hours of it are there."""
    stamps = [stamp.astimezone(UTC) for stamp in slots(FIRST + timedelta(days=ahead), Zone(name), step_s=step_s)]
    size = len(stamps) // 16 + 1
    present = [stamp for index, stamp in enumerate(stamps) if index // size == 0 or kept[index // size]]
    if size < 5:  # hours: a stretch of one or two rows is no evidence
        present = stamps
    series = pd.Series(pd.DatetimeIndex(present).as_unit("us"))
    lengths = measure_interval_s(series, np.zeros(len(present), dtype=np.int64), default_s=60)
    assert set(lengths.tolist()) == {step_s}
