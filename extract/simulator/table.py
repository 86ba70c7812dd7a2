"""A time series of a response: columns of numbers, which anomalies can change, rendered to rows of JSON.

The rows have the API's format: names, order, timestamps with offsets, and no totals that are zero.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from extract.simulator.local_day import Ints, as_instants, day_bounds, stamps
from extract.simulator.measures import FLOWS, TOTALS

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Row = dict[str, object]

DISTANT_ZONE = timezone(timedelta(hours=9))
"""An offset far from the offset of the sites: the date in such a timestamp can differ from the site's local date."""


class Series(StrEnum):
    """What a table is a response to; the periods have the names of their sources in the warehouse."""

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
    """The rows of one response.

    Attributes:
        series: What was requested.
        clock: The time zone of the rows' days and of their timestamps.
        epochs_s: Instants of the rows in epoch seconds, ascending.
        columns: Values by the API's names, in its order.
        modern_since: Energy rows of earlier days have no `raw_timestamp`, no totals, and numbers with a decimal point.
        is_zulu: Rows with timestamps in UTC, written with `Z` instead of an offset (Q18).
        is_distant: Rows with timestamps in `DISTANT_ZONE`.
    """

    series: Series
    clock: tzinfo
    epochs_s: Ints
    columns: dict[str, Column]
    modern_since: date = date.min
    is_zulu: Mask | None = None
    is_distant: Mask | None = None

    def between(self, first: date, last: date) -> Mask:
        """Which rows belong to the local days from first to last, both included."""
        start_s, end_s = day_bounds(self.clock, first)[0], day_bounds(self.clock, last)[1]
        return (self.epochs_s >= start_s) & (self.epochs_s < end_s)

    def take(self, rows: Mask | Ints) -> Self:
        """The table with the chosen rows; a row can be chosen more than once."""
        zulu, far = (None if mask is None else mask[rows] for mask in (self.is_zulu, self.is_distant))
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, epochs_s=self.epochs_s[rows], columns=columns, is_zulu=zulu, is_distant=far)

    def with_columns(self, columns: dict[str, Column]) -> Self:
        """The table with some columns replaced or added."""
        return replace(self, columns=self.columns | columns)

    def render(self) -> list[Row]:
        """One dictionary a row; a zero is written `0`, also in a column of fractions."""
        texts = self._stamps()
        names = ("timestamp", *self.columns)
        values = [_plain(column) for column in self.columns.values()]
        rows: list[Row] = [dict(zip(names, row, strict=True)) for row in zip(texts, *values, strict=True)]
        if self.series not in {Series.POWER, Series.SOE}:
            self._add_era_fields(rows)
        return rows

    def _stamps(self) -> list[str]:
        texts = stamps(self.clock, self.epochs_s)
        if self.is_distant is not None:
            texts = _where(self.is_distant, stamps(DISTANT_ZONE, self.epochs_s), texts)
        if self.is_zulu is not None:
            utc_texts: list[str] = np.datetime_as_string(as_instants(self.epochs_s)).tolist()
            texts = _where(self.is_zulu, [f"{text}Z" for text in utc_texts], texts)
        return texts

    def _add_era_fields(self, rows: list[Row]) -> None:
        """Add to energy rows what belongs to their era: a decimal point before 2024, raw_timestamp and totals after (Q10)."""
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


def _where(is_chosen: Mask, chosen: list[str], others: list[str]) -> list[str]:
    return [one if is_one else other for one, other, is_one in zip(chosen, others, is_chosen.tolist(), strict=True)]


def _plain(column: Column) -> list[object]:
    """Python values; `0.0` becomes `0`, as the API writes it."""
    if column.dtype.kind == "f":
        return [value or 0 for value in column.tolist()]
    values: list[object] = column.tolist()
    return values
