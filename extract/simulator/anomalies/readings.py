"""Anomalies of single readings: values although nothing flowed, and values and rows that are none."""

from dataclasses import dataclass
from datetime import date, tzinfo
from enum import StrEnum

import numpy as np

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.local_day import SLOT_S, days_between, instant_of_day, utc
from extract.simulator.measures import FLOWS
from extract.simulator.table import Series, Table
from wattlog.causes import Cause

QUARTER_S = 900
SOLAR = "solar_energy_exported"


@dataclass(frozen=True)
class MeterOffset(Anomaly):
    """At night the solar meter shows a little less than nothing: −1 Wh in five minutes.

    Attributes:
        first: First day.
        last: Last day.
        wh: By how much the meter is off in five minutes.
    """

    first: date
    last: date
    wh: int = 1

    def apply(self, table: Table, timing: RequestTiming) -> Table:
        """The table with solar energy below zero where there is none."""
        steps = {Series.INTERVALS: SLOT_S, Series.QUARTERS: QUARTER_S}
        if table.series not in steps or not len(table.epochs_s) or SOLAR not in table.columns:
            return table
        offset = self.wh * steps[table.series] // SLOT_S
        is_dark = table.between(self.first, self.last) & (table.columns[SOLAR] == 0)
        return table.with_columns({SOLAR: np.where(is_dark, -offset, table.columns[SOLAR])})

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The days; no source is wrong by more than its meter."""
        days = days_between(self.first, self.last)
        return tuple(
            Injection("MeterOffset", series, days, measures=(SOLAR,)) for series in (Series.INTERVALS, Series.QUARTERS)
        )


class OddStyle(StrEnum):
    """What is in the place of a value or a row."""

    TEXT = "text"
    NULL_ROW = "null row"


@dataclass(frozen=True)
class OddReadings(Anomaly):
    """In some five-minute rows of a day a value is a text, or the rows are null.

    Attributes:
        day: The day.
        first_s: Seconds after the day's beginning.
        last_s: Seconds until which rows are odd.
        style: What is odd.
        name: The measure with texts.
    """

    day: date
    first_s: int = 12 * 3600
    last_s: int = 12 * 3600 + SLOT_S
    style: OddStyle = OddStyle.TEXT
    name: str = SOLAR

    def rewrite(self, rows: list[object], table: Table, timing: RequestTiming) -> list[object]:
        """The rows with texts or nulls."""
        if table.series is not Series.INTERVALS:
            return rows
        first_s, last_s = self._span(table.clock)
        is_odd = ((table.epochs_s >= first_s) & (table.epochs_s < last_s)).tolist()
        return [self._odd(row) if odd else row for row, odd in zip(rows, is_odd, strict=True)]

    def _odd(self, row: object) -> object:
        return row | {self.name: "n/a"} if self.style is OddStyle.TEXT and isinstance(row, dict) else None

    def _span(self, clock: tzinfo) -> tuple[int, int]:
        return instant_of_day(clock, self.day, self.first_s), instant_of_day(clock, self.day, self.last_s)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """The odd rows."""
        instants = tuple(utc(epoch_s) for epoch_s in range(*self._span(clock), SLOT_S))
        measures = FLOWS if self.style is OddStyle.NULL_ROW else (self.name,)
        return (
            Injection("OddReadings", Series.INTERVALS, (self.day,), instants, measures, cause=Cause.MISSING_INTERVALS),
        )
