"""Progress of a flow run: a line in its log for each stage, and a bar in Prefect's interface for the long ones."""

import threading
import time
from collections.abc import Callable, Mapping
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

LONG = 100
"""A stage of so many units has a bar."""

EVERY_S = 10.0
"""A bar moves this often: each move is a request to Prefect, and several chunks are under way at once."""


class RunLog:
    """Progress in a flow run's log and artifacts. Made inside the flow run; called by any of its tasks' threads."""

    def __init__(
        self, *, long: int = LONG, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = get_run_logger()
        self._long = long
        self._every_s = every_s
        self._clock = clock
        self._counting, self._moving = threading.Lock(), threading.Lock()
        self._bar: UUID | None = None
        self._total = self._done = 0
        self._moved_at = 0.0

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self.end()
        self._log.info("%s: %d", stage, total)
        self._total, self._done, self._moved_at = total, 0, self._clock()
        if total >= self._long:
            made = create_progress_artifact(0.0, key="wattlog-progress", description=f"{stage}: {total}")
            self._bar = made if isinstance(made, UUID) else None

    def advance(self, part: str = "") -> None:
        """See `Progress`. A thread does not wait while another one moves the bar."""
        with self._counting:
            self._done += 1
        if self._bar is None or not self._moving.acquire(blocking=False):
            return
        try:
            if self._clock() - self._moved_at >= self._every_s:
                self._moved_at = self._clock()
                self._move(self._bar)
        finally:
            self._moving.release()

    def pause(self, reason: str) -> None:
        """See `Progress`."""
        self._log.warning("%s", reason)

    def end(self) -> None:
        """See `Progress`."""
        with self._moving:
            if self._bar is not None:
                self._move(self._bar)
            self._bar = None

    def _move(self, bar: UUID) -> None:
        """A server that does not answer in time affects the bar, never the run."""
        try:
            update_progress_artifact(bar, min(100.0, 100 * self._done / self._total))
        except httpx.HTTPError as error:
            self._log.warning("the bar was not moved: %s", type(error).__name__)
