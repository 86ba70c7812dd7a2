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
from transform.time import date_column, days_from
from warehouse.schema import FLOWS

SITE = replace(BATTERY_SITE, installed_at=datetime(2025, 5, 1, 7, tzinfo=UTC))
FIRST, LAST = date(2025, 5, 1), date(2025, 7, 31)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
SUN, HOME, EXPORT = (
    "solar_energy_exported_wh",
    "consumer_energy_imported_from_solar_wh",
    "grid_energy_exported_from_solar_wh",
)


def days(first: date = FIRST, last: date = LAST, *, status: str = "agreed") -> pd.DataFrame:
    """Days of about 30 kWh of sun, of which a third goes to the grid; no two alike."""
    dates = days_from(first, last)
    sun = 30_000.0 + 137.0 * np.arange(len(dates)) ** 1.5 // 1
    flows = dict.fromkeys(FLOWS, 0.0) | {SUN: sun, HOME: sun - sun // 3, EXPORT: sun // 3}
    sums = {total: sum(np.asarray(flows[part]) for part in parts) for total, parts in TOTALS.items()}
    facts = {"site_id": 101, "local_date": date_column(dates), "status": status, "source": "calendar_history/month"}
    return table_frame("daily", {**facts, "coverage_pct": 100.0, **flows, **sums})


def told(
    daily: pd.DataFrame,
    unit: str = "month",
    *,
    asked: datetime = NOW,
    every: float = 1.0,
    factors: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """What the year or lifetime series would tell of these days, some of it times a factor."""
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
    """Left is Σ daily, right what the API says; identities hold within each."""
    daily = days()
    rows = reconciled(daily, pd.concat([told(daily), told(daily, "year")], ignore_index=True))
    assert off(rows) == set()
    assert set(rows["check_name"]) == {"month_vs_days", "year_vs_days", "lifetime_vs_days", "flow_identity"}
    may = rows[(rows["check_name"] == "month_vs_days") & (rows["measure"] == SUN)].iloc[0]
    assert (may["left_source"], may["right_source"]) == ("daily", "calendar_history/year")
    assert may["left_wh"] == daily[SUN][:31].sum()


def test_a_month_that_is_a_few_percent_off_has_drifted() -> None:
    """Q20."""
    daily = days()
    rows = reconciled(daily, told(daily, every=0.96))
    assert off(rows) == {("month_vs_days", f"2025-0{month}-01", "rollup_drift") for month in (5, 6, 7)}


def test_home_use_alone_can_drift() -> None:
    """Q20: 828 kWh of 863."""
    daily = days()
    rows = reconciled(daily, told(daily, factors={HOME: 828 / 863}))
    mine = rows[(rows["verdict"] != "agree") & (rows["check_name"] == "month_vs_days")]
    assert set(mine["measure"]) == {HOME, "home_wh"}
    assert set(mine["cause"]) == {"rollup_drift"}


@pytest.mark.parametrize("factor", [0.5, 1.3])
def test_half_of_a_month_is_no_drift(factor: float) -> None:
    """A difference that nothing explains stays unexplained."""
    daily = days()
    assert {cause for _, _, cause in off(reconciled(daily, told(daily, every=factor)))} == {"unexplained"}


def test_what_is_too_much_in_one_and_too_little_in_another_is_no_drift() -> None:
    daily = days()
    assert {cause for _, _, cause in off(reconciled(daily, told(daily, factors={SUN: 1.03, HOME: 0.97})))} >= {
        "unexplained"
    }


def test_a_month_that_lacks_one_of_its_days_to_the_wh_dropped_it() -> None:
    """Q19: the difference is one day's values in every measure."""
    daily = days()
    short = told(daily.drop(index=13))
    assert off(reconciled(daily, short)) == {("month_vs_days", "2025-05-01", "dropped_day")}


def test_days_that_are_not_held_make_a_period_partial() -> None:
    """Only June was ever asked for: of May nothing is held and nothing is compared, of July too little."""
    daily = days()
    held = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 7, 5))]
    assert off(reconciled(held, told(daily))) == {("month_vs_days", "2025-07-01", "partial_period")}


def test_an_open_month_may_differ_by_what_is_not_settled_and_no_more() -> None:
    """Q13: asked on 20 July, whose own energy went on growing."""
    asked, today = datetime(2025, 7, 20, 20, tzinfo=UTC), date(2025, 7, 20)
    daily = days(FIRST, today)
    is_last = daily["local_date"] == today
    daily = daily.assign(status=np.where(is_last, "provisional", "agreed"))
    less = daily.assign(**{name: daily[name] * np.where(is_last, 0.4, 1.0) for name in FLOWS})
    evidence = told(less, asked=asked)
    assert off(reconciled(daily, evidence)) == {("month_vs_days", "2025-07-01", "partial_period")}
    drifted = told(less, asked=asked, every=0.93)
    assert ("month_vs_days", "2025-06-01", "rollup_drift") in off(reconciled(daily, drifted))


def test_a_lifetime_differs_for_the_reason_of_its_years() -> None:
    """Q20: two years, the first has drifted."""
    first, second = days(date(2025, 5, 1), date(2025, 12, 31)), days(date(2026, 1, 1), date(2026, 1, 9))
    daily = pd.concat([first, second], ignore_index=True)
    periods = pd.concat([told(first, "year", every=1.03), told(second, "year")], ignore_index=True)
    assert off(reconciled(daily, periods)) == {
        ("year_vs_days", "2025-01-01", "rollup_drift"),
        ("lifetime_vs_days", "2025-05-01", "rollup_drift"),
    }


def altered(periods: pd.DataFrame, more_wh: Mapping[str, float], *, month: int = 6) -> pd.DataFrame:
    """The same periods, one month's with so many Wh more."""
    is_it = periods["period_start"] == date(2025, month, 1)
    return periods.assign(**{name: periods[name] + np.where(is_it, wh, 0.0) for name, wh in more_wh.items()})


def causes(rows: pd.DataFrame, check: str = "month_vs_days") -> dict[str, str]:
    """Measure → cause of what differs in one check, whatever the month."""
    mine = rows[(rows["verdict"] == "differs") & (rows["check_name"] == check)]
    return dict(zip(mine["measure"], mine["cause"], strict=True))


def test_a_month_of_a_thousandth_is_in_another_unit() -> None:
    """Fact 1: where the units' step had no evidence."""
    daily = days()
    assert set(causes(reconciled(daily, told(daily, every=0.001))).values()) == {"unit_mismatch"}


def test_a_month_of_zeros_was_cut_at_midnight() -> None:
    """Q2: June is a row of zeros, its days are not."""
    daily = days()
    june = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 6, 30))]
    zero = altered(told(daily), {name: -june[name].sum() for name in (SUN, HOME, EXPORT)})
    assert off(reconciled(daily, zero)) == {("month_vs_days", "2025-06-01", "midnight_zero")}


def test_a_month_that_splits_its_home_use_otherwise_is_a_shift() -> None:
    """Q21: 5 kWh less of the sun and as much more of the battery; the home used the same."""
    daily = days()
    battery = "consumer_energy_imported_from_battery_wh"
    shifted = altered(told(daily), {HOME: -5_000.0, battery: 5_000.0})
    assert causes(reconciled(daily, shifted)) == {HOME: "allocation_shift", battery: "allocation_shift"}


def test_a_month_asked_before_it_had_settled_is_revised() -> None:
    """Q12: July was asked on the evening of 1 August and lacks 12 kWh of its last day; three days later that is drift."""
    daily = days()
    is_last = daily["local_date"] == LAST
    less = daily.assign(**{name: daily[name] - np.where(is_last, 12_000.0, 0.0) for name in (SUN, HOME)})
    early, late = datetime(2025, 8, 2, 3, tzinfo=UTC), datetime(2025, 8, 5, 3, tzinfo=UTC)
    assert set(causes(reconciled(daily, told(less, asked=early))).values()) == {"revised"}
    assert set(causes(reconciled(daily, told(less, asked=late))).values()) == {"rollup_drift"}


def test_a_small_month_in_whole_kilowatt_hours_is_rounded() -> None:
    """90,300 Wh told as 90 kWh, 60,600 as 61, 29,700 as 30: some up, some down, so it is no drift."""
    flows = {SUN: 3_010.0, HOME: 2_020.0, EXPORT: 990.0}
    daily = days(date(2025, 6, 1), date(2025, 6, 30)).assign(**flows, home_wh=2_020.0, grid_export_wh=990.0)
    rounded = told(daily).assign(**{SUN: 90_000.0, HOME: 61_000.0, EXPORT: 30_000.0})
    assert set(causes(reconciled(daily, rounded)).values()) == {"rounding"}
    odd = rounded.assign(**{SUN: 90_001.0})
    assert set(causes(reconciled(daily, odd)).values()) == {"unexplained"}


def test_the_month_of_the_installation_may_differ_by_its_first_day() -> None:
    """May lacks 5 kWh of sun and has 3 kWh of export too much: less than 1 May had. The same of June is unexplained."""
    daily = days()
    more = {SUN: -5_000.0, EXPORT: 3_000.0}
    assert set(causes(reconciled(daily, altered(told(daily), more, month=5))).values()) == {"partial_period"}
    assert set(causes(reconciled(daily, altered(told(daily), more))).values()) == {"unexplained"}


@pytest.mark.parametrize("cause", ["missing_intervals", "wrong_window", "sensor_inversion"])
def test_a_month_made_of_the_intervals_that_differ_from_their_days_says_so(cause: str) -> None:
    """Q14, Q19, Q22: the year series was summed from what the cloud had heard."""
    daily = days()
    lost = 9_000.0
    day = table_frame(
        "reconciliation",
        {
            "site_id": [101, 101],
            "check_name": "interval_vs_day",
            "granularity": "day",
            "period_start": date_column(np.array(["2025-06-10"] * 2, dtype="datetime64[D]")),
            "measure": [SUN, HOME],
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
    found = causes(reconciled(daily, altered(told(daily), {SUN: -lost, HOME: -lost}), days=day))
    assert {name: found[name] for name in (SUN, HOME)} == {SUN: cause, HOME: cause}


def test_what_the_units_step_found_about_a_month_is_kept() -> None:
    """Fact 1: that key is told once."""
    daily = days()
    rows = reconciled(daily, told(daily))
    mine = rows[(rows["check_name"] == "month_vs_days") & (rows["measure"] == SUN)][:1]
    units = mine.assign(verdict="differs", cause="unit_mismatch")
    assert off(reconciled(daily, told(daily), units=units)) == {("month_vs_days", "2025-05-01", "unit_mismatch")}
    assert len(reconciled(daily, told(daily), units=units)) == len(rows)


def test_nothing_held_is_nothing_compared() -> None:
    """Identities need no other source."""
    assert set(reconciled(empty_frame("daily"), told(days()))["check_name"]) == {"flow_identity"}
    assert len(reconciled(days(), empty_frame("energy_periods"))) == 0


def test_a_week_of_the_old_endpoint_is_compared_with_its_days() -> None:
    """API.md §1.6: weeks of `/history` begin on Sunday."""
    daily = days()
    week = daily[(daily["local_date"] >= date(2025, 6, 1)) & (daily["local_date"] <= date(2025, 6, 7))]
    row = told(week).assign(granularity="week", source="history/month")
    assert off(reconciled(daily, row)) == set()
    late = row.assign(**{SUN: row[SUN] - 5_000.0})
    assert {(check, start) for check, start, _ in off(reconciled(daily, late))} == {
        ("history_vs_calendar", "2025-06-01")
    }
