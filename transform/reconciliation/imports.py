"""Imported histories against what the API reports of the same days: `import_vs_day` and `import_vs_interval`.

The rules are ordered as those of days are: a wrong unit makes every other comparison meaningless, then a shift of whole hours.
Rounding, the repeated hour of autumn, straight lines, and quarter hours that one side lacks explain differences up to a size
that is known. What an export of Tesla's own values has, and the API reports otherwise for a day that is final, was restated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import IMPORT_RANKS, POWER, imported_candidates
from transform.daily import rounding_of
from transform.day_sums import COLUMN, COMPARED, MEASURES, POWER_OF, POWERS, DayRows, Floats, Mask, with_totals
from transform.local_calendar import Calendar
from transform.reconciliation.comparison import Comparison, Rule
from transform.reconciliation.profiles import A_DAY, QUARTER_US, Profiles
from transform.reconciliation.shared_rules import is_unit_of_source
from transform.reconciliation.source_values import Names, SourceValues
from transform.sites import Site
from transform.time import Ints, epoch_us
from wattlog.causes import Cause, Check, Granularity
from wattlog.imported_sources import ImportedKind, imported_source
from wattlog.series_spec import Series
from wattlog.tolerances import POWER_WH, power_tolerance_wh, tolerance_wh

HOURS: Final = tuple(hours for hours in range(-14, 15) if hours)
"""Shifts that a wrong zone can make."""

SAME: Final = 0.02
"""Days whose quarter hours differ by less than this share, in sum, are the same; more than `OTHER`, and they are not."""

OTHER: Final = 0.1

OF_TESLA: Final = frozenset(
    imported_source(series, kind)
    for series in (Series.IMPORT_TESLA_APP, Series.IMPORT_SOLAR_DOWNLOAD)
    for kind in ImportedKind
)
"""Sources with values that Tesla reported at the time of the export."""

SEEN_WH: Final = 15.0
"""Smallest energy of a quarter hour that shows that zeros of the other side are missing values: 60 W."""

_COMPARED_AT: Final = np.array([COLUMN[name] for name in COMPARED])


@dataclass(frozen=True, slots=True)
class ImportContext:
    """The evidence that the rules use.

    Attributes:
        calendar: The days.
        rounding_wh: By how much each value of the left side may be off, days × `MEASURES`.
        repeated_wh: Energy of the hour that the clock shows twice, both times; NaN where it is not known.
        filled_wh: Energy of quarter hours that lie on straight lines, as imported or as reported, whichever is more.
        is_shifted: Days whose quarter hours are those of the API, some hours off.
        only_imported_wh: Energy of quarter hours that the API does not have, or has as zeros, days × `MEASURES`.
        only_reported_wh: Energy of quarter hours that the file does not have, or has as zeros.
    """

    calendar: Calendar
    rounding_wh: Floats
    repeated_wh: Floats
    filled_wh: Floats
    is_shifted: Mask
    only_imported_wh: Floats
    only_reported_wh: Floats


def is_wrong_zone(_: Comparison, context: ImportContext) -> Mask:
    """A shift of whole hours, undone, leaves no difference."""
    return np.asarray(context.is_shifted[:, None])


def is_rounded(comparison: Comparison, context: ImportContext) -> Mask:
    """The file's numbers are rounded, and the difference is not larger than that can make it."""
    excess = np.abs(comparison.difference) - comparison.tolerance
    return np.asarray((context.rounding_wh > 0) & (excess <= context.rounding_wh))


def is_repeated_hour(comparison: Comparison, context: ImportContext) -> Mask:
    """On the day on which an hour comes twice, one of the two hours is missing or counted twice (Q5)."""
    is_long = context.calendar.lengths_s > A_DAY * 900
    return np.asarray(is_long[:, None] & (np.abs(comparison.difference) <= context.repeated_wh + comparison.tolerance))


def is_interpolated(comparison: Comparison, context: ImportContext) -> Mask:
    """The tool filled a hole with a straight line, and the difference is not larger than what is on it."""
    size = np.abs(comparison.difference) - comparison.tolerance
    return np.asarray((context.filled_wh > 0) & (size <= context.filled_wh))


def is_missing(comparison: Comparison, context: ImportContext) -> Mask:
    """One side lacks quarter hours that the other has, and the difference is not larger than their energy (Q14).

    A gateway that is offline measures on: a tool at the site has what Tesla never received.
    """
    difference = comparison.difference
    unshared_wh = np.where(difference > 0, context.only_imported_wh, context.only_reported_wh)
    return np.asarray((unshared_wh > 0) & (np.abs(difference) <= unshared_wh + comparison.tolerance))


def is_not_final(comparison: Comparison, context: ImportContext) -> Mask:
    """A side is from before the day had settled (Q12)."""
    is_early = np.zeros(len(context.calendar.days), dtype=bool)
    for side in (comparison.left, comparison.right):
        is_early |= side.is_reported & (side.asked_us < context.calendar.settled_us)
    return np.asarray(is_early[:, None])


def is_restated(comparison: Comparison, _: ImportContext) -> Mask:
    """Tesla's own value, exported then, and what the API reports now."""
    return np.asarray(np.isin(comparison.left.source, list(OF_TESLA))[:, None])


IMPORT_RULES: Final[tuple[tuple[Cause, Rule[ImportContext]], ...]] = (
    (Cause.UNIT_MISMATCH, is_unit_of_source),
    (Cause.WRONG_ZONE, is_wrong_zone),
    (Cause.ROUNDING, is_rounded),
    (Cause.DST_DUPLICATE, is_repeated_hour),
    (Cause.INTERPOLATED, is_interpolated),
    (Cause.MISSING_INTERVALS, is_missing),
    (Cause.REVISED, is_not_final),
    (Cause.RESTATED, is_restated),
)
"""Cause and rule, in the order of evaluation; the cause is `unexplained` where no rule applies."""


@dataclass(frozen=True, slots=True)
class ImportEvidence:
    """What is compared.

    Attributes:
        days: Table `import_days`.
        intervals: Table `import_intervals`.
        energy: The API's intervals.
        power: The API's power.
        best: The API's best figure of each day.
        summed: Sums of the API's intervals, of whole days alone.
        integrals: Integrals of the API's power, of whole days alone.
        site: The site.
        calendar: The days.
    """

    days: pd.DataFrame
    intervals: pd.DataFrame
    energy: DayRows
    power: DayRows
    best: SourceValues
    summed: SourceValues
    integrals: SourceValues
    site: Site
    calendar: Calendar


def import_comparisons(evidence: ImportEvidence) -> Iterator[tuple[Comparison, ImportContext]]:
    """Both checks, each with the evidence for its rules; none without imported days."""
    calendar = evidence.calendar
    ranked = imported_candidates(_with_long_days(evidence.days, calendar), calendar).sort_values(["day", "rank"])
    if ranked.empty:
        return
    reported = _reported_profiles(evidence)
    of_intervals = ranked[~ranked["source"].str.endswith(f"/{ImportedKind.DAYS}")]
    others = ranked[ranked.duplicated("day")]
    right = evidence.best.otherwise(_sides(others, calendar))
    yield _compared(Check.IMPORT_VS_DAY, evidence, [ranked, others], _sides(ranked, calendar), right, reported)
    if len(of_intervals):
        right = evidence.summed.otherwise(evidence.integrals)
        left = _sides(of_intervals, calendar)
        yield _compared(Check.IMPORT_VS_INTERVAL, evidence, [of_intervals], left, right, reported)


def _with_long_days(days: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Days that lack an hour only because the file has one of the two autumn hours are compared, too."""
    at = calendar.index(days["local_date"])
    is_long = (at >= 0) & (calendar.lengths_s[np.maximum(at, 0)] > A_DAY * 900)
    is_a_day = days["covered_s"].to_numpy(dtype=np.int64) >= A_DAY * 900
    return days.assign(is_partial=days["is_partial"].to_numpy(dtype=bool) & ~(is_long & is_a_day))


def _sides(ranked: pd.DataFrame, calendar: Calendar) -> SourceValues:
    """The first source of each day."""
    rows = ranked.drop_duplicates("day")
    found, at = SourceValues.nothing("", len(calendar.days)), rows["day"].to_numpy(dtype=np.int64)
    found.source[at] = rows["source"].to_numpy(dtype=object)
    found.values[at] = rows[list(MEASURES)].to_numpy(dtype=np.float64)
    found.rows[at] = rows["rows"].to_numpy(dtype=np.int64)
    found.asked_us[at] = rows["fetched_us"].to_numpy(dtype=np.int64)
    return found


def _compared(
    check: Check,
    evidence: ImportEvidence,
    ranked: Sequence[pd.DataFrame],
    left: SourceValues,
    right: SourceValues,
    reported: Profiles,
) -> tuple[Comparison, ImportContext]:
    calendar, never = evidence.calendar, np.zeros(len(evidence.calendar.days), dtype=bool)
    left, right = left.where(right.is_reported), right.where(left.is_reported)
    is_power = (_is_power(left) | _is_power(right))[:, None]
    rows = np.maximum(left.rows, right.rows)[:, None].astype(np.float64)
    energy_tolerance = tolerance_wh(left.values, right.values, rows)
    tolerance = np.where(is_power, power_tolerance_wh(left.values, right.values), energy_tolerance)
    imported, filled = _imported_profiles(evidence, left)
    diverges_us = _diverges_us(imported, reported, calendar) if check is Check.IMPORT_VS_INTERVAL else None
    comparison = Comparison(check, Granularity.DAY, calendar.days, left, right, never, never, tolerance, diverges_us)
    context = ImportContext(
        calendar,
        _rounding(ranked, left, right, calendar),
        _repeated_wh(reported, calendar),
        _filled_wh(imported, filled, reported, calendar),
        _shifted(imported, reported, calendar),
        _unshared_wh(imported, reported, calendar),
        _unshared_wh(reported, imported, calendar),
    )
    return comparison, context


def _is_power(side: SourceValues) -> Mask:
    names = [POWER, *(source for source in IMPORT_RANKS if source.endswith(f"/{ImportedKind.POWER}"))]
    return np.isin(side.source, names)


def _rounding(ranked: Sequence[pd.DataFrame], left: SourceValues, right: SourceValues, calendar: Calendar) -> Floats:
    """By how much the two sides together may be off, days × `MEASURES`; the API's values are not rounded.

    Args:
        ranked: The imported sources that the left side is taken from, and those of the right side.
        left: The left side.
        right: The right side.
        calendar: The days.
    """
    found = np.zeros((len(calendar.days), len(MEASURES)))
    for candidates, side in zip(ranked, (left, right), strict=False):
        rows = candidates.drop_duplicates("day")
        at = rows["day"].to_numpy(dtype=np.int64)
        is_side = rows["source"].to_numpy(dtype=object) == side.source[at]
        rows, at = rows[is_side], at[is_side]
        half = rows["rounding_wh"].to_numpy(dtype=np.float64)
        of_side = np.repeat(half[:, None], len(MEASURES), axis=1)
        of_side[:, _COMPARED_AT] = rounding_of(half, rows["is_charge_derived"].to_numpy(dtype=bool))
        found[at] += of_side
    return found


def _reported_profiles(evidence: ImportEvidence) -> Profiles:
    """The API's quarter hours: its energy, else its power."""
    energy, power, calendar = evidence.energy, evidence.power, evidence.calendar
    is_short = energy.length_s <= 900
    flows = with_totals(energy.values, evidence.site.has_battery_on(calendar.days)[energy.at])[:, _COMPARED_AT]
    found = Profiles.of(energy.begun_us[is_short], flows[is_short], energy.length_s[is_short], calendar)
    watts = dict(zip(POWERS, power.values.T, strict=True))
    hours = power.length_s / 3600
    signed = [(watts[column], sign) for column, sign in (POWER_OF[name] for name in COMPARED)]
    of_power = np.stack([np.maximum(values * sign, 0.0) * hours for values, sign in signed], axis=1)
    integrals = Profiles.of(power.begun_us, of_power, power.length_s, calendar)
    is_unknown = np.asarray(np.isnan(found.values).all(axis=1))
    return Profiles(
        found.begun_us,
        np.where(is_unknown[:, None], integrals.values, found.values),
        np.where(is_unknown, integrals.covered_s, found.covered_s),
    )


def _imported_profiles(evidence: ImportEvidence, left: SourceValues) -> tuple[Profiles, Mask]:
    """The quarter hours of the source of each day, and which of them lie on straight lines."""
    intervals, calendar = evidence.intervals, evidence.calendar
    at = calendar.index(intervals["local_date"])
    after = np.searchsorted(calendar.ends_us, epoch_us(intervals["interval_start"]), side="right")
    around = np.clip(after, 0, len(left.source) - 1)
    sources = _nearest_sources(left)
    is_of_source = intervals["source"].to_numpy(dtype=object) == sources[np.where(at >= 0, at, around)]
    is_own = np.asarray(is_of_source & (intervals["interval_s"].to_numpy(dtype=np.int64) <= 900))
    rows = intervals[is_own]
    begun_us = epoch_us(rows["interval_start"])
    covered_s = rows["covered_s"].to_numpy(dtype=np.int64)
    found = Profiles.of(begun_us, rows[list(COMPARED)].to_numpy(dtype=np.float64), covered_s, calendar)
    filled = np.zeros(len(found.values), dtype=bool)
    place = (begun_us - found.begun_us) // QUARTER_US
    is_in = (place >= 0) & (place < len(filled)) & rows["is_interpolated"].to_numpy(dtype=bool)
    filled[place[is_in]] = True
    return found, filled


def _nearest_sources(left: SourceValues) -> Names:
    """The source of each day; of a day without one that of the day nearest to it.

    The hours of a file that is some hours off reach into days of which it has nothing else.
    """
    known = np.flatnonzero(left.is_reported)
    if len(known) == 0:
        return left.source
    days = np.arange(len(left.source))
    after = np.minimum(np.searchsorted(known, days), len(known) - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(days - known[before]) < np.abs(days - known[after])
    return np.asarray(left.source[known[np.where(is_before, before, after)]])


def _diverges_us(imported: Profiles, reported: Profiles, calendar: Calendar) -> Ints:
    """Beginning of the first quarter hour of each day that differs, days × `MEASURES`; 0 where none is known."""
    found = np.zeros((len(calendar.days), len(MEASURES)), dtype=np.int64)
    allowed = np.maximum(POWER_WH / A_DAY * 10, 0.05 * np.abs(np.nan_to_num(reported.values)))
    differs = np.abs(imported.values - reported.values) > allowed
    for day, span in enumerate(imported.of_days(calendar)):
        of_day = differs[span]
        firsts = np.where(of_day.any(axis=0), imported.begun_us + (span.start + of_day.argmax(axis=0)) * QUARTER_US, 0)
        found[day, _COMPARED_AT] = firsts
    return found


def _repeated_wh(reported: Profiles, calendar: Calendar) -> Floats:
    """Energy of the first three hours of each day after a change of clocks that can be repeated, days × `MEASURES`."""
    found = np.full((len(calendar.days), len(MEASURES)), np.nan)
    for day in np.flatnonzero(calendar.lengths_s > A_DAY * 900).tolist():
        span = reported.of_days(calendar)[day]
        extra = (span.stop - span.start) - A_DAY
        of_day = np.nan_to_num(reported.values[span])
        sums = np.stack([of_day[at : at + extra].sum(axis=0) for at in range(4 * 4)])
        found[day, _COMPARED_AT] = sums.max(axis=0)
    return found


def _filled_wh(imported: Profiles, filled: Mask, reported: Profiles, calendar: Calendar) -> Floats:
    found = np.zeros((len(calendar.days), len(MEASURES)))
    if filled.any():
        larger = np.fmax(np.nan_to_num(imported.values), np.nan_to_num(reported.values)) * filled[:, None]
        for day, span in enumerate(imported.of_days(calendar)):
            found[day, _COMPARED_AT] = larger[span].sum(axis=0)
    return found


def _unshared_wh(own: Profiles, other: Profiles, calendar: Calendar) -> Floats:
    """Energy that one side has in quarter hours that the other lacks in whole or in part, or has as zeros, days × `MEASURES`.

    A day without any quarter hours of the other side shows nothing: it may be known otherwise.
    """
    found = np.zeros((len(calendar.days), len(MEASURES)))
    known, others = np.nan_to_num(own.values), np.nan_to_num(other.values)
    is_zero = ~(others > 0.0).any(axis=1) & (known.max(axis=1, initial=0.0) >= SEEN_WH)
    lacks = (is_zero | (other.covered_s < own.covered_s))[:, None]
    unshared = np.maximum(known - others, 0.0) * lacks
    for day, span in enumerate(own.of_days(calendar)):
        if other.covered_s[span].any():
            found[day, _COMPARED_AT] = unshared[span].sum(axis=0)
    return found


def _shifted(imported: Profiles, reported: Profiles, calendar: Calendar) -> Mask:
    """Days of which the imported quarter hours are the reported ones, the same number of hours off.

    The measure with the most energy decides: a night of zeros is the same at any hour.
    """
    found = np.zeros(len(calendar.days), dtype=bool)
    known, own = np.nan_to_num(reported.values), np.nan_to_num(imported.values)
    for day, span in enumerate(reported.of_days(calendar)):
        of_day = known[span]
        energy = of_day.sum(axis=0)
        if not own[span].any() or energy.max(initial=0.0) < 10 * POWER_WH:
            continue
        largest = int(energy.argmax())
        limit = energy[largest]
        if np.abs(own[span, largest] - of_day[:, largest]).sum() <= OTHER * limit:
            continue
        for hours in HOURS:
            begin, end = span.start + 4 * hours, span.stop + 4 * hours
            moved = own[max(begin, 0) : max(end, 0), largest]
            if len(moved) == len(of_day) and np.abs(moved - of_day[:, largest]).sum() <= SAME * limit:
                found[day] = True
                break
    return found
