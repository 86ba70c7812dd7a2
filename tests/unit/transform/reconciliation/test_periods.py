"""Months, years and the lifetime against the sum of their days, and why they differ."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, checked
from transform.day_sums import TOTALS
from transform.frames import empty_frame, table_frame
from transform.reconciliation import PeriodEvidence, reconcile_periods
from transform.site_equipment import BatteryDays
from transform.time import date_column, days_from
from warehouse.schema import FLOWS

SITE = replace(BATTERY_SITE, installed_at=datetime(2025, 5, 1, 7, tzinfo=UTC))
FIRST, LAST = date(2025, 5, 1), date(2025, 7, 31)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
SOLAR, HOME, EXPORT = (
    "solar_energy_exported_wh",
    "consumer_energy_imported_from_solar_wh",
    "grid_energy_exported_from_solar_wh",
)


def days(first: date = FIRST, last: date = LAST, *, status: str = "agreed") -> pd.DataFrame:
    """Days of about 30 kWh of solar, a third of it exported; all days differ."""
    dates = days_from(first, last)
    solar = 30_000.0 + 137.0 * np.arange(len(dates)) ** 1.5 // 1
    flows = dict.fromkeys(FLOWS, 0.0) | {SOLAR: solar, HOME: solar - solar // 3, EXPORT: solar // 3}
    sums = {total: sum(np.asarray(flows[part]) for part in parts) for total, parts in TOTALS.items()}
    facts = {"site_id": 101, "local_date": date_column(dates), "status": status, "source": "calendar_history/month"}
    return table_frame("daily", {**facts, "coverage_pct": 100.0, **flows, **sums})


def rollups(
    daily: pd.DataFrame,
    unit: str = "month",
    *,
    asked: datetime = NOW,
    every: float = 1.0,
    factors: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Rows of the year or lifetime series that sum these days, with some flows multiplied by a factor."""
    starts = pd.Series(daily["local_date"].astype("datetime64[s]")).to_numpy().astype(f"datetime64[{unit[0].upper()}]")
    sums = daily.groupby(starts.astype("datetime64[D]"))[list(FLOWS)].sum().round()
    flows = {name: sums[name].to_numpy() * (factors or {}).get(name, every) for name in FLOWS}
    source = {"month": "calendar_history/year", "year": "calendar_history/lifetime"}[unit]
    return table_frame(
        "energy_periods",
        {
            "site_id": 101,
            "granularity": unit,
            "period_start": date_column(sums.index.to_numpy().astype("datetime64[D]")),
            "source": source,
            "is_partial": False,
            "timezone": "America/Los_Angeles",
            "_fetched_at": pd.Timestamp(asked),
            "_raw_id": "r",
            "_run_id": "r",
            **flows,
        },
    )


def reconciled(daily: pd.DataFrame, periods: pd.DataFrame, **more: Any) -> pd.DataFrame:
    nothing = empty_frame("reconciliation")
    evidence = PeriodEvidence(daily, periods, more.get("days", nothing), more.get("units", nothing), SITE, NOW, 48.0)
    rows = reconcile_periods(evidence)
    checked({"reconciliation": rows})
    return rows


def off(rows: pd.DataFrame) -> set[tuple[str, str, str]]:
    """(check, period, cause) of what does not agree."""
    mine = rows[rows["verdict"] != "agree"]
    return {(row["check_name"], str(row["period_start"]), row["cause"]) for row in mine.to_dict("records")}


def test_roll_ups_that_are_the_sum_of_their_days_agree() -> None:
    """Left is Σ daily, right the API's value; identities are checked within each row."""
    daily = days()
    rows = reconciled(daily, pd.concat([rollups(daily), rollups(daily, "year")], ignore_index=True))
    assert off(rows) == set()
    assert set(rows["check_name"]) == {"month_vs_days", "year_vs_days", "lifetime_vs_days", "flow_identity"}
    may = rows[(rows["check_name"] == "month_vs_days") & (rows["measure"] == SOLAR)].iloc[0]
    assert (may["left_source"], may["right_source"]) == ("daily", "calendar_history/year")
    assert may["left_wh"] == daily[SOLAR][:31].sum()


def test_a_month_that_is_a_few_percent_off_has_drifted() -> None:
    """Q20."""
    daily = days()
    rows = reconciled(daily, rollups(daily, every=0.96))
    assert off(rows) == {("month_vs_days", f"2025-0{month}-01", "rollup_drift") for month in (5, 6, 7)}


def test_home_use_alone_can_drift() -> None:
    """Q20: 828 kWh of 863."""
    daily = days()
    rows = reconciled(daily, rollups(daily, factors={HOME: 828 / 863}))
    mine = rows[(rows["verdict"] != "agree") & (rows["check_name"] == "month_vs_days")]
    assert set(mine["measure"]) == {HOME, "home_wh"}
    assert set(mine["cause"]) == {"rollup_drift"}


@pytest.mark.parametrize("unit", ["month", "year"])
def test_home_use_that_drifts_breaks_the_identity_of_its_row_for_the_same_cause(unit: str) -> None:
    """Q20: solar is what it was, and a part of its uses is less."""
    daily = days()
    rows = reconciled(daily, rollups(daily, unit, factors={HOME: 828 / 863}))
    identities = rows[rows["check_name"] == "flow_identity"]
    assert set(zip(identities["measure"], identities["cause"], strict=True)) == {(SOLAR, "rollup_drift")}


def test_a_small_flow_drifts_with_the_others_of_its_row() -> None:
    """Q20: 4 % of the grid's energy is within the tolerance of thirty days, and not within that of one row."""
    grid, use = "grid_energy_imported_wh", "consumer_energy_imported_from_grid_wh"
    daily = days().assign(**{grid: 20.0, use: 20.0})
    daily["home_wh"] += 20.0
    rows = reconciled(daily, rollups(daily, factors={HOME: 0.96, use: 0.96}))
    off_by = rows[(rows["measure"] == grid) & (rows["verdict"] == "differs")]
    assert set(zip(off_by["check_name"], off_by["cause"], strict=True)) == {("flow_identity", "rollup_drift")}


def test_an_identity_that_the_days_break_alike_is_unexplained() -> None:
    """The roll-up is the sum of its days, so it has not drifted."""
    daily = days().assign(**{SOLAR: days()[SOLAR] * 1.05})
    rows = reconciled(daily, rollups(daily))
    assert {(check, cause) for check, _, cause in off(rows)} == {("flow_identity", "unexplained")}


def test_days_that_are_missing_do_not_break_an_identity() -> None:
    """The flows of a row lack them alike; another reason is not known."""
    daily = days()
    broken = rollups(daily, factors={HOME: 0.5})
    rows = reconciled(daily[daily["local_date"] != date(2025, 6, 3)], broken)
    june = rows[(rows["period_start"] == date(2025, 6, 1)) & (rows["verdict"] == "differs")]
    assert set(zip(june["check_name"], june["cause"], strict=True)) == {
        ("month_vs_days", "partial_period"),
        ("flow_identity", "unexplained"),
    }


@pytest.mark.parametrize("factor", [0.5, 1.3])
def test_half_of_a_month_is_no_drift(factor: float) -> None:
    """No rule applies, so the cause is unexplained."""
    daily = days()
    assert {cause for _, _, cause in off(reconciled(daily, rollups(daily, every=factor)))} == {"unexplained"}


def test_what_is_too_much_in_one_and_too_little_in_another_is_no_drift() -> None:
    daily = days()
    assert {cause for _, _, cause in off(reconciled(daily, rollups(daily, factors={SOLAR: 1.03, HOME: 0.97})))} >= {
        "unexplained"
    }


def test_a_month_that_lacks_one_of_its_days_to_the_wh_dropped_it() -> None:
    """Q19: the difference is one day's values in every measure."""
    daily = days()
    short = rollups(daily.drop(index=13))
    assert off(reconciled(daily, short)) == {("month_vs_days", "2025-05-01", "dropped_day")}


def test_days_that_are_not_stored_make_a_period_partial() -> None:
    """Only June was requested: no day of May is stored and nothing is compared; of July there are too few."""
    daily = days()
    stored = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 7, 5))]
    assert off(reconciled(stored, rollups(daily))) == {("month_vs_days", "2025-07-01", "partial_period")}


def test_an_open_month_may_differ_by_its_days_that_are_not_settled_and_no_more() -> None:
    """Q13: requested on 20 July, before that day was over."""
    asked, today = datetime(2025, 7, 20, 20, tzinfo=UTC), date(2025, 7, 20)
    daily = days(FIRST, today)
    is_last = daily["local_date"] == today
    daily = daily.assign(status=np.where(is_last, "provisional", "agreed"))
    less = daily.assign(**{name: daily[name] * np.where(is_last, 0.4, 1.0) for name in FLOWS})
    evidence = rollups(less, asked=asked)
    assert off(reconciled(daily, evidence)) == {("month_vs_days", "2025-07-01", "partial_period")}
    drifted = rollups(less, asked=asked, every=0.93)
    assert ("month_vs_days", "2025-06-01", "rollup_drift") in off(reconciled(daily, drifted))


def test_a_lifetime_has_the_cause_of_its_years() -> None:
    """Q20: two years, the first has drifted."""
    first, second = days(date(2025, 5, 1), date(2025, 12, 31)), days(date(2026, 1, 1), date(2026, 1, 9))
    daily = pd.concat([first, second], ignore_index=True)
    periods = pd.concat([rollups(first, "year", every=1.03), rollups(second, "year")], ignore_index=True)
    assert off(reconciled(daily, periods)) == {
        ("year_vs_days", "2025-01-01", "rollup_drift"),
        ("lifetime_vs_days", "2025-05-01", "rollup_drift"),
    }


def altered(periods: pd.DataFrame, more_wh: Mapping[str, float], *, month: int = 6) -> pd.DataFrame:
    """The same periods, with `more_wh` added to one month."""
    is_chosen = periods["period_start"] == date(2025, month, 1)
    return periods.assign(**{name: periods[name] + np.where(is_chosen, wh, 0.0) for name, wh in more_wh.items()})


def causes(rows: pd.DataFrame, check: str = "month_vs_days") -> dict[str, str]:
    """Measure → cause of the differences of one check, in any month."""
    mine = rows[(rows["verdict"] == "differs") & (rows["check_name"] == check)]
    return dict(zip(mine["measure"], mine["cause"], strict=True))


def test_a_month_of_a_thousandth_is_in_another_unit() -> None:
    """API.md#units: where the units could not be recognised while shaping."""
    daily = days()
    assert set(causes(reconciled(daily, rollups(daily, every=0.001))).values()) == {"unit_mismatch"}


def test_a_month_of_zeros_was_cut_at_midnight() -> None:
    """Q2: the row of June has only zeros, its days have energy."""
    daily = days()
    june = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 6, 30))]
    zero = altered(rollups(daily), {name: -june[name].sum() for name in (SOLAR, HOME, EXPORT)})
    assert off(reconciled(daily, zero)) == {("month_vs_days", "2025-06-01", "midnight_zero")}


def test_a_month_that_splits_its_home_use_otherwise_is_a_shift() -> None:
    """Q21: 5 kWh less from solar and 5 kWh more from the battery; home use is the same."""
    daily = days()
    battery = "consumer_energy_imported_from_battery_wh"
    shifted = altered(rollups(daily), {HOME: -5_000.0, battery: 5_000.0})
    assert causes(reconciled(daily, shifted)) == {HOME: "allocation_shift", battery: "allocation_shift"}


def test_a_month_asked_before_it_had_settled_is_revised() -> None:
    """Q12: July, requested on the evening of 1 August, lacks 12 kWh of its last day; three days later that is drift."""
    daily = days()
    is_last = daily["local_date"] == LAST
    less = daily.assign(**{name: daily[name] - np.where(is_last, 12_000.0, 0.0) for name in (SOLAR, HOME)})
    early, late = datetime(2025, 8, 2, 3, tzinfo=UTC), datetime(2025, 8, 5, 3, tzinfo=UTC)
    assert set(causes(reconciled(daily, rollups(less, asked=early))).values()) == {"revised"}
    assert set(causes(reconciled(daily, rollups(less, asked=late))).values()) == {"rollup_drift"}


def test_a_small_month_in_whole_kilowatt_hours_is_rounded() -> None:
    """90,300 Wh are reported as 90 kWh, 60,600 as 61, 29,700 as 30: both up and down, so it is not drift."""
    flows = {SOLAR: 3_010.0, HOME: 2_020.0, EXPORT: 990.0}
    daily = days(date(2025, 6, 1), date(2025, 6, 30)).assign(**flows, home_wh=2_020.0, grid_export_wh=990.0)
    rounded = rollups(daily).assign(**{SOLAR: 90_000.0, HOME: 61_000.0, EXPORT: 30_000.0})
    assert set(causes(reconciled(daily, rounded)).values()) == {"rounding"}
    odd = rounded.assign(**{SOLAR: 90_001.0})
    assert set(causes(reconciled(daily, odd)).values()) == {"unexplained"}


def test_the_month_of_the_installation_may_differ_by_its_first_day() -> None:
    """May lacks 5 kWh of solar and has 3 kWh of export too much, less than 1 May has. In June the same is unexplained."""
    daily = days()
    more = {SOLAR: -5_000.0, EXPORT: 3_000.0}
    assert set(causes(reconciled(daily, altered(rollups(daily), more, month=5))).values()) == {"partial_period"}
    assert set(causes(reconciled(daily, altered(rollups(daily), more))).values()) == {"unexplained"}


@pytest.mark.parametrize("cause", ["missing_intervals", "wrong_window", "sensor_inversion"])
def test_a_month_that_sums_intervals_which_differ_from_their_days_has_their_cause(cause: str) -> None:
    """Q14, Q19, Q22: the year series is a sum of the intervals, not of the days."""
    daily = days()
    lost = 9_000.0
    day = table_frame(
        "reconciliation",
        {
            "site_id": [101, 101],
            "check_name": "interval_vs_day",
            "granularity": "day",
            "period_start": date_column(np.array(["2025-06-10"] * 2, dtype="datetime64[D]")),
            "measure": [SOLAR, HOME],
            "left_source": "energy_intervals",
            "left_wh": [21_000.0, 1_000.0],
            "right_source": "calendar_history/month",
            "right_wh": [30_000.0, 10_000.0],
            "difference_wh": -lost,
            "tolerance_wh": 288.0,
            "verdict": "differs",
            "cause": cause,
        },
    )
    found = causes(reconciled(daily, altered(rollups(daily), {SOLAR: -lost, HOME: -lost}), days=day))
    assert {name: found[name] for name in (SOLAR, HOME)} == {SOLAR: cause, HOME: cause}


def test_one_measure_that_drifts_by_what_intervals_lack_is_a_chance() -> None:
    """The others drift by something else. What the intervals lack they would lack in the month, too."""
    daily, names, lost = days(), (SOLAR, HOME, EXPORT), (6_000.0, 30_000.0)
    month = rollups(daily)
    june = (month["period_start"] == date(2025, 6, 1)).to_numpy(dtype=bool)
    drift = float(month.loc[june, SOLAR].iloc[0]) * 0.02
    month.loc[june, list(FLOWS)] *= 0.98
    day = table_frame(
        "reconciliation",
        {
            "site_id": [101] * 3,
            "check_name": "interval_vs_day",
            "granularity": "day",
            "period_start": date_column(np.array(["2025-06-10"] * 3, dtype="datetime64[D]")),
            "measure": list(names),
            "left_source": "energy_intervals",
            "left_wh": 0.0,
            "right_source": "calendar_history/month",
            "right_wh": [drift, *lost],
            "difference_wh": [-drift, *(-wh for wh in lost)],
            "tolerance_wh": 288.0,
            "verdict": "differs",
            "cause": "missing_intervals",
        },
    )
    assert set(causes(reconciled(daily, month, days=day)).values()) == {"rollup_drift"}


def test_a_row_about_the_unit_of_a_month_is_kept() -> None:
    """API.md#units: there is one row with that key."""
    daily = days()
    rows = reconciled(daily, rollups(daily))
    mine = rows[(rows["check_name"] == "month_vs_days") & (rows["measure"] == SOLAR)][:1]
    units = mine.assign(verdict="differs", cause="unit_mismatch")
    assert off(reconciled(daily, rollups(daily), units=units)) == {("month_vs_days", "2025-05-01", "unit_mismatch")}
    assert len(reconciled(daily, rollups(daily), units=units)) == len(rows)


@pytest.mark.parametrize(("days_lacking", "cause"), [(2.5, "partial_period"), (3.5, "unexplained")])
def test_each_day_at_an_edge_of_a_month_of_another_clock_counts_once(days_lacking: float, cause: str) -> None:
    """Three days lie at an edge: the first, after which the kind of the source changes, the second, and the last."""
    daily = days(date(2025, 6, 1), date(2025, 6, 30))
    flows = dict.fromkeys(FLOWS, 0.0) | {SOLAR: 30_000.0, HOME: 30_000.0}
    sums = {total: sum(flows[part] for part in parts) for total, parts in TOTALS.items()}
    daily = daily.assign(**flows, **sums)
    daily.loc[0, "source"] = "energy_intervals"
    lacking_wh = days_lacking * 30_000.0
    month = altered(rollups(daily), {SOLAR: -lacking_wh, HOME: -lacking_wh}).assign(timezone="America/New_York")
    assert causes(reconciled(daily, month)) == {SOLAR: cause, HOME: cause, "home_wh": cause}


def test_a_month_in_which_the_battery_came_has_no_identity() -> None:
    """Its solar has all days, the uses of solar only those since the battery and its meter (Q43)."""
    daily = days(date(2025, 6, 1), date(2025, 6, 30))
    site = replace(SITE, battery=BatteryDays(since=date(2025, 6, 11)))
    daily.loc[:9, [HOME, EXPORT, "home_wh", "grid_export_wh"]] = np.nan
    nothing = empty_frame("reconciliation")
    rows = reconcile_periods(PeriodEvidence(daily, rollups(daily), nothing, nothing, site, NOW, 48.0))
    identity = rows[rows["check_name"] == "flow_identity"]
    assert set(zip(identity["measure"], identity["cause"], strict=True)) == {(SOLAR, "no_splits")}
    assert identity["verdict"].isna().all()


def test_home_use_drifts_in_the_month_in_which_the_battery_came() -> None:
    """The days before it lack what was not measured, which the month does not have either; a day after it is no such day."""
    daily = days(date(2025, 6, 1), date(2025, 6, 30))
    site = replace(SITE, battery=BatteryDays(since=date(2025, 6, 11)))
    daily.loc[:9, [HOME, EXPORT, "home_wh", "grid_export_wh"]] = np.nan
    nothing, month = empty_frame("reconciliation"), rollups(daily, factors={HOME: 0.96})
    rows = reconcile_periods(PeriodEvidence(daily, month, nothing, nothing, site, NOW, 48.0))
    assert causes(rows) == {HOME: "rollup_drift", "home_wh": "rollup_drift"}
    daily.loc[10:11, [HOME, "home_wh"]] = np.nan
    rows = reconcile_periods(PeriodEvidence(daily, month, nothing, nothing, site, NOW, 48.0))
    assert causes(rows) == {HOME: "partial_period", "home_wh": "partial_period"}


def test_without_stored_days_nothing_is_compared() -> None:
    """Identities need no other source."""
    assert set(reconciled(empty_frame("daily"), rollups(days()))["check_name"]) == {"flow_identity"}
    assert len(reconciled(days(), empty_frame("energy_periods"))) == 0


def test_a_week_of_the_retired_endpoint_is_compared_with_its_days() -> None:
    """API.md#legacy: weeks of `/history` begin on Sunday."""
    daily = days()
    week = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 6, 7))]
    row = rollups(week).assign(granularity="week", source="history/month")
    assert off(reconciled(daily, row)) == set()
    late = row.assign(**{SOLAR: row[SOLAR] - 5_000.0})
    assert {(check, start) for check, start, _ in off(reconciled(daily, late))} == {
        ("history_vs_calendar", "2025-06-01")
    }
