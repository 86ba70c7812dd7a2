"""What the account endpoints say of a site: products, site_info, live_status. All names and numbers are invented."""

from typing import Any

import numpy as np

from extract.simulator.local_day import SLOT_S, local_date, stamps
from extract.simulator.query import Query, serial_number, zone_fields
from extract.simulator.site import POWERS, SiteSpec
from extract.simulator.world import Vehicle, World

Json = dict[str, Any]

NO_LIMIT_W = 1_000_000_000
"""The API's "no limit" of a site meter. Source: Q38."""


def products(world: World) -> list[Json]:
    """Cars, energy sites and ghosts in one list. Source: API.md §1.1."""
    return [
        *(_vehicle(each) for each in world.vehicles),
        *(_product(each) for each in world.sites),
        *(_ghost(each) for each in world.ghosts),
    ]


def site_info(query: Query) -> Json:
    """Assets, settings and features of a site. Source: API.md §1.5."""
    spec = query.spec
    installed = np.array([int(spec.installed_at.timestamp())], np.int64)
    info: Json = {
        "id": serial_number(spec),
        "site_name": spec.site_name,
        "backup_reserve_percent": spec.backup_reserve_pct,
        "default_real_mode": "self_consumption",
        "installation_date": stamps(query.clock, installed)[0],
        "user_settings": {"storm_mode_enabled": spec.has_battery, "breaker_alert_enabled": False},
        "components": _components(spec) | {"gateways": [_gateway(spec)], "batteries": _batteries(spec)},
        "version": spec.firmware_version,
        "battery_count": spec.battery_count if spec.has_battery else 0,
        **zone_fields(spec, query.now),
        "max_site_meter_power_ac": NO_LIMIT_W,
        "min_site_meter_power_ac": -NO_LIMIT_W,
        "geolocation": {"latitude": spec.latitude, "longitude": spec.longitude},
    }
    if spec.has_battery:
        info |= {"nameplate_power": spec.battery_power_w, "nameplate_energy": spec.battery_energy_wh}
        info["off_grid_vehicle_charging_reserve_percent"] = 75
    return info


def live_status(query: Query) -> Json:
    """The last slot that is over, as the present. Source: API.md §1.4."""
    spec, now_s = query.spec, int(query.now.timestamp())
    watts = _last_powers(query, now_s - SLOT_S)
    home_w = watts["solar_power"] + watts["battery_power"] + watts["grid_power"] + watts["generator_power"]
    left_wh, full_wh = _energy_left_wh(query, now_s), spec.battery_energy_wh
    return {
        "solar_power": watts["solar_power"],
        "energy_left": left_wh,
        "total_pack_energy": full_wh if spec.has_battery else 1,
        "percentage_charged": left_wh * 100 / full_wh if spec.has_battery else 0,
        "backup_capable": spec.has_battery,
        "battery_power": watts["battery_power"],
        "load_power": home_w,
        "grid_status": "Active" if spec.has_grid_meter else "Unknown",
        "grid_services_active": watts["grid_services_power"] != 0,
        "grid_power": watts["grid_power"],
        "grid_services_power": watts["grid_services_power"],
        "generator_power": watts["generator_power"],
        "island_status": "on_grid" if spec.has_grid_meter else "island_status_unknown",
        "storm_mode_active": False,
        "timestamp": stamps(query.clock, np.array([now_s], np.int64))[0],
        "wall_connectors": [_connector_status(spec, each) for each in range(spec.wall_connectors)] or None,
    }


def connector_din(spec: SiteSpec, connector: int) -> str:
    """Identification number of a wall connector."""
    return f"1457768-02-G--SIM{spec.site_id % 10**6:06d}{connector:02d}"


def _last_powers(query: Query, epoch_s: int) -> dict[str, float]:
    day = query.truth.day(local_date(query.spec.zone, epoch_s))
    slot = int(np.searchsorted(day.interval_start.astype(np.int64), epoch_s, side="right")) - 1
    return {name: float(day.power[name][slot]) if slot >= 0 else 0.0 for name in POWERS}


def _energy_left_wh(query: Query, epoch_s: int) -> int:
    """Energy at the beginning of the slot that holds the instant."""
    day = query.truth.day(local_date(query.spec.zone, epoch_s))
    slot = int(np.searchsorted(day.interval_start.astype(np.int64), epoch_s, side="right")) - 1
    return int(day.level_wh[slot]) if slot >= 0 else 0


def _components(spec: SiteSpec) -> Json:
    return {
        "solar": spec.has_solar,
        **({"solar_type": "pv_panel"} if spec.has_solar else {}),
        **({"generator": True} if spec.generator_w else {}),
        "battery": spec.has_battery,
        **({"battery_type": "ac_powerwall"} if spec.has_battery else {}),
        "grid": True,
        "backup": spec.has_battery,
        "gateway": "teg" if spec.has_battery else "gateway_type_none",
        "load_meter": True,
        "tou_capable": spec.has_battery,
        "storm_mode_capable": spec.has_battery,
        "grid_services_enabled": spec.vpp_events_per_year > 0,
        "wall_connectors": [
            {"device_id": f"{spec.site_id}-{each}", "din": connector_din(spec, each), "is_active": True}
            for each in range(spec.wall_connectors)
        ],
    }


def _gateway(spec: SiteSpec) -> Json:
    return {
        "device_id": f"{spec.site_id}-gateway",
        "din": serial_number(spec),
        "part_name": "Simulated Gateway",
        "is_active": True,
        "firmware_version": spec.firmware_version,
    }


def _batteries(spec: SiteSpec) -> list[Json]:
    count = spec.battery_count if spec.has_battery else 0
    return [
        {
            "device_id": f"{spec.site_id}-battery-{each}",
            "part_name": "Simulated Battery",
            "nameplate_max_charge_power": spec.battery_power_w // count,
            "nameplate_max_discharge_power": spec.battery_power_w // count,
            "nameplate_energy": spec.battery_energy_wh // count,
        }
        for each in range(count)
    ]


def _connector_status(spec: SiteSpec, connector: int) -> Json:
    return {
        "din": connector_din(spec, connector),
        "wall_connector_state": 2,
        "wall_connector_fault_state": 2,
        "wall_connector_power": 0,
    }


def _product(spec: SiteSpec) -> Json:
    kind = "battery" if spec.has_battery else "solar" if spec.has_solar else "wall_connector"
    product: Json = {
        "energy_site_id": spec.site_id,
        "resource_type": kind,
        "site_name": spec.site_name,
        "id": serial_number(spec),
        "gateway_id": serial_number(spec),
        "components": _components(spec) | {"market_type": "residential"},
        "features": {"rate_plan_manager_no_pricing_constraint": True},
    }
    if spec.has_battery:
        product |= {"battery_type": "ac_powerwall", "backup_capable": True, "storm_mode_enabled": True}
    return product


def _vehicle(vehicle: Vehicle) -> Json:
    return {
        "id": vehicle.vehicle_id,
        "vehicle_id": vehicle.vehicle_id % 10**9,
        "vin": vehicle.vin,
        "access_type": "OWNER",
        "display_name": vehicle.display_name,
        "state": "asleep",
    }


def _ghost(site_id: int) -> Json:
    """An energy site without anything: no name, no resource type. Source: API.md §1.1."""
    components = dict.fromkeys(("battery", "solar", "grid", "load_meter"), False)
    return {"energy_site_id": site_id, "components": components | {"market_type": "residential"}}
