"""Differences whose evidence is in another check, or in how the sources are sampled: none of them is unexplained."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from extract.simulator import CloudGap, MidnightZero, MonthDropsDay, RollupDrift, Series, SiteSpec, World, WrongWindow
from tests.mixtures import reconciled
from tests.simulated import NOW as STANDING
from tests.simulated import account
from warehouse.checks.sql_checks import run_checks

pytestmark = pytest.mark.slow

NOW = datetime(2025, 7, 20, 19, tzinfo=UTC)


def off(rows: pd.DataFrame) -> set[tuple[str, str, str | None]]:
    """(check, measure, cause) of what does not agree on settled days."""
    mine = rows[(rows["verdict"] != "agree") & ~rows["cause"].isin(["revised", "partial_period"])]
    return set(zip(*(mine[name] for name in ("check_name", "measure", "cause")), strict=True))


@pytest.mark.parametrize("seed", [0, 3])
def test_power_of_a_quarter_hour_agrees_with_energy_of_five_minutes(seed: int) -> None:
    """Q34: its mean does not show what the meter imported and exported within the quarter hour."""
    found = reconciled(SiteSpec(power_interval_s=900, seed=seed), NOW)
    assert off(found.days) == set()


@pytest.mark.parametrize(
    ("series", "first", "last", "check", "seed"),
    [
        (Series.YEAR, date(2025, 6, 1), date(2025, 7, 31), "month_vs_days", 0),
        (Series.LIFETIME, date(2025, 1, 1), date(2025, 12, 31), "year_vs_days", 1),
    ],
)
def test_home_use_that_drifted_is_the_cause_of_broken_identities(
    series: Series, first: date, last: date, check: str, seed: int
) -> None:
    """Q20: the reference case, in which nothing but the home's figures had drifted."""
    drift = RollupDrift(series, first, last, -4.0, is_home_alone=True)
    found = reconciled(SiteSpec(seed=seed, anomalies=(drift,)), NOW)
    causes = {(name, cause) for name, _, cause in off(found.periods)}
    assert {(check, "rollup_drift"), ("flow_identity", "rollup_drift")} <= causes
    assert {cause for _, cause in causes} == {"rollup_drift"}


def differences(data_dir: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(f"select {sql} from reconciliation where verdict <> 'agree' order by all").fetchall()


def test_a_week_that_was_cut_at_its_request_is_no_difference_of_a_later_settled_day(tmp_path: Path) -> None:
    """Q13, Q19: the month lacks Monday, so its week is requested on Thursday noon, and has half of that day. Later the month
    has Monday, and the week is not requested again.
    """
    monday, thursday = date(2026, 1, 12), date(2026, 1, 15)
    site = SiteSpec(
        installed_at=datetime(2026, 1, 5, 20, tzinfo=UTC),
        anomalies=(MonthDropsDay(monday, STANDING + timedelta(hours=1)),),
    )
    with account(World((site,))) as served:
        assert served.backfill(tmp_path, date(2026, 1, 6)).exit_code == 0
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            weeks = "select is_partial from energy_periods where source like '%/week' and period_start = ?"
            assert warehouse.execute(weeks, [thursday]).fetchall() == [(True,)]
        served.now = lambda: STANDING + timedelta(days=6)
        assert served.backfill(tmp_path, date(2026, 1, 6)).exit_code == 0
    assert differences(tmp_path, "* exclude site_id") == []


def test_a_right_answer_after_a_wrong_one_leaves_no_wrong_window(tmp_path: Path) -> None:
    """Q22: three hours without rows are the cause, at the same instant by the clock as the wrong answer or later."""
    day = date(2026, 1, 9)
    begin = datetime(2026, 1, 9, 18, tzinfo=UTC)
    site = SiteSpec(
        installed_at=datetime(2026, 1, 1, 20, tzinfo=UTC),
        anomalies=(WrongWindow(day, day, times=1), CloudGap(begin, begin + timedelta(hours=3))),
    )
    with account(World((site,))) as served:
        assert served.backfill(tmp_path, date(2026, 1, 5)).exit_code == 0
    found = differences(tmp_path, "distinct period_start, check_name, cause")
    assert [row for row in found if row[0] == day] == [
        (day, "interval_vs_day", "missing_intervals"),
        (day, "power_vs_energy", "missing_intervals"),
    ]


@pytest.mark.parametrize("battery_wh", [0, 27_000])
def test_a_day_that_no_source_has_is_a_gap_and_nothing_is_wrong_with_the_warehouse(
    tmp_path: Path, battery_wh: int
) -> None:
    """Q2, Q22: intervals and power of two days are of other days; month and week have zeros of one, and no row of the other."""
    day, dropped = date(2026, 1, 9), date(2026, 1, 11)
    anomalies = (
        WrongWindow(day, day),
        WrongWindow(dropped, dropped),
        MidnightZero(day, is_week_too=True),
        MonthDropsDay(dropped, is_week_too=True),
    )
    site = SiteSpec(
        installed_at=datetime(2026, 1, 1, 20, tzinfo=UTC),
        battery_energy_wh=battery_wh,
        has_grid_meter=battery_wh > 0,
        anomalies=anomalies,
    )
    with account(World((site,))) as served:
        assert served.backfill(tmp_path, date(2026, 1, 5)).exit_code == 1
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            assert run_checks(warehouse) == []
            gaps = "select distinct cause from gaps where series = 'energy_interval' and gap_start::date in (?, ?)"
            assert warehouse.execute(gaps, [day, dropped]).fetchall() == [("wrong_window",)]
    found = differences(tmp_path, "distinct period_start, verdict, cause")
    assert (day, "missing_left", "wrong_window") in found
    assert (dropped, "missing_right", "dropped_day") in found
