"""Comparison of two sources: differences, verdicts, and the rows of table `reconciliation` made from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import COLUMN, COMPARED, MEASURES, Floats, Mask
from transform.frames import empty_frame, table_frame
from transform.reconciliation.source_values import Names, SourceValues
from transform.time import Days, Ints, date_column
from warehouse.schema import TABLES
from wattlog.causes import Cause, Check, Granularity, Verdict
from wattlog.tolerances import tolerance_wh

IS_TOTAL: Final = np.isin(MEASURES, COMPARED)
"""Which measures are totals. A total has a row also where the sources agree, a split only where they differ."""

_REPRESENTATIVES: Final = [COLUMN[name] for name in ("home_wh", *COMPARED)]
"""Totals in the order in which one stands for a whole period."""

_NAMES: Final = np.array(MEASURES, dtype=object)
_RANKS: Final = np.argsort(np.argsort(_NAMES))
_CHECKS: Final = sorted(Check)
_GRANULARITIES: Final = sorted(Granularity)
_KEY: Final = list(TABLES["reconciliation"].primary_key)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One check, made for a list of periods.

    Attributes:
        check: Which check.
        granularity: The kind of period.
        starts: First day of each period.
        left: Values of the left source.
        right: Values of the right source.
        expect_left: Periods that were requested from the left source, so that a missing value is a difference. For other
            periods a missing value means that nothing is compared.
        expect_right: The same for the right source.
        given_tolerance: Wh, periods × measures; calculated from the rows summed if not given.
        diverges_us: Beginning of the first interval that differs, periods × measures, 0 where it is unknown; None where only
            sums are compared.
        difference: Left minus right; NaN where either is missing.
        tolerance: By how much the two may differ.
    """

    check: Check
    granularity: Granularity
    starts: Days
    left: SourceValues
    right: SourceValues
    expect_left: Mask
    expect_right: Mask
    given_tolerance: Floats | None = None
    diverges_us: Ints | None = None
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
        """Periods × measures that both sides have, with values that differ by more than the tolerance."""
        return np.asarray(np.abs(self.difference) > self.tolerance)

    @property
    def agrees(self) -> Mask:
        """Periods × measures that both sides have, with values within the tolerance."""
        return np.asarray(np.abs(self.difference) <= self.tolerance)

    @property
    def lacks(self) -> Mask:
        """Periods × totals for which one side has energy and the other has no value although one is expected."""
        energy = np.fmax(self.left.values, self.right.values) > 0.0
        lacks_left = self.expect_left & ~self.left.is_reported & self.right.is_reported
        return np.asarray((lacks_left | self.lacks_right)[:, None] & energy & IS_TOTAL | self.lacks_everything)

    @property
    def lacks_right(self) -> Mask:
        """Periods for which a value is expected of the right side and missing."""
        return np.asarray(self.expect_right & ~self.right.is_reported)

    @property
    def lacks_everything(self) -> Mask:
        """Periods for which an expected value is missing while the other side has no value either, or only zeros.

        Such a period is marked in one measure only, so that it makes one row: home use, or what the other side has instead.
        """
        is_known = ~np.isnan(self.right.values[:, _REPRESENTATIVES])
        one = np.arange(len(MEASURES)) == np.asarray(_REPRESENTATIVES)[is_known.argmax(axis=1)][:, None]
        neither_has = self.lacks_right & ~self.left.is_reported
        only_zeros = self.expect_left & ~self.left.is_reported & self.right.is_zero
        return np.asarray((neither_has | only_zeros)[:, None] & one)

    @property
    def is_left_short(self) -> Mask:
        """Measures for which the left side has less, or no value."""
        return np.asarray((self.difference < 0) | self.lacks & ~self.lacks_right[:, None])


Context = TypeVar("Context")
Rule = Callable[[Comparison, Context], Mask]
"""Where there is evidence for a cause: periods × measures, or a shape that broadcasts to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of table `reconciliation` made from one comparison, as arrays.

    Attributes:
        comparison: The comparison.
        period: Position of each row's period.
        measure: Position of each row's measure.
        verdict: Result of the comparison; None where the check cannot be made.
        cause: Why the two differ; None where they agree.
    """

    comparison: Comparison
    period: Ints
    measure: Ints
    verdict: Names
    cause: Names

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the table, without the site."""
        comparison, cells = self.comparison, (self.period, self.measure)
        facts = {"check_name": comparison.check.value, "granularity": comparison.granularity.value}
        return {
            **{name: np.full(len(self.period), value, dtype=object) for name, value in facts.items()},
            "period_start": comparison.starts[self.period],
            "measure": _NAMES[self.measure],
            "left_source": comparison.left.source[self.period],
            "left_wh": comparison.left.values[cells],
            "right_source": comparison.right.source[self.period],
            "right_wh": comparison.right.values[cells],
            "difference_wh": comparison.difference[cells],
            "tolerance_wh": comparison.tolerance[cells],
            "verdict": self.verdict,
            "cause": self.cause,
            "diverges_at": self._diverges_at,
        }

    @property
    def _diverges_at(self) -> npt.NDArray[np.datetime64]:
        """When the two sources begin to differ, for rows that differ."""
        if self.comparison.diverges_us is None:
            return np.full(len(self.period), np.datetime64("NaT", "us"))
        diverges_us = self.comparison.diverges_us[self.period, self.measure]
        is_known = (diverges_us > 0) & (self.verdict == Verdict.DIFFERS.value)
        return np.where(is_known, diverges_us.astype("datetime64[us]"), np.datetime64("NaT", "us"))

    @property
    def order(self) -> tuple[Ints, ...]:
        """The table's key as numbers of the same order, its first column last, as `np.lexsort` expects."""
        check, granularity = _CHECKS.index(self.comparison.check), _GRANULARITIES.index(self.comparison.granularity)
        starts = self.comparison.starts[self.period].astype(np.int64)
        return _RANKS[self.measure], starts, np.full_like(starts, granularity), np.full_like(starts, check)


def found_in(comparison: Comparison, rules: Sequence[tuple[Cause, Rule[Context]]], context: Context) -> Found:
    """The rows of a comparison; the first rule with evidence gives the cause.

    A row is made for every measure that differs or is missing, and for every total that agrees and is not zero.
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
    evidence = [np.broadcast_to(rule(comparison, context), shape) for _, rule in rules]
    unexplained = np.full(shape, Cause.UNEXPLAINED.value, dtype=object)
    if not evidence:
        return unexplained
    return np.select(evidence, [np.array(cause.value, dtype=object) for cause, _ in rules], unexplained)


def _verdicts(comparison: Comparison) -> Names:
    lacks_right = np.broadcast_to(comparison.lacks_right[:, None], comparison.difference.shape)
    missing = np.where(lacks_right, Verdict.MISSING_RIGHT.value, Verdict.MISSING_LEFT.value)
    verdicts = np.where(comparison.differs, Verdict.DIFFERS.value, Verdict.AGREE.value)
    return np.where(comparison.lacks, missing, verdicts).astype(object)


def table_of(parts: Sequence[Found], shaped: pd.DataFrame, site_id: int) -> pd.DataFrame:
    """Rows of all checks in the order of the table's key; of two rows with one key, the one made while shaping is kept."""
    filled = [part for part in parts if len(part.period)]
    rows = empty_frame("reconciliation")
    if filled:
        order = np.lexsort([np.concatenate(keys) for keys in zip(*(part.order for part in filled), strict=True)])
        columns = [part.columns for part in filled]
        together = {name: np.concatenate([part[name] for part in columns])[order] for name in columns[0]}
        dates = {"period_start": date_column(together["period_start"])}
        instants = {"diverges_at": pd.DatetimeIndex(together["diverges_at"]).tz_localize("UTC")}
        rows = table_frame("reconciliation", {"site_id": site_id, **together, **dates, **instants})
    if len(shaped) == 0:
        return rows
    both = pd.concat([shaped, rows], ignore_index=True) if len(rows) else shaped
    return both.drop_duplicates(_KEY).sort_values(_KEY, kind="stable", ignore_index=True)
