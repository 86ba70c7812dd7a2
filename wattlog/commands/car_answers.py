"""What the answer to a car's command means: one table for all routes (Q84 to Q90).

A refusal has status 200 and a reason. The proxy puts words before the reason, and turns a sleeping car into status 500; Tesla
answers 408. Both are one outcome here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from wattlog.api_json import UnreadableJson, read
from wattlog.commands.answers import LONGEST_REASON, NO_ANSWER
from wattlog.commands.cars import CHARGING
from wattlog.commands.outcomes import Outcome


class CarResult(NamedTuple):
    """What came of a command to a car.

    Attributes:
        outcome: `done`, `retry_later`, `refused`, `needs_owner`, or `failed`.
        reason: Why, or what else there is to explain; None where it is simply done.
        may_have_succeeded: Whether the car may have carried it out although that is not known.
    """

    outcome: Outcome
    reason: str | None
    may_have_succeeded: bool = False


ASLEEP: Final = "the car is asleep or out of reach"

_ALREADY: Final = "it is so already"
_REASONS: Final[dict[str, tuple[Outcome, str]]] = {
    "already_set": (Outcome.DONE, _ALREADY),
    "requested": (Outcome.DONE, "it was asked for already"),
    "already_standard": (Outcome.DONE, _ALREADY),
    "already closed": (Outcome.DONE, _ALREADY),
    "not_charging": (Outcome.DONE, "the car does not charge"),
    "could_not_wake_buses": (Outcome.RETRY_LATER, "the car has just been woken, or two commands came at once"),
    "disconnected": (Outcome.RETRY_LATER, "no cable is plugged in"),
    "charging": (Outcome.REFUSED, "not while the car charges"),
    "is_charging": (Outcome.REFUSED, "not while the car charges"),
    "complete": (Outcome.REFUSED, "the battery is at its limit"),
    "not_supported": (Outcome.REFUSED, "the car does not support it"),
    "invalid_value": (Outcome.REFUSED, "the car does not take this value"),
    "car_wash": (Outcome.REFUSED, "the car is in car wash mode"),
    "low_power_mode_enforced": (Outcome.REFUSED, "the car is in low power mode"),
    "pre_delivery": (Outcome.REFUSED, "the car has not been delivered"),
    "unsigned_cmds_hardlocked": (Outcome.NEEDS_OWNER, "the car takes signed commands only"),
}
"""Reason → outcome and its meaning (Q85). Any other reason is a refusal."""

_OF_START: Final = {
    "is_charging": (Outcome.DONE, "it charges already"),
    "complete": (Outcome.DONE, "it is at its limit"),
}
"""The reasons that mean that a start is done."""

_PREFIXES: Final = ("car could not execute command: ", "vcsec could not execute command: ")
"""What the proxy puts before a reason (Q89)."""

_ERRORS: Final[tuple[tuple[str, Outcome, str], ...]] = (
    ("vehicle unavailable", Outcome.RETRY_LATER, ASLEEP),
    ("vehicle is offline or asleep", Outcome.RETRY_LATER, ASLEEP),
    ("vehicle busy", Outcome.RETRY_LATER, "the car is busy, or just waking"),
    ("public key has not been paired", Outcome.NEEDS_OWNER, "the application's virtual key is not on the car"),
    ("Tesla Vehicle Command Protocol required", Outcome.NEEDS_OWNER, "the car takes signed commands only"),
)
"""Words in the error of any status → outcome and meaning. None of these commands was carried out (Q86, Q88, Q90)."""

_STATUSES: Final[dict[int, tuple[Outcome, str]]] = {
    401: (Outcome.NEEDS_OWNER, "not logged in"),
    402: (Outcome.NEEDS_OWNER, "payment required"),
    403: (Outcome.NEEDS_OWNER, "forbidden"),
    408: (Outcome.RETRY_LATER, ASLEEP),
    421: (Outcome.NEEDS_OWNER, "the account is in another region"),
    424: (Outcome.RETRY_LATER, "Tesla's answer cannot be used"),
    429: (Outcome.RETRY_LATER, "too many requests"),
    499: (Outcome.RETRY_LATER, "the server gave up"),
    503: (Outcome.RETRY_LATER, "not available now"),
}
"""Status → outcome. Any other 4xx is a refusal; after another 5xx the command may have been carried out (Q90)."""


def judge_car(endpoint: str, status: int | None, body: bytes, charging_state: str | None = None) -> CarResult:
    """The meaning of one answer.

    Args:
        endpoint: The command, as the path has it.
        status: HTTP status; None, or 0 as the raw archive has it, where no answer came.
        body: The body.
        charging_state: What the car showed afterwards; None where that is not known.
    """
    if not status:
        return CarResult(Outcome.FAILED, NO_ANSWER, may_have_succeeded=True)
    payload = _payload(body)
    error = str(payload.get("error") or "")
    if not 200 <= status < 300 or error:
        return _of_error(status, error, str(payload.get("error_description") or ""))
    response = payload.get("response")
    facts = response if isinstance(response, Mapping) else {}
    if facts.get("result") is True:
        return CarResult(Outcome.DONE, None)
    if facts.get("result") is False:
        return _of_reason(endpoint, str(facts.get("reason") or facts.get("string") or ""), charging_state)
    return CarResult(Outcome.FAILED, "the answer has no meaning that is described", may_have_succeeded=True)


def result_of_car(endpoint: str, answers: Sequence[tuple[int, bytes]], charging_state: str | None) -> CarResult:
    """What came of a command, by all answers in order of time: no further call is made after one that is not done.

    Args:
        endpoint: The command, as the path has it.
        answers: Status and body of each.
        charging_state: What the car showed afterwards; None where that is not known.
    """
    if not answers:
        return CarResult(Outcome.FAILED, "the run ended before an answer was stored", may_have_succeeded=True)
    return judge_car(endpoint, *answers[-1], charging_state)


NOT_WOKEN: Final = CarResult(Outcome.RETRY_LATER, "the car did not wake; the command was not sent")
"""What came of a command that was given up before it was sent (Q93)."""


def _of_error(status: int, error: str, description: str) -> CarResult:
    text = f"status {status}: {description or error or 'no explanation'}"
    for words, outcome, meaning in _ERRORS:
        if words.lower() in error.lower():
            return CarResult(outcome, _shortened(f"{meaning} ({text})"))
    if status in _STATUSES:
        outcome, meaning = _STATUSES[status]
        return CarResult(outcome, _shortened(f"{meaning} ({text})"))
    if status >= 500:
        return CarResult(Outcome.FAILED, _shortened(text), may_have_succeeded=True)
    return CarResult(Outcome.REFUSED, _shortened(text))


def _of_reason(endpoint: str, reason: str, charging_state: str | None) -> CarResult:
    for prefix in _PREFIXES:
        reason = reason.removeprefix(prefix)
    if not reason:
        return CarResult(Outcome.REFUSED, "the car gave no reason")
    outcome, meaning = _REASONS.get(reason, (Outcome.REFUSED, ""))
    if endpoint == "charge_start":
        outcome, meaning = _OF_START.get(reason, (outcome, meaning))
    if endpoint == "charge_stop" and reason == "complete":  # ambiguous: it has ended, or it cannot be ended (Q85)
        is_known = charging_state is not None
        outcome = (Outcome.REFUSED if charging_state == CHARGING else Outcome.DONE) if is_known else Outcome.RETRY_LATER
        meaning = "the charge is complete" if outcome is Outcome.DONE else "whether the charge has ended is not known"
    return CarResult(outcome, _shortened(f"{meaning} ({reason})" if meaning else reason))


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        found = read(body)
    except UnreadableJson:
        return {}
    return found if isinstance(found, Mapping) else {}


def _shortened(text: str) -> str:
    return text[:LONGEST_REASON]
