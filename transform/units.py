"""Is energy in Wh? Units are not believed but evidenced: by what power says of the same time.

The ratio of a day's energy to the integral of its power is about 1 where both are in Wh, and about 0.001 where energy is in
kWh, as the API's pages claim it is (fact 1). Only such a ratio, within 2 %, scales anything; every day that was scaled stands
in table `reconciliation`.
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
from transform.time import Days, Ints, date_column, days_of, epoch_us
from warehouse.schema import FLOWS

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
"""Flows that power knows, too: what came out of each source → its power where that is positive."""

WITHIN: Final = 0.02
"""How far a ratio may be from a power of a thousand and still be taken for one."""

MIN_EVIDENCE_WH: Final = 500.0
"""Days on which less flowed prove nothing: rounding to the Wh alone would be more than the tolerance."""

THOUSANDS: Final = np.array([-6, -3, 3], dtype=np.int64)
"""Units that could be meant are a thousand apart: MWh, kWh, mWh."""

TOLERANCE_SHARE: Final = 0.03
TOLERANCE_WH: Final = 50.0
"""By how much a day's power integral may differ from its energy: averages, rounding, losses (Q34)."""

_HALF_A_THOUSAND: Final = 1.5
"""As a power of ten: no ratio is as near as this to two units at once."""

_DECIMALS = 6
"""A thousandth of an integer, times a thousand, is that integer only to within a float's rounding."""


def in_watt_hours(
    intervals: pd.DataFrame, periods: pd.DataFrame, power: pd.DataFrame, site: Site
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scale the energy of days that power proves to be in another unit.

    A day without evidence of its own (too little power) has the unit of the days around it that have some, if they agree.

    **Shape**: frames of tables `energy_intervals`, `energy_periods` and `power` of one site → the first two with the same
    rows, and one row of table `reconciliation` per day and flow that was scaled, whichever of the two told it. Of the
    periods those of a day are scaled; for weeks, months and years see `rollup_units`. **Units**: Wh.
    """
    if intervals.empty and power.empty:
        return intervals, periods, empty_frame("reconciliation")
    told, known = _Rows.of_intervals(intervals), _Rows.of_power(power)
    days = np.unique(told.days)
    exponents = _eras(*_interval_sums(told, known, days))
    intervals_wh = scaled(intervals, _of_rows(told.days, days, exponents))
    in_wh = told if intervals_wh is intervals else _Rows.of_intervals(intervals_wh)
    of_periods = _day_exponents(periods, in_wh, known)
    scaled_days = days[exponents != 0]
    findings = [_findings(_of_intervals(told, known, scaled_days), site)] if len(scaled_days) else []
    if of_periods.any():
        told_by_days = periods[(of_periods != 0) & ~np.isin(days_of(periods["period_start"]), scaled_days)]
        findings.append(_findings(_of_days(told_by_days, in_wh, known), site))
    found = [each for each in findings if len(each)]
    return (
        intervals_wh,
        scaled(periods, of_periods),
        pd.concat(found, ignore_index=True) if found else empty_frame("reconciliation"),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What rows of intervals say of the flows that power knows, too.

    Attributes:
        days: The local day of each.
        starts_us: When each begins, microseconds since 1970.
        ends_us: When each ends.
        wh: Rows × `SOURCES`, 0 where nothing is told.
    """

    days: Days
    starts_us: Ints
    ends_us: Ints
    wh: Floats

    @classmethod
    def of_intervals(cls, rows: pd.DataFrame) -> "_Rows":
        """Energy as it was told."""
        starts_us, length_s = epoch_us(rows["interval_start"]), rows["interval_s"].to_numpy(dtype=np.int64)
        wh = np.column_stack([np.nan_to_num(rows[flow].to_numpy(dtype=np.float64)) for flow in SOURCES])
        return cls(days_of(rows["local_date"]), starts_us, starts_us + length_s * 1_000_000, wh)

    @classmethod
    def of_power(cls, rows: pd.DataFrame) -> "_Rows":
        """What came out of each source, as an integral."""
        starts_us, length_s = epoch_us(rows["interval_start"]), rows["interval_s"].to_numpy(dtype=np.int64)
        powers = [np.nan_to_num(rows[name].to_numpy(dtype=np.float64)) for name in SOURCES.values()]
        wh = np.column_stack([np.maximum(each, 0.0) * (length_s / 3600) for each in powers])
        return cls(days_of(rows["local_date"]), starts_us, starts_us + length_s * 1_000_000, wh)

    @property
    def all_wh(self) -> Floats:
        """All flows of each row together."""
        return np.asarray(self.wh.sum(axis=1))

    def by_day(self, values: Floats, days: Days, is_wanted: Mask | None = None) -> Floats:
        """Sums of `values` over the rows of each of some ascending days."""
        if len(days) == 0:
            return np.zeros(0)
        at = np.minimum(np.searchsorted(days, self.days), len(days) - 1)
        is_mine = days[at] == self.days if is_wanted is None else is_wanted & (days[at] == self.days)
        return np.asarray(np.bincount(at[is_mine], values[is_mine], len(days)), dtype=np.float64)

    def flows_by_day(self, days: Days) -> Floats:
        """Sums of `SOURCES`: days × flows."""
        return np.column_stack([self.by_day(each, days) for each in self.wh.T])


def _interval_sums(intervals: _Rows, power: _Rows, days: Days) -> tuple[Floats, Floats]:
    """Energy of each day, and the integral of power over the same time, whichever of the two comes in shorter rows."""
    is_shared = _begins_within(intervals, power) | _holds_a_beginning(intervals, power)
    is_there = _begins_within(power, intervals) | _holds_a_beginning(power, intervals)
    return intervals.by_day(intervals.all_wh, days, is_shared), power.by_day(power.all_wh, days, is_there)


def _begins_within(rows: _Rows, others: _Rows) -> Mask:
    """Which rows begin in the time of another table's row."""
    order = np.argsort(others.starts_us, kind="stable")
    at = np.searchsorted(others.starts_us[order], rows.starts_us, side="right") - 1
    return np.asarray((at >= 0) & (rows.starts_us < np.append(others.ends_us[order], 0)[at]))


def _holds_a_beginning(rows: _Rows, others: _Rows) -> Mask:
    """In the time of which rows a row of another table begins."""
    starts_us = np.sort(others.starts_us)
    return np.asarray(np.searchsorted(starts_us, rows.ends_us) > np.searchsorted(starts_us, rows.starts_us))


def exponents_of(energy: Floats, reference: Floats, *, within: float) -> tuple[Exponents, npt.NDArray[np.bool_]]:
    """Power of ten that each ratio of energy to what is known of it is, 0 for none other than 1; and which ratios prove it.

    Args:
        energy: What was told.
        reference: What is known of the same energy, in Wh; too little of it proves nothing.
        within: How far a ratio may be from a power of a thousand.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(reference >= MIN_EVIDENCE_WH, energy / reference, np.nan)
        is_power = np.abs(ratio[:, None] / 10.0 ** THOUSANDS[None, :] - 1) <= within
    found = np.where(is_power.any(axis=1), THOUSANDS[is_power.argmax(axis=1)], 0)
    return found.astype(np.int64), is_power.any(axis=1) | (np.abs(ratio - 1) <= 0.5)


def _eras(energy: Floats, integral: Floats) -> Exponents:
    """The unit of each day, in order of time; days that prove none take that of the days around them, if they agree.

    If they do not, the day is the last of one era or the first of the next: its own ratio, which missing rows have moved by
    less than half of a thousand, tells which.
    """
    found, is_proven = exponents_of(energy, integral, within=WITHIN)
    if not found.any():
        return found
    proven = np.flatnonzero(is_proven)
    at = np.searchsorted(proven, np.arange(len(found)))
    before = found[proven[np.maximum(np.searchsorted(proven, np.arange(len(found)), side="right") - 1, 0)]]
    after = found[proven[np.minimum(at, len(proven) - 1)]]
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.log10(np.where(integral >= MIN_EVIDENCE_WH, energy / integral, np.nan))
    is_near_before, is_near_after = (np.abs(exponent - each) < _HALF_A_THOUSAND for each in (before, after))
    around = np.where(is_near_before | (before == after), before, np.where(is_near_after, after, 0))
    return np.where(is_proven, found, around)


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


def _day_exponents(periods: pd.DataFrame, intervals: _Rows, power: _Rows) -> Exponents:
    """Units of the API's own daily rows, by the sum of intervals where there are some, else by the integral of power.

    A day of which neither is held may still be told by a source that has proven its unit on other days: that one then
    measures the sources that have nothing else, such as a week that was asked as a witness.
    """
    is_day = (periods["granularity"] == "day").to_numpy(dtype=bool)
    exponents = np.zeros(len(periods), dtype=np.int64)
    if not is_day.any():
        return exponents
    starts, sources = days_of(periods["period_start"]), periods["source"].to_numpy(dtype=object)
    told = _flows(periods).sum(axis=1)
    days = np.unique(starts[is_day])
    reference = intervals.by_day(intervals.all_wh, days)
    reference = np.where(reference > 0, reference, power.by_day(power.all_wh, days))
    for source, _ in sorted(Counter(sources[is_day]).items(), key=lambda each: (-each[1], each[0])):
        mine = np.flatnonzero(is_day & (sources == source))
        mine = mine[np.argsort(starts[mine], kind="stable")]
        at = np.searchsorted(days, starts[mine])
        exponents[mine] = _eras(told[mine], reference[at])
        if exponents_of(told[mine], reference[at], within=WITHIN)[1].any():
            reference[at] = np.where(reference[at] > 0, reference[at], told[mine] / 10.0 ** exponents[mine])
    return exponents


def _flows(periods: pd.DataFrame) -> Floats:
    """Rows × `SOURCES`, 0 where nothing is told."""
    told = np.column_stack([periods[flow].to_numpy(dtype=np.float64) for flow in SOURCES])
    return np.asarray(np.nan_to_num(told))


def _of_intervals(intervals: _Rows, power: _Rows, days: Days) -> pd.DataFrame:
    """What power and intervals, as they were told, say of each day and flow."""
    left, right = power.flows_by_day(days), intervals.flows_by_day(days)
    return _compared(days, left, right, check="power_vs_energy", sources=("power", "energy_intervals"))


def _of_days(told: pd.DataFrame, intervals: _Rows, power: _Rows) -> pd.DataFrame:
    """What the API's own daily rows say, as they were told, and what they were measured by; of several the first.

    A day that has its unit from the days around it has nothing to be measured by: its left side is NULL.
    """
    rows = told.sort_values(["period_start", "source"]).drop_duplicates("period_start")
    days = days_of(rows["period_start"])
    right = _flows(rows)
    summed = intervals.flows_by_day(days)
    is_summed = (summed > 0).any(axis=1)
    integral = power.flows_by_day(days)
    integral[~(integral > 0).any(axis=1)] = np.nan
    found = []
    for is_mine, left, check, source in (
        (is_summed, summed, "interval_vs_day", "energy_intervals"),
        (~is_summed, integral, "power_vs_energy", "power"),
    ):
        names = rows["source"].to_numpy(dtype=object)[is_mine]
        found.append(_compared(days[is_mine], left[is_mine], right[is_mine], check=check, sources=(source, names)))
    return pd.concat(found, ignore_index=True)


def _compared(
    days: Days,
    left: Floats,
    right: Floats,
    *,
    check: str,
    sources: tuple[str, str | npt.NDArray[np.object_]],
) -> pd.DataFrame:
    """One row per day and flow of which the two say more than the tolerance apart, or only the right one says anything."""
    tolerance = np.maximum(TOLERANCE_WH, TOLERANCE_SHARE * np.fmax(left, right))
    day, flow = np.nonzero((np.abs(left - right) > tolerance) | (np.isnan(left) & (right > 0)))
    return pd.DataFrame(
        {
            "check_name": check,
            "period_start": date_column(days[day]),
            "measure": np.array(list(SOURCES), dtype=object)[flow],
            "left_source": sources[0],
            "left_wh": left[day, flow],
            "right_source": sources[1] if isinstance(sources[1], str) else sources[1][day],
            "right_wh": right[day, flow],
            "tolerance_wh": tolerance[day, flow],
        }
    )


def _findings(compared: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Rows of table `reconciliation` for days that are not in Wh as they were told."""
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
            "verdict": np.where(compared["left_wh"].isna(), "missing_left", "differs"),
            "cause": "unit_mismatch",
            **{name: compared[name] for name in compared.columns},
        },
    )
