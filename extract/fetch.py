"""Ask until there is an answer: pace, keep, judge, retry. The one place that retries.

Every exchange is in the raw archive before it is judged, the failed ones too. What a status means is a table, not code.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from extract.archive import Entry, Exchange, RawArchive
from extract.client import Client
from extract.errors import (
    AuthExpired,
    BudgetSpent,
    ContractChanged,
    EndpointRetired,
    ExtractError,
    Fatal,
    MissingScope,
    PaymentRequired,
    RateLimited,
    Refused,
    Retryable,
    RunStopped,
    TransportFailed,
    UpstreamFailed,
    WrongRegion,
    WrongWindow,
)
from extract.pace import Pace
from extract.regions import REGION, residence
from extract.series import Request


class Action(StrEnum):
    """What an answer asks of us."""

    USE = "use"
    RETRY = "retry"
    SLOW_DOWN = "slow down"
    LOG_IN = "log in"
    MOVE = "ask another region"
    PAY = "pay"
    WIDEN_SCOPE = "widen the scope"
    GIVE_UP_ENDPOINT = "give up the endpoint"
    GIVE_UP_REQUEST = "give up the request"


ACTIONS: Final[dict[int, Action]] = {
    200: Action.USE,
    401: Action.LOG_IN,
    402: Action.PAY,
    403: Action.WIDEN_SCOPE,
    408: Action.RETRY,
    410: Action.GIVE_UP_ENDPOINT,
    421: Action.MOVE,
    424: Action.RETRY,
    429: Action.SLOW_DOWN,
    499: Action.RETRY,
}
"""Status → action, API.md §1.7. Any 5xx is retried, any other status gives up the request."""

FATAL: Final[dict[Action, type[Fatal]]] = {
    Action.LOG_IN: AuthExpired,
    Action.MOVE: WrongRegion,
    Action.PAY: PaymentRequired,
    Action.WIDEN_SCOPE: MissingScope,
    Action.GIVE_UP_ENDPOINT: EndpointRetired,
}

HTTP_TOO_MANY_REQUESTS = 429

MAX_ATTEMPTS = 5
BACK_OFF_S = 1.0
"""First pause; doubled each time, and drawn at random between half and all of it so that workers do not march in step."""
MAX_PAUSE_S = 60.0


def action_for(status: int) -> Action:
    """What to do about an HTTP status."""
    default = Action.RETRY if status >= 500 else Action.GIVE_UP_REQUEST
    return ACTIONS.get(status, default)


def judge(exchange: Exchange) -> ExtractError | None:
    """The error an exchange stands for; None when it answers the question."""
    what = exchange.request.what
    if exchange.status is None:
        return TransportFailed(what, exchange.body.decode(errors="replace")[:200])
    action, detail = action_for(exchange.status), _error_text(exchange.body)
    if action is Action.USE:
        return _judge_body(exchange)
    if action is Action.RETRY:
        return UpstreamFailed(what, exchange.status, detail)
    if action is Action.SLOW_DOWN:
        return RateLimited(what, _retry_after_s(exchange))
    return FATAL[action](what, detail) if action in FATAL else Refused(what, detail, exchange.status)


def _judge_body(exchange: Exchange) -> ExtractError | None:
    if exchange.outcome == "not_json":
        return UpstreamFailed(exchange.request.what, 200, "the body is not JSON")
    if exchange.outcome == "contract":
        return ContractChanged(exchange.request.what, "a time series", exchange.body[:80].decode(errors="replace"))
    if exchange.outcome == "wrong_window":
        return WrongWindow(exchange.request.what, exchange.request.days)
    return None


def _error_text(body: bytes) -> str:
    """The API's own words for an error, shortened; the envelope is API.md §1.0's."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "no explanation"
    if not isinstance(payload, dict):
        return "no explanation"
    text = payload.get("error_description") or payload.get("error") or "no explanation"
    return str(text)[:200]


def _retry_after_s(exchange: Exchange) -> float | None:
    try:
        return float(exchange.headers["retry-after"])
    except (KeyError, ValueError):
        return None


class Budget:
    """A hard cap on the requests of a run, retries included; shared by all threads."""

    def __init__(self, requests: int | None) -> None:
        self._left = requests
        self._lock = threading.Lock()
        self._spent = 0

    @property
    def spent(self) -> int:
        """Requests spent so far."""
        return self._spent

    def spend(self) -> None:
        """Count one request.

        Raises:
            BudgetSpent: None is left.
        """
        with self._lock:
            if self._left is not None and self._spent >= self._left:
                raise BudgetSpent(self._left)
            self._spent += 1


@dataclass(slots=True)
class Fetcher:
    """Turns requests into kept answers.

    Attributes:
        client: Asks once.
        archive: Keeps every exchange.
        pace: Holds requests back to the provider's limit.
        budget: Caps the requests of the run.
        run_id: Recorded with each exchange.
        provider: Recorded with each exchange.
        renew: Sees to another token than the one refused; False when there is none.
        neighbours: Addresses of other regions, for accounts whose region the first address does not name.
        is_stopped: Whether the run may not ask any further.
        sleep: Waits, or returns early when the run is stopped; tests replace it.
        jitter: Draws from [0, 1); tests replace it.
    """

    client: Client
    archive: RawArchive
    pace: Pace
    budget: Budget
    run_id: str
    provider: str
    renew: Callable[[str], bool] = lambda _: False
    neighbours: tuple[str, ...] = ()
    is_stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)
    _moving: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def fetch(self, request: Request) -> Entry:
        """Ask, again where that may help, until there is an answer; return its place in the archive.

        Raises:
            Retryable: `MAX_ATTEMPTS` attempts gave no answer.
            Fatal: Asking again changes nothing.
            ContractChanged: The answer has a shape that nobody has described.
            WrongWindow: The answer is about other days.
            ArchiveError: The answer cannot be kept.
            BudgetSpent: The run may not ask any more.
            RunStopped: The run was stopped while this request waited for its turn.
        """
        retrying = Retrying(
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=self._pause_s,
            retry=retry_if_exception_type(Retryable),
            sleep=self._rest,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                return self._ask(request, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity re-raises the last error")

    def _ask(self, request: Request, attempt: int, healed: frozenset[type[ExtractError]] = frozenset()) -> Entry:
        """Ask once; once more when the token was renewed, and once more when the account turned out to live elsewhere."""
        self._await_turn()
        # Not sooner: a token may end while the request awaits its turn.
        token, address = self.client.token(), self.client.base_url
        entry, exchange = self._exchange(request, token, attempt)
        error = judge(exchange)
        if error is None:
            return entry
        kind = type(error)
        if kind not in healed and self._heal(kind, token, address, attempt):
            return self._ask(request, attempt, healed | {kind})
        raise error

    def _await_turn(self) -> None:
        self.pace.wait()
        if self.is_stopped():
            raise RunStopped

    def _exchange(self, request: Request, token: str, attempt: int) -> tuple[Entry, Exchange]:
        self.budget.spend()
        exchange = self.client.send(request, token=token, attempt=attempt)
        # Before the disk has it, which may be slow: what the others send meanwhile is refused, too, and billed.
        if exchange.status == HTTP_TOO_MANY_REQUESTS:
            self.pace.slow_down(_retry_after_s(exchange) or self._back_off_s(attempt))
        return self.archive.keep(exchange, run_id=self.run_id, provider=self.provider), exchange

    def _heal(self, kind: type[ExtractError], token: str, address: str, attempt: int) -> bool:
        """Whether asking again may go better: with another token (401), or at another address (421)."""
        if kind is AuthExpired:
            return self.renew(token)
        return kind is WrongRegion and self._move(token, address, attempt)

    def _move(self, token: str, address: str, attempt: int) -> bool:
        """Ask where the account lives, of the address that refused it and then of its neighbours, and go there."""
        with self._moving:
            if self.client.base_url != address:
                return True
            for asked in (address, *self.neighbours):
                self._await_turn()
                self.client.move(asked)
                _, exchange = self._exchange(REGION, token, attempt)
                home = residence(exchange).base_url if exchange.status == 200 else None
                if home is not None and home != address:
                    self.client.move(home)
                    return True
            self.client.move(address)
            return False

    def _rest(self, seconds: float) -> None:
        self.sleep(seconds)

    def _pause_s(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt; after a 429 the pace holds everybody back, this caller with them."""
        error = state.outcome.exception() if state.outcome is not None else None
        return 0.0 if isinstance(error, RateLimited) else self._back_off_s(state.attempt_number)

    def _back_off_s(self, attempt: int) -> float:
        pause = min(MAX_PAUSE_S, BACK_OFF_S * 2.0 ** (attempt - 1))
        return pause * (0.5 + 0.5 * self.jitter())
