"""How long intervals are, and which of overlapping ones counts."""

import numpy as np
import pandas as pd

from transform.observations import Floats, Mask
from transform.time import Ints, epoch_us
from wattlog.tolerances import tolerance_wh

STANDARD_LENGTHS_S: Ints = np.array([300, 900, 1800, 3600], dtype=np.int64)
"""The interval lengths the API is known to give: 5 minutes, 15 minutes, and the coarser ones of old eras (Q10)."""

MIN_EVIDENCE = 3
"""A response with fewer steps of a length takes the length of the others: a few rows around gaps prove nothing."""

MIN_RUN = 4
"""So many equal steps in a row are a stretch of that length, even where the rest of the response has another: one or two could
be gaps, four are a change of spacing."""


def measure_interval_s(instants: pd.Series, responses: Ints, *, default_s: int) -> Ints:
    """Length of each row's interval, measured from the distances between the rows of its response.

    A response's length is the commonest distance between adjacent rows among the known lengths; a stretch of it that keeps
    another known distance has that one, so that a response that mixes lengths is split. Gaps make distances longer and change
    nothing as long as most adjacent rows are there; changes of offset do not matter, since instants are compared. A response
    with too few rows takes the length that is commonest in all responses together. No interval reaches into the next row of
    its response.

    Args:
        instants: tz-aware instants in any order, none of them NaT.
        responses: The response that each row came from.
        default_s: Length to assume when no two rows of any response are adjacent (a single row).

    Returns:
        Seconds, in the order of the rows.
    """
    if len(instants) == 0:
        return np.zeros(0, dtype=np.int64)
    seconds = epoch_us(instants) // 1_000_000
    order = np.lexsort((seconds, responses))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(seconds[order]) != 0) | (np.diff(responses[order]) != 0)
    starts, owners = seconds[order][is_new], responses[order][is_new]
    steps = np.zeros(len(starts), dtype=np.int64)
    steps[:-1] = np.where(owners[1:] == owners[:-1], np.diff(starts), 0)
    usual_s = _usual_of_responses(steps, owners, default_s)
    lengths = _of_stretches(steps, owners, usual_s)
    lengths = np.where(steps > 0, np.minimum(lengths, np.maximum(steps, 1)), lengths)
    measured = np.empty(len(order), dtype=np.int64)
    measured[order] = lengths[np.cumsum(is_new) - 1]
    return measured


def _usual_of_responses(steps: Ints, owners: Ints, default_s: int) -> Ints:
    """The commonest length of each row's response, or of all responses where that one has too few rows."""
    is_known = np.isin(steps, STANDARD_LENGTHS_S)
    votes = np.zeros((int(owners.max()) + 1, len(STANDARD_LENGTHS_S)), dtype=np.int64)
    np.add.at(votes, (owners[is_known], np.searchsorted(STANDARD_LENGTHS_S, steps[is_known])), 1)
    total = votes.sum(axis=0)
    usual_s = int(STANDARD_LENGTHS_S[total.argmax()]) if total.any() else default_s
    own_s = np.where(votes.max(axis=1) >= MIN_EVIDENCE, STANDARD_LENGTHS_S[votes.argmax(axis=1)], usual_s)
    return np.asarray(own_s[owners], dtype=np.int64)


def _of_stretches(steps: Ints, owners: Ints, usual_s: Ints) -> Ints:
    """Lengths by stretch: a row takes the length of the run of equal steps it is in, or of the run before or after it."""
    is_break = np.ones(len(steps), dtype=bool)
    is_break[1:] = (np.diff(steps) != 0) | (np.diff(owners) != 0)
    run = np.cumsum(is_break) - 1
    is_proven = (np.bincount(run)[run] >= MIN_RUN) & np.isin(steps, STANDARD_LENGTHS_S)
    if (~is_proven | (steps == usual_s)).all():
        return usual_s
    rows = np.arange(len(steps))
    before = np.maximum.accumulate(np.where(is_proven, rows, -1))
    after = np.minimum.accumulate(np.where(is_proven, rows, len(rows))[::-1])[::-1]
    has_before = (before >= 0) & (owners[before] == owners)
    has_after = (after < len(rows)) & (owners[np.minimum(after, len(rows) - 1)] == owners)
    lengths = np.where(has_after, steps[np.minimum(after, len(rows) - 1)], usual_s)
    return np.asarray(np.where(has_before, steps[before], lengths), dtype=np.int64)


def is_counted_once(starts_s: Ints, lengths_s: Ints, is_filling: Mask) -> Mask:
    """Which intervals to keep so that no time is covered twice and none is lost.

    Finer intervals that fill a coarser one from end to end supersede it; where they leave a part out, it supersedes them.
    Finer intervals that were not over when they were asked, have values that cannot be used, or lack energy that the coarser
    one has (`lack_energy`), fill nothing.

    **Source**: Q21; five- and fifteen-minute responses of the same day.

    Args:
        starts_s: Beginning of each interval, epoch seconds; no two of the same length begin together.
        lengths_s: Length of each.
        is_filling: Whether each was over when it was asked, and is whole.
    """
    is_kept = np.ones(len(starts_s), dtype=bool)
    for length_s in np.unique(lengths_s)[1:]:
        fine = np.flatnonzero(is_kept & (lengths_s < length_s))
        fine = fine[np.argsort(starts_s[fine], kind="stable")]
        coarse = np.flatnonzero(lengths_s == length_s)
        first, last = (np.searchsorted(starts_s[fine], starts_s[coarse] + shift) for shift in (0, length_s))
        filled = np.concatenate([[0], np.cumsum(np.where(is_filling[fine], lengths_s[fine], 0))])
        is_filled = filled[last] - filled[first] >= length_s
        is_kept[coarse[is_filled]] = False
        edges = np.zeros(len(fine) + 1, dtype=np.int64)
        np.add.at(edges, first[~is_filled], 1)
        np.add.at(edges, last[~is_filled], -1)
        is_kept[fine[np.cumsum(edges[:-1]) > 0]] = False
    return is_kept


def lack_energy(starts_s: Ints, lengths_s: Ints, wh: Floats, asked_us: Ints) -> Mask:
    """Which intervals lie in a coarser one that was fetched no earlier and has more energy than they, some of which are zero.

    While a gateway is offline the API may give zeros (Q14); what the response of a later day has instead may be coarser.

    Args:
        starts_s: Beginning of each interval, epoch seconds.
        lengths_s: Length of each.
        wh: All energy of each.
        asked_us: When each was asked.
    """
    found = np.zeros(len(starts_s), dtype=bool)
    for length_s in np.unique(lengths_s)[1:]:
        coarse = np.flatnonzero(lengths_s == length_s)
        coarse = coarse[np.argsort(starts_s[coarse], kind="stable")]
        fine = np.flatnonzero(lengths_s < length_s)
        at = np.searchsorted(starts_s[coarse], starts_s[fine], side="right") - 1
        is_in = (at >= 0) & (starts_s[fine] + lengths_s[fine] <= starts_s[coarse[at]] + length_s)
        fine, at = fine[is_in], at[is_in]
        rows, zeros = np.bincount(at, minlength=len(coarse)), np.bincount(at, wh[fine] == 0.0, len(coarse))
        sums = np.bincount(at, wh[fine], len(coarse)).astype(np.float64)
        asked_last_us = np.zeros(len(coarse), dtype=np.int64)
        np.maximum.at(asked_last_us, at, asked_us[fine])
        is_more = wh[coarse] - sums > tolerance_wh(wh[coarse], sums, np.maximum(rows, 1).astype(np.float64))
        found[fine] |= (is_more & (zeros > 0) & (asked_us[coarse] >= asked_last_us))[at]
    return found
