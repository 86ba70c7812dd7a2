"""Energy of holes in the intervals of a day, by rows of days that the server cut by another clock (Q7).

Such a row is the sum of another stretch of time, so it is not the site's day. But where intervals are zero or missing in one
day of the site alone, the row minus the sum of the intervals of its own stretch is the energy of the hole.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from transform.day_sums import DayRows, Floats, Mask
from transform.local_calendar import Calendar
from transform.sites import Site
from transform.time import Ints, days_of, epoch_us
from warehouse.schema import FLOWS

BIN_US: Final = 900 * 1_000_000
"""Times of day are grouped by quarter hours, since few intervals are longer."""

USUAL: Final = 0.5
"""Energy is usual at a time of day if at least this share of the days has some."""

ROUNDED_WH: Final = 1.5
"""A row of a day and its intervals are rounded to the Wh one by one; what differs by no more is no hole."""


def is_silent(rows: DayRows, calendar: Calendar, site: Site) -> Mask:
    """Rows that are all zero at a time of day at which most other days have energy.

    Days before and after a battery was added are not alike: without one, nights are zero.
    """
    has_energy = np.zeros(len(rows.at), dtype=bool)
    for column in rows.values.T:
        has_energy |= column > 0.0
        has_energy |= column < 0.0
    if len(rows.at) == 0:
        return has_energy
    time_of_day = (rows.begun_us - calendar.starts_us[rows.at]) // BIN_US
    time_of_day = 2 * time_of_day + site.has_battery_on(calendar.days)[rows.at]
    rows_at, with_energy = np.bincount(time_of_day), np.bincount(time_of_day, weights=has_energy)
    is_usual = with_energy >= USUAL * np.maximum(rows_at, 1)
    return np.asarray(~has_energy & is_usual[time_of_day])


@dataclass(frozen=True, slots=True)
class Filled:
    """Days whose holes are known.

    Attributes:
        days: Their positions in the calendar.
        flows: The energy in their holes, days × `FLOWS`, Wh; NaN where a row does not have the flow.
    """

    days: Ints
    flows: Floats


@dataclass(frozen=True, slots=True)
class _Intervals:
    """Running sums of the intervals in order of time: seconds of rows without a fault, and energy of all."""

    begun_us: Ints
    whole_s: Ints
    flows: Floats
    installed_us: int

    @classmethod
    def of(cls, rows: DayRows, calendar: Calendar, site: Site) -> "_Intervals":
        lacks = np.isnan(rows.values)
        is_reported = ~lacks.all(axis=0)
        is_whole = ~is_silent(rows, calendar, site) & ~(lacks & is_reported).any(axis=1)
        known = np.where(lacks, 0.0, rows.values).cumsum(axis=0)
        return cls(
            rows.begun_us,
            np.append(0, (rows.length_s * is_whole).cumsum()),
            np.concatenate([np.zeros((1, rows.values.shape[1])), known]),
            0 if site.installed_at is None else round(site.installed_at.timestamp() * 1_000_000),
        )

    def hole_s(self, begins_us: int, ends_us: int) -> int:
        """Seconds without a row, or with rows that lack something; before the installation nothing is lacking."""
        begins_us = max(begins_us, self.installed_us)
        first, last = np.searchsorted(self.begun_us, [begins_us, ends_us])
        return max(ends_us - begins_us, 0) // 1_000_000 - int(self.whole_s[last] - self.whole_s[first])

    def sums(self, begins_us: int, ends_us: int) -> Floats:
        """Energy of a stretch of time."""
        first, last = np.searchsorted(self.begun_us, [begins_us, ends_us])
        return np.asarray(self.flows[last] - self.flows[first])


def filled_by_other_days(others: pd.DataFrame, rows: DayRows, site: Site, calendar: Calendar) -> Filled:
    """The energy in the holes of days of which each lies in rows that have no hole of another day.

    Args:
        others: Rows of table `energy_periods` about days that the server cut by another clock, the best first.
        rows: The intervals, with `FLOWS`.
        site: The site.
        calendar: The days.
    """
    nothing = Filled(np.zeros(0, dtype=np.int64), np.zeros((0, len(FLOWS))))
    settle_us = 0 if len(calendar.days) == 0 else int(calendar.settled_us[0] - calendar.ends_us[0])
    starts, names = days_of(others["period_start"]), others["timezone"]
    begins_us, ends_us = (site.first_instants_us(edges, names) for edges in (starts, starts + 1))
    is_final = epoch_us(others["_fetched_at"]) >= ends_us + settle_us
    begins_us, ends_us = begins_us[is_final], ends_us[is_final]
    if len(begins_us) == 0 or len(rows.at) == 0:
        return nothing
    reported = others.loc[is_final, list(FLOWS)].to_numpy(dtype=np.float64)
    _, firsts = np.unique(begins_us, return_index=True)
    intervals, found = _Intervals.of(rows, calendar, site), {}
    for day, (starts_us, until_us) in enumerate(
        zip(calendar.starts_us.tolist(), calendar.ends_us.tolist(), strict=True)
    ):
        hole_s, energy = intervals.hole_s(starts_us, until_us), np.zeros(len(FLOWS))
        if hole_s == 0:
            continue
        for at in firsts[(begins_us[firsts] < until_us) & (ends_us[firsts] > starts_us)].tolist():
            begun_us, ended_us = int(begins_us[at]), int(ends_us[at])
            shared_s = intervals.hole_s(max(begun_us, starts_us), min(ended_us, until_us))
            missing = reported[at] - intervals.sums(begun_us, ended_us)
            is_own = shared_s == intervals.hole_s(begun_us, ended_us) and not (missing < -ROUNDED_WH).any()
            if shared_s and is_own:
                hole_s -= shared_s
                energy += np.maximum(missing, 0.0)
        if hole_s == 0 and (energy > ROUNDED_WH).any():
            found[day] = energy
    return Filled(np.array(list(found), dtype=np.int64), np.stack(list(found.values()))) if found else nothing
