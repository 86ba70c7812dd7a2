"""Requests per minute, kept by one limiter for all threads of a process."""

from typing import Protocol

from pyrate_limiter import Duration, Limiter, Rate


class Pace(Protocol):
    """Holds a caller back until the next request is allowed."""

    def wait(self) -> None:
        """Return when the next request may be sent."""


class Unlimited:
    """No limit: the simulator counts nothing unless it is told to."""

    def wait(self) -> None:
        """Return at once."""


class PerMinute:
    """At most `requests` in any sliding minute."""

    def __init__(self, requests: int) -> None:
        self._limiter = Limiter(Rate(requests, Duration.MINUTE))

    def wait(self) -> None:
        """Return when the next request may be sent."""
        self._limiter.try_acquire("requests", blocking=True)


def pace(requests_per_minute: int | None) -> Pace:
    """The pace for a limit; None is no limit."""
    return Unlimited() if requests_per_minute is None else PerMinute(requests_per_minute)
