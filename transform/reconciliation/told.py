"""What one source says of each period, laid out so that two sources can be compared at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import MEASURES, DaySums, with_totals
from transform.local_calendar import positions
from transform.reconciliation.vocabulary import Floats, Granularity, Mask
from transform.sites import Site
from transform.time import Days, Ints, days_of, epoch_us
from warehouse.schema import FLOWS

Names = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class PeriodRows:
    """Rows of table `energy_periods` as arrays, in the order in which they were asked.

    Attributes:
        source: Endpoint and period of each row.
        granularity: What it stands for.
        starts: First day.
        asked_us: When it was asked, microseconds since 1970.
        values: Wh, rows × `MEASURES`.
    """

    source: Names
    granularity: Names
    starts: Days
    asked_us: Ints
    values: Floats

    @classmethod
    def of(cls, periods: pd.DataFrame, site: Site) -> Self:
        """All rows of a frame of the table."""
        asked_us = epoch_us(periods["_fetched_at"])
        order = np.argsort(asked_us, kind="stable")
        source, granularity = (periods[name].to_numpy(dtype=object) for name in ("source", "granularity"))
        values = with_totals(periods[list(FLOWS)].to_numpy(dtype=np.float64), site)
        starts = days_of(periods["period_start"])
        return cls(source[order], granularity[order], starts[order], asked_us[order], values[order])


@dataclass(frozen=True, slots=True)
class Told:
    """One source's word on periods in a row, or for each period the word of the first source that has one.

    Attributes:
        source: Name of the source of each period.
        values: Wh, periods × `MEASURES`; NaN where nothing is told.
        rows: Rows that were summed; 0 where the source has nothing.
        asked_us: When it was asked, microseconds since 1970.
    """

    source: Names
    values: Floats
    rows: Ints
    asked_us: Ints

    @classmethod
    def nothing(cls, source: str, periods: int) -> Self:
        """A source without a word."""
        rows, asked_us = np.zeros(periods, dtype=np.int64), np.zeros(periods, dtype=np.int64)
        return cls(_named(source, periods), np.full((periods, len(MEASURES)), np.nan), rows, asked_us)

    @classmethod
    def of_sums(cls, source: str, sums: DaySums) -> Self:
        """The sums of a day's rows."""
        return cls(_named(source, len(sums.rows)), sums.values, sums.rows, sums.asked_us)

    @classmethod
    def of_rows(cls, rows: "PeriodRows", source: str, granularity: Granularity, starts: Days) -> Self:
        """The API's own rows; of two for the same period the last asked counts."""
        mine = np.flatnonzero((rows.source == source) & (rows.granularity == granularity.value))
        at = positions(rows.starts[mine], starts)
        mine, at = mine[at >= 0], at[at >= 0]
        told = cls.nothing(source, len(starts))
        if len(mine):
            told.values[at] = rows.values[mine]
            told.rows[at] = 1
            told.asked_us[at] = rows.asked_us[mine]
        return told

    @property
    def is_told(self) -> Mask:
        """Of which periods there is a word."""
        return np.asarray(self.rows > 0)

    @property
    def is_zero(self) -> Mask:
        """Of which periods it is told that nothing flowed at all."""
        return np.asarray(self.is_told & ~(np.nan_to_num(self.values) > 0.0).any(axis=1))

    def where(self, mask: Mask) -> Self:
        """The same, and nothing of the other periods."""
        return type(self)(
            self.source,
            np.where(mask[:, None], self.values, np.nan),
            np.where(mask, self.rows, 0),
            np.where(mask, self.asked_us, 0),
        )

    def otherwise(self, other: "Told") -> Self:
        """The same, and of periods without a word that of another source."""
        mine = self.is_told
        return type(self)(
            np.where(mine, self.source, other.source),
            np.where(mine[:, None], self.values, other.values),
            np.where(mine, self.rows, other.rows),
            np.where(mine, self.asked_us, other.asked_us),
        )

    def of(self, measures: npt.NDArray[np.bool_]) -> Self:
        """The same of some measures alone."""
        return type(self)(self.source, np.where(measures, self.values, np.nan), self.rows, self.asked_us)


def _named(source: str, periods: int) -> Names:
    return np.full(periods, source, dtype=object)
