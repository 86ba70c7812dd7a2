"""Anomalies of windows: a response covers another day, or hours of it, with timestamps in different formats."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

import numpy as np

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.anomalies.rows import STEPS_S
from extract.simulator.local_day import day_bounds, days_between, local_date, utc
from extract.simulator.table import Series, Table
from wattlog.causes import Cause

DAILY_SERIES = (*STEPS_S, Series.QUARTERS)
"""Series of which one request covers one day."""


class Stamps(StrEnum):
    """Format of the timestamps in the rows of another day."""

    LOCAL = "local"
    UTC = "utc"
    """In UTC, with `Z`."""
    MIXED = "mixed"
    """Alternating between the site's offset and a distant one."""
    ONE_IN_UTC = "one in utc"
    """The first row comes once more in UTC, with `Z` (Q18)."""


@dataclass(frozen=True)
class WrongWindow(Anomaly):
    """The response to a request for a day has the rows of another day (Q22).

    Attributes:
        first: First day with a wrong response.
        last: Last day.
        shift_days: Days from the requested day to the day in the response.
        times: Number of identical requests that get the wrong response; None: all.
        stamps: Format of the timestamps in the wrong response.
    """

    first: date
    last: date
    shift_days: int = -1
    times: int | None = None
    stamps: Stamps = Stamps.LOCAL

    def redirect(self, end: datetime, clock: tzinfo, timing: RequestTiming) -> datetime:
        """The same time of day on the other day."""
        if not self._is_wrong(local_date(clock, int(end.timestamp())), timing):
            return end
        return (end.astimezone(clock) + timedelta(days=self.shift_days)).astimezone(end.tzinfo)

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The rows of the other day, with timestamps in the format of `stamps`."""
        is_plain = self.stamps is Stamps.LOCAL or not len(table.epochs_s) or table.series not in DAILY_SERIES
        if is_plain or timing.requested_day is None or not self._is_wrong(timing.requested_day, timing):
            return table
        rows = np.arange(len(table.epochs_s))
        if self.stamps is Stamps.MIXED:
            return replace(table, is_distant=rows % 2 == 1)
        if self.stamps is Stamps.UTC:
            return replace(table, is_zulu=rows >= 0)
        return replace(table.take(np.append(0, rows)), is_zulu=np.append(False, rows == 0))

    def _is_wrong(self, requested_day: date, timing: RequestTiming) -> bool:
        return _is_active(self.times, timing) and self.first <= requested_day <= self.last

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days of which the response has no row."""
        days = days_between(self.first, self.last)
        return tuple(Injection("WrongWindow", series, days, cause=Cause.WRONG_WINDOW) for series in DAILY_SERIES)


@dataclass(frozen=True)
class LaggingWindow(Anomaly):
    """The response to a request for a day has the last hours of the day before and the first hours of the day (Q22).

    Attributes:
        first: First day with a wrong response.
        last: Last day.
        hours: Hours by which the response begins and ends too early.
        times: Number of identical requests that get the wrong response; None: all.
    """

    first: date
    last: date
    hours: int = 6
    times: int | None = None

    def lag(self, timing: RequestTiming) -> timedelta:
        """`hours` on the affected days, else none."""
        day = timing.requested_day
        is_late = day is not None and self.first <= day <= self.last and _is_active(self.times, timing)
        return timedelta(hours=self.hours if is_late else 0)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The last hours of each day, which are missing in the response."""
        days = days_between(self.first, self.last)
        ends_s = [day_bounds(clock, day)[1] for day in days]
        return tuple(
            Injection(
                "LaggingWindow",
                series,
                days,
                tuple(utc(epoch_s) for end_s in ends_s for epoch_s in range(end_s - self.hours * 3600, end_s, step_s)),
                cause=Cause.WRONG_WINDOW,
            )
            for series, step_s in STEPS_S.items()
        )


def _is_active(times: int | None, timing: RequestTiming) -> bool:
    return times is None or timing.repeat < times


@dataclass(frozen=True)
class EarlierDays(Anomaly):
    """Responses about a day, a week or a month have the days before, too.

    Attributes:
        first: First requested day with such a response.
        last: Last one. A week or a month is requested by its last day.
        days: How many days before, at most since the installation.
    """

    first: date
    last: date
    days: int = 2

    def days_before(self, timing: RequestTiming) -> int:
        """`days` on the affected days, else none."""
        day = timing.requested_day
        return self.days if day is not None and self.first <= day <= self.last else 0

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days whose responses have more rows; no value is wrong."""
        days = days_between(self.first, self.last)
        series = (*DAILY_SERIES, Series.DAY, Series.WEEK, Series.MONTH)
        return tuple(Injection("EarlierDays", name, days) for name in series)
