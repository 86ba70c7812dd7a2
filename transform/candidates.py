"""What each source says of a day: one row per local day and source, ready to be compared.

Sources are the API's own daily rows (from the month, week or day series), the sum of a day's intervals, and as a last
resort the integral of its power. A source that cannot speak for the whole day is no candidate.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.sites import Site
from transform.time import Days, Ints, day_starts, days_from, days_of, epoch_us
from warehouse.schema import FLOWS, MAX_INTERVAL_WH

MONTH_SERIES = "calendar_history/month"
INTERVALS = "energy_intervals"
POWER = "power"

RANKS: Final[dict[str, int]] = {
    MONTH_SERIES: 0,
    "calendar_history/week": 1,
    "calendar_history/day": 2,
    INTERVALS: 3,
    POWER: 4,
}
"""Sources of a day, best first: the API's own sums before ours, energy before integrated power."""

MIN_COVERAGE = 0.98
"""Share of a day that intervals must cover to speak for it: at most five of 288 five-minute rows may be missing."""

HOME: Final = tuple(name for name in FLOWS if name.startswith("consumer_energy_imported_from_"))
GRID_EXPORT: Final = tuple(name for name in FLOWS if name.startswith("grid_energy_exported_from_"))
BATTERY_CHARGE: Final = tuple(name for name in FLOWS if name.startswith("battery_energy_imported_from_"))
TOTALS: Final[dict[str, tuple[str, ...]]] = {
    "home_wh": HOME,
    "grid_export_wh": GRID_EXPORT,
    "battery_charge_wh": BATTERY_CHARGE,
}
"""Totals of a day and the flows they sum. Source: API.md §1.2, identities."""

MEASURES: Final = (*TOTALS, *FLOWS)

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local days to be estimated.

    Attributes:
        days: The days, as datetime64[D]; days that the zone never had are left out.
        starts_us: First instant of each, microseconds since 1970.
        ends_us: First instant after each.
        settled_us: From when on answers about each are final.
    """

    days: Days
    starts_us: Ints
    ends_us: Ints
    settled_us: Ints

    @classmethod
    def of(cls, site: Site, first_day: date, last_day: date, settle_hours: float) -> "Calendar":
        """The days from `first_day` to `last_day`, both included, in the site's zone."""
        edges = epoch_us(day_starts(first_day, last_day, site.zone))
        days = days_from(first_day, last_day)
        exists = edges[1:] > edges[:-1]
        wait_us = round(timedelta(hours=settle_hours) / timedelta(microseconds=1))
        return cls(days[exists], edges[:-1][exists], edges[1:][exists], edges[1:][exists] + wait_us)

    @property
    def lengths_s(self) -> Ints:
        """Seconds of each day: 23 or 25 hours' worth when the clocks change, 23½ or 24½ at Lord Howe (Q5, Q37)."""
        return (self.ends_us - self.starts_us) // 1_000_000

    def index(self, dates: pd.Series) -> Ints:
        """Position of each date (DATE column) among `days`, or -1."""
        wanted = days_of(dates)
        if len(self.days) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        at = np.searchsorted(self.days, wanted)
        found = (at < len(self.days)) & (self.days[np.minimum(at, len(self.days) - 1)] == wanted)
        return np.where(found, at, -1)


def candidates(
    intervals: pd.DataFrame, periods: pd.DataFrame, power: pd.DataFrame, site: Site, calendar: Calendar
) -> pd.DataFrame:
    """Every source's word on every day.

    **Shape**: one row per day and source: `day` (position in the calendar), `source`, `rank`, `fetched_us`, `rows` (summed),
    `held_s`, then totals and flows, NULL where the source has none. **Units**: Wh.
    """
    summed = interval_days(intervals, site, calendar)
    of_periods = period_days(periods, calendar)
    energy = pd.concat([_without_midnight_zeros(of_periods, summed), summed], ignore_index=True)
    is_unknown = ~np.isin(np.arange(-1, len(calendar.days)), [-1, *energy["day"]])
    rest = power[is_unknown[calendar.index(power["local_date"]) + 1]]
    if len(rest):
        energy = pd.concat([energy, power_days(rest, site, calendar)], ignore_index=True)
    told = _with_totals(energy, site)
    return told[~(told[list(MEASURES)] > MAX_INTERVAL_WH).any(axis=1)]


def period_days(periods: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """The API's own daily rows."""
    mine = (periods["granularity"] == "day") & periods["source"].isin(list(RANKS))
    rows = periods.loc[mine].reset_index(drop=True)
    days = pd.DataFrame(
        {
            "day": calendar.index(rows["period_start"]),
            "source": rows["source"],
            "rank": rows["source"].map(RANKS).astype("int64"),
            "fetched_us": epoch_us(rows["_fetched_at"]),
            "rows": 1,
            "held_s": 0,
            "is_partial": rows["is_partial"].astype(bool),
            **{name: rows[name] for name in FLOWS},
        }
    )
    return days[days["day"] >= 0]


def _without_midnight_zeros(days: pd.DataFrame, summed: pd.DataFrame) -> pd.DataFrame:
    """Leave out all-zero rows that another source refutes, or that were asked before the day was over.

    Asked exactly at midnight, the API answers for the day that has just begun, with zeros (Q2).
    """
    is_zero = ~(days[list(FLOWS)].fillna(0.0) > 0.0).any(axis=1)
    has_energy = [each.loc[(each[list(FLOWS)].fillna(0.0) > 0.0).any(axis=1), "day"] for each in (days, summed)]
    is_refuted = days["day"].isin(pd.concat(has_energy)) | days["is_partial"]
    return days[~(is_zero & is_refuted)].drop(columns="is_partial")


def interval_days(intervals: pd.DataFrame, site: Site, calendar: Calendar) -> pd.DataFrame:
    """Sums of the intervals of each day that is covered well enough."""
    return _summed(intervals, list(FLOWS), INTERVALS, site, calendar)


def power_days(power: pd.DataFrame, site: Site, calendar: Calendar) -> pd.DataFrame:
    """Integrals of power: what left the panels, what came from battery, grid and generator; no splits, no losses.

    The totals come from power too, since the flows they are summed from are not known.
    """
    hours = power["interval_s"] / _SECONDS_PER_HOUR
    integrals = pd.DataFrame(
        {
            "local_date": power["local_date"],
            "interval_start": power["interval_start"],
            "interval_s": power["interval_s"],
            "_fetched_at": power["_fetched_at"],
            "solar_energy_exported_wh": power["solar_w"].clip(lower=0.0) * hours,
            "generator_energy_exported_wh": power["generator_w"].clip(lower=0.0) * hours,
            "grid_energy_imported_wh": power["grid_w"].clip(lower=0.0) * hours,
            "battery_energy_exported_wh": power["battery_w"].clip(lower=0.0) * hours,
            "home_wh": power["home_w"].clip(lower=0.0) * hours,
            "grid_export_wh": (-power["grid_w"]).clip(lower=0.0) * hours,
            "battery_charge_wh": (-power["battery_w"]).clip(lower=0.0) * hours,
        }
    )
    measures = [name for name in integrals.columns if name.endswith("_wh")]
    return _summed(integrals, measures, POWER, site, calendar)


def _summed(rows: pd.DataFrame, measures: list[str], source: str, site: Site, calendar: Calendar) -> pd.DataFrame:
    begun_us = epoch_us(rows["interval_start"])
    work = rows[[*measures, "interval_s"]].assign(
        day=calendar.index(rows["local_date"]),
        fetched_us=epoch_us(rows["_fetched_at"]),
        begun_us=begun_us,
        ended_us=begun_us + rows["interval_s"].to_numpy(dtype=np.int64) * 1_000_000,
    )
    groups = work[work["day"] >= 0].groupby("day")
    days = groups[measures].sum(min_count=1)
    days = days.assign(
        source=source,
        rank=RANKS[source],
        fetched_us=groups["fetched_us"].max(),
        rows=groups.size(),
        held_s=groups["interval_s"].sum().astype("int64"),
        begun_us=groups["begun_us"].min(),
        ended_us=groups["ended_us"].max(),
    ).reset_index()
    return days[_is_covered(days, site, calendar)].drop(columns=["begun_us", "ended_us"])


def _is_covered(days: pd.DataFrame, site: Site, calendar: Calendar) -> npt.NDArray[np.bool_]:
    """Whether rows cover the day, as far as it had gone when they were asked.

    Without a battery the nights may be left out (Q15): then the stretch from the first to the last row has to be covered.
    """
    at = days["day"].to_numpy(dtype=np.int64)
    until_us = np.minimum(days["fetched_us"].to_numpy(), calendar.ends_us[at])
    wanted_s = (until_us - calendar.starts_us[at]) / 1e6
    if not site.has_battery:
        wanted_s = np.minimum(wanted_s, (days["ended_us"] - days["begun_us"]).to_numpy() / 1e6)
    return np.asarray(days["held_s"].to_numpy() >= MIN_COVERAGE * wanted_s)


def _with_totals(found: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Add the totals; the home of a solar-only site whose splits are all zero is unknown, not zero (Q43)."""
    found = found.reindex(columns=[*(name for name in found.columns if name not in MEASURES), *MEASURES])
    sums = pd.DataFrame({total: found[list(parts)].sum(axis=1, min_count=1) for total, parts in TOTALS.items()})
    found = found.assign(**{total: sums[total].fillna(found[total]) for total in TOTALS})
    if site.has_battery:
        return found
    splits = found[[*HOME, *GRID_EXPORT, *BATTERY_CHARGE]].fillna(0.0)
    is_unsplit = ~(splits > 0.0).any(axis=1) & (found["source"] != POWER)
    return found.assign(home_wh=found["home_wh"].mask(is_unsplit))


def asked_until_us(now: datetime, fetched_us: pd.Series) -> Ints:
    """The instant up to which a source can be believed: when it was asked, never later than now."""
    now_us = round(now.timestamp() * 1_000_000)
    return np.asarray(np.minimum(fetched_us.to_numpy(dtype=np.int64), now_us))
