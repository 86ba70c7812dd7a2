"""Two sources side by side: differences, verdicts, and the rows of table `reconciliation` that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import COMPARED, MEASURES
from transform.frames import empty_frame, table_frame
from transform.reconciliation.told import Names, Told
from transform.reconciliation.vocabulary import Cause, Check, Floats, Granularity, Mask, Verdict, tolerance_wh
from transform.time import Days, Ints, date_column
from warehouse.schema import TABLES

IS_TOTAL: Final = np.isin(MEASURES, COMPARED)
"""Which measures are totals. A split is worth a row only where it differs; totals say what was checked."""

_NAMES: Final = np.array(MEASURES, dtype=object)
_RANKS: Final = np.argsort(np.argsort(_NAMES))
_CHECKS: Final = sorted(Check)
_GRANULARITIES: Final = sorted(Granularity)
_KEY: Final = list(TABLES["reconciliation"].primary_key)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One check of periods in a row.

    Attributes:
        check: Which check.
        granularity: What a period is.
        starts: First day of each period.
        left: What is compared.
        right: With what.
        left_ought: Periods of which the left side was asked: if it has no word, that is a contradiction, too. Elsewhere a
            missing side is no comparison.
        right_ought: The same of the right side.
        given_tolerance: Wh, periods × measures; by the rows summed if not given.
        parts_us: Beginning of the first interval that differs, periods × measures, 0 where it is not known; not given where
            only sums are told.
        difference: Left less right; NaN where either is missing.
        tolerance: By how much the two may differ.
    """

    check: Check
    granularity: Granularity
    starts: Days
    left: Told
    right: Told
    left_ought: Mask
    right_ought: Mask
    given_tolerance: Floats | None = None
    parts_us: Ints | None = None
    difference: Floats = field(init=False)
    tolerance: Floats = field(init=False)

    def __post_init__(self) -> None:
        left, right = self.left.values, self.right.values
        object.__setattr__(self, "difference", left - right)
        tolerance = self.given_tolerance
        if tolerance is None:
            rows = np.maximum(self.left.rows, self.right.rows)
            tolerance = tolerance_wh(left, right, rows[:, None].astype(np.float64))
        object.__setattr__(self, "tolerance", tolerance)

    @property
    def differs(self) -> Mask:
        """Periods × measures that both sides tell, and differently."""
        return np.asarray(np.abs(self.difference) > self.tolerance)

    @property
    def agrees(self) -> Mask:
        """Periods × measures that both sides tell alike."""
        return np.asarray(np.abs(self.difference) <= self.tolerance)

    @property
    def lacks(self) -> Mask:
        """Periods × totals of which one side has energy and the other should have a word and has none."""
        energy = np.fmax(self.left.values, self.right.values) > 0.0
        lacks_left = self.left_ought & ~self.left.is_told & self.right.is_told
        return np.asarray((lacks_left | self.lacks_right)[:, None] & energy & IS_TOTAL | self.lacks_everything)

    @property
    def lacks_right(self) -> Mask:
        """Periods of which the right side should have a word and has none."""
        return np.asarray(self.right_ought & ~self.right.is_told)

    @property
    def lacks_everything(self) -> Mask:
        """Periods that a side should have and has not, and of which the other tells nothing, or that nothing flowed.

        One measure stands for all.
        """
        is_first = np.arange(len(MEASURES)) == 0
        is_nobody = self.lacks_right & ~self.left.is_told
        is_alone = self.left_ought & ~self.left.is_told & self.right.is_zero
        return np.asarray((is_nobody | is_alone)[:, None] & is_first)

    @property
    def is_left_short(self) -> Mask:
        """Measures of which the left has less, or nothing."""
        return np.asarray((self.difference < 0) | self.lacks & ~self.lacks_right[:, None])


Context = TypeVar("Context")
Rule = Callable[[Comparison, Context], Mask]
"""Where a cause has evidence: periods × measures, or something that broadcasts to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of table `reconciliation` that one comparison makes, still as arrays.

    Attributes:
        comparison: The comparison.
        period: Which period each row is about.
        measure: Which measure.
        verdict: What came of it; None where nothing can be said.
        cause: Why; None where the two agree.
    """

    comparison: Comparison
    period: Ints
    measure: Ints
    verdict: Names
    cause: Names

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the table, but for the site."""
        mine, cells = self.comparison, (self.period, self.measure)
        facts = {"check_name": mine.check.value, "granularity": mine.granularity.value}
        return {
            **{name: np.full(len(self.period), value, dtype=object) for name, value in facts.items()},
            "period_start": mine.starts[self.period],
            "measure": _NAMES[self.measure],
            "left_source": mine.left.source[self.period],
            "left_wh": mine.left.values[cells],
            "right_source": mine.right.source[self.period],
            "right_wh": mine.right.values[cells],
            "difference_wh": mine.difference[cells],
            "tolerance_wh": mine.tolerance[cells],
            "verdict": self.verdict,
            "cause": self.cause,
            "parts_at": self._parts_at,
        }

    @property
    def _parts_at(self) -> npt.NDArray[np.datetime64]:
        """When the two part, of rows that differ."""
        if self.comparison.parts_us is None:
            return np.full(len(self.period), np.datetime64("NaT", "us"))
        parts_us = self.comparison.parts_us[self.period, self.measure]
        is_known = (parts_us > 0) & (self.verdict == Verdict.DIFFERS.value)
        return np.where(is_known, parts_us.astype("datetime64[us]"), np.datetime64("NaT", "us"))

    @property
    def order(self) -> tuple[Ints, ...]:
        """The table's key as numbers of the same order, the first of it last, as `np.lexsort` wants it."""
        check, granularity = _CHECKS.index(self.comparison.check), _GRANULARITIES.index(self.comparison.granularity)
        starts = self.comparison.starts[self.period].astype(np.int64)
        return _RANKS[self.measure], starts, np.full_like(starts, granularity), np.full_like(starts, check)


def found_in(comparison: Comparison, rules: Sequence[tuple[Cause, Rule[Context]]], context: Context) -> Found:
    """What a comparison comes to; the first rule with evidence names the cause.

    Kept are: whatever differs or lacks, and totals that agree, unless they agree that nothing flowed.
    """
    differs, lacks = comparison.differs, comparison.lacks
    has_energy = (comparison.left.values > 0.0) | (comparison.right.values > 0.0)
    cells = np.nonzero(differs | lacks | comparison.agrees & IS_TOTAL & has_energy)
    is_off = (differs | lacks)[cells]
    verdict = np.full(len(is_off), Verdict.AGREE.value, dtype=object)
    cause = np.full(len(is_off), None, dtype=object)
    if is_off.any():
        verdict = _verdicts(comparison)[cells]
        cause[is_off] = causes(comparison, rules, context)[cells][is_off]
    return Found(comparison, cells[0], cells[1], verdict, cause)


def causes(comparison: Comparison, rules: Sequence[tuple[Cause, Rule[Context]]], context: Context) -> Names:
    """The first cause that has evidence, periods × measures."""
    shape = comparison.difference.shape
    found = [np.broadcast_to(rule(comparison, context), shape) for _, rule in rules]
    nothing = np.full(shape, Cause.UNEXPLAINED.value, dtype=object)
    if not found:
        return nothing
    return np.select(found, [np.array(cause.value, dtype=object) for cause, _ in rules], nothing)


def _verdicts(comparison: Comparison) -> Names:
    lacks_right = np.broadcast_to(comparison.lacks_right[:, None], comparison.difference.shape)
    missing = np.where(lacks_right, Verdict.MISSING_RIGHT.value, Verdict.MISSING_LEFT.value)
    verdicts = np.where(comparison.differs, Verdict.DIFFERS.value, Verdict.AGREE.value)
    return np.where(comparison.lacks, missing, verdicts).astype(object)


def table_of(parts: Sequence[Found], shaped: pd.DataFrame, site_id: int) -> pd.DataFrame:
    """Rows of all checks in the order of the table's key, beside those that were made while shaping, which come first."""
    filled = [each for each in parts if len(each.period)]
    rows = empty_frame("reconciliation")
    if filled:
        order = np.lexsort([np.concatenate(each) for each in zip(*(part.order for part in filled), strict=True)])
        columns = [part.columns for part in filled]
        together = {name: np.concatenate([each[name] for each in columns])[order] for name in columns[0]}
        dates = {"period_start": date_column(together["period_start"])}
        instants = {"parts_at": pd.DatetimeIndex(together["parts_at"]).tz_localize("UTC")}
        rows = table_frame("reconciliation", {"site_id": site_id, **together, **dates, **instants})
    if len(shaped) == 0:
        return rows
    both = pd.concat([shaped, rows], ignore_index=True) if len(rows) else shaped
    return both.drop_duplicates(_KEY).sort_values(_KEY, kind="stable", ignore_index=True)
