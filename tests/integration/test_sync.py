"""`wattlog sync` as a timer runs it: no terminal, no output unless something failed, and a watchdog that is pinged."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from extract.archive.raw_archive import RawArchive
from extract.simulator import DEMO_TOKEN, SimulatorServer, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import ErrorResponse, FaultPlan, Rule, Where
from flows.cli.sync import sync
from flows.data_directory import locked
from flows.executors.choice import ExecutorChoice, ExecutorName
from flows.executors.executor import Executor
from flows.executors.threads import ThreadExecutor
from flows.run_context import RunContext
from flows.settings import Settings
from flows.stop_signal import StopSignal
from tests.integration.test_command_line import Shell, one_line
from tests.new_site import new_site_world


@dataclass
class Watchdog:
    """A service that is pinged: what it heard, and what it answers."""

    url: str = ""
    status: int = 200
    pings: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def watchdog() -> Iterator[Watchdog]:
    """A real HTTP server on loopback that notes path and body of every ping."""
    made = Watchdog()

    class Note(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            made.pings.append((self.path, body))
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Note)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/ping/6f1e"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def watched() -> Iterator[Watchdog]:
    with watchdog() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serve(new_site_world()) as made:
        yield made


@pytest.fixture
def shell(tmp_path: Path, server: SimulatorServer) -> Shell:
    return Shell(tmp_path, server.base_url)


@pytest.mark.slow
def test_a_night_in_which_all_goes_well_says_nothing(shell: Shell, watched: Watchdog) -> None:
    """Cron mails whatever is printed, by whatever library. The watchdog hears that the run began and ended."""
    done = shell.run("sync", "--healthcheck-url", watched.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert watched.pings == [("/ping/6f1e/start", ""), ("/ping/6f1e", "")]
    assert (shell.directory / "data/warehouse.duckdb").exists()


def test_the_next_night_asks_what_is_not_settled_and_says_so_when_asked_to(
    shell: Shell, server: SimulatorServer
) -> None:
    before = len(server.requests)
    first = orjson.loads(shell.run_here("sync", "--json").stdout)
    assert first["requests"] == len(server.requests) - before
    second = shell.run_here("sync", "--verbose", WATTLOG_SETTLE_HOURS="0")
    assert "Requests" in second.stdout
    assert "requests: " in second.stderr
    assert 0 < len(server.requests) - before - first["requests"] < first["requests"], "what is over is settled now"


def test_a_locked_data_directory(shell: Shell, watched: Watchdog) -> None:
    with locked(shell.directory / "data", "backfill"):
        done = shell.run("sync", WATTLOG_HEALTHCHECK_URL=watched.url)
    assert done.returncode == 6
    assert done.stdout == ""
    assert watched.pings[-1] == ("/ping/6f1e/fail", one_line(done).removeprefix("wattlog: "))


def test_a_refused_token(shell: Shell, watched: Watchdog) -> None:
    """The line says what to do, to the terminal and to the watchdog; the token is in neither."""
    done = shell.run_here("sync", WATTLOG_ACCESS_TOKEN="wrong-secret", WATTLOG_HEALTHCHECK_URL=watched.url)
    assert done.returncode == 3
    path, body = watched.pings[-1]
    assert path == "/ping/6f1e/fail"
    assert body in one_line(done)
    assert "WATTLOG_ACCESS_TOKEN" in body
    assert "wrong-secret" not in body + done.stderr + done.stdout


def test_windows_that_failed(tmp_path: Path, watched: Watchdog) -> None:
    """The rest is loaded, the exit code is 1, and one line says how many failed and which was the first."""
    nothing = Rule(ErrorResponse(418, "teapot"), Where(kind="soe"))
    with serve(new_site_world(), conditions=Conditions(faults=FaultPlan((nothing,)))) as server:
        done = Shell(tmp_path, server.base_url).run_here("sync", "--healthcheck-url", watched.url)
    assert done.returncode == 1
    assert done.stdout == ""
    line = one_line(done)
    assert "requests failed, the rest is loaded" in line
    assert watched.pings[-1] == ("/ping/6f1e/fail", line.removeprefix("wattlog: "))
    archive = RawArchive(tmp_path / "data/raw")
    (site,) = archive.site_ids()
    assert any(entry.is_conclusive and entry.series == "power" for entry in archive.entries(site))


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 500])
def test_a_watchdog_that_answers_with_an_error_changes_nothing(shell: Shell, watched: Watchdog, status: int) -> None:
    watched.status = status
    done = shell.run_here("sync", "--max-requests", "3", "--healthcheck-url", watched.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path for path, _ in watched.pings] == ["/ping/6f1e/start", "/ping/6f1e"]


def test_a_watchdog_that_is_not_there_is_noted_without_its_address(shell: Shell) -> None:
    """The address is a secret: with it, another program could report as this run."""
    done = shell.run_here("sync", "--max-requests", "3", "--healthcheck-url", "http://127.0.0.1:9/ping/6f1e")
    assert done.returncode == 0
    assert "health check not reached" in done.stderr
    assert "6f1e" not in done.stderr
    shown = shell.run_here("config", "--json", WATTLOG_HEALTHCHECK_URL="http://127.0.0.1:9/ping/6f1e")
    assert "6f1e" not in shown.stdout


def test_an_address_that_is_none(shell: Shell) -> None:
    done = shell.run_here("sync", "--healthcheck-url", "hc-ping.com/6f1e")
    assert done.returncode == 2
    assert "https://" in one_line(done)


def test_the_executor_that_is_chosen_runs_the_pipeline(
    server: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--executor dask --scheduler …` reaches the place where executors are opened; a real cluster is in `test_dask`."""
    opened: list[ExecutorChoice] = []

    @contextmanager
    def open_executor(choice: ExecutorChoice, context: RunContext, stop: StopSignal) -> Iterator[Executor]:
        opened.append(choice)
        yield ThreadExecutor()

    monkeypatch.setattr("flows.executors.choice.open_executor", open_executor)
    settings = Settings(
        data_dir=tmp_path,
        provider="simulator",
        api_base_url=server.base_url,
        access_token=SecretStr(DEMO_TOKEN),
    )
    cluster = ExecutorChoice(ExecutorName.DASK, "tcp://10.0.0.5:8786")
    exit_code = sync(settings, max_requests=3, executor=ExecutorName.DASK, scheduler="tcp://10.0.0.5:8786")
    assert (exit_code, opened) == (0, [cluster])
    assert capsys.readouterr() == ("", "")
