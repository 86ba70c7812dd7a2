"""The cars of the simulator over HTTP, used by two third-party clients: tesla-fleet-api and TeslaPy."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from requests import HTTPError
from tesla_fleet_api import TeslaFleetApi, exceptions

from extract.simulator import CarState, Plug, PublicSession, Signing, SimulatorServer, SiteSpec, Vehicle, World, serve
from tests.third_party_clients import open_teslapy, with_fleet
from wattlog.commands import cars
from wattlog.commands.cars import Departure
from wattlog.providers import VEHICLE_SCOPES

NOW = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
VIN = "TESTVIN0000000001"
SITE = SiteSpec(installed_at=datetime(2026, 1, 5, 20, 0, tzinfo=UTC), wall_connectors=1)
CAR = Vehicle(1, VIN, "Comet", state=CarState.ASLEEP, signing=Signing.OFF, plug=Plug(SITE.site_id))
SESSIONS = (PublicSession(7, VIN, "Exampletown", NOW, NOW),)
WORLD = World(
    (SITE,), vehicles=(CAR,), public_sessions=SESSIONS, scopes=("openid", "energy_device_data", *VEHICLE_SCOPES)
)


OURS = (
    cars.charge_port(is_open=True),
    cars.limit("70"),
    cars.amps(10),
    cars.charge(is_start=True),
    cars.charge(is_start=False),
    cars.limit("standard"),
    cars.limit("max"),
    cars.schedule_charging("23:30"),
    cars.schedule_departure(Departure(540, True, False, False, False, 0)),
    cars.charge_port(is_open=False),
)
"""The same commands as wattlog sends them."""


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with serve(replace(WORLD), clock=lambda: NOW) as made:
        yield made


def test_tesla_fleet_api_wakes_a_car_and_sends_all_ten_commands(server: SimulatorServer) -> None:
    """Q75 to Q81, Q93, Q99 to Q101, Q113: the paths and bodies of a client that is not ours."""

    async def work(api: TeslaFleetApi) -> list[Any]:
        car: Any = api.vehicles.createFleet(VIN)
        await car.wake_up()
        states = [(await car.vehicle())["response"]["state"] for _ in range(3)]
        answers = [
            await command
            for command in (
                car.charge_port_door_open(),
                car.set_charge_limit(70),
                car.set_charging_amps(10),
                car.charge_start(),
                car.charge_stop(),
                car.charge_standard(),
                car.charge_max_range(),
                car.set_scheduled_charging(True, 1410),
                car.set_scheduled_departure(True, departure_time=540, preconditioning_enabled=True),
                car.charge_port_door_close(),
            )
        ]
        assert all(answer["response"] == {"result": True, "reason": ""} for answer in answers)
        data = await car.vehicle_data(["charge_state"])
        history = await api.charging.history()
        return [states, data["response"]["charge_state"], history["data"][0]["sessionId"]]

    states, shown, session_id = with_fleet(server, work)
    sent = [
        (made.path.rsplit("/", 1)[-1], json.loads(made.body or "{}"))
        for made in server.requests
        if "/command/" in made.path
    ]
    assert sent == [(ours.endpoint, ours.body) for ours in OURS]
    assert states == ["asleep", "asleep", "online"]
    assert (shown["charge_limit_soc"], shown["charge_amps"], shown["scheduled_departure_time_minutes"]) == (
        100,
        10,
        540,
    )
    assert (shown["scheduled_charging_mode"], shown["charging_state"], session_id) == ("DepartBy", "Stopped", 7)


def test_teslapy_reads_and_charges_a_car(server: SimulatorServer) -> None:
    """Q82, Q93, Q99, Q101: it names cars by their numeric id."""
    with open_teslapy(server) as tesla:
        (product,) = (found for found in tesla.api("PRODUCT_LIST")["response"] if "vin" in found)
        assert (product["vin"], product["state"]) == (VIN, "asleep")
        car = {"vehicle_id": product["id_s"]}
        with pytest.raises(HTTPError, match="408"):
            tesla.api("VEHICLE_DATA", car, endpoints="charge_state")
        tesla.api("WAKE_UP", car)
        states = [tesla.api("VEHICLE_SUMMARY", car)["response"]["state"] for _ in range(3)]
        assert states == ["asleep", "asleep", "online"]
        assert tesla.api("CHANGE_CHARGE_LIMIT", car, percent=60)["response"] == {"result": True, "reason": ""}
        assert tesla.api("STOP_CHARGE", car)["response"] == {"result": False, "reason": "not_charging"}
        shown = tesla.api("VEHICLE_DATA", car, endpoints="charge_state")["response"]["charge_state"]
    assert shown["charge_limit_soc"] == 60


def test_cars_need_their_scopes() -> None:
    """Q92, Q100."""
    with serve(replace(WORLD, scopes=("openid", "energy_device_data")), clock=lambda: NOW) as server:

        async def work(api: TeslaFleetApi) -> Any:
            return await api.vehicles.createFleet(VIN).vehicle()

        with pytest.raises(exceptions.Forbidden):
            with_fleet(server, work)
