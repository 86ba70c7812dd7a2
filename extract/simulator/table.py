"""A time series on its way to JSON: columns of numbers first, so that contradictions can change it, then rows.

Rows are spelled as the API spells them: names, order, timestamps with offsets, zero totals left out.
"""

from dataclasses import dataclass, replace
from datetime import date, tzinfo
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from extract.simulator.local_day import Ints, as_instants, day_bounds, stamps
from extract.simulator.measures import FLOWS, TOTALS

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Row = dict[str, object]


class Series(StrEnum):
    """What a table is an answer to; the periods are named as the warehouse names their source."""

    POWER = "power"
    SOE = "soe"
    INTERVALS = "intervals"
    QUARTERS = "quarters"
    DAY = "calendar_history/day"
    WEEK = "calendar_history/week"
    MONTH = "calendar_history/month"
    YEAR = "calendar_history/year"
    LIFETIME = "calendar_history/lifetime"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one answer.

    Attributes:
        series: What was asked.
        clock: Whose days the rows belong to and whose offset the timestamps carry.
        epochs_s: What the rows are stamped with, ascending.
        columns: Values by the name that the API gives them, in its order.
        modern_since: Energy rows of days before it have no `raw_timestamp`, no totals, and numbers with a fraction.
        is_zulu: Rows stamped in UTC with a `Z` instead of the offset (Q18).
    """

    series: Series
    clock: tzinfo
    epochs_s: Ints
    columns: dict[str, Column]
    modern_since: date = date.min
    is_zulu: Mask | None = None

    def between(self, first: date, last: date) -> Mask:
        """Which rows belong to the local days from first to last, both included."""
        start_s, end_s = day_bounds(self.clock, first)[0], day_bounds(self.clock, last)[1]
        return (self.epochs_s >= start_s) & (self.epochs_s < end_s)

    def take(self, rows: Mask | Ints) -> Self:
        """The table with some of its rows, or with some of them more than once."""
        zulu = None if self.is_zulu is None else self.is_zulu[rows]
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, epochs_s=self.epochs_s[rows], columns=columns, is_zulu=zulu)

    def with_columns(self, columns: dict[str, Column]) -> Self:
        """The table with some columns replaced or added."""
        return replace(self, columns=self.columns | columns)

    def render(self) -> list[Row]:
        """One dictionary a row; a zero is written `0` whatever the type."""
        texts = self._stamps()
        names = ("timestamp", *self.columns)
        values = [_plain(column) for column in self.columns.values()]
        rows: list[Row] = [dict(zip(names, row, strict=True)) for row in zip(texts, *values, strict=True)]
        if self.series not in {Series.POWER, Series.SOE}:
            self._decorate(rows)
        return rows

    def _stamps(self) -> list[str]:
        texts = stamps(self.clock, self.epochs_s)
        if self.is_zulu is None:
            return texts
        utc_texts: list[str] = np.datetime_as_string(as_instants(self.epochs_s)).tolist()
        return [
            f"{utc_text}Z" if is_zulu else text
            for text, utc_text, is_zulu in zip(texts, utc_texts, self.is_zulu.tolist(), strict=True)
        ]

    def _decorate(self, rows: list[Row]) -> None:
        """Give energy rows what their era adds: fractions before 2024, raw_timestamp and totals after (Q10)."""
        modern_s, _ = day_bounds(self.clock, self.modern_since) if self.modern_since > date.min else (0, 0)
        modern = int(np.searchsorted(self.epochs_s, modern_s))
        flows = [name for name in FLOWS if name in self.columns]
        for index, row in enumerate(rows[:modern]):
            row.update((name, float(self.columns[name][index])) for name in flows)
        for row in rows[modern:]:
            row["raw_timestamp"] = row["timestamp"]
        for total, parts in TOTALS.items():
            sums = sum((self.columns[name] for name in parts if name in self.columns), np.zeros(len(rows), np.int64))
            for index, value in enumerate(_plain(sums)[modern:], modern):
                if value:
                    rows[index][total] = value


def _plain(column: Column) -> list[object]:
    """Python values; `0.0` becomes `0`, as the API writes it."""
    if column.dtype.kind == "f":
        return [each or 0 for each in column.tolist()]
    values: list[object] = column.tolist()
    return values
