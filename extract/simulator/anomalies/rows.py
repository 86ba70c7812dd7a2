"""Anomalies of rows: gaps, provisional values, duplicates."""

from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum

import numpy as np

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.anomalies.rollups import changed_sources
from extract.simulator.local_day import SLOT_S, day_bounds, days_between, local_date, utc
from extract.simulator.measures import FLOWS, HOME, POWERS, SOURCES
from extract.simulator.seeded import unit_hash
from extract.simulator.table import Series, Table
from wattlog.causes import Cause

STEPS_S = {Series.POWER: SLOT_S, Series.INTERVALS: SLOT_S, Series.SOE: 900}


class GapStyle(StrEnum):
    """How the API shows that the cloud had no data from the gateway (Q14)."""

    ZERO = "zero"
    ABSENT = "absent"


@dataclass(frozen=True)
class CloudGap(Anomaly):
    """Rows of power, soe, and energy intervals are zero or absent for a while; daily sums include the whole day (Q14).

    Attributes:
        start: First instant of the gap, aware.
        end: First instant after it, aware. Both are whole quarter hours.
        style: Rows of zeros or no rows.
        filled_at: From this instant on the rows have their values; None: never.
    """

    start: datetime
    end: datetime
    style: GapStyle = GapStyle.ABSENT
    filled_at: datetime | None = None

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with rows of zeros, or no rows, in the gap until it is filled."""
        is_filled = self.filled_at is not None and timing.now >= self.filled_at
        if is_filled or table.series not in {*STEPS_S, Series.QUARTERS}:
            return table
        is_gap = (table.epochs_s >= self.start.timestamp()) & (table.epochs_s < self.end.timestamp())
        if self.style is GapStyle.ABSENT:
            return table.take(~is_gap)
        return table.with_columns({name: np.where(is_gap, 0, column) for name, column in table.columns.items()})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The rows of the three series in the gap."""
        start_s, end_s = int(self.start.timestamp()), int(self.end.timestamp())
        days = days_between(local_date(clock, start_s), local_date(clock, end_s - 1))
        return tuple(
            Injection(
                "CloudGap",
                series,
                days,
                tuple(utc(epoch_s) for epoch_s in range(start_s, end_s, step_s)),
                {Series.POWER: POWERS, Series.SOE: ("soe",)}.get(series, FLOWS) if self.is_zero else (),
                cause=Cause.MISSING_INTERVALS,
            )
            for series, step_s in STEPS_S.items()
        )

    @property
    def is_zero(self) -> bool:
        """Whether the rows of the gap are present, with zeros."""
        return self.style is GapStyle.ZERO


@dataclass(frozen=True)
class LateData(Anomaly):
    """The gateway is offline for a while, and what it measured meanwhile arrives at once, later (Q14).

    Until then rows of this time are absent in every series: sums of days, months and years leave it out, and a day without
    any measurement has no row.

    Attributes:
        start: First instant offline, aware.
        end: First instant online again, aware. Both are whole quarter hours.
        arrives_at: From this instant on the server has all measurements; None: never.
    """

    start: datetime
    end: datetime
    arrives_at: datetime | None = None

    def not_arrived(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The time offline, until its measurements arrive."""
        has_arrived = self.arrives_at is not None and now >= self.arrives_at
        return None if has_arrived else (self.start, self.end)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The rows of the three series in this time, and the days without any."""
        start_s, end_s = int(self.start.timestamp()), int(self.end.timestamp())
        days = days_between(local_date(clock, start_s), local_date(clock, end_s - 1))
        whole = tuple(
            day for day in days if start_s <= day_bounds(clock, day)[0] and day_bounds(clock, day)[1] <= end_s
        )
        rows = [
            Injection("LateData", series, days, tuple(utc(epoch_s) for epoch_s in range(start_s, end_s, step_s)))
            for series, step_s in STEPS_S.items()
        ]
        sums = [Injection("LateData", series, whole) for series in (Series.DAY, Series.WEEK, Series.MONTH) if whole]
        return tuple(replace(injection, cause=Cause.MISSING_INTERVALS) for injection in (*rows, *sums))


@dataclass(frozen=True)
class ProvisionalHours(Anomaly):
    """Intervals of the last hours before now are wrong by a few Wh and change later, some of them downward (Q12).

    The flow identities hold in a provisional row, too.

    Attributes:
        first: First day with provisional rows.
        last: Last day.
        hours: For how many hours after its beginning a row is provisional.
        most_wh: Largest error of one flow.
    """

    first: date
    last: date
    hours: int = 3
    most_wh: int = 4

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with home use and its sources wrong by a few Wh."""
        if table.series is not Series.INTERVALS:
            return table
        now_s = timing.now.timestamp()
        is_late = (table.epochs_s > now_s - self.hours * 3600) & (table.epochs_s + SLOT_S <= now_s)
        is_late &= table.between(self.first, self.last)
        shift = np.array([self.shift_wh(epoch_s) for epoch_s in table.epochs_s.tolist()], np.int64) * is_late
        columns = dict(table.columns)
        if not any(columns[name].any() for name in HOME):
            return table
        for name in HOME:
            columns[name] = np.where(columns[name] > 0, np.maximum(columns[name] + shift, 1), columns[name])
        return table.with_columns(columns | changed_sources(table, columns))

    def shift_wh(self, epoch_s: int) -> int:
        """Error of a provisional row, from -`most_wh` to `most_wh`."""
        spread = unit_hash(epoch_s, self.first, 12) * (2 * self.most_wh + 1)
        return int(spread) - self.most_wh

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days; the instant of the request decides which rows are affected."""
        return (
            Injection(
                "ProvisionalHours",
                Series.INTERVALS,
                days_between(self.first, self.last),
                measures=(*SOURCES, *HOME),
                cause=Cause.REVISED,
            ),
        )


@dataclass(frozen=True)
class DuplicateInstants(Anomaly):
    """Some rows of power, soe, and intervals come twice: with an offset, and in UTC with `Z` (Q18).

    Attributes:
        first: First day.
        last: Last day.
        every: One of this many rows comes twice.
        is_stale: The first of the two rows is zero; only the last one is right.
    """

    first: date
    last: date
    every: int = 24
    is_stale: bool = False

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with each chosen row followed by its duplicate."""
        if table.series not in STEPS_S:
            return table
        is_repeated = self._is_repeated(table.epochs_s, table.clock, STEPS_S[table.series])
        order = np.repeat(np.arange(len(table.epochs_s)), np.where(is_repeated, 2, 1))
        doubled = table.take(order)
        is_second = np.concatenate(([False], order[1:] == order[:-1]))
        is_first = np.concatenate((is_second[1:], [False]))
        if self.is_stale:
            columns = {name: np.where(is_first, 0, column) for name, column in doubled.columns.items()}
            doubled = doubled.with_columns(columns)
        return replace(doubled, is_zulu=is_second if doubled.is_zulu is None else doubled.is_zulu | is_second)

    def _is_repeated(self, epochs_s: np.ndarray, clock: tzinfo, step_s: int) -> np.ndarray:
        start_s, end_s = day_bounds(clock, self.first)[0], day_bounds(clock, self.last)[1]
        number = (epochs_s - start_s) // step_s
        return np.asarray((epochs_s >= start_s) & (epochs_s < end_s) & (number % self.every == 0))

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The instants that come twice."""
        start_s, end_s = day_bounds(clock, self.first)[0], day_bounds(clock, self.last)[1]
        days = days_between(self.first, self.last)
        return tuple(
            Injection(
                "DuplicateInstants",
                series,
                days,
                tuple(utc(epoch_s) for epoch_s in range(start_s, end_s, step_s * self.every)),
            )
            for series, step_s in STEPS_S.items()
        )
