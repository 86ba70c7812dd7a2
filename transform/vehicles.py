"""Responses about cars: what they amount to, and table `vehicle_states` (Q101, Q114)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from transform.frames import table_frame
from transform.responses import WHOLE_RESPONSE, RawResponse, Reason, Reject, Tables, quarantine_frame, reject
from transform.responses.parse import Outcome
from transform.units.kilowatt_hours import Evidence, is_in_wh
from warehouse.schema import TABLES
from wattlog.api_json import UnreadableJson, read
from wattlog.pseudonyms import short_vin
from wattlog.series import SERIES
from wattlog.series_spec import Series

Json = Mapping[str, Any]

_NUMBERS: Final = {
    "battery_level": "battery_level_pct",
    "charge_limit_soc": "charge_limit_pct",
    "charger_power": "charger_power_kw",
    "charger_actual_current": "charger_current_a",
    "charger_voltage": "charger_voltage_v",
    "charger_phases": "charger_phases",
    "charge_amps": "charge_amps_a",
    "charge_energy_added": "charge_energy_added_kwh",
}
_TEXTS: Final = ("charging_state", "scheduled_charging_mode")
_ADDED: Final = "charge_energy_added"
_EARLIEST_MS: Final = 1_300_000_000_000
"""A `timestamp` before 2011 is none of a car's."""


def outcome_of_car(body: bytes, series: str) -> Outcome:
    """What the body of a response about cars with status 200 amounts to."""
    try:
        found = _under_response(read(body))
    except UnreadableJson:
        return Outcome.NOT_JSON
    rows = found.get(SERIES[series].row_keys[0]) if isinstance(found, Mapping) else None
    if isinstance(rows, list if series == Series.VEHICLE_CHARGING else Mapping):
        return Outcome.DATA if rows else Outcome.NO_DATA
    return Outcome.CONTRACT if rows is not None or not isinstance(found, Mapping) else Outcome.NO_DATA


def rows_of(body: bytes) -> list[Any]:
    """The sessions of a page, in either envelope (Q114)."""
    try:
        found = _under_response(read(body))
    except UnreadableJson:
        return []
    rows = found.get("data") if isinstance(found, Mapping) else None
    return rows if isinstance(rows, list) else []


def charge_state_of(body: bytes) -> Json:
    """The charge_state of a vehicle_data; empty where there is none."""
    try:
        found = _under_response(read(body))
    except UnreadableJson:
        return {}
    state = found.get("charge_state") if isinstance(found, Mapping) else None
    return state if isinstance(state, Mapping) else {}


def shape_vehicle_states(responses: Sequence[RawResponse]) -> Tables:
    """Responses of vehicle_data → table `vehicle_states`, and `quarantine` for what could not be used.

    **Shape**: one reading a response, in any order → one row per car and instant, the first fetched: cars repeat readings.
    **Units**: %, kW, A, V, kWh. **Source**: Q101.
    """
    rejects: list[Reject] = []
    rows: dict[tuple[str, datetime], dict[str, Any]] = {}
    for response in sorted(responses, key=lambda response: (response.requested_at, response.raw_id)):
        vehicle, state = _vehicle(response.body), charge_state_of(response.body)
        if vehicle is None or not state:
            rejects.append(
                reject(response, WHOLE_RESPONSE, Reason.CONTRACT, response.body.decode(errors="replace")[:500])
            )
            continue
        observed_at = _observed_at(state, response.requested_at)
        rows.setdefault((vehicle, observed_at), _row(vehicle, observed_at, state, response))
    ordered = [rows[key] for key in sorted(rows)]
    _in_kwh(ordered)
    _within_bounds(ordered, rejects)
    columns = {name: [row[name] for row in ordered] for name in TABLES["vehicle_states"].columns} if ordered else {}
    return {"vehicle_states": table_frame("vehicle_states", columns), "quarantine": quarantine_frame(rejects)}


def _row(vehicle: str, observed_at: datetime, state: Json, response: RawResponse) -> dict[str, Any]:
    return {
        "vehicle": vehicle,
        "observed_at": observed_at,
        **{column: _number(state.get(name)) for name, column in _NUMBERS.items()},
        **{name: state[name] if isinstance(state.get(name), str) else None for name in _TEXTS},
        "_fetched_at": response.requested_at,
        "_raw_id": response.raw_id,
        "_run_id": response.run_id,
        "response": response,
    }


def _in_kwh(rows: Sequence[dict[str, Any]]) -> None:
    """Energy in Wh becomes kWh, where several readings show that it is Wh."""
    column = _NUMBERS[_ADDED]
    known = [row[column] for row in rows if row[column] is not None]
    if is_in_wh(Evidence(value) for value in known):
        for row in rows:
            row[column] = None if row[column] is None else row[column] / 1000


def _within_bounds(rows: Sequence[dict[str, Any]], rejects: list[Reject]) -> None:
    """A value that cannot be is NULL, and its row is in the quarantine."""
    for row in rows:
        bad = []
        for column in _NUMBERS.values():
            bounds, value = TABLES["vehicle_states"].field(column).bounds, row[column]
            if value is not None and bounds is not None and not bounds[0] <= value <= bounds[1]:
                row[column] = None
                bad.append(column)
        phases = row["charger_phases"]
        row["charger_phases"] = int(phases) if phases is not None and phases == int(phases) else None
        if bad:
            state = charge_state_of(row["response"].body)
            rejects.append(reject(row["response"], 0, Reason.OUT_OF_RANGE, state, tuple(bad)))


def _observed_at(state: Json, requested_at: datetime) -> datetime:
    """`timestamp` in milliseconds; the request where there is none, or it is later than the request."""
    value = _number(state.get("timestamp"))
    if value is None or not _EARLIEST_MS <= value <= requested_at.timestamp() * 1000:
        return requested_at
    return datetime.fromtimestamp(int(value) / 1000, UTC)


def _vehicle(body: bytes) -> str | None:
    try:
        found = _under_response(read(body))
    except UnreadableJson:
        return None
    vin = found.get("vin") if isinstance(found, Mapping) else None
    return short_vin(vin) if isinstance(vin, str) and vin else None


def _under_response(document: object) -> Any:
    """What is under `response`, or the document itself where that key is absent (Q114)."""
    return document.get("response", document) if isinstance(document, Mapping) else document


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if is_number else None
