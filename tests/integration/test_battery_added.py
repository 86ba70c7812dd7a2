"""A site with solar alone gets a battery, and a grid meter with it: the days before keep what they had."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from extract.simulator import FLOWS, SiteSpec, World
from extract.simulator.local_day import days_between
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from tests.shell import run_here
from tests.simulated import account
from tests.tariffs import flat
from warehouse.query.query import connect
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
ADDED = date(2026, 1, 5)
SITE = SiteSpec(
    site_id=77,
    installed_at=datetime(2025, 12, 31, 20, tzinfo=UTC),
    outages_per_year=0,
    battery_since=ADDED,
    seed=7,
)
SOLAR_ONLY = SITE.on(ADDED - timedelta(days=1))
SERIES = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
BEFORE = datetime(2026, 1, 4, 20, 7, tzinfo=UTC)


def query(data_dir: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(sql, list(values)).fetchall()


def stored(
    data_dir: Path, spec: SiteSpec, visits: Sequence[datetime], series: Sequence[Series] = SERIES
) -> list[list[tuple[Any, ...]]]:
    """What is found of the days before the battery, after some visits and again after a rebuild."""
    made = World((spec,))
    with account(made, now=lambda: NOW) as served:
        for instant in visits:
            served.stand_at(instant)
            assert served.run(data_dir, BackfillRequest(series=tuple(series))).exit_code == 0
        found = [of_days_before(data_dir)]
        rebuild(served.context(data_dir), ThreadExecutor())
        return [*found, of_days_before(data_dir)]


def of_days_before(data_dir: Path) -> list[tuple[Any, ...]]:
    names = ", ".join(f"{name}_wh" for name in FLOWS)
    until = ADDED - timedelta(days=1)
    return [
        *query(
            data_dir, f"select local_date, home_wh, grid_export_wh, {names} from daily where local_date <= ?", until
        ),
        *query(data_dir, "select interval_start, home_w from power where local_date <= ? order by 1", until),
        *query(
            data_dir,
            "select check_name, period_start, measure, verdict, cause from reconciliation "
            "where granularity = 'day' and period_start <= ? order by all",
            until,
        ),
    ]


@pytest.mark.parametrize(
    "visits",
    [
        pytest.param((NOW,), id="afterwards"),
        pytest.param((BEFORE, NOW), id="before and afterwards", marks=pytest.mark.exhaustive),
    ],
)
def test_the_days_before_a_battery_are_those_of_a_site_without(tmp_path: Path, visits: tuple[datetime, ...]) -> None:
    """What is not measured is NULL: home, grid; nothing is unexplained, and no day is taken for a home that used nothing."""
    (usual, _) = stored(tmp_path / "usual", SOLAR_ONLY, visits)
    found = stored(tmp_path / "found", SITE, visits)
    assert found == [usual, usual]
    data_dir, truth = tmp_path / "found", World((SITE,)).truth(77)
    names = ", ".join(f"{name}_wh" for name in FLOWS)
    days = days_between(ADDED, date(2026, 1, 12))
    rows = query(
        data_dir,
        f"select local_date, {names} from daily where local_date between ? and ? order by 1",
        days[0],
        days[-1],
    )
    assert rows == [(day, *truth.daily_wh(day).values()) for day in days]
    causes = query(data_dir, "select distinct cause from reconciliation where verdict <> 'agree'")
    assert not {("unexplained",), ("midnight_zero",)} & set(causes)
    assert query(data_dir, "select count(*) from gaps where series = 'soe' and gap_start < ?", ADDED) == [(0,)]
    _costs_begin_with_the_grid_meter(data_dir)


def _costs_begin_with_the_grid_meter(data_dir: Path) -> None:
    """Imports of 0 Wh on days without grid meter are not known, so these days have no costs, and what-if has no such days."""
    file = data_dir.parent / "tariff.json"
    file.write_bytes(orjson.dumps(flat(0.3, 0.1)))
    where = ["--data-dir", str(data_dir)]
    environment = {"WATTLOG_PROVIDER": "simulator"}
    asked = [*where, "tariff", "import", str(file), "--site", "77", "--from", "2025-12-01"]
    assert run_here(asked, data_dir.parent, environment).returncode == 0
    assert query(data_dir, "select min(local_date) from main.daily_costs") == [(ADDED,)]
    found = run_here([*where, "what-if", "--json"], data_dir.parent, environment)
    assert json.loads(found.stdout)["first_day"] == ADDED.isoformat()


@pytest.mark.exhaustive
def test_without_its_state_of_energy_what_site_info_said_shows_when_a_battery_came(tmp_path: Path) -> None:
    series = (Series.POWER, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
    visits = (BEFORE, datetime(2026, 1, 5, 20, 7, tzinfo=UTC), NOW)
    (usual, _) = stored(tmp_path / "usual", SOLAR_ONLY, visits, series)
    assert stored(tmp_path / "found", SITE, visits, series) == [usual, usual]
