"""The present state of a site: site_info, site_status, live_status, backup_time_remaining, tariff_rate."""

from typing import Any

import numpy as np

from extract.simulator.endpoints.account import components, resource_type
from extract.simulator.endpoints.query import Query, connector_din, serial_number, zone_fields
from extract.simulator.endpoints.tariff import first_form, tariff_content
from extract.simulator.local_day import SLOT_S, local_date, stamps
from extract.simulator.measures import POWERS
from extract.simulator.site import ABSENT, EXPORT_RULE_KEY, NO_GRID_CHARGING_KEY, ExportRule, SiteSpec
from extract.simulator.truth.outages_and_charging import power_now_w
from extract.simulator.truth.simulated_day import DayTruth
from extract.simulator.worlds.vehicle import Plug

Json = dict[str, Any]

NO_LIMIT_W = 1_000_000_000
"""The value with which the API says that a site meter has no limit. Source: Q38."""


def site_info(query: Query) -> Json:
    """Equipment and settings of a site, with the values that control commands set. Source: API.md#site-info."""
    spec = query.present_spec
    installed = np.array([int(spec.installed_at.timestamp())], np.int64)
    info: Json = {
        "id": serial_number(spec),
        "site_name": spec.site_name,
        "backup_reserve_percent": spec.backup_reserve_pct,
        "default_real_mode": spec.mode.value,
        "installation_date": stamps(query.clock, installed)[0],
        "user_settings": {"storm_mode_enabled": spec.has_battery, "breaker_alert_enabled": False},
        "components": components(spec) | {"gateways": [_gateway(spec)], "batteries": _batteries(spec)},
        "version": spec.firmware_version,
        "battery_count": spec.battery_count if spec.has_battery else 0,
        **zone_fields(spec, query.now, spec.info_zone_mode),
        "max_site_meter_power_ac": NO_LIMIT_W,
        "min_site_meter_power_ac": -NO_LIMIT_W,
        "geolocation": {"latitude": spec.latitude, "longitude": spec.longitude},
        "address": _address(spec),
    }
    if spec.has_battery:
        info |= {"nameplate_power": spec.battery_power_w, "nameplate_energy": spec.rated_energy_wh}
        info["off_grid_vehicle_charging_reserve_percent"] = 75
    if spec.has_tariff:
        info["tariff_content_v2"] = _tariff(query)
    if not spec.has_grid_charging:
        _put(info, NO_GRID_CHARGING_KEY, True)
    if spec.export_rule is not ExportRule.EVERYTHING:
        _put(info, EXPORT_RULE_KEY, spec.export_rule.value)
    for change in spec.settings_changes:
        if query.now >= change.since:
            for name, value in change.values:
                _put(info, name, value)
    return info


def _put(info: Json, name: str, value: object) -> None:
    """Set a key of site_info, or of an object in it, or remove it."""
    *outer, key = name.split(".")
    for part in outer:
        info = info[part]
    if value == ABSENT:
        info.pop(key, None)
    else:
        info[key] = value


def site_status(query: Query) -> Json:
    """Names of the site, and its battery now. Source: API.md#login."""
    live = live_status(query)
    return {
        "resource_type": resource_type(query.present_spec),
        "site_name": query.present_spec.site_name,
        "gateway_id": serial_number(query.present_spec),
        **{
            name: live[name]
            for name in ("energy_left", "total_pack_energy", "percentage_charged", "backup_capable", "battery_power")
            if name in live
        },
    }


def backup_time_remaining(query: Query) -> Json:
    """Hours for which the battery could supply the present load of the home. Source: API.md#login."""
    live = live_status(query)
    hours = live["energy_left"] / live["load_power"] if live["load_power"] > 0 else 0
    return {"time_remaining_hours": hours}


def tariff_rate(query: Query) -> Json | None:
    """The tariff in the first form, after the commands so far, also where site_info lacks it; None if the site has none.

    Source: Q122.
    """
    tariff = site_info(query).get("tariff_content_v2") or (_tariff(query) if query.present_spec.has_tariff else None)
    return None if tariff is None else first_form(tariff)


def _tariff(query: Query) -> Json:
    return tariff_content(query.spec, query.now.astimezone(query.spec.zone).date())


def live_status(query: Query) -> Json:
    """Values of the last slot that is over; for an offline site, of the last slot before it went offline.

    Source: API.md#live-status.
    """
    spec = query.present_spec
    reported_at = query.now if spec.offline_since is None else min(query.now, spec.offline_since)
    now_s = int(reported_at.timestamp())
    before, then = query.truth.day(local_date(spec.zone, now_s - SLOT_S)), query.truth.day(local_date(spec.zone, now_s))
    last, slot = _slot(before, now_s - SLOT_S), _slot(then, now_s)
    watts = {name: float(before.power[name][last]) if last >= 0 else 0.0 for name in POWERS}
    left_wh = int(then.level_wh[slot]) if slot >= 0 else 0
    # A gateway that went offline before the battery came has measured nothing of it.
    full_wh = spec.on(then.local_date).battery_energy_wh or spec.battery_energy_wh
    instant_s = reported_at.timestamp()
    is_off_grid = any(0 <= instant_s - outage.start_s < outage.duration_ms / 1000 for outage in then.outages)
    return {
        "solar_power": watts["solar_power"],
        "energy_left": left_wh,
        "total_pack_energy": full_wh if spec.has_battery else 1,
        "percentage_charged": left_wh * 100 / full_wh if spec.has_battery else 0,
        **({"backup_capable": True} if spec.has_battery else {}),
        "battery_power": watts["battery_power"],
        "load_power": _load_w(spec, before, last, watts),
        "grid_status": "Unknown" if not spec.has_grid_meter else "Inactive" if is_off_grid else "Active",
        "grid_services_active": watts["grid_services_power"] != 0,
        "grid_power": watts["grid_power"],
        "grid_services_power": watts["grid_services_power"],
        "generator_power": watts["generator_power"],
        "island_status": _island_status(spec, is_off_grid=is_off_grid),
        "storm_mode_active": False,
        "timestamp": stamps(query.clock, np.array([now_s], np.int64))[0],
        "wall_connectors": [_connector(query, then, now_s, number) for number in range(spec.wall_connectors)] or None,
    }


def _slot(day: DayTruth, epoch_s: int) -> int:
    """Index of the day's slot that contains an instant; -1 before the installation."""
    return int(np.searchsorted(day.interval_start.astype(np.int64), epoch_s, side="right")) - 1


def _load_w(spec: SiteSpec, day: DayTruth, slot: int, watts: dict[str, float]) -> float:
    """Load of the home: the sum of the sources; for a site without a grid meter, the value of a sensor at the home."""
    if spec.has_grid_meter:
        return watts["solar_power"] + watts["battery_power"] + watts["grid_power"] + watts["generator_power"]
    return float(day.home_wh[slot]) * 3600 / SLOT_S if slot >= 0 else 0.0


def _island_status(spec: SiteSpec, *, is_off_grid: bool) -> str:
    if not spec.has_grid_meter:
        return "island_status_unknown"
    return "off_grid_unintentional" if is_off_grid else "on_grid"


def _connector(query: Query, day: DayTruth, now_s: int, connector: int) -> Json:
    """A wall connector now. It has a VIN while a car of the account is plugged in (Q118)."""
    spec, plug = query.present_spec, Plug(query.spec.site_id, connector)
    vins = [vehicle.vin for vehicle in query.world.vehicles if vehicle.plug == plug]
    power_w = power_now_w(spec, day.local_date, connector, now_s)
    return {
        "din": connector_din(spec, connector),
        **({"vin": vins[0]} if vins else {}),
        "wall_connector_state": 1 if power_w else 2,
        "wall_connector_fault_state": 2,
        "wall_connector_power": power_w,
    }


def _gateway(spec: SiteSpec) -> Json:
    return {
        "device_id": f"{spec.site_id}-gateway",
        "din": serial_number(spec),
        "serial_number": serial_number(spec).rpartition("--")[2],
        "part_name": "Simulated Gateway",
        "is_active": True,
        "firmware_version": spec.firmware_version,
    }


def _batteries(spec: SiteSpec) -> list[Json]:
    count = spec.battery_count if spec.has_battery else 0
    return [
        {
            "device_id": f"{spec.site_id}-battery-{number}",
            "din": f"3012170-10-B--SIM{spec.site_id % 10**6:06d}{number:02d}",
            "part_name": "Simulated Battery",
            "nameplate_max_charge_power": spec.battery_power_w // count,
            "nameplate_max_discharge_power": spec.battery_power_w // count,
            "nameplate_energy": spec.rated_energy_wh // count,
        }
        for number in range(count)
    ]


def _address(spec: SiteSpec) -> Json:
    """An address, invented except for state and country, so that tests of redaction have something to redact."""
    return {
        "address_line1": f"{spec.site_id % 97 + 1} Simulated Street",
        "city": "Nowhere",
        "state": spec.state,
        "zip": "00000",
        "country": spec.country,
    }
