"""The closed sets of table `reconciliation`, and the one sentence that explains each cause to an owner.

`wattlog reconcile`, the artifacts of a flow run and the report all take the sentences from here.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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
    IMPORT_VS_DAY = "import_vs_day"
    IMPORT_VS_INTERVAL = "import_vs_interval"


class Granularity(StrEnum):
    """What a row of energy covers: one calendar period, or all of the site's history."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class Verdict(StrEnum):
    """Result of a comparison; NULL in the table where the check cannot be made, for the reason given as the cause."""

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
    RESTATED = "restated"
    INTERPOLATED = "interpolated"
    WRONG_ZONE = "wrong_zone"
    DST_DUPLICATE = "dst_duplicate"
    NO_SPLITS = "no_splits"
    UNEXPLAINED = "unexplained"


SENTENCES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.DROPPED_DAY: "a day is missing from Tesla's series",
        Cause.PARTIAL_PERIOD: "one of the two covers only part of the period",
        Cause.ROLLUP_DRIFT: "Tesla's total has drifted from the sum of its days",
        Cause.ALLOCATION_SHIFT: "totals match, but the split is different",
        Cause.MISSING_INTERVALS: "intervals are missing, or are zero by mistake",
        Cause.MIDNIGHT_ZERO: "Tesla's row is all zeros, as if cut at midnight",
        Cause.WRONG_WINDOW: "Tesla's response was for other days",
        Cause.UNIT_MISMATCH: "the values are in another unit",
        Cause.SENSOR_INVERSION: "a sensor at the meter has the wrong sign",
        Cause.REVISED: "one of the two was fetched before it was final",
        Cause.ROUNDING: "one of the two is rounded",
        Cause.RESTATED: "Tesla reports another value today than when the file was exported",
        Cause.INTERPOLATED: "the other tool filled a hole with a straight line",
        Cause.WRONG_ZONE: "the imported times are whole hours off",
        Cause.DST_DUPLICATE: "the hour that comes twice in autumn is missing once, or counted twice",
        Cause.NO_SPLITS: "without a battery, Tesla does not report where energy went",
        Cause.UNEXPLAINED: "no known cause explains it",
    }
)
"""Cause → what an owner reads: part of a sentence, to follow a colon or to stand in parentheses."""
