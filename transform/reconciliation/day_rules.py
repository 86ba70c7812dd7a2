"""Why two sources of a day differ: one rule for each cause, the strongest evidence first.

Where a day has several causes, the order decides. A wrong unit comes first, since it makes every other comparison meaningless.
Rows of another day, wrong signs and missing rows are evident row by row, each for the measures that it can change. Then come
days that the API left out or filled with zeros, and shifts between splits, which show in totals that match. Last come days
that were not over or not settled when they were requested.
"""

from typing import Final

import numpy as np

from transform.candidates import POWER
from transform.day_sums import COLUMN, Floats, Mask
from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.day_context import DayContext
from transform.reconciliation.shared_rules import (
    is_allocation_shift,
    is_midnight_zero,
    is_rounding,
    is_unit_mismatch,
)
from transform.reconciliation.source_values import SourceValues
from transform.time import Ints
from wattlog.causes import Cause
from wattlog.series import SERIES
from wattlog.tolerances import POWER_WH

_IMPORT: Final = COLUMN["grid_energy_imported_wh"]
_EXPORT: Final = COLUMN["grid_export_wh"]
_AT_METER: Final = np.isin(np.arange(len(COLUMN)), [_IMPORT, _EXPORT, COLUMN["home_wh"]])
"""What a sensor at the meter measures, and home use, which is calculated from it."""


def is_wrong_window(comparison: Comparison, context: DayContext) -> Mask:
    """The response of the shorter side was for another day (Q22)."""
    left, right = (
        _of_source(side, {name: series.is_misfiled for name, series in context.series.items()})
        for side in (comparison.left, comparison.right)
    )
    return _of_shorter(comparison, left > 0, right > 0)


def is_missing_intervals(comparison: Comparison, context: DayContext) -> Mask:
    """The shorter side is a sum with missing rows or values, or with rows that are zero at a time of usual energy (Q14)."""
    lost = {name: series.lost_s + series.silent_s > 0 for name, series in context.series.items()}
    left, right = (
        (_of_source(side, lost) > 0)[:, None]
        | np.any([(side.source == name)[:, None] & of.is_short for name, of in context.series.items()], axis=0)
        for side in (comparison.left, comparison.right)
    )
    return np.asarray(np.where(comparison.is_left_short, left, right))


def is_sensor_inversion(comparison: Comparison, context: DayContext) -> Mask:
    """Power at the meter has the wrong sign for hours (Q19).

    Either import is counted as export, or the reverse; or the same interval has opposite signs in power and in energy; or
    home use would be negative. Where a little is counted as the other, only one of the two may differ by more than its
    tolerance: then intervals with opposite signs have to make up most of that.
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
    at_meter = np.where(differs, np.abs(difference), 0.0)[:, [_IMPORT, _EXPORT]].max(axis=1)
    is_made_up = (of_import * of_export < 0) & (at_meter > 0) & (context.contrary_wh > at_meter / 2)
    is_inverted = (comparison.left.source == POWER) & (is_swapped & is_conserved | is_contrary | is_made_up)
    return np.asarray(is_inverted[:, None] & _AT_METER)


def is_dropped_day(comparison: Comparison, _: DayContext) -> Mask:
    """The day is expected of the right side and missing (Q19)."""
    return np.asarray(comparison.lacks_right[:, None])


def is_partial_period(comparison: Comparison, context: DayContext) -> Mask:
    """A side was requested before the day was over, or its day is another period of time than the site's (Q7, Q13)."""
    is_open = np.zeros(len(context.calendar.days), dtype=bool)
    for side in (comparison.left, comparison.right):
        is_open |= side.is_reported & (side.asked_us < context.calendar.ends_us)
        is_open |= side.is_reported & (_of_source(side, context.is_another_day) > 0)
    return np.asarray(is_open[:, None])


def is_revised(comparison: Comparison, context: DayContext) -> Mask:
    """A side was requested before the day had settled, or before the other side's value changed (Q12)."""
    is_early = np.zeros(len(context.calendar.days), dtype=bool)
    for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        revised_us = {source: context.revised_us[spec.name] for spec in SERIES.values() for source in spec.day_sources}
        changed_us = _of_source(other, revised_us)
        is_early |= side.is_reported & (side.asked_us < np.maximum(context.calendar.settled_us, changed_us))
    return np.asarray(is_early[:, None])


def is_installation_day(_: Comparison, context: DayContext) -> Mask:
    """The site was installed on that day, and sources may begin at different hours."""
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
"""Cause and rule, in the order of evaluation; the cause is `unexplained` where no rule applies."""


def _of_source(side: SourceValues, by_source: dict[str, Ints] | dict[str, Mask]) -> Floats:
    """The value for each day's source, 0 where its source has none."""
    found = np.zeros(len(side.rows))
    for name, values in by_source.items():
        found = np.where(side.source == name, values, found)
    return found


def _of_shorter(comparison: Comparison, left: Mask, right: Mask) -> Mask:
    is_left_short = comparison.is_left_short
    return np.asarray(np.where(is_left_short, left[:, None], right[:, None]))
