"""Contradictions in the rows of a series: gaps, provisional values, duplicates, another day's rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

import numpy as np

from extract.simulator.contradiction import Cause, Contradiction, Injection, Moment, each_day
from extract.simulator.local_day import SLOT_S, day_bounds, local_date, utc
from extract.simulator.measures import FLOWS, HOME, POWERS, SOURCES
from extract.simulator.rollup_contradictions import recomposed
from extract.simulator.table import Series, Table
from extract.simulator.weather_and_home import unit_hash

STEPS_S = {Series.POWER: SLOT_S, Series.INTERVALS: SLOT_S, Series.SOE: 900}


class GapStyle(StrEnum):
    """How the cloud shows that it heard nothing from the gateway (Q14)."""

    ZERO = "zero"
    ABSENT = "absent"


@dataclass(frozen=True)
class CloudGap(Contradiction):
    """Rows of power, soe and energy intervals are zero or absent for a while; daily sums know the whole day (Q14).

    Attributes:
        start: First instant of the gap, aware.
        end: First instant after it, aware; on the grid of quarter hours like the start.
        style: Zero rows or no rows.
        filled_at: From this instant on the rows are there; None: never.
    """

    start: datetime
    end: datetime
    style: GapStyle = GapStyle.ABSENT
    filled_at: datetime | None = None

    def apply(self, table: Table, moment: Moment) -> Table:
        """Zero or no rows in the gap, until it is filled."""
        is_filled = self.filled_at is not None and moment.now >= self.filled_at
        if is_filled or table.series not in {*STEPS_S, Series.QUARTERS}:
            return table
        is_gap = (table.epochs_s >= self.start.timestamp()) & (table.epochs_s < self.end.timestamp())
        if self.style is GapStyle.ABSENT:
            return table.take(~is_gap)
        return table.with_columns({name: np.where(is_gap, 0, column) for name, column in table.columns.items()})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The rows of the three series in the gap."""
        start_s, end_s = int(self.start.timestamp()), int(self.end.timestamp())
        days = each_day(local_date(clock, start_s), local_date(clock, end_s - 1))
        return tuple(
            Injection(
                "CloudGap",
                series,
                days,
                tuple(utc(each) for each in range(start_s, end_s, step_s)),
                {Series.POWER: POWERS, Series.SOE: ("soe",)}.get(series, FLOWS) if self.is_zero else (),
                cause=Cause.MISSING_INTERVALS,
            )
            for series, step_s in STEPS_S.items()
        )

    @property
    def is_zero(self) -> bool:
        """The rows are there, with zeros."""
        return self.style is GapStyle.ZERO


@dataclass(frozen=True)
class ProvisionalHours(Contradiction):
    """Intervals of the last hours before now are a few Wh off and settle later, some of them downward (Q12).

    The identities hold in a provisional row too.

    Attributes:
        first: First day on which it happens.
        last: Last day.
        hours: How long a row stays provisional after its beginning.
        most_wh: Largest difference of one flow.
    """

    first: date
    last: date
    hours: int = 3
    most_wh: int = 4

    def apply(self, table: Table, moment: Moment) -> Table:
        """Home use a few Wh off, the sources with it."""
        if table.series is not Series.INTERVALS:
            return table
        now_s = moment.now.timestamp()
        is_late = (table.epochs_s > now_s - self.hours * 3600) & (table.epochs_s + SLOT_S <= now_s)
        is_late &= table.between(self.first, self.last)
        shift = np.array([self.shift_wh(each) for each in table.epochs_s.tolist()], np.int64) * is_late
        columns = dict(table.columns)
        if not any(columns[name].any() for name in HOME):
            return table
        for name in HOME:
            columns[name] = np.where(columns[name] > 0, np.maximum(columns[name] + shift, 1), columns[name])
        return table.with_columns(columns | recomposed(columns))

    def shift_wh(self, epoch_s: int) -> int:
        """How far a provisional row is off: between minus and plus `most_wh`."""
        spread = unit_hash(epoch_s, self.first, 12) * (2 * self.most_wh + 1)
        return int(spread) - self.most_wh

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days; which rows depends on when they are asked."""
        return (
            Injection(
                "ProvisionalHours",
                Series.INTERVALS,
                each_day(self.first, self.last),
                measures=(*SOURCES, *HOME),
                cause=Cause.REVISED,
            ),
        )


@dataclass(frozen=True)
class DuplicateInstants(Contradiction):
    """Every so many rows of power, soe and intervals come twice: once with the offset, once in UTC with a `Z` (Q18).

    Attributes:
        first: First day.
        last: Last day.
        every: One row in so many.
        is_stale: The first of the two is zero, so that only the last is right.
    """

    first: date
    last: date
    every: int = 24
    is_stale: bool = False

    def apply(self, table: Table, moment: Moment) -> Table:
        """Each chosen row twice in a row."""
        if table.series not in STEPS_S:
            return table
        is_twice = self._chosen(table.epochs_s, table.clock, STEPS_S[table.series])
        order = np.repeat(np.arange(len(table.epochs_s)), np.where(is_twice, 2, 1))
        doubled = table.take(order)
        is_second = np.concatenate(([False], order[1:] == order[:-1]))
        is_first = np.concatenate((is_second[1:], [False]))
        if self.is_stale:
            columns = {name: np.where(is_first, 0, column) for name, column in doubled.columns.items()}
            doubled = doubled.with_columns(columns)
        return Table(doubled.series, doubled.clock, doubled.epochs_s, doubled.columns, doubled.modern_since, is_second)

    def _chosen(self, epochs_s: np.ndarray, clock: tzinfo, step_s: int) -> np.ndarray:
        start_s, end_s = day_bounds(clock, self.first)[0], day_bounds(clock, self.last)[1]
        number = (epochs_s - start_s) // step_s
        return np.asarray((epochs_s >= start_s) & (epochs_s < end_s) & (number % self.every == 0))

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The instants that come twice."""
        start_s, end_s = day_bounds(clock, self.first)[0], day_bounds(clock, self.last)[1]
        days = each_day(self.first, self.last)
        return tuple(
            Injection(
                "DuplicateInstants",
                series,
                days,
                tuple(utc(each) for each in range(start_s, end_s, step_s * self.every)),
            )
            for series, step_s in STEPS_S.items()
        )


@dataclass(frozen=True)
class WrongWindow(Contradiction):
    """Asked for a day, the server answers with another one (Q22).

    Attributes:
        first: First day that is answered wrongly.
        last: Last day.
        shift_days: How far off the answer is.
        times: How often the same request is answered wrongly; None: always.
    """

    first: date
    last: date
    shift_days: int = -1
    times: int | None = None

    def redirect(self, end: datetime, clock: tzinfo, moment: Moment) -> datetime:
        """The same time of another day."""
        asked = local_date(clock, int(end.timestamp()))
        is_done = self.times is not None and moment.repeat >= self.times
        if is_done or not self.first <= asked <= self.last:
            return end
        return (end.astimezone(clock) + timedelta(days=self.shift_days)).astimezone(end.tzinfo)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days that are asked for in vain."""
        days = each_day(self.first, self.last)
        return tuple(
            Injection("WrongWindow", series, days, cause=Cause.WRONG_WINDOW)
            for series in (Series.POWER, Series.SOE, Series.INTERVALS, Series.QUARTERS)
        )
