"""What is known about days beside the two sides of a comparison: gaps, silences, wrong windows, signs, revisions."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import INTERVALS, MIN_COVERAGE, POWER
from transform.day_sums import POWERS, DayRows, Floats
from transform.gaps import GapCause
from transform.local_calendar import Calendar
from transform.reconciliation.vocabulary import Mask
from transform.sites import Site
from transform.time import Ints, days_of, epoch_us
from warehouse.schema import FLOWS

SERIES_OF: Final[dict[str, str]] = {
    INTERVALS: "energy_interval",
    POWER: "power",
    "calendar_history/day": "energy_interval",
    "calendar_history/week": "energy_day",
    "calendar_history/month": "energy_day",
}
"""Source of a day → the series whose answers it comes from."""

LOST: Final = (GapCause.NO_DATA, GapCause.QUARANTINED, GapCause.FAILED, GapCause.NOT_FETCHED)
"""Causes of gaps whose energy is missing in a day's sum; at night and in the future nothing is missing (Q11, Q15)."""

WITHHELD: Final = (GapCause.NO_DATA, GapCause.QUARANTINED)
"""Causes by which the API itself has nothing to show for a stretch that it was asked for."""

EXCUSED: Final = (GapCause.NIGHT,)

MISFILED: Final = (GapCause.WRONG_WINDOW,)

WRONG_WINDOW: Final = "wrong_window"
"""Outcome of a request that was answered with another window's rows (Q22)."""

BIN_US: Final = 900 * 1_000_000
"""Time of day is told apart by quarter hours, the longest intervals there are but for a few."""

USUAL: Final = 0.5
"""Share of the days from which on energy is usual at a time of day."""

NET_WH: Final = 5.0
"""Below it the sign of an interval's net says nothing: 60 W over five minutes."""

_IMPORT: Final = FLOWS.index("grid_energy_imported_wh")
_EXPORTS: Final = [index for index, name in enumerate(FLOWS) if name.startswith("grid_energy_exported_from_")]
_GRID: Final = POWERS.index("grid_w")
_HOME: Final = POWERS.index("home_w")


@dataclass(frozen=True, slots=True)
class Series:
    """What is not right about one series of intervals, by day.

    Attributes:
        lost_s: Seconds that gaps name and that were day.
        withheld_s: Those for which the API was asked and gave nothing.
        is_misfiled: It was answered with another day's rows (Q22).
        silent_s: Seconds of rows that are all zero at a time of day at which other days have energy (Q14).
    """

    lost_s: Ints
    withheld_s: Ints
    is_misfiled: Mask
    silent_s: Ints

    @classmethod
    def of(
        cls, name: str, rows: DayRows, gaps: pd.DataFrame, requests: pd.DataFrame, calendar: Calendar, site: Site
    ) -> "Series":
        """What is not right about the series of a source."""
        mine = gaps[(gaps["series"] == SERIES_OF[name]).to_numpy(dtype=bool)]
        misfiled = overlap_s(mine, MISFILED, calendar) > 0
        return cls(
            np.maximum(overlap_s(mine, LOST, calendar), not_held_s(rows, mine, calendar, site)),
            overlap_s(mine, WITHHELD, calendar),
            misfiled | asked_wrongly(requests, SERIES_OF[name], calendar),
            silent_s(rows, calendar),
        )

    def is_whole(self, calendar: Calendar) -> Mask:
        """Days whose sum nothing of weight is missing in."""
        allowed_s = (1 - MIN_COVERAGE) * calendar.lengths_s
        return np.asarray((self.lost_s <= allowed_s) & (self.silent_s <= allowed_s) & ~self.is_misfiled)

    def is_silent(self, calendar: Calendar) -> Mask:
        """Days for most of which the API gave nothing, or nothing of that day."""
        return np.asarray(self.is_misfiled | (self.withheld_s * 2 >= calendar.lengths_s))


@dataclass(frozen=True, slots=True)
class DayContext:
    """Everything that rules for days may ask.

    Attributes:
        calendar: The days.
        site: The site.
        series: Intervals and power by their source.
        contrary_wh: Wh of intervals in which power and energy at the meter have opposite signs.
        negative_home_wh: Wh that the home would have given, were power right.
        revised_us: Series → when a value of each day was last seen to have changed; 0 for never.
    """

    calendar: Calendar
    site: Site
    series: dict[str, Series]
    contrary_wh: Floats
    negative_home_wh: Floats
    revised_us: dict[str, Ints]


def overlap_s(gaps: pd.DataFrame, causes: tuple[GapCause, ...], calendar: Calendar) -> Ints:
    """Seconds of each day that gaps of some causes cover."""
    if len(gaps) == 0:
        return np.zeros(len(calendar.days), dtype=np.int64)
    is_mine = np.isin(gaps["cause"].to_numpy(dtype="str"), [each.value for each in causes])
    starts, ends = (epoch_us(gaps[name])[is_mine, None] for name in ("gap_start", "gap_end"))
    covered = np.minimum(ends, calendar.ends_us) - np.maximum(starts, calendar.starts_us)
    return np.asarray(np.maximum(covered, 0).sum(axis=0) // 1_000_000, dtype=np.int64)


def not_held_s(rows: DayRows, gaps: pd.DataFrame, calendar: Calendar, site: Site) -> Ints:
    """Seconds of each day with rows that had passed when they were asked, are not held, and are no night (Q15).

    Gaps alone do not tell: where one row stands for the day, no quarter hour of it is expected (Q10).
    """
    starts_us, asked_us = calendar.starts_us, np.zeros(len(calendar.days), dtype=np.int64)
    if site.installed_at is not None:
        starts_us = np.maximum(starts_us, round(site.installed_at.timestamp() * 1_000_000))
    np.maximum.at(asked_us, rows.at, rows.asked_us)
    passed_s = np.maximum(np.minimum(asked_us, calendar.ends_us) - starts_us, 0) // 1_000_000
    held_s = np.bincount(rows.at, weights=rows.length_s, minlength=len(calendar.days)).astype(np.int64)
    missing_s = np.maximum(passed_s - held_s - overlap_s(gaps, EXCUSED, calendar), 0)
    longest_s = int(rows.length_s.max(initial=0))
    return np.where((held_s > 0) & (missing_s > longest_s), missing_s, 0)


def asked_wrongly(requests: pd.DataFrame, series: str, calendar: Calendar) -> Mask:
    """Days whose last request was answered with another window's rows."""
    if not (requests["outcome"] == WRONG_WINDOW).any():
        return np.zeros(len(calendar.days), dtype=bool)
    is_mine = (requests["series"] == series) & requests["window_start"].notna()
    last = (
        requests[is_mine.to_numpy(dtype=bool)]
        .sort_values(["requested_at", "raw_id"])
        .drop_duplicates(["window_start", "window_end"], keep="last")
    )
    wrong = last[(last["outcome"] == WRONG_WINDOW).to_numpy(dtype=bool)]
    starts, ends = days_of(wrong["window_start"])[:, None], days_of(wrong["window_end"])[:, None]
    return np.asarray(((starts <= calendar.days) & (calendar.days <= ends)).any(axis=0))


def silent_s(rows: DayRows, calendar: Calendar) -> Ints:
    """Seconds of each day's rows that are all zero at a time of day at which most other days have energy."""
    days = len(calendar.days)
    if len(rows.at) == 0:
        return np.zeros(days, dtype=np.int64)
    has_energy = np.zeros(len(rows.at), dtype=bool)
    for column in rows.values.T:
        has_energy |= np.abs(column) > 0.0
    time_of_day = (rows.begun_us - calendar.starts_us[rows.at]) // BIN_US
    held, full = np.bincount(time_of_day), np.bincount(time_of_day, weights=has_energy)
    is_usual = full >= USUAL * np.maximum(held, 1)
    is_silent = ~has_energy & is_usual[time_of_day]
    return np.bincount(rows.at, weights=is_silent * rows.length_s, minlength=days).astype(np.int64)


def contrary_wh(energy: DayRows, power: DayRows, days: int) -> Floats:
    """Wh of the intervals of each day in which the meter imports by one account and exports by the other.

    Power is added up to the intervals of energy where it is the finer of the two.
    """
    if len(energy.at) == 0 or len(power.at) == 0:
        return np.zeros(days)
    is_one_grid = np.array_equal(energy.begun_us, power.begun_us)
    at = np.arange(len(power.at)) if is_one_grid else np.searchsorted(energy.begun_us, power.begun_us, side="right") - 1
    ends_us = energy.begun_us + energy.length_s * 1_000_000
    is_in = (at >= 0) & (power.begun_us + power.length_s * 1_000_000 <= ends_us[at])
    is_in &= power.length_s <= energy.length_s[at]
    power_wh = np.where(is_in, _known(power.values[:, _GRID]) * power.length_s / 3600, 0.0)
    net_power = np.bincount(np.maximum(at, 0), weights=power_wh, minlength=len(energy.at))
    flows = [_known(energy.values[:, at]) for at in (_IMPORT, *_EXPORTS)]
    net_energy = flows[0] - sum(flows[1:])
    common = np.minimum(np.abs(net_power), np.abs(net_energy))
    is_contrary = (net_power * net_energy < 0) & (common >= NET_WH)
    return np.bincount(energy.at, weights=common * is_contrary, minlength=days).astype(np.float64)


def negative_home_wh(power: DayRows, days: int) -> Floats:
    """Wh of each day that the home would have given instead of taken."""
    given = np.maximum(-_known(power.values[:, _HOME]), 0.0) * power.length_s / 3600
    return np.bincount(power.at, weights=given, minlength=days).astype(np.float64)


def _known(values: Floats) -> Floats:
    """Values, 0 where there is none."""
    return np.where(np.isnan(values), 0.0, values)


def revised_us(revisions: pd.DataFrame, calendar: Calendar) -> dict[str, Ints]:
    """When a value of each day was last seen to have changed, by series."""
    if len(revisions) == 0:
        return {series: np.zeros(len(calendar.days), dtype=np.int64) for series in SERIES_OF.values()}
    begun_us = epoch_us(revisions["interval_start"])
    at = np.searchsorted(calendar.ends_us, begun_us, side="right")
    is_known = (at < len(calendar.days)) & (begun_us >= calendar.starts_us[0])
    seen_us, found = epoch_us(revisions["seen_at"]), {}
    for series in sorted(set(SERIES_OF.values())):
        mine = is_known & (revisions["series"] == series).to_numpy(dtype=bool)
        last = np.zeros(len(calendar.days), dtype=np.int64)
        np.maximum.at(last, at[mine], seen_us[mine])
        found[series] = last
    return found
