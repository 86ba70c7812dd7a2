"""Energy is in Wh where power says so, and is scaled only where power proves another unit."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, power_row, slots
from transform import energy_intervals, energy_periods, power
from transform.units import in_watt_hours

FIRST = date(2025, 6, 10)
HOURLY_WH = 1200
Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def told(units: list[float], *, watts: list[float] | None = None, month: list[float] | None = None) -> Frames:
    """Days of 100 Wh every five minutes, told in a unit each (1: Wh, 1000: kWh), and of power to match."""
    energies, powers, days = [], [], []
    for index, unit in enumerate(units):
        day, raw_id = FIRST + timedelta(days=index), f"r{index}"
        stamps = slots(day, LOS_ANGELES)
        watt = HOURLY_WH if watts is None else watts[index]
        rows = [energy_row(each, grid_energy_imported=watt / 12 / unit) for each in stamps]
        energies.append(answer("energy_interval", rows, day=day, raw_id=raw_id))
        powers.append(answer("power", [power_row(each, grid=watt) for each in stamps], day=day, raw_id=raw_id))
        of_month = unit if month is None else month[index]
        days.append(energy_row(f"{day}T01:00:00-07:00", grid_energy_imported=watt * 24 / of_month))
    months = [answer("energy_day", days, day=date(2025, 6, 1), until=date(2025, 6, 30))]
    return (
        energy_intervals.shape(energies, BATTERY_SITE)["energy_intervals"],
        energy_periods.shape(months, BATTERY_SITE)["energy_periods"],
        power.shape(powers, BATTERY_SITE)["power"],
    )


def daily_wh(frame: pd.DataFrame, by: str) -> list[float]:
    return [float(wh) for wh in frame.groupby(by)["grid_energy_imported_wh"].sum()]


def test_watt_hours_are_left_alone_and_nothing_is_found() -> None:
    frames = told([1, 1, 1])
    intervals, periods, findings = in_watt_hours(*frames, BATTERY_SITE)
    assert_frame_equal(intervals, frames[0])
    assert_frame_equal(periods, frames[1])
    assert len(findings) == 0


def test_an_era_in_kilowatt_hours_is_scaled_to_the_watt_hour_and_reported_day_by_day() -> None:
    """Fact 1: the second and third day of four."""
    frames = told([1, 1000, 1000, 1])
    intervals, periods, findings = in_watt_hours(*frames, BATTERY_SITE)
    assert daily_wh(intervals, "local_date") == [28_800.0] * 4
    assert daily_wh(periods, "period_start") == [28_800.0] * 4
    checked({"energy_intervals": intervals, "energy_periods": periods, "reconciliation": findings})
    assert findings["period_start"].tolist() == [FIRST + timedelta(days=1), FIRST + timedelta(days=2)]
    first = findings.iloc[0]
    assert (first["check_name"], first["cause"], first["verdict"]) == ("power_vs_energy", "unit_mismatch", "differs")
    assert (first["measure"], first["left_wh"]) == ("grid_energy_imported_wh", 28_800.0)
    assert first["right_wh"] == pytest.approx(28.8)


def test_a_days_rollup_has_a_unit_of_its_own() -> None:
    """The month's answer speaks kWh on a day whose intervals speak Wh, and the other way round."""
    intervals, periods, findings = in_watt_hours(*told([1, 1000, 1], month=[1000, 1, 1]), BATTERY_SITE)
    assert daily_wh(intervals, "local_date") == [28_800.0] * 3
    assert daily_wh(periods, "period_start") == [28_800.0] * 3
    sources = ["period_start", "check_name", "left_source", "right_source", "right_wh"]
    assert findings.sort_values("period_start")[sources].to_numpy().tolist() == [
        [FIRST, "interval_vs_day", "energy_intervals", "calendar_history/month", 28.8],
        [FIRST + timedelta(days=1), "power_vs_energy", "power", "energy_intervals", pytest.approx(28.8)],
    ]


def test_days_without_intervals_are_measured_by_power_and_reported() -> None:
    """Q10: in the old era a day is one row; in kWh it is recognised all the same."""
    intervals, periods, watts = told([1000, 1000])
    _, days, findings = in_watt_hours(intervals.iloc[:0], periods, watts, BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 2
    checked({"energy_periods": days, "reconciliation": findings})
    assert findings["period_start"].tolist() == [FIRST, FIRST + timedelta(days=1)]
    assert set(findings["check_name"]) == {"power_vs_energy"}
    assert findings["left_wh"].tolist() == [pytest.approx(28_800.0)] * 2


@pytest.mark.parametrize(("factor", "is_scaled"), [(1.019, True), (0.981, True), (1.021, False), (0.979, False)])
def test_two_percent_are_the_limit(factor: float, is_scaled: bool) -> None:
    """A ratio that is no power of a thousand is a difference to be explained, not a unit."""
    intervals, _, findings = in_watt_hours(*told([1000 / factor]), BATTERY_SITE)
    assert (daily_wh(intervals, "local_date")[0] > 28_000) is is_scaled
    assert (len(findings) == 1) is is_scaled


@pytest.mark.parametrize("unit", [10, 100, 0.1, 2])
def test_tens_and_hundreds_are_no_units(unit: float) -> None:
    frames = told([unit])
    assert_frame_equal(in_watt_hours(*frames, BATTERY_SITE)[0], frames[0])


@pytest.mark.parametrize(
    ("units", "scaled"),
    [([1000, 1000, 1000], True), ([1, 1000, 1], False), ([1000, 1000, 1], False)],
    ids=["within the era", "outside", "at its edge"],
)
def test_a_day_that_proves_nothing_has_the_unit_of_the_days_around_it(units: list[float], scaled: bool) -> None:
    """A day of 100 Wh between two days: it is scaled only where both neighbours are."""
    watts = [1200, 100 / 24, 1200]
    intervals, _, _ = in_watt_hours(*told(units, watts=watts), BATTERY_SITE)
    assert daily_wh(intervals, "local_date")[1] == pytest.approx(100.0 if scaled else 0.1)


@pytest.mark.parametrize("units", [[1, 1, 1000, 1000], [1000, 1000, 1, 1]], ids=["the era begins", "the era ends"])
@pytest.mark.parametrize("short", [1, 2], ids=["last of the one", "first of the next"])
def test_a_row_whose_intervals_are_half_lost_at_the_edge_of_an_era_is_of_the_unit_it_is_nearer_to(
    units: list[float], short: int
) -> None:
    """Q14: twice what its intervals add up to, so it proves no unit; but between Wh and kWh there is no doubt."""
    intervals, periods, watts = told(units)
    day = FIRST + timedelta(days=short)
    halves = [
        frame[((frame["local_date"] != day) | (frame.groupby("local_date").cumcount() < 144)).to_numpy(dtype=bool)]
        for frame in (intervals, watts)
    ]
    held, days, _ = in_watt_hours(halves[0], periods, halves[1], BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 4
    assert daily_wh(held, "local_date") == [14_400.0 if index == short else 28_800.0 for index in range(4)]


@pytest.mark.parametrize(("unit", "witness"), [(1000, 1000), (1, 1000), (1000, 1), (1, 1)])
def test_a_source_with_nothing_else_to_be_measured_by_is_measured_by_one_that_is_proven(
    unit: float, witness: float
) -> None:
    """Q19: a week asked as a witness for days without intervals and power; the month proves its unit on the first day."""
    intervals, periods, watts = told([unit] * 4)
    is_first = watts["local_date"] == FIRST
    week = periods.iloc[2:].assign(source="calendar_history/week")
    week = week.assign(grid_energy_imported_wh=28_800.0 / witness)
    everything = pd.concat([week, periods], ignore_index=True)
    _, days, _ = in_watt_hours(intervals.iloc[:0], everything, watts[is_first], BATTERY_SITE)
    assert days["grid_energy_imported_wh"].tolist() == [28_800.0] * 6


def test_sources_that_prove_nothing_do_not_measure_each_other() -> None:
    """No power, no intervals: a month and a week a thousand apart, and nobody knows which of them is right."""
    intervals, periods, watts = told([1, 1])
    week = periods.iloc[1:].assign(source="calendar_history/week", grid_energy_imported_wh=28.8)
    everything = pd.concat([periods, week], ignore_index=True)
    assert_frame_equal(in_watt_hours(intervals.iloc[:0], everything, watts.iloc[:0], BATTERY_SITE)[1], everything)


def test_a_daily_row_that_has_its_unit_from_its_neighbours_is_reported_without_a_left_side() -> None:
    """Neither intervals nor power are held of the second day; it is scaled like the two beside it, and that is said."""
    intervals, periods, watts = told([1000, 1000, 1000])
    is_second = watts["local_date"] == FIRST + timedelta(days=1)
    _, days, findings = in_watt_hours(intervals.iloc[:0], periods, watts[~is_second], BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 3
    checked({"reconciliation": findings})
    (found,) = findings[findings["period_start"] == FIRST + timedelta(days=1)].to_dict("records")
    assert (found["verdict"], found["cause"], found["right_wh"]) == ("missing_left", "unit_mismatch", 28.8)
    assert pd.isna(found["left_wh"])
    assert pd.isna(found["difference_wh"])


def test_without_power_nothing_is_proven() -> None:
    intervals, periods, watts = told([1000, 1000])
    scaled, days, findings = in_watt_hours(intervals, periods, watts.iloc[:0], BATTERY_SITE)
    assert_frame_equal(scaled, intervals)
    assert_frame_equal(days, periods)
    assert len(findings) == 0


def test_holes_in_either_series_are_no_evidence() -> None:
    """Q14: power is there for an eighth of the day only, energy for all of it; only what both tell of is compared."""
    intervals, periods, watts = told([1, 1])
    rare = watts.iloc[np.arange(0, len(watts), 8)].reset_index(drop=True)
    scaled, _, findings = in_watt_hours(intervals, periods, rare, BATTERY_SITE)
    assert_frame_equal(scaled, intervals)
    assert len(findings) == 0


def test_a_month_without_anything_stays_so() -> None:
    empty = [frame.iloc[:0] for frame in told([1])]
    intervals, periods, findings = in_watt_hours(empty[0], empty[1], empty[2], replace(BATTERY_SITE, site_id=7))
    assert len(intervals) == len(periods) == len(findings) == 0


@pytest.mark.parametrize(("energy_s", "power_s"), [(900, 300), (300, 900), (300, 300)])
def test_rows_of_another_length_prove_a_unit_too(energy_s: int, power_s: int) -> None:
    """Quarter hours of energy beside five minutes of power, or the reverse (Q10): the same time is compared."""
    energy = [
        energy_row(each, grid_energy_imported=energy_s / 3) for each in slots(FIRST, LOS_ANGELES, step_s=energy_s)
    ]
    watts = [power_row(each, grid=HOURLY_WH) for each in slots(FIRST, LOS_ANGELES, step_s=power_s)]
    told_in_kwh = [{**row, "grid_energy_imported": row["grid_energy_imported"] / 1000} for row in energy]
    frames = [
        energy_intervals.shape([answer("energy_interval", rows, day=FIRST)], BATTERY_SITE)["energy_intervals"]
        for rows in (energy, told_in_kwh)
    ]
    nothing = energy_periods.shape([], BATTERY_SITE)["energy_periods"]
    watt_rows = power.shape([answer("power", watts, day=FIRST)], BATTERY_SITE)["power"]
    for frame in frames:
        intervals, _, _ = in_watt_hours(frame, nothing, watt_rows, BATTERY_SITE)
        assert daily_wh(intervals, "local_date") == [28_800.0]
