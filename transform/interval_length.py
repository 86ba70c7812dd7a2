"""How long each row's interval is, and which of overlapping intervals counts.

The API never says how long an interval is; it gave 5, 15, 30 and 60 minutes at different times, on different equipment, and
for different questions (Q10, Q21). Lengths are measured from the distances between rows, and where answers of different
lengths tell of the same time, that time counts once.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.time import Ints, epoch_us

Mask = npt.NDArray[np.bool_]

STANDARD_LENGTHS_S: Ints = np.array([300, 900, 1800, 3600], dtype=np.int64)
"""The interval lengths the API is known to give: 5 minutes, 15 minutes, and the coarser ones of old eras (Q10)."""

MIN_EVIDENCE = 3
"""An answer with fewer steps of a length is believed less than its siblings: a few rows around gaps prove nothing."""

MIN_RUN = 4
"""So many equal steps in a row are a stretch of that length, even where the rest of the answer has another: one or two could
be gaps, four are a change of spacing."""


def measure_interval_s(instants: pd.Series, answers: Ints, *, default_s: int) -> Ints:
    """Length of each row's interval, measured from the distances between the rows of its answer.

    An answer's length is its commonest distance between neighbours among the known lengths; a stretch of it that keeps another
    known distance has that one, so that an answer that mixes lengths is split. Gaps make distances longer and change
    nothing as long as most neighbours are there; changes of offset are no matter since instants are compared. An answer
    with too few rows to tell takes the length that is commonest in all answers together. No interval reaches into the next
    row of its answer.

    Args:
        instants: tz-aware instants in any order, none of them NaT.
        answers: The answer that each row came from.
        default_s: Length to assume when no two rows of any answer are neighbours (a single row).

    Returns:
        Seconds, in the order of the rows.
    """
    if len(instants) == 0:
        return np.zeros(0, dtype=np.int64)
    seconds = epoch_us(instants) // 1_000_000
    order = np.lexsort((seconds, answers))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(seconds[order]) != 0) | (np.diff(answers[order]) != 0)
    starts, owners = seconds[order][is_new], answers[order][is_new]
    steps = np.zeros(len(starts), dtype=np.int64)
    steps[:-1] = np.where(owners[1:] == owners[:-1], np.diff(starts), 0)
    usual_s = _usual_of_answers(steps, owners, default_s)
    lengths = _of_stretches(steps, owners, usual_s)
    lengths = np.where(steps > 0, np.minimum(lengths, np.maximum(steps, 1)), lengths)
    measured = np.empty(len(order), dtype=np.int64)
    measured[order] = lengths[np.cumsum(is_new) - 1]
    return measured


def _usual_of_answers(steps: Ints, owners: Ints, default_s: int) -> Ints:
    """The commonest length of each row's answer, or of all answers where that one has too few rows to tell."""
    is_known = np.isin(steps, STANDARD_LENGTHS_S)
    votes = np.zeros((int(owners.max()) + 1, len(STANDARD_LENGTHS_S)), dtype=np.int64)
    np.add.at(votes, (owners[is_known], np.searchsorted(STANDARD_LENGTHS_S, steps[is_known])), 1)
    everyone = votes.sum(axis=0)
    usual_s = int(STANDARD_LENGTHS_S[everyone.argmax()]) if everyone.any() else default_s
    own_s = np.where(votes.max(axis=1) >= MIN_EVIDENCE, STANDARD_LENGTHS_S[votes.argmax(axis=1)], usual_s)
    return np.asarray(own_s[owners], dtype=np.int64)


def _of_stretches(steps: Ints, owners: Ints, usual_s: Ints) -> Ints:
    """Lengths by stretch: a row takes the length of the run of equal steps it stands in, or of the run before or after it."""
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


def counted_once(starts_s: Ints, lengths_s: Ints, is_over: Mask) -> Mask:
    """Which intervals to keep so that no time is told of twice and none is lost.

    A coarser interval gives way to finer ones that fill it from end to end; where they have holes it stays, and they give
    way. Finer intervals that were not over when they were asked fill nothing.

    **Source**: Q21; five- and fifteen-minute answers of the same day.

    Args:
        starts_s: Beginning of each interval, epoch seconds; no two of the same length begin together.
        lengths_s: Length of each.
        is_over: Whether each was over when it was asked.
    """
    is_kept = np.ones(len(starts_s), dtype=bool)
    for length_s in np.unique(lengths_s)[1:]:
        fine = np.flatnonzero(is_kept & (lengths_s < length_s))
        fine = fine[np.argsort(starts_s[fine], kind="stable")]
        coarse = np.flatnonzero(lengths_s == length_s)
        first, last = (np.searchsorted(starts_s[fine], starts_s[coarse] + shift) for shift in (0, length_s))
        filled = np.concatenate([[0], np.cumsum(np.where(is_over[fine], lengths_s[fine], 0))])
        is_filled = filled[last] - filled[first] >= length_s
        is_kept[coarse[is_filled]] = False
        edges = np.zeros(len(fine) + 1, dtype=np.int64)
        np.add.at(edges, first[~is_filled], 1)
        np.add.at(edges, last[~is_filled], -1)
        is_kept[fine[np.cumsum(edges[:-1]) > 0]] = False
    return is_kept
