"""Anomalies of rollups: a month without a day, years with other values, another allocation to sources, a day of zeros."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import numpy as np

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.local_day import Ints, day_bounds, days_between, instant_of_day, local_date, utc
from extract.simulator.measures import CHARGES, EXPORTS, FLOWS, HOME, SOURCES
from extract.simulator.table import Column, Series, Table
from wattlog.causes import Cause

QUARTER_S = 900
POOL_S = 3 * 3600


@dataclass(frozen=True)
class MonthDropsDay(Anomaly):
    """period=month has no row of a day; day, week, and year have it (Q19).

    The known case was a day with a misconfigured sensor; `inverted_ct` returns both anomalies of that day.

    Attributes:
        day: The missing day.
        until: From this instant on the month has the day; None: never.
        is_week_too: The week has no row of the day either.
    """

    day: date
    until: datetime | None = None
    is_week_too: bool = False

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table without the row of the day."""
        is_over = self.until is not None and timing.now >= self.until
        if is_over or table.series not in _months_and(is_week_too=self.is_week_too):
            return table
        return table.take(~table.between(self.day, self.day))

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The one day of the month series, and of the week series."""
        return tuple(
            Injection("MonthDropsDay", series, (self.day,), cause=Cause.DROPPED_DAY)
            for series in _months_and(is_week_too=self.is_week_too)
        )


@dataclass(frozen=True)
class InvertedCt(Anomaly):
    """For some hours a current sensor is inverted: power shows export instead of import, and import instead of export.

    Energy was corrected afterwards. Source: the report behind Q19.

    Attributes:
        day: The day.
        first_s: Seconds after the day's beginning from which the sign is wrong.
        last_s: Seconds until which it is wrong.
    """

    day: date
    first_s: int = 6 * 3600
    last_s: int = 24 * 3600

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with the sign of grid power inverted."""
        if table.series is not Series.POWER:
            return table
        start_s, end_s = self._span(table.clock)
        is_wrong = (table.epochs_s >= start_s) & (table.epochs_s < end_s)
        grid = table.columns["grid_power"]
        return table.with_columns({"grid_power": np.where(is_wrong, -grid, grid)})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The five-minute instants of the affected hours."""
        instants = tuple(utc(epoch_s) for epoch_s in range(*self._span(clock), 300))
        return (
            Injection("InvertedCt", Series.POWER, (self.day,), instants, ("grid_power",), cause=Cause.SENSOR_INVERSION),
        )

    def _span(self, clock: tzinfo) -> tuple[int, int]:
        return instant_of_day(clock, self.day, self.first_s), instant_of_day(clock, self.day, self.last_s)


def inverted_ct(day: date) -> tuple[Anomaly, ...]:
    """A day with an inverted sensor: its power is wrong, the month has no row of it, week and day have corrected energy."""
    return InvertedCt(day), MonthDropsDay(day)


@dataclass(frozen=True)
class RollupDrift(Anomaly):
    """Year or lifetime rows are wrong by a few percent (Q20).

    Home use is wrong by `percent`, charge and export by a quarter of it, and the flow identities hold; or home use alone is
    wrong, as in the one case that was seen, and they do not.

    Attributes:
        series: `Series.YEAR` or `Series.LIFETIME`.
        first: First day of the first wrong month or year.
        last: Last day of the last one.
        percent: The error in percent, such as -4.0.
        is_home_alone: Only home use is wrong.
    """

    series: Series
    first: date
    last: date
    percent: float
    is_home_alone: bool = False

    def __post_init__(self) -> None:
        if self.series not in {Series.YEAR, Series.LIFETIME}:
            raise ValueError("RollupDrift affects only year and lifetime rows; choose Series.YEAR or Series.LIFETIME")

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with the rows of the dates scaled."""
        if table.series is not self.series:
            return table
        share = np.where(table.between(self.first, self.last), self.percent / 100, 0.0)
        columns = {name: _scaled(table.columns[name], share) for name in HOME}
        if self.is_home_alone:
            is_home = np.any([column > 0 for column in columns.values()], axis=0)
            solar = np.where(is_home, table.columns[FLOWS[0]], _scaled(table.columns[FLOWS[0]], share))
            return table.with_columns(columns | {FLOWS[0]: solar})
        columns |= {name: _scaled(table.columns[name], share / 4) for name in (*CHARGES, *EXPORTS)}
        sources = changed_sources(table, columns)
        has_splits = np.any([column > 0 for column in columns.values()], axis=0)
        sources[FLOWS[0]] = np.where(has_splits, sources[FLOWS[0]], _scaled(table.columns[FLOWS[0]], share))
        return table.with_columns(columns | sources)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The first days of the months or years."""
        starts = tuple(
            day
            for day in days_between(self.first, self.last)
            if day.day == 1 and (self.series is Series.YEAR or day.month == 1)
        )
        return (Injection("RollupDrift", self.series, starts, measures=FLOWS, cause=Cause.ROLLUP_DRIFT),)


@dataclass(frozen=True)
class AllocationShift(Anomaly):
    """From a time of day on, interval=15m allocates energy to other sources and uses; totals are unchanged (Q21).

    Within three hours, energy from grid to home is exchanged with energy from solar to battery, and energy from battery to
    home with energy from solar to grid. The flow identities hold in each row. The sums of home use, charge, and export are
    unchanged in each row; the sums of the four sources are unchanged over the three hours.

    Attributes:
        first: First day.
        last: Last day.
        after_s: Seconds after the day's beginning.
    """

    first: date
    last: date
    after_s: int = 12 * 3600

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with flows allocated differently and unchanged uses."""
        if table.series is not Series.QUARTERS or not len(table.epochs_s):
            return table
        columns = {name: table.columns[name].copy() for name in self.names}
        if not any(column.any() for column in columns.values()):
            return table
        first, last = (local_date(table.clock, int(table.epochs_s[index])) for index in (0, -1))
        for day in days_between(max(self.first, first), min(self.last, last)):
            start_s, end_s = instant_of_day(table.clock, day, self.after_s), day_bounds(table.clock, day)[1]
            for pool_s in range(start_s, end_s, POOL_S):
                rows = np.flatnonzero((table.epochs_s >= pool_s) & (table.epochs_s < min(pool_s + POOL_S, end_s)))
                _exchange(columns, rows, "grid", "battery_energy_imported_from")
                _exchange(columns, rows, "battery", "grid_energy_exported_from")
        return table.with_columns(columns | changed_sources(table, columns))

    @property
    def names(self) -> tuple[str, ...]:
        """The flows that may differ."""
        return tuple(name for parts in SOURCES.values() for name in parts)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The quarter hours after the time of day."""
        days = days_between(self.first, self.last)
        instants = tuple(
            utc(epoch_s)
            for day in days
            for epoch_s in range(instant_of_day(clock, day, self.after_s), day_bounds(clock, day)[1], QUARTER_S)
        )
        return (
            Injection(
                "AllocationShift",
                Series.QUARTERS,
                days,
                instants,
                (*SOURCES, *self.names),
                cause=Cause.ALLOCATION_SHIFT,
            ),
        )


@dataclass(frozen=True)
class WeeklySundays(Anomaly):
    """period=month has the sum of the week in the row of its Sunday, as in 2018 (Q10).

    Attributes:
        first: First affected day.
        last: Last one.
    """

    first: date
    last: date

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with sums of up to seven rows at each Sunday."""
        if table.series is not Series.MONTH or not len(table.epochs_s):
            return table
        days = [local_date(table.clock, epoch_s) for epoch_s in table.epochs_s.tolist()]
        is_week = np.array([day.weekday() == 6 and self.first <= day <= self.last for day in days])
        return table.with_columns(
            {name: np.where(is_week, _of_a_week(table.columns[name]), table.columns[name]) for name in FLOWS}
        )

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The Sundays: the month has no row of them as days."""
        sundays = tuple(day for day in days_between(self.first, self.last) if day.weekday() == 6)
        return (Injection("WeeklySundays", Series.MONTH, sundays, measures=FLOWS, cause=Cause.DROPPED_DAY),)


@dataclass(frozen=True)
class MidnightZero(Anomaly):
    """period=month has a row of zeros for a day on which energy flowed, as if `end_date` had been its midnight (Q2).

    Attributes:
        day: The day of the row.
        is_week_too: The week has zeros, too.
    """

    day: date
    is_week_too: bool = False

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with zeros in the row of the day."""
        if table.series not in _months_and(is_week_too=self.is_week_too):
            return table
        is_day = table.between(self.day, self.day)
        return table.with_columns({name: np.where(is_day, 0, table.columns[name]) for name in FLOWS})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The one day of the month series, and of the week series."""
        return tuple(
            Injection("MidnightZero", series, (self.day,), measures=FLOWS, cause=Cause.MIDNIGHT_ZERO)
            for series in _months_and(is_week_too=self.is_week_too)
        )


def _months_and(*, is_week_too: bool) -> tuple[Series, ...]:
    return (Series.MONTH, Series.WEEK) if is_week_too else (Series.MONTH,)


def changed_sources(table: Table, columns: dict[str, Column]) -> dict[str, Column]:
    """The four sources, changed as the sums of their flows are. Solar of the time before a battery has no flows, and stays.

    Args:
        table: The table before.
        columns: Its flows afterwards; one that is not among them is unchanged.
    """
    return {
        source: sum(
            (columns.get(name, table.columns[name]) - table.columns[name] for name in parts), table.columns[source]
        )
        for source, parts in SOURCES.items()
    }


def _of_a_week(values: Column) -> Column:
    """Sums of each value and of up to six after it."""
    reached = np.concatenate([[0], np.cumsum(values)])
    first = np.arange(len(values))
    return np.asarray(reached[np.minimum(first + 7, len(values))] - reached[first])


def _exchange(columns: dict[str, Column], rows: Ints, source: str, use: str) -> None:
    """Swap energy in place: the home gets solar instead of `source`, and `use` gets `source` instead of solar."""
    of_home, of_use = f"consumer_energy_imported_from_{source}", f"{use}_solar"
    amount = min(int(columns[of_home][rows].sum()), int(columns[of_use][rows].sum()))
    at_home, at_use = _spread(columns[of_home][rows], amount), _spread(columns[of_use][rows], amount)
    columns[of_home][rows] -= at_home
    columns["consumer_energy_imported_from_solar"][rows] += at_home
    columns[of_use][rows] -= at_use
    columns[f"{use}_{source}"][rows] += at_use


def _spread(values: Column, amount: int) -> Ints:
    """An amount distributed over values in proportion to them, in whole Wh."""
    reached = np.cumsum(values)
    return np.diff(reached * amount // max(int(reached[-1]), 1), prepend=0) if len(values) else values


def _scaled(values: Column, share: Column) -> Ints:
    return np.asarray(np.rint(values * (1 + share)), np.int64)
