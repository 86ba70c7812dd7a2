"""Send a request until it is answered: wait for the rate limit, send, keep, judge, retry. No other module retries.

Every response is in the raw archive before it is judged, failures included. What a status means is a table, `wattlog.statuses`.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from extract.api.client import Client
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.api.regions import REGION, account_region
from extract.archive.personal_data import MASK
from extract.archive.raw_archive import IndexEntry, Response
from extract.errors import (
    AuthExpired,
    CarAsleep,
    ContractChanged,
    EndpointRetired,
    ExtractError,
    Fatal,
    MissingCommandScope,
    MissingScope,
    MissingVehicleScope,
    PaymentRequired,
    RateLimited,
    Refused,
    Retryable,
    RunStopped,
    TransportFailed,
    UnreadableResponse,
    UpstreamFailed,
    WrongRegion,
    WrongWindow,
    in_words,
)
from extract.requests import Request
from wattlog.api_json import UnreadableJson, read
from wattlog.commands.schedule import is_late, retry_pause_s
from wattlog.providers import USERS_REGION
from wattlog.statuses import Action, action_for

log = logging.getLogger(__name__)


FATAL: Final[dict[Action, type[Fatal]]] = {
    Action.LOG_IN: AuthExpired,
    Action.MOVE: WrongRegion,
    Action.PAY: PaymentRequired,
    Action.WIDEN_SCOPE: MissingScope,
    Action.GIVE_UP_ENDPOINT: EndpointRetired,
}

HTTP_REQUEST_TIMEOUT = 408
"""Of a car: it sleeps, or is out of reach. It is charged for, and the next one would be, too (Q71, Q93)."""

HTTP_TOO_MANY_REQUESTS = 429

MAX_ATTEMPTS = 5
BACK_OFF_S = 1.0
"""First pause; doubled each time, and drawn at random from its upper half, so that workers do not retry at the same time."""
MAX_PAUSE_S = 60.0
MAX_RETRY_AFTER_S: Final = 300.0
"""The longest pause after a 429. Providers count requests by the minute; a longer pause is not waited for in a run."""


def judge(response: Response) -> ExtractError | None:
    """The error that a response stands for; None when it answers the request."""
    if response.status is None:
        return TransportFailed(response.request.what, response.body.decode(errors="replace")[:200])
    is_command = response.request.is_command
    if is_command and 200 <= response.status < 300:
        return None  # what it means is decided together with what is read back
    if response.status == HTTP_REQUEST_TIMEOUT and response.request.is_of_cars:
        return CarAsleep(response.request.what)
    action = action_for(response.status)
    return _judge_body(response) if action is Action.USE else _judge_status(response, action, is_command=is_command)


def _judge_status(response: Response, action: Action, *, is_command: bool) -> ExtractError:
    what, detail, status = response.request.what, _error_text(response.body), response.status or 0
    if action is Action.RETRY:
        return UpstreamFailed(what, status, detail)
    if action is Action.SLOW_DOWN:
        return RateLimited(what, _retry_after_s(response))
    if response.request.is_of_cars and action is Action.WIDEN_SCOPE:
        return MissingVehicleScope(what, detail)
    if is_command and action is Action.WIDEN_SCOPE:
        return MissingCommandScope(what, detail)
    return FATAL[action](what, detail) if action in FATAL else Refused(what, detail, status)


def _judge_body(response: Response) -> ExtractError | None:
    if response.outcome == "not_json":
        return UnreadableResponse(response.request.what, response.status or 0, _why_unreadable(response.body))
    if response.outcome == "contract":
        return ContractChanged(response.request.what, "a time series", response.body[:80].decode(errors="replace"))
    if response.outcome == "wrong_window":
        return WrongWindow(response.request.what, response.request.days)
    return None


def _why_unreadable(body: bytes) -> str:
    """Why a body that is kept cannot be read; in a body that could not be redacted, the reason is kept instead."""
    if body.startswith(MASK.encode()):
        return body.decode(errors="replace")
    try:
        read(body)
    except UnreadableJson as error:
        return f"the body is {error}"
    return "the body cannot be used"


def _error_text(body: bytes) -> str:
    """The API's text for an error, shortened; the envelope is in API.md#login."""
    try:
        payload = read(body)
    except UnreadableJson:
        return "no explanation"
    if not isinstance(payload, dict):
        return "no explanation"
    text = payload.get("error_description") or payload.get("error") or "no explanation"
    return str(text)[:200]


def _retry_after_s(response: Response) -> float | None:
    """The seconds that the server asks to wait; None where it names none. There may be more than anyone can wait."""
    try:
        seconds = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return seconds if seconds > 0 else None  # comparisons with NaN are false


class Keeps(Protocol):
    """Where responses go: the raw archive, or for some what takes its place."""

    def keep(self, response: Response, *, run_id: str, provider: str) -> IndexEntry: ...


@dataclass(slots=True)
class _Repeats:
    """When a command is sent again; see `wattlog.commands.schedule`.

    Attributes:
        seconds: Seconds that only grow.
        error: What the last answer stands for; None before the first one.
    """

    seconds: Callable[[], float]
    error: ExtractError | None = None
    _began_s: float | None = None

    def check(self) -> None:
        """Just before the request is sent: a repeat may have waited for the rate limit or for a token, and is too late then.

        Raises:
            ExtractError: The error of the last answer.
        """
        if self._began_s is None:
            self._began_s = self.seconds()
        elif self.error is not None and is_late(self._elapsed_s()):
            raise self.error

    def pause_s(self, state: RetryCallState) -> float | None:
        """How long to wait before the next attempt; None if there is none."""
        asked_s = self.error.retry_after_s if isinstance(self.error, RateLimited) else None
        return retry_pause_s(state.attempt_number, self._elapsed_s(), asked_s or 0.0)

    def _elapsed_s(self) -> float:
        return 0.0 if self._began_s is None else self.seconds() - self._began_s


@dataclass(slots=True)
class Fetcher:
    """Sends requests, and keeps their responses.

    Attributes:
        client: Sends a request once.
        archive: Keeps every response.
        rate_limiter: Delays requests to keep the provider's limit.
        budget: The most requests of the run.
        run_id: Recorded with each response.
        provider: Recorded with each response.
        renew: Replaces a refused token; returns whether there is another.
        other_regions: Addresses of other regions, used if the first address does not name the account's.
        is_movable: Whether another region's address may take the place of the client's; never that of a signing proxy.
        is_stopped: Whether the run must send no further request.
        sleep: Waits, or returns early when the run is stopped; tests replace it.
        jitter: Draws from [0, 1); tests replace it.
        seconds: Seconds that only grow; tests replace it.
    """

    client: Client
    archive: Keeps
    rate_limiter: RateLimiter
    budget: RequestBudget
    run_id: str
    provider: str
    renew: Callable[[str], bool] = lambda _: False
    other_regions: tuple[str, ...] = ()
    is_movable: bool = True
    is_stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)
    seconds: Callable[[], float] = time.monotonic
    _moving: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _retrying: Retrying = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._retrying = Retrying(
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=self._pause_s,
            retry=retry_if_exception_type(Retryable),
            sleep=self._rest,
            reraise=True,
        )

    def fetch(self, request: Request) -> IndexEntry:
        """Send a request, and retry where that may help; returns the index entry of the response.

        Raises:
            Retryable: `MAX_ATTEMPTS` attempts failed.
            Fatal: Another attempt would give the same.
            ContractChanged: The response has an unknown shape.
            WrongWindow: The response has rows of other days.
            ArchiveError: The response cannot be kept.
            BudgetSpent: The request budget is used up.
            RunStopped: The run was stopped before the request was sent.
        """
        for attempt in self._retrying:  # its state is that of the thread
            with attempt:
                return self._send_judged(request, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity re-raises the last error")

    def submit(self, request: Request) -> None:
        """Send a command. It is repeated within seconds only, and never after an answer that may mean that it was accepted.

        What the answers mean is in the archive; see `wattlog.commands`.

        Raises:
            ExtractError: As from `fetch`; the last answer was none, or a refusal by its status.
        """
        repeats = _Repeats(self.seconds)
        retrying = Retrying(
            stop=lambda state: repeats.pause_s(state) is None,
            wait=lambda state: repeats.pause_s(state) or 0.0,
            retry=retry_if_exception_type(Retryable),
            sleep=self._rest,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                self._send_judged(request, attempt.retry_state.attempt_number, repeats=repeats)

    def send_once(self, request: Request) -> None:
        """Send a command that is never repeated: to a car it may have been carried out, and each answer is charged (Q71, Q90).

        It is sent again only where it was certainly not carried out: after the token was renewed, or to the account's region.

        Raises:
            ExtractError: As from `fetch`; the answer was none, or a refusal by its status.
        """
        self._send_judged(request, 1)

    def _send_judged(
        self,
        request: Request,
        attempt: int,
        recovered: frozenset[type[ExtractError]] = frozenset(),
        repeats: "_Repeats | None" = None,
    ) -> IndexEntry:
        """Send once; once more after the token was renewed, and once more after another region was found."""
        self._wait_for_slot()
        # Not sooner: a token may expire while the request waits for the rate limit.
        token, address = self.client.token(), self.client.base_url
        if repeats is not None:
            repeats.check()
        entry, response = self._send(request, token, attempt)
        error = judge(response)
        if error is None:
            return entry
        if repeats is not None:
            repeats.error = error
        kind = type(error)
        if kind not in recovered and self._recover(kind, token, address, attempt):
            return self._send_judged(request, attempt, recovered | {kind}, repeats)
        raise error

    def _wait_for_slot(self) -> None:
        self.rate_limiter.wait()
        if self.is_stopped():
            raise RunStopped

    def _send(self, request: Request, token: str, attempt: int) -> tuple[IndexEntry, Response]:
        self.budget.spend()
        response = self.client.send(request, token=token, attempt=attempt)
        # Before the disk, which may be slow: requests that other threads send meanwhile would be refused too, and charged.
        if response.status == HTTP_TOO_MANY_REQUESTS:
            self.rate_limiter.slow_down(self._pause_after_429_s(response, attempt))
        return self.archive.keep(response, run_id=self.run_id, provider=self.provider), response

    def _pause_after_429_s(self, response: Response, attempt: int) -> float:
        """What the server asks for, within a limit."""
        asked_s = _retry_after_s(response) or self._back_off_s(attempt)
        if asked_s > MAX_RETRY_AFTER_S:
            log.warning(
                "%s: the API asks to wait %s; wattlog tries again after %.0f s",
                response.request.what,
                in_words(asked_s),
                MAX_RETRY_AFTER_S,
            )
        return min(asked_s, MAX_RETRY_AFTER_S)

    def _recover(self, kind: type[ExtractError], token: str, address: str, attempt: int) -> bool:
        """Whether a retry may succeed: with another token (401), or at another address (421)."""
        if kind is AuthExpired:
            return self.renew(token)
        return kind is WrongRegion and self.is_movable and self._move(token, address, attempt)

    def _move(self, token: str, address: str, attempt: int) -> bool:
        """Find the account's region, from the address that refused it and then from other regions, and use its address."""
        with self._moving:
            if self.client.base_url != address:
                return True
            for candidate in (address, *self.other_regions):
                self._wait_for_slot()
                self.client.move(candidate)
                _, response = self._send(REGION, token, attempt)
                home = account_region(response, USERS_REGION, candidate).base_url if response.status == 200 else None
                if home is not None and home != address:
                    self.client.move(home)
                    return True
            self.client.move(address)
            return False

    def _rest(self, seconds: float) -> None:
        self.sleep(seconds)

    def _pause_s(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt; after a 429 the rate limiter delays all callers, this one included."""
        error = state.outcome.exception() if state.outcome is not None else None
        return 0.0 if isinstance(error, RateLimited) else self._back_off_s(state.attempt_number)

    def _back_off_s(self, attempt: int) -> float:
        pause = min(MAX_PAUSE_S, BACK_OFF_S * 2.0 ** (attempt - 1))
        return pause * (0.5 + 0.5 * self.jitter())
