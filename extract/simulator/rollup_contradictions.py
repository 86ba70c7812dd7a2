"""Contradictions between roll-ups: a month without a day, drifting years, another allocation, a zero day."""

from dataclasses import dataclass
from datetime import date, tzinfo

import numpy as np

from extract.simulator.contradiction import Cause, Contradiction, Injection, Moment, each_day, wall_clock
from extract.simulator.local_day import Ints, day_bounds, local_date, utc
from extract.simulator.measures import CHARGES, EXPORTS, FLOWS, HOME, SOURCES
from extract.simulator.table import Column, Series, Table

QUARTER_S = 900
POOL_S = 3 * 3600


@dataclass(frozen=True)
class MonthDropsDay(Contradiction):
    """period=month leaves a day out; day, week and year still have it (Q19).

    The known case was a day with a misconfigured sensor: `inverted_ct` gives both halves of that story.

    Attributes:
        day: The day that is left out.
    """

    day: date

    def apply(self, table: Table, moment: Moment) -> Table:
        """Without the day's row."""
        if table.series is not Series.MONTH:
            return table
        return table.take(~table.between(self.day, self.day))

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The one day of the month series."""
        return (Injection("MonthDropsDay", Series.MONTH, (self.day,), cause=Cause.DROPPED_DAY),)


@dataclass(frozen=True)
class InvertedCt(Contradiction):
    """For some hours a sensor at the meter is mounted the wrong way: power shows export for import and the reverse.

    Energy was adjusted afterwards and is right. Source: the story behind Q19.

    Attributes:
        day: The day.
        first_s: Seconds after the day's beginning from which the sign is wrong.
        last_s: Seconds until which it is wrong.
    """

    day: date
    first_s: int = 6 * 3600
    last_s: int = 24 * 3600

    def apply(self, table: Table, moment: Moment) -> Table:
        """Grid power with the wrong sign."""
        if table.series is not Series.POWER:
            return table
        start_s, end_s = self._span(table.clock)
        is_wrong = (table.epochs_s >= start_s) & (table.epochs_s < end_s)
        grid = table.columns["grid_power"]
        return table.with_columns({"grid_power": np.where(is_wrong, -grid, grid)})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The five-minute instants of the hours in question."""
        instants = tuple(utc(each) for each in range(*self._span(clock), 300))
        return (
            Injection("InvertedCt", Series.POWER, (self.day,), instants, ("grid_power",), cause=Cause.SENSOR_INVERSION),
        )

    def _span(self, clock: tzinfo) -> tuple[int, int]:
        return wall_clock(clock, self.day, self.first_s), wall_clock(clock, self.day, self.last_s)


def inverted_ct(day: date) -> tuple[Contradiction, ...]:
    """A day with an inverted sensor: its power is wrong and the month leaves it out, week and day have it adjusted."""
    return InvertedCt(day), MonthDropsDay(day)


@dataclass(frozen=True)
class RollupDrift(Contradiction):
    """year or lifetime rows are off by a few percent; the identities still hold in them (Q20).

    Home use drifts by `percent`, charge and export by a quarter of it.

    Attributes:
        series: `Series.YEAR` or `Series.LIFETIME`.
        first: First day of the first month or year that is off.
        last: Last day of the last one.
        percent: How far, e.g. -4.0.
    """

    series: Series
    first: date
    last: date
    percent: float

    def __post_init__(self) -> None:
        if self.series not in {Series.YEAR, Series.LIFETIME}:
            raise ValueError("only year and lifetime rows drift; choose Series.YEAR or Series.LIFETIME")

    def apply(self, table: Table, moment: Moment) -> Table:
        """Rows whose stamp lies in the dates, scaled."""
        if table.series is not self.series:
            return table
        share = np.where(table.between(self.first, self.last), self.percent / 100, 0.0)
        columns = {name: _scaled(table.columns[name], share) for name in HOME}
        columns |= {name: _scaled(table.columns[name], share / 4) for name in (*CHARGES, *EXPORTS)}
        if not any(column.any() for column in columns.values()):
            return table.with_columns({FLOWS[0]: _scaled(table.columns[FLOWS[0]], share)})
        return table.with_columns(columns | recomposed(columns))

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The first days of the months or years."""
        starts = tuple(
            day
            for day in each_day(self.first, self.last)
            if day.day == 1 and (self.series is Series.YEAR or day.month == 1)
        )
        return (Injection("RollupDrift", self.series, starts, measures=FLOWS, cause=Cause.ROLLUP_DRIFT),)


@dataclass(frozen=True)
class AllocationShift(Contradiction):
    """From a time of day on, interval=15m tells otherwise where energy came from and went; totals stay (Q21).

    Within three hours, what the home took from the grid is exchanged for what the battery took from the sun, and what
    the home took from the battery for what the sun exported. The identities hold in each row; home, charge and export
    stay the same in each row, the four sources over the three hours.

    Attributes:
        first: First day.
        last: Last day.
        after_s: Seconds after the day's beginning.
    """

    first: date
    last: date
    after_s: int = 12 * 3600

    def apply(self, table: Table, moment: Moment) -> Table:
        """Splits shifted, uses untouched."""
        if table.series is not Series.QUARTERS or not len(table.epochs_s):
            return table
        columns = {name: table.columns[name].copy() for name in self.names}
        if not any(column.any() for column in columns.values()):
            return table
        touched = np.zeros(len(table.epochs_s), bool)
        held = [local_date(table.clock, int(table.epochs_s[index])) for index in (0, -1)]
        for day in each_day(max(self.first, held[0]), min(self.last, held[1])):
            start_s, end_s = wall_clock(table.clock, day, self.after_s), day_bounds(table.clock, day)[1]
            for pool_s in range(start_s, end_s, POOL_S):
                rows = np.flatnonzero((table.epochs_s >= pool_s) & (table.epochs_s < min(pool_s + POOL_S, end_s)))
                touched[rows] = True
                _exchange(columns, rows, "grid", "battery_energy_imported_from")
                _exchange(columns, rows, "battery", "grid_energy_exported_from")
        sources = {name: np.where(touched, new, table.columns[name]) for name, new in recomposed(columns).items()}
        return table.with_columns(columns | sources)

    @property
    def names(self) -> tuple[str, ...]:
        """The splits, which may differ."""
        return tuple(name for parts in SOURCES.values() for name in parts)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The quarter hours after the time of day."""
        days = each_day(self.first, self.last)
        instants = tuple(
            utc(each)
            for day in days
            for each in range(wall_clock(clock, day, self.after_s), day_bounds(clock, day)[1], QUARTER_S)
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
class MidnightZero(Contradiction):
    """period=month has a row of zeros for a day on which energy flowed, as if it had been cut at its midnight (Q2).

    Attributes:
        day: The day that is zero.
    """

    day: date

    def apply(self, table: Table, moment: Moment) -> Table:
        """The day's row with zeros."""
        if table.series is not Series.MONTH:
            return table
        is_day = table.between(self.day, self.day)
        return table.with_columns({name: np.where(is_day, 0, table.columns[name]) for name in FLOWS})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The one day of the month series."""
        return (Injection("MidnightZero", Series.MONTH, (self.day,), measures=FLOWS, cause=Cause.MIDNIGHT_ZERO),)


def recomposed(columns: dict[str, Column]) -> dict[str, Column]:
    """The four sources as the sums of where they went."""
    return {source: sum((columns[name] for name in parts[1:]), columns[parts[0]]) for source, parts in SOURCES.items()}


def _exchange(columns: dict[str, Column], rows: Ints, source: str, use: str) -> None:
    """Let the home take the sun instead of `source`, and the other use `source` instead of the sun, in place."""
    of_home, of_use = f"consumer_energy_imported_from_{source}", f"{use}_solar"
    amount = min(int(columns[of_home][rows].sum()), int(columns[of_use][rows].sum()))
    at_home, at_use = _spread(columns[of_home][rows], amount), _spread(columns[of_use][rows], amount)
    columns[of_home][rows] -= at_home
    columns["consumer_energy_imported_from_solar"][rows] += at_home
    columns[of_use][rows] -= at_use
    columns[f"{use}_{source}"][rows] += at_use


def _spread(values: Column, amount: int) -> Ints:
    """Take an amount out of values in proportion, in whole Wh, never more than there is."""
    reached = np.cumsum(values)
    return np.diff(reached * amount // max(int(reached[-1]), 1), prepend=0) if len(values) else values


def _scaled(values: Column, share: Column) -> Ints:
    return np.asarray(np.rint(values * (1 + share)), np.int64)
