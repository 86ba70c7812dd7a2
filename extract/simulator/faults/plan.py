"""Faults as data: what can happen to a response, and the plan that decides which requests are affected.

    Fault
    ├── Latency            the response is delayed
    ├── ErrorResponse      an error status instead of the response
    ├── HtmlResponse       status 200 with a web page
    ├── EmptyResponse      status 200 in one of the six forms without data (Q23)
    ├── SlowBody           the body in pieces, with pauses
    ├── TruncatedBody      a part of the body, with the length of the part or of the whole
    └── ConnectionReset    the connection is reset before or within the response

A plan is a pure value. `FaultPlan.start` returns a `FaultScript`, which counts requests; its decisions depend on the seed,
the request, and the requests before. `injector` carries them out on the connection.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from urllib.parse import parse_qsl


class EmptyForm(StrEnum):
    """Form of a response without data. Source: Q23."""

    NULL = "null"
    EMPTY_STRING = "empty_string"
    OTHER_STRING = "other_string"
    WITHOUT_SERIES = "without_series"
    NULL_SERIES = "null_series"
    NO_ROWS = "no_rows"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can happen to a response."""


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """The response is delayed by `delay_s`; other faults may follow."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class ErrorResponse(Fault):
    """An error envelope instead of the response.

    Attributes:
        status: HTTP status.
        error: `error` of the envelope; None sends no body.
        headers: Further headers, lower case.
    """

    status: int
    error: str | None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HtmlResponse(Fault):
    """The web page of a proxy, with status 200 (API.md#status-codes, "200 non-JSON")."""


@dataclass(frozen=True, slots=True)
class EmptyResponse(Fault):
    """The response without its rows."""

    form: EmptyForm


@dataclass(frozen=True, slots=True)
class SlowBody(Fault):
    """The body in `pieces` parts, with `pause_s` before each."""

    pieces: int = 4
    pause_s: float = 0.05


@dataclass(frozen=True, slots=True)
class TruncatedBody(Fault):
    """The first `share` of the body.

    Attributes:
        share: From 0 to 1.
        is_length_whole: Content-Length is that of the whole body, and the connection closes. Otherwise it is that of the
            part, so that only the JSON is invalid.
    """

    share: float = 0.5
    is_length_whole: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionReset(Fault):
    """The connection ends with a reset (RST) instead of a regular close.

    Attributes:
        share: Share of the body that is sent before; None resets before the status line.
    """

    share: float | None = None


TIMED_OUT = ErrorResponse(408, "Error incomplete data")
UPSTREAM_INVALID = ErrorResponse(424, "invalid_response")
INTERNAL_ERROR = ErrorResponse(500, "upstream internal error")
UNAVAILABLE = ErrorResponse(503, "service unavailable")
GATEWAY_TIMEOUT = ErrorResponse(504, "gateway timeout")
EXPIRED_TOKEN = ErrorResponse(401, "token expired (401)")
EXPIRED_WITHOUT_BODY = ErrorResponse(401, None)
SUBSCRIPTION_REQUIRED = ErrorResponse(402, "subscription_required")
INSUFFICIENT_CREDITS = ErrorResponse(402, "insufficient_credits")
MISSING_SCOPES = ErrorResponse(403, "Unauthorized missing scopes")
OWNER_API_CLOSED = ErrorResponse(403, "forbidden, see https://developer.tesla.com/docs/fleet-api")
WRONG_REGION = ErrorResponse(421, "user out of region")
HISTORY_RETIRED = ErrorResponse(410, "No longer supported: use 'calendar_history' instead")
"""Error responses that clients have reported. Source: API.md#status-codes."""


def too_many_requests(retry_after_s: int) -> ErrorResponse:
    """429 with the seconds to wait. Source: Q28."""
    return ErrorResponse(429, "Too Many Requests", (("retry-after", str(retry_after_s)),))


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """The part of a request on which a plan decides."""

    method: str
    path: str
    query: str = ""

    @property
    def params(self) -> Mapping[str, str]:
        """Query parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Where:
    """Which requests a rule applies to; None and an empty text match all.

    Attributes:
        path: Text that the path contains, such as `calendar_history`, `/energy_sites/123/`, `/oauth2/v3/token`.
        kind: Parameter `kind`.
        period: Parameter `period`.
    """

    path: str = "/api/1/"
    kind: str | None = None
    period: str | None = None

    def matches(self, request: IncomingRequest) -> bool:
        """Whether the rule applies to a request."""
        if self.path not in request.path:
            return False
        if self.kind is None and self.period is None:
            return True
        params = request.params
        return self.kind in {None, params.get("kind")} and self.period in {None, params.get("period")}


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault happens. All conditions must hold.

    Attributes:
        fault: What happens.
        where: Which requests are affected; only these are counted.
        first: Number of the first affected request, from 1.
        last: Number of the last affected request; None: no last one.
        every: Of the requests from first to last, every n-th is affected.
        probability: Probability of the fault. The draw depends on the seed, the request, and the number of identical requests
            before, and not on the order of different requests; so threads do not change the result.
        attempts: Only the first n identical requests are affected, so that a client that tries again succeeds; None: all.
    """

    fault: Fault
    where: Where = Where()
    first: int = 1
    last: int | None = None
    every: int = 1
    probability: float = 1.0
    attempts: int | None = None

    def is_due(self, count: int, attempt: int) -> bool:
        """Whether the conditions on numbers hold.

        Args:
            count: Number of the request among those that match `where`, from 1.
            attempt: Number of the request among identical ones, from 1.
        """
        in_range = self.first <= count and (self.last is None or count <= self.last)
        return (
            in_range and (count - self.first) % self.every == 0 and (self.attempts is None or attempt <= self.attempts)
        )


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Rules, and the seed of their draws. If several faults would replace a response, the first rule decides."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def start(self) -> "FaultScript":
        """A script with all counts at zero."""
        return FaultScript(self)


@dataclass(slots=True)
class FaultScript:
    """A plan with its counts of requests. Safe for several threads."""

    plan: FaultPlan
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _matched: Counter[int] = field(default_factory=Counter, repr=False)
    _attempts: Counter[IncomingRequest] = field(default_factory=Counter, repr=False)

    def decide(self, request: IncomingRequest) -> tuple[Fault, ...]:
        """Faults of a request: every `Latency` that is due, then the first other fault that is due."""
        if not self.plan.rules:
            return ()
        with self._lock:
            self._attempts[request] += 1
            attempt = self._attempts[request]
            due = [
                rule.fault for index, rule in enumerate(self.plan.rules) if self._is_due(index, rule, request, attempt)
            ]
        delays = [fault for fault in due if isinstance(fault, Latency)]
        others = [fault for fault in due if not isinstance(fault, Latency)]
        return (*delays, *others[:1])

    def _is_due(self, index: int, rule: Rule, request: IncomingRequest, attempt: int) -> bool:
        if not rule.where.matches(request):
            return False
        self._matched[index] += 1
        if not rule.is_due(self._matched[index], attempt):
            return False
        return rule.probability >= 1 or _draw(self.plan.seed, index, request, attempt) < rule.probability


def _draw(seed: int, index: int, request: IncomingRequest, attempt: int) -> float:
    """A number in [0, 1) that depends only on the arguments."""
    text = f"{seed}|{index}|{request.method}|{request.path}|{request.query}|{attempt}"
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / 2**56
