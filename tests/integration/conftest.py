"""A real Prefect server, once for all tests of a process that need it: it takes a quarter of a minute to start."""

import os
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.processes import free_port, running

STARTS_WITHIN_S = 240


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private, silent Prefect server on a loopback port, configured for this process and its children."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    quiet = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in quiet.items():
            patch.setenv(name, value)
        command = [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--no-ui",
        ]
        with running(command, cwd=home, environment=os.environ, log=home / "server.log") as server:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while not _is_healthy(quiet["PREFECT_API_URL"]):
                assert server.poll() is None, (home / "server.log").read_text()
                assert time.monotonic() < deadline, (home / "server.log").read_text()
                time.sleep(0.2)
            from prefect.context import refresh_global_settings_context

            # Another test may have imported Prefect before; its threads look at the settings of that moment.
            refresh_global_settings_context()
            yield quiet["PREFECT_API_URL"]
    refresh_global_settings_context()


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
