"""`wattlog dashboard`: what it refuses, what it prints, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from flows.cli import run
from flows.errors import ExitCode
from tests.unit.warehouse.conftest import Publish


def test_without_a_warehouse_one_line_and_the_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--data-dir", str(tmp_path), "dashboard"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "wattlog backfill" in said


def test_address_that_cannot_be_used_is_one_line(publish: Publish, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = str(publish({}).parent)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["--data-dir", data_dir, "dashboard", "--port", port]) == ExitCode.USAGE
    assert "choose another --host or --port" in capsys.readouterr().err
    assert run(["--data-dir", data_dir, "dashboard", "--host", "203.0.113.7"]) == ExitCode.USAGE
    assert "choose another --host or --port" in capsys.readouterr().err


def test_store_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--data-dir", "s3://bucket/prefix", "dashboard"]) == ExitCode.USAGE
    assert "wattlog report" in capsys.readouterr().err


@pytest.mark.parametrize(("host", "has_token"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104 - what is tested
@pytest.mark.parametrize("asked", [True, False])
def test_the_browser_is_opened_at_the_served_address_only_when_asked(
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
    has_token: bool,
    asked: bool,
) -> None:
    """It is opened once the server is ready, at the address that is printed, with the token where one is needed."""
    opened: list[str] = []
    ports: list[int] = []

    def serve(_app: object, listening: socket.socket, *, ready: Callable[[], None]) -> None:
        with listening:
            ports.append(listening.getsockname()[1])
            assert opened == []
            ready()

    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("warehouse.dashboard.serve", serve)
    arguments = ["--data-dir", str(publish({}).parent), "dashboard", "--host", host, "--port", "0", "--json"]
    assert run([*arguments, "--open"] if asked else arguments) == ExitCode.OK
    url = json.loads(capsys.readouterr().out)["url"]
    assert f":{ports[0]}/" in url
    assert ("?token=" in url) is has_token
    assert opened == ([url] if asked else [])


@pytest.mark.slow
@pytest.mark.parametrize(("host", "has_token"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104 - what is tested
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_with_code_0(
    publish: Publish, host: str, has_token: bool, ending: signal.Signals
) -> None:
    """On another address than loopback it prints a token, without which nothing is served."""
    warehouse = publish({"daily": [{"local_date": date(2025, 3, 1), "home_wh": 5_000.0}]})
    command = [sys.executable, "-c", "from flows.cli import main; main()", "--data-dir", str(warehouse.parent)]
    with subprocess.Popen(
        [*command, "dashboard", "--host", host, "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        url = json.loads(b"".join(lines))["url"]
        assert ("?token=" in url) is has_token
        port = url.split(":")[2].split("/")[0]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({}))
        query = f"/{url.split('/')[-1]}"
        with opener.open(f"http://127.0.0.1:{port}{query}") as response:
            assert b"Energy dashboard" in response.read()
        process.send_signal(ending)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
