"""What the answer to a command means: one table (Q53, Q62).

Success has six spellings, all with status 200, and a failure may come with status 200 as well. So an answer is accepted if it
has no sign of failure. Accepted means that the request was stored, not that the site follows it.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from wattlog.api_json import UnreadableJson, read
from wattlog.statuses import Action, action_for


class Verdict(StrEnum):
    """What an answer means; the outcome of its record in the raw archive."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Whether the request was stored is not known: only reading the site decides."""


class Judgement(NamedTuple):
    """The verdict on an answer, and the reason for it; empty where it is accepted."""

    verdict: Verdict
    reason: str = ""


NO_ANSWER: Final = "no answer came"
LONGEST_REASON: Final = 200


def judge(status: int | None, body: bytes) -> Judgement:
    """The meaning of an answer.

    Args:
        status: HTTP status; None, or 0 as the raw archive has it, where no answer came.
        body: The body.
    """
    if not status:
        return Judgement(Verdict.UNKNOWN, NO_ANSWER)
    payload = _payload(body)
    if not 200 <= status < 300:
        # A gateway that failed may have passed the request on; a limit or a refusal has not.
        verdict = Verdict.UNKNOWN if action_for(status) is Action.RETRY else Verdict.REJECTED
        return Judgement(verdict, _shortened(f"status {status}: {_error(payload) or 'no explanation'}"))
    for sign in _SIGNS_OF_FAILURE:
        reason = sign(payload)
        if reason is not None:
            return Judgement(Verdict.REJECTED, _shortened(reason or "no explanation"))
    if (status != 200 and not body.strip()) or _is_acceptance(payload):
        return Judgement(Verdict.ACCEPTED)
    return Judgement(Verdict.UNKNOWN, "the answer has no meaning that is described")


def _is_acceptance(payload: Any) -> bool:
    """An object or a text in `response`, an empty one included."""
    return isinstance(payload, Mapping) and isinstance(payload.get("response"), Mapping | str)


def _error(payload: Any) -> str | None:
    """The error of an envelope: a text that is not empty; None without one."""
    if not isinstance(payload, Mapping) or not payload.get("error"):
        return None
    return str(payload.get("error_description") or payload["error"])


def _code(payload: Any) -> str | None:
    """The message of a code of 400 or more, in either spelling."""
    for name in ("code", "Code"):
        code = _of_response(payload, name)
        if isinstance(code, int | float) and not isinstance(code, bool) and code >= 400:
            message = _of_response(payload, "message") or _of_response(payload, "Message") or ""
            return f"code {code:g}: {message}" if message else f"code {code:g}"
    return None


def _result(payload: Any) -> str | None:
    """The reason of a result that is false."""
    return str(_of_response(payload, "reason") or "") if _of_response(payload, "result") is False else None


_SIGNS_OF_FAILURE: Final[tuple[Callable[[Any], str | None], ...]] = (_error, _code, _result)
"""Each gives the reason where its sign is in an answer, else None."""


def _of_response(payload: Any, name: str) -> Any:
    response = payload.get("response") if isinstance(payload, Mapping) else None
    return response.get(name) if isinstance(response, Mapping) else None


def _payload(body: bytes) -> Any:
    try:
        return read(body)
    except UnreadableJson:
        return None


def _shortened(text: str) -> str:
    return text[:LONGEST_REASON]
