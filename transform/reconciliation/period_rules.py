"""Why a roll-up is not the sum of its days: one rule a cause, the strongest evidence first.

A roll-up that is not whole cannot be judged, so that comes before everything but its unit. Then what days explain: a day that
is missing in it to the Wh, or the other account of its days. Drift is what is left when it is small and goes one way.
"""

from typing import Final

import numpy as np

from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.period_context import PeriodContext
from transform.reconciliation.shared_rules import is_allocation_shift, is_midnight_zero, is_rounding, is_unit_mismatch
from transform.reconciliation.vocabulary import Cause, Mask

MOST_DRIFT: Final = 0.1
"""Largest share by which a roll-up was told and can be called drift: 4 % were seen (828 and 863 kWh, Q20), of one household."""

DRIFT_SLACK: Final = 2.0
"""Small flows drift by as many Wh as the large ones round: their share means nothing up to this many tolerances."""


def is_partial_period(comparison: Comparison, context: PeriodContext) -> Mask:
    """The roll-up was asked before its end, or days of it are not held, or not in every measure."""
    is_open = comparison.right.asked_us < context.closes_us
    is_partial = is_open | (context.spans.held < context.spans.lengths)
    return np.asarray(is_partial[:, None] | context.is_short)


def is_dropped_day(comparison: Comparison, context: PeriodContext) -> Mask:
    """The roll-up is short of one of its days, in every measure to the Wh (Q19)."""
    found = np.zeros(len(comparison.starts), dtype=bool)
    difference, tolerance = comparison.difference, comparison.tolerance
    for period in np.flatnonzero(comparison.differs.any(axis=1)):
        days = context.days.values[context.spans.firsts[period] : context.spans.lasts[period]]
        is_off = np.abs(difference[period] - days) > tolerance[period]
        is_felt = (days[:, comparison.differs[period]] > 0).any(axis=1)
        found[period] = (is_felt & ~is_off.any(axis=1)).any()
    return np.asarray(found[:, None] & (difference > 0))


def is_revised(comparison: Comparison, context: PeriodContext) -> Mask:
    """A day of it, or the roll-up itself, had not settled when it was asked (Q12, Q13)."""
    return np.asarray((context.is_unsettled | (comparison.right.asked_us < context.settled_us))[:, None])


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


def is_first_period(_: Comparison, context: PeriodContext) -> Mask:
    """The site was installed in it, maybe in the middle of a day."""
    return np.asarray(context.is_first[:, None])


PERIOD_RULES: Final[tuple[tuple[Cause, Rule[PeriodContext]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.PARTIAL_PERIOD, is_partial_period),
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
