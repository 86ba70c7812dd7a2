"""Why a roll-up is not the sum of its days: one rule for each cause, the strongest evidence first.

After the unit comes an incomplete period, since its sum cannot be compared. Then come causes in the days: a day whose energy is
missing to the Wh, or intervals that differ from the rows of their days. A small difference in one direction is drift.
"""

from typing import Final

import numpy as np

from transform.day_sums import COLUMN, TOTALS, Floats, Mask
from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.identities import USES_OF
from transform.reconciliation.period_context import PeriodContext
from transform.reconciliation.shared_rules import is_allocation_shift, is_midnight_zero, is_rounding, is_unit_mismatch
from transform.reconciliation.source_values import Names
from transform.time import Ints
from wattlog.causes import Cause

MOST_DRIFT: Final = 0.1
"""Largest share that counts as drift; 4 % was seen at one household (828 and 863 kWh, Q20)."""

TO_THE_WH: Final = 1.5
"""A roll-up and its days are rounded to the Wh one by one."""

DRIFT_SLACK: Final = 2.0
"""Up to this many tolerances any share counts as drift, since small flows drift by as many Wh as large ones round."""


def is_incomplete(_: Comparison, context: PeriodContext) -> Mask:
    """Some of its days are not stored, or not in every measure."""
    return np.asarray(context.is_missing[:, None] | context.is_short)


def is_open(comparison: Comparison, context: PeriodContext) -> Mask:
    """It was requested before its end, and differs by no more than the energy of the days that are not settled."""
    is_early = comparison.right.asked_us < context.closes_us
    return np.asarray(is_early[:, None] & _is_within(comparison, context.early_wh))


def is_revised(comparison: Comparison, context: PeriodContext) -> Mask:
    """It, or a day of it, had not settled at the request, and it differs by no more than the energy of such days (Q12)."""
    is_early = comparison.right.asked_us < context.settled_us
    last_wh = _day_wh(context, context.spans.lasts - 1)
    early_wh = np.where(is_early[:, None], np.fmax(context.early_wh, last_wh), context.early_wh)
    return np.asarray((early_wh > 0).any(axis=1, keepdims=True) & _is_within(comparison, early_wh))


def _day_wh(context: PeriodContext, at: Ints) -> Floats:
    """Energy of one day of each period, 0 where no day is stored."""
    values = context.days.values
    padded = np.concatenate([values, np.zeros((1, values.shape[1]))])
    return np.where(context.spans.days_stored[:, None] > 0, np.nan_to_num(padded[at]), 0.0)


def _is_within(comparison: Comparison, most_wh: Floats) -> Mask:
    """Periods in which no measure differs by more."""
    is_over = comparison.differs & (np.abs(comparison.difference) > most_wh + comparison.tolerance)
    return np.asarray(~is_over.any(axis=1))[:, None]


def is_dropped_day(comparison: Comparison, context: PeriodContext) -> Mask:
    """The roll-up is too small by the energy of one of its days, in every measure to the Wh (Q19)."""
    is_dropped = np.zeros(len(comparison.starts), dtype=bool)
    differs, difference = comparison.differs, comparison.difference
    for period in np.flatnonzero(differs.any(axis=1)):
        days = context.days.values[context.spans.firsts[period] : context.spans.lasts[period]]
        is_other = np.abs(difference[period] - days) > TO_THE_WH
        has_energy = (days[:, differs[period]] > 0).any(axis=1)
        is_dropped[period] = (has_energy & ~is_other.any(axis=1)).any()
    return np.asarray(is_dropped[:, None] & (difference > 0))


def from_intervals(cause: Cause) -> Rule[PeriodContext]:
    """A rule: the roll-up is the sum of intervals that differ from their days for the given cause.

    It is that for all of its measures alike. Where more of them contradict it, a measure that fits does so by chance.
    """

    def is_sum_of_intervals(comparison: Comparison, context: PeriodContext) -> Mask:
        elsewhere = context.elsewhere_wh.get(cause.value)
        if elsewhere is None:
            return np.zeros(comparison.difference.shape, dtype=bool)
        distance = np.abs(comparison.difference + elsewhere)
        fits = (np.abs(elsewhere) > 0) & (distance <= comparison.tolerance)
        contradicts = (np.abs(elsewhere) > comparison.tolerance) & (distance > comparison.tolerance)
        return np.asarray(fits & (fits.sum(axis=1) >= contradicts.sum(axis=1))[:, None])

    return is_sum_of_intervals


def is_cut_otherwise(comparison: Comparison, context: PeriodContext) -> Mask:
    """The server cut it by another clock than the site's (Q7): it differs by no more than the days at its edges, and those that
    are not settled.
    """
    return np.asarray(context.is_cut_otherwise[:, None] & _is_within(comparison, context.edges_wh + context.early_wh))


def is_sum_of_rounded(comparison: Comparison, context: PeriodContext) -> Mask:
    """Days of it are from imported files that are rounded, and it differs by no more than that can make."""
    excess = np.abs(comparison.difference) - comparison.tolerance
    return np.asarray((context.rounding_wh > 0) & (excess <= context.rounding_wh))


def is_rollup_drift(comparison: Comparison, _: PeriodContext) -> Mask:
    """All measures that differ do so in one direction and by a few percent at most (Q20)."""
    differs, difference = comparison.differs, comparison.difference
    larger = np.fmax(comparison.left.values, comparison.right.values)
    is_small = np.abs(difference) <= np.fmax(MOST_DRIFT * larger, DRIFT_SLACK * comparison.tolerance)
    goes_down, goes_up = ((differs & (sign * difference > 0)).any(axis=1) for sign in (1, -1))
    is_drift = (is_small | ~differs).all(axis=1) & (goes_down != goes_up)
    return np.asarray(is_drift[:, None])


def is_first_period(comparison: Comparison, context: PeriodContext) -> Mask:
    """The site was installed during the period, and it differs by no more than the energy of that day."""
    return np.asarray(context.is_first[:, None] & _is_within(comparison, _day_wh(context, context.spans.firsts)))


PERIOD_RULES: Final[tuple[tuple[Cause, Rule[PeriodContext]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.PARTIAL_PERIOD, is_incomplete),
    (Cause.PARTIAL_PERIOD, is_open),
    (Cause.DROPPED_DAY, is_dropped_day),
    (Cause.REVISED, is_revised),
    *(
        (cause, from_intervals(cause))
        for cause in (Cause.WRONG_WINDOW, Cause.MISSING_INTERVALS, Cause.SENSOR_INVERSION)
    ),
    (Cause.MIDNIGHT_ZERO, is_midnight_zero),
    (Cause.PARTIAL_PERIOD, is_cut_otherwise),
    (Cause.ROUNDING, is_sum_of_rounded),
    (Cause.ALLOCATION_SHIFT, is_allocation_shift),
    (Cause.ROLLUP_DRIFT, is_rollup_drift),
    (Cause.ROUNDING, is_rounding),
    (Cause.PARTIAL_PERIOD, is_first_period),
)
"""Cause and rule, in the order of evaluation; the cause is `unexplained` where no rule applies."""


def as_in(years: Comparison, year_causes: Names) -> tuple[tuple[Cause, Rule[PeriodContext]], ...]:
    """Rules for the lifetime: each measure has the cause of the year in which it differs most."""
    difference = np.where(years.differs, np.abs(years.difference), 0.0)
    worst = np.take_along_axis(year_causes, difference.argmax(axis=0)[None, :], axis=0)
    is_of_year = difference.max(axis=0)[None, :] > 0

    def rule(cause: Cause) -> Rule[PeriodContext]:
        return lambda _comparison, _context: np.asarray(is_of_year & (worst == cause.value))

    return tuple((cause, rule(cause)) for cause in Cause if cause is not Cause.UNEXPLAINED)


BREAKING: Final = (Cause.UNIT_MISMATCH, Cause.ALLOCATION_SHIFT, Cause.ROLLUP_DRIFT, Cause.ROUNDING)
"""Causes that change some flows of a row and not the others. A row that lacks time lacks it in all of its flows alike."""

_INVOLVED: Final = {
    source: [
        COLUMN[name] for name in (source, *uses, *(total for total, parts in TOTALS.items() if {*parts} & {*uses}))
    ]
    for source, uses in USES_OF.items()
}
"""Source → columns of the flows in its identity, and of the totals that they are parts of."""


def as_against_days(rollups: Comparison, rollup_causes: Names) -> tuple[tuple[Cause, Rule[PeriodContext]], ...]:
    """Rules for the flow identities within roll-ups, whose days keep them.

    A row breaks an identity by as much as its flows differ from the sums of its days, so the cause is that of the flow that
    differs most. Flows too small to differ by more than the tolerance have drifted as the others of their row have (Q20).
    """
    difference = np.where(rollups.differs & np.isin(rollup_causes, BREAKING), np.abs(rollups.difference), 0.0)
    found = np.full(difference.shape, None, dtype=object)
    for source, columns in _INVOLVED.items():
        worst = np.asarray(columns)[difference[:, columns].argmax(axis=1)]
        is_known = difference[np.arange(len(worst)), worst] > 0
        found[is_known, COLUMN[source]] = rollup_causes[is_known, worst[is_known]]
    has_other_days = rollups.differs.any(axis=1, keepdims=True)

    def rule(cause: Cause) -> Rule[PeriodContext]:
        return lambda _comparison, _context: np.asarray(found == cause.value)

    def is_drift(comparison: Comparison, context: PeriodContext) -> Mask:
        return np.asarray(has_other_days & is_rollup_drift(comparison, context))

    return (*((cause, rule(cause)) for cause in BREAKING), (Cause.ROLLUP_DRIFT, is_drift))
