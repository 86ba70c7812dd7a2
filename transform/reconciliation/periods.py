"""Weeks, months, years, the lifetime: what the API adds up itself against the sum of the best estimates."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from transform.reconciliation.comparison import Comparison, gathered, rows_of
from transform.reconciliation.identities import identities
from transform.reconciliation.period_context import PeriodContext, SiteDays, Spans
from transform.reconciliation.period_rules import PERIOD_RULES
from transform.reconciliation.told import Told
from transform.reconciliation.vocabulary import DAILY, Check, Granularity
from transform.sites import Site
from transform.time import Days, days_of

YEAR_SERIES: Final = "calendar_history/year"
LIFETIME_SERIES: Final = "calendar_history/lifetime"


@dataclass(frozen=True, slots=True)
class _Rollup:
    """Rows of one source and granularity, and the check that compares them with their days."""

    check: Check
    source: str
    granularity: Granularity
    has_identities: bool = False


ROLLUPS: Final = (
    _Rollup(Check.MONTH_VS_DAYS, YEAR_SERIES, Granularity.MONTH, has_identities=True),
    _Rollup(Check.YEAR_VS_DAYS, LIFETIME_SERIES, Granularity.YEAR, has_identities=True),
    _Rollup(Check.HISTORY_VS_CALENDAR, "history/month", Granularity.WEEK),
    _Rollup(Check.HISTORY_VS_CALENDAR, "history/year", Granularity.MONTH),
)


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
    days = SiteDays.of(evidence.daily)
    parts = []
    for each in ROLLUPS:
        rollup, ends = _told(evidence, each.source, each.granularity)
        if len(rollup.starts):
            parts += list(_reconciled(evidence, each, rollup, ends, days))
    lifetime = _lifetime(evidence, days)
    parts += [] if lifetime is None else [lifetime]
    is_period = (evidence.units["granularity"] != Granularity.DAY.value).to_numpy(dtype=bool)
    return gathered(parts, evidence.units[is_period])


@dataclass(frozen=True, slots=True)
class _Rows:
    """The API's rows of some periods."""

    starts: Days
    told: Told


def _told(evidence: PeriodEvidence, source: str, granularity: Granularity) -> tuple[_Rows, Days]:
    """The rows of a source in order, and the last day of each."""
    is_mine = (evidence.periods["source"] == source) & (evidence.periods["granularity"] == granularity.value)
    starts = np.unique(days_of(evidence.periods.loc[is_mine.to_numpy(dtype=bool), "period_start"]))
    told = Told.of_periods(evidence.periods, source, granularity, starts, evidence.site)
    return _Rows(starts, told), last_days(starts, granularity)


def last_days(starts: Days, granularity: Granularity) -> Days:
    """The last day of weeks, months or years, whatever day of it is given, but for weeks their first."""
    if granularity is Granularity.WEEK:
        return np.asarray(starts + 6)
    unit = "M" if granularity is Granularity.MONTH else "Y"
    return np.asarray((starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]") - 1)


def _reconciled(
    evidence: PeriodEvidence, rollup: _Rollup, rows: _Rows, ends: Days, days: SiteDays
) -> Iterator[pd.DataFrame]:
    spans = Spans.of(rows.starts, ends, days, evidence.site)
    context = PeriodContext.of(days, spans, evidence.days, evidence.site, evidence.settle_hours)
    never = np.zeros(len(rows.starts), dtype=bool)
    left = _summed(days, spans, context)
    compared = Comparison(rollup.check, rollup.granularity, rows.starts, left, rows.told, never)
    yield rows_of(compared, PERIOD_RULES, context, evidence.site.site_id)
    if rollup.has_identities:
        sides = identities(rows.told, evidence.site)
        identity = Comparison(Check.FLOW_IDENTITY, rollup.granularity, rows.starts, *sides, never)
        yield rows_of(identity, (), context, evidence.site.site_id)


def _summed(days: SiteDays, spans: Spans, context: PeriodContext) -> Told:
    """Σ `daily` of each period; NaN in measures that no day of it has."""
    values = spans.sums(np.nan_to_num(days.values))
    unknown = spans.sums(np.isnan(days.values).astype(np.float64))
    known = np.where(unknown < spans.held[:, None], values, np.nan)
    return Told(np.full(len(spans.held), DAILY, dtype=object), known, spans.held, context.settled_us)


def _lifetime(evidence: PeriodEvidence, days: SiteDays) -> pd.DataFrame | None:
    """Σ `daily` against the sum of all years that the lifetime series tells; None where it tells none."""
    rows, ends = _told(evidence, LIFETIME_SERIES, Granularity.YEAR)
    if len(rows.starts) == 0:
        return None
    told = rows.told
    whole = Told(
        told.source[:1],
        np.where(np.isnan(told.values).all(axis=0), np.nan, np.nansum(told.values, axis=0))[None, :],
        np.array([len(rows.starts)]),
        told.asked_us.min(keepdims=True),
    )
    spans = Spans.of(rows.starts[:1], ends[-1:], days, evidence.site)
    rows = replace(rows, starts=spans.starts, told=whole)
    rollup = _Rollup(Check.LIFETIME_VS_DAYS, LIFETIME_SERIES, Granularity.LIFETIME)
    return next(_reconciled(evidence, rollup, rows, spans.ends, days))
