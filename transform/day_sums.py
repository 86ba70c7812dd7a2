"""What the rows of a day add up to: interval energy as it was reported, and power as its integral.

Rows of a lake file are in order of time, so a day is a run of rows, and its sum is one step over an array.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.local_calendar import Calendar
from transform.time import Ints, epoch_us
from warehouse.schema import FLOWS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HOME: Final = tuple(name for name in FLOWS if name.startswith("consumer_energy_imported_from_"))
GRID_EXPORT: Final = tuple(name for name in FLOWS if name.startswith("grid_energy_exported_from_"))
BATTERY_CHARGE: Final = tuple(name for name in FLOWS if name.startswith("battery_energy_imported_from_"))
TOTALS: Final[dict[str, tuple[str, ...]]] = {
    "home_wh": HOME,
    "grid_export_wh": GRID_EXPORT,
    "battery_charge_wh": BATTERY_CHARGE,
}
"""Totals of a day and the flows they sum. Source: API.md#flow-identities."""

MEASURES: Final = (*TOTALS, *FLOWS)

COMPARED: Final = (
    "solar_energy_exported_wh",
    "generator_energy_exported_wh",
    "grid_energy_imported_wh",
    "battery_energy_exported_wh",
    *TOTALS,
)
"""What sources have to agree on: totals. How a total is split differs between them as a matter of course (Q21)."""

SPLITS: Final = (*HOME, *GRID_EXPORT, *BATTERY_CHARGE)
"""Where what came from each source went."""

COLUMN: Final = {name: index for index, name in enumerate(MEASURES)}
"""Position of each measure in an array of measures."""

_AT_METER: Final = [COLUMN[name] for name in ("grid_energy_imported_wh", "grid_export_wh", *HOME, *GRID_EXPORT)]
IS_METERED: Final = np.isin(np.arange(len(MEASURES)), [COLUMN["home_wh"], *_AT_METER])
"""Which measures a site measures only with the meter that comes with a battery (Q16, Q43)."""

_SPLIT_AT: Final = [FLOWS.index(name) for name in SPLITS]
_TOTAL_AT: Final = {total: [FLOWS.index(name) for name in parts] for total, parts in TOTALS.items()}
_SECONDS_PER_HOUR: Final = 3600
POWER_OF: Final[dict[str, tuple[str, int]]] = {
    "solar_energy_exported_wh": ("solar_w", 1),
    "generator_energy_exported_wh": ("generator_w", 1),
    "grid_energy_imported_wh": ("grid_w", 1),
    "battery_energy_exported_wh": ("battery_w", 1),
    "home_wh": ("home_w", 1),
    "grid_export_wh": ("grid_w", -1),
    "battery_charge_wh": ("battery_w", -1),
}
"""Totals that power has too: its column, and the sign that it has then."""

POWERS: Final = ("solar_w", "battery_w", "grid_w", "generator_w", "home_w")


@dataclass(frozen=True, slots=True)
class DaySums:
    """Rows added up by day of a calendar.

    Attributes:
        values: Wh, days × `MEASURES`; NaN where no row has a value.
        rows: How many rows each day has.
        covered_s: How many seconds they cover.
        asked_us: When the last of them was asked, microseconds since 1970.
        begun_us: Beginning of the first.
        ended_us: End of the last.
    """

    values: Floats
    rows: Ints
    covered_s: Ints
    asked_us: Ints
    begun_us: Ints
    ended_us: Ints


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows of intervals in order of time, those of a calendar's days alone.

    Attributes:
        at: Position of each row's day in the calendar, ascending.
        begun_us: Beginning of each row, microseconds since 1970.
        length_s: Its length.
        asked_us: When it was asked.
        values: Its numbers, rows × columns.
    """

    at: Ints
    begun_us: Ints
    length_s: Ints
    asked_us: Ints
    values: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame, columns: list[str], calendar: Calendar) -> "DayRows":
        """Rows of a table of intervals."""
        at, begun_us = calendar.index(rows["local_date"]), epoch_us(rows["interval_start"])
        length_s, asked_us = rows["interval_s"].to_numpy(dtype=np.int64), epoch_us(rows["_fetched_at"])
        values = np.empty((len(rows), len(columns)), order="F")
        for column, name in enumerate(columns):
            values[:, column] = rows[name].to_numpy(dtype=np.float64)
        if len(at) and (at[0] < 0 or at[-1] < 0 or (np.diff(begun_us) < 0).any() or (at < 0).any()):
            order = np.argsort(begun_us, kind="stable")
            order = order[at[order] >= 0]
            at, begun_us, length_s = at[order], begun_us[order], length_s[order]
            asked_us, values = asked_us[order], values[order]
        return cls(at, begun_us, length_s, asked_us, values)

    def taken(self, rows: Ints) -> "DayRows":
        """Some of the rows, by position, in order of time."""
        return DayRows(self.at[rows], self.begun_us[rows], self.length_s[rows], self.asked_us[rows], self.values[rows])

    def known_share(self, days: int) -> Floats:
        """Days × columns: the share of the day's rows, by their length, that has a value; 1 on a day without rows."""
        found = np.ones((days, self.values.shape[1]))
        everything_s = np.maximum(np.bincount(self.at, self.length_s, days), 1)
        for number, column in enumerate(self.values.T):
            is_unknown = np.isnan(column)
            if is_unknown.any():
                found[:, number] = 1 - np.bincount(self.at, is_unknown * self.length_s, days) / everything_s
        return found

    def totals(self, columns: Iterable[Floats], days: int) -> DaySums:
        """The sums by day of `columns`, numbers of these rows; one at a time, so that no table of them is made."""
        firsts = np.flatnonzero(np.diff(self.at, prepend=-1))
        days_at, lasts = self.at[firsts], np.append(firsts[1:], len(self.at)) - 1
        sums = np.stack([_summed(column, days_at, firsts, days) for column in columns], axis=1)
        rows, covered_s, asked_us, begun_us, ended_us = (np.zeros(days, dtype=np.int64) for _ in range(5))
        if len(firsts):
            rows[days_at] = lasts - firsts + 1
            covered_s[days_at] = np.add.reduceat(self.length_s, firsts)
            asked_us[days_at] = np.maximum.reduceat(self.asked_us, firsts)
            begun_us[days_at] = self.begun_us[firsts]
            ended_us[days_at] = np.maximum.reduceat(self.begun_us + self.length_s * 1_000_000, firsts)
        return DaySums(sums, rows, covered_s, asked_us, begun_us, ended_us)


def known(values: Floats) -> Floats:
    """The values, with 0 for NaN. numpy's own `nan_to_num` looks for infinities as well, which takes three times as long."""
    return np.where(np.isnan(values), 0.0, values)


def interval_sums(rows: DayRows, has_battery: Mask) -> DaySums:
    """Energy of the intervals of each day; `rows` hold `FLOWS`.

    Args:
        rows: The intervals.
        has_battery: Whether the site has a battery on each day.
    """
    flows = rows.totals(rows.values.T, len(has_battery))
    return replace(flows, values=with_totals(flows.values, has_battery))


def power_sums(rows: DayRows, days: int) -> DaySums:
    """Integrals of power: what left the panels, what came from battery, grid and generator; no splits, no losses.

    The totals come from power too, since the flows they are summed from are not known. Where the home is unknown and the
    grid is zero, nothing measures it (Q16). `rows` hold `POWERS`.
    """
    watts = dict(zip(POWERS, rows.values.T, strict=True))
    is_unmetered = np.isnan(watts["home_w"]) & (watts["grid_w"] == 0.0)
    watts["grid_w"] = np.where(is_unmetered, np.nan, watts["grid_w"])
    length_s = rows.length_s.astype(np.float64)
    watt_s = (
        np.maximum(watts[power] if sign > 0 else -watts[power], 0.0) * length_s for power, sign in POWER_OF.values()
    )
    sums = rows.totals(watt_s, days)
    values = np.full((days, len(MEASURES)), np.nan)
    values[:, [COLUMN[name] for name in POWER_OF]] = sums.values / _SECONDS_PER_HOUR
    return replace(sums, values=values)


def measure_shares(rows: DayRows, days: int) -> Floats:
    """Days × `MEASURES`: the share of the day's rows with a value of the measure; of a total, of its part with the fewest.

    A part that no row of the day has is none of the total's. `rows` hold `FLOWS` or `POWERS`.
    """
    shares = rows.known_share(days)
    if shares.shape[1] == len(FLOWS):
        of_parts = np.where(shares > 0.0, shares, 1.0)
        totals = np.stack([of_parts[:, at].min(axis=1) for at in _TOTAL_AT.values()], axis=1)
        return np.concatenate([totals, shares], axis=1)
    found = np.ones((days, len(MEASURES)))
    for measure, (power, _) in POWER_OF.items():
        found[:, COLUMN[measure]] = shares[:, POWERS.index(power)]
    return found


def is_short(shares: Floats) -> Mask:
    """Measures of which some rows of the day have a value, and some have none."""
    return np.asarray((shares > 0.0) & (shares < 1.0))


def is_unknown_total(own: Floats, completed: Floats) -> Mask:
    """Totals (rows × `MEASURES`) that stay unknown: the source has none, and some part still has no value."""
    found = np.zeros(own.shape, dtype=bool)
    for total, at in _TOTAL_AT.items():
        has_gap = np.isnan(completed[:, np.array(at) + len(TOTALS)]).any(axis=1)
        found[:, COLUMN[total]] = np.isnan(own[:, COLUMN[total]]) & has_gap
    return found


def without_unshared_parts(values: Floats, others: Floats) -> Floats:
    """Rows × `MEASURES` without totals that lack a part of which the other source has energy: they cannot be compared."""
    found = values.copy()
    lacks = np.isnan(values) & (np.nan_to_num(others) > 0.0)
    for total, at in _TOTAL_AT.items():
        found[lacks[:, np.array(at) + len(TOTALS)].any(axis=1), COLUMN[total]] = np.nan
    return found


def with_totals(flows: Floats, has_battery: Mask) -> Floats:
    """Totals before flows: rows × `FLOWS` → rows × `MEASURES`.

    A solar-only site whose splits are all zero does not measure its home, and where it imports nothing either, its
    grid is not measured: those zeros are unknown (Q16, Q43). That it has no battery is known.

    Args:
        flows: The flows.
        has_battery: Whether the site has a battery on the day of each row.
    """
    totals = np.stack([_sum(flows[:, at]) for at in _TOTAL_AT.values()], axis=1)
    values = np.concatenate([totals, flows], axis=1)
    if not has_battery.all():
        is_unsplit = ~has_battery & ~(np.nan_to_num(flows[:, _SPLIT_AT]) > 0.0).any(axis=1)
        is_unmetered = is_unsplit & ~(np.nan_to_num(values[:, COLUMN["grid_energy_imported_wh"]]) > 0.0)
        values[is_unsplit, COLUMN["home_wh"]] = np.nan
        values[np.ix_(is_unmetered, _AT_METER)] = np.nan
    return values


def _sum(values: Floats) -> Floats:
    """Sums of rows; NaN where all are."""
    is_unknown = np.isnan(values)
    return np.where(is_unknown.all(axis=1), np.nan, np.where(is_unknown, 0.0, values).sum(axis=1))


def _summed(values: Floats, days_at: Ints, firsts: Ints, days: int) -> Floats:
    """Sums of runs of rows, by day; NaN where all are, and of days without a run."""
    found = np.full(days, np.nan)
    if len(firsts):
        sums = np.add.reduceat(values, firsts)
        if np.isnan(sums).any():
            is_unknown = np.isnan(values)
            known = np.add.reduceat((~is_unknown).astype(np.int64), firsts)
            sums = np.where(known > 0, np.add.reduceat(np.where(is_unknown, 0.0, values), firsts), np.nan)
        found[days_at] = sums
    return found
