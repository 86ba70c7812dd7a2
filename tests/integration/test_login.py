"""Logging in and staying logged in, as users and their nightly jobs meet it: the command line against the simulator's OAuth."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from extract.api.client import utc_now
from extract.simulator import (
    DEMO_REFRESH_TOKEN,
    DEMO_TOKEN,
    Conditions,
    FaultPlan,
    OAuthSetup,
    Rule,
    SimulatorServer,
    Where,
    scenario,
    serve,
)
from extract.simulator.faults.plan import SlowBody
from extract.simulator.login.authority import RefreshOutcome
from extract.simulator.worlds.by_scenario import calm_world
from tests.patience import PATIENCE_S
from tests.shell import NO_KEYRING, run_here
from wattlog.providers import COMMAND_SCOPE

WATTLOG = [sys.executable, "-c", "import sys; from flows.cli import main; main(sys.argv[1:])"]


@dataclass
class Shell:
    """Runs wattlog with a home, a data directory and an environment of its own, and remembers all it printed."""

    directory: Path
    base_url: str
    more: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        return (
            kept
            | NO_KEYRING
            | {
                "HOME": str(self.directory),
                "XDG_CONFIG_HOME": str(self.directory / "config"),
                "WATTLOG_PROVIDER": "simulator",
                "WATTLOG_API_BASE_URL": self.base_url,
                "WATTLOG_LOG_LEVEL": "debug",
            }
            | self.more
        )

    def start(self, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*WATTLOG, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """The command in this process, which spares a second: nothing of it depends on having one of its own."""
        done = run_here(arguments, self.directory, self.environment, typed=typed)
        return self._done(arguments, done.returncode, done.stdout, done.stderr)

    def run_alone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        return self._done(arguments, process.returncode, out, err)

    def _done(self, arguments: Sequence[str], code: int, out: str, err: str) -> subprocess.CompletedProcess[str]:
        self.printed += [out, err]
        return subprocess.CompletedProcess(arguments, code, out, err)

    @property
    def config(self) -> Path:
        return self.directory / "config" / "wattlog"

    def token_files(self) -> list[Path]:
        return sorted(self.config.glob("tokens/*.json"))

    def assert_no_secret_leaked(self) -> None:
        """Neither what was printed at level debug nor a file of the data directory holds a token that is stored."""
        secrets = {DEMO_REFRESH_TOKEN}
        for path in self.token_files():
            stored = json.loads(path.read_text())
            secrets |= {stored["access_token"], stored["refresh_token"] or ""} - {""}
        assert len(secrets) > 1, "something is stored"
        everything = "".join(self.printed).encode()
        everything += b"".join(path.read_bytes() for path in self.directory.glob("data/**/*") if path.is_file())
        for secret in secrets:
            assert secret.encode() not in everything


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line of wattlog with what to do."""
    return [line for line in done.stderr.splitlines() if line.startswith("wattlog: ")][-1]


def open_account(name: str, tmp_path: Path, **more: str) -> Iterator[tuple[SimulatorServer, Shell]]:
    with scenario(name).serve() as server:
        yield server, Shell(tmp_path, server.base_url, more)


@pytest.fixture
def calm(tmp_path: Path) -> Iterator[tuple[SimulatorServer, Shell]]:
    """An account whose tokens live for eight hours."""
    yield from open_account("calm", tmp_path)


@pytest.fixture
def expiring(tmp_path: Path) -> Iterator[tuple[SimulatorServer, Shell]]:
    """An account whose access token has expired, with a refresh token from the environment (Q29)."""
    seed = {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_REFRESH_TOKEN": DEMO_REFRESH_TOKEN}
    yield from open_account("expiring-token", tmp_path, **seed)


def address_in(process: subprocess.Popen[str]) -> str:
    """The address that a person is asked to open."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("no address was shown")


def agree(url: str) -> str:
    """A person with a browser: where the authorize page sends it."""
    answer = httpx.get(url)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def outcomes(server: SimulatorServer) -> list[RefreshOutcome]:
    return [refresh.outcome for refresh in server.authority.refreshes]


# --- login ------------------------------------------------------------------------------------------------------------


def test_the_browser_comes_back_to_a_loopback_port(calm: tuple[SimulatorServer, Shell]) -> None:
    """Authorization code with PKCE S256; what knocks without the login's state is sent away, and the wait goes on."""
    _, shell = calm
    with shell.start("login", "--json") as process:
        url = address_in(process)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid offline_access energy_device_data"
        redirected = agree(url)
        assert redirected.startswith(asked["redirect_uri"])
        for stray in ("/favicon.ico", "/callback?code=stolen&state=guessed"):
            port = urlsplit(redirected).port
            assert httpx.get(f"http://127.0.0.1:{port}{stray}").status_code == 404
        assert httpx.get(redirected.replace("localhost", "127.0.0.1")).status_code == 200
        out, err = process.communicate(timeout=PATIENCE_S)
    shell.printed += [out, err]
    assert process.returncode == 0, err
    identity = json.loads(out)
    assert identity["provider"] == "simulator"
    assert identity["region"] == "na"
    assert identity["scopes"] == ["openid", "offline_access", "energy_device_data"]
    assert identity["is_renewable"] is True
    (stored,) = shell.token_files()
    assert str(stored) in identity["tokens_from"]
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert shell.run("sites", "--refresh", "--json").returncode == 0
    shell.assert_no_secret_leaked()


def test_the_address_is_pasted_where_there_is_no_browser(calm: tuple[SimulatorServer, Shell]) -> None:
    """`--paste` reads one line; no server serves the page that the browser was sent to."""
    _, shell = calm
    shell.more["WATTLOG_REDIRECT_URI"] = "https://example.org/back"
    with shell.start("login", "--paste") as process:
        redirected = agree(address_in(process))
        assert redirected.startswith("https://example.org/back?")
        out, err = process.communicate(f"{redirected}\n", timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "energy_device_data" in out
    shell.printed += [out, err]
    shell.assert_no_secret_leaked()


def test_a_person_at_a_terminal_is_asked_for_the_address(calm: tuple[SimulatorServer, Shell]) -> None:
    """Where there is a keyboard and no browser, without `--paste`."""
    _, shell = calm
    shell.more["PATH"] = "/nowhere"
    keyboard, terminal = os.openpty()
    with shell.start("login", stdin=terminal) as process:
        os.write(keyboard, f"{agree(address_in(process))}\n".encode())
        _, err = process.communicate(timeout=PATIENCE_S)
    os.close(terminal)
    os.close(keyboard)
    assert process.returncode == 0, err
    assert len(shell.token_files()) == 1


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "no address came on standard input"),
        ("http://localhost:8484/callback?code=x&state=of-another-login\n", "does not belong to this login"),
        ("nonsense\n", "does not belong to this login"),
    ],
)
def test_a_wrong_address_is_no_login(calm: tuple[SimulatorServer, Shell], typed: str, message: str) -> None:
    """The state guards against answers to another person's login; nothing waits for a person who is not there."""
    server, shell = calm
    done = shell.run("login", "--paste", typed=typed)
    assert done.returncode == 3
    assert message in last_line(done)
    assert shell.token_files() == []
    assert server.requests == []


def test_a_person_may_say_no(calm: tuple[SimulatorServer, Shell]) -> None:
    _, shell = calm
    with shell.start("login", "--paste") as process:
        state = parse_qs(urlsplit(address_in(process)).query)["state"][0]
        refused = f"http://localhost:8484/callback?error=access_denied&state={state}\n"
        _, err = process.communicate(refused, timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "login refused: access_denied" in err


def test_a_browser_that_does_not_come_back(calm: tuple[SimulatorServer, Shell]) -> None:
    _, shell = calm
    done = shell.run("login", "--timeout", "1")
    assert done.returncode == 3
    assert "no redirect came within 1 s" in last_line(done)


def test_the_fleet_api_needs_an_application(calm: tuple[SimulatorServer, Shell]) -> None:
    _, shell = calm
    shell.more["WATTLOG_PROVIDER"] = "fleet-eu"
    done = shell.run("login")
    assert done.returncode == 2
    assert "set WATTLOG_CLIENT_ID" in last_line(done)


def test_a_teslemetry_token_comes_through_a_pipe(tmp_path: Path) -> None:
    """It is tried before it is kept; metadata names region and scopes (API.md#login)."""
    for server, shell in open_account("teslemetry", tmp_path, WATTLOG_PROVIDER="teslemetry"):
        wrong = shell.run("login", typed="not-a-token-of-theirs\n")
        assert wrong.returncode == 3
        assert shell.token_files() == []
        assert shell.run("login", typed="").returncode == 2
        done = shell.run("login", "--json", typed=f"{DEMO_TOKEN}\n")
        assert done.returncode == 0, done.stderr
        identity = json.loads(done.stdout)
        assert (identity["region"], identity["is_renewable"]) == ("na", False)
        assert "energy_device_data" in identity["scopes"]
        shell.assert_no_secret_leaked()
        assert {request.path for request in server.requests} == {"/api/metadata"}


def test_a_teslemetry_token_for_commands_must_have_their_scope(tmp_path: Path) -> None:
    """With --commands a token without the scope is refused, and not stored: the first change would be refused later."""
    for server, shell in open_account("teslemetry", tmp_path, WATTLOG_PROVIDER="teslemetry"):
        refused = shell.run("login", "--commands", typed=f"{DEMO_TOKEN}\n")
        assert (refused.returncode, shell.token_files()) == (4, [])
        assert "settings are changed with the scope energy_cmds" in last_line(refused)
        vars(server.world)["scopes"] = (*server.world.scopes, COMMAND_SCOPE)
        done = shell.run("login", "--commands", "--json", typed=f"{DEMO_TOKEN}\n")
        assert done.returncode == 0, done.stderr
        assert COMMAND_SCOPE in json.loads(done.stdout)["scopes"]


def test_the_owner_api_is_closed(calm: tuple[SimulatorServer, Shell]) -> None:
    """API.md#owner-api: there is nothing to log in to."""
    _, shell = calm
    shell.more["WATTLOG_PROVIDER"] = "owner"
    done = shell.run("login")
    assert done.returncode == 2
    assert "closed the Owner API" in last_line(done)


# --- whoami, logout ---------------------------------------------------------------------------------------------------


def test_whoami_shows_what_the_token_says(expiring: tuple[SimulatorServer, Shell]) -> None:
    """Scopes and expiry from the JWT, the region from the API, the place from the store; and `logout` ends it."""
    server, shell = expiring
    identity = json.loads(shell.run("whoami", "--json").stdout)
    assert identity["region"] == "na"
    assert "energy_device_data" in identity["scopes"]
    assert identity["expires_at"] > utc_now().isoformat()
    assert "WATTLOG_REFRESH_TOKEN" in identity["tokens_from"]
    shell.assert_no_secret_leaked()
    gone = shell.run("logout")
    assert "WATTLOG_REFRESH_TOKEN is still set" in gone.stderr
    after = shell.run("whoami")
    assert after.returncode == 3
    assert "logout" in last_line(after)
    assert outcomes(server) == [RefreshOutcome.ROTATED], "the seed is spent, and known to be"


def test_whoami_without_a_login(calm: tuple[SimulatorServer, Shell]) -> None:
    server, shell = calm
    shell.more["WATTLOG_PROVIDER"] = "fleet-na"
    done = shell.run("whoami")
    assert done.returncode == 3
    assert "run `wattlog login`" in last_line(done)
    assert server.requests == []


def test_logout_forgets_a_login(calm: tuple[SimulatorServer, Shell]) -> None:
    _, shell = calm
    with shell.start("login", "--paste") as process:
        process.communicate(f"{agree(address_in(process))}\n", timeout=PATIENCE_S)
    assert len(shell.token_files()) == 1
    assert shell.run("logout").returncode == 0
    assert shell.token_files() == []
    assert "no tokens were stored" in shell.run("logout").stderr


# --- closed doors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "provider", "code", "message"),
    [
        ("payment", "teslemetry", 4, "begin or renew the Teslemetry subscription"),
        ("missing-scope", "simulator", 4, "give the token the scope energy_device_data"),
        ("owner-closed", "owner", 4, "Tesla has closed the Owner API: set WATTLOG_PROVIDER to"),
    ],
)
def test_a_closed_door_ends_the_run_within_one_request(
    tmp_path: Path, name: str, provider: str, code: int, message: str
) -> None:
    """API.md#status-codes: 402 and 403 end as 4 and say what to do."""
    given = {"WATTLOG_PROVIDER": provider, "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN}
    for server, shell in open_account(name, tmp_path, **given):
        done = shell.run("backfill")
        assert done.returncode == code
        assert message in last_line(done)
        assert len(server.requests) == 1
        assert DEMO_TOKEN not in done.stdout + done.stderr


def test_a_dead_login_ends_the_run_within_one_request(expiring: tuple[SimulatorServer, Shell]) -> None:
    """A refresh token that the authority does not know is sent once, by this run and by all that follow."""
    server, shell = expiring
    shell.more["WATTLOG_REFRESH_TOKEN"] = "withdrawn-long-ago"
    for _ in range(2):
        done = shell.run("backfill")
        assert done.returncode == 3
        assert "run `wattlog login`" in last_line(done)
        assert "WATTLOG_REFRESH_TOKEN is used up: unset or replace it" in last_line(done)
    assert outcomes(server) == [RefreshOutcome.UNKNOWN]
    assert [request.path for request in server.requests].count("/api/1/products") <= 2
    assert "withdrawn-long-ago" not in "".join(shell.printed)


def test_an_expired_token_without_a_refresh_token(expiring: tuple[SimulatorServer, Shell]) -> None:
    server, shell = expiring
    del shell.more["WATTLOG_REFRESH_TOKEN"]
    done = shell.run("backfill")
    assert done.returncode == 3
    assert "token expired" in last_line(done)
    assert len(server.requests) == 1


def test_the_account_lives_in_another_region(tmp_path: Path) -> None:
    """421: asked once where the account lives, then there; what is fetched is all there."""
    for server, shell in open_account("wrong-region", tmp_path, WATTLOG_ACCESS_TOKEN=DEMO_TOKEN):
        done = shell.run("sites", "--refresh", "--json")
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)) == 2
        asked = [(request.path, request.status) for request in server.requests]
        assert asked[:3] == [
            ("/api/1/products", 421),
            ("/api/1/users/region", 200),
            ("/eu/api/1/products", 200),
        ]
        assert all(path.startswith("/eu/") for path, _ in asked[2:])


def test_a_region_that_is_not_named(tmp_path: Path) -> None:
    """With an address of our own there are no other regions to try: the message names what to set."""
    for server, shell in open_account("hidden-region", tmp_path, WATTLOG_ACCESS_TOKEN=DEMO_TOKEN):
        done = shell.run("sites", "--refresh")
        assert done.returncode == 2
        assert "the account is in another region" in last_line(done)
        assert len(server.requests) == 2


# --- staying logged in ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_processes_that_wake_at_once_refresh_once(expiring: tuple[SimulatorServer, Shell]) -> None:
    """Q29: four nightly jobs with one expired token, and no refresh token is sent twice."""
    server, shell = expiring
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: shell.run_alone("whoami").returncode, range(4)))
    assert codes == [0] * 4
    assert outcomes(server) == [RefreshOutcome.ROTATED]
    shell.assert_no_secret_leaked()


def test_runs_that_outlive_their_tokens(tmp_path: Path) -> None:
    """Q29: tokens end between runs that follow each other; each refresh token is sent once, nothing is lost."""
    passed = timedelta()
    with serve(
        calm_world(utc_now().date()),
        clock=lambda: utc_now() + passed,
        conditions=Conditions(oauth=OAuthSetup(static_token_s=0)),
    ) as server:
        seed = {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_REFRESH_TOKEN": DEMO_REFRESH_TOKEN}
        shell = Shell(tmp_path, server.base_url, seed)
        for _ in range(3):
            assert shell.run("whoami").returncode == 0
            passed += timedelta(hours=9)
        seen = server.authority.refreshes
        assert [refresh.outcome for refresh in seen] == [RefreshOutcome.ROTATED] * 3
        assert len({refresh.token_sha256 for refresh in seen}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.3, 0.6, 0.9])
def test_a_kill_around_a_refresh_loses_nothing(tmp_path: Path, after_s: float) -> None:
    """Q29: kill -9 before, within and after a refresh whose response takes half a second; the next run goes on."""
    slow = FaultPlan((Rule(SlowBody(pieces=4, pause_s=0.125), Where(path="/oauth2/v3/token")),))
    conditions = Conditions(oauth=OAuthSetup(static_token_s=0), faults=slow)
    with serve(calm_world(utc_now().date()), conditions=conditions) as server:
        seed = {"WATTLOG_ACCESS_TOKEN": DEMO_TOKEN, "WATTLOG_REFRESH_TOKEN": DEMO_REFRESH_TOKEN}
        shell = Shell(tmp_path, server.base_url, seed)
        with shell.start("whoami") as process:
            while not server.requests and process.poll() is None:
                time.sleep(0.01)
            time.sleep(after_s)
            process.kill()
        assert shell.run("whoami").returncode == 0
        assert outcomes(server) == [RefreshOutcome.ROTATED]
        assert re.fullmatch(r"seed-[0-9a-f]{16}\.json", shell.token_files()[0].name)
        shell.assert_no_secret_leaked()
