"""Personal data is removed from responses before they are kept (API.md#site-info, API.md#products).

History bodies are kept to the byte but for serial numbers, which are masked, and numbers of wall connectors, which get a
pseudonym. Products, site_info, live_status and responses about cars have more: an allow-list of keys says what may stay, so a
key that Tesla adds is masked until it is on the list. Of a VIN the short form stays where a car has to be recognised. Of the
geolocation one decimal stays (about 11 km), and of the address the state and the country: the time-zone look-up needs them.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from wattlog.api_json import TOO_DEEP, UnreadableJson, flaw_of, read_records, too_deep, write
from wattlog.commands.settings import SETTINGS
from wattlog.pseudonyms import pseudonym, shared_ends, short_vin

MASK = "redacted"

_IDENTIFIERS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b'"serial_number"': lambda _: MASK.encode(),
    b'"vin"': lambda _: MASK.encode(),
    b'"din"': lambda number: pseudonym(number.decode(errors="replace")).encode(),
}
"""Keys of history bodies → what is kept of their value. Charge sessions are distinguished by their wall connector."""

_VALUE: Final = re.compile(rb'\s*:\s*(?:"((?:[^"\\]|\\.)+)"|([0-9.+eE-]+))')
"""A text that is not empty, or a number. An empty serial number is a sign of a stale login (Q39) and stays."""

_HARMLESS = """
response count error error_description
energy_site_id resource_type unusable site_name installation_date installation_time_zone time_zone_offset version
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
"""Kept unchanged: tariffs are the utility's, and the owner chooses every key in them."""


_OF_ANSWERS: Final = frozenset(
    ("response", "code", "Code", "message", "Message", "result", "reason", "error", "error_description", "txid")
)
"""Keys of answers to commands (Q53, Q62)."""

_CARS = """
response error error_description txid result reason string state count
battery_level usable_battery_level charge_limit_soc charge_limit_soc_min charge_limit_soc_max charge_limit_soc_std
charge_amps charge_current_request charge_current_request_max charge_energy_added charge_enable_request
charge_port_door_open charge_port_latch charge_rate charger_actual_current charger_phases charger_pilot_current charger_power
charger_voltage charging_state conn_charge_cable fast_charger_present fast_charger_type battery_heater_on
minutes_to_full_charge time_to_full_charge timestamp scheduled_charging_mode scheduled_charging_pending
scheduled_charging_start_time scheduled_charging_start_time_app scheduled_departure_time
scheduled_departure_time_minutes off_peak_charging_enabled off_peak_charging_times off_peak_hours_end_time
preconditioning_enabled preconditioning_times
sessionId chargeStartDateTime chargeStopDateTime unlatchDateTime countryCode billingType vehicleMakeType
sessionFeeId feeType currencyCode pricingType totalDue netDue uom isPaid status
rateBase rateTier1 rateTier2 rateTier3 rateTier4 usageBase usageTier1 usageTier2 usageTier3 usageTier4
totalBase totalTier1 totalTier2 totalTier3 totalTier4
"""
_OF_CARS: Final = frozenset(_CARS.split())
"""Keys of responses about cars: how they charge, and what a public session cost. No coordinate, no name of a charger, no key
of an invoice, no name or id of a car."""

_NEVER_OF_CARS: Final = frozenset({"invoices", "drive_state", "location_data", "vehicle_id", "id", "id_s", "user_id"})
"""Keys of which not even a mask stays."""


class Rule(NamedTuple):
    """What may stay of a response.

    Attributes:
        keep: Whether the scalar under a key may stay.
        shortened: Keys whose text gets a stable short form instead of a mask.
    """

    keep: Callable[[str], bool]
    shortened: Mapping[str, Callable[[str], str]] = {}


_VIN: Final = "vin"
_VIN_IN_BODY: Final = re.compile(rb'"vin"\s*:\s*"([^"\\]+)"')

_SHORTENED: Final[dict[str, Callable[[str], str]]] = {_VIN: short_vin, "din": pseudonym}
"""One car or wall connector is distinguished from another by it (Q118)."""

RULES: dict[str, Rule] = {
    "products": Rule(HARMLESS.__contains__),
    "site_info": Rule(HARMLESS.__contains__),
    "live_status": Rule(lambda key: key not in _SHORTENED, _SHORTENED),
    **dict.fromkeys((spec.endpoint for spec in SETTINGS.values()), Rule(_OF_ANSWERS.__contains__)),
}
"""What may stay, by the last part of the path. live_status has measurements, and the ids of wall connectors; the
answers to commands have a code and a message."""

_CAR_RULE: Final = Rule(_OF_CARS.__contains__, _SHORTENED)

_ABOUT_CARS: Final = ("/api/1/vehicles/", "/api/1/dx/")
"""Paths whose responses are about cars."""

UNUSABLE_KEY = "unusable"
"""Key of an unusable entry of the products list; its value is the reason. The entry keeps its id and type."""

_OF_AN_UNUSABLE_PRODUCT = ("energy_site_id", "resource_type")


def shared_ends_in(products: bytes) -> frozenset[str]:
    """The ends of VINs that several cars of a products list have; `redacted` needs them to keep these cars apart."""
    return shared_ends(vin.decode(errors="replace") for vin in _VIN_IN_BODY.findall(products))


def redacted(path: str, body: bytes, shared_vin_ends: Collection[str] = ()) -> bytes:
    """The body to keep for a response of `path`.

    A body that cannot be read cannot be redacted, so only its size and the reason are kept. NaN and Infinity are unchanged. An
    entry of the products list that has them, or that is nested too deeply, is reduced to its id and the reason: the other
    sites of the account are not affected.

    Args:
        path: The path of the request.
        body: The body as it came.
        shared_vin_ends: The ends of VINs that several cars of the account have.
    """
    name = path.rsplit("/", 1)[-1]
    rule = _CAR_RULE if path.startswith(_ABOUT_CARS) else RULES.get(name)
    if rule is None or not body:
        return _without_identifiers(body)
    try:
        payload, _ = read_records(body, is_depth_checked=False)
        if name == "products":
            payload = _with_usable_products(payload)
        if too_deep(payload):
            raise UnreadableJson(TOO_DEEP)
    except UnreadableJson as error:
        return f"{MASK}: {len(body)} bytes that cannot be read: {error}".encode()
    if path.startswith(_ABOUT_CARS):
        payload = _without_keys(payload, _NEVER_OF_CARS)
    if shared_vin_ends and rule.shortened:
        shorten = partial(short_vin, shared_ends=shared_vin_ends)
        rule = rule._replace(shortened={**rule.shortened, _VIN: shorten})
    return write(_without_personal_data(payload, rule))


def _without_keys(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_without_keys(item, keys) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_keys(item, keys) for key, item in value.items() if key not in keys}


def _without_identifiers(body: bytes) -> bytes:
    """A history body without the numbers of devices. It is searched, not parsed: all else stays to the byte."""
    for key, kept in _IDENTIFIERS.items():
        place, done, parts = body.find(key), 0, list[bytes]()
        while place >= 0:
            place += len(key)
            value = _VALUE.match(body, place)
            if value is not None:
                parts += [body[done:place], b':"', kept(value[1] or value[2]), b'"']
                done = place = value.end()
            place = body.find(key, place)
        body = b"".join([*parts, body[done:]]) if parts else body
    return body


def _with_usable_products(payload: Any) -> Any:
    products = payload.get("response") if isinstance(payload, dict) else None
    if not isinstance(products, list):
        return payload
    return {**payload, "response": [_usable_product(product) for product in products]}


def _usable_product(product: Any) -> Any:
    flaw = flaw_of(product)
    if flaw is None:
        return product
    facts = product if isinstance(product, dict) else {}
    kept = {name: facts[name] for name in _OF_AN_UNUSABLE_PRODUCT if isinstance(facts.get(name), int | str)}
    return {**kept, UNUSABLE_KEY: flaw}


def _without_personal_data(value: Any, rule: Rule) -> Any:
    if isinstance(value, list):
        return [_without_personal_data(item, rule) for item in value]
    if not isinstance(value, dict):
        return value
    if "vehicle_id" in value:
        return {"vehicle_id": MASK}
    return {key: _kept(key, item, rule) for key, item in value.items()}


def _kept(key: str, value: Any, rule: Rule) -> Any:
    if key in OPEN_SUBTREES:
        return value
    if key in {"latitude", "longitude"}:
        return round(value, 1) if isinstance(value, int | float) else None
    if isinstance(value, dict | list):
        return _without_personal_data(value, rule)
    if key in rule.shortened and isinstance(value, str) and value:
        return rule.shortened[key](value)
    if value is None or isinstance(value, bool) or rule.keep(key):
        return value
    return MASK
