"""Energy by quarter hours, as imported histories are compared with what the API reports."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.day_sums import COMPARED, Floats
from transform.local_calendar import Calendar
from transform.time import Ints

QUARTER_US: Final = 900 * 1_000_000
A_DAY: Final = 96
"""Quarter hours of a usual day."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """Energy by quarter hours, from a day before the calendar to a day after it.

    Attributes:
        begun_us: Beginning of the first.
        values: Wh, quarter hours × `COMPARED`; NaN where nothing is stored.
        covered_s: Seconds of each that rows cover.
    """

    begun_us: int
    values: Floats
    covered_s: Ints

    @classmethod
    def of(cls, begun_us: Ints, values: Floats, covered_s: Ints, calendar: Calendar) -> "Profiles":
        """Sums of rows that are no longer than a quarter hour."""
        first, last = _span(calendar)
        at = (begun_us - first) // QUARTER_US
        count = (last - first) // QUARTER_US
        is_in = (at >= 0) & (at < count)
        at, rows = at[is_in], values[is_in]
        sums, known = np.zeros((count, len(COMPARED))), np.zeros((count, len(COMPARED)))
        np.add.at(sums, at, np.nan_to_num(rows))
        np.add.at(known, at, ~np.isnan(rows))
        covered = np.bincount(at, covered_s[is_in], count).astype(np.int64)
        return cls(first, np.where(known > 0, sums, np.nan), covered)

    def of_days(self, calendar: Calendar) -> list[slice]:
        """The quarter hours of each day."""
        first, last = ((edges - self.begun_us) // QUARTER_US for edges in (calendar.starts_us, calendar.ends_us))
        return [slice(int(begin), int(end)) for begin, end in zip(first, last, strict=True)]


def _span(calendar: Calendar) -> tuple[int, int]:
    """From a day before the calendar to a day after it, microseconds since 1970."""
    around = A_DAY * QUARTER_US
    return int(calendar.starts_us[0]) // QUARTER_US * QUARTER_US - around, int(calendar.ends_us[-1]) + around
