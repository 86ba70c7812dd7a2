"""Interval variants: the same time as five-minute and as 15-minute intervals, and where in the day they diverge (Q21).

Each moment counts once, so coarser rows are superseded by finer ones (`interval_length.counted_once`) before anything is
summed. The superseded intervals are compared here with those that replaced them, slot by slot of the coarser grid.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import INTERVALS
from transform.day_sums import DayRows, Floats, Mask, interval_sums, with_totals
from transform.frames import empty_frame
from transform.local_calendar import Calendar
from transform.reconciliation.comparison import Comparison, Rule, found_in, table_of
from transform.reconciliation.shared_rules import is_allocation_shift, is_rounding, is_unit_mismatch
from transform.reconciliation.source_values import Names, SourceValues
from transform.sites import Site
from transform.time import Ints, days_of
from transform.units import scaled
from warehouse.schema import FLOWS
from wattlog.causes import Cause, Check, Granularity
from wattlog.tolerances import tolerance_wh


def compare_interval_variants(
    superseded: pd.DataFrame, intervals: pd.DataFrame, site: Site, settle_hours: float
) -> pd.DataFrame:
    """Compare superseded intervals with those that replaced them.

    Compared is the time that both cover and that was over at the time of the request; where a day has several coarser grids,
    the finest of them. The rows of a slot are rounded to the Wh. A day's sums may therefore differ by the sum of the slots
    that are within that rounding, and by one slot's rounding or 0.1 % in addition. So a shift of a few Wh an hour is found,
    for which the tolerance of a whole day would be too large.

    **Shape**: two frames of table `energy_intervals` of one site, in Wh, the first of superseded intervals, the second the
    lake's → rows of table `reconciliation`, check `interval_vs_interval`: one per day and measure that differs, and one per
    total that agrees and is not zero. Left are the superseded intervals. **Units**: Wh. **Source**: Q10, Q12, Q14, Q21.
    """
    if len(superseded) == 0:
        return empty_frame("reconciliation")
    days = days_of(superseded["local_date"])
    calendar = Calendar.of(site, days.min().item(), days.max().item(), settle_hours)
    slots = _Slots.of(superseded, intervals, site, calendar)
    left, right = (
        SourceValues.of_sums(INTERVALS, interval_sums(rows, slots.has_battery)) for rows in (slots.left, slots.right)
    )
    never = np.zeros(slots.days, dtype=bool)
    comparison = Comparison(
        Check.INTERVAL_VS_INTERVAL,
        Granularity.DAY,
        calendar.days,
        replace(left, source=slots.names(slots.left.length_s)),
        replace(
            right,
            source=slots.names(slots.finer_s),
            rows=slots.summed(slots.finer_rows[:, None])[:, 0].astype(np.int64),
        ),
        never,
        never,
        tolerance_wh(left.values, right.values, slots.most_rows()) + np.abs(slots.rounding_wh()),
        slots.diverges_us(),
    )
    context = _Context(calendar, slots.silent_wh())
    return table_of(
        [found_in(comparison, INTERVAL_VARIANT_RULES, context)], empty_frame("reconciliation"), site.site_id
    )


def in_unit_of(superseded: pd.DataFrame, reported: pd.DataFrame, in_wh: pd.DataFrame) -> pd.DataFrame:
    """Superseded intervals, scaled day by day by the same factor as those that replaced them.

    Where only one of the two was reported in another unit, the comparison shows it.

    Args:
        superseded: The superseded intervals as reported.
        reported: The intervals that replaced them as reported.
        in_wh: The same rows in Wh.
    """
    if len(superseded) == 0 or reported is in_wh:
        return superseded
    days, day = np.unique(days_of(reported["local_date"]), return_inverse=True)
    before, after = (
        np.bincount(day, weights=np.nan_to_num(rows[list(FLOWS)].to_numpy(dtype=np.float64)).sum(axis=1))
        for rows in (reported, in_wh)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.where(after > 0, np.round(np.log10(before / after)), 0.0).astype(np.int64)
    at = np.searchsorted(days, days_of(superseded["local_date"]))
    return scaled(superseded, np.append(exponents, 0)[at])


@dataclass(frozen=True, slots=True)
class _Slots:
    """The time that both variants cover, on the coarser grid, in order of time.

    Attributes:
        left: The coarser rows.
        right: The same slots, as sums of the finer rows.
        finer_rows: How many finer rows each slot has.
        finer_s: Length of the first of them.
        difference: Wh, left minus right, slots × `MEASURES`.
        differs: Where that is more than the rows' rounding.
        has_battery: Whether the site has a battery on each day of the calendar.
    """

    left: DayRows
    right: DayRows
    finer_rows: Ints
    finer_s: Ints
    difference: Floats
    differs: Mask
    has_battery: Mask

    @property
    def days(self) -> int:
        """How many days the calendar has."""
        return len(self.has_battery)

    @classmethod
    def of(cls, superseded: pd.DataFrame, intervals: pd.DataFrame, site: Site, calendar: Calendar) -> "_Slots":
        """The slots that finer rows cover completely."""
        coarse, fine = (DayRows.of(rows, list(FLOWS), calendar) for rows in (superseded, intervals))
        fine = fine.taken(np.flatnonzero(_is_over(fine)))
        ends_us = coarse.begun_us + coarse.length_s * 1_000_000
        first, last = (np.searchsorted(fine.begun_us, instants) for instants in (coarse.begun_us, ends_us))
        until_s = np.concatenate([[0], np.cumsum(fine.length_s)])
        is_both = _is_over(coarse) & (last - first > 1) & (until_s[last] - until_s[first] == coarse.length_s)
        finest_s = np.full(len(calendar.days), np.iinfo(np.int64).max)
        np.minimum.at(finest_s, coarse.at[is_both], coarse.length_s[is_both])
        compared = np.flatnonzero(is_both & (coarse.length_s == finest_s[coarse.at]))
        left, first, last = coarse.taken(compared), first[compared], last[compared]
        right = replace(left, values=_sums(fine.values, first, last), asked_us=_latest(fine.asked_us, first, last))
        has_battery = site.has_battery_on(calendar.days)
        coarser, finer = (with_totals(side.values, has_battery[side.at]) for side in (left, right))
        rows = last - first
        differs = np.abs(coarser - finer) > tolerance_wh(coarser, finer, rows[:, None].astype(np.float64))
        return cls(left, right, rows, fine.length_s[first], coarser - finer, differs, has_battery)

    def most_rows(self) -> Floats:
        """How many finer rows a slot of each day has at most, days × 1."""
        most = np.zeros(self.days, dtype=np.int64)
        np.maximum.at(most, self.left.at, self.finer_rows)
        return most[:, None].astype(np.float64)

    def names(self, length_s: Ints) -> Names:
        """Name of each day's source: intervals, and their length."""
        longest_s = np.zeros(self.days, dtype=np.int64)
        np.maximum.at(longest_s, self.left.at, length_s)
        return np.array([f"{INTERVALS}/{minutes}m" for minutes in (longest_s // 60).tolist()], dtype=object)

    def rounding_wh(self) -> Floats:
        """Sum of the differences of slots that differ by no more than rounding, days × measures."""
        return self.summed(np.where(self.differs, 0.0, self.difference))

    def diverges_us(self) -> Ints:
        """Beginning of the first slot that differs, days × measures; 0 where no slot does."""
        slot, measure = np.nonzero(self.differs)
        never = np.iinfo(np.int64).max
        first_us = np.full((self.days, self.differs.shape[1]), never)
        np.minimum.at(first_us, (self.left.at[slot], measure), self.left.begun_us[slot])
        return np.where(first_us == never, 0, first_us)

    def silent_wh(self) -> Floats:
        """Difference of the slots of each day in which one variant has only zeros and the other has energy, days × measures."""
        left, right = ((np.nan_to_num(side.values) > 0.0).any(axis=1) for side in (self.left, self.right))
        return self.summed(np.where((left != right)[:, None], self.difference, 0.0))

    def summed(self, values: Floats | Ints) -> Floats:
        """Sums by day of values of the slots, slots × columns; NaN counts as 0."""
        sums = np.zeros((self.days, values.shape[1]))
        np.add.at(sums, self.left.at, np.nan_to_num(values))
        return sums


def _is_over(rows: DayRows) -> Mask:
    return np.asarray(rows.begun_us + rows.length_s * 1_000_000 <= rows.asked_us)


def _sums(values: Floats, first: Ints, last: Ints) -> Floats:
    """Sums of runs of consecutive rows; NaN where any row is NaN."""
    if len(first) == 0:
        return np.zeros((0, values.shape[1]))
    edges = np.stack([first, last], axis=1).ravel()
    padded = np.concatenate([values, np.zeros((1, values.shape[1]))])
    return np.asarray(np.add.reduceat(padded, edges, axis=0)[::2])


def _latest(values: Ints, first: Ints, last: Ints) -> Ints:
    if len(first) == 0:
        return values[:0]
    return np.asarray(np.maximum.reduceat(np.append(values, 0), np.stack([first, last], axis=1).ravel())[::2])


@dataclass(frozen=True, slots=True)
class _Context:
    """The evidence that the rules use: the days, and the difference that slots of zeros account for."""

    calendar: Calendar
    silent_wh: Floats


def is_silent(comparison: Comparison, context: _Context) -> Mask:
    """One variant has zeros where the other has energy, and that accounts for the whole difference (Q14)."""
    remaining_wh = np.abs(comparison.difference - context.silent_wh)
    return np.asarray((np.abs(context.silent_wh) > 0.0) & (remaining_wh <= comparison.tolerance))


def is_revised(comparison: Comparison, context: _Context) -> Mask:
    """One variant was requested before the day had settled (Q12)."""
    asked_us = np.minimum(comparison.left.asked_us, comparison.right.asked_us)
    return np.asarray(asked_us < context.calendar.settled_us)[:, None]


INTERVAL_VARIANT_RULES: Final[tuple[tuple[Cause, Rule[_Context]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.MISSING_INTERVALS, is_silent),
    (Cause.ALLOCATION_SHIFT, is_allocation_shift),
    (Cause.REVISED, is_revised),
    (Cause.ROUNDING, is_rounding),
)
"""Cause and rule, in the order of evaluation; the cause is `unexplained` where no rule applies."""
