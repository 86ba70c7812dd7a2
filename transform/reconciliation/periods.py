"""Weeks, months, years, the lifetime: what the API adds up itself against the sum of the best estimates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from transform.energy_periods import last_days
from transform.reconciliation.comparison import Comparison, Found, causes, found_in, table_of
from transform.reconciliation.identities import identities, not_split
from transform.reconciliation.period_context import PeriodContext, SiteDays, Spans
from transform.reconciliation.period_rules import PERIOD_RULES, as_in
from transform.reconciliation.told import PeriodRows, Told
from transform.reconciliation.vocabulary import DAILY, Check, Granularity
from transform.sites import Site
from transform.time import Days

YEAR_SERIES: Final = "calendar_history/year"
LIFETIME_SERIES: Final = "calendar_history/lifetime"


@dataclass(frozen=True, slots=True)
class _Rollup:
    """Rows of one source, what each stands for, and the check that compares them with their days."""

    check: Check
    source: str
    told_by: Granularity
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
    """All that is held about the longer periods of one site.

    Attributes:
        daily: Table `daily`, whole.
        periods: Table `energy_periods`; rows of granularity week, month and year are used.
        days: The rows of table `reconciliation` that `reconcile_days` made.
        units: Rows of table `reconciliation` that scaling energy to Wh left; they are kept as they are.
        site: The site.
        now: The time of asking (aware).
        settle_hours: Hours after the end of a period until its answers are final (Q12, Q13).
    """

    daily: pd.DataFrame
    periods: pd.DataFrame
    days: pd.DataFrame
    units: pd.DataFrame
    site: Site
    now: datetime
    settle_hours: float


def reconcile_periods(evidence: PeriodEvidence) -> pd.DataFrame:
    """Compare the API's own sums of weeks, months, years and the lifetime with the sums of `daily`.

    A period of which no day is held is not compared: nothing contradicts it.

    **Shape**: lake frames of a whole site → rows of table `reconciliation`, one per check, period and measure that differs,
    and per total that agrees and is not zero; in the order of the key. Left is Σ `daily`. **Units**: Wh. **Source**: Q20.
    """
    days, told = SiteDays.of(evidence.daily), PeriodRows.of(evidence.periods, evidence.site)
    parts: list[Found] = []
    for each in ROLLUPS:
        parts += _reconciled(evidence, each, _rows_of(told, each), days)
    parts += _lifetime(evidence, _rows_of(told, LIFETIME), days)
    is_period = (evidence.units["granularity"] != Granularity.DAY.value).to_numpy(dtype=bool)
    return table_of(parts, evidence.units[is_period], evidence.site.site_id)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The API's rows of some periods: first and last day of each, and what is told."""

    starts: Days
    ends: Days
    told: Told


def _rows_of(told: PeriodRows, rollup: _Rollup) -> _Rows:
    """The rows of a source, in order of time."""
    is_mine = (told.source == rollup.source) & (told.granularity == rollup.told_by.value)
    starts = np.unique(told.starts[is_mine])
    ends = last_days(starts, np.full(len(starts), rollup.told_by.value))
    return _Rows(starts, ends, Told.of_rows(told, rollup.source, rollup.told_by, starts))


def _reconciled(evidence: PeriodEvidence, rollup: _Rollup, rows: _Rows, days: SiteDays) -> Iterator[Found]:
    """Roll-ups against their days, and the identities within them."""
    if len(rows.starts) == 0:
        return
    comparison, context = _compared(evidence, rollup, rows, days)
    yield found_in(comparison, PERIOD_RULES, context)
    if rollup.has_identities:
        sides = identities(rows.told, evidence.site)
        never = np.zeros(len(rows.starts), dtype=bool)
        identity = Comparison(Check.FLOW_IDENTITY, rollup.granularity, rows.starts, *sides, never, never)
        yield found_in(identity, (), context)
        yield not_split(rollup.granularity, rows.starts, rows.told, evidence.site)


def _lifetime(evidence: PeriodEvidence, years: _Rows, days: SiteDays) -> Iterator[Found]:
    """All years as one period; it differs for the reason for which its years do."""
    if len(years.starts) == 0:
        return
    of_years, context = _compared(evidence, LIFETIME, years, days)
    told = years.told
    values = np.where(np.isnan(told.values).all(axis=0), np.nan, np.nansum(told.values, axis=0))
    rows, asked_us = np.array([len(years.starts)]), told.asked_us.min(keepdims=True)
    whole = Told(told.source[:1], values[None, :], rows, asked_us)
    comparison, of_whole = _compared(evidence, LIFETIME, _Rows(years.starts[:1], years.ends[-1:], whole), days)
    rules = as_in(of_years, causes(of_years, PERIOD_RULES, context))
    yield found_in(replace(comparison, starts=of_whole.spans.starts), rules, of_whole)


def _compared(
    evidence: PeriodEvidence, rollup: _Rollup, rows: _Rows, days: SiteDays
) -> tuple[Comparison, PeriodContext]:
    spans = Spans.of(rows.starts, rows.ends, days, evidence.site)
    context = PeriodContext.of(days, spans, rows.told.asked_us, evidence)
    never = np.zeros(len(rows.starts), dtype=bool)
    left = _summed(days, spans, context)
    return Comparison(rollup.check, rollup.granularity, rows.starts, left, rows.told, never, never), context


def _summed(days: SiteDays, spans: Spans, context: PeriodContext) -> Told:
    """Σ `daily` of each period; NaN in measures that no day of it has."""
    values = spans.sums(np.nan_to_num(days.values))
    unknown = spans.sums(np.isnan(days.values).astype(np.float64))
    known = np.where(unknown < spans.held[:, None], values, np.nan)
    return Told(np.full(len(spans.held), DAILY, dtype=object), known, spans.held, context.settled_us)
