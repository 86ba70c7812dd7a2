"""Every documented example, field by field: the simulator's answer to the same question has the same keys and types.

Shapes are written down here, in the order of the documentation; values are the simulator's own. Source: API.md §1 and
the documentation pages of the Owner and Fleet APIs.
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
from tests.strangers import last_second

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
    """The value has the shape, keys in order; says where it has not."""
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
    """An account with a site of every kind, asked over HTTP."""

    def __init__(self, world: World, client: httpx.Client) -> None:
        self.world = world
        self._client = client

    def site(self, name: str) -> SiteSpec:
        """The site with that name."""
        (found,) = (each for each in self.world.sites if each.site_name == name)
        return found

    def get(self, path: str, **params: str) -> Any:
        """The whole answer."""
        return self._client.get(path, params=params).json()

    def ask(self, spec: SiteSpec, endpoint: str, **params: str) -> Any:
        """The `response` of a site's endpoint."""
        return self.get(f"/api/1/energy_sites/{spec.site_id}/{endpoint}", **params)["response"]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """A client that is logged in where there is a site of every kind, and `/history` still answers."""
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
    """API.md §1.2, fact 4: envelope, sixteen measures as integers, `raw_timestamp`, then the totals that are not zero."""
    spec = account.site(BATTERY)
    told = account.ask(spec, "calendar_history", kind="energy", period="day", end_date=last_second(spec, DAY))
    totals = [
        "total_home_usage",
        "total_battery_discharge",
        "total_solar_generation",
        "total_battery_charge",
        "total_grid_energy_exported",
    ]
    seen = set()
    for row in told["time_series"]:
        extra = [name for name in row if name in totals]
        check(row, ENERGY_ROW | dict.fromkeys((name for name in totals if name in extra), int))
        assert all(row[name] > 0 for name in extra)
        assert row["raw_timestamp"] == row["timestamp"]
        seen.update(extra)
    assert seen == set(totals)
    check(
        told | {"time_series": []},
        {"serial_number": str, "period": str, "installation_time_zone": str, "time_series": list},
    )


def test_energy_of_a_day_before_2024(account: Account) -> None:
    """Q9, Q10: one row stamped 01:00 without `raw_timestamp` and totals."""
    spec = account.site(BATTERY)
    told = account.ask(spec, "calendar_history", kind="energy", period="day", end_date=last_second(spec, OLD_DAY))
    check(told["time_series"], [OLD_ENERGY_ROW])
    assert [row["timestamp"] for row in told["time_series"]] == ["2022-04-29T01:00:00-07:00"]


def test_energy_of_a_year_of_a_fixed_offset_site(account: Account) -> None:
    """The documentation's example of period=year: `time_zone_offset` in minutes, months stamped 01:00, splits all zero."""
    spec = account.site(SOLAR)
    told = account.ask(spec, "calendar_history", kind="energy", period="year", end_date="2021-12-31T23:59:59-04:00")
    check(told, {"serial_number": str, "period": str, "time_zone_offset": int, "time_series": [OLD_ENERGY_ROW]})
    assert told["time_zone_offset"] == -240
    assert told["time_series"][0]["timestamp"] == "2021-01-01T01:00:00-04:00"
    assert {value for row in told["time_series"] for value in list(row.values())[2:]} == {0}
    assert told["time_series"][0]["solar_energy_exported"] > 100_000


def test_power_of_a_named_zone(account: Account) -> None:
    """API.md §1.2: no `period`; five-minute rows of five measures."""
    spec = account.site(BATTERY)
    told = account.ask(spec, "calendar_history", kind="power", end_date=last_second(spec, DAY))
    check(told, {"serial_number": str, "installation_time_zone": str, "time_series": [POWER_ROW]})
    assert any(isinstance(row["grid_power"], float) for row in told["time_series"])


def test_power_of_a_fixed_offset_site(account: Account) -> None:
    """The documentation's example of kind=power: `time_zone_offset`, and rows of fifteen minutes from midnight on."""
    spec = account.site(SOLAR)
    told = account.ask(spec, "calendar_history", kind="power", end_date="2022-04-29T23:59:59-04:00")
    check(told, {"serial_number": str, "time_zone_offset": int, "time_series": [POWER_ROW]})
    assert [row["timestamp"] for row in told["time_series"][:2]] == [
        "2022-04-29T00:00:00-04:00",
        "2022-04-29T00:15:00-04:00",
    ]


def test_state_of_energy(account: Account) -> None:
    """API.md §1.2: integers."""
    spec = account.site(BATTERY)
    told = account.ask(spec, "calendar_history", kind="soe", end_date=last_second(spec, DAY))
    check(
        told,
        {"serial_number": str, "installation_time_zone": str, "time_series": [{"timestamp": STAMP, "soe": int}]},
    )


def test_backup_events(account: Account) -> None:
    """Q32: stamp and integer duration, then the counts, which are 0 with events in the list."""
    told = account.ask(account.site("generator"), "calendar_history", kind="backup", period="lifetime")
    more = {"next_end_date": STAMP} if "next_end_date" in told else {}
    event = {"timestamp": STAMP, "duration": int}
    check(told, {"events": [event], "events_count": int, "total_events": int, **more})
    assert told["events_count"] == told["total_events"] == 0


def test_self_consumption(account: Account) -> None:
    """API.md §1.2: neither zone nor serial number; days stamped 00:00."""
    spec = account.site(BATTERY)
    told = account.ask(
        spec, "calendar_history", kind="self_consumption", period="week", end_date=last_second(spec, DAY)
    )
    check(told, {"period": str, "time_series": [{"timestamp": STAMP, "solar": NUMBER, "battery": NUMBER}]})
    assert all("T00:00:00" in row["timestamp"] for row in told["time_series"])


def test_time_of_use(account: Account) -> None:
    """API.md §1.2: a series for each band; `""` on a site in another mode (Q23)."""
    spec = account.site(BATTERY)
    asked = {"kind": "time_of_use_energy", "period": "day"}
    told = account.ask(spec, "calendar_history", **asked, end_date=last_second(spec, DAY))
    assert list(told) == ["off_peak", "partial_peak", "peak"]
    for band in told.values():
        assert band["time_series"][0].keys() >= OLD_ENERGY_ROW.keys()
    assert account.ask(account.site("battery only"), "calendar_history", **asked) == ""


def test_savings(account: Account) -> None:
    """API.md §1.2: a list, stamped in UTC; without a tariff the error says so."""
    spec = account.site(BATTERY)
    check(
        account.ask(spec, "calendar_history", kind="savings", period="month"),
        [{"timestamp": UTC_STAMP, "value": float}],
    )
    other = account.site("battery only").site_id
    refused = account.get(f"/api/1/energy_sites/{other}/savings_forecast", period="month")
    check(refused, {"response": type(None), "error": str, "error_description": str})
    assert "Tariff not found" in refused["error"]


@pytest.mark.parametrize(
    ("name", "key"), [("wall connectors only", "charge_history"), ("wall connectors", "time_series")]
)
def test_charge_history(account: Account, name: str, key: str) -> None:
    """API.md §1.3: nested seconds, Wh, a uuid as text; under either key."""
    told = account.ask(
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
    check(told, {"charge_history": [session]} if key == "charge_history" else {"period": str, key: [session]})


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
    """API.md §1.4: the present of a battery site, with a record for each wall connector."""
    live = account.ask(account.site("wall connectors"), "live_status")
    check(live, {**LIVE_HEAD, "backup_capable": bool, **LIVE_TAIL, "wall_connectors": [CONNECTOR]})
    assert len(live["wall_connectors"]) == 3


def test_live_status_of_solar_only(account: Account) -> None:
    """The documentation's example: nothing of a backup, a pack of one Wh, a grid of unknown state, no connectors."""
    live = account.ask(account.site(SOLAR), "live_status")
    check(live, {**LIVE_HEAD, **LIVE_TAIL, "wall_connectors": type(None)})
    assert (live["percentage_charged"], live["total_pack_energy"]) == (0, 1)
    assert (live["grid_status"], live["island_status"]) == ("Unknown", "island_status_unknown")


def test_site_info(account: Account) -> None:
    """API.md §1.5: what a downloader reads of it, with its types; a fixed-offset site has minutes instead of a zone."""
    info = account.ask(account.site(BATTERY), "site_info")
    wanted = {
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
    check({name: info[name] for name in info if name in wanted}, wanted)
    check(info["geolocation"], {"latitude": float, "longitude": float})
    named = {"solar": bool, "battery": bool, "grid": bool, "backup": bool, "load_meter": bool, "tou_capable": bool}
    check({name: info["components"][name] for name in info["components"] if name in named}, named)
    assert all(each["nameplate_energy"] for each in info["components"]["batteries"])
    solar = account.ask(account.site(SOLAR), "site_info")
    assert "installation_time_zone" not in solar
    assert solar["time_zone_offset"] == -240


def test_products(account: Account) -> None:
    """API.md §1.1: `count` beside the list; vehicles, sites, and a ghost of which only the id and components are known."""
    listed = account.get("/api/1/products")
    check(listed, {"response": list, "count": int})
    assert listed["count"] == len(listed["response"])
    ghosts = [each for each in listed["response"] if "energy_site_id" in each and "resource_type" not in each]
    nothing = {"battery": bool, "solar": bool, "grid": bool, "load_meter": bool, "market_type": str}
    check(ghosts, [{"energy_site_id": int, "components": nothing}])
    assert not any(ghosts[0]["components"][name] for name in ("battery", "solar", "grid", "load_meter"))
    vehicles = [each for each in listed["response"] if "vin" in each]
    known = {"id": int, "vehicle_id": int, "vin": str, "access_type": str, "display_name": str, "state": str}
    check(vehicles, [known])
    types = {each["resource_type"] for each in listed["response"] if "resource_type" in each}
    assert types == {"battery", "solar", "wall_connector"}


@pytest.mark.parametrize("kind", ["power", "energy"])
def test_the_retired_history(account: Account, kind: str) -> None:
    """API.md §1.6: the documentation's two examples, which name no zone; `period` with energy alone."""
    told = account.ask(account.site(BATTERY), "history", kind=kind, **({"period": "week"} if kind == "energy" else {}))
    row = OLD_ENERGY_ROW if kind == "energy" else POWER_ROW
    head = {"serial_number": str, "period": str} if kind == "energy" else {"serial_number": str}
    check(told, {**head, "time_series": [row]})


def test_account_endpoints(account: Account) -> None:
    """API.md §1.0: region in an envelope, Teslemetry's metadata without one, hours of a backup."""
    check(account.get("/api/1/users/region"), {"response": {"region": str, "fleet_api_base_url": str}})
    metadata = account.get("/api/metadata")
    assert isinstance(metadata["region"], str)
    assert "energy_device_data" in metadata["scopes"]
    check(account.ask(account.site(BATTERY), "backup_time_remaining"), {"time_remaining_hours": float})


def test_errors(account: Account) -> None:
    """API.md §1.0: `response` null, a text, and a description that is empty."""
    path = f"/api/1/energy_sites/{account.site(BATTERY).site_id}/calendar_history"
    refused = account.get(path, kind="energy")
    check(refused, {"response": type(None), "error": str, "error_description": str})
    assert "Period must either be" in refused["error"]


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
