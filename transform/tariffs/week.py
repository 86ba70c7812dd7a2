"""A season as the 10,080 minutes of a week, Monday 00:00 first."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from transform.tariffs.tariff import MINUTES_PER_DAY, MINUTES_PER_WEEK, Period

Codes = npt.NDArray[np.int16]
Counts = npt.NDArray[np.int16]

UNCOVERED: Final = -1
"""Code of a minute that no period covers."""

AMBIGUOUS: Final = -2
"""Code of a minute that periods of several labels cover."""


def period_slices(period: Period) -> Iterable[slice]:
    """The minutes of a week that a period covers; what runs over the end of Sunday is at the beginning of Monday."""
    for day in period.days:
        begin = day * MINUTES_PER_DAY + period.from_minute
        end = begin + period.minutes
        yield slice(begin, min(end, MINUTES_PER_WEEK))
        if end > MINUTES_PER_WEEK:
            yield slice(0, end - MINUTES_PER_WEEK)


def coverage(periods: Iterable[Period]) -> Counts:
    """How many of the periods cover each minute of the week."""
    counts = np.zeros(MINUTES_PER_WEEK, np.int16)
    for period in periods:
        for minutes in period_slices(period):
            counts[minutes] += 1
    return counts


def label_codes(periods: Sequence[Sequence[Period]]) -> Codes:
    """Which label applies in each minute of the week.

    Args:
        periods: The periods of each label; a label's code is its position.

    Returns:
        Code by minute; `UNCOVERED` where no label applies, `AMBIGUOUS` where several do.
    """
    codes = np.full(MINUTES_PER_WEEK, UNCOVERED, np.int16)
    labels = np.zeros(MINUTES_PER_WEEK, np.int16)
    for code, of_label in enumerate(periods):
        is_covered = coverage(of_label) > 0
        codes[is_covered] = code
        labels += is_covered
    codes[labels > 1] = AMBIGUOUS
    return codes


def runs(values: npt.NDArray[np.int16]) -> list[tuple[int, int, int]]:
    """First position, position after the last, and value of each run of equal values."""
    cuts = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(begin, end, int(values[begin])) for begin, end in pairwise(cuts)]
