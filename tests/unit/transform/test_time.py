"""Instants, local days and interval lengths."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import slots
from transform.time import (
    date_column,
    day_starts,
    days_from,
    days_of,
    local_date,
    measure_interval_s,
    to_utc,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-06-10T00:00:00-07:00", "2025-06-10 07:00:00"),
        ("2025-06-10T07:00:00Z", "2025-06-10 07:00:00"),
        ("2025-06-10T10:00:00+10:00", "2025-06-10 00:00:00"),
        ("2025-06-10T10:00+10:00", "2025-06-10 00:00:00"),
        ("2025-06-10T10:00:00.123+1000", "2025-06-10 00:00:00.123000"),
        ("2019-08-25T23:59:58.0000000+10:00", "2019-08-25 13:59:58"),
        ("2025-06-10 00:00:00-07:00", "2025-06-10 07:00:00"),
    ],
)
def test_every_spelling_of_an_instant_is_understood(text: str, expected: str) -> None:
    """Q5, Q18: Z, numeric offsets, fractions of a second, seven digits of them too."""
    assert str(to_utc(pd.Series([text]))[0]) == f"{expected}+00:00"


@pytest.mark.parametrize(
    "text", ["2025-06-10T00:00:00", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-06-10", "", "now", None]
)
def test_text_that_names_no_instant_is_nat_and_spoils_nothing_else(text: str | None) -> None:
    """A stamp without offset names no instant; to take it for UTC would move the row by hours."""
    instants = to_utc(pd.Series(["2025-06-10T00:00:00-07:00", text, "2025-06-10T07:05:00Z"], dtype="str"))
    assert instants.isna().tolist() == [False, True, False]
    assert instants.dtype == "datetime64[us, UTC]"
    assert str(instants[2]) == "2025-06-10 07:05:00+00:00"


def test_an_autumn_hour_that_comes_twice_is_two_hours() -> None:
    """Q5, Q6: the offset tells them apart."""
    instants = to_utc(pd.Series(["2025-11-02T01:55:00-07:00", "2025-11-02T01:00:00-08:00"]))
    assert (instants[1] - instants[0]).total_seconds() == 300


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (ZoneInfo("Asia/Kolkata"), date(2025, 1, 1)),
        (ZoneInfo("Pacific/Chatham"), date(2025, 1, 1)),
        (ZoneInfo("America/St_Johns"), date(2024, 12, 31)),
        (timezone(timedelta(hours=-7)), date(2024, 12, 31)),
        (timezone(timedelta(minutes=345)), date(2025, 1, 1)),
        (UTC, date(2024, 12, 31)),
    ],
)
def test_the_local_date_is_that_of_the_zone_whatever_its_offset(zone: tzinfo, expected: date) -> None:
    """Q36: half and quarter hours are offsets like any other."""
    dates = local_date(to_utc(pd.Series(["2024-12-31T18:45:00Z"])), zone)
    assert dates.tolist() == [expected]
    assert str(dates.dtype) == "date32[day][pyarrow]"


def test_dates_survive_the_way_to_a_column_and_back() -> None:
    days = days_from(date(2024, 2, 28), date(2024, 3, 1))
    assert len(days) == 3
    assert (days_of(date_column(days)) == days).all()


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("America/Los_Angeles", date(2025, 3, 9), "2025-03-09 08:00", 23.0),
        ("America/Los_Angeles", date(2025, 11, 2), "2025-11-02 07:00", 25.0),
        ("Australia/Lord_Howe", date(2025, 4, 6), "2025-04-05 13:00", 24.5),
        ("Australia/Lord_Howe", date(2025, 10, 5), "2025-10-04 13:30", 23.5),
        ("America/Havana", date(2025, 11, 2), "2025-11-02 04:00", 25.0),
        ("America/Havana", date(2025, 3, 9), "2025-03-09 05:00", 23.0),
        ("Asia/Beirut", date(2025, 3, 30), "2025-03-29 22:00", 23.0),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30 10:00", 0.0),
    ],
)
def test_a_day_begins_at_its_first_instant_and_is_as_long_as_it_was(
    zone: str, day: date, start: str, hours: float
) -> None:
    """Q5, Q37: midnight may come twice (Havana), be skipped (Havana, Beirut), or not be at all (Apia)."""
    starts = day_starts(day, day, ZoneInfo(zone))
    assert starts[0].strftime("%Y-%m-%d %H:%M") == start
    assert (starts[1] - starts[0]) == pd.Timedelta(hours=hours)


def measured(stamps: list[datetime], answers: list[int] | None = None, default_s: int = 300) -> list[int]:
    instants = pd.Series(pd.DatetimeIndex([each.astimezone(UTC) for each in stamps]).as_unit("us"))
    owners = np.array(answers or [0] * len(stamps), dtype=np.int64)
    return [int(length) for length in measure_interval_s(instants, owners, default_s=default_s)]


@pytest.mark.parametrize("step_s", [300, 900, 1800, 3600])
@pytest.mark.parametrize(
    ("zone", "day"), [("America/Los_Angeles", date(2025, 3, 9)), ("Australia/Lord_Howe", date(2025, 4, 6))]
)
def test_the_length_is_measured_on_days_when_the_clocks_change(zone: str, day: date, step_s: int) -> None:
    """Q5, Q10, Q37: nothing is assumed of the length, and a skipped hour is no gap."""
    assert set(measured(slots(day, ZoneInfo(zone), step_s=step_s), default_s=60)) == {step_s}


def test_gaps_do_not_lengthen_the_intervals_beside_them() -> None:
    """Q14, Q15: rows are missing here and there, and a whole morning is."""
    day = slots(date(2025, 6, 10), UTC)
    assert set(measured([*day[:40], *day[41:50], *day[52:60], *day[150:]])) == {300}


def test_the_order_of_rows_and_the_other_answers_mean_nothing() -> None:
    """A five-minute and a quarter-hour answer side by side each keep their own length."""
    fine, coarse = slots(date(2025, 6, 10), UTC), slots(date(2025, 6, 11), UTC, step_s=900)
    stamps = [*reversed(fine), *coarse[::2], *coarse[1::2]]
    assert measured(stamps, [0] * len(fine) + [1] * len(coarse)) == [300] * len(fine) + [900] * len(coarse)


def test_an_answer_with_too_few_rows_takes_the_usual_length() -> None:
    """Two rows around a gap are a quarter of an hour apart; its siblings say what the series is."""
    full = slots(date(2025, 6, 10), UTC)
    few = [datetime(2025, 6, 11, 0, 0, tzinfo=UTC), datetime(2025, 6, 11, 0, 15, tzinfo=UTC)]
    assert measured([*full, *few], [0] * len(full) + [1, 1])[-2:] == [300, 300]


def test_a_single_row_takes_the_default_of_its_series() -> None:
    assert measured([datetime(2025, 6, 10, tzinfo=UTC)], default_s=900) == [900]


def test_rows_of_different_answers_are_no_neighbours() -> None:
    """Each answer's last row and the next one's first say nothing of a length."""
    stamps = [datetime(2025, 6, 10, 0, 15 * index, tzinfo=UTC) for index in range(4)]
    assert measured(stamps, [0, 1, 2, 3], default_s=300) == [300] * 4


def test_no_rows_have_no_lengths() -> None:
    assert measured([]) == []
