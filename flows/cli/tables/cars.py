"""The cars of the account, a command to a car before it is sent, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.table import Table

from flows.car_commands import CarPlan, SentToCar, label
from flows.cars import Car
from flows.cli.tables.commands import NOT_REPORTED
from flows.console import note, print_json, print_pairs, print_sentences, print_table
from wattlog.commands.car_intent import Charge
from wattlog.commands.cars import shown

_WORDS = {Charge.WAKE: "wake", Charge.COMMAND: "command", Charge.DATA: "reading"}


def car_as_dict(car: Car, state: Mapping[str, Any]) -> dict[str, Any]:
    """A car as JSON has it; values that are not known are null."""
    return {
        "vehicle": car.vehicle,
        "name": car.name or None,
        "access": car.access,
        "state": car.state,
        "firmware": car.firmware,
        "has_key": car.has_key,
        "number_of_keys": car.number_of_keys,
        "is_signing_required": car.is_signing_required,
        "battery_level_pct": state.get("battery_level"),
        "charge_limit_pct": state.get("charge_limit_soc"),
        "charging_state": state.get("charging_state"),
        "charger_power_kw": state.get("charger_power"),
        "charge_amps_a": state.get("charge_amps"),
        "charge_port": shown("charge-port", state),
        "schedule_charging": shown("schedule-charging", state),
        "schedule_departure": shown("schedule-departure", state),
    }


def print_cars(cars: Sequence[tuple[Car, Mapping[str, Any]]], *, as_json: bool) -> None:
    """Print the cars, one row each."""
    if as_json:
        print_json([car_as_dict(car, state) for car, state in cars])
        return
    if not cars:
        note("the account has no car")
        return
    table = Table("name", "VIN", "access", "key", "state", "firmware", "battery", "limit", "charging", title="Cars")
    for car, state in cars:
        key = "?" if car.has_key is None else "on the car" if car.has_key else "missing"
        battery, limit = (_percent(state.get(name)) for name in ("battery_level", "charge_limit_soc"))
        table.add_row(
            *(car.name, car.vehicle, car.access or "?", key, car.state or "?", car.firmware or "?"),
            *(battery, limit, str(state.get("charging_state") or "")),
        )
    print_table(table)


def print_car(car: Car, state: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one car."""
    facts = car_as_dict(car, state)
    if as_json:
        print_json(facts)
        return
    print_pairs([(name, _cell(value)) for name, value in facts.items() if value is not None])
    if not state:
        note("the car is asleep or out of reach, so how it charges is not known; it was not woken")


def print_plan(planned: CarPlan, *, as_json: bool) -> None:
    """Print what a command would do, and what it costs."""
    if as_json:
        print_json(plan_as_dict(planned))
        return
    intent = planned.intent
    print_pairs(
        [
            ("car", label(planned.car)),
            ("command", planned.command.text),
            ("now", planned.value_before or NOT_REPORTED),
            ("route", str(planned.route)),
            ("request", f"POST {_path(planned)}"),
            ("body", orjson.dumps(intent.body).decode()),
            ("charged", _charged(planned)),
            *(("note", remark) for remark in planned.command.remarks(planned.state)),
        ]
    )
    if planned.is_set:
        note("the car shows this already, so nothing would be sent")


def plan_as_dict(planned: CarPlan) -> dict[str, Any]:
    """What a command would do, as JSON has it."""
    return {
        "vehicle": planned.car.vehicle,
        "name": planned.command.name,
        "value_before": planned.value_before,
        "value_asked": planned.command.value,
        "route": str(planned.route),
        "request": {"method": "POST", "path": _path(planned), "body": planned.command.body},
        "charged_requests": [str(charge) for charge in planned.charges] if planned.unit is not None else [],
        "cost": None if planned.cost is None else str(planned.cost),
        "cost_unit": planned.unit,
        "remarks": planned.command.remarks(planned.state),
        "is_set": planned.is_set,
    }


def print_sent(sent: SentToCar, car: Car, *, as_json: bool) -> None:
    """Print what came of a command."""
    row = sent.row
    if as_json:
        print_json(sent_as_dict(sent))
    else:
        unconfirmed = "; the car may have carried it out" if row.may_have_succeeded else ""
        print_sentences([f"{label(car)}: {row.name} {row.value_asked}: {row.outcome.replace('_', ' ')}{unconfirmed}"])
    if row.reason is not None:
        note(f"{row.outcome}: {row.reason}")
    if sent.error is not None and str(sent.error) != row.reason:
        note(str(sent.error))


def sent_as_dict(sent: SentToCar) -> dict[str, Any]:
    """What came of a command, as JSON has it: the row of table `commands`."""
    row = sent.row
    return {
        "command_id": row.command_id,
        "vehicle": row.vehicle,
        "requested_at": row.requested_at,
        "name": row.name,
        "value_before": row.value_before,
        "value_asked": row.value_asked,
        "value_after": row.value_after,
        "outcome": row.outcome.value,
        "reason": row.reason,
        "may_have_succeeded": row.may_have_succeeded,
        "attempts": row.attempts,
        "route": row.route,
        "charged_requests": row.charged_requests,
        "cost": None if row.cost is None else str(row.cost),
        "cost_unit": row.cost_unit,
        "origin": row.origin,
    }


def _path(planned: CarPlan) -> str:
    return f"/api/1/vehicles/{planned.car.vehicle}/command/{planned.command.endpoint}"


def _charged(planned: CarPlan) -> str:
    """What the requests cost, in the words of `wattlog plan`: how many of which kind, and their price."""
    if planned.unit is None:
        return "nothing: requests are not charged"
    counts = {charge: planned.charges.count(charge) for charge in Charge if charge in planned.charges}
    kinds = ", ".join(f"{count} {_WORDS[charge]}{'s' if count > 1 else ''}" for charge, count in counts.items())
    return f"{kinds}: {planned.cost} {planned.unit}"


def _percent(value: object) -> str:
    return f"{value} %" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _cell(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
