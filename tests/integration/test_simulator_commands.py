"""Commands over HTTP at the simulator: the scope that they need, faults, and another client that sends the same bodies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tesla_fleet_api import TeslaFleetApi

from extract.simulator import Conditions, Fault, FaultPlan, Rule, SimulatorServer, SiteSpec, Where, World, serve
from extract.simulator.faults.plan import (
    MISSING_SCOPES,
    SUBSCRIPTION_REQUIRED,
    ConnectionReset,
    ErrorResponse,
    too_many_requests,
)
from tests.third_party_clients import with_fleet
from wattlog.commands.settings import SETTINGS, Setting
from wattlog.providers import COMMAND_SCOPE

NOW = datetime(2025, 11, 20, 20, 0, tzinfo=UTC)
SITE = 1_000_000_001
WORLD = World((SiteSpec(site_id=SITE),))
COMMANDED = replace(WORLD, scopes=(*WORLD.scopes, COMMAND_SCOPE))

UNREACHABLE = ErrorResponse(502, "energy_gateway_unreachable")


def served(world: World, *faults: Fault) -> SimulatorServer:
    """A server whose first POST of a reserve has a fault."""
    rules = tuple(Rule(fault, Where(path=f"/{SITE}/backup"), last=1) for fault in faults)
    return serve(replace(world), clock=lambda: NOW, conditions=Conditions(faults=FaultPlan(rules)))


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with served(COMMANDED) as made:
        yield made


def post(server: SimulatorServer, endpoint: str = "backup", body: object = None) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/api/1/energy_sites/{SITE}/{endpoint}",
        json={"backup_reserve_percent": 40} if body is None else body,
        headers={"Authorization": f"Bearer {server.world.access_token}"},
    )


def reserve(server: SimulatorServer) -> object:
    return server.world.truth(SITE).spec.as_of(int(NOW.timestamp())).backup_reserve_pct


def test_a_command_needs_its_scope() -> None:
    """Q63; a login may ask for the scope."""
    with served(WORLD) as server:
        response = post(server)
        assert (response.status_code, response.json()["error"]) == (403, "Unauthorized missing scopes")
        assert reserve(server) == 20
    assert COMMAND_SCOPE in WORLD.offered_scopes


def test_a_command_changes_the_truth_and_is_recorded(server: SimulatorServer) -> None:
    assert post(server).json() == {"response": {"Message": "Backup reserve updated", "Code": 200}}
    assert reserve(server) == 40
    assert (server.requests[-1].method, json.loads(server.requests[-1].body)) == (
        "POST",
        {"backup_reserve_percent": 40},
    )


@pytest.mark.parametrize("endpoint", ["site_info", "command", "calendar_history"])
def test_other_paths_cannot_be_posted_to(server: SimulatorServer, endpoint: str) -> None:
    assert post(server, endpoint).status_code == 404


@pytest.mark.parametrize(
    "fault", [MISSING_SCOPES, SUBSCRIPTION_REQUIRED, too_many_requests(1), UNREACHABLE], ids=lambda fault: fault.status
)
def test_a_command_that_meets_an_error_changes_nothing(fault: ErrorResponse) -> None:
    with served(COMMANDED, fault) as server:
        assert post(server).status_code == fault.status
        assert reserve(server) == 20
        assert post(server).status_code == 200


def test_the_answer_can_be_lost_after_the_change() -> None:
    with served(COMMANDED, ConnectionReset(share=0)) as server:
        with pytest.raises(httpx.TransportError):
            post(server)
        assert reserve(server) == 40


TARIFF = {"version": 1, "code": "A", "name": "A", "utility": "U", "currency": "EUR"}

CALLS: dict[Setting, tuple[str, Any]] = {
    Setting.RESERVE: ("40", lambda site: site.backup(40)),
    Setting.MODE: ("time-based", lambda site: site.operation("autonomous")),
    Setting.STORM_WATCH: ("off", lambda site: site.storm_mode(False)),
    Setting.EXPORT: ("solar", lambda site: site.grid_import_export(customer_preferred_export_rule="pv_only")),
    Setting.GRID_CHARGING: (
        "off",
        lambda site: site.grid_import_export(disallow_charge_from_grid_with_solar_installed=True),
    ),
    Setting.OFF_GRID_RESERVE: ("30", lambda site: site.off_grid_vehicle_charging_reserve(30)),
    Setting.TARIFF: ("", lambda site: site.time_of_use_settings(TARIFF)),
}


def test_the_bodies_of_another_client_are_ours(server: SimulatorServer) -> None:
    """Q45: tesla-fleet-api posts to the same paths with the same bodies."""

    async def send_all(fleet: TeslaFleetApi) -> None:
        site = fleet.energySites.create(SITE)
        for _, call in CALLS.values():
            await call(site)

    with_fleet(server, send_all)
    sent = [request for request in server.requests if request.method == "POST"]
    for name, request in zip(CALLS, sent, strict=True):
        spec, text = SETTINGS[name], CALLS[name][0]
        assert request.path == spec.path(SITE)
        value = TARIFF if name is Setting.TARIFF else spec.values.parse(text)
        assert json.loads(request.body) == spec.body(value), name
        assert request.status == 200
