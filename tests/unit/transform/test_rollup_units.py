"""Weeks, months and years are in Wh, or are scaled where their days prove another unit."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.unit.transform.answers import BATTERY_SITE, checked
from transform.frames import empty_frame, table_frame
from transform.units import rollups_in_watt_hours

DAY_WH = 20_000.0
ASKED = datetime(2026, 1, 10, 12, tzinfo=UTC)
YEAR = "calendar_history/year"


def days(first: date, last: date, *, wh: float = DAY_WH) -> pd.DataFrame:
    """Table `daily`: the same energy every day, all of it from the grid."""
    dates = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return table_frame(
        "daily",
        {"site_id": 101, "local_date": dates, "status": "agreed", "coverage_pct": 100.0, "grid_energy_imported_wh": wh},
    )


def reported(*rows: tuple[date, float], granularity: str = "month", source: str = YEAR, asked: datetime = ASKED) -> Any:
    """Rows of table `energy_periods`: first day and grid energy as reported."""
    return table_frame(
        "energy_periods",
        {
            "site_id": 101,
            "granularity": granularity,
            "period_start": [start for start, _ in rows],
            "source": source,
            "is_partial": False,
            "timezone": "America/Los_Angeles",
            "grid_energy_imported_wh": [wh for _, wh in rows],
            "_fetched_at": pd.Series([asked] * len(rows), dtype="datetime64[us, UTC]"),
            "_raw_id": "r",
            "_run_id": "run",
        },
    )


def month(number: int, year: int = 2025) -> date:
    return date(year, number, 1)


def test_rollups_in_watt_hours_are_left_alone_and_nothing_is_found() -> None:
    rows = reported((month(6), 30 * DAY_WH), (month(7), 31 * DAY_WH))
    kept, differences = rollups_in_watt_hours(rows, days(month(6), date(2025, 7, 31)), BATTERY_SITE)
    assert_frame_equal(kept, rows)
    assert len(differences) == 0


def test_a_month_in_kilowatt_hours_is_scaled_to_the_watt_hour_and_reported() -> None:
    """API.md#units: one month of three, whatever order they come in."""
    rows = reported((month(7), 620.123), (month(6), 30 * DAY_WH), (month(8), 31 * DAY_WH))
    scaled, differences = rollups_in_watt_hours(rows, days(month(6), date(2025, 8, 31)), BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [620_123.0, 30 * DAY_WH, 31 * DAY_WH]
    checked({"energy_periods": scaled, "reconciliation": differences})
    (found,) = differences.to_dict("records")
    assert (found["check_name"], found["granularity"], found["period_start"]) == ("month_vs_days", "month", month(7))
    assert (found["left_source"], found["left_wh"]) == ("daily", 31 * DAY_WH)
    assert (found["right_source"], found["right_wh"]) == (YEAR, 620.123)
    assert found["difference_wh"] == pytest.approx(620_000 - 620.123)
    assert found["tolerance_wh"] == pytest.approx(620.0)
    assert (found["verdict"], found["cause"]) == ("differs", "unit_mismatch")


@pytest.mark.parametrize(
    ("granularity", "source", "check"),
    [
        ("year", "calendar_history/lifetime", "year_vs_days"),
        ("month", "history/year", "history_vs_calendar"),
        ("week", "history/month", "history_vs_calendar"),
    ],
)
def test_every_kind_of_rollup_is_measured_by_its_own_days(granularity: str, source: str, check: str) -> None:
    """A week is seven days, a year 365: only the row that its own days refute is scaled."""
    length = {"day": 1, "week": 7, "month": 30, "year": 365}[granularity]
    start = date(2025, 1 if granularity == "year" else 6, 1)
    rows = reported((start, length * DAY_WH / 1000), granularity=granularity, source=source)
    around = days(date(2024, 12, 1), date(2026, 1, 9))
    scaled, differences = rollups_in_watt_hours(rows, around, BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [length * DAY_WH]
    assert differences[["check_name", "granularity"]].to_numpy().tolist() == [[check, granularity]]


@pytest.mark.parametrize(
    ("source", "check"), [("calendar_history/week", "day_vs_week"), ("history/week", "history_vs_calendar")]
)
def test_days_of_a_week_show_its_unit_together(source: str, check: str) -> None:
    """One of them shows nothing; two do, where none is in Wh."""
    around = days(date(2025, 6, 1), date(2025, 6, 30))
    for count in (1, 2):
        rows = reported(
            *((date(2025, 6, 1 + day), DAY_WH / 1000) for day in range(count)), granularity="day", source=source
        )
        scaled, differences = rollups_in_watt_hours(rows, around, BATTERY_SITE)
        assert scaled["grid_energy_imported_wh"].tolist() == ([DAY_WH] * 2 if count == 2 else [DAY_WH / 1000])
        assert differences["check_name"].tolist() == [check] * (count if count == 2 else 0)


@pytest.mark.parametrize(("factor", "is_scaled"), [(0.96, True), (1.04, True), (0.94, False), (1.06, False)])
def test_a_drift_may_come_with_kilowatt_hours_and_stays_visible(factor: float, is_scaled: bool) -> None:
    """Q20: 828 kWh of 863, reported as 828; past that it is a difference to be explained, and the row stays as reported."""
    given = 30 * DAY_WH * factor / 1000
    scaled, differences = rollups_in_watt_hours(
        reported((month(6), given)), days(month(6), date(2025, 6, 30)), BATTERY_SITE
    )
    assert scaled["grid_energy_imported_wh"].tolist() == [pytest.approx(given * (1000 if is_scaled else 1))]
    assert len(differences) == is_scaled


@pytest.mark.parametrize("unit", [2, 10, 100, 0.1])
def test_tens_and_hundreds_are_no_units(unit: float) -> None:
    rows = reported((month(6), 30 * DAY_WH / unit))
    assert_frame_equal(rollups_in_watt_hours(rows, days(month(6), date(2025, 6, 30)), BATTERY_SITE)[0], rows)


def test_the_running_month_and_that_of_the_installation_are_measured_by_the_days_there_were() -> None:
    """Told in kWh at noon of the tenth, and for the eighteen days that were left of May 2019."""
    rows = reported((month(1, 2026), 9.5 * DAY_WH / 1000), (month(5, 2019), 18 * DAY_WH / 1000))
    stored = pd.concat([days(date(2019, 5, 14), date(2019, 6, 3)), days(date(2026, 1, 1), date(2026, 1, 12))])
    stored = stored.reset_index(drop=True)
    stored.loc[stored["local_date"] == date(2026, 1, 10), "grid_energy_imported_wh"] = 0.5 * DAY_WH
    scaled, differences = rollups_in_watt_hours(rows, stored, BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [9.5 * DAY_WH, 18 * DAY_WH]
    assert differences["left_wh"].tolist() == [9.5 * DAY_WH, 18 * DAY_WH]


def test_days_that_are_not_stored_are_taken_for_days_like_the_others() -> None:
    """A backfill that began on the tenth, a day without data: the sum of the stored days is in the difference."""
    stored = days(date(2025, 6, 10), date(2025, 6, 30))
    stored.loc[5, "grid_energy_imported_wh"] = float("nan")
    scaled, differences = rollups_in_watt_hours(reported((month(6), 30 * DAY_WH / 1000)), stored, BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [30 * DAY_WH]
    assert differences["left_wh"].tolist() == [20 * DAY_WH]


@pytest.mark.parametrize(
    ("units", "scaled"),
    [([1000, 1000, 1000], True), ([1, 1000, 1], False), ([1000, 1000, 1], False)],
    ids=["within the era", "outside", "at its edge"],
)
def test_a_row_that_proves_nothing_has_the_unit_of_those_around_it(units: list[int], scaled: bool) -> None:
    """No day of July is stored; what is scaled without a sum to compare with is reported as such."""
    rows = reported(*((month(6 + index), 30 * DAY_WH / unit) for index, unit in enumerate(units)))
    stored = pd.concat([days(month(6), date(2025, 6, 30)), days(month(8), date(2025, 8, 31))], ignore_index=True)
    wh, differences = rollups_in_watt_hours(rows, stored, BATTERY_SITE)
    assert wh["grid_energy_imported_wh"].tolist()[1] == pytest.approx(30 * DAY_WH * (1 if scaled else 0.001))
    july = differences[differences["period_start"] == month(7)]
    assert july["verdict"].tolist() == ["missing_left"] * scaled
    assert july["left_wh"].isna().all()
    checked({"reconciliation": differences})


def test_months_before_the_first_and_after_the_last_that_prove_a_unit_stay_as_reported() -> None:
    """A wrong guess would be worse than none: only July's days are stored, and July alone is scaled."""
    rows = reported((month(6), 600_000.0), (month(7), 620.0), (month(8), 620_000.0))
    scaled, differences = rollups_in_watt_hours(rows, days(month(7), date(2025, 7, 31)), BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [600_000.0, 620_000.0, 620_000.0]
    assert differences["period_start"].tolist() == [month(7)]


def test_sources_do_not_speak_for_each_other() -> None:
    """June and August of the year series are in kWh; July of the old endpoint lies between them and proves nothing."""
    of_year = reported((month(6), 600.0), (month(8), 620.0))
    rows = pd.concat([of_year, reported((month(7), 620_000.0), source="history/year")], ignore_index=True)
    stored = pd.concat([days(month(6), date(2025, 6, 30)), days(month(8), date(2025, 8, 31))], ignore_index=True)
    scaled, differences = rollups_in_watt_hours(rows, stored, BATTERY_SITE)
    assert scaled["grid_energy_imported_wh"].tolist() == [600_000.0, 620_000.0, 620_000.0]
    assert differences["right_source"].tolist() == [YEAR, YEAR]


def test_days_on_which_next_to_nothing_flowed_prove_nothing() -> None:
    rows = reported((month(6), 0.4))
    stored = days(month(6), date(2025, 6, 30), wh=400 / 30)
    assert_frame_equal(rollups_in_watt_hours(rows, stored, BATTERY_SITE)[0], rows)


def test_no_rows_and_no_days_give_nothing() -> None:
    nothing, differences = rollups_in_watt_hours(empty_frame("energy_periods"), empty_frame("daily"), BATTERY_SITE)
    assert len(nothing) == len(differences) == 0
    rows = reported((month(6), 600.0))
    assert_frame_equal(rollups_in_watt_hours(rows, empty_frame("daily"), BATTERY_SITE)[0], rows)
