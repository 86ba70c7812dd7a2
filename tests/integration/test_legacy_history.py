"""The old endpoint `/history`, asked in one run after the other: every period is stored once, and as it really was."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

from extract.simulator import POWERS, SiteSpec, World
from flows.cli import run
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, backfill, rebuild
from flows.run_context import RunContext
from flows.settings import Settings
from tests.simulated import account
from tests.truth import wrong_periods
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import TABLES
from wattlog.lake_periods import holds
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

WEST = SiteSpec(site_id=77, installed_at=datetime(2025, 11, 20, 20, tzinfo=UTC), seed=7)
EAST = replace(WEST, site_id=78, time_zone="Australia/Sydney", latitude=-33.0, longitude=150.0)
RUNS = tuple(datetime(2026, month, day, 20, tzinfo=UTC) for month, day in ((1, 31), (2, 2), (3, 1)))
"""Noon at the end of January, two days later, and a month after that; in Sydney it is the next morning."""

BOTH = pytest.mark.parametrize("spec", [WEST, EAST], ids=["west", "east"])


@dataclass(frozen=True)
class Stored:
    """What the runs came to."""

    world: World
    data_dir: Path

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the warehouse."""
        with connect(self.data_dir / "warehouse.duckdb") as warehouse:
            found = warehouse.sql(query, params=list(values)).to_arrow_table().to_pandas()
        rows: list[dict[str, Any]] = found.to_dict("records")
        return rows


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Three runs of the old endpoint, beside one day of calendar_history."""
    data_dir = tmp_path_factory.mktemp("legacy")
    world = World(sites=(WEST, EAST), has_legacy_history=True)
    with account(world) as served:
        for now in RUNS:
            served.now = partial(datetime.fromtimestamp, now.timestamp(), UTC)
            context = served.context(data_dir)
            scope = BackfillRequest(
                series=(Series.POWER, Series.HISTORY), since=date(2026, 2, 1), until=date(2026, 2, 1)
            )
            assert backfill(context, ThreadExecutor(), scope).exit_code == 0
    return Stored(world, data_dir)


@BOTH
def test_every_period_that_was_reported_is_the_energy_that_flowed_in_it(stored: Stored, spec: SiteSpec) -> None:
    """0 Wh of error in sixteen flows of days, weeks and months, whichever of three runs fetched them last."""
    rows = stored.rows("select * from energy_periods where site_id = ?", spec.site_id)
    assert wrong_periods(rows, stored.world.truth(spec.site_id)) == []


def test_periods_of_three_runs_are_all_stored_and_none_twice(stored: Stored) -> None:
    """API.md#legacy, as seen from noon of 31 January, 2 February and 1 March: what is between was not reported."""
    rows = stored.rows("select source, period_start, _fetched_at from energy_periods where site_id = ?", WEST.site_id)
    fetched = {(row["source"], row["period_start"]): row["_fetched_at"].to_pydatetime() for row in rows}
    assert len(fetched) == len(rows)

    def of(source: str) -> set[date]:
        return {start for name, start in fetched if name == source}

    days = {date(2026, 1, 30) + timedelta(days=ahead) for ahead in range(4)}
    assert of("history/day") == days | {date(2026, 2, 28), date(2026, 3, 1)}
    january = {date(2026, 1, 24) + timedelta(days=ahead) for ahead in range(9)}
    assert of("history/week") == january | {date(2026, 2, 22) + timedelta(days=ahead) for ahead in range(7)}
    assert of("history/month") == {date(2025, 12, 28) + timedelta(weeks=back) for back in range(9)}
    assert of("history/year") == {date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)}
    assert fetched["history/year", date(2025, 11, 1)] == RUNS[2]
    assert fetched["history/week", date(2026, 1, 26)] == RUNS[1]
    assert fetched["history/week", date(2026, 1, 25)] == RUNS[0]


def test_each_row_is_in_the_period_that_it_lies_in(stored: Stored) -> None:
    """So that no two files hold the same row, however often and whenever it was reported."""
    lake = Lake(stored.data_dir / "lake")
    periods, months = set(), set()
    for part in lake.partitions("energy_periods"):
        assert part.period is not None
        of_part = {f"{start:%Y-%m}" for start in lake.read_partition(part, "energy_periods")["period_start"]}
        assert all(holds(part.period, month) for month in of_part), part
        periods |= {part.period} if of_part else set()
        months |= of_part
    assert months == {"2025-11", "2025-12", "2026-01", "2026-02", "2026-03"}
    assert periods == {"2025", "2026-01", "2026-02", "2026-03"}, "the closed year is one file"


@BOTH
def test_power_is_the_power_that_was_and_calendar_history_wins(stored: Stored, spec: SiteSpec) -> None:
    """Each instant once; both report the first of February, and calendar_history wins throughout."""
    rows = stored.rows(
        """select p.*, r.series from power p join requests r on r.raw_id = p._raw_id
        where p.site_id = ? order by interval_start""",
        spec.site_id,
    )
    assert len({row["interval_start"] for row in rows}) == len(rows)
    of_february = {row["series"] for row in rows if row["local_date"] == date(2026, 2, 1)}
    assert of_february == {"power"}
    assert {row["series"] for row in rows if row["local_date"] != date(2026, 2, 1)} == {"history"}
    truth = stored.world.truth(spec.site_id)
    for day in sorted({row["local_date"] for row in rows}):
        mine = [row for row in rows if row["local_date"] == day]
        over = [row for row in mine if row["interval_start"] + timedelta(minutes=5) <= row["_fetched_at"]]
        for name in POWERS:
            given = [row[f"{name.removesuffix('_power')}_w"] for row in over]
            np.testing.assert_allclose(given, truth.day(day).power[name][: len(over)], atol=1e-9)


def test_nothing_is_quarantined_revised_or_missing(stored: Stored) -> None:
    for table in ("quarantine", "revisions", "gaps"):
        assert stored.rows(f"select * from {table}") == [], table


class Refusing(httpx.BaseTransport):
    """A network that must not be used."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a rebuild asked {request.url}")


def test_a_rebuild_makes_the_same_files_from_all_runs_at_once(stored: Stored) -> None:
    """What three runs made one after the other is what one makes of everything: row for row and to the byte, and verified."""
    root = stored.data_dir / "lake"

    def files() -> dict[str, bytes]:
        parts = [part.path for name in TABLES for part in Lake(root).partitions(name)]
        with_rows = (path for path in parts if pq.read_metadata(path).num_rows)
        return {str(path.relative_to(root)): path.read_bytes() for path in with_rows}

    before = files()
    settings = Settings.model_validate({"data_dir": stored.data_dir, "provider": "simulator"})
    assert rebuild(RunContext(settings, "a-rebuild", transport=Refusing()), ThreadExecutor()).exit_code == 0
    assert files() == before
    assert run(["--data-dir", str(stored.data_dir), "verify"]) == 0
