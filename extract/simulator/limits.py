"""A real limit on requests: so many in any window of a minute, counted on the simulator's clock."""

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extract.simulator.fault_injector import note_faults, send_error
from extract.simulator.faults import ErrorAnswer, too_many_requests


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in any `window_s`. Teslemetry: 30 in 60 s (API.md §1.8)."""

    requests: int = 30
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Admission:
    """What the limit says of one request.

    Attributes:
        is_admitted: It may be answered.
        remaining: How many more are admitted now.
        reset_s: Whole seconds until the oldest admitted request leaves the window.
    """

    is_admitted: bool
    remaining: int
    reset_s: int


class SlidingWindow:
    """Counts admitted requests. A refused one does not count, so waiting as long as told always helps.

    Args:
        limit: What is admitted.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._admitted_s: deque[float] = deque()
        self._lock = threading.Lock()

    def ask(self, now: datetime) -> Admission:
        """Admit a request or refuse it. Safe to ask from several threads."""
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
    """ASGI middleware: 429 with Retry-After past the limit, and how much of it is left with every answer.

    Only paths below `/api/` are limited; logging in is not.

    Args:
        app: What answers.
        limit: What is admitted.
        clock: Gives "now", aware.
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
        admission = self._window.ask(self._clock())
        headers = [
            (b"ratelimit-limit", str(self._limit.requests).encode()),
            (b"ratelimit-remaining", str(admission.remaining).encode()),
            (b"ratelimit-reset", str(admission.reset_s).encode()),
        ]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        if admission.is_admitted:
            await self._app(scope, receive, counted)
            return
        refusal: ErrorAnswer = too_many_requests(admission.reset_s)
        note_faults(scope, [refusal])
        await send_error(refusal, counted)
