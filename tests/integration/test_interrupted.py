"""Ctrl-C and SIGTERM: what is in flight is finished and kept, what is left is said, and the next run goes on."""

import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import FaultPlan, Latency, Rule
from tests.integration.test_command_line import WATTLOG, Shell
from tests.loopback import serving
from tests.new_site import new_site_world
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_ends_the_run_in_good_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    from extract.api.client import utc_now

    slow = Conditions(faults=FaultPlan((Rule(Latency(0.15)),)))
    with serve(demo_world(utc_now().date()), conditions=slow) as server:
        shell = Shell(tmp_path, server.base_url)
        command = [*WATTLOG, "backfill", "--series", "power", "--series", "soe"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=shell.environment, stderr=subprocess.PIPE, text=True
        ) as running:
            wait_until(lambda: len(server.requests) >= 30 or running.poll() is not None)
            running.send_signal(number)
            _, said = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == code, said
        assert "windows are left: run the command again to go on" in said
        assert "Traceback" not in said
        wait_until(lambda: server.is_idle)
    kept = RawArchive(tmp_path / "data/raw")
    entries = [entry for site in (0, *kept.site_ids()) for entry in kept.entries(site)]
    assert len(entries) == len(server.requests), "every answer that came was kept, those in flight too; none was left"


@pytest.mark.parametrize("command", ["backfill", "sync"])
def test_an_interrupt_does_not_wait_for_a_server_that_is_silent(tmp_path: Path, command: str) -> None:
    """One signal ends the wait for a response that never comes; the attempt is in the archive."""
    reached = threading.Event()

    def hang(connection: socket.socket) -> None:
        reached.set()
        connection.recv(1)  # until the client closes

    with serving(hang) as address:
        shell = Shell(tmp_path, address)
        with subprocess.Popen(
            [*WATTLOG, command], cwd=tmp_path, env=shell.environment, stderr=subprocess.PIPE, text=True
        ) as running:
            wait_until(lambda: reached.is_set() or running.poll() is not None)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130, said
    assert said == "wattlog: interrupted; what was fetched is kept: run the command again to go on\n"
    assert [entry.outcome for entry in RawArchive(tmp_path / "data/raw").entries(0)] == ["transport"]


def test_an_interrupt_does_not_wait_for_a_token(tmp_path: Path) -> None:
    """The renewal has a process of its own, which finishes by itself."""
    reached, finish = threading.Event(), threading.Event()

    def hang(connection: socket.socket) -> None:
        reached.set()
        finish.wait()

    with serving(hang) as address:
        shell = Shell(tmp_path, address)
        environment = shell.environment | {
            "WATTLOG_ACCESS_TOKEN": "",
            "WATTLOG_REFRESH_TOKEN": "a-refresh-token-of-the-tests",
        }
        with subprocess.Popen(
            [*WATTLOG, "sync"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
        ) as running:
            wait_until(lambda: reached.is_set() or running.poll() is not None)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=PATIENCE_S)
        finish.set()
    assert running.returncode == 130, said
    assert said == "wattlog: interrupted; what was fetched is kept: run the command again to go on\n"


ROWS_THEN_HOURS = (
    "select case when range = 1000000 then levenshtein(repeat('ab', range // 2), repeat('ba', range // 2)) "
    "else range end as n from range(100000000)"
)
"""Answers at once, and then calls one function that DuckDB does not interrupt and that takes hours."""


@contextmanager
def _querying(shell: Shell, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*WATTLOG, *arguments],
        cwd=shell.directory,
        env=shell.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell in whose data directory there is a warehouse."""
    with serve(new_site_world()) as server:
        shell = Shell(tmp_path_factory.mktemp("small"), server.base_url)
        done = shell.run_here("backfill", "--series", "energy_day")
        assert done.returncode == 0, done.stderr
    return shell


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_ends_a_query(small: Shell, tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Whatever DuckDB is doing; one line, and nothing temporary is left."""
    with _querying(small, "sql", ROWS_THEN_HOURS, "--format", "csv", TMPDIR=str(tmp_path)) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "n\n"
        running.send_signal(number)
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == code
    assert said == "wattlog: interrupted; the query was ended, and nothing was changed\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_no_file(small: Shell, tmp_path: Path) -> None:
    """Neither the file nor what it was written to before it is whole."""
    with _querying(small, "export", ROWS_THEN_HOURS, "--out", str(tmp_path / "rows.csv")) as running:
        wait_until(lambda: any(tmp_path.iterdir()) or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert said == "wattlog: interrupted; the query was ended, and nothing was changed\n"
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_takes_too_long_is_ended(small: Shell) -> None:
    """The process ends, too, though DuckDB does not."""

    with _querying(small, "sql", ROWS_THEN_HOURS, "--format", "csv", "--timeout", "0.5") as running:
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert said.startswith("wattlog: the query was ended after")
