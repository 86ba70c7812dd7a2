"""How far two sources of the same energy may differ and still agree: one function for each kind of source."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WH_PER_ROW: Final = 1.0
"""Every row that the API reports is rounded to the Wh, so a sum may be off by as much for each of its rows."""

SHARE: Final = 0.001
"""Relative tolerance: sums of large numbers differ by up to 0.1 % of the larger without any cause of their own."""

MONTH_KWH: Final = 0.1
"""Smallest difference of a month that the report marks: its table shows tenths of a kWh."""

POWER_WH: Final = 50.0
POWER_SHARE: Final = 0.03
"""By how much a day's power integral may differ from its energy: averages, rounding, losses (Q34)."""


def tolerance_wh(left_wh: Floats, right_wh: Floats, rows: Floats) -> Floats:
    """By how much two sums of energy may differ: the larger of 1 Wh for each row summed and 0.1 % of the larger value.

    A missing value (NaN) counts as nothing: a row of table `reconciliation` with one side missing shows the tolerance of
    the other side. It never decides a comparison, since a difference with a missing value is NaN and exceeds nothing.

    Args:
        left_wh: One source.
        right_wh: The other.
        rows: How many rows were summed, of the source that has more.
    """
    return np.asarray(np.fmax(WH_PER_ROW * rows, SHARE * _larger(left_wh, right_wh)))


def power_tolerance_wh(left_wh: Floats, right_wh: Floats, hidden_wh: Floats | float = 0.0) -> Floats:
    """The same where one of the two is an integral of power: the larger of 50 Wh and 3 % of the larger value (Q34).

    Args:
        left_wh: One source.
        right_wh: The other.
        hidden_wh: Energy that flowed in both directions within single rows of power, which therefore do not show it.
    """
    return np.asarray(np.fmax(POWER_WH, POWER_SHARE * _larger(left_wh, right_wh)) + hidden_wh)


def _larger(left_wh: Floats, right_wh: Floats) -> Floats:
    return np.asarray(np.fmax(np.abs(left_wh), np.abs(right_wh)))
