"""The present instant, which is never later than the server's.

A response that is requested by a clock in the future looks final for windows that are not over, and hides those that come
after it. So the `Date` header of the responses bounds the clock of this machine: beyond `TOLERANCE`, instants are those of the
server.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final

log = logging.getLogger(__name__)

TOLERANCE: Final = timedelta(minutes=5)
"""Clocks that differ by less are in order: the header has whole seconds, and a response takes its time."""

_NOTHING: Final = timedelta()


class ServerTime:
    """A clock that is corrected where it is ahead of the server's. Thread-safe.

    Attributes:
        clock: The clock of this machine.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._lock = Lock()
        self._ahead = _NOTHING
        self._is_warned = False

    def now(self) -> datetime:
        """The present instant."""
        return self.bounded(self.clock())

    def bounded(self, instant: datetime) -> datetime:
        """An instant that the clock of this machine gave, as it is by the server's clock if they differ too much."""
        return instant - self._ahead

    def note(self, headers: Mapping[str, str], asked_at: datetime) -> None:
        """Compare the clocks by the headers of a response.

        Args:
            headers: The headers, lower case.
            asked_at: When the request was sent, by the clock of this machine.
        """
        sent_at = _sent_at(headers)
        if sent_at is None:
            return
        ahead = asked_at - sent_at
        with self._lock:
            if abs(ahead) > TOLERANCE and not self._is_warned:
                self._is_warned = True
                log.warning("%s", _warning(ahead))
            # Kept while it is about right, so that instants stay in order.
            if ahead <= TOLERANCE:
                self._ahead = _NOTHING
            elif abs(ahead - self._ahead) > TOLERANCE:
                self._ahead = ahead


def _sent_at(headers: Mapping[str, str]) -> datetime | None:
    """When the server sent a response; a cache adds how long it has had it."""
    try:
        date = parsedate_to_datetime(headers["date"])
        age = timedelta(seconds=float(headers.get("age", 0)))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) + age
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _warning(ahead: timedelta) -> str:
    amount = timedelta(seconds=round(abs(ahead).total_seconds()))
    if ahead > _NOTHING:
        return (
            f"the clock of this computer is {amount} ahead of the server's; this run uses the server's time, "
            "so that no window counts as final too early: set the clock"
        )
    return (
        f"the clock of this computer is {amount} behind the server's; the newest days may not be requested, "
        "and others are requested more often: set the clock"
    )
