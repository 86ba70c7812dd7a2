"""Limits of one run: how fast requests may follow one another, and how many there may be.

The rate is a sliding window that all threads of a process share: the instants of the last minute's requests, of which there are
never more than the provider's limit. A 429 pauses every thread and lowers the rate. `shared_limits` keeps the same window for
several processes.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from extract.errors import BudgetSpent

MINUTE_S: Final = 60.0
SLACK: Final = 1 / 60
"""The server counts arrivals in any sixty seconds. The limiter counts departures in sixty-one, so that a request that travels
longer than the next one is not one too many; this costs 1.6 % of the rate."""

SLOWED_TO: Final = 0.8
"""Each 429 lowers the rate to this part of it: something else uses the same limit."""

RECOVERY_S: Final = 300.0
"""A lowered rate rises by one step after so long without another 429."""

SHORTEST_WAIT_S: Final = 0.001
"""A waiting thread sleeps at least so long: sums and clocks are not more precise."""

STOP_CHECK_S: Final = 1.0
"""A waiting thread checks this often whether the run was stopped."""

OnPause = Callable[[float], None]
"""Called with the number of seconds for which a 429 pauses every request of the process."""


@dataclass(slots=True)
class LimiterState:
    """The state of a limiter after the 429s so far; times by its clock.

    Attributes:
        steps_down: How often the rate was lowered, less how often it has risen again.
        lowered_at: When it was last lowered or raised.
        paused_until: End of the pause of all requests.
        next_at: When the next request may be sent while the rate is lowered.
    """

    steps_down: int = 0
    lowered_at: float = 0.0
    paused_until: float = 0.0
    next_at: float = 0.0


class Window(Protocol):
    """The requests of the last minute, and the state of the limiter."""

    def state(self) -> AbstractContextManager[LimiterState]:
        """Lock the window for the block, which may change the state."""

    def take_slot(self, limit: int, window_s: float, now: float) -> float:
        """Count a request and return 0 if fewer than `limit` were counted in the last `window_s`.

        Returns:
            Otherwise the seconds until that is so.
        """


class MemoryWindow:
    """The window of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = LimiterState()
        self._sent: deque[float] = deque()

    @contextmanager
    def state(self) -> Iterator[LimiterState]:
        """See `Window`."""
        with self._lock:
            yield self._state

    def take_slot(self, limit: int, window_s: float, now: float) -> float:
        """See `Window`; called within a block of `state`."""
        while self._sent and self._sent[0] <= now - window_s:
            self._sent.popleft()
        if len(self._sent) < limit:
            self._sent.append(now)
            return 0.0
        return max(self._sent[-limit] + window_s - now, SHORTEST_WAIT_S)


class RateLimiter:
    """Delays callers until the next request is allowed. Thread-safe.

    Args:
        requests_per_minute: The limit; None for none, in which case only a 429 delays requests.
        clock: Seconds; monotonic within a process.
        sleep: Waits; returns early when the run is stopped.
        is_stopped: Whether the run was stopped: then no caller is delayed.
        on_pause: Called when a 429 begins a pause.
        minute_s: Length of the limit's minute; tests have shorter ones.
        window: Where requests are counted; in this process by default.
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
        window: Window | None = None,
    ) -> None:
        self._limit = requests_per_minute
        self._clock = clock
        self._sleep = sleep
        self._is_stopped = is_stopped
        self._on_pause = on_pause
        self._window_s = minute_s * (1 + SLACK)
        self._window = MemoryWindow() if window is None else window

    @property
    def requests_per_minute(self) -> int | None:
        """The rate in force; None for no limit."""
        with self._window.state() as state:
            return self._lowered(state)

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped."""
        while not self._is_stopped():
            wait_s = self.try_acquire()
            if wait_s <= 0:
                return
            self._sleep(min(wait_s, STOP_CHECK_S))

    def try_acquire(self) -> float:
        """Take a slot and return 0, or return the seconds to wait before the next attempt.

        During a pause there are no slots. While the rate is lowered, slots are evenly spaced.
        """
        with self._window.state() as state:
            now = self._clock()
            if now < state.paused_until:
                return state.paused_until - now
            if state.steps_down and now - state.lowered_at >= RECOVERY_S:
                state.steps_down -= 1
                state.lowered_at = now
            if state.steps_down and now < state.next_at:
                return state.next_at - now
            wait_s = 0.0 if self._limit is None else self._window.take_slot(self._limit, self._window_s, now)
            rate = self._lowered(state)
            if wait_s <= 0 and state.steps_down and rate is not None:
                state.next_at = now + self._window_s / rate
            return wait_s

    def slow_down(self, pause_s: float) -> None:
        """After a 429: delay all requests for `pause_s`, and lower the rate.

        Several requests in flight reach the same limit; 429s that come within one pause lower the rate once.
        """
        with self._window.state() as state:
            now = self._clock()
            is_first = now >= state.paused_until
            state.paused_until = max(state.paused_until, now + pause_s)
            if is_first:
                state.steps_down += 1
                state.lowered_at = now
        if is_first and self._on_pause is not None:
            self._on_pause(pause_s)

    def _lowered(self, state: LimiterState) -> int | None:
        return None if self._limit is None else max(1, int(self._limit * SLOWED_TO**state.steps_down))


class RequestBudget:
    """The most requests that a run may send, retries included. Thread-safe.

    Args:
        requests: How many; None for no limit.
    """

    def __init__(self, requests: int | None) -> None:
        self._cap = requests
        self._lock = threading.Lock()
        self._spent = 0

    @property
    def spent(self) -> int:
        """Requests sent so far."""
        return self._spent

    def spend(self) -> None:
        """Count one request.

        Raises:
            BudgetSpent: The budget is used up.
        """
        with self._lock:
            if self._cap is not None and self._spent >= self._cap:
                raise BudgetSpent(self._cap)
            self._spent += 1
