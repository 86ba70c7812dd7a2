"""Two sources side by side: differences, verdicts, and the rows of table `reconciliation` that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import pandas as pd

from transform.day_sums import COMPARED, MEASURES
from transform.frames import empty_frame, table_frame
from transform.reconciliation.told import Told
from transform.reconciliation.vocabulary import Cause, Check, Floats, Granularity, Mask, Verdict, tolerance_wh
from transform.time import Days, date_column
from warehouse.schema import TABLES

IS_TOTAL: Final = np.isin(MEASURES, COMPARED)
"""Which measures are totals. A split is worth a row only where it differs; totals say what was checked."""

_NAMES: Final = np.array(MEASURES, dtype=object)
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
        is_lacking: Periods that the right side ought to have and has not, or the left side, whichever has no word: a
            contradiction, too. Elsewhere a missing side is no comparison.
        tolerance: Wh, periods × measures; by the rows summed if not given.
    """

    check: Check
    granularity: Granularity
    starts: Days
    left: Told
    right: Told
    is_lacking: Mask
    given_tolerance: Floats | None = None
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
        is_one_sided = self.is_lacking & (self.left.is_told != self.right.is_told)
        energy = np.nan_to_num(self.left.values) + np.nan_to_num(self.right.values)
        return np.asarray(is_one_sided[:, None] & (energy > 0.0) & IS_TOTAL)

    @property
    def is_left_short(self) -> Mask:
        """Measures of which the left has less, or nothing."""
        return np.asarray((self.difference < 0) | self.lacks & ~self.left.is_told[:, None])


Context = TypeVar("Context")
Rule = Callable[[Comparison, Context], Mask]
"""Where a cause has evidence: periods × measures, or something that broadcasts to it."""


def rows_of(
    comparison: Comparison, rules: Sequence[tuple[Cause, Rule[Context]]], context: Context, site_id: int
) -> pd.DataFrame:
    """The rows of table `reconciliation` that a comparison makes; the first rule with evidence names the cause.

    Kept are: whatever differs or lacks, and totals that agree, unless they agree that nothing flowed.
    """
    differs, lacks = comparison.differs, comparison.lacks
    has_energy = (comparison.left.values > 0.0) | (comparison.right.values > 0.0)
    period, measure = np.nonzero(differs | lacks | comparison.agrees & IS_TOTAL & has_energy)
    if len(period) == 0:
        return empty_frame("reconciliation")
    is_off = (differs | lacks)[period, measure]
    cause = np.full(len(period), None, dtype=object)
    if is_off.any():
        cause[is_off] = causes(comparison, rules, context)[period, measure][is_off]
    return table_frame(
        "reconciliation",
        {
            "site_id": site_id,
            "check_name": comparison.check.value,
            "granularity": comparison.granularity.value,
            "period_start": date_column(comparison.starts[period]),
            "measure": _NAMES[measure],
            "left_source": comparison.left.source[period],
            "left_wh": comparison.left.values[period, measure],
            "right_source": comparison.right.source[period],
            "right_wh": comparison.right.values[period, measure],
            "difference_wh": comparison.difference[period, measure],
            "tolerance_wh": comparison.tolerance[period, measure],
            "verdict": _verdicts(comparison)[period, measure],
            "cause": cause,
        },
    )


def causes(comparison: Comparison, rules: Sequence[tuple[Cause, Rule[Context]]], context: Context) -> Floats:
    """The first cause that has evidence, periods × measures."""
    shape = comparison.difference.shape
    found = [np.broadcast_to(rule(comparison, context), shape) for _, rule in rules]
    return np.select(found, [np.array(cause.value, dtype=object) for cause, _ in rules], Cause.UNEXPLAINED.value)


def _verdicts(comparison: Comparison) -> Floats:
    is_left_told = np.broadcast_to(comparison.left.is_told[:, None], comparison.difference.shape)
    missing = np.where(is_left_told, Verdict.MISSING_RIGHT.value, Verdict.MISSING_LEFT.value)
    verdicts = np.where(comparison.differs, Verdict.DIFFERS.value, Verdict.AGREE.value)
    return np.where(comparison.lacks, missing, verdicts).astype(object)


def gathered(parts: Sequence[pd.DataFrame], units: pd.DataFrame) -> pd.DataFrame:
    """Rows of all checks in the order of the table's key, beside those that the units' step found, which come first."""
    filled = [each for each in (units, *parts) if len(each)]
    if not filled:
        return empty_frame("reconciliation")
    rows = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0]
    if len(units):
        rows = rows.drop_duplicates(_KEY)
    return rows.sort_values(_KEY, kind="stable", ignore_index=True)
