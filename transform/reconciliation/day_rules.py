"""Why two sources of a day differ: one rule a cause, the strongest evidence first.

Where several contradictions touch a day, the order decides. A wrong unit makes every other measure meaningless. Rows of
another day, signs and lost rows are evidenced row by row, each for the measures it can have changed. What the API left out or
zeroed is plain to see, and a shift of splits is told by totals that match. Not over yet, or not settled, explains what is left.
"""

from typing import Final

import numpy as np

from transform.candidates import POWER, is_another_day
from transform.day_sums import COLUMN
from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.day_context import SERIES_OF, DayContext
from transform.reconciliation.shared_rules import (
    is_allocation_shift,
    is_midnight_zero,
    is_rounding,
    is_unit_mismatch,
)
from transform.reconciliation.told import Told
from transform.reconciliation.vocabulary import POWER_WH, Cause, Floats, Mask
from transform.time import Ints

_IMPORT: Final = COLUMN["grid_energy_imported_wh"]
_EXPORT: Final = COLUMN["grid_export_wh"]
_AT_METER: Final = np.isin(np.arange(len(COLUMN)), [_IMPORT, _EXPORT, COLUMN["home_wh"]])
"""What a sensor at the meter measures, and the home, which is computed from it."""


def is_wrong_window(comparison: Comparison, context: DayContext) -> Mask:
    """The shorter side's request was answered with another day (Q22)."""
    left, right = (
        _of_source(each, {name: series.is_misfiled for name, series in context.series.items()})
        for each in (comparison.left, comparison.right)
    )
    return _of_shorter(comparison, left > 0, right > 0)


def is_missing_intervals(comparison: Comparison, context: DayContext) -> Mask:
    """The shorter side is a sum in which rows are missing, or are zero when they should not be (Q14)."""
    seconds = {name: series.lost_s + series.silent_s for name, series in context.series.items()}
    left, right = (_of_source(each, seconds) for each in (comparison.left, comparison.right))
    return _of_shorter(comparison, left > 0, right > 0)


def is_sensor_inversion(comparison: Comparison, context: DayContext) -> Mask:
    """Power at the meter has the wrong sign for hours (Q19).

    What was imported is missing there and counted as exported, or the reverse; the same interval has the opposite sign in
    power and in energy; or the home would have given energy.
    """
    difference, tolerance, differs = comparison.difference, comparison.tolerance, comparison.differs
    of_import, of_export = difference[:, _IMPORT], difference[:, _EXPORT]
    is_swapped = differs[:, _IMPORT] & differs[:, _EXPORT] & (of_import * of_export < 0)
    throughput = of_import + of_export
    is_conserved = throughput <= tolerance[:, _IMPORT] + tolerance[:, _EXPORT]
    is_conserved &= (throughput >= -tolerance[:, _IMPORT] - tolerance[:, _EXPORT]) | (
        _of_source(comparison.left, {POWER: context.series[POWER].lost_s + context.series[POWER].silent_s}) > 0
    )
    is_over = (differs & (difference > 0) & _AT_METER).any(axis=1)
    is_contrary = is_over & (context.contrary_wh > POWER_WH) | (context.negative_home_wh > POWER_WH)
    is_inverted = (comparison.left.source == POWER) & (is_swapped & is_conserved | is_contrary)
    return np.asarray(is_inverted[:, None] & _AT_METER)


def is_dropped_day(comparison: Comparison, _: DayContext) -> Mask:
    """The right side ought to have the day and has not (Q19)."""
    return np.asarray(comparison.lacks_right[:, None])


def is_partial_period(comparison: Comparison, context: DayContext) -> Mask:
    """A side was asked before the day was over, or its day is another stretch of time than the site's (Q7, Q13)."""
    days = np.arange(len(context.calendar.days))
    is_open = np.zeros(len(days), dtype=bool)
    for side in (comparison.left, comparison.right):
        is_open |= side.is_told & (side.asked_us < context.calendar.ends_us)
        is_row = np.array([str(name).startswith("calendar_history/") for name in side.source], dtype=bool)
        is_open |= side.is_told & is_row & is_another_day(days, side.asked_us, context.site, context.calendar)
    return np.asarray(is_open[:, None])


def is_revised(comparison: Comparison, context: DayContext) -> Mask:
    """A side was asked before the day had settled, or before the other's value was changed (Q12)."""
    is_early = np.zeros(len(context.calendar.days), dtype=bool)
    for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        changed_us = _of_source(other, {name: context.revised_us[series] for name, series in SERIES_OF.items()})
        is_early |= side.is_told & (side.asked_us < np.maximum(context.calendar.settled_us, changed_us))
    return np.asarray(is_early[:, None])


def is_installation_day(_: Comparison, context: DayContext) -> Mask:
    """The site was installed on that day: sources may begin at different hours."""
    installed_on = context.site.installed_on
    if installed_on is None:
        return np.zeros((len(context.calendar.days), 1), dtype=bool)
    return np.asarray(context.calendar.days[:, None] == np.datetime64(installed_on, "D"))


DAY_RULES: Final[tuple[tuple[Cause, Rule[DayContext]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.WRONG_WINDOW, is_wrong_window),
    (Cause.SENSOR_INVERSION, is_sensor_inversion),
    (Cause.MISSING_INTERVALS, is_missing_intervals),
    (Cause.MIDNIGHT_ZERO, is_midnight_zero),
    (Cause.DROPPED_DAY, is_dropped_day),
    (Cause.ALLOCATION_SHIFT, is_allocation_shift),
    (Cause.PARTIAL_PERIOD, is_partial_period),
    (Cause.REVISED, is_revised),
    (Cause.ROUNDING, is_rounding),
    (Cause.PARTIAL_PERIOD, is_installation_day),
)
"""Cause and evidence, in the order in which they are asked; what none of them explains is `unexplained`."""


def _of_source(side: Told, by_source: dict[str, Ints] | dict[str, Mask]) -> Floats:
    """What is known of each day's source, 0 where nothing is."""
    found = np.zeros(len(side.rows))
    for name, values in by_source.items():
        found = np.where(side.source == name, values, found)
    return found


def _of_shorter(comparison: Comparison, left: Mask, right: Mask) -> Mask:
    is_left_short = comparison.is_left_short
    return np.asarray(np.where(is_left_short, left[:, None], right[:, None]))
