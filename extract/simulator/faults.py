"""Faults as data: what may happen to an answer, and the plan that decides which request meets which.

    Fault
    ├── Latency            the answer comes late
    ├── ErrorAnswer        another status instead of the answer
    ├── HtmlAnswer         status 200 with a web page
    ├── EmptyAnswer        status 200 with one of the six spellings of nothing (Q23)
    ├── SlowBody           the answer in pieces, with pauses
    ├── TruncatedBody      less than the answer, with or without a length that admits it
    └── ConnectionReset    the connection is torn down before or within the answer

A plan is a pure value. Started, it becomes a `FaultScript`, which counts requests; what a script decides depends on the
seed, on the request, and on how many went before it. Nothing here touches a socket: `fault_injector` does.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from urllib.parse import parse_qsl


class EmptySpelling(StrEnum):
    """How the API says that there is nothing. Source: fact 8, Q23."""

    NULL = "null"
    EMPTY_STRING = "empty_string"
    OTHER_STRING = "other_string"
    WITHOUT_SERIES = "without_series"
    NULL_SERIES = "null_series"
    NO_ROWS = "no_rows"


@dataclass(frozen=True, slots=True)
class Fault:
    """Anything that may happen to an answer."""


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """The answer comes `delay_s` late; other faults may follow."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class ErrorAnswer(Fault):
    """An error envelope instead of the answer.

    Attributes:
        status: HTTP status.
        error: `error` of the envelope; None sends no body at all.
        headers: Further headers, lower case.
    """

    status: int
    error: str | None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HtmlAnswer(Fault):
    """A proxy's page with status 200 (API.md §1.7, "200 non-JSON")."""


@dataclass(frozen=True, slots=True)
class EmptyAnswer(Fault):
    """The answer without its rows."""

    spelling: EmptySpelling


@dataclass(frozen=True, slots=True)
class SlowBody(Fault):
    """The answer in `pieces` parts, with `pause_s` before each."""

    pieces: int = 4
    pause_s: float = 0.05


@dataclass(frozen=True, slots=True)
class TruncatedBody(Fault):
    """The first `share` of the body.

    Attributes:
        share: From 0 to 1.
        is_length_whole: The length announced is that of the whole body, and the connection closes; otherwise that of the
            part, so that only the JSON is broken.
    """

    share: float = 0.5
    is_length_whole: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionReset(Fault):
    """The peer is gone: a reset (RST), not an orderly end.

    Attributes:
        share: How much of the body comes before it; None resets before the status line.
    """

    share: float | None = None


TIMED_OUT = ErrorAnswer(408, "Error incomplete data")
UPSTREAM_INVALID = ErrorAnswer(424, "invalid_response")
INTERNAL_ERROR = ErrorAnswer(500, "upstream internal error")
UNAVAILABLE = ErrorAnswer(503, "service unavailable")
GATEWAY_TIMEOUT = ErrorAnswer(504, "gateway timeout")
EXPIRED_TOKEN = ErrorAnswer(401, "token expired (401)")
EXPIRED_WITHOUT_BODY = ErrorAnswer(401, None)
SUBSCRIPTION_REQUIRED = ErrorAnswer(402, "subscription_required")
INSUFFICIENT_CREDITS = ErrorAnswer(402, "insufficient_credits")
MISSING_SCOPES = ErrorAnswer(403, "Unauthorized missing scopes")
OWNER_API_CLOSED = ErrorAnswer(403, "forbidden, see https://developer.tesla.com/docs/fleet-api")
WRONG_REGION = ErrorAnswer(421, "user out of region")
HISTORY_RETIRED = ErrorAnswer(410, "No longer supported: use 'calendar_history' instead")
"""The answers of API.md §1.7 that clients have reported."""


def too_many_requests(retry_after_s: int) -> ErrorAnswer:
    """429 with the seconds to wait. Source: Q28."""
    return ErrorAnswer(429, "Too Many Requests", (("retry-after", str(retry_after_s)),))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as a plan sees it."""

    method: str
    path: str
    query: str = ""

    @property
    def params(self) -> Mapping[str, str]:
        """Query parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Where:
    """Which requests a rule is about; what is None or empty matches all.

    Attributes:
        path: Contained in the path: `calendar_history`, `/energy_sites/123/`, `/oauth2/v3/token`.
        kind: Parameter `kind`.
        period: Parameter `period`.
    """

    path: str = "/api/1/"
    kind: str | None = None
    period: str | None = None

    def matches(self, arrival: Arrival) -> bool:
        """The request is one of those."""
        if self.path not in arrival.path:
            return False
        if self.kind is None and self.period is None:
            return True
        params = arrival.params
        return self.kind in {None, params.get("kind")} and self.period in {None, params.get("period")}


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault happens. Every condition must hold.

    Attributes:
        fault: What happens.
        where: To which requests; only those are counted.
        first: From the first-th of them on, counting from 1.
        last: Up to the last-th; None without end.
        every: Only each every-th of these.
        probability: Drawn from the seed, the request, and how often it was asked; not from the order in which different
            requests come, so that threads do not change what happens.
        asks: Only when the very same request is asked for the first `asks` times, so that a patient client gets through;
            None for ever.
    """

    fault: Fault
    where: Where = Where()
    first: int = 1
    last: int | None = None
    every: int = 1
    probability: float = 1.0
    asks: int | None = None

    def is_due(self, count: int, ask: int) -> bool:
        """The conditions on numbers hold: the count-th matching request, asked for the ask-th time."""
        in_range = self.first <= count and (self.last is None or count <= self.last)
        return in_range and (count - self.first) % self.every == 0 and (self.asks is None or ask <= self.asks)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Rules and the seed that their probabilities are drawn with. Of faults that replace the answer, the first wins."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def start(self) -> "FaultScript":
        """A script that has seen no request yet."""
        return FaultScript(self)


@dataclass(slots=True)
class FaultScript:
    """A plan at work. Safe to ask from several threads."""

    plan: FaultPlan
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _matched: Counter[int] = field(default_factory=Counter, repr=False)
    _asks: Counter[Arrival] = field(default_factory=Counter, repr=False)

    def decide(self, arrival: Arrival) -> tuple[Fault, ...]:
        """What this request meets: every `Latency` that is due, then the first other fault that is due."""
        if not self.plan.rules:
            return ()
        with self._lock:
            self._asks[arrival] += 1
            ask = self._asks[arrival]
            due = [rule.fault for index, rule in enumerate(self.plan.rules) if self._is_due(index, rule, arrival, ask)]
        delays = [each for each in due if isinstance(each, Latency)]
        others = [each for each in due if not isinstance(each, Latency)]
        return (*delays, *others[:1])

    def _is_due(self, index: int, rule: Rule, arrival: Arrival, ask: int) -> bool:
        if not rule.where.matches(arrival):
            return False
        self._matched[index] += 1
        if not rule.is_due(self._matched[index], ask):
            return False
        return rule.probability >= 1 or _draw(self.plan.seed, index, arrival, ask) < rule.probability


def _draw(seed: int, index: int, arrival: Arrival, ask: int) -> float:
    """A number in [0, 1) that these arguments determine."""
    text = f"{seed}|{index}|{arrival.method}|{arrival.path}|{arrival.query}|{ask}"
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / 2**56
