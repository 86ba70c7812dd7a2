"""What each source says of a day: one row per local day and source, ready to be compared.

Sources are the API's own daily rows (from the month, week or day series), the sum of a day's intervals, and as a last
resort the integral of its power. A source that cannot speak for the whole day is no candidate.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.day_sums import MEASURES, POWERS, DayRows, DaySums, interval_sums, power_sums, with_totals
from transform.local_calendar import Calendar, positions
from transform.sites import Site
from transform.time import Ints, days_of, epoch_us, local_walls
from warehouse.schema import FLOWS, MAX_INTERVAL_WH

Mask = npt.NDArray[np.bool_]

MONTH_SERIES: Final = "calendar_history/month"
WEEK_SERIES: Final = "calendar_history/week"
DAY_SERIES: Final = "calendar_history/day"
INTERVALS: Final = "energy_intervals"
POWER: Final = "power"

RANKS: Final[dict[str, int]] = {MONTH_SERIES: 0, WEEK_SERIES: 1, DAY_SERIES: 2, INTERVALS: 3, POWER: 9}
"""Sources of a day, best first: the API's own sums before ours, energy before integrated power."""

ANOTHER_DAY: Final = 5
"""Added to the rank of a row that the server cut by a clock whose day is not the site's (Q7): after intervals, which are
filed by the site's own day, before power."""

MIN_COVERAGE: Final = 0.98
"""Share of a day that intervals must cover to speak for it: at most five of 288 five-minute rows may be missing."""

POWER_TOLERANCE_WH: Final = 50.0
"""By how much a day's power integral may differ from its energy: averages, rounding, losses (Q34)."""


def candidates(
    intervals: pd.DataFrame, periods: pd.DataFrame, power: pd.DataFrame, site: Site, calendar: Calendar
) -> pd.DataFrame:
    """Every source's word on every day.

    **Shape**: one row per day and source: `day` (position in the calendar), `source`, `rank`, `fetched_us`, `rows` (summed),
    `held_s`, then totals and flows, NULL where the source has none. **Units**: Wh.
    """
    sums = interval_sums(DayRows.of(intervals, list(FLOWS), calendar), site, len(calendar.days))
    summed = _spoken_for(sums, INTERVALS, site, calendar)
    of_periods = period_days(periods, site, calendar)
    is_sure = np.isin(np.arange(-1, len(calendar.days)), [-1, *_with_energy(of_periods), *summed["day"]])
    unsure = power[~is_sure[calendar.index(power["local_date"]) + 1]]
    integrals = power_sums(DayRows.of(unsure, list(POWERS), calendar), len(calendar.days))
    of_power = _spoken_for(integrals, POWER, site, calendar)
    has_energy = _has_more(sums, 0.0) | _has_more(integrals, POWER_TOLERANCE_WH)
    energy = pd.concat([_without_midnight_zeros(of_periods, np.flatnonzero(has_energy)), summed], ignore_index=True)
    of_power = of_power[~of_power["day"].isin(energy["day"])]
    told = pd.concat([energy, of_power], ignore_index=True) if len(of_power) else energy
    is_beyond = np.asarray((told[list(MEASURES)].to_numpy(dtype=np.float64) > MAX_INTERVAL_WH).any(axis=1))
    possible: pd.DataFrame = told.loc[~is_beyond]
    return possible


def period_days(periods: pd.DataFrame, site: Site, calendar: Calendar) -> pd.DataFrame:
    """The API's own daily rows."""
    day = calendar.index(periods["period_start"])
    mine = (periods["granularity"] == "day") & periods["source"].isin(list(RANKS)) & (day >= 0)
    rows, at = periods.loc[mine], day[mine.to_numpy(dtype=bool)]
    asked_us = epoch_us(rows["_fetched_at"])
    is_other = is_another_day(at, asked_us, site, calendar)
    facts = {
        "day": at,
        "source": rows["source"].to_numpy(dtype=object),
        "rank": rows["source"].map(RANKS).to_numpy(dtype=np.int64) + np.where(is_other, ANOTHER_DAY, 0),
        "fetched_us": asked_us,
        "rows": 1,
        "held_s": 0,
        "is_partial": rows["is_partial"].to_numpy(dtype=bool),
    }
    values = with_totals(rows[list(FLOWS)].to_numpy(dtype=np.float64), site)
    return pd.DataFrame(facts | dict(zip(MEASURES, values.T, strict=True))).astype({"source": "str"})


def is_another_day(at: Ints, asked_us: Ints, site: Site, calendar: Calendar) -> Mask:
    """Whether the server's day was another stretch of time than the site's.

    A site without a zone name is cut by the offset in force when it is asked, for past days too (Q7): half of the year its
    days begin an hour before or after the site's own.

    Args:
        at: Position of each row's day in the calendar.
        asked_us: When each row was asked.
        site: The site.
        calendar: The days.
    """
    if site.clock_offset_minutes is None or len(at) == 0:
        return np.zeros(len(at), dtype=bool)
    asked = pd.Series(pd.DatetimeIndex(asked_us.astype("datetime64[us]")).tz_localize("UTC"))
    offset_us = local_walls(asked, site.zone).astype("datetime64[us]").astype(np.int64) - asked_us
    midnight_us = calendar.days.astype("datetime64[us]").astype(np.int64)[at] - offset_us
    is_whole = (midnight_us == calendar.starts_us[at]) & (midnight_us + 86_400_000_000 == calendar.ends_us[at])
    return np.asarray(~is_whole)


def _with_energy(days: pd.DataFrame) -> Ints:
    """Days of which some energy was told."""
    return np.asarray(days["day"].to_numpy(dtype=np.int64)[~_is_zero(days)])


def _is_zero(days: pd.DataFrame) -> Mask:
    """Rows that tell of no energy at all."""
    return np.asarray(~(np.nan_to_num(days[list(FLOWS)].to_numpy(dtype=np.float64)) > 0.0).any(axis=1))


def _has_more(sums: DaySums, wh: float) -> Mask:
    """Days of whose rows, many or few, some measure adds up to more."""
    return np.asarray((np.nan_to_num(sums.values) > wh).any(axis=1))


def _without_midnight_zeros(days: pd.DataFrame, with_energy: Ints) -> pd.DataFrame:
    """Leave out all-zero rows that another source refutes, or that were asked before the day was over.

    Asked exactly at midnight, the API answers for the day that has just begun, with zeros (Q2). An hour of intervals refutes
    them, even where it cannot speak for the day; power too, if it is more than what its integral may be off by (Q34).

    Args:
        days: The API's own daily rows.
        with_energy: Positions of the days of which intervals or power have some energy.
    """
    refuted = np.concatenate([_with_energy(days), with_energy])
    is_refuted = np.isin(days["day"].to_numpy(dtype=np.int64), refuted) | days["is_partial"].to_numpy(dtype=bool)
    kept: pd.DataFrame = days.loc[~(_is_zero(days) & is_refuted)]
    return kept.drop(columns="is_partial")


def month_asked_us(periods: pd.DataFrame, calendar: Calendar) -> Ints:
    """When the month series was last asked for the month of each day, 0 where it gave no day of that month at all."""
    mine = ((periods["granularity"] == "day") & (periods["source"] == MONTH_SERIES)).to_numpy(dtype=bool)
    told = days_of(periods["period_start"])[mine].astype("datetime64[M]")
    months, at = np.unique(calendar.days.astype("datetime64[M]"), return_inverse=True)
    asked_us = np.zeros(len(months) + 1, dtype=np.int64)
    np.maximum.at(asked_us, positions(told, months), epoch_us(periods["_fetched_at"])[mine])
    return asked_us[at]


def _spoken_for(sums: DaySums, source: str, site: Site, calendar: Calendar) -> pd.DataFrame:
    """The days that are covered well enough, as candidates."""
    days = np.flatnonzero(is_covered(sums, site, calendar))
    facts = {
        "day": days,
        "source": pd.Series(source, index=range(len(days)), dtype="str"),
        "rank": RANKS[source],
        "fetched_us": sums.asked_us[days],
        "rows": sums.rows[days],
        "held_s": sums.held_s[days],
    }
    return pd.DataFrame(facts | dict(zip(MEASURES, sums.values[days].T, strict=True)))


def is_covered(sums: DaySums, site: Site, calendar: Calendar) -> Mask:
    """Whether rows cover the day, from the installation on, as far as it had gone when they were asked.

    Without a battery the nights may be left out (Q15): then the stretch from the first to the last row has to be covered.
    """
    starts_us = calendar.starts_us
    if site.installed_at is not None:
        starts_us = np.maximum(starts_us, round(site.installed_at.timestamp() * 1_000_000))
    wanted_s = (np.minimum(sums.asked_us, calendar.ends_us) - starts_us) / 1e6
    if not site.has_battery:
        wanted_s = np.minimum(wanted_s, (sums.ended_us - sums.begun_us) / 1e6)
    return np.asarray((sums.rows > 0) & (sums.held_s >= MIN_COVERAGE * wanted_s))
