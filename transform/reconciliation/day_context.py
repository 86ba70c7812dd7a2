"""What the rules for days need besides the two sources: gaps, unexpected zeros, wrong windows, signs, revisions."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from transform.candidates import MIN_COVERAGE, is_another_day
from transform.day_sums import POWERS, DayRows, Floats, Mask, is_short, known, measure_shares
from transform.holes import is_silent
from transform.local_calendar import Calendar
from transform.sites import Site
from transform.time import Ints, days_of, epoch_us
from warehouse.schema import FLOWS
from wattlog.causes import Granularity
from wattlog.gap_causes import GapCause
from wattlog.series import SERIES, series_of_source

LOST: Final = (GapCause.NO_DATA, GapCause.QUARANTINED, GapCause.FAILED, GapCause.NOT_FETCHED)
"""Causes of gaps whose energy is missing from a day's sum; at night and in the future no energy is missing (Q11, Q15)."""

WITHHELD: Final = (GapCause.NO_DATA, GapCause.QUARANTINED)
"""Causes of gaps for which the API was asked and returned no usable rows."""

EXCUSED: Final = (GapCause.NIGHT,)

MISFILED: Final = (GapCause.WRONG_WINDOW,)

WRONG_WINDOW: Final = "wrong_window"
"""Outcome of a request whose response has the rows of another window (Q22)."""

ANSWERED: Final = ("data", "no_data")
"""Outcomes of requests whose response is for the right window."""

NET_WH: Final = 5.0
"""Smallest net energy of an interval whose sign is evidence: 60 W over five minutes."""

_IMPORT: Final = FLOWS.index("grid_energy_imported_wh")
_EXPORTS: Final = [index for index, name in enumerate(FLOWS) if name.startswith("grid_energy_exported_from_")]
_GRID: Final = POWERS.index("grid_w")
_HOME: Final = POWERS.index("home_w")


@dataclass(frozen=True, slots=True)
class Series:
    """What is missing or wrong in one series of intervals, by day.

    Attributes:
        lost_s: Seconds without rows, at night and in the future excepted.
        withheld_s: Seconds for which the API was asked and returned no usable rows.
        is_misfiled: The response had another day's rows (Q22).
        silent_s: Seconds of rows that are all zero at a time of day at which other days have energy (Q14).
        is_short: Days × `MEASURES`: some rows have no value of it, since the reported one could not be used.
    """

    lost_s: Ints
    withheld_s: Ints
    is_misfiled: Mask
    silent_s: Ints
    is_short: Mask

    @classmethod
    def of(
        cls, name: str, rows: DayRows, gaps: pd.DataFrame, requests: pd.DataFrame, calendar: Calendar, site: Site
    ) -> "Series":
        """What is missing or wrong in the series of a source."""
        of_series = gaps[(gaps["series"] == series_of_source(name)).to_numpy(dtype=bool)]
        misfiled = overlap_s(of_series, MISFILED, calendar) > 0
        return cls(
            np.maximum(overlap_s(of_series, LOST, calendar), not_stored_s(rows, of_series, calendar, site)),
            overlap_s(of_series, WITHHELD, calendar),
            misfiled | asked_wrongly(requests, series_of_source(name), calendar),
            silent_s(rows, calendar, site),
            is_short(measure_shares(rows, len(calendar.days))),
        )

    def is_whole(self, calendar: Calendar) -> Mask:
        """Days whose sum is complete, apart from the share of a day that may be missing."""
        allowed_s = (1 - MIN_COVERAGE) * calendar.lengths_s
        return np.asarray((self.lost_s <= allowed_s) & (self.silent_s <= allowed_s) & ~self.is_misfiled)

    def is_silent(self, calendar: Calendar) -> Mask:
        """Days for most of which the API returned no rows, or another day's rows."""
        return np.asarray(self.is_misfiled | (self.withheld_s * 2 >= calendar.lengths_s))


@dataclass(frozen=True, slots=True)
class DayContext:
    """The evidence that rules for days use.

    Attributes:
        calendar: The days.
        site: The site.
        series: Intervals and power by their source.
        contrary_wh: Wh of intervals in which power and energy at the meter have opposite signs.
        negative_home_wh: Wh of negative home use, by power.
        hidden_wh: Days × `MEASURES`: energy that power cannot show, since it flowed in both directions within single rows.
        revised_us: Series → when a change of a value of each day was last seen; 0 for never.
        is_another_day: Source → days whose row is of a day that the server cut by another clock (Q7).
    """

    calendar: Calendar
    site: Site
    series: dict[str, Series]
    contrary_wh: Floats
    negative_home_wh: Floats
    hidden_wh: Floats
    revised_us: dict[str, Ints]
    is_another_day: dict[str, Mask]


def days_cut_otherwise(periods: pd.DataFrame, site: Site, calendar: Calendar) -> dict[str, Mask]:
    """Source → days of which its row is of a day that the server cut by another clock than the site's (Q7)."""
    at = calendar.index(periods["period_start"])
    is_day = (periods["granularity"] == Granularity.DAY.value).to_numpy(dtype=bool) & (at >= 0)
    rows, at = periods.loc[is_day, ["source", "timezone"]], at[is_day]
    is_other = is_another_day(at, rows["timezone"], site, calendar)
    found = {}
    for source in set(rows["source"][is_other]):
        found[str(source)] = np.zeros(len(calendar.days), dtype=bool)
        found[str(source)][at[is_other & (rows["source"] == source).to_numpy(dtype=bool)]] = True
    return found


def overlap_s(gaps: pd.DataFrame, causes: tuple[GapCause, ...], calendar: Calendar) -> Ints:
    """Seconds of each day that gaps of some causes cover."""
    if len(gaps) == 0:
        return np.zeros(len(calendar.days), dtype=np.int64)
    is_mine = np.isin(gaps["cause"].to_numpy(dtype="str"), [cause.value for cause in causes])
    starts, ends = (epoch_us(gaps[name])[is_mine, None] for name in ("gap_start", "gap_end"))
    covered = np.minimum(ends, calendar.ends_us) - np.maximum(starts, calendar.starts_us)
    return np.asarray(np.maximum(covered, 0).sum(axis=0) // 1_000_000, dtype=np.int64)


def not_stored_s(rows: DayRows, gaps: pd.DataFrame, calendar: Calendar, site: Site) -> Ints:
    """Seconds without rows, on days that have some: passed at the time of the request and not at night (Q15).

    Gaps are not enough: where one row covers the whole day, its quarter hours are not expected (Q10).
    """
    starts_us, asked_us = calendar.starts_us, np.zeros(len(calendar.days), dtype=np.int64)
    if site.installed_at is not None:
        starts_us = np.maximum(starts_us, round(site.installed_at.timestamp() * 1_000_000))
    np.maximum.at(asked_us, rows.at, rows.asked_us)
    passed_s = np.maximum(np.minimum(asked_us, calendar.ends_us) - starts_us, 0) // 1_000_000
    stored_s = np.bincount(rows.at, weights=rows.length_s, minlength=len(calendar.days)).astype(np.int64)
    missing_s = np.maximum(passed_s - stored_s - overlap_s(gaps, EXCUSED, calendar), 0)
    longest_s = int(rows.length_s.max(initial=0))
    return np.where((stored_s > 0) & (missing_s > longest_s), missing_s, 0)


def asked_wrongly(requests: pd.DataFrame, series: str, calendar: Calendar) -> Mask:
    """Days whose requests got responses with another window's rows alone.

    A response for the right window, before or after a wrong one, has the rows of the days: whatever is missing then has
    another cause.
    """
    is_wrong = (requests["outcome"] == WRONG_WINDOW).to_numpy(dtype=bool)
    if not is_wrong.any():
        return np.zeros(len(calendar.days), dtype=bool)
    is_mine = ((requests["series"] == series) & requests["window_start"].notna()).to_numpy(dtype=bool)
    wrong, right = (
        requests.loc[is_mine & is_chosen, ["window_start", "window_end"]]
        for is_chosen in (is_wrong, requests["outcome"].isin(ANSWERED).to_numpy(dtype=bool))
    )
    is_answered = pd.MultiIndex.from_frame(wrong).isin(pd.MultiIndex.from_frame(right))
    starts, ends = (days_of(wrong[name])[~is_answered, None] for name in ("window_start", "window_end"))
    return np.asarray(((starts <= calendar.days) & (calendar.days <= ends)).any(axis=0))


def silent_s(rows: DayRows, calendar: Calendar, site: Site) -> Ints:
    """Seconds of each day's rows that are all zero at a time of day at which most other days have energy."""
    silent = is_silent(rows, calendar, site) * rows.length_s
    return np.bincount(rows.at, weights=silent, minlength=len(calendar.days)).astype(np.int64)


def contrary_wh(energy: DayRows, power: DayRows, days: int) -> Floats:
    """Wh of the intervals of each day in which the meter imports by power and exports by energy, or the reverse.

    Where power has the shorter intervals, it is summed to the intervals of energy.
    """
    if len(energy.at) == 0 or len(power.at) == 0:
        return np.zeros(days)
    is_one_grid = np.array_equal(energy.begun_us, power.begun_us)
    at = np.arange(len(power.at)) if is_one_grid else np.searchsorted(energy.begun_us, power.begun_us, side="right") - 1
    ends_us = energy.begun_us + energy.length_s * 1_000_000
    is_in = (at >= 0) & (power.begun_us + power.length_s * 1_000_000 <= ends_us[at])
    is_in &= power.length_s <= energy.length_s[at]
    power_wh = np.where(is_in, known(power.values[:, _GRID]) * power.length_s / 3600, 0.0)
    net_power = np.bincount(np.maximum(at, 0), weights=power_wh, minlength=len(energy.at))
    flows = [known(energy.values[:, column]) for column in (_IMPORT, *_EXPORTS)]
    net_energy = flows[0] - sum(flows[1:])
    common = np.minimum(np.abs(net_power), np.abs(net_energy))
    is_contrary = (net_power * net_energy < 0) & (common >= NET_WH)
    return np.bincount(energy.at, weights=common * is_contrary, minlength=days).astype(np.float64)


def negative_home_wh(power: DayRows, days: int) -> Floats:
    """Wh of negative home use of each day, which no home has: a sign of a wrong sensor."""
    negative = np.maximum(-known(power.values[:, _HOME]), 0.0) * power.length_s / 3600
    return np.bincount(power.at, weights=negative, minlength=days).astype(np.float64)


def revised_us(revisions: pd.DataFrame, calendar: Calendar) -> dict[str, Ints]:
    """When a change of a value of each day was last seen, by series."""
    of_days = [str(spec.name) for spec in SERIES.values() if spec.day_sources]
    if len(revisions) == 0:
        return {series: np.zeros(len(calendar.days), dtype=np.int64) for series in of_days}
    begun_us = epoch_us(revisions["interval_start"])
    at = np.searchsorted(calendar.ends_us, begun_us, side="right")
    is_known = (at < len(calendar.days)) & (begun_us >= calendar.starts_us[0])
    seen_us, found = epoch_us(revisions["seen_at"]), {}
    for series in of_days:
        mine = is_known & (revisions["series"] == series).to_numpy(dtype=bool)
        last = np.zeros(len(calendar.days), dtype=np.int64)
        np.maximum.at(last, at[mine], seen_us[mine])
        found[series] = last
    return found
