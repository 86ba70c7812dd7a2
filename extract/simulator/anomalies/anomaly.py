"""Deviations of a site's responses from what happened.

An anomaly is data on a `SiteSpec`. It changes the table of a response before it is rendered, its rows afterwards, or the window
that the response covers. It declares the affected rows as `Injection`s, with which tests compare the results of reconciliation.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from extract.simulator.table import Series, Table
from extract.simulator.truth.outage import Outage
from wattlog.causes import Cause


@dataclass(frozen=True, slots=True)
class Injection:
    """The rows of one series that an anomaly affects.

    Attributes:
        kind: Name of the anomaly's class.
        series: The affected series.
        dates: Local days of the affected rows, or the first days of the months or years.
        instants: Instants of the affected rows (UTC), where the rows are shorter than a day.
        measures: The API's names of the measures that are wrong; empty if whole rows are missing or added.
        cause: The cause that reconciliation, or table `gaps`, should give; None for duplicates and columns, which change no
            value.
    """

    kind: str
    series: Series
    dates: tuple[date, ...]
    instants: tuple[datetime, ...] = ()
    measures: tuple[str, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class RequestTiming:
    """When a request arrives, and which day it is for.

    Attributes:
        now: The simulator's current instant.
        repeat: Number of earlier requests that were identical.
        requested_day: The day that contains the request's `end_date` on the server's clock; None without an `end_date`.
    """

    now: datetime
    repeat: int = 0
    requested_day: date | None = None


class Anomaly(ABC):
    """Base class of all anomalies. Its methods change nothing; a subclass overrides those that it needs."""

    def redirect(self, end: datetime, clock: tzinfo, timing: RequestTiming) -> datetime:
        """The `end_date` that replaces the requested one in a request for a day."""
        return end

    def lag(self, timing: RequestTiming) -> timedelta:
        """How much earlier than the requested day the rows of the response begin and end."""
        return timedelta()

    def not_arrived(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The time whose measurements the server does not have yet at `now`: first instant, and first instant after it."""
        return None

    def days_before(self, timing: RequestTiming) -> int:
        """How many days before those requested a response about a day, a week or a month has, too."""
        return 0

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table that is rendered instead of `table`."""
        return table

    def listed(self, outages: list[Outage], clock: tzinfo, timing: RequestTiming) -> list[Outage]:
        """The outages that are listed instead of `outages`, in order of time."""
        return outages

    def rewrite(self, rows: list[object], table: Table, timing: RequestTiming) -> list[object]:
        """The rows that are returned instead of `rows`, which are rendered from `table` and have its order."""
        return rows

    @abstractmethod
    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """What the anomaly affects at a site whose local days are those of `clock`."""
