"""A rate limit: a number of requests in any sliding window of time, counted on the simulator's clock."""

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extract.simulator.faults.injector import record_faults, send_error
from extract.simulator.faults.plan import ErrorResponse, too_many_requests


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in any `window_s`. Teslemetry: 30 in 60 s (API.md#limits)."""

    requests: int = 30
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Admission:
    """Decision of the limit about one request.

    Attributes:
        is_admitted: Whether the request is within the limit.
        remaining: Number of further requests that are admitted now.
        reset_s: Whole seconds until the oldest admitted request leaves the window.
    """

    is_admitted: bool
    remaining: int
    reset_s: int


class SlidingWindow:
    """Counts admitted requests. Rejected ones do not count, so a request after the given time always succeeds.

    Args:
        limit: The limit.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._admitted_s: deque[float] = deque()
        self._lock = threading.Lock()

    def admit(self, now: datetime) -> Admission:
        """Admit or reject a request. Safe for several threads."""
        now_s = now.timestamp()
        with self._lock:
            while self._admitted_s and self._admitted_s[0] <= now_s - self._limit.window_s:
                self._admitted_s.popleft()
            is_admitted = len(self._admitted_s) < self._limit.requests
            if is_admitted:
                self._admitted_s.append(now_s)
            oldest_s = self._admitted_s[0] if self._admitted_s else now_s
            remaining = self._limit.requests - len(self._admitted_s)
        return Admission(is_admitted, remaining, math.ceil(oldest_s + self._limit.window_s - now_s))


class RateLimiter:
    """ASGI middleware: status 429 with Retry-After above the limit, and RateLimit headers in every response.

    Only paths below `/api/` are limited; the login is not.

    Args:
        app: Application that is limited.
        limit: The limit.
        clock: Returns the current instant, aware.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._limit = limit
        self._clock = clock
        self._window = SlidingWindow(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        admission = self._window.admit(self._clock())
        headers = [
            (b"ratelimit-limit", str(self._limit.requests).encode()),
            (b"ratelimit-remaining", str(admission.remaining).encode()),
            (b"ratelimit-reset", str(admission.reset_s).encode()),
        ]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        if admission.is_admitted:
            await self._app(scope, receive, send_with_headers)
            return
        rejection: ErrorResponse = too_many_requests(admission.reset_s)
        record_faults(scope, [rejection])
        await send_error(rejection, send_with_headers)
