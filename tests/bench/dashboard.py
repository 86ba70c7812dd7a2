"""The dashboard over ten sites and ten years: how soon its views answer, and what fifty sessions at once do to its memory."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from tests.bench.fleet_lake import LAST_YEAR, fleet
from tests.bench.measurement import Measurement, best_of
from tests.bench.thousand_sites import thousand_sites
from tests.browser import CHROMIUM, launched
from warehouse.build.build import build
from warehouse.dashboard import queries
from warehouse.dashboard.periods import By, How, energy_range, years
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import TABLES

SITES, YEARS = 10, 10

LONGEST_RANGE_S = 0.3
LONGEST_DAY_S = 0.1
LONGEST_PAINT_S = 1.0
"""Promised: a year's range, a five-minute day, in seconds of the processor; and a page that is opened, to its first chart."""

REPEATS = 20

SESSIONS = 50
SESSIONS_S = 60.0
LARGEST_GROWTH_MB = 50.0
"""Promised: memory after a minute of so many sessions, beside that after a third of it."""

DAY, SITE = f"{LAST_YEAR}-06-15", 1001
YEAR_OF_ALL = f"site={','.join(str(SITE + at) for at in range(SITES))}&from={LAST_YEAR}-01-01&to={LAST_YEAR}-12-31"
YEAR = f"from={LAST_YEAR}-01-01&to={LAST_YEAR}-12-31"
_WHOLE_YEAR = (date(LAST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
OF_THOUSAND: Mapping[str, Callable[[duckdb.DuckDBPyConnection], object]] = {
    "fleet": queries.fleet,
    "overview of all": lambda connection: queries.overview(connection, None),
    "a year of all, added up": lambda connection: energy_range(connection, None, *_WHOLE_YEAR, By.DAY, How.SUM),
    "a year of all, compared": lambda connection: energy_range(connection, None, *_WHOLE_YEAR, By.DAY, How.COMPARE),
    "all years of all": lambda connection: years(connection, None),
}
YEAR_OF_ONE = f"site={SITE}&from={LAST_YEAR}-01-01&to={LAST_YEAR}-12-31"
REQUESTS = {
    "a year's range by days, one site": (f"range?{YEAR_OF_ONE}&by=day", LONGEST_RANGE_S),
    "a year's range by days, ten sites together": (f"range?{YEAR_OF_ALL}&by=day", LONGEST_RANGE_S),
    "a year's range by hours, one site": (f"range?{YEAR_OF_ONE}&by=hour", LONGEST_RANGE_S),
    "a five-minute day": (f"day?site={SITE}&day={DAY}", LONGEST_DAY_S),
    "all years of a site": (f"years?site={SITE}", None),
    "all sites": ("account", None),
    "battery of a year": (f"section?section=battery&site={SITE}&year={LAST_YEAR}", None),
    "trust of a year": (f"section?section=trust&site={SITE}&year={LAST_YEAR}", None),
}


def measure(kept: Path | None = None) -> Iterator[Measurement]:
    """Answers over HTTP, the first chart in Chromium where there is one, and memory of the server.

    Args:
        kept: A directory that keeps lake and warehouse between two runs.
    """
    with tempfile.TemporaryDirectory() as made:
        yield from _thousand(kept or Path(made))
        warehouse = _warehouse(kept or Path(made))
        with _served(warehouse.parent) as (url, process_id):
            for name, (path, limit) in REQUESTS.items():
                seconds = _processor_s(process_id, f"{url}api/{path}")
                yield Measurement(f"dashboard, 10 sites × 10 years: {name}", seconds, "s", limit)
            if CHROMIUM is not None:
                yield from _first_seconds(url)
            yield from _sessions(url, process_id)


def _warehouse(directory: Path) -> Path:
    lake, ids = fleet(directory, SITES, YEARS)
    warehouse = directory / "warehouse.duckdb"
    if not warehouse.exists():
        _add_days(lake, ids)
        build(lake, warehouse)
    return warehouse


def _add_days(lake: Lake, ids: range) -> None:
    """The sites, and a best estimate of each of their days."""
    sites = pd.DataFrame(
        {"site_id": list(ids), "timezone": "UTC", "status": "ok", "has_solar": True, "has_battery": True}
    )
    lake.write("sites", _conforming(sites, "sites"), digest="bench")
    table = TABLES["daily"]
    for site_id in ids:
        days = pd.date_range(f"{LAST_YEAR - YEARS + 1}-01-01", f"{LAST_YEAR}-12-31", freq="D")
        numbers = np.random.default_rng(site_id).integers(0, 40_000, (len(table.fields), len(days))).astype(float)
        given: dict[str, object] = {
            "site_id": site_id, "local_date": days, "status": "agreed", "source": "calendar_history/day", "coverage_pct": 100.0,
        }  # fmt: skip
        rows = pd.DataFrame({field.name: given.get(field.name, numbers[at]) for at, field in enumerate(table.fields)})
        for period, part in rows.groupby(rows["local_date"].dt.year):
            if int(str(period)) < LAST_YEAR:
                lake.write("daily", part.reset_index(drop=True), site_id=site_id, period=str(period), digest="bench")
        last = rows[rows["local_date"].dt.year == LAST_YEAR]
        for month, part in last.groupby(last["local_date"].dt.to_period("M")):
            lake.write("daily", part.reset_index(drop=True), site_id=site_id, period=str(month), digest="bench")


def _conforming(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    table = TABLES[name]
    return pd.DataFrame(
        {field.name: pd.Series(frame.get(field.name, [None] * len(frame)), dtype=field.dtype) for field in table.fields}
    )


@contextmanager
def _served(data_dir: Path) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "--data-dir", str(data_dir)]
    with subprocess.Popen([*command, "dashboard", "--port", "0", "--json"], stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("the dashboard has no output")
        url = json.loads(b"".join(process.stdout.readline() for _ in range(3)))["url"]
        try:
            yield url, process.pid
        finally:
            process.terminate()


def _processor_s(process_id: int, url: str) -> float:
    """Seconds of the processor that the server needs for an answer; on an idle machine it is there sooner, by two threads."""
    _get(url)
    before = _used_s(process_id)
    for _ in range(REPEATS):
        _get(url)
    return (_used_s(process_id) - before) / REPEATS


def _used_s(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _get(url: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as response:
        content: bytes = response.read()
    return content


_WATCH = """
globalThis.seen = {};
new MutationObserver(() => {
  if (!seen.figures && document.querySelector("#tiles dd")) seen.figures = performance.now();
  if (!seen.chart && document.querySelectorAll("#range svg path").length > 300) seen.chart = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
_SEEN = """() => ({
  ...seen,
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
})"""


def _first_seconds(url: str) -> Iterator[Measurement]:
    """What a page that is opened shows, and when, on its own clock: of three visits without anything kept, the quickest."""
    address = f"{url}?view=range&site={SITE}&{YEAR}&by=day"
    visits = []
    with launched() as browser:
        for _ in range(3):
            tab = browser.new_page()
            tab.add_init_script(_WATCH)
            tab.goto(address, wait_until="commit")
            tab.locator("#range svg path").nth(300).wait_for(state="attached")
            visits.append(tab.evaluate(_SEEN))
            tab.close()
    for name, text in {"paint": "first paint", "figures": "first figures", "chart": "first chart"}.items():
        yield Measurement(f"  {text} of a page", min(visit[name] for visit in visits) / 1000, "s", LONGEST_PAINT_S)


def _thousand(directory: Path) -> Iterator[Measurement]:
    """Views of a thousand sites and ten years of days, each asked for the first time after a publish."""
    warehouse = thousand_sites(directory / "thousand" / "warehouse.duckdb")
    with connect(warehouse) as connection:
        for name, ask in OF_THOUSAND.items():
            seconds = best_of(3, partial(ask, connection))
            yield Measurement(f"dashboard, 1,000 sites × 10 years: {name}", seconds, "s")


def _sessions(url: str, process_id: int) -> Iterator[Measurement]:
    """Fifty sessions, each of which asks one thing after another."""
    ends, after_first, asked = time.monotonic() + SESSIONS_S, 0.0, 0
    paths = [path for path, _ in REQUESTS.values()]

    def session(number: int) -> int:
        count = 0
        for path in islice(cycle(paths), number, None):
            if time.monotonic() > ends:
                break
            _get(f"{url}api/{path}")
            count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
        running = [pool.submit(session, number) for number in range(SESSIONS)]
        time.sleep(SESSIONS_S / 3)
        after_first = _memory_mb(process_id)
        asked = sum(done.result() for done in running)
    yield Measurement(f"  {SESSIONS} sessions for a minute, answers", float(asked), "")
    yield Measurement("    memory after a third of it", after_first, "MB")
    grown = _memory_mb(process_id) - after_first
    yield Measurement("    growth of memory from then to the end", grown, "MB", LARGEST_GROWTH_MB)


def _memory_mb(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 0.0 if found is None else int(found[1]) / 1024
