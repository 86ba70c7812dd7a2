"""Personal data is taken out of products, site_info and live_status before they are kept (API.md §1.4, §1.5).

History bodies hold none and are kept to the byte. What the two hold is decided by an allow-list of keys, so that a key that
Tesla adds tomorrow is masked until somebody has looked at it. Of the geolocation one decimal stays (about 11 km), of the
address state and country: the time-zone look-up needs them.
"""

from collections.abc import Callable
from typing import Any

import orjson

MASK = "redacted"

_HARMLESS = """
response count error error_description
energy_site_id resource_type site_name installation_date installation_time_zone time_zone_offset version
components battery battery_type solar solar_type grid load_meter market_type generator backup gateway gateways batteries
wall_connectors inverters is_active part_name part_type nameplate_max_charge_power nameplate_max_discharge_power
nameplate_energy nameplate_power battery_count backup_capable firmware_version
max_site_meter_power_ac min_site_meter_power_ac energy_left total_pack_energy percentage_charged battery_power
user_settings storm_mode_enabled default_real_mode backup_reserve_percent off_grid_vehicle_charging_reserve_percent
vpp_backup_reserve_percent customer_preferred_export_rule disallow_charge_from_grid_with_solar_installed net_meter_mode
tou_settings optimization_strategy schedule target week_days start_seconds end_seconds
tou_capable storm_mode_capable grid_services_enabled car_charging_data_supported configurable features
geolocation latitude longitude address state country
"""
HARMLESS = frozenset(_HARMLESS.split())
"""Keys whose scalar values may stay. `state` is the address's: no other `state` is among a site's keys."""

OPEN_SUBTREES = frozenset({"tariff_content", "tariff_content_v2"})
"""Kept whole: tariffs are the utility's, and every key in them is a name of the owner's choosing."""


Keep = Callable[[str], bool]
"""Whether the scalar under a key may stay."""

RULES: dict[str, Keep] = {
    "products": HARMLESS.__contains__,
    "site_info": HARMLESS.__contains__,
    "live_status": lambda key: key not in {"vin", "din"},
}
"""What may stay, by the last part of the path. live_status holds measurements but for the wall connectors' ids."""


def redacted(path: str, body: bytes) -> bytes:
    """The body to keep for an answer of `path`.

    A body that is not JSON cannot be gone through, so of such an answer only its size is kept.
    """
    keep = RULES.get(path.rsplit("/", 1)[-1])
    if keep is None:
        return body
    try:
        payload = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return f"{MASK}: {len(body)} bytes that are not JSON".encode()
    return orjson.dumps(_without_personal_data(payload, keep))


def _without_personal_data(value: Any, keep: Keep) -> Any:
    if isinstance(value, list):
        return [_without_personal_data(each, keep) for each in value]
    if not isinstance(value, dict):
        return value
    if "vehicle_id" in value:
        return {"vehicle_id": MASK}
    return {key: _kept(key, each, keep) for key, each in value.items()}


def _kept(key: str, value: Any, keep: Keep) -> Any:
    if key in OPEN_SUBTREES:
        return value
    if key in {"latitude", "longitude"}:
        return round(value, 1) if isinstance(value, int | float) else None
    if isinstance(value, dict | list):
        return _without_personal_data(value, keep)
    if value is None or isinstance(value, bool) or keep(key):
        return value
    return MASK
