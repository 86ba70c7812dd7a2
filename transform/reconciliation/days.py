"""Days: the API's words on each day against one another, and power against energy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import DAY_SERIES, INTERVALS, MONTH_SERIES, POWER, WEEK_SERIES, is_covered, month_asked_us
from transform.daily import DayStatus
from transform.day_sums import MEASURES, POWERS, DayRows, interval_sums, power_sums
from transform.frames import empty_frame
from transform.local_calendar import Calendar, positions
from transform.reconciliation.comparison import Comparison, found_in, table_of
from transform.reconciliation.day_context import DayContext, Series, contrary_wh, negative_home_wh, revised_us
from transform.reconciliation.day_rules import DAY_RULES
from transform.reconciliation.identities import identities, not_split
from transform.reconciliation.told import PeriodRows, Told
from transform.reconciliation.vocabulary import Check, Granularity, Mask, power_tolerance_wh, tolerance_wh
from transform.sites import Site
from transform.time import Ints, days_of
from warehouse.schema import FLOWS

HISTORY: Final = ("history/week", "history/day")
"""Sources of days of the retired endpoint, the one that never holds today first (API.md §1.6)."""

USUAL_INTERVAL_S: Final = 300


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """All that is held about a stretch of local days of one site; rows of other days change nothing.

    Attributes:
        intervals: Table `energy_intervals`.
        periods: Table `energy_periods`; rows of granularity `day` are used.
        power: Table `power`.
        daily: Table `daily`, made of the same.
        gaps: Table `gaps`.
        revisions: Table `revisions`.
        requests: Table `requests`.
        shaped: Rows of table `reconciliation` that shaping left, of units and of intervals that gave way; they are kept as they
            are.
        site: The site.
        first_day: First local day wanted.
        last_day: Last local day wanted.
        now: The time of asking (aware).
        settle_hours: Hours after the end of a day until its answers are final (Q12, Q13).
        asked_at: Month as `YYYY-MM` → when it was asked last, where that is not `now`: so that several months together come
            to what each comes to alone.
    """

    intervals: pd.DataFrame
    periods: pd.DataFrame
    power: pd.DataFrame
    daily: pd.DataFrame
    gaps: pd.DataFrame
    revisions: pd.DataFrame
    requests: pd.DataFrame
    shaped: pd.DataFrame
    site: Site
    first_day: date
    last_day: date
    now: datetime
    settle_hours: float
    asked_at: Mapping[str, datetime] = field(default_factory=dict)

    def asked_us(self, calendar: Calendar) -> Ints:
        """When each day's month was asked last, microseconds since 1970."""
        months = calendar.days.astype("datetime64[M]")
        asked_us = np.full(len(months), round(self.now.timestamp() * 1_000_000), dtype=np.int64)
        for month, at in self.asked_at.items():
            asked_us[months == np.datetime64(month, "M")] = round(at.timestamp() * 1_000_000)
        return asked_us


def reconcile_days(evidence: DayEvidence) -> pd.DataFrame:
    """Compare everything that was told of each day, and say why it differs.

    **Shape**: lake frames → rows of table `reconciliation` of granularity `day`, one per check, day and measure that
    differs, lacks a side or is skipped, and per total that agrees and is not zero; in the order of the key, whatever the
    order of the input. **Units**: Wh. **Source**: Q2, Q7, Q12, Q14, Q19, Q21, Q22, Q34, Q43.
    """
    calendar = Calendar.of(evidence.site, evidence.first_day, evidence.last_day, evidence.settle_hours)
    if len(calendar.days) == 0:
        return empty_frame("reconciliation")
    energy = DayRows.of(evidence.intervals, list(FLOWS), calendar)
    power = DayRows.of(evidence.power, list(POWERS), calendar)
    context = _context(evidence, calendar, energy, power)
    words = _Words.of(evidence, calendar, energy, power, context)
    parts = [found_in(each, DAY_RULES, context) for each in _comparisons(words, context)]
    parts.append(not_split(Granularity.DAY, calendar.days, words.energy, evidence.site))
    starts = days_of(evidence.shaped["period_start"])
    is_day = (evidence.shaped["granularity"] == Granularity.DAY.value).to_numpy(dtype=bool)
    shaped = evidence.shaped[is_day & (positions(starts, calendar.days) >= 0)]
    return table_of(parts, shaped, evidence.site.site_id)


@dataclass(frozen=True, slots=True)
class _Words:
    """Every source's word on every day."""

    day: Told
    week: Told
    month: Told
    intervals: Told
    power: Told
    history: Told
    best: Told
    is_summed_whole: Mask
    is_power_whole: Mask
    month_ought: Mask

    @property
    def energy(self) -> Told:
        """The best estimates that are energy as it was told."""
        return self.best.where(self.best.source != POWER)

    @classmethod
    def of(
        cls, evidence: DayEvidence, calendar: Calendar, energy: DayRows, power: DayRows, context: DayContext
    ) -> "_Words":
        site, days = evidence.site, len(calendar.days)
        summed, integrals = interval_sums(energy, site, days), power_sums(power, days)

        told = PeriodRows.of(evidence.periods, site)

        def rows(source: str) -> Told:
            return Told.of_rows(told, source, Granularity.DAY, calendar.days)

        series = context.series
        return cls(
            day=rows(DAY_SERIES),
            week=rows(WEEK_SERIES),
            month=rows(MONTH_SERIES),
            intervals=Told.of_sums(INTERVALS, summed),
            power=Told.of_sums(POWER, integrals),
            history=rows(HISTORY[0]).otherwise(rows(HISTORY[1])),
            best=_best(evidence.daily, calendar, evidence.asked_us(calendar)),
            is_summed_whole=is_covered(summed, site, calendar) & series[INTERVALS].is_whole(calendar),
            is_power_whole=is_covered(integrals, site, calendar) & series[POWER].is_whole(calendar),
            month_ought=month_asked_us(evidence.periods, calendar) >= calendar.settled_us,
        )


def _best(daily: pd.DataFrame, calendar: Calendar, now_us: Ints) -> Told:
    """The best estimates, named by the source that each was taken from."""
    at = calendar.index(daily["local_date"])
    is_held = (at >= 0) & daily["source"].notna().to_numpy(dtype=bool)
    held, at = daily[is_held], at[is_held]
    found = Told.nothing("", len(calendar.days))
    source, rows, asked_us = found.source.copy(), found.rows.copy(), calendar.settled_us.copy()
    found.values[at] = held[list(MEASURES)].to_numpy(dtype=np.float64)
    source[at] = held["source"].to_numpy(dtype=object)
    rows[at] = np.where(held["source"] == INTERVALS, calendar.lengths_s[at] // USUAL_INTERVAL_S, 1)
    early = at[(held["status"] == DayStatus.PROVISIONAL.value).to_numpy(dtype=bool)]
    asked_us[early] = np.minimum(calendar.settled_us[early] - 1, now_us[early])
    return Told(source, found.values, rows, np.where(rows > 0, asked_us, 0))


def _context(evidence: DayEvidence, calendar: Calendar, energy: DayRows, power: DayRows) -> DayContext:
    days, of_rows = len(calendar.days), {INTERVALS: energy, POWER: power}
    return DayContext(
        calendar,
        evidence.site,
        {
            name: Series.of(name, rows, evidence.gaps, evidence.requests, calendar, evidence.site)
            for name, rows in of_rows.items()
        },
        contrary_wh(energy, power, days),
        negative_home_wh(power, days),
        revised_us(evidence.revisions, calendar),
    )


def _comparisons(words: _Words, context: DayContext) -> Iterator[Comparison]:
    days, calendar, series = context.calendar.days, context.calendar, context.series
    never = np.zeros(len(days), dtype=bool)

    def compared(
        check: Check, left: Told, right: Told, *, left_ought: Mask = never, right_ought: Mask = never
    ) -> Comparison:
        is_power = (left.source == POWER)[:, None]
        rows = np.maximum(left.rows, right.rows)[:, None].astype(np.float64)
        tolerance = np.where(
            is_power, power_tolerance_wh(left.values, right.values), tolerance_wh(left.values, right.values, rows)
        )
        return Comparison(check, Granularity.DAY, days, left, right, left_ought, right_ought, tolerance)

    whole = words.day.otherwise(words.intervals.where(words.is_summed_whole))
    is_month_bad = ~words.month.is_told | words.month.is_zero
    witness = words.week.otherwise(words.power.where(words.is_power_whole)).where(is_month_bad)
    rows = words.day.otherwise(words.month.where(~words.month.is_zero)).otherwise(words.week)
    is_silent = {name: each.is_silent(calendar) for name, each in series.items()}
    yield compared(Check.INTERVAL_VS_DAY, words.intervals, rows, left_ought=is_silent[INTERVALS])
    month_ought = words.month_ought
    is_refuted = words.month.is_zero & ~words.intervals.is_zero
    told = whole.otherwise(witness).otherwise(words.intervals.where(is_refuted))
    is_alone = words.month.is_zero & is_silent[INTERVALS]
    yield compared(Check.DAY_VS_MONTH_SERIES, told, words.month, left_ought=is_alone, right_ought=month_ought)
    yield compared(Check.DAY_VS_WEEK, whole, words.week)
    yield compared(Check.POWER_VS_ENERGY, words.power, words.energy, left_ought=is_silent[POWER])
    yield compared(Check.HISTORY_VS_CALENDAR, words.history, words.best)
    yield compared(Check.FLOW_IDENTITY, *identities(words.energy, context.site))
