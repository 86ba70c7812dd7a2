"""In which unit is the energy of a response? Many rows show it; one row near zero shows nothing.

Each row is compared with the known energy of the same time in Wh, flow by flow where both have it. A unit belongs to a
response, or to an era of responses: a single row with another ratio than the rows around it is no evidence, and stays as it
is.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MIN_EVIDENCE_WH: Final = 500.0
"""Rows of which less is known prove nothing: rounding to the Wh alone would be more than the tolerance."""

THOUSANDS: Final = np.array([-6, -3, 3], dtype=np.int64)
"""Units that could be meant are a thousand apart: MWh, kWh, mWh."""

MIN_ROWS: Final = 3
"""So many consecutive rows show a unit where other rows of the same response show another: the unit changed within it."""

MIN_NUMBERS: Final = 2
"""So many numbers show a unit where none shows another: two rows of one flow, or one row of two."""

EXACTLY: Final = 0.001
"""A row whose ratio is this near to a unit is the known energy in that unit, unless it is a whole number: few Wh are near to
much, by chance."""

EXACT_ROWS: Final = 2
"""So many consecutive rows that are exact show a unit as well as `MIN_ROWS` do; one alone may be chance."""

_HALF_A_THOUSAND: Final = 1.5
"""As a power of ten: no ratio is as near as this to two units at once."""

_CLOSE: Final = 0.5
"""As a power of ten: how near the ratio of a flow, or of a small row, must be to a unit to be evidence for it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What each row shows of its unit.

    Attributes:
        exponents: The unit of each row that proves one, as a power of ten of Wh; 0 elsewhere.
        is_proven: Which rows prove theirs.
        is_exact: Which rows are the known energy in another unit, to a thousandth, and no whole number.
        ratios: Decimal logarithm of the reported over the known energy; NaN where either is zero.
        reported: All energy of a row, in its unit.
        known_wh: The known energy of the flows that are reported, in Wh.
        numbers: How many of a row's flows show its unit, at least one where it is proven.
    """

    exponents: Ints
    is_proven: Mask
    is_exact: Mask
    ratios: Floats
    reported: Floats
    known_wh: Floats
    numbers: Ints

    @classmethod
    def of(cls, reported: Floats, known: Floats, *, within: float) -> "Evidence":
        """Compare reported energy with what is known of it.

        Args:
            reported: Rows × flows, NaN where a flow is not reported.
            known: The same in Wh, NaN where it is not known.
            within: How far a ratio may be from a power of a thousand.
        """
        everything = np.nan_to_num(reported).sum(axis=1)
        is_shared = ~(np.isnan(reported) | np.isnan(known))
        reported, known = np.where(is_shared, reported, 0.0), np.where(is_shared, known, 0.0)
        reported_wh, known_wh = reported.sum(axis=1), known.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(known_wh >= MIN_EVIDENCE_WH, reported_wh / known_wh, np.nan)
            of_flows = np.where(known >= MIN_EVIDENCE_WH, reported / known, np.nan)
            ratios = np.where((reported_wh > 0) & (known_wh > 0), np.log10(reported_wh / known_wh), np.nan)
            flow_ratios = np.log10(of_flows)
        is_power = np.abs(ratio[:, None] / 10.0 ** THOUSANDS[None, :] - 1) <= within
        exponents = np.where(is_power.any(axis=1), THOUSANDS[is_power.argmax(axis=1)], 0)
        is_contradicted = (np.abs(flow_ratios - exponents[:, None]) > _CLOSE).any(axis=1)
        is_other = (exponents != 0) & ~is_contradicted
        numbers = (np.abs(of_flows / 10.0 ** exponents[:, None].astype(np.float64) - 1) <= within).sum(axis=1)
        is_proven = is_other | (np.abs(ratio - 1) <= 0.5)
        exponents = np.where(is_other, exponents, 0)
        numbers = np.where(is_proven, np.maximum(numbers, 1), 0)
        is_near = np.abs(ratio / 10.0 ** exponents.astype(np.float64) - 1) <= EXACTLY
        is_exact = is_other & is_near & (np.round(reported_wh) != reported_wh)
        return cls(exponents, is_proven, is_exact, ratios, everything, known_wh, numbers)

    def without(self, rows: Mask) -> "Evidence":
        """The same where some rows prove nothing."""
        return replace(
            self,
            exponents=np.where(rows, 0, self.exponents),
            is_proven=self.is_proven & ~rows,
            is_exact=self.is_exact & ~rows,
            numbers=np.where(rows, 0, self.numbers),
        )


def units_of(evidence: Evidence, responses: Ints, weights: Ints) -> tuple[Ints, Mask]:
    """The unit of each of some rows of one source, which are in order of time.

    Rows of a response that shows its unit have it, as far as they lie between rows that show it or are near it themselves; so
    have rows of a response that shows none, between responses that show the same. A row whose own ratio contradicts that
    stays as it is.

    Args:
        evidence: What each row shows.
        responses: The response of each row, as a number.
        weights: How many rows, or days, each row counts for.

    Returns:
        The unit as a power of ten of Wh, 0 where nothing else is shown; and the rows that show one.
    """
    is_shown = np.zeros(len(responses), dtype=bool)
    of_responses = np.bincount(responses, evidence.numbers * weights, minlength=1 + responses.max(initial=0))
    for response in np.flatnonzero(of_responses >= MIN_NUMBERS):
        mine = np.flatnonzero(responses == response)
        is_shown[mine] = _shown(evidence, mine, weights)
    has_unit = np.bincount(responses, is_shown, minlength=len(of_responses)) > 0
    others = np.flatnonzero(~has_unit[responses])
    is_shown[others] = _shown(evidence, others, weights)
    if not evidence.exponents[is_shown].any():
        return np.zeros(len(responses), dtype=np.int64), is_shown
    units = _around(evidence, np.arange(len(responses)), is_shown, is_one_response=False)
    for response in np.flatnonzero(has_unit):
        mine = np.flatnonzero(responses == response)
        units[mine] = _around(evidence, mine, is_shown[mine], is_one_response=True)
    return units, is_shown


def _shown(evidence: Evidence, rows: Ints, weights: Ints) -> Mask:
    """Which of some rows show a unit together: all that prove the same where none proves another, else runs of `MIN_ROWS`.

    Of rows that are exact, a run of `EXACT_ROWS` is enough.
    """
    proven = rows[evidence.is_proven[rows]]
    found = evidence.exponents[proven]
    if len(set(found.tolist())) == 1:
        is_enough = (evidence.numbers[proven] * weights[proven]).sum() >= MIN_NUMBERS
        return np.asarray(evidence.is_proven[rows] & bool(is_enough))
    run = np.cumsum(np.append(0, found[1:] != found[:-1])) if len(found) else found
    is_long = np.zeros(0, dtype=bool)
    if len(found):
        is_long = np.bincount(run, weights[proven]) >= MIN_ROWS
        is_long |= np.bincount(run, evidence.is_exact[proven]) >= EXACT_ROWS
    return np.isin(rows, proven[is_long[run]] if len(found) else proven)


def _around(evidence: Evidence, rows: Ints, is_shown: Mask, *, is_one_response: bool) -> Ints:
    """The unit of each of some rows by those before and after it that show one, unless its own ratio contradicts it.

    Before the first and after the last of these a row needs a ratio of its own that is near; in a response that is the same
    throughout it is enough that nothing is known of the row and that it is not a thousand times as large as they are.
    """
    shown = np.flatnonzero(is_shown)
    if len(shown) == 0:
        return np.zeros(len(rows), dtype=np.int64)
    at, units = np.arange(len(rows)), evidence.exponents[rows][shown]
    before, after = np.searchsorted(shown, at, side="right") - 1, np.searchsorted(shown, at)
    has_both = (before >= 0) & (after < len(shown))
    left, right = units[np.maximum(before, 0)], units[np.minimum(after, len(shown) - 1)]
    ratios, is_much = evidence.ratios[rows], evidence.known_wh[rows] >= MIN_EVIDENCE_WH
    left_off, right_off = np.abs(ratios - left), np.abs(ratios - right)
    nearer = np.where(left_off < _HALF_A_THOUSAND, left, np.where(right_off < _HALF_A_THOUSAND, right, 0))
    between = np.where(left == right, left, np.where(is_much, nearer, 0))
    edge = np.where(before >= 0, left, right)
    is_near = np.abs(ratios - edge) < np.where(is_much, _HALF_A_THOUSAND, _CLOSE)
    if is_one_response and len(set(units.tolist())) == 1:
        largest = np.median(evidence.reported[rows][shown]) * 10**_HALF_A_THOUSAND
        is_near |= (evidence.known_wh[rows] <= 0) & (evidence.reported[rows] < largest)
    unit = np.where(has_both, between, np.where(is_near, edge, 0))
    is_refuted = np.abs(ratios - unit) >= _HALF_A_THOUSAND
    return np.asarray(np.where(is_refuted, 0, unit), dtype=np.int64)
