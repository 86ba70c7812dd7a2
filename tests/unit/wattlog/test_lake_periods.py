"""The periods by which the lake is stored: months, closed years, and the lifetime."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from wattlog.lake_periods import LIFETIME, holds, is_period, is_year, months_of_year, open_year, within, year_of

DAYS = st.dates(date(1970, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize("text", ["2025", "2025-01", "2025-12", "1999", LIFETIME, open_year("2025")])
def test_what_is_a_period(text: str) -> None:
    assert is_period(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25",
        "2025-1",
        "2025-00",
        "2025-13",
        "2025-01-01",
        "2025-",
        "x2025",
        "2025\n",
        "٢٠٢٥",
        "lifetimes",
        "2025-years",
        "-year",
    ],
)
def test_what_is_none(text: str) -> None:
    assert not is_period(text)


@pytest.mark.parametrize(
    ("period", "is_closed", "year"),
    [
        ("2024", True, "2024"),
        ("2025-03", False, "2025"),
        (open_year("2025"), False, "2025"),
        (LIFETIME, False, LIFETIME),
    ],
)
def test_kinds_of_periods(period: str, is_closed: bool, year: str) -> None:
    assert (is_year(period), year_of(period)) == (is_closed, year)


@examples(50)
@given(day=DAYS, other=DAYS)
def test_a_day_lies_in_its_month_and_its_year_alone(day: date, other: date) -> None:
    month, year = f"{day:%Y-%m}", f"{day:%Y}"
    days = np.array([day, other], dtype="datetime64[D]")
    assert within(days, month).tolist() == [True, f"{other:%Y-%m}" == month]
    assert within(days, year).tolist() == [True, other.year == day.year]
    assert all(within(days, period).tolist() == [False, False] for period in (LIFETIME, open_year(year)))
    assert within(days[:0], year).tolist() == []
    assert month in months_of_year(year)
    assert holds(year, month)
    assert holds(month, month)
    assert holds(year, f"{other:%Y-%m}") == (other.year == day.year)
    assert holds(month, f"{other:%Y-%m}") == (f"{other:%Y-%m}" == month)
    assert not holds(LIFETIME, month)
    assert not holds(open_year(year), month)


def test_the_months_of_a_year() -> None:
    months = months_of_year("2024")
    assert (len(months), months[0], months[-1]) == (12, "2024-01", "2024-12")
    assert months == sorted(set(months))
