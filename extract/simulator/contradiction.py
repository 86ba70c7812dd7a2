"""How a site's answers may contradict what happened, and the record of it that tests read.

A contradiction is data on a `SiteSpec`: it changes the table of an answer just before it is rendered, or the window that
is answered. What it touches it declares as `Injection`s, so that a reconciliation can be judged by them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from extract.simulator.local_day import day_bounds
from extract.simulator.table import Series, Table


class Cause(StrEnum):
    """What a reconciliation or a gap ledger should call the contradiction."""

    DROPPED_DAY = "dropped_day"
    ROLLUP_DRIFT = "rollup_drift"
    ALLOCATION_SHIFT = "allocation_shift"
    MISSING_INTERVALS = "missing_intervals"
    MIDNIGHT_ZERO = "midnight_zero"
    WRONG_WINDOW = "wrong_window"
    UNIT_MISMATCH = "unit_mismatch"
    SENSOR_INVERSION = "sensor_inversion"
    REVISED = "revised"


@dataclass(frozen=True, slots=True)
class Injection:
    """One series that a contradiction touches.

    Attributes:
        kind: Name of the contradiction's class.
        series: The answers it touches.
        dates: Local days of the rows it touches, or the first days of the months or years.
        instants: The rows themselves (UTC), where they are not whole days.
        measures: The API's names of what is wrong; empty when the row is there or not there as a whole.
        cause: What to call it; None where nothing should come of it (duplicates, columns).
    """

    kind: str
    series: Series
    dates: tuple[date, ...]
    instants: tuple[datetime, ...] = ()
    measures: tuple[str, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how often a request is asked.

    Attributes:
        now: The simulator's instant.
        repeat: How often the very same request was answered before.
    """

    now: datetime
    repeat: int = 0


class Contradiction(ABC):
    """Base of all contradictions: changes nothing, and must say what it touches."""

    def redirect(self, end: datetime, clock: tzinfo, moment: Moment) -> datetime:
        """The `end_date` that a day's window is cut by instead of the one asked."""
        return end

    def apply(self, table: Table, moment: Moment) -> Table:
        """The table that is rendered instead of the true one."""
        return table

    @abstractmethod
    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """What it touches on a site whose days are cut by `clock`."""


def each_day(first: date, last: date) -> tuple[date, ...]:
    """The days from first to last, both included."""
    return tuple(first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def wall_clock(clock: tzinfo, day: date, seconds: int) -> int:
    """Epoch seconds of so many seconds after a local day's first instant, never past its end."""
    start_s, end_s = day_bounds(clock, day)
    return min(start_s + seconds, end_s)
