"""Every command with planted secrets, in order and in trouble: nothing that it prints, writes or sends holds one of them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from extract.simulator import Conditions, FaultPlan, Rule, SimulatorServer, Where, serve
from extract.simulator.faults.plan import ErrorResponse, Fault, HtmlResponse, TruncatedBody
from flows.cli.app import COMMANDS, GROUPS, name_of
from tests.integration.test_login import Shell
from tests.integration.test_planted_secrets import leaked
from tests.integration.test_sync import Watchdog, watchdog
from tests.new_site import new_site_world
from tests.patience import PATIENCE_S
from tests.torture.damages import GARBAGE

ACCESS, REFRESH, CLIENT, PING = (f"planted-{what}-5f0d2c77" for what in ("access", "refresh", "client", "ping"))
SECRETS = {
    "WATTLOG_ACCESS_TOKEN": ACCESS,
    "WATTLOG_REFRESH_TOKEN": REFRESH,
    "WATTLOG_CLIENT_SECRET": CLIENT,
}

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "backfill": ("--max-requests", "8"),
    "sql": ("select * from requests",),
    "export": ("requests", "--out", "requests.csv"),
    "tariff validate": ("tariff.json",),
    "tariff import": ("tariff.json",),
    "tariff show": (),
    "prices import": ("prices.csv",),
    "import": ("prices.csv", "--site", "1"),
    "sync": ("--max-requests", "8"),
}
"""What a command needs, or what makes it quick."""

ELSEWHERE = frozenset({"demo", "simulate", "login", "dashboard", "mcp"})
"""They serve the simulator with its own token, wait for a browser (`test_login`), or serve until they are stopped."""


def commands() -> list[str]:
    """Every command of the command line, in an order in which each finds something."""
    names = [name_of(command) for command in COMMANDS]
    names += [f"{group} {name}" for group, (_, members) in GROUPS.items() for name in members]
    last = ("rebuild", "logout")
    return [name for name in names if name not in {*ELSEWHERE, *last}] + list(last)


@pytest.fixture
def watched() -> Iterator[Watchdog]:
    with watchdog() as made:
        yield made


def served(*faults: Rule) -> SimulatorServer:
    world = replace(new_site_world(1), access_token=ACCESS)
    return serve(world, conditions=Conditions(faults=FaultPlan(faults)))


def shell_for(server: SimulatorServer, tmp_path: Path, watched: Watchdog) -> Shell:
    for name in ("tariff.json", "prices.csv"):
        (tmp_path / name).write_text("{}")
    return Shell(tmp_path, server.base_url, SECRETS | {"WATTLOG_HEALTHCHECK_URL": f"{watched.url}/{PING}"})


def assert_nothing_leaked(shell: Shell, watched: Watchdog) -> None:
    pings = [("", body) for _, body in watched.pings]
    assert leaked(shell, ACCESS, REFRESH, CLIENT, PING, pings=pings) == []


@pytest.mark.slow
def test_no_command_shows_stores_or_sends_a_secret(tmp_path: Path, watched: Watchdog) -> None:
    """At level debug, one after another in one directory; some end with an error, and must not show it there either."""
    with served() as server:
        shell = shell_for(server, tmp_path, watched)
        for command in commands():
            shell.run(*command.split(), *ARGUMENTS.get(command, ()))
    assert len(shell.printed) == 2 * len(commands())
    assert any("run_id" in text or "requests" in text for text in shell.printed)
    assert watched.pings
    assert_nothing_leaked(shell, watched)


@pytest.mark.slow
def test_what_is_served_holds_no_secret(tmp_path: Path, watched: Watchdog) -> None:
    """Neither pages nor answers, nor a query for variables of the environment; nor what an assistant's server prints."""
    with served() as server:
        shell = shell_for(server, tmp_path, watched)
        assert shell.run("sync", "--max-requests", "8").returncode == 0
        with shell.start("dashboard", "--port", "0", "--json") as process:
            assert process.stdout is not None
            url = json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
            answers = [httpx.get(f"{url}{path}") for path in ("", "api/overview?site=all", "api/fleet")]
            queries = ("select * from requests", "select getenv('WATTLOG_ACCESS_TOKEN')")
            answers += [httpx.post(f"{url}api/sql", json={"sql": query}, headers={"origin": url}) for query in queries]
            process.terminate()
            printed = process.communicate(timeout=PATIENCE_S)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400]
        shell.printed += [*printed, *(answer.text + str(answer.headers) for answer in answers)]
        assert shell.run_alone("mcp").returncode == 0
    assert_nothing_leaked(shell, watched)


FAULTS: dict[str, Fault] = {
    "unauthorized": ErrorResponse(401, "planted"),
    "payment required": ErrorResponse(402, "planted"),
    "forbidden": ErrorResponse(403, "planted"),
    "gone": ErrorResponse(410, "planted"),
    "bad request": ErrorResponse(400, "planted"),
    "HTML": HtmlResponse(),
    "cut": TruncatedBody(is_length_whole=False),
}

LONG = ("gone", "bad request", "forbidden", "cut")
"""They show what others show already. A failure of the products list is repeated for half a minute, so these are long, too."""

PLACES = ("calendar_history", "products")
CASES = [
    pytest.param(
        fault,
        place,
        id=f"{name} {place}",
        marks=[pytest.mark.exhaustive] if name in LONG or place in PLACES[1:] else [],
    )
    for name, fault in FAULTS.items()
    for place in PLACES
]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "place"), CASES)
def test_no_failure_of_the_server_shows_a_secret(fault: Fault, place: str, tmp_path: Path, watched: Watchdog) -> None:
    with served(Rule(fault, Where(path=place))) as server:
        shell = shell_for(server, tmp_path, watched)
        for command in ("sync", "backfill", "sites"):
            shell.run(command, *(("--max-requests", "4") if command != "sites" else ()))
    assert_nothing_leaked(shell, watched)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "raw/runs.ndjson",
        "raw",
        *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("warehouse.duckdb", ".lock", "lake")),
    ],
)
def test_no_damage_of_the_data_directory_shows_a_secret(name: str, tmp_path: Path, watched: Watchdog) -> None:
    """A file with garbage, or a file where a directory belongs."""
    with served() as server:
        shell = shell_for(server, tmp_path, watched)
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(GARBAGE)
        for command in ("backfill", "verify", "sites"):
            shell.run(command, *ARGUMENTS.get(command, ()))
    assert_nothing_leaked(shell, watched)


@pytest.mark.slow
def test_no_worker_process_shows_a_secret(tmp_path: Path, watched: Watchdog) -> None:
    """The tokens reach the workers of a Dask cluster, and no log or file of theirs."""
    with served() as server:
        shell = shell_for(server, tmp_path, watched)
        done = shell.run_alone("backfill", "--executor", "dask", "--max-requests", "20")
    assert done.returncode == 0, done.stderr
    assert_nothing_leaked(shell, watched)
