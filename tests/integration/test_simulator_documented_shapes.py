"""Every documented example, field by field: the simulator's response to the same request has the same keys and types.

The shapes are in the order of the documentation; the values are the simulator's. Source: API.md#requests and the pages of
the Owner and Fleet APIs.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from extract.simulator import (
    DEMO_TOKEN,
    FLOWS,
    POWERS,
    SiteSpec,
    World,
    scenario,
)
from tests.third_party_clients import last_second

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
UTC_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NUMBER = (int, float)

Shape = Any
"""A type, a tuple of types, a pattern, a dictionary of shapes in order, or a list with the shape of its items."""

OLD_ENERGY_ROW: Shape = {"timestamp": STAMP, **dict.fromkeys(FLOWS, NUMBER)}
ENERGY_ROW: Shape = {"timestamp": STAMP, **dict.fromkeys(FLOWS, int), "raw_timestamp": STAMP}
POWER_ROW: Shape = {"timestamp": STAMP, **dict.fromkeys(POWERS, NUMBER)}
CONNECTOR: Shape = {
    "din": str,
    "wall_connector_state": int,
    "wall_connector_fault_state": int,
    "wall_connector_power": NUMBER,
}


def check(value: Any, shape: Shape, where: str = "response") -> None:
    """Check that the value has the shape, with keys in order; `where` is the place in the message."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert list(value) == list(shape), where
        for name, inner in shape.items():
            check(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        assert value, f"{where} is empty"
        for index, item in enumerate(value):
            check(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str), where
        assert shape.fullmatch(value), f"{where}: {value}"
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"
        assert isinstance(value, bool) == (shape is bool), f"{where}: {value!r}"


class Account:
    """An account with a site of every kind, with requests over HTTP."""

    def __init__(self, world: World, client: httpx.Client) -> None:
        self.world = world
        self._client = client

    def site(self, name: str) -> SiteSpec:
        """The site with a name."""
        (found,) = (site for site in self.world.sites if site.site_name == name)
        return found

    def get(self, path: str, **params: str) -> Any:
        """The whole body."""
        return self._client.get(path, params=params).json()

    def ask(self, spec: SiteSpec, endpoint: str, **params: str) -> Any:
        """The `response` of an endpoint of a site."""
        return self.get(f"/api/1/energy_sites/{spec.site_id}/{endpoint}", **params)["response"]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """A client with a valid token for an account with a site of every kind, in which `/history` is still served."""
    with (
        scenario("personalities").serve(clock=lambda: NOW) as server,
        httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}) as client,
    ):
        yield Account(server.world, client)


BATTERY = "old solar and battery"
SOLAR = "old solar only, fixed offset"
DAY = date(2026, 7, 19)
OLD_DAY = date(2022, 4, 29)


def test_energy_of_a_day_since_2024(account: Account) -> None:
    """API.md#requests, Q42: envelope, sixteen measures as integers, `raw_timestamp`, and the totals that are not zero."""
    spec = account.site(BATTERY)
    response = account.ask(spec, "calendar_history", kind="energy", period="day", end_date=last_second(spec, DAY))
    totals = [
        "total_home_usage",
        "total_battery_discharge",
        "total_solar_generation",
        "total_battery_charge",
        "total_grid_energy_exported",
    ]
    seen = set()
    for row in response["time_series"]:
        extra = [name for name in row if name in totals]
        check(row, ENERGY_ROW | dict.fromkeys((name for name in totals if name in extra), int))
        assert all(row[name] > 0 for name in extra)
        assert row["raw_timestamp"] == row["timestamp"]
        seen.update(extra)
    assert seen == set(totals)
    check(
        response | {"time_series": []},
        {"serial_number": str, "period": str, "installation_time_zone": str, "time_series": list},
    )


def test_energy_of_a_day_before_2024(account: Account) -> None:
    """Q9, Q10: one row at 01:00 without `raw_timestamp` and totals."""
    spec = account.site(BATTERY)
    response = account.ask(spec, "calendar_history", kind="energy", period="day", end_date=last_second(spec, OLD_DAY))
    check(response["time_series"], [OLD_ENERGY_ROW])
    assert [row["timestamp"] for row in response["time_series"]] == ["2022-04-29T01:00:00-07:00"]


def test_energy_of_a_year_of_a_fixed_offset_site(account: Account) -> None:
    """The documented example of period=year: `time_zone_offset` in minutes, months at 01:00, all flows but solar zero."""
    spec = account.site(SOLAR)
    response = account.ask(spec, "calendar_history", kind="energy", period="year", end_date="2021-12-31T23:59:59-04:00")
    check(response, {"serial_number": str, "period": str, "time_zone_offset": int, "time_series": [OLD_ENERGY_ROW]})
    assert response["time_zone_offset"] == -240
    assert response["time_series"][0]["timestamp"] == "2021-01-01T01:00:00-04:00"
    assert {value for row in response["time_series"] for value in list(row.values())[2:]} == {0}
    assert response["time_series"][0]["solar_energy_exported"] > 100_000


def test_power_of_a_named_zone(account: Account) -> None:
    """API.md#requests: no `period`; five-minute rows of five measures."""
    spec = account.site(BATTERY)
    response = account.ask(spec, "calendar_history", kind="power", end_date=last_second(spec, DAY))
    check(response, {"serial_number": str, "installation_time_zone": str, "time_series": [POWER_ROW]})
    assert any(isinstance(row["grid_power"], float) for row in response["time_series"])


def test_power_of_a_fixed_offset_site(account: Account) -> None:
    """The documented example of kind=power: `time_zone_offset`, and rows of fifteen minutes from midnight on."""
    spec = account.site(SOLAR)
    response = account.ask(spec, "calendar_history", kind="power", end_date="2022-04-29T23:59:59-04:00")
    check(response, {"serial_number": str, "time_zone_offset": int, "time_series": [POWER_ROW]})
    assert [row["timestamp"] for row in response["time_series"][:2]] == [
        "2022-04-29T00:00:00-04:00",
        "2022-04-29T00:15:00-04:00",
    ]


def test_state_of_energy(account: Account) -> None:
    """API.md#requests: integers."""
    spec = account.site(BATTERY)
    response = account.ask(spec, "calendar_history", kind="soe", end_date=last_second(spec, DAY))
    check(
        response,
        {"serial_number": str, "installation_time_zone": str, "time_series": [{"timestamp": STAMP, "soe": int}]},
    )


def test_backup_events(account: Account) -> None:
    """Q32: timestamp and integer duration, then the counts, which are 0 although there are events."""
    response = account.ask(account.site("generator"), "calendar_history", kind="backup", period="lifetime")
    next_page = {"next_end_date": STAMP} if "next_end_date" in response else {}
    event = {"timestamp": STAMP, "duration": int}
    check(response, {"events": [event], "events_count": int, "total_events": int, **next_page})
    assert response["events_count"] == response["total_events"] == 0


def test_self_consumption(account: Account) -> None:
    """API.md#requests: neither zone nor serial number; days at 00:00."""
    spec = account.site(BATTERY)
    response = account.ask(
        spec, "calendar_history", kind="self_consumption", period="week", end_date=last_second(spec, DAY)
    )
    check(response, {"period": str, "time_series": [{"timestamp": STAMP, "solar": NUMBER, "battery": NUMBER}]})
    assert all("T00:00:00" in row["timestamp"] for row in response["time_series"])


def test_time_of_use(account: Account) -> None:
    """API.md#requests: a series for each band; `""` for a site in another mode (Q23)."""
    spec = account.site(BATTERY)
    params = {"kind": "time_of_use_energy", "period": "day"}
    response = account.ask(spec, "calendar_history", **params, end_date=last_second(spec, DAY))
    assert list(response) == ["off_peak", "partial_peak", "peak"]
    for band in response.values():
        assert band["time_series"][0].keys() >= OLD_ENERGY_ROW.keys()
    assert account.ask(account.site("battery only"), "calendar_history", **params) == ""


def test_savings(account: Account) -> None:
    """API.md#requests: a list with UTC timestamps; without a tariff an error with the reason."""
    spec = account.site(BATTERY)
    check(
        account.ask(spec, "calendar_history", kind="savings", period="month"),
        [{"timestamp": UTC_STAMP, "value": float}],
    )
    other = account.site("battery only").site_id
    error = account.get(f"/api/1/energy_sites/{other}/savings_forecast", period="month")
    check(error, {"response": type(None), "error": str, "error_description": str})
    assert "Tariff not found" in error["error"]


@pytest.mark.parametrize(
    ("name", "key"), [("wall connectors only", "charge_history"), ("wall connectors", "time_series")]
)
def test_charge_history(account: Account, name: str, key: str) -> None:
    """API.md#charge-sessions: nested seconds, Wh, a uuid as text; with either key."""
    response = account.ask(
        account.site(name),
        "telemetry_history",
        kind="charge",
        start_date="2026-06-01T00:00:00-07:00",
        end_date="2026-06-30T23:59:59-07:00",
    )
    session = {
        "charge_start_time": {"seconds": int},
        "charge_duration": {"seconds": int},
        "energy_added_wh": int,
        "target_id": {"text": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")},
        "din": str,
    }
    check(response, {"charge_history": [session]} if key == "charge_history" else {"period": str, key: [session]})


LIVE_HEAD: Shape = {
    "solar_power": NUMBER,
    "energy_left": NUMBER,
    "total_pack_energy": NUMBER,
    "percentage_charged": NUMBER,
}
LIVE_TAIL: Shape = {
    "battery_power": NUMBER,
    "load_power": NUMBER,
    "grid_status": str,
    "grid_services_active": bool,
    "grid_power": NUMBER,
    "grid_services_power": NUMBER,
    "generator_power": NUMBER,
    "island_status": str,
    "storm_mode_active": bool,
    "timestamp": STAMP,
}


def test_live_status_of_batteries_and_connectors(account: Account) -> None:
    """API.md#live-status: present values of a battery site, with a record for each wall connector."""
    live = account.ask(account.site("wall connectors"), "live_status")
    check(live, {**LIVE_HEAD, "backup_capable": bool, **LIVE_TAIL, "wall_connectors": [CONNECTOR]})
    assert len(live["wall_connectors"]) == 3


def test_live_status_of_solar_only(account: Account) -> None:
    """The documented example: no backup fields, a pack of one Wh, an unknown grid status, no connectors."""
    live = account.ask(account.site(SOLAR), "live_status")
    check(live, {**LIVE_HEAD, **LIVE_TAIL, "wall_connectors": type(None)})
    assert (live["percentage_charged"], live["total_pack_energy"]) == (0, 1)
    assert (live["grid_status"], live["island_status"]) == ("Unknown", "island_status_unknown")


def test_site_info(account: Account) -> None:
    """API.md#site-info: the fields that clients use, with their types; a fixed-offset site has minutes instead of a zone."""
    info = account.ask(account.site(BATTERY), "site_info")
    expected = {
        "id": str,
        "site_name": str,
        "backup_reserve_percent": int,
        "default_real_mode": str,
        "installation_date": STAMP,
        "version": str,
        "battery_count": int,
        "installation_time_zone": str,
        "max_site_meter_power_ac": int,
        "min_site_meter_power_ac": int,
        "nameplate_power": int,
        "nameplate_energy": int,
    }
    check({name: info[name] for name in info if name in expected}, expected)
    check(info["geolocation"], {"latitude": float, "longitude": float})
    components = {"solar": bool, "battery": bool, "grid": bool, "backup": bool, "load_meter": bool, "tou_capable": bool}
    check({name: info["components"][name] for name in info["components"] if name in components}, components)
    assert all(battery["nameplate_energy"] for battery in info["components"]["batteries"])
    solar = account.ask(account.site(SOLAR), "site_info")
    assert "installation_time_zone" not in solar
    assert solar["time_zone_offset"] == -240


def test_products(account: Account) -> None:
    """API.md#products: `count` beside the list; vehicles, sites, and a ghost with only id and components."""
    listed = account.get("/api/1/products")
    check(listed, {"response": list, "count": int})
    assert listed["count"] == len(listed["response"])
    ghosts = [
        product for product in listed["response"] if "energy_site_id" in product and "resource_type" not in product
    ]
    components = {"battery": bool, "solar": bool, "grid": bool, "load_meter": bool, "market_type": str}
    check(ghosts, [{"energy_site_id": int, "components": components}])
    assert not any(ghosts[0]["components"][name] for name in ("battery", "solar", "grid", "load_meter"))
    vehicles = [product for product in listed["response"] if "vin" in product]
    named = ("vin", "access_type", "display_name", "state", "command_signing")  # Q99
    check(vehicles, [{"id": int, "id_s": str, "vehicle_id": int, **dict.fromkeys(named, str)}])
    types = {product["resource_type"] for product in listed["response"] if "resource_type" in product}
    assert types == {"battery", "solar", "wall_connector"}


@pytest.mark.parametrize("kind", ["power", "energy"])
def test_the_retired_history(account: Account, kind: str) -> None:
    """API.md#legacy: the two documented examples, without a zone; only energy has `period`."""
    response = account.ask(
        account.site(BATTERY), "history", kind=kind, **({"period": "week"} if kind == "energy" else {})
    )
    row = OLD_ENERGY_ROW if kind == "energy" else POWER_ROW
    head = {"serial_number": str, "period": str} if kind == "energy" else {"serial_number": str}
    check(response, {**head, "time_series": [row]})


def test_account_endpoints(account: Account) -> None:
    """API.md#login: region in an envelope, Teslemetry's metadata without one, hours of a backup."""
    check(account.get("/api/1/users/region"), {"response": {"region": str, "fleet_api_base_url": str}})
    metadata = account.get("/api/metadata")
    assert isinstance(metadata["region"], str)
    assert "energy_device_data" in metadata["scopes"]
    check(account.ask(account.site(BATTERY), "backup_time_remaining"), {"time_remaining_hours": float})


def test_errors(account: Account) -> None:
    """API.md#login: `response` null, a text, and an empty description."""
    path = f"/api/1/energy_sites/{account.site(BATTERY).site_id}/calendar_history"
    error = account.get(path, kind="energy")
    check(error, {"response": type(None), "error": str, "error_description": str})
    assert "Period must either be" in error["error"]


def test_the_check_itself_can_fail() -> None:
    """Order, missing keys, types, and booleans taken for numbers are all noticed."""
    shape: Shape = {"a": int, "b": [STAMP]}
    check({"a": 1, "b": ["2026-01-01T00:00:00+00:00"]}, shape)
    for wrong in (
        {"b": ["2026-01-01T00:00:00+00:00"], "a": 1},
        {"a": 1},
        {"a": True, "b": ["2026-01-01T00:00:00+00:00"]},
        {"a": 1.5, "b": ["2026-01-01T00:00:00+00:00"]},
        {"a": 1, "b": ["2026-01-01T00:00:00Z"]},
        {"a": 1, "b": []},
    ):
        with pytest.raises(AssertionError):
            check(wrong, shape)
