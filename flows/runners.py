"""`--runner`: a run of the pipeline on threads of this process, or on the processes of a Dask cluster, here or elsewhere."""

import atexit
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import certifi
import httpx

from extract.allowance import Allowance
from flows.engines import Engine
from flows.engines.local import LocalEngine
from flows.errors import UsageError
from flows.interrupts import graceful
from flows.pipeline import Summary
from flows.workspace import Workspace

if TYPE_CHECKING:
    from distributed import Client

ALLOWANCE = ".allowance.sqlite"
PROCESSES = 2
CONNECT_S = 10
STARTS_WITHIN_S = 120
"""Prefect's temporary server takes ten seconds on an idle machine; its own patience, twenty, is too near to that."""

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""What goes wrong is said in one line, as on the local engine."""

Drive = Callable[[Engine], Summary]
"""Runs the pipeline on an engine."""


@dataclass(frozen=True, slots=True)
class OnDask:
    """That the steps run on a Dask cluster.

    Attributes:
        scheduler: Address of one that stands; None for one of the run's own, on this machine.
    """

    scheduler: str | None = None


def run(workspace: Workspace, command: str, drive: Drive, on_dask: OnDask | None) -> Summary:
    """Run the pipeline on threads of this process, or on the cluster wanted."""
    if on_dask is None:
        return drive(LocalEngine())
    return run_on_dask(workspace, command, drive, scheduler=on_dask.scheduler)


def run_on_dask(
    workspace: Workspace, command: str, drive: Drive, *, scheduler: str | None = None, processes: int = PROCESSES
) -> Summary:
    """Run the pipeline inside a flow run of its own, its chunks on worker processes.

    Args:
        workspace: The run's.
        command: Name of the flow run.
        drive: Runs the pipeline on the engine it is given.
        scheduler: Address of a cluster; a local one of some processes is made for the run when not given.
        processes: How many, then.

    Raises:
        UsageError: Dask is not installed, or the scheduler does not answer, or workers lack what a run needs of them.
    """
    _require_dask()
    for name, value in QUIET.items():  # read when Prefect is imported
        os.environ.setdefault(name, value)
    from flows.engines.dask_engine import say_no_more

    atexit.register(say_no_more)
    workspace.allowance = Allowance(workspace.root / ALLOWANCE)
    workspace.allowance.begin()
    try:
        with prefect_api(), connected(scheduler, processes, workspace.settings.resolved_provider.concurrency) as client:
            if scheduler is not None:
                require_reach(client)
            return run_on(client, workspace, command, drive)
    finally:
        workspace.allowance.end()


def run_on(client: "Client", workspace: Workspace, command: str, drive: Drive) -> Summary:
    """The same on a cluster that stands."""
    from prefect import flow
    from prefect_dask.task_runners import DaskTaskRunner

    from flows.engines.dask_engine import DaskEngine

    found: list[Summary] = []

    def here() -> None:
        with graceful(workspace):
            found.append(drive(DaskEngine(client)))

    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(
            name
        ).propagate = False  # what a flow run says goes to Prefect's API; here it is said in one line
    runner: Any = DaskTaskRunner(address=client.scheduler_info()["address"])
    _UNDER_WAY[workspace.run_id] = here
    try:
        flow(name=command, task_runner=runner)(do_here)(workspace.run_id)
    finally:
        del _UNDER_WAY[workspace.run_id]
    return found[0]


_UNDER_WAY: dict[str, Callable[[], None]] = {}
"""Flow runs of this process. A flow travels to the workers with its tasks, so it cannot hold what it works with."""


def do_here(run_id: str) -> None:
    """The body of every such flow."""
    _UNDER_WAY[run_id]()


def _require_dask() -> None:
    missing = [name for name in ("distributed", "prefect_dask") if find_spec(name) is None]
    if missing:
        raise UsageError(f"--runner dask needs {' and '.join(missing)}; install them with: pip install 'wattlog[dask]'")


def require_reach(client: "Client") -> None:
    """Tasks say to Prefect's API that they begin and end, wherever they run: a server of one's own is for this machine alone.

    Raises:
        UsageError: A worker has no wattlog, or does not reach the API.
    """
    from prefect.settings import PREFECT_API_URL

    url = str(PREFECT_API_URL.value())
    try:
        answers: dict[str, bool] = client.run(reaches, url)
    except ModuleNotFoundError as error:
        raise UsageError(f"a worker has no module {error.name}; install wattlog[dask] on every worker") from None
    for worker, is_reached in answers.items():
        if not is_reached:
            raise UsageError(
                f"worker {worker} does not reach Prefect's API at {url}; start a server that all machines reach with "
                "`prefect server start --host 0.0.0.0` and set PREFECT_API_URL to its address here"
            )


def reaches(url: str) -> bool:
    """What each worker is asked: whether Prefect's API answers there."""
    try:
        return httpx.get(f"{url}/health", timeout=CONNECT_S).is_success
    except httpx.TransportError:
        return False


@contextmanager
def _unmoved_by_interrupts() -> Iterator[None]:
    """What is begun within this does not see Ctrl-C, which reaches all processes of a terminal: a run has to be able to end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def prefect_api() -> Iterator[None]:
    """A Prefect API for this process and its workers: the one that is configured, else a temporary server of one's own."""
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import (
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    if PREFECT_API_URL.value():
        yield
        return
    server = SubprocessASGIServer()
    with _unmoved_by_interrupts():
        server.start(timeout=STARTS_WITHIN_S)
    try:
        with (
            TemporaryDirectory() as directory,
            temporary_settings(
                {
                    PREFECT_API_URL: server.api_url,
                    PREFECT_LOGGING_TO_API_ENABLED: False,
                    PREFECT_API_SSL_CERT_FILE: str(_one_certificate(Path(directory))),
                }
            ),
        ):
            yield
    finally:
        server.stop()


def _one_certificate(directory: Path) -> Path:
    """A bundle of a single certificate: Prefect reads its bundle twice for each task, and this server is asked without TLS."""
    path = directory / "one.pem"
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    path.write_text(first + end, encoding="utf-8")
    return path


@contextmanager
def connected(scheduler: str | None, processes: int, requests_in_flight: int) -> Iterator["Client"]:
    """A connection to a cluster.

    Raises:
        UsageError: The scheduler does not answer.
    """
    import distributed

    from flows.engines.dask_engine import Unmoved

    dask: Any = distributed  # hardly typed
    logging.getLogger("distributed").setLevel(logging.WARNING)  # every connection is news to it
    if scheduler is not None:
        try:
            client = dask.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`"
            ) from None
        with client:
            yield client
        return
    threads = -(-requests_in_flight // processes)
    with (
        dask.LocalCluster(
            n_workers=processes,
            threads_per_worker=threads,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(Unmoved())
        yield client
