"""Odd responses through the whole pipeline: `daily` is what happened, and each difference has its cause."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from extract.simulator import (
    Anomaly,
    CloudGap,
    MeterOffset,
    MonthDropsDay,
    OddReadings,
    OddStyle,
    OmittedMeasures,
    Series,
    SiteSpec,
    WeeklySundays,
)
from extract.simulator.local_day import days_between
from tests.mixtures import Reconciled, reconciled
from warehouse.schema import FLOWS

NOW = datetime(2026, 1, 12, 20, 7, tzinfo=UTC)
FIRST, ODD, LAST = date(2025, 12, 26), date(2026, 1, 2), date(2026, 1, 8)
"""First whole day, the day of the odd responses, and the last settled day."""

BATTERY = SiteSpec(site_id=101, installed_at=datetime(2025, 12, 25, 20, tzinfo=UTC), seed=3)
OLD = replace(BATTERY, five_minute_since=date(2026, 6, 1))
LONDON_SPRING = replace(OLD, time_zone="Europe/London", installed_at=datetime(2025, 3, 25, 12, tzinfo=UTC))


def of_days(found: Reconciled, first: date = FIRST, last: date = LAST) -> pd.DataFrame:
    """Rows of `daily`."""
    days = found.daily.set_index("local_date")
    return days.loc[list(days_between(first, last))]


def wrong_days(found: Reconciled, first: date = FIRST, last: date = LAST) -> list[date]:
    """Days whose best estimate is not what happened."""
    days = of_days(found, first, last)
    rows = [list(found.truth.daily_wh(day).values()) for day in days.index]
    truth = pd.DataFrame(rows, index=days.index, columns=list(FLOWS))
    is_right = (days[list(FLOWS)] - truth).abs() < 1e-6
    return days.index[~is_right.all(axis=1)].tolist()


def causes(found: Reconciled) -> set[tuple[str, str, str]]:
    """Check, day and cause of each difference."""
    rows = found.days[found.days["verdict"].isin(["differs", "missing_left", "missing_right"])]
    return {(row["check_name"], str(row["period_start"]), row["cause"]) for row in rows.to_dict("records")}


def with_odd(*anomalies: Anomaly, spec: SiteSpec = BATTERY) -> SiteSpec:
    return replace(spec, anomalies=anomalies)


def test_a_meter_below_zero_at_night_costs_nothing() -> None:
    found = reconciled(with_odd(MeterOffset(ODD, ODD)), NOW)
    assert wrong_days(found) == []
    assert causes(found) == set()
    assert set(of_days(found)["status"]) == {"agreed"}
    assert len(found.frames["quarantine"]) == len(found.frames["gaps"][found.frames["gaps"]["cause"] == "no_data"]) == 0


def test_the_day_row_of_a_day_without_one_o_clock_is_a_day() -> None:
    now = datetime(2025, 4, 12, 20, tzinfo=UTC)
    found = reconciled(LONDON_SPRING, now)
    first, last = date(2025, 3, 26), date(2025, 4, 8)
    assert wrong_days(found, first, last) == []
    assert causes(found) == set()
    assert set(of_days(found, first, last)["status"]) == {"agreed"}
    assert "no_data" not in set(found.frames["gaps"]["cause"])


@pytest.mark.parametrize("style", list(OddStyle))
@pytest.mark.parametrize("minutes", [45, 240])
def test_what_odd_rows_lack_is_missing_and_nothing_else_is(style: OddStyle, minutes: int) -> None:
    """The month has the day; the intervals are short where a row, or a value of it, cannot be used."""
    found = reconciled(with_odd(OddReadings(ODD, last_s=12 * 3600 + minutes * 60, style=style)), NOW)
    assert wrong_days(found) == []
    assert causes(found) == {("interval_vs_day", str(ODD), "missing_intervals")}
    assert len(found.frames["quarantine"]) == minutes // 5
    rows = found.frames["energy_intervals"]
    day = rows[rows["local_date"] == ODD]
    is_text = style is OddStyle.TEXT
    assert len(day) == 288 - (0 if is_text else minutes // 5)
    assert day["consumer_energy_imported_from_solar_wh"].notna().all()
    if is_text:
        differs = found.days[(found.days["verdict"] == "differs").to_numpy(dtype=bool)]
        assert set(differs["measure"]) == {"solar_energy_exported_wh"}


@pytest.mark.parametrize(
    "name", ["solar_energy_exported", "consumer_energy_imported_from_grid", "generator_energy_exported"]
)
@pytest.mark.parametrize("series", [Series.MONTH, Series.INTERVALS, Series.WEEK, Series.DAY])
def test_a_measure_that_one_series_omits_is_that_of_another(series: Series, name: str) -> None:
    """Q24: for a day whose month has it, and for one whose month lacks the day and whose week is asked for."""
    spec = OLD if series is Series.DAY else BATTERY
    found = reconciled(with_odd(MonthDropsDay(FIRST), OmittedMeasures(series, FIRST, ODD, (name,)), spec=spec), NOW)
    assert wrong_days(found) == []
    assert {cause for _, _, cause in causes(found)} == {"dropped_day"}
    has_energy = found.daily[f"{name}_wh"].fillna(0.0).sum() > 0
    days = of_days(found, date(2025, 12, 27))
    filled = days.loc[(days["status"] == "filled").to_numpy(dtype=bool)]
    assert (len(filled) > 0) == (has_energy and series is Series.MONTH)
    assert set(days["status"]) <= {"agreed", "filled"}


@pytest.mark.parametrize("minutes", [25, 180])
def test_the_last_day_of_a_month_that_the_month_drops_is_that_of_its_week(minutes: int) -> None:
    """Q14, Q19: its intervals have a gap, too; the sum of the others is not the day."""
    noon = datetime(2025, 12, 31, 20, tzinfo=UTC)
    gap = CloudGap(noon, noon + timedelta(minutes=minutes))
    found = reconciled(with_odd(MonthDropsDay(date(2025, 12, 31)), gap), NOW)
    assert wrong_days(found) == []
    day = of_days(found).loc[date(2025, 12, 31)]
    assert (day["status"], day["source"]) == ("filled", "calendar_history/week")
    assert "unexplained" not in {cause for _, _, cause in causes(found)}


@pytest.mark.parametrize("era", [BATTERY, OLD])
def test_sums_of_weeks_in_a_month_are_no_days(era: SiteSpec) -> None:
    """Q10: of a Sunday the day itself, or its week, is in hand; the last Sundays follow the months before."""
    spec = replace(era, installed_at=datetime(2025, 11, 28, 20, tzinfo=UTC))
    first = date(2025, 11, 29)
    found = reconciled(with_odd(WeeklySundays(first, LAST), spec=spec), NOW)
    assert wrong_days(found, first) == []
    sundays = {day for day in days_between(first, LAST) if day.weekday() == 6}
    days = of_days(found, first)
    assert set(days.index[days["status"] != "agreed"]) == sundays
    assert set(days["status"]) == {"agreed", "filled"}
    assert {cause for _, _, cause in causes(found)} == {"dropped_day"}
