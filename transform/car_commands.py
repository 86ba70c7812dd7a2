"""Table `commands`, the rows of cars: from the records of a command to its outcome.

The records are a wake, the intent, the answers, and the reading after; all have the id of the command's run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from transform.frames import table_frame
from transform.responses import WHOLE_RESPONSE, RawResponse, Reason, Reject, Tables, quarantine_frame, reject
from transform.vehicles import charge_state_of
from wattlog.commands.car_answers import NOT_WOKEN, CarResult, result_of_car
from wattlog.commands.car_intent import CarIntent, Charge, car_intent_of, charge_of, is_car_intent
from wattlog.commands.cars import is_shown, shown
from wattlog.commands.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class CommandToCar:
    """A row of table `commands`; see there."""

    command_id: str
    site_id: int
    vehicle: str
    requested_at: datetime
    name: str
    value_before: str | None
    value_asked: str
    value_after: str | None
    outcome: Outcome
    reason: str | None
    attempts: int
    origin: str
    route: str
    may_have_succeeded: bool
    charged_requests: int
    cost: Decimal | None
    cost_unit: str | None
    raw_id: str


def shape_car_commands(responses: Sequence[RawResponse]) -> Tables:
    """Records of commands to cars → table `commands`, and `quarantine` for intents that cannot be read.

    **Shape**: all records of some commands, in any order → one row a command, by its id. Records without an intent have no row.
    **Source**: Q84 to Q90.
    """
    rejects: list[Reject] = []
    of_run: dict[str, list[RawResponse]] = {}
    for response in responses:
        of_run.setdefault(response.run_id, []).append(response)
    rows = []
    for _, records in sorted(of_run.items()):
        try:
            row = car_command_of(records)
        except ValueError:
            bad = next(record for record in records if is_car_intent(record.path))
            rejects.append(reject(bad, WHOLE_RESPONSE, Reason.CONTRACT, bad.body.decode(errors="replace")))
            continue
        rows += [] if row is None else [row]
    names = [field.name for field in fields(CommandToCar) if field.name != "raw_id"]
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in names}
    lineage = {
        "_fetched_at": columns["requested_at"],
        "_raw_id": [row.raw_id for row in rows],
        "_run_id": columns["command_id"],
    }
    return {"commands": table_frame("commands", {**columns, **lineage}), "quarantine": quarantine_frame(rejects)}


def car_command_of(records: Sequence[RawResponse]) -> CommandToCar | None:
    """The command of one run, as far as its records go; None without an intent.

    Raises:
        ValueError: The intent cannot be read.
    """
    for record in records:
        if is_car_intent(record.path):
            return _command(record, car_intent_of(record.body), records)
    return None


def _command(record: RawResponse, intent: CarIntent, records: Sequence[RawResponse]) -> CommandToCar:
    requests = sorted(
        (other for other in records if not is_car_intent(other.path)), key=lambda it: (it.requested_at, it.raw_id)
    )
    answers = [(it.status, it.body) for it in requests if it.path.endswith(f"/command/{intent.endpoint}")]
    after = [
        state
        for it in requests
        if it.path.endswith("/vehicle_data") and it.status == 200
        for state in [charge_state_of(it.body)]
        if state
    ]
    charging_state = after[-1].get("charging_state") if after else None
    result = (
        NOT_WOKEN
        if intent.is_given_up
        else result_of_car(intent.endpoint, answers, charging_state if isinstance(charging_state, str) else None)
    )
    if answers and after and result.may_have_succeeded and is_shown(intent.name, intent.value_asked, after[-1]):
        result = CarResult(Outcome.DONE, f"{result.reason}, but the car shows it")
    charged = [Charge.DATA] * intent.readings_before
    charged += [charge_of(it.path) for it in requests if 0 < it.status < 500]  # every answer below 500 is charged (Q71)
    prices = [price for charge in charged if (price := intent.price(charge)) is not None]
    return CommandToCar(
        command_id=record.run_id,
        site_id=record.site_id,
        vehicle=intent.vehicle,
        requested_at=record.requested_at,
        name=intent.name,
        value_before=intent.value_before,
        value_asked=intent.value_asked,
        value_after=shown(intent.name, after[-1]) if after else None,
        outcome=result.outcome,
        reason=result.reason,
        attempts=len(answers),
        origin=intent.origin,
        route=intent.route,
        may_have_succeeded=result.may_have_succeeded,
        charged_requests=len(charged) if intent.unit is not None else 0,
        cost=sum(prices, Decimal(0)) if intent.unit is not None else None,
        cost_unit=intent.unit,
        raw_id=record.raw_id,
    )
