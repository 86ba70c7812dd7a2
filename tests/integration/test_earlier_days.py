"""Responses with the days before those asked for: they change nothing of these, and count for their own day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import FLOWS, Anomaly, EarlierDays, SiteSpec, World
from extract.simulator.local_day import days_between
from flows.pipeline import BackfillRequest
from tests.simulated import NOW, account
from warehouse.query.query import connect
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

SITE = SiteSpec(site_id=77, installed_at=datetime(2025, 11, 20, 20, tzinfo=UTC), seed=7)
FIRST, LAST = date(2025, 12, 29), date(2026, 1, 3)
OF_MONTH = EarlierDays(date(2026, 1, 10), date(2026, 1, 31), 10_000)
"""All days since the installation in the month of January, which is not over."""

SERIES = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)


def stored(data_dir: Path, spec: SiteSpec, *anomalies: Anomaly) -> Path:
    world = World((replace(spec, anomalies=anomalies),))
    with account(world) as served:
        assert served.run(data_dir, BackfillRequest(series=SERIES, since=FIRST, until=LAST)).exit_code == 0
    return data_dir


def query(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(sql).fetchall()


@pytest.mark.parametrize("spec", [SITE, replace(SITE, five_minute_since=date(2026, 6, 1))], ids=["intervals", "days"])
def test_days_before_those_asked_for_change_nothing(tmp_path: Path, spec: SiteSpec) -> None:
    usual, wide = (
        stored(tmp_path / name, spec, *anomalies)
        for name, anomalies in (("usual", ()), ("wide", (EarlierDays(FIRST, LAST), OF_MONTH)))
    )
    assert query(wide, "select count(*) from quarantine") == query(wide, "select count(*) from revisions") == [(0,)]
    days = f"local_date between date '{FIRST}' and date '{LAST}'"
    names, sums = (", ".join(form.format(name) for name in FLOWS) for form in ("{}_wh", "sum({}_wh)"))
    for sql in (
        f"select local_date, status, source, {names} from daily where {days} order by 1",
        f"select local_date, count(*), min(interval_s), sum(solar_w) from power where {days} group by 1 order by 1",
        f"select local_date, count(*), {sums} from energy_intervals where {days} group by 1 order by 1",
        "select * exclude (expected_rows) from gaps order by all",
    ):
        assert query(wide, sql) == query(usual, sql)


def test_rows_of_days_that_were_not_asked_for_are_stored_under_their_day(tmp_path: Path) -> None:
    found = stored(tmp_path, SITE, EarlierDays(FIRST, FIRST), OF_MONTH)
    before = days_between(FIRST - timedelta(days=2), FIRST - timedelta(days=1))
    for table in ("power", "energy_intervals"):
        rows = query(
            found, f"select local_date, count(*) from {table} where local_date < '{FIRST}' group by 1 order by 1"
        )
        assert rows == [(day, 288) for day in before]
    rows = query(found, "select distinct period_start from energy_periods where granularity = 'day' order by 1")
    assert [day for (day,) in rows] == list(days_between(SITE.installed_at.date(), NOW.date()))
