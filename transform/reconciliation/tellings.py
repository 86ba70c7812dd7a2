"""Two tellings of the same intervals, as five minutes and as quarter hours: where in the day they part ways (Q21).

Time counts once, so coarser rows give way to finer ones (`interval_length.counted_once`) before anything is summed. What they
say is not lost: here both are laid side by side, slot by slot of the coarser grid.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import INTERVALS
from transform.day_sums import DayRows, interval_sums, with_totals
from transform.frames import empty_frame
from transform.local_calendar import Calendar
from transform.reconciliation.comparison import Comparison, Rule, found_in, table_of
from transform.reconciliation.shared_rules import is_allocation_shift, is_rounding, is_unit_mismatch
from transform.reconciliation.told import Names, Told
from transform.reconciliation.vocabulary import Cause, Check, Floats, Granularity, Mask, tolerance_wh
from transform.sites import Site
from transform.time import Ints, days_of
from transform.units import scaled
from warehouse.schema import FLOWS


def compare_tellings(beside: pd.DataFrame, intervals: pd.DataFrame, site: Site, settle_hours: float) -> pd.DataFrame:
    """Compare intervals that gave way with those that took their place.

    Compared is the time that both tell of, and that was over when they were asked; where a day has several coarser grids, the
    finest of them. A slot's rows are rounded to the Wh, so a day's sums may differ by what slots within that rounding add
    up to, and by one slot's rounding or 0.1 % besides: a shift of a few Wh an hour is seen, for which the sums of a day's rows
    are too coarse.

    **Shape**: two frames of table `energy_intervals` of one site, in Wh, the first of intervals that gave way, the second the
    lake's → rows of table `reconciliation`, check `interval_vs_interval`, one per day and measure that differs, and per
    total that agrees and is not zero. Left is what gave way. **Units**: Wh. **Source**: Q10, Q12, Q14, Q21.
    """
    if len(beside) == 0:
        return empty_frame("reconciliation")
    days = days_of(beside["local_date"])
    calendar = Calendar.of(site, days.min().item(), days.max().item(), settle_hours)
    slots = _Slots.of(beside, intervals, site, calendar)
    left, right = (Told.of_sums(INTERVALS, interval_sums(each, site, slots.days)) for each in (slots.left, slots.right))
    never = np.zeros(slots.days, dtype=bool)
    found = Comparison(
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
        slots.parts_us(),
    )
    context = _Context(calendar, slots.silent_wh())
    return table_of([found_in(found, TELLING_RULES, context)], empty_frame("reconciliation"), site.site_id)


def in_unit_of(beside: pd.DataFrame, told: pd.DataFrame, settled: pd.DataFrame) -> pd.DataFrame:
    """Intervals that gave way, in the unit that those in their place were put into, day by day.

    Where only one of the two is told in another unit, that stays to be seen.

    Args:
        beside: The intervals that gave way, as they were told.
        told: Those that took their place, as they were told.
        settled: The same rows, in Wh.
    """
    if len(beside) == 0 or told is settled:
        return beside
    days, day = np.unique(days_of(told["local_date"]), return_inverse=True)
    before, after = (
        np.bincount(day, weights=np.nan_to_num(each[list(FLOWS)].to_numpy(dtype=np.float64)).sum(axis=1))
        for each in (told, settled)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.where(after > 0, np.round(np.log10(before / after)), 0.0).astype(np.int64)
    at = np.searchsorted(days, days_of(beside["local_date"]))
    return scaled(beside, np.append(exponents, 0)[at])


@dataclass(frozen=True, slots=True)
class _Slots:
    """The time that both tell of, on the coarser grid, in order of time.

    Attributes:
        left: The coarser rows.
        right: The same slots as the finer rows add up to.
        finer_rows: How many finer rows each slot has.
        finer_s: Length of the first of them.
        difference: Wh, left less right, slots × `MEASURES`.
        differs: Where that is more than the rows' rounding.
        days: How many days the calendar has.
    """

    left: DayRows
    right: DayRows
    finer_rows: Ints
    finer_s: Ints
    difference: Floats
    differs: Mask
    days: int

    @classmethod
    def of(cls, beside: pd.DataFrame, intervals: pd.DataFrame, site: Site, calendar: Calendar) -> "_Slots":
        """The slots that finer rows fill from end to end."""
        coarse, fine = (DayRows.of(each, list(FLOWS), calendar) for each in (beside, intervals))
        fine = fine.taken(np.flatnonzero(_is_over(fine)))
        ends_us = coarse.begun_us + coarse.length_s * 1_000_000
        first, last = (np.searchsorted(fine.begun_us, each) for each in (coarse.begun_us, ends_us))
        until_s = np.concatenate([[0], np.cumsum(fine.length_s)])
        is_both = _is_over(coarse) & (last - first > 1) & (until_s[last] - until_s[first] == coarse.length_s)
        finest_s = np.full(len(calendar.days), np.iinfo(np.int64).max)
        np.minimum.at(finest_s, coarse.at[is_both], coarse.length_s[is_both])
        mine = np.flatnonzero(is_both & (coarse.length_s == finest_s[coarse.at]))
        left, first, last = coarse.taken(mine), first[mine], last[mine]
        right = replace(left, values=_sums(fine.values, first, last), asked_us=_latest(fine.asked_us, first, last))
        coarser, finer = (with_totals(each.values, site) for each in (left, right))
        rows = last - first
        differs = np.abs(coarser - finer) > tolerance_wh(coarser, finer, rows[:, None].astype(np.float64))
        return cls(left, right, rows, fine.length_s[first], coarser - finer, differs, len(calendar.days))

    def most_rows(self) -> Floats:
        """How many finer rows a slot of each day has at most, days × 1."""
        most = np.zeros(self.days, dtype=np.int64)
        np.maximum.at(most, self.left.at, self.finer_rows)
        return most[:, None].astype(np.float64)

    def names(self, length_s: Ints) -> Names:
        """Source of each day: intervals, and how long they are."""
        longest_s = np.zeros(self.days, dtype=np.int64)
        np.maximum.at(longest_s, self.left.at, length_s)
        return np.array([f"{INTERVALS}/{minutes}m" for minutes in (longest_s // 60).tolist()], dtype=object)

    def rounding_wh(self) -> Floats:
        """What the slots add up to that differ by no more than rounding, days × measures."""
        return self.summed(np.where(self.differs, 0.0, self.difference))

    def parts_us(self) -> Ints:
        """Beginning of the first slot that differs, days × measures; 0 where none does."""
        slot, measure = np.nonzero(self.differs)
        never = np.iinfo(np.int64).max
        first_us = np.full((self.days, self.differs.shape[1]), never)
        np.minimum.at(first_us, (self.left.at[slot], measure), self.left.begun_us[slot])
        return np.where(first_us == never, 0, first_us)

    def silent_wh(self) -> Floats:
        """By how much the slots of each day differ in which one of the two has nothing but zeros, days × measures."""
        left, right = ((np.nan_to_num(each.values) > 0.0).any(axis=1) for each in (self.left, self.right))
        return self.summed(np.where((left != right)[:, None], self.difference, 0.0))

    def summed(self, values: Floats | Ints) -> Floats:
        """Sums by day of values of the slots, slots × columns; what is unknown adds nothing."""
        found = np.zeros((self.days, values.shape[1]))
        np.add.at(found, self.left.at, np.nan_to_num(values))
        return found


def _is_over(rows: DayRows) -> Mask:
    return np.asarray(rows.begun_us + rows.length_s * 1_000_000 <= rows.asked_us)


def _sums(values: Floats, first: Ints, last: Ints) -> Floats:
    """Sums of runs of rows that follow one another; NaN where any is, since then nobody knows."""
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
    """What rules may ask: the days, and what zeros for hours on end account for."""

    calendar: Calendar
    silent_wh: Floats


def is_silent(comparison: Comparison, context: _Context) -> Mask:
    """One of the two has zeros where the other has energy, and that is all of the difference (Q14)."""
    left_wh = np.abs(comparison.difference - context.silent_wh)
    return np.asarray((np.abs(context.silent_wh) > 0.0) & (left_wh <= comparison.tolerance))


def is_revised(comparison: Comparison, context: _Context) -> Mask:
    """One of the two was asked before the day had settled (Q12)."""
    asked_us = np.minimum(comparison.left.asked_us, comparison.right.asked_us)
    return np.asarray(asked_us < context.calendar.settled_us)[:, None]


TELLING_RULES: Final[tuple[tuple[Cause, Rule[_Context]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_mismatch),
    (Cause.MISSING_INTERVALS, is_silent),
    (Cause.ALLOCATION_SHIFT, is_allocation_shift),
    (Cause.REVISED, is_revised),
    (Cause.ROUNDING, is_rounding),
)
"""Cause and evidence, in the order in which they are asked; what none of them explains is `unexplained`."""
