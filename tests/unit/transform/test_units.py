"""Energy is in Wh where power shows it, and is scaled only where power proves another unit."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    answer,
    checked,
    cut_by,
    energy_row,
    power_row,
    slots,
)
from transform.frames import empty_frame
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.units import in_watt_hours
from wattlog.zones import Zone

FIRST = date(2025, 6, 10)
HOURLY_WH = 1200
Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def reported(units: list[float], *, watts: list[float] | None = None, month: list[float] | None = None) -> Frames:
    """Days of 100 Wh every five minutes, reported in a unit each (1: Wh, 1000: kWh), and of power to match."""
    energies, powers, days = [], [], []
    for index, unit in enumerate(units):
        day, raw_id = FIRST + timedelta(days=index), f"r{index}"
        stamps = slots(day, LOS_ANGELES)
        watt = HOURLY_WH if watts is None else watts[index]
        rows = [energy_row(stamp, grid_energy_imported=watt / 12 / unit) for stamp in stamps]
        energies.append(answer("energy_interval", rows, day=day, raw_id=raw_id))
        powers.append(answer("power", [power_row(stamp, grid=watt) for stamp in stamps], day=day, raw_id=raw_id))
        of_month = unit if month is None else month[index]
        days.append(energy_row(f"{day}T01:00:00-07:00", grid_energy_imported=watt * 24 / of_month))
    months = [answer("energy_day", days, day=date(2025, 6, 1), until=date(2025, 6, 30))]
    return (
        shape_energy_intervals(energies, BATTERY_SITE)["energy_intervals"],
        shape_periods(months, BATTERY_SITE)["energy_periods"],
        shape_power(powers, BATTERY_SITE)["power"],
    )


def daily_wh(frame: pd.DataFrame, by: str) -> list[float]:
    return [float(wh) for wh in frame.groupby(by)["grid_energy_imported_wh"].sum()]


def test_watt_hours_are_left_alone_and_nothing_is_found() -> None:
    frames = reported([1, 1, 1])
    intervals, periods, differences = in_watt_hours(*frames, BATTERY_SITE)
    assert_frame_equal(intervals, frames[0])
    assert_frame_equal(periods, frames[1])
    assert len(differences) == 0


def test_an_era_in_kilowatt_hours_is_scaled_to_the_watt_hour_and_reported_day_by_day() -> None:
    """API.md#units: three days of nine."""
    frames = reported([1, 1, 1, 1000, 1000, 1000, 1, 1, 1])
    intervals, periods, differences = in_watt_hours(*frames, BATTERY_SITE)
    assert daily_wh(intervals, "local_date") == [28_800.0] * 9
    assert daily_wh(periods, "period_start") == [28_800.0] * 9
    checked({"energy_intervals": intervals, "energy_periods": periods, "reconciliation": differences})
    assert differences["period_start"].tolist() == [FIRST + timedelta(days=ahead) for ahead in (3, 4, 5)]
    first = differences.iloc[0]
    assert (first["check_name"], first["cause"], first["verdict"]) == ("power_vs_energy", "unit_mismatch", "differs")
    assert (first["measure"], first["left_wh"]) == ("grid_energy_imported_wh", 28_800.0)
    assert first["right_wh"] == pytest.approx(28.8)


def test_the_unit_is_that_of_the_response_where_the_server_cut_days_by_another_clock() -> None:
    """Q7: three days by Honolulu's clock are in kWh, and end two hours after midnight in Los Angeles."""
    site, energies, powers = cut_by(BATTERY_SITE, "Pacific/Honolulu"), [], []
    for ahead in range(8):
        day, raw_id = FIRST + timedelta(days=ahead), f"r{ahead}"
        unit = 1000 if ahead < 3 else 1
        named = {"installation_time_zone": "Pacific/Honolulu"}
        stamps = slots(day, Zone("Pacific/Honolulu"))
        rows = [energy_row(stamp, grid_energy_imported=100 / unit) for stamp in stamps]
        energies.append(answer("energy_interval", rows, day=day, raw_id=raw_id, envelope=named))
        of_power = [power_row(stamp, grid=HOURLY_WH) for stamp in stamps]
        powers.append(answer("power", of_power, day=day, raw_id=raw_id, envelope=named))
    intervals, _, differences = in_watt_hours(
        shape_energy_intervals(energies, site)["energy_intervals"],
        empty_frame("energy_periods"),
        shape_power(powers, site)["power"],
        site,
    )
    assert len(intervals) == 8 * 288
    assert set(intervals["grid_energy_imported_wh"]) == {100.0}
    assert set(differences["period_start"]) == {FIRST + timedelta(days=ahead) for ahead in range(3)}


def test_the_row_of_a_day_is_measured_by_the_hours_that_it_covers() -> None:
    """Q8: the server cut the rows in kWh by Honolulu's clock, whose days have three hours of the next day in Los Angeles."""
    watts = [1200.0, 6000.0, 600.0, 4800.0, 1200.0, 6000.0, 600.0]
    intervals, periods, power = reported([1] * 7, watts=watts)
    sums = [first * 21 + second * 3 for first, second in zip(watts, [*watts[1:], 0.0], strict=True)]
    others = periods.assign(timezone="Pacific/Honolulu", grid_energy_imported_wh=[wh / 1000 for wh in sums])
    _, found, _ = in_watt_hours(intervals, others, power, BATTERY_SITE)
    assert daily_wh(found, "period_start") == sums


def test_a_days_rollup_has_a_unit_of_its_own() -> None:
    """The month's response is in kWh on days whose intervals are in Wh, and the other way round."""
    intervals, periods, differences = in_watt_hours(
        *reported([1, 1, 1, 1000], month=[1000.0] * 3 + [1.0]), BATTERY_SITE
    )
    assert daily_wh(intervals, "local_date") == [28_800.0] * 4
    assert daily_wh(periods, "period_start") == [28_800.0] * 4
    sources = ["period_start", "check_name", "left_source", "right_source", "right_wh"]
    assert differences.sort_values("period_start")[sources].to_numpy().tolist() == [
        *(
            [FIRST + timedelta(days=ahead), "interval_vs_day", "energy_intervals", "calendar_history/month", 28.8]
            for ahead in range(3)
        ),
        [FIRST + timedelta(days=3), "power_vs_energy", "power", "energy_intervals", pytest.approx(28.8)],
    ]


@pytest.mark.parametrize("times", [0.001, 0.001004, 0.00099])
def test_one_row_of_a_response_in_watt_hours_shows_nothing(times: float) -> None:
    """The days around it are in Wh, so it is in Wh: it differs from its intervals, and that is all there is to say."""
    frames = reported([1] * 5, month=[1, 1, 1 / times, 1, 1])
    intervals, periods, differences = in_watt_hours(*frames, BATTERY_SITE)
    assert_frame_equal(intervals, frames[0])
    assert_frame_equal(periods, frames[1])
    assert len(differences) == 0


def test_two_consecutive_rows_that_are_exact_show_a_unit() -> None:
    """A week over the end of a year: its days in December are in kWh. Two rows that are nearly so show nothing."""
    intervals, periods, power = reported([1] * 5, month=[1000, 1000, 1, 1, 1])
    _, scaled, differences = in_watt_hours(intervals, periods, power, BATTERY_SITE)
    assert daily_wh(scaled, "period_start") == [28_800.0] * 5
    assert sorted(set(differences["period_start"])) == [FIRST, FIRST + timedelta(days=1)]
    intervals, periods, power = reported([1] * 5, month=[1010, 1010, 1, 1, 1])
    assert len(in_watt_hours(intervals, periods, power, BATTERY_SITE)[2]) == 0


@pytest.mark.parametrize("wh", [26.0, 439.0])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_small_day_in_watt_hours_among_days_in_kilowatt_hours_is_not_scaled(wh: float, at: int) -> None:
    """API.md#units: its own power, little as it is, is against another unit; and no other source is measured by it wrongly."""
    units, watts = [1000.0] * 5, [1200.0] * 5
    units[at], watts[at] = 1, wh / 24
    intervals, periods, differences = in_watt_hours(*reported(units, watts=watts, month=[1] * 5), BATTERY_SITE)
    assert daily_wh(intervals, "local_date") == pytest.approx([wh if index == at else 28_800.0 for index in range(5)])
    assert daily_wh(periods, "period_start") == pytest.approx([wh if index == at else 28_800.0 for index in range(5)])
    assert FIRST + timedelta(days=at) not in differences["period_start"].tolist()


def test_only_flows_that_both_sides_report_are_compared() -> None:
    """Q24: the month's response has the battery's column alone, a thousandth of what the grid gave."""
    intervals, periods, watts = reported([1] * 4)
    periods = periods.assign(grid_energy_imported_wh=np.nan, battery_energy_exported_wh=28.8)
    watts = watts.assign(battery_w=np.nan)
    intervals = intervals.assign(battery_energy_exported_wh=np.nan)
    assert_frame_equal(in_watt_hours(intervals, periods, watts, BATTERY_SITE)[1], periods)


def test_a_day_of_zeros_with_a_few_rows_left_is_no_day_in_kilowatt_hours() -> None:
    """Q14: what is left of a gap may be a thousandth of the day's power; its hours are not."""
    intervals, periods, watts = reported([1, 1])
    is_second = (intervals["local_date"] > FIRST).to_numpy(dtype=bool)
    left = np.where(np.cumsum(is_second) == 1, 28.8, 0.0)
    wh = np.where(is_second, left, intervals["grid_energy_imported_wh"])
    gapped = intervals.assign(grid_energy_imported_wh=wh)
    assert_frame_equal(in_watt_hours(gapped, periods.iloc[:0], watts, BATTERY_SITE)[0], gapped)


def test_the_first_day_of_a_month_alone_shows_no_unit_in_one_flow() -> None:
    """Thin evidence: the row stays as reported until the response has another."""
    intervals, periods, watts = reported([1], month=[1000])
    assert daily_wh(in_watt_hours(intervals, periods, watts, BATTERY_SITE)[1], "period_start") == [28.8]


def test_days_without_intervals_are_measured_by_power_and_reported() -> None:
    """Q10: in the old era a day is one row; in kWh it is recognised all the same."""
    intervals, periods, watts = reported([1000, 1000])
    _, days, differences = in_watt_hours(intervals.iloc[:0], periods, watts, BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 2
    checked({"energy_periods": days, "reconciliation": differences})
    assert differences["period_start"].tolist() == [FIRST, FIRST + timedelta(days=1)]
    assert set(differences["check_name"]) == {"power_vs_energy"}
    assert differences["left_wh"].tolist() == [pytest.approx(28_800.0)] * 2


@pytest.mark.parametrize(("factor", "is_scaled"), [(1.019, True), (0.981, True), (1.021, False), (0.979, False)])
def test_two_percent_are_the_limit(factor: float, is_scaled: bool) -> None:
    """A ratio that is no power of a thousand is a difference to be explained, not a unit."""
    intervals, _, differences = in_watt_hours(*reported([1000 / factor]), BATTERY_SITE)
    assert (daily_wh(intervals, "local_date")[0] > 28_000) is is_scaled
    assert (len(differences) == 1) is is_scaled


@pytest.mark.parametrize("unit", [10, 100, 0.1, 2])
def test_tens_and_hundreds_are_no_units(unit: float) -> None:
    frames = reported([unit])
    assert_frame_equal(in_watt_hours(*frames, BATTERY_SITE)[0], frames[0])


@pytest.mark.parametrize(
    ("units", "scaled"),
    [([1000, 1000, 1000], True), ([1, 1000, 1], False), ([1000, 1000, 1], False)],
    ids=["within the era", "outside", "at its edge"],
)
def test_a_day_that_proves_nothing_has_the_unit_of_the_days_around_it(units: list[float], scaled: bool) -> None:
    """A day of 100 Wh between two days: it is scaled only where both adjacent days are."""
    watts = [1200, 100 / 24, 1200]
    intervals, _, _ = in_watt_hours(*reported(units, watts=watts), BATTERY_SITE)
    assert daily_wh(intervals, "local_date")[1] == pytest.approx(100.0 if scaled else 0.1)


@pytest.mark.parametrize("units", [[1] * 4 + [1000] * 4, [1000] * 4 + [1] * 4], ids=["the era begins", "the era ends"])
@pytest.mark.parametrize("short", [3, 4], ids=["last of the one", "first of the next"])
def test_a_row_whose_intervals_are_half_lost_at_the_edge_of_an_era_is_of_the_unit_it_is_nearer_to(
    units: list[float], short: int
) -> None:
    """Q14: twice what its intervals add up to, so it proves no unit; but Wh and kWh cannot be confused."""
    intervals, periods, watts = reported(units)
    day = FIRST + timedelta(days=short)
    halves = [
        frame[((frame["local_date"] != day) | (frame.groupby("local_date").cumcount() < 144)).to_numpy(dtype=bool)]
        for frame in (intervals, watts)
    ]
    scaled_intervals, days, _ = in_watt_hours(halves[0], periods, halves[1], BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 8
    assert daily_wh(scaled_intervals, "local_date") == [14_400.0 if index == short else 28_800.0 for index in range(8)]


@pytest.mark.parametrize(("unit", "week_unit"), [(1000, 1000), (1, 1000), (1000, 1), (1, 1)])
def test_a_source_with_nothing_else_to_be_measured_by_is_measured_by_one_that_is_proven(
    unit: float, week_unit: float
) -> None:
    """Q19: a week asked as a cross-check of days without intervals and power; the month shows its unit on the first two."""
    intervals, periods, watts = reported([unit] * 4)
    is_first = watts["local_date"] <= FIRST + timedelta(days=1)
    week = periods.iloc[2:].assign(source="calendar_history/week")
    week = week.assign(grid_energy_imported_wh=28_800.0 / week_unit)
    everything = pd.concat([week, periods], ignore_index=True)
    _, days, _ = in_watt_hours(intervals.iloc[:0], everything, watts[is_first], BATTERY_SITE)
    assert days["grid_energy_imported_wh"].tolist() == [28_800.0] * 6


def test_sources_that_prove_nothing_do_not_measure_each_other() -> None:
    """No power, no intervals: a month and a week a thousand apart, and it is not known which of them is right."""
    intervals, periods, watts = reported([1, 1])
    week = periods.iloc[1:].assign(source="calendar_history/week", grid_energy_imported_wh=28.8)
    everything = pd.concat([periods, week], ignore_index=True)
    assert_frame_equal(in_watt_hours(intervals.iloc[:0], everything, watts.iloc[:0], BATTERY_SITE)[1], everything)


def test_a_daily_row_that_has_its_unit_from_adjacent_rows_is_reported_without_a_left_side() -> None:
    """Neither intervals nor power are stored of the second day; it is scaled like the days next to it, and listed."""
    intervals, periods, watts = reported([1000, 1000, 1000])
    is_second = watts["local_date"] == FIRST + timedelta(days=1)
    _, days, differences = in_watt_hours(intervals.iloc[:0], periods, watts[~is_second], BATTERY_SITE)
    assert daily_wh(days, "period_start") == [28_800.0] * 3
    checked({"reconciliation": differences})
    (found,) = differences[differences["period_start"] == FIRST + timedelta(days=1)].to_dict("records")
    assert (found["verdict"], found["cause"], found["right_wh"]) == ("missing_left", "unit_mismatch", 28.8)
    assert pd.isna(found["left_wh"])
    assert pd.isna(found["difference_wh"])


def test_without_power_nothing_is_proven() -> None:
    intervals, periods, watts = reported([1000, 1000])
    scaled, days, differences = in_watt_hours(intervals, periods, watts.iloc[:0], BATTERY_SITE)
    assert_frame_equal(scaled, intervals)
    assert_frame_equal(days, periods)
    assert len(differences) == 0


def test_holes_in_either_series_are_no_evidence() -> None:
    """Q14: power is there for an eighth of the day only, energy for all of it; only the time that both cover is compared."""
    intervals, periods, watts = reported([1, 1])
    rare = watts.iloc[np.arange(0, len(watts), 8)].reset_index(drop=True)
    scaled, _, differences = in_watt_hours(intervals, periods, rare, BATTERY_SITE)
    assert_frame_equal(scaled, intervals)
    assert len(differences) == 0


def test_a_month_without_anything_stays_so() -> None:
    empty = [frame.iloc[:0] for frame in reported([1])]
    intervals, periods, differences = in_watt_hours(empty[0], empty[1], empty[2], replace(BATTERY_SITE, site_id=7))
    assert len(intervals) == len(periods) == len(differences) == 0


@pytest.mark.parametrize(("energy_s", "power_s"), [(900, 300), (300, 900), (300, 300)])
def test_rows_of_another_length_prove_a_unit_too(energy_s: int, power_s: int) -> None:
    """Quarter hours of energy and five minutes of power, or the reverse (Q10): the same time is compared."""
    energy = [
        energy_row(stamp, grid_energy_imported=energy_s / 3) for stamp in slots(FIRST, LOS_ANGELES, step_s=energy_s)
    ]
    watts = [power_row(stamp, grid=HOURLY_WH) for stamp in slots(FIRST, LOS_ANGELES, step_s=power_s)]
    in_kwh = [{**row, "grid_energy_imported": row["grid_energy_imported"] / 1000} for row in energy]
    frames = [
        shape_energy_intervals([answer("energy_interval", rows, day=FIRST)], BATTERY_SITE)["energy_intervals"]
        for rows in (energy, in_kwh)
    ]
    nothing = shape_periods([], BATTERY_SITE)["energy_periods"]
    watt_rows = shape_power([answer("power", watts, day=FIRST)], BATTERY_SITE)["power"]
    for frame in frames:
        intervals, _, _ = in_watt_hours(frame, nothing, watt_rows, BATTERY_SITE)
        assert daily_wh(intervals, "local_date") == [28_800.0]
