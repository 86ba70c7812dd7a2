"""Rules that need only the two sides of a comparison: units, zeros, rounding, shifts between splits."""

from typing import Final

import numpy as np

from transform.candidates import INTERVALS, POWER
from transform.day_sums import COLUMN, MEASURES, SPLITS, TOTALS, Floats, Mask
from transform.reconciliation.comparison import IS_TOTAL, Comparison
from transform.reconciliation.source_values import SourceValues

UNIT_WITHIN: Final = 0.1
"""How far a ratio may be from a power of a thousand. No other difference comes near one, so there may be drift besides."""

UNIT_NEAR: Final = 9.0
"""The same where other rows of a source have shown its unit: less than a factor of ten."""

UNIT_EVIDENCE_WH: Final = 500.0
"""Smallest energy that shows a unit: of less, a thousandth is below a Wh."""

THOUSANDS: Final = np.array([1e-6, 1e-3, 1e3, 1e6])

ROUND_WH: Final = (10.0, 100.0, 1000.0)
"""What a source may be rounded to instead of the Wh."""

IS_SPLIT: Final = np.isin(MEASURES, SPLITS)

_PART_OF: Final = {part: total for total, parts in TOTALS.items() for part in parts}
_TOTAL_OF: Final = np.array([COLUMN[_PART_OF.get(name, name)] for name in MEASURES])
"""Column of the total that each split is a part of; for other measures their own column."""


def is_unit_mismatch(comparison: Comparison, _: object) -> Mask:
    """The totals of one side are a thousandth of the other side's (API.md#units)."""
    return np.asarray(_is_thousand(_unit_ratios(comparison), UNIT_WITHIN)[:, None])


def is_unit_of_source(comparison: Comparison, context: object) -> Mask:
    """The same, or most periods of the left side's source show it, and this one is not far from it.

    A file has one unit. On a day of which the other side lacks hours, the totals are not a thousandth of each other.
    """
    ratios, found = _unit_ratios(comparison), is_unit_mismatch(comparison, context)[:, 0]
    is_near = _is_thousand(ratios, UNIT_NEAR)
    for source in set(comparison.left.source[found]):
        mine = comparison.left.source == source
        if found[mine].sum() * 2 > (mine & ~np.isnan(ratios)).sum():
            found = found | (mine & is_near)
    return np.asarray(found[:, None])


def _unit_ratios(comparison: Comparison) -> Floats:
    """The totals of the left side as a share of those of the right side, by period, of the totals that both have."""
    left, right = (side.values[:, IS_TOTAL] for side in (comparison.left, comparison.right))
    is_shared = ~np.isnan(left) & ~np.isnan(right)
    left, right = (np.where(is_shared, values, 0.0).sum(axis=1) for values in (left, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.fmax(left, right) >= UNIT_EVIDENCE_WH, left / right, np.nan)


def _is_thousand(ratios: Floats, within: float) -> Mask:
    """Whether each ratio is a power of a thousand, apart from a share in either direction."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(ratios[:, None] / THOUSANDS))
    return np.asarray((distance <= np.log1p(within)).any(axis=1))


def is_midnight_zero(comparison: Comparison, _: object) -> Mask:
    """The API's own row of the period has only zeros, and the other side has energy (Q2)."""
    left, right = np.asarray(_is_zero_row(comparison.left)), np.asarray(_is_zero_row(comparison.right))
    return np.asarray((left != right)[:, None])


def _is_zero_row(side: SourceValues) -> Mask:
    return np.asarray(side.is_zero & ~np.isin(side.source, (INTERVALS, POWER)))


def is_allocation_shift(comparison: Comparison, _: object) -> Mask:
    """Splits differ while totals match (Q21), or a split is larger but its total is not, which lost rows cannot explain."""
    totals_match = ~np.any(comparison.differs & IS_TOTAL, axis=1, keepdims=True)
    is_over = np.asarray(comparison.differs & (comparison.difference > 0))
    is_moved = is_over & ~is_over[:, _TOTAL_OF]
    return np.asarray(IS_SPLIT & (totals_match | is_moved))


def is_rounding(comparison: Comparison, _: object) -> Mask:
    """One side is in whole tens, hundreds or thousands of Wh, and the difference is at most half of that unit."""
    excess = np.abs(comparison.difference) - comparison.tolerance
    is_rounded = np.zeros(excess.shape, dtype=bool)
    for unit in ROUND_WH:
        is_round = _is_round(comparison.left.values, unit) | _is_round(comparison.right.values, unit)
        is_rounded |= is_round[:, None] & (excess <= unit / 2)
    return is_rounded


def _is_round(values: Floats, unit: float) -> Mask:
    known = np.nan_to_num(values)
    return np.asarray((known > 0).any(axis=1) & (known % unit == 0).all(axis=1))
