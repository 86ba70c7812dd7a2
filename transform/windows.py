"""Rows of other days than those that a response was asked for (Q22).

A response may hold more than was asked: a month with all days since the installation, a day with the days around it. Such rows
count for their own day, where no response for that day has one. A response that has other days in place of its own is of a
wrong window, and so are its rows.
"""

import numpy as np

from transform.observations import Mask, Observations
from transform.responses import Reason
from transform.time import LONGEST_INTERVAL_US, Days, Ints, epoch_us, first_instants_by_clock_us
from wattlog.series import SERIES


def outside_windows(observations: Observations, first_days: Days, last_days: Days) -> Mask:
    """Rows whose period lies outside the window that their response was asked for.

    Args:
        observations: The rows.
        first_days: First day each row stands for, on the clock of its response.
        last_days: Last day each row stands for.
    """
    starts, ends = _windows(observations)
    owners = observations.rows["response"].to_numpy()
    return np.asarray((last_days < starts[owners]) | (first_days > ends[owners]))


def quarantine_wrong_windows(
    observations: Observations, first_days: Days, last_days: Days, *, has_intervals: bool
) -> bool:
    """Quarantine rows outside of the window of their response, unless it has its own window, too, and not they in place of it.

    Returns whether any such rows stay.

    Args:
        observations: The rows.
        first_days: First day each row stands for, on the clock of its response.
        last_days: Last day each row stands for.
        has_intervals: Rows are intervals, which show whether the window is there from its beginning to its end.
    """
    starts, ends = _windows(observations)
    owners = observations.rows["response"].to_numpy()
    is_before, is_after = last_days < starts[owners], first_days > ends[owners]
    is_outside = is_before | is_after
    if not is_outside.any():
        return False
    is_right = np.bincount(owners, ~is_outside, len(observations.responses)) > 0
    specs = [SERIES.get(response.series) for response in observations.responses]
    is_right &= np.array([spec is not None and spec.is_stamped_in_window for spec in specs])
    if has_intervals:
        has_before, has_after = (
            np.bincount(owners, mask, len(observations.responses)) > 0 for mask in (is_before, is_after)
        )
        reaches_beginning, reaches_end = _reach_ends(observations, ~is_outside)
        is_right &= (reaches_end | ~has_before) & (reaches_beginning | ~has_after)
    is_wrong = is_outside & ~is_right[owners]
    observations.quarantine(is_wrong, Reason.WRONG_WINDOW)
    return bool((is_outside & ~is_wrong).any())


def _windows(observations: Observations) -> tuple[Days, Days]:
    """First and last day that each response was asked for."""
    starts = np.array([response.window_start for response in observations.responses], dtype="datetime64[D]")
    ends = np.array([response.window_end for response in observations.responses], dtype="datetime64[D]")
    return starts, ends


def _reach_ends(observations: Observations, is_own: Mask) -> tuple[Mask, Mask]:
    """Responses whose own rows reach the beginning of their window, and those that reach its end, or when they were asked.

    A response with rows before its window in place of its own lacks the end of it; one with rows after it, the beginning.
    """
    responses, clocks = observations.responses, observations.clocks
    starts, ends = _windows(observations)
    begin_us, end_us = (first_instants_by_clock_us(days, clocks) for days in (starts, ends + 1))
    asked_us = np.array(
        [round(response.requested_at.timestamp() * 1_000_000) for response in responses], dtype=np.int64
    )
    owners, instants_us = (
        observations.rows["response"].to_numpy()[is_own],
        epoch_us(observations.rows["instant"])[is_own],
    )
    first_us, last_us = _extremes(owners, instants_us, len(responses))
    is_begun = first_us - begin_us <= LONGEST_INTERVAL_US
    return np.asarray(is_begun), np.asarray(np.minimum(end_us, asked_us) - last_us <= LONGEST_INTERVAL_US)


def _extremes(groups: Ints, values: Ints, count: int) -> tuple[Ints, Ints]:
    """Smallest and largest value of each group; of an empty one they are far apart in the wrong order."""
    smallest, largest = np.full(count, 2**62, dtype=np.int64), np.full(count, -(2**62), dtype=np.int64)
    np.minimum.at(smallest, groups, values)
    np.maximum.at(largest, groups, values)
    return smallest, largest
