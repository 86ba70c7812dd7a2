"""Are roll-ups in Wh? Weeks, months and years against the days that they sum up, which are in Wh already.

The evidence lies in other months than the row, so this comes after all of a site's days are estimated. A row in kWh is a
thousandth of its days: no drift comes near that. Roll-ups do drift, by 4 % where it was seen (Q20), so the ratio may be off
by a little more than that of a day to its power; what remains after scaling is a difference to be reconciled, not a unit.
"""

import logging
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.daily import tolerance_wh
from transform.energy_periods import last_days
from transform.frames import empty_frame, table_frame
from transform.sites import Site
from transform.time import Days, Ints, date_column, days_of, local_days
from transform.units import MIN_EVIDENCE_WH, SOURCES, exponents_of, scaled

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

WITHIN: Final = 0.05
"""How far a ratio may be from a power of a thousand: 828 kWh were told of 863 (Q20), and days may be missing."""

CHECKS: Final[dict[str, str]] = {
    "calendar_history/day": "interval_vs_day",
    "calendar_history/week": "day_vs_week",
    "calendar_history/month": "day_vs_month_series",
    "calendar_history/year": "month_vs_days",
    "calendar_history/lifetime": "year_vs_days",
}
"""Source → `check_name`."""

LEGACY_CHECK: Final = "history_vs_calendar"
"""`check_name` for every source of the endpoint `/history`."""


@dataclass(frozen=True, slots=True)
class _Summed:
    """The days that each roll-up stands for: of how many there is energy, of how many there should be, and the energy."""

    held: Ints
    expected: Ints
    wh: Floats


def rollups_in_watt_hours(told: pd.DataFrame, daily: pd.DataFrame, site: Site) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scale the roll-ups that their days prove to be in another unit.

    Days without energy held are taken for days like the others of their period. A row that proves nothing has the unit of
    the rows before and after it, of the same source, if both prove the same; at the edge of what is proven it stays.

    **Shape**: `told`: rows of table `energy_periods` as the API told them: weeks, months, years, or the days of a week that
    was asked for in another month than they lie in; `daily`: that table of the same site, in Wh → the same rows in Wh and in
    order, and a row of table `reconciliation` per scaled row and flow: Σ of the days held on the left, what was told on the
    right. **Units**: Wh. **Source**: fact 1, Q20.
    """
    if told.empty:
        return told, empty_frame("reconciliation")
    summed = _sums(told, daily, site)
    exponents = np.zeros(len(told), dtype=np.int64)
    starts = days_of(told["period_start"])
    for _, rows in told.reset_index(drop=True).groupby(["granularity", "source"]):
        mine = rows.index.to_numpy()
        mine = mine[np.argsort(starts[mine], kind="stable")]
        exponents[mine] = _proven(told, summed, mine)
    return scaled(told, exponents), _findings(told, summed, exponents, site)


def _sums(told: pd.DataFrame, daily: pd.DataFrame, site: Site) -> _Summed:
    """Sums over each row's days up to the day it was asked; nothing is expected of days before the installation."""
    first = days_of(told["period_start"])
    last = last_days(first, told["granularity"].to_numpy(dtype="str"))
    last = np.minimum(last, local_days(told["_fetched_at"], site.zone))
    if site.installed_on is not None:
        first = np.maximum(first, np.datetime64(site.installed_on, "D"))
    energy = daily[list(SOURCES)].to_numpy(dtype=np.float64)
    is_known = ~np.isnan(energy).all(axis=1)
    days = days_of(daily["local_date"])[is_known]
    order = np.argsort(days, kind="stable")
    reached = np.zeros((len(order) + 1, len(SOURCES)))
    reached[1:] = np.cumsum(np.nan_to_num(energy[is_known][order]), axis=0)
    begin, end = np.searchsorted(days[order], first), np.searchsorted(days[order], last, side="right")
    end = np.maximum(begin, end)
    return _Summed(end - begin, _days_between(first, last), reached[end] - reached[begin])


def _days_between(first: Days, last: Days) -> Ints:
    return np.maximum((last - first) // np.timedelta64(1, "D") + 1, 0)


def _proven(told: pd.DataFrame, summed: _Summed, mine: Ints) -> Ints:
    """The unit of each of some rows, which are in order of time, as a power of ten; 0 where nothing else is proven."""
    energy = told.iloc[mine][list(SOURCES)].fillna(0.0).sum(axis=1).to_numpy(dtype=np.float64)
    wh, held, expected = summed.wh[mine].sum(axis=1), summed.held[mine], summed.expected[mine]
    whole_wh = np.where(wh >= MIN_EVIDENCE_WH, wh * expected / np.maximum(held, 1), 0.0)
    found, is_proven = exponents_of(energy, whole_wh, within=WITHIN)
    at, proven = np.arange(len(mine)), np.flatnonzero(is_proven)
    if not found.any():
        return found
    before = np.searchsorted(proven, at, side="right") - 1
    after = np.searchsorted(proven, at)
    is_between = (before >= 0) & (after < len(proven))
    left, right = found[proven[np.maximum(before, 0)]], found[proven[np.minimum(after, len(proven) - 1)]]
    return np.where(is_proven, found, np.where(is_between & (left == right), left, 0))


def _findings(told: pd.DataFrame, summed: _Summed, exponents: Ints, site: Site) -> pd.DataFrame:
    """A row for every flow of a scaled row that has energy in it."""
    at = np.flatnonzero(exponents)
    if len(at) == 0:
        return empty_frame("reconciliation")
    rows = told.iloc[at]
    log.warning("roll-ups are not in Wh site_id=%s rows=%s first=%s", site.site_id, len(at), rows["period_start"].min())
    right = np.nan_to_num(rows[list(SOURCES)].to_numpy(dtype=np.float64))
    held = np.repeat(summed.held[at, None], len(SOURCES), axis=1)
    left = np.where(held > 0, summed.wh[at], np.nan)
    row, flow = np.nonzero(right > 0.0)
    checks = rows["source"].map(CHECKS).fillna(LEGACY_CHECK).to_numpy(dtype=object)
    return table_frame(
        "reconciliation",
        {
            "site_id": pd.Series(site.site_id, index=range(len(row))),
            "check_name": checks[row],
            "granularity": rows["granularity"].to_numpy(dtype=object)[row],
            "period_start": date_column(days_of(rows["period_start"])[row]),
            "measure": np.array(list(SOURCES), dtype=object)[flow],
            "left_source": "daily",
            "left_wh": left[row, flow],
            "right_source": rows["source"].to_numpy(dtype=object)[row],
            "right_wh": right[row, flow],
            "difference_wh": (left - right)[row, flow],
            "tolerance_wh": tolerance_wh(np.nan_to_num(left), right, np.maximum(held, 1))[row, flow],
            "verdict": np.where(held[row, flow] > 0, "differs", "missing_left"),
            "cause": "unit_mismatch",
        },
    )
