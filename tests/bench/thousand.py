"""A fleet to its end: a thousand sites, a month each, some failing. It takes an hour, so it runs only when it is named.

The simulator answers in this process, the run is a child's, so that the child's memory and CPU are the run's alone. What it has
fetched and made can be kept, for `rebuild` and a look at it: set BENCH_FLEET_DIR.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, Final

from extract.simulator.fleet import HEALTHY, fleet_conditions, fleet_world
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, backfill
from flows.run_context import RunContext
from flows.settings import Settings
from flows.summary import as_dict
from tests.bench.measurement import Measurement, peak_mb
from tests.simulated import NOW, account, standing
from wattlog.series_spec import Series

SITES: Final = int(os.environ.get("BENCH_FLEET_SITES", "1000"))
FAILING: Final = SITES // 50
DECEMBER: Final = BackfillRequest(
    series=(Series.ENERGY_DAY, Series.ENERGY_INTERVAL), since=date(2025, 12, 1), until=date(2025, 12, 31)
)
"""What every account wants first; power would be as much again, and shows the same about memory, files and failures."""


class Noted:
    """Progress, with what each stage took of the clock, the processor and memory; said as it goes on."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, float, float, float]] = []
        self._stage = ""
        self._total = 0
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self.end()
        self._stage, self._total = stage, total

    def advance(self, part: str = "") -> None:
        """See `Progress`."""

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""
        wall, cpu = time.perf_counter(), time.process_time()
        if self._stage:
            noted = (self._stage, self._total, wall - self._wall, cpu - self._cpu, peak_mb())
            self.stages.append(noted)
            sys.stderr.write("{}: {:,}, {:.1f} s, {:.1f} s CPU, at most {:.0f} MB so far\n".format(*noted))
        self._stage, self._wall, self._cpu = "", wall, cpu


def measure() -> Iterator[Measurement]:
    """One run of the fleet, in another process."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    with ExitStack() as stack:
        kept = os.environ.get("BENCH_FLEET_DIR")
        root = Path(kept or stack.enter_context(tempfile.TemporaryDirectory()))
        world = fleet_world(NOW.date(), SITES, failing=FAILING)
        served = stack.enter_context(account(world, conditions=fleet_conditions()))
        child = context.Process(target=fetch, args=(served.settings(root), theirs))
        child.start()
        summary, stages, highest_mb = mine.recv()
        child.join()
        asked = len(served.server.requests)
        sound = sum(spec.site_id // 10**8 == HEALTHY for spec in world.sites)
        yield Measurement(f"{SITES:,} sites, {FAILING} of them failing: requests", asked, "")
        yield Measurement("  of them not counted by the run", abs(asked - summary["requests"]), "", 0)
        yield Measurement("  sites that failed", len(summary["sites_failed"]), "", FAILING)
        yield Measurement("  days missing of the others", 31 * sound - summary["days_stored"], "", 0)
        for stage, total, wall_s, cpu_s, mb in stages:
            yield Measurement(f"  {stage}: {total:,}, CPU", cpu_s, "s")
            yield Measurement(f"  {stage}: elapsed", wall_s, "s")
            yield Measurement(f"  {stage}: highest memory so far", mb, "MB")
        yield Measurement("  highest memory", highest_mb, "MB")
        for name, pattern in (("raw", "*.zst"), ("lake", "*.parquet")):
            files = list((root / name).rglob(pattern))
            size = sum(path.stat().st_size for path in files) / 1e6
            yield Measurement(f"  {name}: {len(files):,} files", size, "MB")
        yield Measurement("  warehouse", (root / "warehouse.duckdb").stat().st_size / 1e6, "MB")


def fetch(settings: Settings, results: Any) -> None:
    """What the child does: a month of energy for every site, to the warehouse."""
    noted = Noted()
    context = RunContext(settings, f"bench-{time.time_ns()}", clock=standing)
    summary = backfill(context, ThreadExecutor(), DECEMBER, progress=noted)
    results.send((as_dict(summary) | {"days_stored": days_stored(summary.warehouse)}, noted.stages, peak_mb()))


def days_stored(warehouse: Path | None) -> int:
    """Days of December of which the warehouse has the energy."""
    from warehouse.query.query import connect

    assert warehouse is not None
    with connect(warehouse) as connection:
        found = connection.execute(
            """select count(*) from daily where status <> 'missing' and local_date between '2025-12-01' and '2025-12-31'"""
        ).fetchone()
    assert found is not None
    return int(found[0])
