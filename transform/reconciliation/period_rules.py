"""Why a roll-up is not the sum of its days: one rule a cause, the strongest evidence first.

A roll-up that is not whole cannot be judged, so that comes before everything but its unit. Then what days explain: a day that
is missing in it to the Wh, or the other account of its days. Drift is what is left when it is small and goes one way.
"""

from typing import Final

import numpy as np

from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.period_context import PeriodContext
from transform.reconciliation.shared_rules import is_allocation_shift, is_midnight_zero, is_rounding, is_unit_mismatch
from transform.reconciliation.told import Names
from transform.reconciliation.vocabulary import Cause, Floats, Mask
from transform.time import Ints

MOST_DRIFT: Final = 0.1
"""Largest share by which a roll-up was told and can be called drift: 4 % were seen (828 and 863 kWh, Q20), of one household."""

TO_THE_WH: Final = 1.5
"""A roll-up and its days are rounded to the Wh one by one."""

DRIFT_SLACK: Final = 2.0
"""Small flows drift by as many Wh as the large ones round: their share means nothing up to this many tolerances."""


def is_incomplete(_: Comparison, context: PeriodContext) -> Mask:
    """Days of it are not held, or not in every measure."""
    return np.asarray(context.is_missing[:, None] | context.is_short)


def is_open(comparison: Comparison, context: PeriodContext) -> Mask:
    """It was asked before its end, and differs by no more than the days that are not settled have."""
    is_early = comparison.right.asked_us < context.closes_us
    return np.asarray(is_early[:, None] & _is_within(comparison, context.early_wh))


def is_revised(comparison: Comparison, context: PeriodContext) -> Mask:
    """It is over but it, or a day of it, had not settled when it was asked, and differs by no more than such days (Q12)."""
    is_early = comparison.right.asked_us < context.settled_us
    last_wh = _day_wh(context, context.spans.lasts - 1)
    early_wh = np.where(is_early[:, None], np.fmax(context.early_wh, last_wh), context.early_wh)
    return np.asarray((early_wh > 0).any(axis=1, keepdims=True) & _is_within(comparison, early_wh))


def _day_wh(context: PeriodContext, at: Ints) -> Floats:
    """Energy of one day of each period, 0 where no day is held."""
    values = context.days.values
    padded = np.concatenate([values, np.zeros((1, values.shape[1]))])
    return np.where(context.spans.held[:, None] > 0, np.nan_to_num(padded[at]), 0.0)


def _is_within(comparison: Comparison, most_wh: Floats) -> Mask:
    """Periods of which nothing differs by more."""
    is_over = comparison.differs & (np.abs(comparison.difference) > most_wh + comparison.tolerance)
    return np.asarray(~is_over.any(axis=1))[:, None]


def is_dropped_day(comparison: Comparison, context: PeriodContext) -> Mask:
    """The roll-up is short of one of its days, in every measure to the Wh (Q19)."""
    found = np.zeros(len(comparison.starts), dtype=bool)
    differs, difference = comparison.differs, comparison.difference
    for period in np.flatnonzero(differs.any(axis=1)):
        days = context.days.values[context.spans.firsts[period] : context.spans.lasts[period]]
        is_off = np.abs(difference[period] - days) > TO_THE_WH
        is_felt = (days[:, differs[period]] > 0).any(axis=1)
        found[period] = (is_felt & ~is_off.any(axis=1)).any()
    return np.asarray(found[:, None] & (difference > 0))


def made_of(cause: Cause) -> Rule[PeriodContext]:
    """A rule: the roll-up was made of the intervals that differ from their days, for the cause given."""

    def is_made_of_intervals(comparison: Comparison, context: PeriodContext) -> Mask:
        elsewhere = context.elsewhere_wh.get(cause.value)
        if elsewhere is None:
            return np.zeros(comparison.difference.shape, dtype=bool)
        return np.asarray((np.abs(elsewhere) > 0) & (np.abs(comparison.difference + elsewhere) <= comparison.tolerance))

    return is_made_of_intervals


def is_rollup_drift(comparison: Comparison, _: PeriodContext) -> Mask:
    """Everything that differs is off the same way and by a few percent at most (Q20)."""
    differs, difference = comparison.differs, comparison.difference
    larger = np.fmax(comparison.left.values, comparison.right.values)
    is_small = np.abs(difference) <= np.fmax(MOST_DRIFT * larger, DRIFT_SLACK * comparison.tolerance)
    goes_down, goes_up = ((differs & (sign * difference > 0)).any(axis=1) for sign in (1, -1))
    is_drift = (is_small | ~differs).all(axis=1) & (goes_down != goes_up)
    return np.asarray(is_drift[:, None])


def is_first_period(comparison: Comparison, context: PeriodContext) -> Mask:
    """The site was installed in it, in the middle of a day, and it differs by no more than that day has."""
    return np.asarray(context.is_first[:, None] & _is_within(comparison, _day_wh(context, context.spans.firsts)))


PERIOD_RULES: Final[tuple[tuple[Cause, Rule[PeriodContext]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.PARTIAL_PERIOD, is_incomplete),
    (Cause.PARTIAL_PERIOD, is_open),
    (Cause.DROPPED_DAY, is_dropped_day),
    (Cause.REVISED, is_revised),
    *((cause, made_of(cause)) for cause in (Cause.WRONG_WINDOW, Cause.MISSING_INTERVALS, Cause.SENSOR_INVERSION)),
    (Cause.MIDNIGHT_ZERO, is_midnight_zero),
    (Cause.ALLOCATION_SHIFT, is_allocation_shift),
    (Cause.ROLLUP_DRIFT, is_rollup_drift),
    (Cause.ROUNDING, is_rounding),
    (Cause.PARTIAL_PERIOD, is_first_period),
)
"""Cause and evidence, in the order in which they are asked; what none of them explains is `unexplained`."""


def as_in(years: Comparison, year_causes: Names) -> tuple[tuple[Cause, Rule[PeriodContext]], ...]:
    """Rules for the lifetime: each measure differs for the cause of the year in which it differs most."""
    off = np.where(years.differs, np.abs(years.difference), 0.0)
    worst = np.take_along_axis(year_causes, off.argmax(axis=0)[None, :], axis=0)
    is_of_year = off.max(axis=0)[None, :] > 0

    def rule(cause: Cause) -> Rule[PeriodContext]:
        return lambda _comparison, _context: np.asarray(is_of_year & (worst == cause.value))

    return tuple((cause, rule(cause)) for cause in Cause if cause is not Cause.UNEXPLAINED)
