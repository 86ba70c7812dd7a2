"""The values that one source reports of each period, as arrays, so that all periods of two sources are compared at once."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import MEASURES, DaySums, Floats, Mask, with_totals
from transform.local_calendar import positions
from transform.sites import Site
from transform.time import Days, Ints, days_of, epoch_us
from warehouse.schema import FLOWS
from wattlog.causes import Granularity

Names = npt.NDArray[np.object_]

DAILY: Final = "daily"
"""Source of a side that is the sum of the best estimates."""

USES: Final = "flows"
"""Source of the right side of a flow identity: where the energy went."""


@dataclass(frozen=True, slots=True)
class PeriodRows:
    """Rows of table `energy_periods` as arrays, in the order of their requests.

    Attributes:
        source: Endpoint and period of each row.
        granularity: The calendar period that the row covers.
        starts: First day of that period.
        time_zone: Clock by which the server cut that period.
        asked_us: When it was requested, microseconds since 1970.
        values: Wh, rows × `MEASURES`.
    """

    source: Names
    granularity: Names
    starts: Days
    time_zone: Names
    asked_us: Ints
    values: Floats

    @classmethod
    def of(cls, periods: pd.DataFrame, site: Site) -> Self:
        """All rows of a frame of the table."""
        asked_us = epoch_us(periods["_fetched_at"])
        order = np.argsort(asked_us, kind="stable")
        source, granularity, time_zone = (
            periods[name].to_numpy(dtype=object) for name in ("source", "granularity", "timezone")
        )
        starts = days_of(periods["period_start"])
        values = with_totals(periods[list(FLOWS)].to_numpy(dtype=np.float64), site.has_battery_on(starts))
        return cls(source[order], granularity[order], starts[order], time_zone[order], asked_us[order], values[order])


@dataclass(frozen=True, slots=True)
class SourceValues:
    """The reported values of one source for a list of periods, or of the first source that has a value for each period.

    Attributes:
        source: Name of the source of each period.
        values: Wh, periods × `MEASURES`; NaN where no value is reported.
        rows: Rows that were summed; 0 where the source has nothing.
        asked_us: When the values were requested, microseconds since 1970.
    """

    source: Names
    values: Floats
    rows: Ints
    asked_us: Ints

    @classmethod
    def nothing(cls, source: str, periods: int) -> Self:
        """A source without values."""
        rows, asked_us = np.zeros(periods, dtype=np.int64), np.zeros(periods, dtype=np.int64)
        return cls(_named(source, periods), np.full((periods, len(MEASURES)), np.nan), rows, asked_us)

    @classmethod
    def of_sums(cls, source: str, sums: DaySums) -> Self:
        """The sums of each day's rows."""
        return cls(_named(source, len(sums.rows)), sums.values, sums.rows, sums.asked_us)

    @classmethod
    def of_rows(cls, rows: "PeriodRows", source: str, granularity: Granularity, starts: Days) -> Self:
        """The API's own rows; of several for one period, the one requested last."""
        mine = np.flatnonzero((rows.source == source) & (rows.granularity == granularity.value))
        at = positions(rows.starts[mine], starts)
        mine, at = mine[at >= 0], at[at >= 0]
        reported = cls.nothing(source, len(starts))
        if len(mine):
            reported.values[at] = rows.values[mine]
            reported.rows[at] = 1
            reported.asked_us[at] = rows.asked_us[mine]
        return reported

    @property
    def is_reported(self) -> Mask:
        """Periods for which the source has values: a row without any is as good as none (Q24)."""
        return np.asarray((self.rows > 0) & ~np.isnan(self.values).all(axis=1))

    @property
    def is_zero(self) -> Mask:
        """Periods for which the source reports no energy in any measure."""
        return np.asarray(self.is_reported & ~(np.nan_to_num(self.values) > 0.0).any(axis=1))

    def where(self, mask: Mask) -> Self:
        """The values of the periods in `mask`, and nothing for the others."""
        return type(self)(
            self.source,
            np.where(mask[:, None], self.values, np.nan),
            np.where(mask, self.rows, 0),
            np.where(mask, self.asked_us, 0),
        )

    def without(self, mask: Mask) -> Self:
        """The values without those in `mask` (periods × `MEASURES`)."""
        return type(self)(self.source, np.where(mask, np.nan, self.values), self.rows, self.asked_us)

    def otherwise(self, other: "SourceValues") -> Self:
        """These values, and those of another source for periods without one."""
        mine = self.is_reported
        return type(self)(
            np.where(mine, self.source, other.source),
            np.where(mine[:, None], self.values, other.values),
            np.where(mine, self.rows, other.rows),
            np.where(mine, self.asked_us, other.asked_us),
        )

    def of(self, measures: npt.NDArray[np.bool_]) -> Self:
        """The values of some measures only."""
        return type(self)(self.source, np.where(measures, self.values, np.nan), self.rows, self.asked_us)


def _named(source: str, periods: int) -> Names:
    return np.full(periods, source, dtype=object)
