"""Scale-out: what one more process is worth, what a site-month costs, and whether memory grows with the fleet.

Times are wall time unless a line is called "CPU"; both are the best of several runs, since machines do other things as well.
One worker has one thread, and so has each of two. The rebuild that is measured is not the first one of a cluster, which also
loads pandas and Prefect. Two workers on two cores share these with the command, which sends out the tasks; its CPU time is
measured separately.
"""

import multiprocessing
import os
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from extract.api.client import Client
from extract.api.shared_limits import ProcessSharedLimiter, SharedLimits
from extract.requests import live_status
from extract.simulator import DEMO_TOKEN
from extract.simulator.conditions import Conditions
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.fleet import fleet_world
from flows.account import known_sites
from flows.executors.cluster import open_cluster
from flows.executors.dask import dask_executor
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild
from flows.progress import Silent
from flows.run_context import RunContext
from flows.settings import Settings
from flows.stop_signal import StopSignal
from tests.bench.measurement import Measurement, peak_mb
from tests.simulated import NOW, account, standing, ticking
from wattlog.names import DataDirectory
from wattlog.series_spec import Series

SITES: Final = 80
DECEMBER: Final = BackfillRequest(since=date(2025, 12, 1), until=date(2025, 12, 31))
TIMES: Final = 2

LEAST_GAIN: Final = 1.6
"""Promised: two workers rebuild so many times as fast as one."""

LIMIT, MINUTE_S, EACH, THREADS = 60, 12.0, 120, 2
"""Four minutes' worth of a limit that is five times as high as the Fleet API's, asked by two processes of two threads each."""

LEAST_SHARE: Final = 0.9
"""Of the limit that two processes use together."""

SMALL, LARGE = 25, 125
MOST_MB: Final = 30.0
"""Of memory for a hundred sites more, each with a month of one series."""


def measure() -> Iterator[Measurement]:
    """Everything, on one cluster after the other."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "data"
        yield from _site_months(root)
        with open_cluster(None, 1, 1) as client:
            one = rebuilt(client, root)
        with open_cluster(None, 2, 2) as client:
            two = rebuilt(client, root)
            yield from one.measurements("one worker")
            yield from two.measurements("two workers")
            yield Measurement(
                "  in the time of one, two do so much of it", two.total_s / one.total_s, "×", 1 / LEAST_GAIN
            )
            yield from _limit(client, Path(directory))
    yield from _memory()


def _site_months(root: Path) -> Iterator[Measurement]:
    """A month of everything, of some sites: what it takes to ask and to shape, and what it leaves."""
    with account(fleet_world(NOW.date(), SITES)) as served:
        context = served.context(root)
        summary, cpu_s = _cpu(lambda: backfill(context, ThreadExecutor(), DECEMBER))
        assert isinstance(summary, Summary)
        yield Measurement("requests for a site-month of everything", summary.requests / SITES, "")
        yield Measurement("  CPU of a site-month from asking to publishing, simulator included", cpu_s / SITES, "s")
    for name, pattern in (("raw", "*.zst"), ("lake", "*.parquet")):
        files = list((root / name).rglob(pattern))
        size = sum(path.stat().st_size for path in files) / SITES / 1000
        yield Measurement(f"  {name}: {len(files) / SITES:.1f} files a site", size, "kB")
    yield Measurement("  warehouse", (root / "warehouse.duckdb").stat().st_size / SITES / 1000, "kB")
    settings = Settings(data_dir=root, provider="simulator", api_base_url="http://127.0.0.1:9")
    alone = RunContext(settings, "bench", clock=standing)
    _, cpu_s = _cpu(lambda: rebuild(alone, ThreadExecutor()))
    yield Measurement("  CPU of a site-month to rebuild", cpu_s / SITES, "s")
    _, cpu_s = _cpu(lambda: known_sites(alone.open_archive(), {}))
    yield Measurement("  CPU of a site to be known", cpu_s / SITES * 1000, "ms")


def _cpu(work: Callable[[], object]) -> tuple[object, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild took.

    Attributes:
        total_s: From the first step to the published warehouse; not starting a cluster.
        publishing_s: Of that, what one process does alone at the end.
        workers_cpu_s: CPU of all workers.
        command_cpu_s: CPU of the process that deals out tasks and publishes.
    """

    total_s: float
    publishing_s: float
    workers_cpu_s: float
    command_cpu_s: float

    def measurements(self, workers: str) -> Iterator[Measurement]:
        """The same as lines."""
        yield Measurement(f"rebuild {SITES} site-months on {workers}", self.total_s, "s")
        yield Measurement("  of that publishing, by one process", self.publishing_s, "s")
        yield Measurement("  CPU of the workers", self.workers_cpu_s, "s")
        yield Measurement("  CPU of the command", self.command_cpu_s, "s")


class Publishing(Silent):
    """Progress that notes when publishing begins."""

    began = 0.0

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        if stage == "warehouse":
            self.began = time.perf_counter()


def rebuilt(client: Any, root: Path, *, warm_up: Path | None = None, times: int = TIMES) -> Rebuilt:
    """The quickest of several rebuilds, after one that is not counted, of the same data directory or another."""
    _rebuilding(client, warm_up or root)
    return min((_rebuilding(client, root) for _ in range(times)), key=lambda found: found.total_s)


def _rebuilding(client: Any, root: Path) -> Rebuilt:
    settings = Settings(data_dir=root, provider="simulator", api_base_url="http://127.0.0.1:9")
    context = RunContext(settings, f"bench-{time.monotonic_ns()}", clock=standing)
    stop = StopSignal()
    with dask_executor(client, context, stop) as executor:
        publishing, workers, cpu = Publishing(), _workers_cpu_s(client), time.process_time()
        began = time.perf_counter()
        rebuild(context, executor, stop=stop, progress=publishing)
        ended = time.perf_counter()
        cpu = time.process_time() - cpu
        return Rebuilt(ended - began, ended - publishing.began, _workers_cpu_s(client) - workers, cpu)


def _workers_cpu_s(client: Any) -> float:
    return float(sum(client.run(time.process_time).values()))


def ask_often(path: Path, base_url: str, site_id: int) -> int:
    """What each of two processes does: asks as fast as the common rate limiter lets it."""
    rate_limiter = ProcessSharedLimiter(SharedLimits(path), LIMIT, minute_s=MINUTE_S)

    def ask(client: Client) -> None:
        rate_limiter.wait()
        client.send(live_status(site_id), token=DEMO_TOKEN, attempt=1)

    with (
        Client(base_url, lambda: DEMO_TOKEN, user_agent="wattlog/bench", classify=lambda *_: "data") as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        for future in [pool.submit(ask, client) for _ in range(EACH)]:
            future.result()
    return os.getpid()


def _limit(client: Any, root: Path) -> Iterator[Measurement]:
    """Two processes against a server that counts."""
    shared_limits = SharedLimits(DataDirectory(root).shared_limits)
    shared_limits.begin()
    with account(now=ticking(), conditions=Conditions(limit=RateLimit(LIMIT, MINUTE_S))) as served:
        client.wait_for_workers(2)
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        site_id = served.world.sites[0].site_id
        asking = [
            client.submit(ask_often, shared_limits.path, served.server.base_url, site_id, workers=[worker], pure=False)
            for worker in workers
        ]
        for future in asking:
            future.result()
        asked = served.server.requests
    instants = sorted(request.instant.timestamp() for request in asked)
    minutes = int((instants[-1] - instants[0]) / MINUTE_S)
    used = bisect_left(instants, instants[0] + minutes * MINUTE_S) / (minutes * LIMIT)
    refused = sum(request.status == 429 for request in asked)
    yield Measurement("requests of two processes that a limit refused (429)", refused, "", 0)
    yield Measurement("  part of the limit that they leave unused", 1 - used, "", 1 - LEAST_SHARE)


def _memory() -> Iterator[Measurement]:
    """What a fleet takes at its highest, in another process, compared with what a hundred sites less take."""
    peaks = {sites: _peak_mb(sites) for sites in (SMALL, LARGE)}
    slope = (peaks[LARGE] - peaks[SMALL]) / (LARGE - SMALL) * 100
    yield Measurement(f"highest memory of a backfill of {LARGE} sites", peaks[LARGE], "MB")
    yield Measurement("  for a hundred sites more", slope, "MB", MOST_MB)


def _peak_mb(sites: int) -> float:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    with account(fleet_world(NOW.date(), sites)) as served, tempfile.TemporaryDirectory() as directory:
        child = context.Process(target=fetch_fleet, args=(served.settings(Path(directory)), theirs))
        child.start()
        peak: float = mine.recv()
        child.join()
    return peak


def fetch_fleet(settings: Settings, results: Any) -> None:
    """What the child does: a month of one series for every site, to the warehouse, then sends its highest memory in MB."""
    scope = BackfillRequest(series=(Series.ENERGY_DAY,), since=date(2026, 1, 1), until=date(2026, 1, 14))
    context = RunContext(settings, "bench", clock=standing)
    backfill(context, ThreadExecutor(), scope)
    results.send(peak_mb())
