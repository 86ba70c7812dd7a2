"""How fast requests may go: one pace for all threads of a process, kept below the provider's limit, lowered by a 429."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyrate_limiter import Limiter, Rate

MINUTE_S = 60.0
SLACK = 1 / 60
"""The limit holds for any sixty seconds as the server counts them, by arrival. Our sends are counted over a second more, so
that a request that was on its way for longer than the next one does not make one too many; it costs 1.6 % of the rate."""

SLOWED_TO = 0.8
"""After a 429 the pace is this part of what it was: somebody else is spending the same allowance."""

RECOVERY_S = 300.0
"""A pace that was lowered rises by one step after so long without another 429."""

POLL_S = 0.05
"""Whoever waits for a place of this process's own minute looks again after so long: a thousandth of the minute."""

LOOK_S = 1.0
"""Whoever waits looks this often whether the run was halted, or a place came free otherwise."""

OnPause = Callable[[float], None]
"""Told how many seconds every request of the process is held back because of a 429."""


@dataclass(slots=True)
class Standing:
    """How a pace stands after the 429s there were; times as its clock counts them.

    Attributes:
        steps_down: How often it was lowered, less how often it has risen again.
        lowered_at: When it was last lowered or raised.
        paused_until: Until when everybody is held back.
        next_at: When the next request may go while the pace is lowered.
    """

    steps_down: int = 0
    lowered_at: float = 0.0
    paused_until: float = 0.0
    next_at: float = 0.0


class Pace:
    """Holds callers back until the next request is allowed. Thread-safe.

    Args:
        requests_per_minute: The limit; None for none, until the server names one by a 429.
        clock: Monotonic seconds.
        sleep: Waits; returns early when the run is stopped.
        is_stopped: Whether the run was stopped: then nobody is held back any longer.
        on_pause: Told of pauses.
        minute_s: How long the limit's minute lasts; tests have shorter ones.
    """

    def __init__(
        self,
        requests_per_minute: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        is_stopped: Callable[[], bool] = lambda: False,
        on_pause: OnPause | None = None,
        minute_s: float = MINUTE_S,
    ) -> None:
        self._limit = requests_per_minute
        self._clock = clock
        self._sleep = sleep
        self._is_stopped = is_stopped
        self._on_pause = on_pause
        self._lock = threading.Lock()
        self._standing = Standing()
        self._window_s = minute_s * (1 + SLACK)
        self._limiter = (
            None if requests_per_minute is None else Limiter(Rate(requests_per_minute, round(self._window_s * 1000)))
        )

    @property
    def requests_per_minute(self) -> int | None:
        """The pace in force; None for no limit."""
        return None if self._limit is None else max(1, int(self._limit * SLOWED_TO**self._standing.steps_down))

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped."""
        while not self._is_stopped():
            wait_s = self.turn_s()
            if wait_s <= 0:
                return
            self._sleep(min(wait_s, LOOK_S))

    def turn_s(self) -> float:
        """Take a place in the sliding minute and return 0, or return how many seconds to wait before trying again.

        There is no place in a pause, and while the pace is lowered, one place at a time.
        """
        with self._held() as standing:
            now = self._clock()
            if now < standing.paused_until:
                return standing.paused_until - now
            if standing.steps_down and now - standing.lowered_at >= RECOVERY_S:
                standing.steps_down -= 1
                standing.lowered_at = now
            if standing.steps_down and now < standing.next_at:
                return standing.next_at - now
            wait_s = self._take_place(now)
            if wait_s <= 0 and standing.steps_down and self.requests_per_minute is not None:
                standing.next_at = now + self._window_s / self.requests_per_minute
            return wait_s

    def slow_down(self, pause_s: float) -> None:
        """A 429: hold everybody back for `pause_s` and go slower afterwards.

        Several requests in flight meet the same limit; those that come back within its pause lower the pace once.
        """
        with self._held() as standing:
            now = self._clock()
            is_news = now >= standing.paused_until
            standing.paused_until = max(standing.paused_until, now + pause_s)
            if is_news:
                standing.steps_down += 1
                standing.lowered_at = now
        if is_news and self._on_pause is not None:
            self._on_pause(pause_s)

    @contextmanager
    def _held(self) -> Iterator[Standing]:
        """How the pace stands, for one caller at a time, who may change it."""
        with self._lock:
            yield self._standing

    def _take_place(self, now: float) -> float:
        """Take a place if there is one and return 0, else when to look again, in seconds; called while the pace is held."""
        is_taken = self._limiter is None or bool(self._limiter.try_acquire("requests", blocking=False))
        return 0.0 if is_taken else POLL_S
