"""Anomalies of the format of rows: another unit, missing columns, undocumented columns."""

from dataclasses import dataclass, replace
from datetime import date, tzinfo

import numpy as np

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.local_day import days_between, local_date
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.table import Series, Table
from wattlog.causes import Cause

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
class KilowattHours(Anomaly):
    """Energy of some months is in kWh instead of Wh, as the documentation says (API.md#units).

    Attributes:
        first: First day of the first month.
        last: Last day of the last month. A lifetime row is in kWh if its whole year is.
    """

    first: date
    last: date

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with the rows of these months in kWh."""
        if table.series not in ENERGY:
            return table
        is_kwh = table.between(self.first, self.last)
        if table.series is Series.LIFETIME:
            years = [local_date(table.clock, epoch_s).year for epoch_s in table.epochs_s.tolist()]
            is_kwh = np.array(
                [self.first <= date(year, 1, 1) and date(year, 12, 31) <= self.last for year in years], bool
            )
        if not is_kwh.any():
            return table
        return table.with_columns(
            {name: np.where(is_kwh, table.columns[name] / 1000, table.columns[name]) for name in FLOWS}
        )

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """Every row of these months in every energy series."""
        days = days_between(self.first, self.last)
        return tuple(
            Injection("KilowattHours", series, days, measures=FLOWS, cause=Cause.UNIT_MISMATCH) for series in ENERGY
        )


@dataclass(frozen=True)
class MissingColumns(Anomaly):
    """Some measures are missing on some days, as in data of 2018 (Q24).

    Attributes:
        first: First day.
        last: Last day.
        names: The measures.
    """

    first: date
    last: date
    names: tuple[str, ...] = ("generator_power", "grid_services_power")

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table without the columns, if all its rows are of these days."""
        if not len(table.epochs_s) or not table.between(self.first, self.last).all():
            return table
        kept = {name: column for name, column in table.columns.items() if name not in self.names}
        return replace(table, columns=kept)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days, in power or in intervals, depending on the measures."""
        series = Series.POWER if self.names[0] in POWERS else Series.INTERVALS
        return (Injection("MissingColumns", series, days_between(self.first, self.last), measures=self.names),)


@dataclass(frozen=True)
class UnknownColumn(Anomaly):
    """On some days there is an undocumented measure (Q24).

    Attributes:
        first: First day.
        last: Last day.
        name: The measure.
        value: Its value.
    """

    first: date
    last: date
    name: str = "heat_pump_energy_imported"
    value: float = 1.0

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with the column, if all its rows are of these days."""
        if table.series is Series.SOE or not len(table.epochs_s) or not table.between(self.first, self.last).all():
            return table
        return table.with_columns({self.name: np.full(len(table.epochs_s), self.value)})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days, in intervals and in power."""
        days = days_between(self.first, self.last)
        return tuple(
            Injection("UnknownColumn", series, days, measures=(self.name,))
            for series in (Series.INTERVALS, Series.POWER)
        )


@dataclass(frozen=True)
class OmittedMeasures(Anomaly):
    """Rows of some days have no key of some measures in one series; the other series have them (Q24).

    Attributes:
        series: The series.
        first: First day.
        last: Last day.
        names: The measures.
    """

    series: Series
    first: date
    last: date
    names: tuple[str, ...]

    def rewrite(self, rows: list[object], table: Table, timing: RequestTiming) -> list[object]:
        """The rows without the keys."""
        if table.series is not self.series:
            return rows
        is_mine = table.between(self.first, self.last).tolist()
        return [
            {key: value for key, value in row.items() if key not in self.names}
            if mine and isinstance(row, dict)
            else row
            for row, mine in zip(rows, is_mine, strict=True)
        ]

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days; what another series has is no difference."""
        days = days_between(self.first, self.last)
        return (Injection("OmittedMeasures", self.series, days, measures=self.names),)
