"""kill -9 at any instant loses at most the response in flight, and costs no other request twice."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from extract.api.client import utc_now
from extract.archive.raw_archive import RawArchive
from extract.simulator import DEMO_TOKEN, Conditions, FaultPlan, Rule, SimulatorServer, demo_world, serve
from extract.simulator.faults.plan import Latency, Where
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow

SITE = 2104877316
KILLS = (8, pytest.param(25, marks=pytest.mark.exhaustive))
DAYS = 45
LATENCY_S = 0.015
MOST_WINDOWS = 10
SERIES = ("power", "soe", "energy_interval")
WATTLOG = [sys.executable, "-c", "import sys; from flows.cli import main; main(sys.argv[1:])"]

Window = tuple[str, str, str]
"""kind, period, end_date: which window the server was asked for."""


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """The demo account at the real clock; each response of the history takes its time."""
    slow = Conditions(faults=FaultPlan((Rule(Latency(LATENCY_S), Where(path="calendar_history")),), seed=1))
    with serve(demo_world(utc_now().date()), conditions=slow) as made:
        yield made


def start(server: SimulatorServer, data_dir: Path) -> subprocess.Popen[bytes]:
    """A backfill of settled days, one request at a time."""
    until = utc_now().date() - timedelta(days=5)
    since = until - timedelta(days=DAYS - 1)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    environment = kept | {
        "WATTLOG_PROVIDER": "simulator",
        "WATTLOG_API_BASE_URL": server.base_url,
        "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
        "WATTLOG_CONCURRENCY": "1",
    }
    options = ["--site", str(SITE), "--since", f"{since}", "--until", f"{until}"]
    for series in SERIES:
        options += ["--series", series]
    return subprocess.Popen(
        [*WATTLOG, "--data-dir", str(data_dir), "backfill", *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def asked(server: SimulatorServer) -> list[Window]:
    """The windows of history that the server was asked for, in order."""
    return [
        (request.params["kind"], request.params.get("period", ""), request.params["end_date"])
        for request in server.requests
        if request.path.endswith("/calendar_history")
    ]


def bodies(data_dir: Path) -> dict[tuple[str, date | None], list[bytes]]:
    """The stored responses of each window."""
    archive, found = RawArchive(data_dir / "raw"), dict[tuple[str, date | None], list[bytes]]()
    assert list(archive.verify()) == []
    for entry in archive.entries(SITE):
        if entry.series in SERIES and entry.is_conclusive:
            found.setdefault((entry.series, entry.window_start), []).append(archive.load(entry).body)
    return found


def run_and_kill(server: SimulatorServer, data_dir: Path, windows: int, after_s: float) -> list[Window]:
    """Begin a backfill and kill it some time after so many windows; the windows it asked for."""
    before = len(asked(server))
    process = start(server, data_dir)
    wait_until(lambda: len(asked(server)) >= before + windows or process.poll() is not None)
    time.sleep(after_s)
    process.kill()
    process.wait()
    wait_until(lambda: server.is_idle)  # what is in flight is noted when its response would have left
    return asked(server)[before:]


@pytest.mark.parametrize("kills", KILLS)
def test_kills_lose_nothing_and_repeat_only_what_was_in_flight(
    server: SimulatorServer, tmp_path: Path, kills: int
) -> None:
    rng = np.random.default_rng(20_261_121)
    runs = [
        run_and_kill(server, tmp_path / "killed", int(rng.integers(2, MOST_WINDOWS)), rng.uniform(0, LATENCY_S))
        for _ in range(kills)
    ]
    before = len(asked(server))
    assert start(server, tmp_path / "killed").wait(PATIENCE_S) == 0
    runs.append(asked(server)[before:])
    assert start(server, tmp_path / "whole").wait(PATIENCE_S) == 0

    killed, whole = bodies(tmp_path / "killed"), bodies(tmp_path / "whole")
    assert len(whole) == len(SERIES) * DAYS
    assert killed == whole, "each window once, to the byte"

    assert sum(len(run) > 1 for run in runs[:-1]) > kills // 3, "most kills were in the middle of something"
    finished = set[Window]()
    for run in runs:
        assert len(set(run)) == len(run)
        assert not finished & set(run), "a window whose answer was kept was asked again"
        finished |= set(run[:-1])
