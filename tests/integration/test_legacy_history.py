"""The old endpoint `/history`, asked in one run after the other: every period is held once, and as it really was."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

from extract.series import Series
from extract.simulator import POWERS, SiteSpec, World
from flows.cli import run
from flows.engines.local import LocalEngine
from flows.pipeline import Selection, backfill, rebuild
from flows.settings import Settings
from flows.workspace import Workspace
from tests.simulated import account
from tests.truth import wrong_periods
from warehouse.lake import Lake
from warehouse.query import connect
from warehouse.schema import TABLES

WEST = SiteSpec(site_id=77, installed_at=datetime(2025, 11, 20, 20, tzinfo=UTC), seed=7)
EAST = replace(WEST, site_id=78, time_zone="Australia/Sydney", latitude=-33.0, longitude=150.0)
RUNS = tuple(datetime(2026, month, day, 20, tzinfo=UTC) for month, day in ((1, 31), (2, 2), (3, 1)))
"""Noon at the end of January, two days later, and a month after that; in Sydney it is the next morning."""

BOTH = pytest.mark.parametrize("spec", [WEST, EAST], ids=["west", "east"])


@dataclass(frozen=True)
class Held:
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
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Three runs of the old endpoint, beside one day of calendar_history."""
    data_dir = tmp_path_factory.mktemp("legacy")
    world = World(sites=(WEST, EAST), has_legacy_history=True)
    with account(world) as served:
        for now in RUNS:
            served.now = partial(datetime.fromtimestamp, now.timestamp(), UTC)
            workspace = served.workspace(data_dir)
            wanted = Selection(series=(Series.POWER, Series.HISTORY), since=date(2026, 2, 1), until=date(2026, 2, 1))
            assert backfill(workspace, LocalEngine(), wanted).exit_code == 0
            workspace.close()
    return Held(world, data_dir)


@BOTH
def test_every_period_that_was_told_is_the_energy_that_flowed_in_it(held: Held, spec: SiteSpec) -> None:
    """0 Wh of error in sixteen flows of days, weeks and months, whichever of three runs told them last."""
    rows = held.rows("select * from energy_periods where site_id = ?", spec.site_id)
    assert wrong_periods(rows, held.world.truth(spec.site_id)) == []


def test_periods_of_three_runs_stand_beside_each_other_and_none_twice(held: Held) -> None:
    """API.md §1.6, as seen from noon of 31 January, 2 February and 1 March: what is between was not told of."""
    rows = held.rows("select source, period_start, _fetched_at from energy_periods where site_id = ?", WEST.site_id)
    told = {(row["source"], row["period_start"]): row["_fetched_at"].to_pydatetime() for row in rows}
    assert len(told) == len(rows)

    def of(source: str) -> set[date]:
        return {start for name, start in told if name == source}

    days = {date(2026, 1, 30) + timedelta(days=ahead) for ahead in range(4)}
    assert of("history/day") == days | {date(2026, 2, 28), date(2026, 3, 1)}
    january = {date(2026, 1, 24) + timedelta(days=ahead) for ahead in range(9)}
    assert of("history/week") == january | {date(2026, 2, 22) + timedelta(days=ahead) for ahead in range(7)}
    assert of("history/month") == {date(2025, 12, 28) + timedelta(weeks=back) for back in range(9)}
    assert of("history/year") == {date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)}
    assert told["history/year", date(2025, 11, 1)] == RUNS[2]
    assert told["history/week", date(2026, 1, 26)] == RUNS[1]
    assert told["history/week", date(2026, 1, 25)] == RUNS[0]


def test_each_row_stands_in_the_month_that_it_lies_in(held: Held) -> None:
    """So that no two files hold the same row, however often and whenever it was told."""
    lake = Lake(held.data_dir / "lake")
    months = set()
    for part in lake.partitions("energy_periods"):
        starts = lake.read_partition(part, "energy_periods")["period_start"]
        assert {f"{start:%Y-%m}" for start in starts} <= {part.month}
        months |= {part.month} if len(starts) else set()
    assert months == {"2025-11", "2025-12", "2026-01", "2026-02", "2026-03"}


@BOTH
def test_power_is_the_power_that_was_and_calendar_history_wins(held: Held, spec: SiteSpec) -> None:
    """Each instant once; the first of February is told by both, and is that of calendar_history throughout."""
    rows = held.rows(
        """select p.*, r.series from power p join requests r on r.raw_id = p._raw_id
        where p.site_id = ? order by interval_start""",
        spec.site_id,
    )
    assert len({row["interval_start"] for row in rows}) == len(rows)
    of_february = {row["series"] for row in rows if row["local_date"] == date(2026, 2, 1)}
    assert of_february == {"power"}
    assert {row["series"] for row in rows if row["local_date"] != date(2026, 2, 1)} == {"history"}
    truth = held.world.truth(spec.site_id)
    for day in sorted({row["local_date"] for row in rows}):
        mine = [row for row in rows if row["local_date"] == day]
        over = [row for row in mine if row["interval_start"] + timedelta(minutes=5) <= row["_fetched_at"]]
        for name in POWERS:
            given = [row[f"{name.removesuffix('_power')}_w"] for row in over]
            np.testing.assert_allclose(given, truth.day(day).power[name][: len(over)], atol=1e-9)


def test_nothing_is_set_aside_revised_or_missing(held: Held) -> None:
    for table in ("quarantine", "revisions", "gaps"):
        assert held.rows(f"select * from {table}") == [], table


class Refusing(httpx.BaseTransport):
    """A network that nobody may use."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a rebuild asked {request.url}")


def test_a_rebuild_makes_the_same_files_from_all_runs_at_once(held: Held) -> None:
    """What three runs made one after the other is what one makes of everything: row for row and to the byte, and verified."""
    root = held.data_dir / "lake"

    def files() -> dict[str, bytes]:
        parts = [part.path for name in TABLES for part in Lake(root).partitions(name)]
        held_rows = (path for path in parts if pq.read_metadata(path).num_rows)
        return {str(path.relative_to(root)): path.read_bytes() for path in held_rows}

    before = files()
    settings = Settings.model_validate({"data_dir": held.data_dir, "provider": "simulator"})
    assert rebuild(Workspace(settings, "a-rebuild", transport=Refusing()), LocalEngine()).exit_code == 0
    assert files() == before
    assert run(["--data-dir", str(held.data_dir), "verify"]) == 0
