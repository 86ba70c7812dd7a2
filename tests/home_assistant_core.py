"""A real Home Assistant core in a directory of its own, with a user and a token; installed by `make test-home-assistant`."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PYTHON = Path(os.environ.get("HOME_ASSISTANT_PYTHON", "build/home-assistant/bin/python"))
"""The interpreter of the environment that it is installed in."""

STARTS_WITHIN_S = 240.0

CONFIGURATION = """
http:
  server_host: 127.0.0.1
  server_port: {port}
recorder:
api:
websocket_api:
energy:
history:
onboarding:
"""

LAUNCHER = """
import sys

import homeassistant.const

homeassistant.const.REQUIRED_PYTHON_VER = (3, 13, 0)
from homeassistant.__main__ import main

sys.exit(main())
"""


@contextmanager
def core(place: Path) -> Iterator[tuple[str, str]]:
    """The address and an access token of a new Home Assistant."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    place.mkdir(parents=True)
    (place / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([PYTHON, "-c", LAUNCHER, "-c", place, "--skip-pip"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        yield url, _token(url, process, place / "log")
    finally:
        process.terminate()
        process.wait()


def _token(url: str, process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Make the first user, as the page of a new installation does, and log in."""
    until = time.monotonic() + STARTS_WITHIN_S
    user = {"client_id": f"{url}/", "name": "Test", "username": "test", "password": "test-password", "language": "en"}
    while time.monotonic() < until and process.poll() is None:
        try:
            made = httpx.post(f"{url}/api/onboarding/users", json=user, timeout=30)
        except httpx.TransportError:
            time.sleep(0.5)
            continue
        if made.status_code == 200:
            given = {"grant_type": "authorization_code", "code": made.json()["auth_code"], "client_id": f"{url}/"}
            return str(httpx.post(f"{url}/auth/token", data=given, timeout=30).json()["access_token"])
        time.sleep(0.5)
    raise AssertionError(f"Home Assistant did not start: {log.read_text()[-3000:]}")
