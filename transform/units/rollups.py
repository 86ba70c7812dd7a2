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

from transform.frames import empty_frame, table_frame
from transform.periods import last_days
from transform.sites import Site
from transform.time import Days, Ints, date_column, days_of, local_days
from transform.units.days import SOURCES, flow_values, scaled
from transform.units.evidence import Evidence, units_of
from wattlog.causes import Cause, Check, Verdict
from wattlog.tolerances import tolerance_wh

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

WITHIN: Final = 0.05
"""How far a ratio may be from a power of a thousand: 828 kWh were reported of 863 (Q20), and days may be missing."""

CHECKS: Final[dict[str, str]] = {
    "calendar_history/day": Check.INTERVAL_VS_DAY.value,
    "calendar_history/week": Check.DAY_VS_WEEK.value,
    "calendar_history/month": Check.DAY_VS_MONTH_SERIES.value,
    "calendar_history/year": Check.MONTH_VS_DAYS.value,
    "calendar_history/lifetime": Check.YEAR_VS_DAYS.value,
}
"""Source → `check_name`."""

LEGACY_CHECK: Final = Check.HISTORY_VS_CALENDAR.value
"""`check_name` for every source of the endpoint `/history`."""


@dataclass(frozen=True, slots=True)
class _Summed:
    """The days that each roll-up sums: how many have energy, how many there should be, and their energy."""

    stored: Ints
    expected: Ints
    wh: Floats


def rollups_in_watt_hours(reported: pd.DataFrame, daily: pd.DataFrame, site: Site) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scale the roll-ups that their days prove to be in another unit.

    Days without stored energy are taken for days like the others of their period. A row counts as many days as are stored of
    it. One that proves nothing has the unit of the rows before and after it, of the same source, if both show the same; at
    the edge of what is shown it stays.

    **Shape**: `reported`: rows of table `energy_periods` as the API reported them: weeks, months, years, or the days of a
    week that was asked for in another month than they lie in; `daily`: that table of the same site, in Wh → the same rows in
    Wh and in
    order, and a row of table `reconciliation` per scaled row and flow: Σ of the stored days on the left, what was
    reported on the right. **Units**: Wh. **Source**: API.md#units, Q20.
    """
    if reported.empty:
        return reported, empty_frame("reconciliation")
    summed = _sums(reported, daily, site)
    exponents = np.zeros(len(reported), dtype=np.int64)
    starts = days_of(reported["period_start"])
    for _, rows in reported.reset_index(drop=True).groupby(["granularity", "source"]):
        mine = rows.index.to_numpy()
        mine = mine[np.argsort(starts[mine], kind="stable")]
        exponents[mine] = _units(reported, summed, mine)
    return scaled(reported, exponents), _differences(reported, summed, exponents, site)


def _sums(reported: pd.DataFrame, daily: pd.DataFrame, site: Site) -> _Summed:
    """Sums over each row's days up to the day it was asked; nothing is expected of days before the installation."""
    first = days_of(reported["period_start"])
    last = last_days(first, reported["granularity"].to_numpy(dtype="str"))
    last = np.minimum(last, local_days(reported["_fetched_at"], site.zone))
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


def _units(reported: pd.DataFrame, summed: _Summed, mine: Ints) -> Ints:
    """The unit of each of some rows, which are in order of time, as a power of ten; 0 where nothing else is shown."""
    rows, stored = reported.iloc[mine], summed.stored[mine]
    whole_wh = summed.wh[mine] * (summed.expected[mine] / np.maximum(stored, 1))[:, None]
    evidence = Evidence.of(flow_values(rows), np.where(stored[:, None] > 0, whole_wh, np.nan), within=WITHIN)
    return units_of(evidence, pd.factorize(rows["_raw_id"])[0], stored)[0]


def _differences(reported: pd.DataFrame, summed: _Summed, exponents: Ints, site: Site) -> pd.DataFrame:
    """A row for every flow of a scaled row that has energy in it."""
    at = np.flatnonzero(exponents)
    if len(at) == 0:
        return empty_frame("reconciliation")
    rows = reported.iloc[at]
    log.warning("roll-ups are not in Wh site_id=%s rows=%s first=%s", site.site_id, len(at), rows["period_start"].min())
    right = np.nan_to_num(flow_values(rows))
    stored = np.repeat(summed.stored[at, None], len(SOURCES), axis=1)
    left = np.where(stored > 0, summed.wh[at], np.nan)
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
            "tolerance_wh": tolerance_wh(np.nan_to_num(left), right, np.maximum(stored, 1))[row, flow],
            "verdict": np.where(stored[row, flow] > 0, Verdict.DIFFERS.value, Verdict.MISSING_LEFT.value),
            "cause": Cause.UNIT_MISMATCH.value,
        },
    )
