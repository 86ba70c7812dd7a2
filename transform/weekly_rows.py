"""Rows of a month that stand for a week.

In 2018 a month had the sums of its weeks at their Sundays, beside rows of single days.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from transform.observations import Floats, Mask
from transform.time import Days, Ints

_THURSDAY: Final = 4
"""Days from Sunday to the day that NumPy counts from."""

MIN_WEEKS: Final = 2
"""So many Sundays of a response must be sums of the days after them, and all of those that can be compared."""

MIN_SUNDAYS: Final = 3
"""So many Sundays without any other day of the month are weeks, too."""

LARGEST_DAY: Final = 3.0
"""What is left of a week for its Sunday is at most so many times the largest of the other days."""


def weekdays(days: Days) -> Ints:
    """Days since Sunday."""
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + _THURSDAY) % 7)


def stand_for_weeks(responses: Ints, days: Days, values: Floats) -> Mask:
    """Which rows are the sums of their weeks, by all rows of their response.

    The week of a Sunday is at least the sum of the six days after it, in every flow, and by no more than a day's energy. A
    response with too few days to show it is like the nearest one that does, unless a Sunday of its own contradicts it.

    Args:
        responses: The response of each row.
        days: The day of its stamp.
        values: Its energy, rows × flows.
    """
    found = np.zeros(len(days), dtype=bool)
    if len(days) < MIN_SUNDAYS:
        return found
    order = np.lexsort((days, responses))
    owner, day, energy = (
        responses[order],
        days[order].astype("datetime64[D]").astype(np.int64),
        np.nan_to_num(values[order]),
    )
    is_sunday = weekdays(days[order]) == 0
    count = int(owner.max()) + 1
    is_alone = np.ones(len(order), dtype=bool)
    is_alone[1:] = (owner[1:] != owner[:-1]) | (day[1:] != day[:-1])
    is_daily = np.bincount(owner, ~is_alone, count) == 0
    is_whole, is_sum = _sums_of_the_days_after(owner, day, energy)
    is_compared = is_sunday & is_whole
    compared, sums = np.bincount(owner, is_compared, count), np.bincount(owner, is_compared & is_sum, count)
    sundays = np.bincount(owner, is_sunday, count)
    is_weekly = (compared >= MIN_WEEKS) & (sums == compared)
    is_weekly |= (sundays >= MIN_SUNDAYS) & (sundays == np.bincount(owner, minlength=count))
    is_shown = is_weekly | (compared >= MIN_WEEKS)
    is_weekly |= ~is_shown & (sums == compared) & _as_the_nearest(owner, day, is_shown, is_weekly)
    found[order] = is_sunday & (is_weekly & is_daily)[owner]
    return found


def _sums_of_the_days_after(owner: Ints, day: npt.NDArray[np.int64], energy: Floats) -> tuple[Mask, Mask]:
    """Whether the response has the six days after each row, with energy; and whether the row is their sum and a day's more."""
    rows = len(owner)
    reached = np.concatenate([np.zeros((1, energy.shape[1])), np.cumsum(energy, axis=0)])
    last = np.minimum(np.arange(rows) + 6, rows - 1)
    six = reached[last + 1] - reached[np.minimum(np.arange(rows) + 1, rows)]
    after = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([energy[1:], np.zeros((6, energy.shape[1]))]), 6, axis=0
    )
    largest = after[:rows].max(axis=2).sum(axis=1)
    is_whole = (owner[last] == owner) & (day[last] - day == 6) & (six.sum(axis=1) > 0)
    is_more = (energy - six >= -np.maximum(6.0, 0.001 * six)).all(axis=1)
    is_a_day_more = energy.sum(axis=1) - six.sum(axis=1) <= LARGEST_DAY * largest
    return np.asarray(is_whole), np.asarray(is_more & is_a_day_more)


def _as_the_nearest(owner: Ints, day: Ints, is_shown: Mask, is_weekly: Mask) -> Mask:
    """Whether the response nearest to each, among those that show it, is of weeks."""
    begins = np.full(len(is_shown), np.iinfo(np.int64).max // 2)
    np.minimum.at(begins, owner, day)
    shown = np.flatnonzero(is_shown)
    if len(shown) == 0:
        return np.zeros(len(is_shown), dtype=bool)
    shown = shown[np.argsort(begins[shown], kind="stable")]
    after = np.minimum(np.searchsorted(begins[shown], begins), len(shown) - 1)
    before = np.maximum(after - 1, 0)
    is_before = begins - begins[shown[before]] < begins[shown[after]] - begins
    return np.asarray(is_weekly[shown[np.where(is_before, before, after)]])
