"""Rules of evidence that need nothing but the two sides: units, zeros, rounding, another allocation."""

from typing import Final

import numpy as np

from transform.candidates import INTERVALS, POWER
from transform.day_sums import COLUMN, MEASURES, SPLITS, TOTALS
from transform.reconciliation.comparison import IS_TOTAL, Comparison
from transform.reconciliation.told import Told
from transform.reconciliation.vocabulary import Floats, Mask

UNIT_WITHIN: Final = 0.1
"""How far a ratio may be from a power of a thousand: nothing else that was ever seen comes near it, so drift may be on top."""

UNIT_EVIDENCE_WH: Final = 500.0
"""Below it a thousandth of the larger side is less than a Wh."""

THOUSANDS: Final = np.array([1e-6, 1e-3, 1e3, 1e6])

ROUND_WH: Final = (10.0, 100.0, 1000.0)
"""What a source may be rounded to instead of the Wh."""

IS_SPLIT: Final = np.isin(MEASURES, SPLITS)

_PART_OF: Final = {part: total for total, parts in TOTALS.items() for part in parts}
_TOTAL_OF: Final = np.array([COLUMN[_PART_OF.get(name, name)] for name in MEASURES])
"""Column of the total that each split is a part of; of everything else its own."""


def is_unit_mismatch(comparison: Comparison, _: object) -> Mask:
    """One side is a thousandth of the other in everything (fact 1)."""
    left, right = (np.nan_to_num(each.values[:, IS_TOTAL]).sum(axis=1) for each in (comparison.left, comparison.right))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.fmax(left, right) >= UNIT_EVIDENCE_WH, left / right, np.nan)
        is_thousand = (np.abs(ratio[:, None] / THOUSANDS - 1) <= UNIT_WITHIN).any(axis=1)
    return np.asarray(is_thousand[:, None])


def is_midnight_zero(comparison: Comparison, _: object) -> Mask:
    """The API's own row of the period is all zeros, and the other side is not (Q2)."""
    left, right = np.asarray(_is_zero_row(comparison.left)), np.asarray(_is_zero_row(comparison.right))
    return np.asarray((left != right)[:, None])


def _is_zero_row(told: Told) -> Mask:
    return np.asarray(told.is_zero & ~np.isin(told.source, (INTERVALS, POWER)))


def is_allocation_shift(comparison: Comparison, _: object) -> Mask:
    """Splits differ while totals match (Q21), or one is larger although its total is not: what was lost cannot add to it."""
    totals_match = ~np.any(comparison.differs & IS_TOTAL, axis=1, keepdims=True)
    is_over = np.asarray(comparison.differs & (comparison.difference > 0))
    is_moved = is_over & ~is_over[:, _TOTAL_OF]
    return np.asarray(IS_SPLIT & (totals_match | is_moved))


def is_rounding(comparison: Comparison, _: object) -> Mask:
    """One side is told in whole tens, hundreds or thousands of Wh, and the difference is at most half of that."""
    off = np.abs(comparison.difference) - comparison.tolerance
    found = np.zeros(off.shape, dtype=bool)
    for unit in ROUND_WH:
        is_round = _is_round(comparison.left.values, unit) | _is_round(comparison.right.values, unit)
        found |= is_round[:, None] & (off <= unit / 2)
    return found


def _is_round(values: Floats, unit: float) -> Mask:
    known = np.nan_to_num(values)
    return np.asarray((known > 0).any(axis=1) & (known % unit == 0).all(axis=1))
