"""`wattlog account` and `wattlog account test`, from the command line to the simulator and back."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import (
    DEMO_TOKEN,
    CarState,
    Conditions,
    FaultPlan,
    Rule,
    SimulatorServer,
    Vehicle,
    Where,
    World,
    demo_world,
    serve,
)
from extract.simulator.faults.plan import MISSING_SCOPES, SUBSCRIPTION_REQUIRED, UNAVAILABLE
from extract.simulator.worlds.world import Metadata
from tests.shell import run_here
from wattlog.providers import TESLEMETRY, VEHICLE_SCOPE

CARS = (
    Vehicle(1, "5YJSIM00000000001", "Comet", state=CarState.ONLINE, number_of_keys=3, is_covered=True),
    Vehicle(2, "5YJSIM00000000002", "Meteor", access_type=None, has_key=False, number_of_keys=None),
)
DEMO = demo_world(date(2026, 7, 20))
FIRST, SECOND = (site.site_id for site in DEMO.sites)
PAID = Metadata(
    subscription={"cycle": "monthly", "start": "2026-01-01", "end": None}, uncovered_sites=frozenset({SECOND})
)


def world(metadata: Metadata = PAID, *, vehicles: tuple[Vehicle, ...] = CARS, scopes: tuple[str, ...] = ()) -> World:
    return replace(DEMO, vehicles=vehicles, metadata=metadata, scopes=(*DEMO.scopes, *scopes))


def run(
    directory: Path, served: World, *arguments: str, provider: str = "teslemetry", faults: Sequence[Rule] = ()
) -> tuple[subprocess.CompletedProcess[str], SimulatorServer]:
    with serve(served, conditions=Conditions(faults=FaultPlan(tuple(faults)))) as server:
        environment = {
            "WATTLOG_PROVIDER": provider,
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
        }
        return run_here(["account", *arguments], directory, environment), server


def items(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], tuple[Any, str]]:
    found = json.loads(done.stdout)["items"]
    return {(item["subject"], item["name"]): (item["value"], item["source"]) for item in found}


def test_an_account_is_shown_each_fact_with_its_source(tmp_path: Path) -> None:
    """Q142, Q146."""
    done, server = run(tmp_path, world(scopes=(VEHICLE_SCOPE,)), "--json")
    assert done.returncode == 0, done.stderr
    found = items(done)
    site = str(FIRST)
    assert [found[site, name] for name in ("grid", "battery", "solar", "wall connectors")] == [
        (True, "products"),
        (True, "products"),
        (True, "products"),
        (2, "products"),
    ]
    assert (found[site, "in the subscription"], found[str(SECOND), "in the subscription"]) == (
        (True, "metadata"),
        (False, "metadata"),
    )
    comet, meteor = "vin-000001", "vin-000002"
    assert found[comet, "access type"] == ("OWNER", "products")
    assert found[meteor, "access type"] == (None, "products, metadata")
    assert (found[comet, "virtual key"], found[meteor, "virtual key"]) == (
        (True, "fleet_status"),
        (False, "fleet_status"),
    )
    assert (found[comet, "keys"][0], found[meteor, "keys"][0]) == (3, None)
    assert found[comet, "firmware"] == (CARS[0].firmware_version, "fleet_status")
    assert found[comet, "state"] == ("online", "products")
    assert found["account", "region"] == ("na", "metadata")
    assert found["account", "scope energy_device_data"] == ("granted", "metadata")
    assert found["account", "scope energy_cmds"][0].startswith("missing; needed for `wattlog set`")
    assert (found["account", "subscription cycle"], found["account", "subscription end"]) == (
        ("monthly", "metadata"),
        (None, "metadata"),
    )
    assert found["account", "sites in the subscription"] == ("1 of 2", "metadata")
    only = json.loads(done.stdout)["only_in_web_console"]
    assert only["address"] == TESLEMETRY.account_page
    assert {"Command Credits", "Last Topup", "Connected Apps", "Access Tokens", "Delete"} <= set(only["items"])
    assert [request.path for request in server.requests][-1] == "/api/1/vehicles/fleet_status"


def test_vins_are_shortened_and_nothing_is_stored(tmp_path: Path) -> None:
    """On a terminal as in JSON, and in no file."""
    for arguments in ([], ["--json"], ["test"]):
        done, _ = run(tmp_path, world(scopes=(VEHICLE_SCOPE,)), *arguments)
        assert done.returncode == 0, done.stderr
        assert "5YJSIM" not in done.stdout + done.stderr
    stored = [path for path in tmp_path.rglob("*") if path.is_file() and b"5YJSIM" in path.read_bytes()]
    assert stored == []
    assert not (tmp_path / "data" / "raw").exists()
    shown = run(tmp_path, world())[0].stdout
    assert "Only the web console has these" in shown
    assert "https://teslemetry.com/console" in " ".join(shown.split())


@pytest.mark.parametrize(
    "metadata",
    [Metadata(is_null=True), Metadata(), Metadata(unlisted_sites=frozenset({FIRST, SECOND}))],
    ids=["nulls", "no subscription", "sites outside it"],
)
def test_what_is_not_reported_is_no_failure(tmp_path: Path, metadata: Metadata) -> None:
    """Q141, Q146."""
    done, _ = run(tmp_path, world(metadata), "--json")
    assert done.returncode == 0, done.stderr
    found = items(done)
    assert found["account", "subscription cycle"] == (None, "metadata")
    assert found[str(FIRST), "in the subscription"][0] is (metadata == Metadata())
    assert found[str(FIRST), "battery"] == (True, "products")
    assert "fleet_status gave status 403" in done.stderr, "the token has no scope for vehicles"
    assert run(tmp_path, world(metadata))[0].returncode == 0


def test_another_provider_has_no_subscription_to_show(tmp_path: Path) -> None:
    done, _ = run(tmp_path, world(vehicles=()), "--json", provider="simulator")
    found = items(done)
    assert (done.returncode, found["account", "region"]) == (0, ("na", "region"))
    assert not [name for _, name in found if "subscription" in name]


def test_a_payment_that_is_missing_is_exit_code_4(tmp_path: Path) -> None:
    """Q145: what metadata says is shown all the same."""
    unpaid = Rule(SUBSCRIPTION_REQUIRED, Where(path="/products"))
    done, _ = run(tmp_path, world(), "--json", faults=[unpaid])
    assert (done.returncode, items(done)["account", "region"]) == (4, ("na", "metadata"))
    assert "subscription" in done.stderr


def test_checks_are_made_and_timed(tmp_path: Path) -> None:
    """Q143; a site that the subscription does not cover is not called (Q146)."""
    done, server = run(tmp_path, world(), "test", "--json")
    assert done.returncode == 0, done.stderr
    rows = [(row["check"], row["site_id"], row["result"], row["status"]) for row in json.loads(done.stdout)]
    assert rows == [
        ("token", None, "ok", 200),
        ("products", None, "ok", 200),
        ("site_info", FIRST, "ok", 200),
        ("live_status", FIRST, "ok", 200),
        ("site_info", SECOND, "not covered", None),
        ("live_status", SECOND, "not covered", None),
    ]
    assert all(row["elapsed_ms"] > 0 for row in json.loads(done.stdout)[:4])
    assert "/api/test" in [request.path for request in server.requests]
    assert not [request for request in server.requests if str(SECOND) in request.path]


@pytest.mark.parametrize(("fault", "code"), [(SUBSCRIPTION_REQUIRED, 4), (UNAVAILABLE, 1)])
def test_a_check_that_fails_has_the_exit_code_of_its_error(tmp_path: Path, fault: Any, code: int) -> None:
    """The other checks are made all the same."""
    done, _ = run(tmp_path, world(), "test", "--json", faults=[Rule(fault, Where(path=f"/{FIRST}/site_info"))])
    rows = {(row["check"], row["site_id"]): row for row in json.loads(done.stdout)}
    assert done.returncode == code
    assert rows["site_info", FIRST]["result"] == "failed"
    assert rows["site_info", FIRST]["reason"]
    assert rows["live_status", FIRST]["result"] == "ok"


def test_sites_are_checked_where_the_subscription_cannot_be_read(tmp_path: Path) -> None:
    """A refusal of metadata is reported, and does not say that sites are not covered."""
    done, _ = run(tmp_path, world(), "test", "--json", faults=[Rule(MISSING_SCOPES, Where(path="/api/metadata"))])
    rows = {(row["check"], row["site_id"]): row["result"] for row in json.loads(done.stdout)}
    assert (done.returncode, rows["metadata", None]) == (4, "failed")
    assert (rows["token", None], rows["site_info", FIRST], rows["live_status", SECOND]) == ("ok", "ok", "ok")
    shown, _ = run(tmp_path, world(), "--json", faults=[Rule(MISSING_SCOPES, Where(path="/api/metadata"))])
    assert (shown.returncode, items(shown)[str(FIRST), "in the subscription"]) == (4, (None, "metadata"))


def test_without_a_login_both_say_how_to_get_one(tmp_path: Path) -> None:
    environment = {"WATTLOG_PROVIDER": "teslemetry", "WATTLOG_CONFIG_DIR": str(tmp_path / "config")}
    for arguments in (["account"], ["account", "test"]):
        done = run_here(arguments, tmp_path, environment)
        assert (done.returncode, "wattlog login" in done.stderr) == (3, True)


def test_an_option_before_the_command_of_the_group_is_refused(tmp_path: Path) -> None:
    """It would have no effect."""
    done = run_here(["account", "--json", "test"], tmp_path, {})
    assert (done.returncode, "after `test`" in done.stderr) == (2, True)
