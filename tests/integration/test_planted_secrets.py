"""A token that no header can carry, wherever it comes from: no byte that leaves the program, or stays on the disk, holds it."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from extract.api.client import Client, utc_now
from extract.archive import segment
from extract.archive.raw_archive import RawArchive, Response
from extract.archive.segment import Frame
from extract.requests import live_status
from extract.simulator import DEMO_REFRESH_TOKEN, DEMO_TOKEN, SimulatorServer, scenario, serve
from extract.simulator.login import oauth
from flows.credentials import slot_of
from flows.settings import Settings
from tests.integration.test_login import Shell, last_line
from tests.integration.test_sync import Watchdog, watchdog
from tests.new_site import new_site_world
from wattlog.secret_text import protect

CORE = "planted-core-81c5d7e09a"


@pytest.fixture
def watched() -> Iterator[Watchdog]:
    with watchdog() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serve(new_site_world()) as made:
        yield made


def leaked(shell: Shell, *secrets: str, pings: list[tuple[str, str]] | None = None) -> list[str]:
    """Where a secret stands: in what was printed (at level debug), in a file, in an unpacked segment, in a ping."""
    places = {f"printed {number}": text.encode() for number, text in enumerate(shell.printed)}
    places |= {f"ping {number}": "".join(ping).encode() for number, ping in enumerate(pings or [])}
    for path in shell.directory.rglob("*"):
        if path.is_file() and "tokens" not in path.parts:
            places[str(path)] = path.read_bytes()
        if path.name.endswith(".zst"):
            places[f"{path} unpacked"] = b"".join(part.line for part in segment.scan(path) if isinstance(part, Frame))
    return [place for place, content in places.items() for secret in secrets if secret.encode() in content]


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " \r\n"])
def test_a_line_end_behind_a_token_in_the_environment_is_taken_off(
    end: str, tmp_path: Path, server: SimulatorServer, watched: Watchdog
) -> None:
    """A file of environment variables with CRLF line ends."""
    shell = Shell(tmp_path, server.base_url, {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN + end})
    done = shell.run("sync", "--max-requests", "8", "--healthcheck-url", watched.url)
    assert done.returncode == 0, done.stderr
    assert not leaked(shell, DEMO_TOKEN, pings=watched.pings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "token", [f"{CORE}\r{CORE}", f"{CORE}\nX-Other: {CORE}", f"{CORE} {CORE}", f"tök{CORE}", f"\udcff{CORE}"]
)
@pytest.mark.parametrize("name", ["WATTLOG_ACCESS_TOKEN", "WATTLOG_REFRESH_TOKEN", "WATTLOG_CLIENT_SECRET"])
def test_other_characters_in_a_setting_are_refused(
    name: str, token: str, tmp_path: Path, server: SimulatorServer, watched: Watchdog
) -> None:
    shell = Shell(tmp_path, server.base_url, {name: token})
    for command in (
        ["login"],
        ["backfill"],
        ["sync", "--healthcheck-url", watched.url],
        ["verify"],
        ["whoami"],
        ["config"],
    ):
        done = shell.run(*command)
        assert done.returncode == 2, command
        assert name in last_line(done)
        assert len(done.stderr.splitlines()) == 1
    assert not leaked(shell, CORE, pings=watched.pings)


@pytest.mark.slow
@pytest.mark.parametrize(("field", "code"), [("access_token", 3), ("refresh_token", 3)])
@pytest.mark.parametrize("middle", ["\n", "\r", "\r\nX-Other: ", " ", "ö"])
def test_a_token_endpoint_that_gives_one(
    field: str, code: int, middle: str, tmp_path: Path, watched: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    spelled = oauth._spelled
    monkeypatch.setattr(oauth, "_spelled", lambda grant: spelled(grant) | {field: f"{CORE}{middle}{CORE}"})
    seed = {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_REFRESH_TOKEN": DEMO_REFRESH_TOKEN}
    with scenario("expiring-token").serve() as server:
        shell = Shell(tmp_path, server.base_url, seed)
        done = shell.run("sync", "--healthcheck-url", watched.url)
        assert done.returncode == code, done.stderr
        assert f"the token endpoint gave a wrong {field.replace('_', ' ')}" in last_line(done)
        shell.run("backfill")
        shell.run("verify")
    assert not leaked(shell, CORE, DEMO_TOKEN, DEMO_REFRESH_TOKEN, pings=watched.pings)
    assert watched.pings[-1][0].endswith("/fail")
    assert CORE not in "".join(path.read_text() for path in shell.token_files())


@pytest.mark.parametrize(
    "content", [{"access_token": f"{CORE}\r"}, {"access_token": 5}, {"refresh_token": f"{CORE} x"}, {}]
)
def test_a_stored_token_that_cannot_be_sent(
    content: dict[str, object], tmp_path: Path, server: SimulatorServer
) -> None:
    """A file that was edited by hand: it is named, and logging out and in again is the way on."""
    shell = Shell(tmp_path, server.base_url)
    directory = shell.config / "tokens"
    directory.mkdir(parents=True, mode=0o700)
    shell.run("whoami")
    slot = slot_of(Settings.model_validate({"provider": "simulator", "api_base_url": server.base_url}))
    stored = dict.fromkeys(("obtained_at", "expires_at", "refresh_begun_at", "client_id", "base_url"))
    file = directory / f"{slot}.json"
    file.write_text(
        json.dumps(
            {"access_token": "a", "refresh_token": None, "scopes": [], **stored, **content} if content else content
        )
    )
    file.chmod(0o600)
    done = shell.run("backfill")
    assert done.returncode == 2
    assert str(file) in last_line(done)
    assert "`wattlog logout` and then `wattlog login`" in last_line(done)
    assert shell.run("logout").returncode == 0
    assert not leaked(shell, CORE)


@pytest.mark.parametrize("typed", [f"{CORE}\x00{CORE}\n", f"tök{CORE}\n", f"{CORE} {CORE}\r\n", "\r\n", ""])
def test_a_piped_token_that_cannot_be_sent(typed: str, tmp_path: Path, server: SimulatorServer) -> None:
    shell = Shell(tmp_path, server.base_url, {"WATTLOG_PROVIDER": "teslemetry"})
    done = shell.run("login", typed=typed)
    assert done.returncode == 2
    assert "no token on standard input" in last_line(done)
    assert not leaked(shell, CORE)
    assert not shell.token_files()


def client_with(token: str, answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client(
        "http://api.test",
        lambda: token,
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        transport=httpx.MockTransport(answer),
    )


ECHOES: dict[str, Callable[[str], str]] = {
    "plain": lambda header: header,
    "repr": lambda header: repr(header.encode()),
    "percent": lambda header: header.replace(" ", "%20"),
    "JSON": lambda header: json.dumps({"error": header, "error_description": f"you sent {header}"}),
}


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_server_that_repeats_the_header(status: int, echo: Callable[[str], str]) -> None:
    """Neither the body that is kept nor a header of the response holds the token."""
    token = f"{CORE}-sent"
    protect(token)

    def answer(request: httpx.Request) -> httpx.Response:
        text = echo(request.headers["Authorization"])
        return httpx.Response(
            status, content=gzip.compress(text.encode()), headers={"content-encoding": "gzip", "x-txid": token}
        )

    client = Client(
        "http://api.test",
        lambda: token,
        user_agent="t",
        classify=lambda *_: "data",
        transport=httpx.MockTransport(answer),
    )
    for request in (live_status(1001),):
        exchange = client.send(request)
        assert CORE not in repr(exchange)


def test_a_transport_error_is_reported_by_its_type() -> None:
    """The library's words repeat the header, and Authlib's and httpx's may do so in any spelling."""

    def answer(request: httpx.Request) -> httpx.Response:
        header = request.headers["Authorization"]
        raise httpx.LocalProtocolError(f"Illegal header value {header.encode()!r}") from OSError(104, header)

    client = Client(
        "http://api.test",
        lambda: CORE,
        user_agent="t",
        classify=lambda *_: "data",
        transport=httpx.MockTransport(answer),
    )
    exchange = client.send(live_status(1001))
    assert exchange.body == b"LocalProtocolError: the request is not valid HTTP (Connection reset by peer)"


@pytest.mark.slow
def test_verify_names_what_an_earlier_version_left_and_takes_it_out(tmp_path: Path, server: SimulatorServer) -> None:
    shell = Shell(tmp_path, server.base_url, {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN})
    assert shell.run("backfill", "--max-requests", "12").returncode == 0
    body = f"LocalProtocolError: Illegal header value b'Bearer {CORE}\\r'".encode()
    request = live_status(next(iter(RawArchive(tmp_path / "data/raw").site_ids())))
    planted = Response(request, utc_now() - timedelta(minutes=1), 1.0, 1, None, {}, body, "transport")
    entry = RawArchive(tmp_path / "data/raw").keep(planted, run_id="old", provider="simulator")
    done = shell.run("verify", "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["findings"]
    assert found["where"] == entry.segment
    assert entry.raw_id in found["what"]
    assert CORE not in done.stdout + done.stderr
    done = shell.run("verify", "--redact")
    assert done.returncode == 0, done.stderr
    assert entry.raw_id in done.stderr
    assert not leaked(shell, CORE)
    assert shell.run("verify").returncode == 0
    assert shell.run("rebuild").returncode == 0
