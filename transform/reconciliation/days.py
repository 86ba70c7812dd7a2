"""Days: the sources of each day are compared with each other, and power with energy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import (
    DAY_SERIES,
    IMPORT_SOURCES,
    INTERVALS,
    MONTH_SERIES,
    POWER,
    WEEK_SERIES,
    is_covered,
    month_asked_us,
)
from transform.daily import DayStatus
from transform.day_sums import MEASURES, POWERS, DayRows, Mask, interval_sums, power_sums, without_unshared_parts
from transform.frames import empty_frame
from transform.local_calendar import Calendar, positions, requested_until_us
from transform.reconciliation.comparison import Comparison, Found, found_in, table_of
from transform.reconciliation.day_context import (
    DayContext,
    Series,
    contrary_wh,
    days_cut_otherwise,
    negative_home_wh,
    revised_us,
)
from transform.reconciliation.day_rules import DAY_RULES
from transform.reconciliation.identities import identities, not_split
from transform.reconciliation.imports import IMPORT_RULES, ImportEvidence, import_comparisons
from transform.reconciliation.sampling import hidden_wh
from transform.reconciliation.source_values import PeriodRows, SourceValues
from transform.sites import Site
from transform.time import Ints, days_of
from warehouse.schema import FLOWS
from wattlog.causes import Check, Granularity
from wattlog.tolerances import power_tolerance_wh, tolerance_wh

HISTORY: Final = ("history/week", "history/day")
"""Sources of days of the retired endpoint, the one that never contains today first (API.md#legacy)."""

USUAL_INTERVAL_S: Final = 300


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """All stored rows about a range of local days of one site; rows of other days have no effect.

    Attributes:
        intervals: Table `energy_intervals`.
        periods: Table `energy_periods`; rows of granularity `day` are used.
        power: Table `power`.
        daily: Table `daily`, made from the same rows.
        gaps: Table `gaps`.
        revisions: Table `revisions`.
        requests: Table `requests`.
        shaped: Rows of table `reconciliation` made while shaping, about units and superseded intervals; they are kept as they
            are.
        site: The site.
        first_day: First local day wanted.
        last_day: Last local day wanted.
        now: The present (aware), or month (`YYYY-MM`) → when it was requested last: several months together give the same
            rows as each of them alone.
        settle_hours: Hours after the end of a day until its values are final (Q12, Q13).
        import_days: Table `import_days`; None for none.
        import_intervals: Table `import_intervals`; None for none.
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
    now: datetime | Mapping[str, datetime]
    settle_hours: float
    import_days: pd.DataFrame | None = None
    import_intervals: pd.DataFrame | None = None


def reconcile_days(evidence: DayEvidence) -> pd.DataFrame:
    """Compare the sources of each day, and give the cause of each difference.

    **Shape**: lake frames → rows of table `reconciliation` of granularity `day`: one per check, day and measure that
    differs, lacks a side or is skipped, and one per total that agrees and is not zero; in the order of the key,
    independent of the order of the input. **Units**: Wh. **Source**: Q2, Q7, Q12, Q14, Q19, Q21, Q22, Q34, Q43.
    """
    calendar = Calendar.of(evidence.site, evidence.first_day, evidence.last_day, evidence.settle_hours)
    if len(calendar.days) == 0:
        return empty_frame("reconciliation")
    energy = DayRows.of(evidence.intervals, list(FLOWS), calendar)
    power = DayRows.of(evidence.power, list(POWERS), calendar)
    context = _context(evidence, calendar, energy, power)
    sources = DaySources.of(evidence, calendar, energy, power, context)
    parts = [found_in(comparison, DAY_RULES, context) for comparison in _comparisons(sources, context)]
    parts += _import_checks(evidence, sources, calendar, energy, power)
    parts.append(not_split(Granularity.DAY, calendar.days, calendar.days, sources.energy, evidence.site))
    starts = days_of(evidence.shaped["period_start"])
    is_day = (evidence.shaped["granularity"] == Granularity.DAY.value).to_numpy(dtype=bool)
    shaped = evidence.shaped[is_day & (positions(starts, calendar.days) >= 0)]
    return table_of(parts, shaped, evidence.site.site_id)


def _import_checks(
    evidence: DayEvidence, sources: "DaySources", calendar: Calendar, energy: DayRows, power: DayRows
) -> list[Found]:
    """The checks of imported histories; none where there are none."""
    days, intervals = evidence.import_days, evidence.import_intervals
    if days is None or intervals is None or not len(days):
        return []
    given = ImportEvidence(
        days,
        intervals,
        energy,
        power,
        sources.best,
        sources.intervals.where(sources.is_summed_whole),
        sources.power.where(sources.is_power_whole),
        evidence.site,
        calendar,
    )
    return [found_in(comparison, IMPORT_RULES, context) for comparison, context in import_comparisons(given)]


@dataclass(frozen=True, slots=True)
class DaySources:
    """The values of each source for all days, and which days can be compared.

    Attributes:
        day: The day series.
        week: The week series.
        month: The month series.
        intervals: Sums of each day's intervals.
        power: Integrals of each day's power.
        history: Rows of the retired endpoint.
        best: The best estimates, each under the name of its source.
        is_summed_whole: Days whose intervals are complete.
        is_power_whole: Days whose power is complete.
        expect_month: Days whose month was requested after they had settled.
    """

    day: SourceValues
    week: SourceValues
    month: SourceValues
    intervals: SourceValues
    power: SourceValues
    history: SourceValues
    best: SourceValues
    is_summed_whole: Mask
    is_power_whole: Mask
    expect_month: Mask

    @property
    def energy(self) -> SourceValues:
        """The best estimates that were reported as energy, not integrated from power."""
        return self.best.where(self.best.source != POWER)

    @classmethod
    def of(
        cls, evidence: DayEvidence, calendar: Calendar, energy: DayRows, power: DayRows, context: DayContext
    ) -> "DaySources":
        site, days = evidence.site, len(calendar.days)
        summed, integrals = interval_sums(energy, site.has_battery_on(calendar.days)), power_sums(power, days)
        reported = PeriodRows.of(evidence.periods, site)

        def rows(source: str) -> SourceValues:
            return SourceValues.of_rows(reported, source, Granularity.DAY, calendar.days)

        series, intervals = context.series, SourceValues.of_sums(INTERVALS, summed)
        day, week, month = without_cut_rows(
            [rows(DAY_SERIES), rows(WEEK_SERIES), rows(MONTH_SERIES)], intervals, calendar
        )
        return cls(
            day=day,
            week=week,
            month=month,
            intervals=intervals,
            power=SourceValues.of_sums(POWER, integrals),
            history=rows(HISTORY[0]).otherwise(rows(HISTORY[1])),
            best=_best(evidence.daily, calendar, requested_until_us(evidence.now, calendar)),
            is_summed_whole=is_covered(summed, site, calendar) & series[INTERVALS].is_whole(calendar),
            is_power_whole=is_covered(integrals, site, calendar) & series[POWER].is_whole(calendar),
            expect_month=month_asked_us(evidence.periods, calendar) >= calendar.settled_us,
        )


def without_cut_rows(
    series: Sequence[SourceValues], intervals: SourceValues, calendar: Calendar
) -> Iterator[SourceValues]:
    """The API's own rows of days, without those that were requested before the day was over, of days that are final.

    A month is requested again, a week is not: its row of the day of the request stays what the day had at that hour, and says
    nothing about the day. As long as no source is final, it is compared as what it is, a part (Q13).

    Args:
        series: Rows of the day, week and month series.
        intervals: Sums of the intervals.
        calendar: The days.
    """
    is_final = np.any([source.asked_us >= calendar.settled_us for source in (*series, intervals)], axis=0)
    for source in series:
        yield source.where(~(is_final & (source.asked_us < calendar.ends_us)))


def _best(daily: pd.DataFrame, calendar: Calendar, now_us: Ints) -> SourceValues:
    """The best estimates, each under the name of its source, without those from imported histories."""
    at = calendar.index(daily["local_date"])
    is_reported = daily["source"].notna() & ~daily["source"].isin(IMPORT_SOURCES)
    is_stored = (at >= 0) & is_reported.to_numpy(dtype=bool)
    stored, at = daily[is_stored], at[is_stored]
    best = SourceValues.nothing("", len(calendar.days))
    source, rows, asked_us = best.source.copy(), best.rows.copy(), calendar.settled_us.copy()
    best.values[at] = stored[list(MEASURES)].to_numpy(dtype=np.float64)
    source[at] = stored["source"].to_numpy(dtype=object)
    rows[at] = np.where(stored["source"] == INTERVALS, calendar.lengths_s[at] // USUAL_INTERVAL_S, 1)
    early = at[(stored["status"] == DayStatus.PROVISIONAL.value).to_numpy(dtype=bool)]
    asked_us[early] = np.minimum(calendar.settled_us[early] - 1, now_us[early])
    return SourceValues(source, best.values, rows, np.where(rows > 0, asked_us, 0))


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
        hidden_wh(energy, power, days),
        revised_us(evidence.revisions, calendar),
        days_cut_otherwise(evidence.periods, evidence.site, calendar),
    )


def _comparable(side: SourceValues, other: SourceValues) -> SourceValues:
    """The values without totals that lack a part which the other side has; power has totals without parts."""
    is_energy = (side.source != POWER) & (other.source != POWER)
    values = np.where(is_energy[:, None], without_unshared_parts(side.values, other.values), side.values)
    return replace(side, values=values)


def _further(
    first: SourceValues, others: Sequence[SourceValues], against: SourceValues
) -> Iterator[tuple[SourceValues, Mask]]:
    """Each of `others` on the days that the first source has, and the measures that a source before it has."""
    is_known = ~np.isnan(_comparable(first, against).values)
    for other in others:
        yield other.where(first.is_reported), is_known
        is_known = is_known | ~np.isnan(_comparable(other, against).values)


def _comparisons(sources: DaySources, context: DayContext) -> Iterator[Comparison]:
    days, calendar, series = context.calendar.days, context.calendar, context.series
    never = np.zeros(len(days), dtype=bool)

    def compared(
        check: Check,
        left: SourceValues,
        right: SourceValues,
        *,
        expect_left: Mask = never,
        expect_right: Mask = never,
        is_done: Mask | None = None,
    ) -> Comparison:
        left, right = _comparable(left, right), _comparable(right, left)
        if is_done is not None:
            left = left.without(is_done)
        is_power = (left.source == POWER)[:, None]
        rows = np.maximum(left.rows, right.rows)[:, None].astype(np.float64)
        of_power = power_tolerance_wh(left.values, right.values, context.hidden_wh)
        tolerance = np.where(is_power, of_power, tolerance_wh(left.values, right.values, rows))
        return Comparison(check, Granularity.DAY, days, left, right, expect_left, expect_right, tolerance)

    summed = sources.intervals.where(sources.is_summed_whole).without(series[INTERVALS].is_short)
    whole = sources.day.otherwise(summed)
    is_month_suspect = ~sources.month.is_reported | sources.month.is_zero
    cross_check = sources.week.otherwise(sources.power.where(sources.is_power_whole)).where(is_month_suspect)
    rows = sources.day.otherwise(sources.month.where(~sources.month.is_zero)).otherwise(sources.week)
    is_silent = {name: of_source.is_silent(calendar) for name, of_source in series.items()}
    yield compared(Check.INTERVAL_VS_DAY, sources.intervals, rows, expect_left=is_silent[INTERVALS])
    for other, is_known in _further(
        rows, (sources.month.where(~sources.month.is_zero), sources.week), sources.intervals
    ):
        yield compared(Check.INTERVAL_VS_DAY, sources.intervals, other, is_done=is_known)
    expect_month = sources.expect_month
    is_refuted = sources.month.is_zero & ~sources.intervals.is_zero
    others = whole.otherwise(cross_check).otherwise(sources.intervals.where(is_refuted))
    is_only_source = sources.month.is_zero & is_silent[INTERVALS]
    yield compared(
        Check.DAY_VS_MONTH_SERIES, others, sources.month, expect_left=is_only_source, expect_right=expect_month
    )
    for other, is_known in _further(others, (summed, sources.week.where(is_month_suspect)), sources.month):
        is_expected = expect_month & other.without(is_known).is_reported
        yield compared(Check.DAY_VS_MONTH_SERIES, other, sources.month, expect_right=is_expected, is_done=is_known)
    yield compared(Check.DAY_VS_WEEK, whole, sources.week)
    yield compared(Check.POWER_VS_ENERGY, sources.power, sources.energy, expect_left=is_silent[POWER])
    yield compared(Check.HISTORY_VS_CALENDAR, sources.history, sources.best)
    yield compared(Check.FLOW_IDENTITY, *identities(sources.energy, days, days, context.site))
