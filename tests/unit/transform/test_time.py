"""Instants, local days and interval lengths."""

from datetime import UTC, date, timedelta, timezone, tzinfo

import pandas as pd
import pytest

from transform.time import (
    date_column,
    days_from,
    days_of,
    local_date,
    to_utc,
)
from wattlog.zones import Zone


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
    """Q5, Q6: they differ by their offset."""
    instants = to_utc(pd.Series(["2025-11-02T01:55:00-07:00", "2025-11-02T01:00:00-08:00"]))
    assert (instants[1] - instants[0]).total_seconds() == 300


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (Zone("Asia/Kolkata"), date(2025, 1, 1)),
        (Zone("Pacific/Chatham"), date(2025, 1, 1)),
        (Zone("America/St_Johns"), date(2024, 12, 31)),
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
