"""From the answers and the settings that were read back to the outcome of a command (Q64, Q66).

The run that sends a command and the table `commands` use the same function, so a rebuild gives what the run printed.
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from wattlog.commands.answers import Judgement, Verdict
from wattlog.commands.settings import SettingSpec


class Outcome(StrEnum):
    """The outcome of a command, as table `commands` has it."""

    APPLIED = "applied"
    """site_info shows the value that was asked for."""
    ACCEPTED_UNCONFIRMED = "accepted_unconfirmed"
    """Accepted; site_info shows another value, or was not read."""
    ACCEPTED_ABSENT = "accepted_absent"
    """Accepted; site_info does not have the field."""
    REJECTED = "rejected"
    """Refused, so nothing was changed."""
    FAILED = "failed"
    """No answer that says whether it was accepted, and site_info does not show the value."""
    DONE = "done"
    """Of a car: it has carried out the command, or it is so already."""
    RETRY_LATER = "retry_later"
    """Of a car: not carried out; the same command may succeed later."""
    REFUSED = "refused"
    """Of a car: not carried out, and not possible in its state."""
    NEEDS_OWNER = "needs_owner"
    """Of a car: not carried out, until the owner does something."""


UNCONFIRMED: Final = frozenset({Outcome.ACCEPTED_UNCONFIRMED, Outcome.ACCEPTED_ABSENT, Outcome.FAILED})
"""Outcomes after which the change may have been made, and is not confirmed."""

IsSame = Callable[[str, str], bool]
"""(asked, shown): whether two values are the same, as people write them."""


class Result(NamedTuple):
    """What came of a command.

    Attributes:
        outcome: The outcome.
        value_after: The value that was read back last; None where the field was absent or nothing was read.
        reason: Why it is not applied, or how that is known without an answer; None where there is nothing to explain.
    """

    outcome: Outcome
    value_after: str | None
    reason: str | None


def is_decided(spec: SettingSpec, asked: str, shown: str | None, before: str | None, is_same: IsSame) -> bool:
    """Whether reading again cannot give another outcome than what was read now."""
    value = _read(spec, shown, before)
    if value is None:
        return asked in spec.absent_after or asked == spec.absent_is
    return is_same(asked, value)


def result_of(
    spec: SettingSpec,
    asked: str,
    before: str | None,
    judgements: Collection[Judgement],
    shown: Sequence[str | None],
    is_same: IsSame = str.__eq__,
) -> Result:
    """The outcome of a command. The order of the answers has no effect.

    Args:
        spec: The setting.
        asked: The value that was asked for, as people write it.
        before: The value that site_info showed before; None where it had none.
        judgements: What the answers mean; none where the run ended before the first one was stored.
        shown: The values that site_info showed afterwards, in order of time; None where it had none.
        is_same: Compares the value asked with one shown.
    """
    values = [_read(spec, value, before) for value in shown]
    after = values[-1] if values else None
    answer = _answer(judgements)
    for value in values:
        if answer.verdict is not Verdict.REJECTED and value is not None and is_same(asked, value):
            reason = None if answer.verdict is Verdict.ACCEPTED else f"{answer.reason}, but site_info shows the value"
            return Result(Outcome.APPLIED, value, reason)
    if answer.verdict is Verdict.REJECTED:
        return Result(Outcome.REJECTED, after, answer.reason)
    if answer.verdict is Verdict.UNKNOWN:
        return Result(Outcome.FAILED, after, answer.reason)
    if not shown:
        return Result(Outcome.ACCEPTED_UNCONFIRMED, None, "it was not read back")
    if after is None:
        return Result(Outcome.ACCEPTED_ABSENT, None, "site_info does not have the setting")
    return Result(Outcome.ACCEPTED_UNCONFIRMED, after, _still(after, before))


def _still(after: str, before: str | None) -> str:
    return f"site_info still shows {after}" if after == before else f"site_info shows {after}"


def _read(spec: SettingSpec, shown: str | None, before: str | None) -> str | None:
    """What was read: a field that was there and has gone stands for its absent value (Q54)."""
    return spec.absent_is if shown is None and before is not None else shown


def _answer(judgements: Collection[Judgement]) -> Judgement:
    """What all answers mean together.

    No request is sent after an accepted one. A refusal says nothing about the attempt before it: where that one's answer was
    lost, it may have been carried out (Q66).
    """
    of_verdict = {
        verdict: sorted(judgement.reason for judgement in judgements if judgement.verdict is verdict)
        for verdict in Verdict
    }
    accepted, rejected, unknown = (
        of_verdict[verdict] for verdict in (Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNKNOWN)
    )
    if accepted:
        return Judgement(Verdict.ACCEPTED)
    if unknown:
        refused = f"; another attempt was refused: {rejected[-1]}" if rejected else ""
        return Judgement(Verdict.UNKNOWN, f"{unknown[-1]}{refused}")
    if rejected:
        return Judgement(Verdict.REJECTED, rejected[-1])
    return Judgement(Verdict.UNKNOWN, "the run ended before an answer was stored")
