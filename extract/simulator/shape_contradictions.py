"""Contradictions in what a row looks like: another unit, columns that are not there, columns that nobody knows."""

from dataclasses import dataclass
from datetime import date, tzinfo

import numpy as np

from extract.simulator.contradiction import Cause, Contradiction, Injection, Moment, each_day
from extract.simulator.local_day import local_date
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.table import Series, Table

ENERGY = (
    Series.INTERVALS,
    Series.QUARTERS,
    Series.DAY,
    Series.WEEK,
    Series.MONTH,
    Series.YEAR,
    Series.LIFETIME,
)


@dataclass(frozen=True)
class KilowattHours(Contradiction):
    """For an era energy is in kWh instead of Wh, as the documentation page says it is (fact 1).

    Attributes:
        first: First day; the first of a month.
        last: Last day; the last of a month. A lifetime row is in kWh when its whole year is.
    """

    first: date
    last: date

    def apply(self, table: Table, moment: Moment) -> Table:
        """A thousandth of every flow."""
        if table.series not in ENERGY:
            return table
        is_kwh = table.between(self.first, self.last)
        if table.series is Series.LIFETIME:
            years = [local_date(table.clock, each).year for each in table.epochs_s.tolist()]
            is_kwh = np.array([self.first <= date(y, 1, 1) and date(y, 12, 31) <= self.last for y in years], bool)
        if not is_kwh.any():
            return table
        return table.with_columns(
            {name: np.where(is_kwh, table.columns[name] / 1000, table.columns[name]) for name in FLOWS}
        )

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """Every row of the era in every energy series."""
        days = each_day(self.first, self.last)
        return tuple(
            Injection("KilowattHours", series, days, measures=FLOWS, cause=Cause.UNIT_MISMATCH) for series in ENERGY
        )


@dataclass(frozen=True)
class MissingColumns(Contradiction):
    """Some measures are not there on some days, as in the 2018 vintage (Q24).

    Attributes:
        first: First day.
        last: Last day.
        names: The measures.
    """

    first: date
    last: date
    names: tuple[str, ...] = ("generator_power", "grid_services_power")

    def apply(self, table: Table, moment: Moment) -> Table:
        """Without the columns, when every row is of the dates."""
        if not len(table.epochs_s) or not table.between(self.first, self.last).all():
            return table
        kept = {name: column for name, column in table.columns.items() if name not in self.names}
        return Table(table.series, table.clock, table.epochs_s, kept, table.modern_since, table.is_zulu)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days, for power or energy as the names are."""
        series = Series.POWER if self.names[0] in POWERS else Series.INTERVALS
        return (Injection("MissingColumns", series, each_day(self.first, self.last), measures=self.names),)


@dataclass(frozen=True)
class UnknownColumn(Contradiction):
    """From a day on there is a measure that nobody knows (Q24).

    Attributes:
        first: First day.
        last: Last day.
        name: The measure.
        value: What it says.
    """

    first: date
    last: date
    name: str = "heat_pump_energy_imported"
    value: float = 1.0

    def apply(self, table: Table, moment: Moment) -> Table:
        """With the column, when every row is of the dates."""
        if table.series is Series.SOE or not len(table.epochs_s) or not table.between(self.first, self.last).all():
            return table
        return table.with_columns({self.name: np.full(len(table.epochs_s), self.value)})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days, in intervals and power."""
        days = each_day(self.first, self.last)
        return tuple(
            Injection("UnknownColumn", series, days, measures=(self.name,))
            for series in (Series.INTERVALS, Series.POWER)
        )
