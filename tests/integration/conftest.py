"""A real Prefect server, one for all processes of a test run: it takes a quarter of a minute to start."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest
from filelock import FileLock

from tests.patience import PATIENCE_S, wait_until
from tests.processes import free_port, running


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private, silent Prefect server on a loopback port, configured for this process and its children."""
    own = tmp_path_factory.getbasetemp()
    directory = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "prefect"
    directory.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, _server(directory, patch) as url:
        from prefect.context import refresh_global_settings_context

        # Another test may have imported Prefect before; its threads look at the settings of that moment.
        refresh_global_settings_context()
        yield url
    refresh_global_settings_context()


@contextmanager
def _server(directory: Path, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server whose address stands in a directory. The first process starts it, and stops it when no other uses it."""
    address, turn = directory / "address", FileLock(directory / "turn.lock")
    with ExitStack() as stack, (directory / "users.lock").open("ab") as users:
        with turn:
            is_mine = not address.exists()
            url = f"http://127.0.0.1:{free_port()}/api" if is_mine else address.read_text()
            _configure(directory, url, patch)
            if is_mine:
                stack.enter_context(_started(directory, url))
                address.write_text(url)
            else:
                fcntl.flock(users, fcntl.LOCK_SH)
        yield url
        while is_mine:
            with turn:
                if _is_free(users):
                    address.unlink()
                    return
            time.sleep(0.2)


def _is_free(users: IO[bytes]) -> bool:
    """Whether no other process has the lock for the users of the server; a process that died does not have it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _configure(home: Path, url: str, patch: pytest.MonkeyPatch) -> None:
    quiet = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    for name, value in quiet.items():
        patch.setenv(name, value)


@contextmanager
def _started(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--no-ui"]
    command += ["--port", str(httpx.URL(url).port)]
    with running(command, cwd=home, environment=os.environ, log=home / "server.log") as server:
        log = home / "server.log"
        wait_until(lambda: server.poll() is not None or _is_healthy(url), log.read_text, look_s=0.2)
        assert server.poll() is None, log.read_text()
        yield server


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        return False
