"""Rows of series `energy_interval` that are no intervals: the one row of a day, as all days had before April 2024 (Q9, Q10)."""

from dataclasses import replace

import numpy as np

from transform.interval_lengths import measure_interval_s
from transform.observations import Floats, Mask, Observations
from transform.periods import stamped
from transform.time import Days, Ints, epoch_us
from wattlog.series import intervals_of
from wattlog.series_spec import Series

_ONE_O_CLOCK = 60
"""Minute of the day with which a row is stamped that stands for the day (Q9)."""


def stands_for_its_day(observations: Observations) -> Mask:
    """Rows that are alone on their day and stand for it (Q9).

    A row stamped 01:00 does, and one of 00:00 from the oldest vintage of the API, unless its response has intervals of other
    days. Since 2024 a lone row at midnight is the first interval of a day that has just begun. Other lone rows are what the
    responses of the days around them are: a day without 01:00 is stamped 02:00, and of a dark day one interval may be left.
    """
    rows = observations.rows
    if rows.empty:
        return np.zeros(0, dtype=bool)
    owners, instants_us = rows["response"].to_numpy(), epoch_us(rows["instant"])
    is_day = _are_alone(owners, observations.response_days(), instants_us)
    if is_day.any():
        has_intervals = np.bincount(owners, ~is_day) > 0
        lone = np.flatnonzero(is_day)
        days, minutes = stamped(replace(observations, rows=rows.loc[is_day]))
        is_old = days < np.datetime64(intervals_of(Series.ENERGY_INTERVAL).one_row_before, "D")
        is_among_intervals = has_intervals[owners[lone]]
        is_stamped = (minutes == _ONE_O_CLOCK) | ((minutes == 0) & is_old & ~is_among_intervals)
        is_open = ~is_stamped & ~is_among_intervals & (minutes != 0)
        if is_open.any():
            fine = _days_of_usual_length(observations, ~is_day)
            is_stamped[is_open] = _is_nearer(days[is_open], days[is_stamped], fine, otherwise=is_old[is_open])
        is_day[lone] = is_stamped
    return np.asarray(is_day)


def _days_of_usual_length(observations: Observations, is_interval: Mask) -> Days:
    """Days of responses with intervals of the usual length: longer ones come on request, in the old era, too (Q10)."""
    rows = observations.rows.loc[is_interval]
    usual_s = intervals_of(Series.ENERGY_INTERVAL).usual_s
    length_s = measure_interval_s(rows["instant"], rows["response"].to_numpy(), default_s=usual_s)
    return observations.response_days()[is_interval][length_s <= usual_s]


def _is_nearer(days: Days, left: Days, right: Days, *, otherwise: Mask) -> Mask:
    """Whether the nearest of `left` is at least as near to each day as the nearest of `right`; `otherwise` without either."""
    to_left, to_right = (_distance(days, others) for others in (left, right))
    is_unknown = np.isinf(to_left) & np.isinf(to_right)
    return np.where(is_unknown, otherwise, to_left <= to_right)


def _distance(days: Days, others: Days) -> Floats:
    """Number of days to the nearest of the others; infinite if there are none."""
    if len(others) == 0:
        return np.full(len(days), np.inf)
    known, wanted = (
        np.unique(others.astype("datetime64[D]").astype(np.int64)),
        days.astype("datetime64[D]").astype(np.int64),
    )
    after = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    before = np.maximum(after - 1, 0)
    return np.asarray(np.minimum(np.abs(known[after] - wanted), np.abs(known[before] - wanted)), dtype=np.float64)


def _are_alone(responses: Ints, days: Days, instants: Ints) -> Mask:
    """Which rows are at the only instant of their day in their response."""
    order = np.lexsort((instants, days, responses))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(responses[order]) != 0) | (days[order][1:] != days[order][:-1])
    firsts = np.flatnonzero(is_first)
    is_alone = instants[order][firsts] == instants[order][np.append(firsts[1:], len(order)) - 1]
    found = np.empty(len(order), dtype=bool)
    found[order] = is_alone[np.cumsum(is_first) - 1]
    return found
