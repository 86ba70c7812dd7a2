"""Weeks, months, years and the lifetime: the API's own sums are compared with the sums of the best estimates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from transform.day_sums import Mask
from transform.local_calendar import positions
from transform.periods import last_days
from transform.reconciliation.comparison import Comparison, Found, causes, found_in, table_of
from transform.reconciliation.identities import identities, not_split
from transform.reconciliation.period_context import PeriodContext, SiteDays, Spans
from transform.reconciliation.period_rules import PERIOD_RULES, as_against_days, as_in
from transform.reconciliation.source_values import DAILY, PeriodRows, SourceValues
from transform.sites import Site
from transform.time import Days
from wattlog.causes import Check, Granularity
from wattlog.local_days import first_instants_us

YEAR_SERIES: Final = "calendar_history/year"
LIFETIME_SERIES: Final = "calendar_history/lifetime"


@dataclass(frozen=True, slots=True)
class _Rollup:
    """Rows of one source, the period that each covers, and the check that compares them with their days."""

    check: Check
    source: str
    row_granularity: Granularity
    granularity: Granularity
    has_identities: bool = False


ROLLUPS: Final = (
    _Rollup(Check.MONTH_VS_DAYS, YEAR_SERIES, Granularity.MONTH, Granularity.MONTH, has_identities=True),
    _Rollup(Check.YEAR_VS_DAYS, LIFETIME_SERIES, Granularity.YEAR, Granularity.YEAR, has_identities=True),
    _Rollup(Check.HISTORY_VS_CALENDAR, "history/month", Granularity.WEEK, Granularity.WEEK),
    _Rollup(Check.HISTORY_VS_CALENDAR, "history/year", Granularity.MONTH, Granularity.MONTH),
)
LIFETIME: Final = _Rollup(Check.LIFETIME_VS_DAYS, LIFETIME_SERIES, Granularity.YEAR, Granularity.LIFETIME)


@dataclass(frozen=True, slots=True)
class PeriodEvidence:
    """All stored rows about the longer periods of one site.

    Attributes:
        daily: Table `daily`, whole.
        periods: Table `energy_periods`; rows of granularity week, month and year are used.
        days: The rows of table `reconciliation` that `reconcile_days` made, at least `DAYS_FOR_PERIODS`.
        units: Rows of table `reconciliation` made while scaling energy to Wh; they are kept as they are.
        site: The site.
        now: The present (aware).
        settle_hours: Hours after the end of a period until its values are final (Q12, Q13).
        import_days: Table `import_days`; None for none.
    """

    daily: pd.DataFrame
    periods: pd.DataFrame
    days: pd.DataFrame
    units: pd.DataFrame
    site: Site
    now: datetime
    settle_hours: float
    import_days: pd.DataFrame | None = None


def reconcile_periods(evidence: PeriodEvidence) -> pd.DataFrame:
    """Compare the API's own sums of weeks, months, years and the lifetime with the sums of `daily`.

    A period without a stored day is not compared.

    **Shape**: lake frames of a whole site → rows of table `reconciliation`: one per check, period and measure that differs,
    and one per total that agrees and is not zero; in the order of the key. Left is Σ `daily`. **Units**: Wh. **Source**: Q20.
    """
    days, reported = SiteDays.of(evidence.daily, evidence.import_days), PeriodRows.of(evidence.periods, evidence.site)
    parts: list[Found] = []
    for rollup in ROLLUPS:
        parts += _reconciled(evidence, rollup, _rows_of(reported, rollup, evidence.site), days)
    parts += _lifetime(evidence, _rows_of(reported, LIFETIME, evidence.site), days)
    is_period = (evidence.units["granularity"] != Granularity.DAY.value).to_numpy(dtype=bool)
    return table_of(parts, evidence.units[is_period], evidence.site.site_id)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The API's rows of some periods: first and last day of each, the reported values, and whether the server cut the period by
    another clock than the site's (Q7).
    """

    starts: Days
    ends: Days
    reported: SourceValues
    is_cut_otherwise: Mask


def _rows_of(reported: PeriodRows, rollup: _Rollup, site: Site) -> _Rows:
    """The rows of a source, in order of time."""
    is_of_source = (reported.source == rollup.source) & (reported.granularity == rollup.row_granularity.value)
    starts = np.unique(reported.starts[is_of_source])
    ends = last_days(starts, np.full(len(starts), rollup.row_granularity.value))
    is_cut_otherwise = np.zeros(len(starts), dtype=bool)
    is_other = is_of_source & (reported.time_zone != site.timezone)
    rows = positions(reported.starts[is_other], starts)
    for days in (starts[rows], ends[rows] + 1):
        is_cut_otherwise[rows] |= site.first_instants_us(days, reported.time_zone[is_other]) != first_instants_us(
            days, site.zone
        )
    values = SourceValues.of_rows(reported, rollup.source, rollup.row_granularity, starts)
    return _Rows(starts, ends, values, is_cut_otherwise)


def _reconciled(evidence: PeriodEvidence, rollup: _Rollup, rows: _Rows, days: SiteDays) -> Iterator[Found]:
    """Roll-ups against their days, and the identities within them."""
    if len(rows.starts) == 0:
        return
    comparison, context = _compared(evidence, rollup, rows, days)
    yield found_in(comparison, PERIOD_RULES, context)
    if rollup.has_identities:
        sides = identities(rows.reported, rows.starts, rows.ends, evidence.site)
        never = np.zeros(len(rows.starts), dtype=bool)
        identity = Comparison(Check.FLOW_IDENTITY, rollup.granularity, rows.starts, *sides, never, never)
        yield found_in(identity, as_against_days(comparison, causes(comparison, PERIOD_RULES, context)), context)
        yield not_split(rollup.granularity, rows.starts, rows.ends, rows.reported, evidence.site)


def _lifetime(evidence: PeriodEvidence, years: _Rows, days: SiteDays) -> Iterator[Found]:
    """All years as one period; each measure has the cause of the year in which it differs most."""
    if len(years.starts) == 0:
        return
    of_years, context = _compared(evidence, LIFETIME, years, days)
    reported = years.reported
    values = np.where(np.isnan(reported.values).all(axis=0), np.nan, np.nansum(reported.values, axis=0))
    rows, asked_us = np.array([len(years.starts)]), reported.asked_us.min(keepdims=True)
    whole = SourceValues(reported.source[:1], values[None, :], rows, asked_us)
    is_cut_otherwise = np.array([years.is_cut_otherwise.any()])
    of_lifetime = _Rows(years.starts[:1], years.ends[-1:], whole, is_cut_otherwise)
    comparison, of_whole = _compared(evidence, LIFETIME, of_lifetime, days)
    rules = as_in(of_years, causes(of_years, PERIOD_RULES, context))
    yield found_in(replace(comparison, starts=of_whole.spans.starts), rules, of_whole)


def _compared(
    evidence: PeriodEvidence, rollup: _Rollup, rows: _Rows, days: SiteDays
) -> tuple[Comparison, PeriodContext]:
    spans = Spans.of(rows.starts, rows.ends, days, evidence.site)
    context = PeriodContext.of(days, spans, rows.reported.asked_us, rows.is_cut_otherwise, evidence)
    never = np.zeros(len(rows.starts), dtype=bool)
    left = _summed(days, spans, context)
    return Comparison(rollup.check, rollup.granularity, rows.starts, left, rows.reported, never, never), context


def _summed(days: SiteDays, spans: Spans, context: PeriodContext) -> SourceValues:
    """Σ `daily` of each period; NaN in measures that no day of it has."""
    values = spans.sums(np.nan_to_num(days.values))
    unknown = spans.sums(np.isnan(days.values).astype(np.float64))
    known = np.where(unknown < spans.days_stored[:, None], values, np.nan)
    return SourceValues(
        np.full(len(spans.days_stored), DAILY, dtype=object), known, spans.days_stored, context.settled_us
    )
