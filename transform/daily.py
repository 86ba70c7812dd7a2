"""Table `daily`: the best estimate of each local day, and how far it can be trusted.

The API tells a day's energy in several ways that contradict one another (Q19, Q20, Q21). Here one of them is chosen, by a
rule simple enough to be argued about; the differences themselves are the matter of reconciliation.
"""

from datetime import date, datetime
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.candidates import MONTH_SERIES, POWER, candidates, month_asked_us
from transform.day_sums import COMPARED, MEASURES
from transform.frames import table_frame
from transform.local_calendar import Calendar, asked_until_us
from transform.sites import Site
from transform.time import date_column

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

WH_PER_ROW = 1.0
"""Every row the API gives is rounded to the Wh, so a sum may be off by as much for each of its rows."""

RELATIVE_TOLERANCE = 0.001


class DayStatus(StrEnum):
    """How far a day's values can be trusted."""

    AGREED = "agreed"
    SINGLE_SOURCE = "single_source"
    FILLED = "filled"
    ADJUSTED = "adjusted"
    PROVISIONAL = "provisional"
    MISSING = "missing"


class Finality(IntEnum):
    """When a source was asked, relative to the day it speaks of; smaller is better.

    A day that is over is still revised for some hours (Q12, Q13); one that is open is not even whole.
    """

    SETTLED = 0
    OVER = 1
    OPEN = 2


def daily(
    intervals: pd.DataFrame,
    periods: pd.DataFrame,
    power: pd.DataFrame,
    site: Site,
    first_day: date,
    last_day: date,
    now: datetime,
    settle_hours: float,
) -> pd.DataFrame:
    """The best estimate of each local day.

    **Shape**: frames of tables `energy_intervals`, `energy_periods` and `power` of one site, of any dates → one row of
    table `daily` per local day from `first_day` to `last_day`, both included. **Units**: Wh, %.
    **Source**: Q2, Q13, Q19, Q21, Q43.

    Args:
        intervals: Interval energy.
        periods: Energy by calendar period; rows of granularity `day` are used.
        power: Power, for days of which no energy is held.
        site: The site.
        first_day: First local day wanted.
        last_day: Last local day wanted.
        now: The time of asking (aware): what is not over and settled by then is provisional.
        settle_hours: Hours after the end of a day until its answers are final (Q12, Q13).
    """
    calendar = Calendar.of(site, first_day, last_day, settle_hours)
    said = _graded(candidates(intervals, periods, power, site, calendar), calendar, now)
    chosen = choose(said).reindex(range(len(calendar.days)))
    held_s = np.bincount(calendar.index(intervals["local_date"]) + 1, intervals["interval_s"], len(chosen) + 1)[1:]
    held_s = np.where(chosen["source"] == POWER, chosen["held_s"], held_s)
    return table_frame(
        "daily",
        {
            "site_id": site.site_id,
            "local_date": date_column(calendar.days),
            "status": statuses(chosen, said, month_dropped(periods, said, calendar)),
            "source": chosen["source"].astype("str"),
            "coverage_pct": np.minimum(100.0, held_s / calendar.lengths_s * 100.0),
            **{name: chosen[name] for name in MEASURES},
        },
    )


def _graded(said: pd.DataFrame, calendar: Calendar, now: datetime) -> pd.DataFrame:
    """Add `finality` to each candidate."""
    at = said["day"].to_numpy(dtype=np.int64)
    asked_us = asked_until_us(now, said["fetched_us"].to_numpy(dtype=np.int64))
    is_settled, is_over = asked_us >= calendar.settled_us[at], asked_us >= calendar.ends_us[at]
    return said.assign(finality=np.where(is_settled, Finality.SETTLED, np.where(is_over, Finality.OVER, Finality.OPEN)))


def choose(said: pd.DataFrame) -> pd.DataFrame:
    """The candidate to be believed of each day: the most final, of equals the best source.

    **Shape**: candidates with `day`, `finality`, `rank` → one row per day, indexed by `day`.
    """
    return said.sort_values(["day", "finality", "rank"]).drop_duplicates("day").set_index("day")


def tolerance_wh(left_wh: Floats, right_wh: Floats, rows: Floats) -> Floats:
    """By how much two sources may differ and still agree.

    The larger of 1 Wh for each of `rows`, the rows that were summed, and 0.1 % of the larger value; NaN where a value is.
    """
    larger = np.maximum(np.abs(left_wh), np.abs(right_wh))
    return np.maximum(WH_PER_ROW * rows, RELATIVE_TOLERANCE * larger)


def compared(chosen: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    """Every other energy source of a day beside the chosen one.

    **Shape**: one row per day and other source: `day`, `finality` (of the other), `agrees`. A measure that one of the two
    does not have is no evidence; two sources without a measure in common are not compared.
    """
    day = said["day"].to_numpy(dtype=np.int64)
    beside = chosen.iloc[day]
    is_other = (said["source"].to_numpy() != beside["source"].to_numpy()) & (said["source"] != POWER).to_numpy()
    left, right = (each[list(COMPARED)].to_numpy(dtype=np.float64) for each in (said, beside))
    rows = np.maximum(said["rows"].to_numpy(np.float64), beside["rows"].to_numpy(np.float64))
    difference = np.abs(left - right)
    agrees = ~(difference > tolerance_wh(left, right, rows[:, np.newaxis])).any(axis=1)
    is_evident = is_other & ~np.isnan(difference).all(axis=1)
    others: pd.DataFrame = said.loc[is_evident, ["day", "finality"]]
    return others.assign(agrees=agrees[is_evident])


def month_dropped(periods: pd.DataFrame, said: pd.DataFrame, calendar: Calendar) -> Mask:
    """Days that the month series lacks although it was asked after them and has other days of their month (Q19)."""
    is_held = np.isin(np.arange(len(calendar.days)), said.loc[said["source"] == MONTH_SERIES, "day"].to_numpy())
    return np.asarray(~is_held & (month_asked_us(periods, calendar) >= calendar.ends_us))


def statuses(chosen: pd.DataFrame, said: pd.DataFrame, is_dropped: Mask) -> list[str]:
    """How far each day can be trusted.

    Args:
        chosen: One row per day of the calendar, NULL throughout where no source has the day.
        said: All candidates.
        is_dropped: Days that the month series dropped.
    """
    others = compared(chosen, said)
    days = np.arange(len(chosen))
    differs = np.isin(days, others.loc[~others["agrees"] & (others["finality"] == Finality.SETTLED), "day"])
    agrees = np.isin(days, others.loc[others["agrees"], "day"])
    rules: list[tuple[Mask, DayStatus]] = [
        (chosen["source"].isna().to_numpy(), DayStatus.MISSING),
        ((chosen["finality"] != Finality.SETTLED).to_numpy(dtype=bool), DayStatus.PROVISIONAL),
        (is_dropped, DayStatus.FILLED),
        (differs, DayStatus.ADJUSTED),
        (agrees, DayStatus.AGREED),
    ]
    names = np.select([mask for mask, _ in rules], [name.value for _, name in rules], DayStatus.SINGLE_SOURCE.value)
    return [str(name) for name in names]
