"""Is energy in Wh? Units are not assumed but shown, by the power of the same time.

The ratio of a day's energy to the integral of its power is about 1 where both are in Wh, and about 0.001 where energy is in
kWh, as the API's pages claim it is (API.md#units). Only such a ratio, within 2 %, scales anything, and only where the response
shows it in many rows (`evidence`); every day that was scaled has rows in table `reconciliation`.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.frames import empty_frame, table_frame
from transform.sites import Site
from transform.time import Days, Ints, date_column, days_of, epoch_us, local_days
from transform.units.evidence import MIN_ROWS, Evidence, units_of
from warehouse.schema import FLOWS
from wattlog.causes import Cause, Check, Verdict
from wattlog.tolerances import power_tolerance_wh

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Exponents = npt.NDArray[np.int64]

SOURCES: Final[dict[str, str]] = {
    "solar_energy_exported_wh": "solar_w",
    "grid_energy_imported_wh": "grid_w",
    "battery_energy_exported_wh": "battery_w",
    "generator_energy_exported_wh": "generator_w",
}
"""Flows that power has, too: what came out of each source → its power where that is positive."""

WITHIN: Final = 0.02
"""How far a ratio may be from a power of a thousand and still be taken for one."""

_HOUR_US: Final = 3600 * 1_000_000

_MIN_HOURS: Final = 3
"""A day of intervals is a response of many rows: so many of its hours must show the unit, with half of what is known."""

_NEAR: Final = 0.5
"""As a power of ten: how near the ratio of an hour must be to the unit of its day."""

_DECIMALS = 6
"""A thousandth of an integer, times a thousand, is that integer only to within a float's rounding."""


def in_watt_hours(
    intervals: pd.DataFrame, periods: pd.DataFrame, power: pd.DataFrame, site: Site
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scale the energy of days that power proves to be in another unit.

    A day without evidence of its own (too little power) has the unit of the days around it that have some, if they agree and
    the little evidence there is does not contradict them.

    **Shape**: frames of tables `energy_intervals`, `energy_periods` and `power` of one site → the first two with the same
    rows, and one row of table `reconciliation` per day and flow that was scaled, from whichever of the two it came. Of the
    periods those of a day are scaled; for weeks, months and years see `rollup_units`. **Units**: Wh.
    """
    if intervals.empty and power.empty:
        return intervals, periods, empty_frame("reconciliation")
    reported, known = _Rows.of_intervals(intervals, site), _Rows.of_power(power, site)
    days = np.unique(reported.days)
    exponents = _interval_exponents(reported, known, days)
    intervals_wh = scaled(intervals, _of_rows(reported.days, days, exponents))
    in_wh = reported if intervals_wh is intervals else _Rows.of_intervals(intervals_wh, site)
    of_periods = _day_exponents(periods, in_wh, known, site)
    scaled_days = days[exponents != 0]
    differences = [_differences(_of_intervals(reported, known, scaled_days), site)] if len(scaled_days) else []
    if of_periods.any():
        reported_by_days = periods[(of_periods != 0) & ~np.isin(days_of(periods["period_start"]), scaled_days)]
        differences.append(_differences(_of_days(reported_by_days, in_wh, known), site))
    found = [frame for frame in differences if len(frame)]
    return (
        intervals_wh,
        scaled(periods, of_periods),
        pd.concat(found, ignore_index=True) if found else empty_frame("reconciliation"),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of intervals, with the flows that power has, too.

    Attributes:
        days: The day of each by the clock by which the server cut its window (Q7): a response has one unit.
        starts_us: When each begins, microseconds since 1970.
        ends_us: When each ends.
        wh: Rows × `SOURCES`, NaN where a row has no value.
    """

    days: Days
    starts_us: Ints
    ends_us: Ints
    wh: Floats

    @classmethod
    def of_intervals(cls, rows: pd.DataFrame, site: Site) -> "_Rows":
        """Energy as it was reported."""
        starts_us, length_s = epoch_us(rows["interval_start"]), rows["interval_s"].to_numpy(dtype=np.int64)
        wh = np.column_stack([rows[flow].to_numpy(dtype=np.float64) for flow in SOURCES])
        return cls(_server_days(rows, site), starts_us, starts_us + length_s * 1_000_000, wh)

    @classmethod
    def of_power(cls, rows: pd.DataFrame, site: Site) -> "_Rows":
        """What came out of each source, as an integral."""
        starts_us, length_s = epoch_us(rows["interval_start"]), rows["interval_s"].to_numpy(dtype=np.int64)
        powers = [rows[name].to_numpy(dtype=np.float64) for name in SOURCES.values()]
        wh = np.column_stack([np.maximum(watts, 0.0) * (length_s / 3600) for watts in powers])
        return cls(_server_days(rows, site), starts_us, starts_us + length_s * 1_000_000, wh)

    def sums(self, groups: Days | Ints, at: Days | Ints, is_wanted: Mask | None = None) -> Floats:
        """Sums of `SOURCES` over the rows of each of some ascending groups: groups × flows, NaN where no row has the flow.

        Args:
            groups: The groups wanted.
            at: The group of each row.
            is_wanted: The rows that count; all where it is None.
        """
        found = np.full((len(groups), len(SOURCES)), np.nan)
        if len(groups) == 0:
            return found
        position = np.minimum(np.searchsorted(groups, at), len(groups) - 1)
        is_mine = groups[position] == at if is_wanted is None else is_wanted & (groups[position] == at)
        for flow, wh in enumerate(self.wh.T):
            is_reported = is_mine & ~np.isnan(wh)
            totals = np.bincount(position[is_reported], wh[is_reported], len(groups))
            found[:, flow] = np.where(np.bincount(position[is_reported], minlength=len(groups)) > 0, totals, np.nan)
        return found

    def within(self, begins_us: Ints, ends_us: Ints) -> Floats:
        """Sums of `SOURCES` over the rows that begin in each of some spans: spans × flows, NaN where no row has the flow."""
        order = np.argsort(self.starts_us, kind="stable")
        begun_us, wh = self.starts_us[order], self.wh[order]
        first, last = np.searchsorted(begun_us, begins_us), np.searchsorted(begun_us, ends_us)
        running, reported = (
            np.concatenate([np.zeros((1, len(SOURCES))), values.cumsum(axis=0)])
            for values in (np.nan_to_num(wh), (~np.isnan(wh)).astype(np.float64))
        )
        return np.where(reported[last] > reported[first], running[last] - running[first], np.nan)

    def by_day(self, days: Days, is_wanted: Mask | None = None) -> Floats:
        """Sums of `SOURCES` by ascending days."""
        return self.sums(days, self.days, is_wanted)

    def flows_by_day(self, days: Days) -> Floats:
        """The same with 0 where no row has a value."""
        return np.nan_to_num(self.by_day(days))


def _server_days(rows: pd.DataFrame, site: Site) -> Days:
    """The day of each row by the server's clock at its request."""
    found = days_of(rows["local_date"])
    if all(clock.timezone == site.timezone for clock in site.server_clocks):
        return found
    found, asked = found.copy(), rows["_fetched_at"]
    clocks = {instant: site.clock_at(instant.to_pydatetime()) for instant in asked.unique()}
    for clock in set(clocks.values()):
        is_of_clock = asked.isin([instant for instant, other in clocks.items() if other == clock]).to_numpy(dtype=bool)
        found[is_of_clock] = local_days(rows["interval_start"][is_of_clock], clock)
    return found


def _interval_exponents(intervals: _Rows, power: _Rows, days: Days) -> Exponents:
    """The unit of each day of intervals, by the integral of power over the same time, whichever has the shorter rows."""
    is_shared = _begins_within(intervals, power) | _holds_a_beginning(intervals, power)
    is_there = _begins_within(power, intervals) | _holds_a_beginning(power, intervals)
    evidence = Evidence.of(intervals.by_day(days, is_shared), power.by_day(days, is_there), within=WITHIN)
    hours = np.unique(intervals.starts_us // _HOUR_US)
    reported, known = (
        rows.sums(hours, rows.starts_us // _HOUR_US, is_wanted)
        for rows, is_wanted in ((intervals, is_shared), (power, is_there))
    )
    of_hours = Evidence.of(reported, known, within=WITHIN)
    first_of_hour = np.searchsorted(hours, intervals.starts_us // _HOUR_US)
    day_of_hour = np.zeros(len(hours), dtype=np.int64)
    day_of_hour[first_of_hour] = np.searchsorted(days, intervals.days)
    is_near = np.abs(of_hours.ratios - evidence.exponents[day_of_hour]) < _NEAR
    near_hours = np.bincount(day_of_hour, is_near, len(days)).astype(np.int64)
    near_wh = np.bincount(day_of_hour, is_near * of_hours.known_wh, len(days))
    is_shown = (near_hours >= _MIN_HOURS) & (near_wh * 2 >= evidence.known_wh)
    evidence = evidence.without((evidence.exponents != 0) & ~is_shown)
    weights = np.maximum(near_hours, MIN_ROWS)  # each day is a response; days in a row are an era
    return units_of(evidence, np.zeros(len(days), dtype=np.int64), weights)[0]


def _begins_within(rows: _Rows, others: _Rows) -> Mask:
    """Which rows begin in the time of another table's row."""
    order = np.argsort(others.starts_us, kind="stable")
    at = np.searchsorted(others.starts_us[order], rows.starts_us, side="right") - 1
    return np.asarray((at >= 0) & (rows.starts_us < np.append(others.ends_us[order], 0)[at]))


def _holds_a_beginning(rows: _Rows, others: _Rows) -> Mask:
    """In the time of which rows a row of another table begins."""
    starts_us = np.sort(others.starts_us)
    return np.asarray(np.searchsorted(starts_us, rows.ends_us) > np.searchsorted(starts_us, rows.starts_us))


def _of_rows(row_days: Days, days: Days, exponents: Exponents) -> Exponents:
    if len(days) == 0:
        return np.zeros(len(row_days), dtype=np.int64)
    at = np.minimum(np.searchsorted(days, row_days), len(days) - 1)
    return np.where(days[at] == row_days, exponents[at], 0)


def scaled(rows: pd.DataFrame, exponents: Exponents) -> pd.DataFrame:
    """Rows with flows, each divided by ten to the power of its exponent; rows whose exponent is 0 to the bit as they were."""
    if not exponents.any():
        return rows
    values = rows[list(FLOWS)].to_numpy(dtype=np.float64)
    factors = 10.0 ** -exponents[:, None].astype(np.float64)
    exact = np.where(exponents[:, None] != 0, np.round(values * factors, _DECIMALS), values)
    return rows.assign(**{name: exact[:, index] for index, name in enumerate(FLOWS)})


def _day_exponents(periods: pd.DataFrame, intervals: _Rows, power: _Rows, site: Site) -> Exponents:
    """Units of the API's own daily rows, by the sum of intervals where there are some, else by the integral of power.

    Each is measured by the time that it covers: the server may have cut it by another clock than the intervals (Q7, Q8).

    A day without either may still have a source that has shown its unit on other days: that one then measures the sources
    that have nothing else, such as a week that was asked as a cross-check.
    """
    is_day = (periods["granularity"] == "day").to_numpy(dtype=bool)
    exponents = np.zeros(len(periods), dtype=np.int64)
    if not is_day.any():
        return exponents
    starts, sources = days_of(periods["period_start"]), periods["source"].to_numpy(dtype=object)
    reported, responses = flow_values(periods), pd.factorize(periods["_raw_id"])[0]
    names = periods["timezone"][is_day]
    edges = np.stack([site.first_instants_us(days, names) for days in (starts[is_day], starts[is_day] + 1)], axis=1)
    spans, span_of_day = np.unique(edges, axis=0, return_inverse=True)
    span_of = np.zeros(len(periods), dtype=np.int64)
    span_of[is_day] = span_of_day.reshape(-1)
    known = _first_with_energy(intervals.within(*spans.T), power.within(*spans.T))
    for source, _ in sorted(Counter(sources[is_day]).items(), key=lambda count: (-count[1], count[0])):
        mine = np.flatnonzero(is_day & (sources == source))
        mine = mine[np.argsort(starts[mine], kind="stable")]
        at = span_of[mine]
        evidence = Evidence.of(reported[mine], known[at], within=WITHIN)
        exponents[mine], is_shown = units_of(evidence, responses[mine], np.ones(len(mine), dtype=np.int64))
        if is_shown.any():
            known[at] = _first_with_energy(known[at], reported[mine] / 10.0 ** exponents[mine, None])
    return exponents


def _first_with_energy(first: Floats, second: Floats) -> Floats:
    """Rows of the one that has any energy, else of the other."""
    has_energy = np.asarray((np.nan_to_num(first) > 0).any(axis=1))
    return np.where(has_energy[:, None], first, second)


def flow_values(rows: pd.DataFrame) -> Floats:
    """Rows × `SOURCES`, NaN where a row has no value."""
    return np.column_stack([rows[flow].to_numpy(dtype=np.float64) for flow in SOURCES])


def _of_intervals(intervals: _Rows, power: _Rows, days: Days) -> pd.DataFrame:
    """Power and intervals, as they were reported, of each day and flow."""
    left, right = power.flows_by_day(days), intervals.flows_by_day(days)
    return _compared(days, left, right, check=Check.POWER_VS_ENERGY, sources=("power", "energy_intervals"))


def _of_days(reported: pd.DataFrame, intervals: _Rows, power: _Rows) -> pd.DataFrame:
    """The API's own daily rows, as they were reported, and what they were measured by; of several the first.

    A day that has its unit from the days around it has nothing to be measured by: its left side is NULL.
    """
    rows = reported.sort_values(["period_start", "source"]).drop_duplicates("period_start")
    days = days_of(rows["period_start"])
    right = np.nan_to_num(flow_values(rows))
    summed = intervals.flows_by_day(days)
    is_summed = (summed > 0).any(axis=1)
    integral = power.flows_by_day(days)
    integral[~(integral > 0).any(axis=1)] = np.nan
    found = []
    for is_mine, left, check, source in (
        (is_summed, summed, Check.INTERVAL_VS_DAY, "energy_intervals"),
        (~is_summed, integral, Check.POWER_VS_ENERGY, "power"),
    ):
        names = rows["source"].to_numpy(dtype=object)[is_mine]
        found.append(_compared(days[is_mine], left[is_mine], right[is_mine], check=check, sources=(source, names)))
    return pd.concat(found, ignore_index=True)


def _compared(
    days: Days,
    left: Floats,
    right: Floats,
    *,
    check: Check,
    sources: tuple[str, str | npt.NDArray[np.object_]],
) -> pd.DataFrame:
    """One row per day and flow where the two differ by more than the tolerance, or only the right one has a value."""
    tolerance = power_tolerance_wh(left, right)
    day, flow = np.nonzero((np.abs(left - right) > tolerance) | (np.isnan(left) & (right > 0)))
    return pd.DataFrame(
        {
            "check_name": check.value,
            "period_start": date_column(days[day]),
            "measure": np.array(list(SOURCES), dtype=object)[flow],
            "left_source": sources[0],
            "left_wh": left[day, flow],
            "right_source": sources[1] if isinstance(sources[1], str) else sources[1][day],
            "right_wh": right[day, flow],
            "tolerance_wh": tolerance[day, flow],
        }
    )


def _differences(compared: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Rows of table `reconciliation` for days that were not reported in Wh."""
    if compared.empty:
        return empty_frame("reconciliation")
    days = compared["period_start"]
    log.warning("energy is not in Wh site_id=%s days=%s first=%s", site.site_id, days.nunique(), days.min())
    return table_frame(
        "reconciliation",
        {
            "site_id": pd.Series(site.site_id, index=compared.index),
            "granularity": "day",
            "difference_wh": compared["left_wh"] - compared["right_wh"],
            "verdict": np.where(compared["left_wh"].isna(), Verdict.MISSING_LEFT.value, Verdict.DIFFERS.value),
            "cause": Cause.UNIT_MISMATCH.value,
            **{name: compared[name] for name in compared.columns},
        },
    )
