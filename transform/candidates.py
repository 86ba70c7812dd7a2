"""The sources of a day's energy: one row per local day and source, ready to be compared.

Sources are the API's own daily rows (from the month, week or day series), the sum of a day's intervals, and as a last
resort the integral of its power. A source that does not cover the whole day is no candidate.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import (
    MEASURES,
    POWERS,
    DayRows,
    DaySums,
    Floats,
    interval_sums,
    is_short,
    known,
    measure_shares,
    power_sums,
    with_totals,
)
from transform.holes import filled_by_other_days
from transform.local_calendar import Calendar, positions
from transform.sites import Site
from transform.time import Ints, days_of, epoch_us
from warehouse.schema import FLOWS, MAX_INTERVAL_WH
from wattlog.imported_sources import ImportedKind, imported_source
from wattlog.series import old_histories
from wattlog.tolerances import POWER_WH, WH_PER_ROW

Mask = npt.NDArray[np.bool_]

MONTH_SERIES: Final = "calendar_history/month"
WEEK_SERIES: Final = "calendar_history/week"
DAY_SERIES: Final = "calendar_history/day"
INTERVALS: Final = "energy_intervals"
POWER: Final = "power"

RANKS: Final[dict[str, int]] = {MONTH_SERIES: 0, WEEK_SERIES: 1, DAY_SERIES: 2, INTERVALS: 3, POWER: 9}
"""Sources of a day, best first: the API's own sums before ours, energy before integrated power."""

IMPORT_RANKS: Final[dict[str, int]] = {
    imported_source(series, kind): rank
    for series in old_histories()
    for kind, rank in ((ImportedKind.DAYS, 20), (ImportedKind.INTERVALS, 20), (ImportedKind.POWER, 21))
}
"""Imported sources of a day: behind all of the API's; energy before integrated power."""

IMPORT_SOURCES: Final = frozenset(IMPORT_RANKS)

ROUNDED: Final = 2
"""Added to the rank of imported days that are rounded: measured minutes are better than a rounded day."""

ANOTHER_DAY: Final = 5
"""Added to the rank of a row that the server cut by a clock whose day is not the site's (Q7): after intervals, which are
filed by the site's own day, before power."""

MIN_COVERAGE: Final = 0.98
"""Share of a day that intervals must cover to be a source of it: at most five of 288 five-minute rows may be missing."""


def day_candidates(
    intervals: pd.DataFrame, periods: pd.DataFrame, power: pd.DataFrame, site: Site, calendar: Calendar
) -> pd.DataFrame:
    """Every source of every day.

    **Shape**: one row per day and source: `day` (position in the calendar), `source`, `rank`, `fetched_us`, `rows` (summed),
    `covered_s`, `is_incomplete` (some rows or values of the sum are missing), `is_filled` (the energy of some rows is
    from another source), then totals and flows, NULL where the source has none, or too little for a sum. **Units**: Wh.
    """
    rows = DayRows.of(intervals, list(FLOWS), calendar)
    sums = interval_sums(rows, site.has_battery_on(calendar.days))
    summed = _with_filled_days(
        _covered_days(rows, sums, INTERVALS, site, calendar), rows, sums, periods, site, calendar
    )
    of_periods = period_days(periods, site, calendar)
    is_sure = np.isin(np.arange(-1, len(calendar.days)), [-1, *_with_energy(of_periods), *summed["day"]])
    unsure = power[~is_sure[calendar.index(power["local_date"]) + 1]]
    of_unsure = DayRows.of(unsure, list(POWERS), calendar)
    integrals = power_sums(of_unsure, len(calendar.days))
    of_power = _covered_days(of_unsure, integrals, POWER, site, calendar)
    has_energy = _has_more(sums, 0.0) | _has_more(integrals, POWER_WH)
    energy = pd.concat([_without_midnight_zeros(of_periods, np.flatnonzero(has_energy)), summed], ignore_index=True)
    of_power = of_power[~of_power["day"].isin(energy["day"])]
    reported = pd.concat([energy, of_power], ignore_index=True) if len(of_power) else energy
    is_beyond = np.asarray((reported[list(MEASURES)].to_numpy(dtype=np.float64) > MAX_INTERVAL_WH).any(axis=1))
    possible: pd.DataFrame = reported.loc[~is_beyond]
    return possible


def imported_candidates(imported: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """The days of imported histories, as candidates; a day that was not over when its file was written is none.

    **Shape**: table `import_days` → one row per day and source, as `day_candidates`, with `rounding_wh` and
    `is_charge_derived`.
    """
    at = calendar.index(imported["local_date"])
    is_usable = (at >= 0) & ~imported["is_partial"].to_numpy(dtype=bool)
    rows, at = imported.loc[is_usable], at[is_usable]
    rounding_wh = rows["rounding_wh"].to_numpy(dtype=np.float64)
    is_day = rows["source"].str.endswith(f"/{ImportedKind.DAYS}").to_numpy(dtype=bool)
    is_rounded = is_day & (rounding_wh > WH_PER_ROW)
    facts = {
        "day": at,
        "source": rows["source"].to_numpy(dtype=object),
        "rank": rows["source"].map(IMPORT_RANKS).to_numpy(dtype=np.int64) + np.where(is_rounded, ROUNDED, 0),
        "fetched_us": epoch_us(rows["_fetched_at"]),
        "rows": rows["rows"].to_numpy(dtype=np.int64),
        "covered_s": np.where(is_day, 0, rows["covered_s"].to_numpy(dtype=np.int64)),
        "is_incomplete": False,
        "rounding_wh": rounding_wh,
        "is_charge_derived": rows["is_charge_derived"].to_numpy(dtype=bool),
    }
    values = {name: rows[name].to_numpy(dtype=np.float64) for name in MEASURES}
    return pd.DataFrame(facts | values).astype({"source": "str"})


def period_days(periods: pd.DataFrame, site: Site, calendar: Calendar) -> pd.DataFrame:
    """The API's own daily rows."""
    day = calendar.index(periods["period_start"])
    mine = (periods["granularity"] == "day") & periods["source"].isin(list(RANKS)) & (day >= 0)
    rows, at = periods.loc[mine], day[mine.to_numpy(dtype=bool)]
    asked_us = epoch_us(rows["_fetched_at"])
    is_other = is_another_day(at, rows["timezone"], site, calendar)
    facts = {
        "day": at,
        "source": rows["source"].to_numpy(dtype=object),
        "rank": rows["source"].map(RANKS).to_numpy(dtype=np.int64) + np.where(is_other, ANOTHER_DAY, 0),
        "fetched_us": asked_us,
        "rows": 1,
        "covered_s": 0,
        "is_incomplete": False,
        "is_partial": rows["is_partial"].to_numpy(dtype=bool),
    }
    values = with_totals(rows[list(FLOWS)].to_numpy(dtype=np.float64), site.has_battery_on(calendar.days[at]))
    return pd.DataFrame(facts | dict(zip(MEASURES, values.T, strict=True))).astype({"source": "str"})


def is_another_day(at: Ints, time_zones: pd.Series, site: Site, calendar: Calendar) -> Mask:
    """Whether the server's day was another stretch of time than the site's.

    A site without a zone name is cut by the offset in force when it is asked, for past days too (Q7): half of the year its
    days begin an hour before or after the site's own. Other sites are cut by another zone than their own if their owner has
    set one, or until the server's was corrected.

    Args:
        at: Position of each row's day in the calendar.
        time_zones: The clock of each row, by name.
        site: The site.
        calendar: The days.
    """
    found = np.zeros(len(at), dtype=bool)
    mine = (time_zones != site.timezone).to_numpy(dtype=bool)
    days, names = calendar.days[at[mine]], time_zones[mine]
    begun_us, ended_us = (site.first_instants_us(edges, names) for edges in (days, days + 1))
    found[mine] = (begun_us != calendar.starts_us[at[mine]]) | (ended_us != calendar.ends_us[at[mine]])
    return found


def is_of_another_day(ranks: Ints) -> Mask:
    """Which candidates, by their ranks, are rows of a day that the server cut by another clock."""
    return np.asarray((ranks >= ANOTHER_DAY) & (ranks < RANKS[POWER]))


def _with_energy(days: pd.DataFrame) -> Ints:
    """Days for which a source has some energy."""
    return np.asarray(days["day"].to_numpy(dtype=np.int64)[~_is_zero(days)])


def _is_zero(days: pd.DataFrame) -> Mask:
    """Rows without any energy."""
    return np.asarray(~(np.nan_to_num(days[list(FLOWS)].to_numpy(dtype=np.float64)) > 0.0).any(axis=1))


def _has_more(sums: DaySums, wh: float) -> Mask:
    """Days of whose rows, many or few, some measure adds up to more."""
    return np.asarray((np.nan_to_num(sums.values) > wh).any(axis=1))


def _without_midnight_zeros(days: pd.DataFrame, with_energy: Ints) -> pd.DataFrame:
    """Leave out all-zero rows that another source refutes, or that were asked before the day was over.

    Asked exactly at midnight, the API answers for the day that has just begun, with zeros (Q2). An hour of intervals refutes
    them, even where it does not cover the day; power too, if it is more than what its integral may be off by (Q34).

    Args:
        days: The API's own daily rows.
        with_energy: Positions of the days of which intervals or power have some energy.
    """
    refuted = np.concatenate([_with_energy(days), with_energy])
    is_refuted = np.isin(days["day"].to_numpy(dtype=np.int64), refuted) | days["is_partial"].to_numpy(dtype=bool)
    kept: pd.DataFrame = days.loc[~(_is_zero(days) & is_refuted)]
    return kept.drop(columns="is_partial")


def month_asked_us(periods: pd.DataFrame, calendar: Calendar) -> Ints:
    """When the month series was last asked for the month of each day, 0 where it has no day of that month at all."""
    mine = ((periods["granularity"] == "day") & (periods["source"] == MONTH_SERIES)).to_numpy(dtype=bool)
    reported = days_of(periods["period_start"])[mine].astype("datetime64[M]")
    months, at = np.unique(calendar.days.astype("datetime64[M]"), return_inverse=True)
    asked_us = np.zeros(len(months) + 1, dtype=np.int64)
    np.maximum.at(asked_us, positions(reported, months), epoch_us(periods["_fetched_at"])[mine])
    return asked_us[at]


def _covered_days(rows: DayRows, sums: DaySums, source: str, site: Site, calendar: Calendar) -> pd.DataFrame:
    """The days that are covered well enough, as candidates; a measure is NULL where it is not."""
    days = np.flatnonzero(is_covered(sums, site, calendar))
    shares = measure_shares(rows, len(calendar.days))[days]
    missing_s = _wanted_s(sums, site, calendar)[days] - sums.covered_s[days]
    values = np.where((shares > 0.0) & (shares < MIN_COVERAGE), np.nan, sums.values[days])
    is_incomplete = (missing_s * sums.rows[days] >= sums.covered_s[days]) | is_short(shares).any(axis=1)
    return _summed_days(days, sums, source, values).assign(is_incomplete=is_incomplete)


def _summed_days(days: Ints, sums: DaySums, source: str, values: Floats) -> pd.DataFrame:
    """Candidates that are sums of rows: `values` are `MEASURES` of the days."""
    facts = {
        "day": days,
        "source": pd.Series(source, index=range(len(days)), dtype="str"),
        "rank": RANKS[source],
        "fetched_us": sums.asked_us[days],
        "rows": sums.rows[days],
        "covered_s": sums.covered_s[days],
        "is_incomplete": False,
    }
    return pd.DataFrame(facts | dict(zip(MEASURES, values.T, strict=True)))


def _with_filled_days(
    summed: pd.DataFrame, rows: DayRows, sums: DaySums, periods: pd.DataFrame, site: Site, calendar: Calendar
) -> pd.DataFrame:
    """The sums of intervals, with those of days whose holes are known from rows of days cut by another clock (Q7)."""
    summed = summed.assign(is_filled=False)
    at = calendar.index(periods["period_start"])
    is_day = (periods["granularity"] == "day") & periods["source"].isin(list(RANKS))
    is_other = is_day.to_numpy(dtype=bool) & (periods["timezone"] != site.timezone).to_numpy(dtype=bool) & (at >= 0)
    if not is_other.any():
        return summed
    is_other[is_other] = is_another_day(at[is_other], periods["timezone"][is_other], site, calendar)
    others = periods.loc[is_other].sort_values("source", key=lambda names: names.map(RANKS), kind="stable")
    filled = filled_by_other_days(others, rows, site, calendar)
    days = filled.days
    if len(days) == 0:
        return summed
    flows = known(sums.values[days, -len(FLOWS) :]) + filled.flows
    values = with_totals(flows, site.has_battery_on(calendar.days[days]))
    own = _summed_days(days, sums, INTERVALS, values).assign(is_filled=True)
    return pd.concat([summed[~summed["day"].isin(days)], own], ignore_index=True)


def is_covered(sums: DaySums, site: Site, calendar: Calendar) -> Mask:
    """Whether rows cover the day, from the installation on, as far as it had gone when they were asked."""
    return np.asarray((sums.rows > 0) & (sums.covered_s >= MIN_COVERAGE * _wanted_s(sums, site, calendar)))


def _wanted_s(sums: DaySums, site: Site, calendar: Calendar) -> Floats:
    """Seconds that rows should cover.

    Without a battery the nights may be left out (Q15): then the stretch from the first to the last row has to be covered.
    """
    starts_us = calendar.starts_us
    if site.installed_at is not None:
        starts_us = np.maximum(starts_us, round(site.installed_at.timestamp() * 1_000_000))
    wanted_s = (np.minimum(sums.asked_us, calendar.ends_us) - starts_us) / 1e6
    spanned_s = np.minimum(wanted_s, (sums.ended_us - sums.begun_us) / 1e6)
    return np.where(site.has_battery_on(calendar.days), wanted_s, spanned_s)
