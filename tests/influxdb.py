"""A real InfluxDB 1.x, Debian's package `influxdb`, on free ports of this machine and with a directory of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

needs_influxd = pytest.mark.skipif(
    shutil.which("influxd") is None, reason="influxd is not installed (Debian's package influxdb)"
)

STARTS_WITHIN_S = 60.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def influxd(place: Path, *, user: str | None = None) -> Iterator[str]:
    """The address of an empty server; with a user, `NAME:PASSWORD`, one that asks for a password."""
    port, own = _free_port(), _free_port()
    variables = {
        "INFLUXDB_META_DIR": place / "meta",
        "INFLUXDB_DATA_DIR": place / "data",
        "INFLUXDB_DATA_WAL_DIR": place / "wal",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{own}",
        "INFLUXDB_MONITOR_STORE_ENABLED": "false",
        "INFLUXDB_DATA_QUERY_LOG_ENABLED": "false",
        "INFLUXDB_HTTP_LOG_ENABLED": "false",
        "INFLUXDB_HTTP_AUTH_ENABLED": "false" if user is None else "true",
    }
    place.mkdir(parents=True, exist_ok=True)
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(shutil.which("influxd")), "run", "-config", os.devnull],
            env={"PATH": os.environ["PATH"], "HOME": str(place), **{name: str(is_) for name, is_ in variables.items()}},
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, place / "log")
        if user is not None:
            name, password = user.split(":")
            ask(url, f"CREATE USER {name} WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/ping").status_code == 204:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"influxd did not start: {log.read_text()[-2000:]}")


def ask(url: str, query: str, *, user: str | None = None) -> list[dict[str, Any]]:
    """The series of the answer to a query or a statement."""
    auth = None if user is None else (user.split(":")[0], user.split(":")[1])
    answer = httpx.post(f"{url}/query", params={"epoch": "s"}, data={"q": query}, auth=auth, timeout=60)
    answer.raise_for_status()
    (result,) = answer.json()["results"]
    assert "error" not in result, result
    return list(result.get("series", []))


def write(url: str, policy: str, lines: list[str]) -> None:
    """Write points of database `powerwall`, with times in seconds."""
    params = {"db": "powerwall", "rp": policy, "precision": "s"}
    for first in range(0, len(lines), 5_000):
        answer = httpx.post(f"{url}/write", params=params, content="\n".join(lines[first : first + 5_000]), timeout=60)
        assert answer.status_code == 204, answer.text
