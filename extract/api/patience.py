"""How long a request may take as a whole, whatever it waits for.

Time limits of single reads do not end a response that comes byte by byte. Every wait of a request, from the name look-up to the
last byte of the body, goes through `Patience.wait`, which also ends soon after the run is interrupted.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

DEADLINE_S: Final = 60.0
"""The response for a year of a slow site may take most of a minute."""

LAST_S: Final = 1.0
"""Requests in flight have so long after an interrupt: most responses come within it, and each request that was sent is paid."""

LOOK_S: Final = 0.1
"""A waiting thread checks this often whether the run was interrupted."""


class Patience:
    """The deadline of the request that a thread is sending. Thread-safe: each thread has its own.

    Args:
        deadline_s: How long a request may take.
        is_interrupted: Whether the run is to end at once.
        clock: Seconds that only grow.
        look_s: How often a waiting thread checks.
    """

    def __init__(
        self,
        deadline_s: float = DEADLINE_S,
        *,
        is_interrupted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        look_s: float = LOOK_S,
    ) -> None:
        self._deadline_s = deadline_s
        self._is_interrupted = is_interrupted
        self._clock = clock
        self._look_s = look_s
        self._of_thread = threading.local()

    def begin(self) -> None:
        """A request of this thread begins."""
        self._of_thread.until = self._clock() + self._deadline_s
        self._of_thread.is_last = False

    def left_s(self) -> float:
        """The seconds left for the request of this thread.

        Raises:
            TimeoutError: There are none.
        """
        now, mine = self._clock(), self._of_thread
        if not mine.is_last and self._is_interrupted():
            mine.is_last = True
            mine.until = min(mine.until, now + LAST_S)
        if now >= mine.until:
            raise TimeoutError
        return float(mine.until - now)

    def wait(self, is_ready: Callable[[float], bool], limit_s: float | None = None) -> None:
        """Return when something is ready.

        Args:
            is_ready: Waits for at most so many seconds, and returns whether it is.
            limit_s: The most seconds of this wait.

        Raises:
            TimeoutError: This wait, or the request, took too long.
        """
        until = None if limit_s is None else self._clock() + limit_s
        while True:
            seconds = min(self.left_s(), self._look_s)
            if until is not None:
                seconds = min(seconds, until - self._clock())
                if seconds <= 0:
                    raise TimeoutError
            if is_ready(seconds):
                return
