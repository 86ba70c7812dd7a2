"""Scale-out: what one more process is worth, what a site-month costs, and whether memory grows with the fleet.

Times are wall time, but for what says "CPU"; both are the best of several, since machines do other things as well.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

from extract.allowance import Allowance, CommonPace
from extract.client import Client
from extract.providers import ProviderName
from extract.series import Series, live_status
from extract.simulator import DEMO_TOKEN
from extract.simulator.conditions import Conditions
from extract.simulator.fleet import fleet_world
from extract.simulator.limits import RateLimit
from flows.account import known_sites
from flows.engines.local import LocalEngine
from flows.pipeline import Selection, Summary, backfill, rebuild
from flows.runners import ALLOWANCE, connected, prefect_api, run_on
from flows.settings import Settings
from flows.workspace import Workspace
from tests.bench.measurement import Measurement
from tests.simulated import NOW, account, standing, ticking

SITES: Final = 24
DECEMBER: Final = Selection(since=date(2025, 12, 1), until=date(2025, 12, 31))
TIMES: Final = 2

LEAST_GAIN: Final = 1.6
"""Promised: two workers rebuild so many times as fast as one."""

LIMIT, MINUTE_S, EACH = 60, 6.0, 95
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
        with prefect_api():
            with connected(None, 1, 1) as client:
                one_s = min(_rebuilding(client, root) for _ in range(TIMES))
            with connected(None, 2, 2) as client:
                two_s = min(_rebuilding(client, root) for _ in range(TIMES))
                yield Measurement(f"rebuild {SITES} site-months on one worker", one_s, "s")
                yield Measurement("  in that time two do so much of it", two_s / one_s, "×", 1 / LEAST_GAIN)
                yield from _limit(client, Path(directory))
    yield from _memory()


def _site_months(root: Path) -> Iterator[Measurement]:
    """A month of everything, of some sites: what it takes to ask and to shape, and what it leaves."""
    with account(fleet_world(NOW.date(), SITES)) as served, closing(served.workspace(root)) as workspace:
        summary, cpu_s = _cpu(lambda: backfill(workspace, LocalEngine(), DECEMBER))
        assert isinstance(summary, Summary)
        yield Measurement("requests for a site-month of everything", summary.requests / SITES, "")
        yield Measurement("  CPU of a site-month from asking to publishing, simulator included", cpu_s / SITES, "s")
    for name, pattern in (("raw", "*.zst"), ("lake", "*.parquet")):
        files = list((root / name).rglob(pattern))
        size = sum(each.stat().st_size for each in files) / SITES / 1000
        yield Measurement(f"  {name}: {len(files) / SITES:.1f} files a site", size, "kB")
    yield Measurement("  warehouse", (root / "warehouse.duckdb").stat().st_size / SITES / 1000, "kB")
    settings = Settings(data_dir=root, provider=ProviderName.SIMULATOR, api_base_url="http://127.0.0.1:9")
    with closing(Workspace(settings, "bench", clock=standing)) as alone:
        _, cpu_s = _cpu(lambda: rebuild(alone, LocalEngine()))
        yield Measurement("  CPU of a site-month to rebuild", cpu_s / SITES, "s")
        _, cpu_s = _cpu(lambda: known_sites(alone))
        yield Measurement("  CPU of a site to be known", cpu_s / SITES * 1000, "ms")


def _cpu(work: Callable[[], object]) -> tuple[object, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def _rebuilding(client: Any, root: Path) -> float:
    """Seconds of a rebuild, of its steps and its publication; not of starting a cluster."""
    settings = Settings(data_dir=root, provider=ProviderName.SIMULATOR, api_base_url="http://127.0.0.1:9")
    workspace = Workspace(settings, f"bench-{time.monotonic_ns()}", clock=standing)
    workspace.allowance = Allowance(root / ALLOWANCE)
    workspace.allowance.begin()
    took: list[float] = []

    def drive(engine: Any) -> Summary:
        began = time.perf_counter()
        summary = rebuild(workspace, engine)
        took.append(time.perf_counter() - began)
        return summary

    with closing(workspace):
        run_on(client, workspace, "rebuild", drive)
    return took[0]


def ask_often(path: Path, base_url: str, site_id: int) -> int:
    """What each of two processes does: asks as fast as the common pace lets it."""
    pace = CommonPace(Allowance(path), LIMIT, minute_s=MINUTE_S)
    with Client(base_url, lambda: DEMO_TOKEN, user_agent="wattlog/bench", classify=lambda *_: "data") as client:
        for _ in range(EACH):
            pace.wait()
            client.send(live_status(site_id), token=DEMO_TOKEN, attempt=1)
    return os.getpid()


def _limit(client: Any, root: Path) -> Iterator[Measurement]:
    """Two processes against a server that counts."""
    allowance = Allowance(root / ALLOWANCE)
    allowance.begin()
    with account(now=ticking(), conditions=Conditions(limit=RateLimit(LIMIT, MINUTE_S))) as served:
        client.wait_for_workers(2)
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        site_id = served.world.sites[0].site_id
        asking = [
            client.submit(ask_often, allowance.path, served.server.base_url, site_id, workers=[each], pure=False)
            for each in workers
        ]
        for each in asking:
            each.result()
        asked = served.server.requests
    instants = sorted(each.instant.timestamp() for each in asked)
    whole = [start for start in instants if start + MINUTE_S <= instants[-1]]
    used = median(bisect_left(instants, start + MINUTE_S) - number for number, start in enumerate(whole)) / LIMIT
    refused = sum(each.status == 429 for each in asked)
    yield Measurement("requests of two processes that a limit refused (429)", refused, "", 0)
    yield Measurement("  part of the limit's minute that they leave unused", 1 - used, "", 1 - LEAST_SHARE)


def _memory() -> Iterator[Measurement]:
    """What a fleet takes at its highest, in a process of its own, beside what a hundred sites less take."""
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


def fetch_fleet(settings: Settings, told: Any) -> None:
    """What the child does: a month of one series for every site, to the warehouse; it tells its highest memory in MB."""
    wanted = Selection(series=(Series.ENERGY_DAY,), since=date(2026, 1, 1), until=date(2026, 1, 14))
    with closing(Workspace(settings, "bench", clock=standing)) as workspace:
        backfill(workspace, LocalEngine(), wanted)
    told.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
