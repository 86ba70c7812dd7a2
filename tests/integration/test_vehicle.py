"""`wattlog vehicle` on the simulator: the list, a status, the ten commands by each route, waking, and errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from extract.simulator import (
    DEMO_TOKEN,
    CarBehaviour,
    CarState,
    Conditions,
    Plug,
    Signing,
    SimulatorServer,
    SiteSpec,
    Vehicle,
    World,
    serve,
)
from extract.simulator.endpoints.app import PROXY_PATH
from tests.set_shell import Shell
from wattlog.providers import VEHICLE_SCOPES

VIN, OTHER = "TESTVIN0000000001", "TESTVIN0000000002"
SITE = SiteSpec(site_id=77, installed_at=datetime(2026, 1, 10, 20, tzinfo=UTC), wall_connectors=1, outages_per_year=0)
UNSIGNED = Vehicle(1, VIN, "Comet", state=CarState.ONLINE, signing=Signing.OFF, plug=Plug(77))
SIGNED = replace(UNSIGNED, signing=Signing.REQUIRED)
SCOPES = ("openid", "energy_device_data", *VEHICLE_SCOPES)

COMMANDS = (
    ("charge-port", "close"),
    ("charge-port", "open"),
    ("amps", "10"),
    ("charge", "start"),
    ("charge", "stop"),
    ("limit", "75"),
    ("limit", "standard"),
    ("limit", "max"),
    ("schedule-charging", "23:30"),
    ("schedule-departure", "07:30", "--precondition", "--off-peak", "--off-peak-end", "06:00"),
)


@contextmanager
def cars(
    directory: Path, *vehicles: Vehicle, route: str = "direct", behaviour: CarBehaviour | None = None, **of_world: Any
) -> Iterator[Shell]:
    behaviour = behaviour or CarBehaviour(is_teslemetry=route == "teslemetry")
    world = World((SITE,), vehicles=vehicles or (UNSIGNED,), **{"scopes": SCOPES, **of_world})
    with serve(world, conditions=Conditions(cars=behaviour)) as server:
        shell = Shell(directory, server)
        more = {"WATTLOG_VEHICLE_COMMAND_URL": server.base_url + PROXY_PATH} if route == "proxy" else {}
        provider = {"WATTLOG_PROVIDER": "teslemetry"} if route == "teslemetry" else {}
        shell.environment = {**shell.environment, **more, **provider}
        yield shell


def sent(shell: Shell, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = shell.run("vehicle", *arguments, "--yes", "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def paths(server: SimulatorServer) -> list[str]:
    return [made.path for made in server.requests if made.method == "POST" and "/command/" in made.path]


@pytest.mark.slow
@pytest.mark.parametrize(("route", "car"), [("direct", UNSIGNED), ("proxy", SIGNED), ("teslemetry", SIGNED)])
def test_the_ten_commands_are_done_by_each_route(tmp_path: Path, route: str, car: Vehicle) -> None:
    """Q75 to Q89: a proxy gets commands alone."""
    with cars(tmp_path, car, route=route) as shell:
        for arguments in COMMANDS:
            code, row = sent(shell, *arguments)
            assert (code, row["outcome"], row["route"], row["vehicle"]) == (0, "done", route, "vin-000001"), row
            if arguments[0] != "charge":
                wanted = {"standard": "80", "max": "100", "close": "closed"}.get(arguments[1], arguments[1])
                assert row["value_after"] == wanted
        proxied = [path for path in (made.path for made in shell.server.requests) if path.startswith(PROXY_PATH)]
        assert len(paths(shell.server)) == len(COMMANDS)
        assert len(proxied) == (len(COMMANDS) if route == "proxy" else 0)
        assert shell.run("rebuild").returncode == 0
        counted = json.loads(
            shell.run("sql", "select outcome, count(*) n from main.commands group by 1", "--format", "json").stdout
        )
        assert counted == [{"outcome": "done", "n": len(COMMANDS)}]


def test_the_list_says_what_is_known_of_each_car(tmp_path: Path) -> None:
    """Q99 to Q101: a car that sleeps is not read."""
    asleep = Vehicle(2, OTHER, "Meteor", "DRIVER", has_key=False, number_of_keys=None)
    with cars(tmp_path, UNSIGNED, asleep) as shell:
        listed = json.loads(shell.run("vehicle", "list", "--json").stdout)
        assert [made.path for made in shell.server.requests if made.path.endswith("vehicle_data")] == [
            f"/api/1/vehicles/{VIN}/vehicle_data"
        ]
        printed = shell.run("vehicle", "list").stdout
    first, second = listed
    assert (first["vehicle"], first["name"], first["access"], first["state"]) == (
        "vin-000001",
        "Comet",
        "OWNER",
        "online",
    )
    assert (first["battery_level_pct"], first["charge_limit_pct"], first["charging_state"]) == (40, 80, "Stopped")
    assert (second["access"], second["has_key"], second["number_of_keys"], second["firmware"]) == (
        *("DRIVER", False, None, "2025.44.25"),
    )
    assert second["battery_level_pct"] is None
    assert "Meteor" in printed
    assert VIN not in printed


def test_a_car_is_chosen_by_vin_short_form_or_name(tmp_path: Path) -> None:
    with cars(tmp_path, UNSIGNED, replace(UNSIGNED, vehicle_id=2, vin=OTHER, display_name="Meteor")) as shell:
        for name in ("meteor", OTHER, "vin-000002", "000002"):
            assert json.loads(shell.run("vehicle", "status", name, "--json").stdout)["vehicle"] == "vin-000002"
        several = shell.run("vehicle", "amps", "10", "--yes")
        unknown = shell.run("vehicle", "status", "Planet")
    assert (several.returncode, unknown.returncode) == (2, 2)
    assert "vin-000001 Comet, vin-000002 Meteor" in several.stderr
    assert "no car is called 'Planet'" in unknown.stderr


def test_cars_whose_vins_end_alike_are_named_and_chosen_apart(tmp_path: Path) -> None:
    """The end that both have is no name of either."""
    other = replace(UNSIGNED, vehicle_id=2, vin=VIN.replace("VIN", "VIX"), display_name="Meteor", plug=None)
    with cars(tmp_path, UNSIGNED, other) as shell:
        listed = json.loads(shell.run("vehicle", "list", "--json").stdout)
        names = {row["name"]: row["vehicle"] for row in listed}
        assert names == {"Comet": "vin-000001-b43e", "Meteor": "vin-000001-a234"}
        code, row = sent(shell, "limit", "75", "--car", names["Meteor"])
        assert (code, row["vehicle"]) == (0, names["Meteor"])
        assert [path.split("/")[4] for path in paths(shell.server)] == [other.vin]
        for shared in ("000001", "vin-000001"):
            code, row = sent(shell, "limit", "75", "--car", shared)
            assert code == 2
            assert "vin-000001-b43e Comet, vin-000001-a234 Meteor" in row["error"]


def test_a_dry_run_sends_nothing_and_says_what_it_costs(tmp_path: Path) -> None:
    with cars(tmp_path, SIGNED, route="teslemetry") as shell:
        done = shell.run("vehicle", "limit", "75", "--dry-run")
        unasked = shell.run("vehicle", "limit", "75")
        assert paths(shell.server) == []
    assert done.returncode == 0
    assert "1 command, 1 reading: 3 credits" in done.stdout
    assert '{"percent":75}' in done.stdout
    assert (unasked.returncode, VIN in done.stdout) == (2, False)


def test_what_is_so_already_is_not_sent(tmp_path: Path) -> None:
    with cars(tmp_path) as shell:
        done = shell.run("vehicle", "limit", "80", "--yes")
        assert paths(shell.server) == []
    assert (done.returncode, "already; nothing is sent" in done.stderr) == (0, True)


def test_a_car_that_sleeps_is_woken_only_on_demand(tmp_path: Path) -> None:
    """Q93: one wake, some looks, one command."""
    with cars(tmp_path, replace(UNSIGNED, state=CarState.ASLEEP)) as shell:
        left = shell.run("vehicle", "charge", "start", "--yes")
        assert [made for made in shell.server.requests if made.path.endswith(("wake_up", "charge_start"))] == []
        code, row = sent(shell, "charge", "start", "--wake")
        woken = [made.path.rsplit("/", 1)[-1] for made in shell.server.requests if made.method == "POST"]
    assert (left.returncode, "--wake wakes it" in left.stderr) == (1, True)
    assert (code, row["outcome"], row["value_before"], row["value_after"]) == (0, "done", None, "Charging")
    assert woken == ["fleet_status", "fleet_status", "wake_up", "charge_start"]


def test_a_car_that_does_not_wake_gets_no_command(tmp_path: Path) -> None:
    never = replace(UNSIGNED, state=CarState.OFFLINE, wakes_after_polls=None)
    with cars(tmp_path, never) as shell:
        done = shell.run("vehicle", "charge", "start", "--wake", "--yes")
        assert paths(shell.server) == []
        assert shell.run("rebuild").returncode == 0
        query = "select outcome, attempts, may_have_succeeded, value_after from main.commands"
        rows = json.loads(shell.run("sql", query, "--format", "json").stdout)
        assert shell.run("verify").returncode == 0
    assert rows == [{"outcome": "retry_later", "attempts": 0, "may_have_succeeded": False, "value_after": None}]
    assert (done.returncode, "did not wake; the command was not sent" in done.stderr) == (1, True)


def test_a_car_of_today_needs_a_route(tmp_path: Path) -> None:
    """Q86: the two routes in one line, before anything is sent; nothing of it is stored."""
    with cars(tmp_path, SIGNED) as shell:
        done = shell.run("vehicle", "charge", "start", "--yes")
        assert paths(shell.server) == []
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "WATTLOG_PROVIDER=teslemetry" in done.stderr
    assert "WATTLOG_VEHICLE_COMMAND_URL" in done.stderr


@pytest.mark.parametrize(
    ("behaviour", "car", "code", "words"),
    [
        (CarBehaviour(reason="car_wash"), UNSIGNED, 1, "refused: the car is in car wash mode (car_wash)"),
        (CarBehaviour(reason="could_not_wake_buses"), UNSIGNED, 1, "retry_later: the car has just been woken"),
        (
            CarBehaviour(),
            replace(UNSIGNED, signing=Signing.ALLOWED, plug=None),
            1,
            "retry_later: no cable is plugged in",
        ),
        (CarBehaviour(answers={"answer": 42}), UNSIGNED, 7, "the car may have carried it out"),
        (
            CarBehaviour(is_teslemetry=True),
            replace(SIGNED, has_key=False),
            4,
            "needs_owner: the application's virtual key",
        ),
    ],
)
def test_other_outcomes_have_their_words_and_codes(
    tmp_path: Path, behaviour: CarBehaviour, car: Vehicle, code: int, words: str
) -> None:
    route = "teslemetry" if behaviour.is_teslemetry else "direct"
    with cars(tmp_path, car, route=route, behaviour=behaviour) as shell:
        done = shell.run("vehicle", "charge", "start", "--yes")
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_a_token_without_scopes_needs_another_login(tmp_path: Path) -> None:
    with cars(tmp_path, scopes=("openid", "energy_device_data")) as shell:
        done = shell.run("vehicle", "charge", "start", "--yes")
    assert (done.returncode, "wattlog login --vehicles" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("limit", "lots"),
        ("charge", "go"),
        ("schedule-charging", "25:00"),
        ("schedule-departure", "07:30", "--precondition"),
        ("schedule-departure", "07:30", "--precondition", "--off-peak"),
        ("schedule-departure", "off", "--precondition"),
    ],
)
def test_a_value_that_is_none_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Q79: every option of a departure is said."""
    with cars(tmp_path) as shell:
        done = shell.run("vehicle", *arguments, "--yes")
        assert shell.server.requests == []
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_plan_counts_the_requests_about_cars(tmp_path: Path) -> None:
    """Named, or with the setting: what is counted is what is certain."""
    with cars(tmp_path) as shell:
        named = json.loads(
            shell.run("plan", "--series", "vehicle_charging", "--series", "vehicle_state", "--json").stdout
        )
        shell.environment = {**shell.environment, "WATTLOG_VEHICLES": "true"}
        whole = json.loads(shell.run("plan", "--json").stdout)
    for found in (named, whole):
        text = json.dumps(found)
        assert text.count("vehicle_charging") == text.count("vehicle_state") == 1


class Keyboard(StringIO):
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "sent"), [("y\n", 0, 1), ("n\n", 1, 0)])
def test_on_a_terminal_the_command_is_shown_and_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, sent: int
) -> None:
    monkeypatch.setattr("tests.shell.StringIO", Keyboard)
    with cars(tmp_path) as here:
        done = here.run("vehicle", "limit", "75", typed=answer)
        assert (done.returncode, len(paths(here.server))) == (code, sent), done.stderr
        assert "Send it?" in done.stderr
        assert ("nothing is sent" in done.stderr) == (not sent)


def test_a_car_that_changed_during_a_long_question_is_asked_about_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone sets another limit meanwhile; any answer counts as slow here."""
    monkeypatch.setattr("flows.car_commands.LOOK_AGAIN_AFTER", timedelta(seconds=-1))
    with cars(tmp_path) as here:

        class Slow(Keyboard):
            def readline(self, size: int | None = -1) -> str:  # type: ignore[override]  # its two base classes differ
                if not paths(here.server):
                    address = f"{here.server.base_url}/api/1/vehicles/{VIN}/command/set_charge_limit"
                    httpx.post(address, json={"percent": 90}, headers={"Authorization": f"Bearer {DEMO_TOKEN}"})
                return super().readline()

        monkeypatch.setattr("tests.shell.StringIO", Slow)
        done = here.run("vehicle", "limit", "75", typed="y\ny\n")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("has changed while the question waited") == 1
        assert done.stderr.count("Send it?") == 2
        assert len(paths(here.server)) == 2
