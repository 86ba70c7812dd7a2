"""The closed sets of table `reconciliation`, and how far two sources may differ and still agree."""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Check(StrEnum):
    """Which two sources are compared."""

    INTERVAL_VS_DAY = "interval_vs_day"
    INTERVAL_VS_INTERVAL = "interval_vs_interval"
    DAY_VS_WEEK = "day_vs_week"
    DAY_VS_MONTH_SERIES = "day_vs_month_series"
    MONTH_VS_DAYS = "month_vs_days"
    YEAR_VS_DAYS = "year_vs_days"
    LIFETIME_VS_DAYS = "lifetime_vs_days"
    POWER_VS_ENERGY = "power_vs_energy"
    FLOW_IDENTITY = "flow_identity"
    HISTORY_VS_CALENDAR = "history_vs_calendar"


class Granularity(StrEnum):
    """The calendar period that is compared."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class Verdict(StrEnum):
    """What came of it; NULL in the table where a check says nothing of a row, for the reason that is its cause."""

    AGREE = "agree"
    DIFFERS = "differs"
    MISSING_LEFT = "missing_left"
    MISSING_RIGHT = "missing_right"


class Cause(StrEnum):
    """Why two sources do not agree, or are not compared."""

    DROPPED_DAY = "dropped_day"
    PARTIAL_PERIOD = "partial_period"
    ROLLUP_DRIFT = "rollup_drift"
    ALLOCATION_SHIFT = "allocation_shift"
    MISSING_INTERVALS = "missing_intervals"
    MIDNIGHT_ZERO = "midnight_zero"
    WRONG_WINDOW = "wrong_window"
    UNIT_MISMATCH = "unit_mismatch"
    SENSOR_INVERSION = "sensor_inversion"
    REVISED = "revised"
    ROUNDING = "rounding"
    NO_SPLITS = "no_splits"
    UNEXPLAINED = "unexplained"


DAILY: Final = "daily"
"""Source of a side that is the sum of the best estimates."""

USES: Final = "flows"
"""Source of the right side of a flow identity: where the energy went."""

WH_PER_ROW: Final = 1.0
"""Every row the API gives is rounded to the Wh, so a sum may be off by as much for each of its rows."""

RELATIVE: Final = 0.001

POWER_WH: Final = 50.0
POWER_SHARE: Final = 0.03
"""By how much a day's power integral may differ from its energy: averages, rounding, losses (Q34)."""


def tolerance_wh(left_wh: Floats, right_wh: Floats, rows: Floats) -> Floats:
    """The larger of 1 Wh for each of `rows`, the rows that were summed, and 0.1 % of the larger value."""
    larger = np.fmax(np.abs(left_wh), np.abs(right_wh))
    return np.asarray(np.fmax(WH_PER_ROW * rows, RELATIVE * larger))


def power_tolerance_wh(left_wh: Floats, right_wh: Floats) -> Floats:
    """The same where one of the two is an integral of power (Q34)."""
    return np.asarray(np.fmax(POWER_WH, POWER_SHARE * np.fmax(np.abs(left_wh), np.abs(right_wh))))
