"""Which rows the windows that were asked for should hold.

A day of five-minute intervals is 276, 288 or 300 rows, a month's answer as many days as the month has. Events (outages,
charge sessions) are not expected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, Protocol

import numpy as np
import pandas as pd

from transform.energy_intervals import FIVE_MINUTES_SINCE
from transform.sites import Site
from transform.time import Days, Ints, days_of, epoch_us, first_instants

INTERVAL_TABLES: Final[dict[str, str]] = {
    "power": "power",
    "soe": "state_of_energy",
    "energy_interval": "energy_intervals",
}
"""Series whose windows are days of intervals → the table of their rows."""

USUAL_S: Final[dict[str, int]] = {"power": 300, "soe": 900, "energy_interval": 300}
"""Length of interval to expect where nothing is held to measure it by."""

PERIODS: Final[dict[str, tuple[str, str]]] = {
    "energy_day": ("calendar_history/month", "D"),
    "energy_month": ("calendar_history/year", "M"),
    "energy_year": ("calendar_history/lifetime", "Y"),
}
"""Series whose windows are months, years or a lifetime → source of their rows, and NumPy's name of what a row is."""

WITNESS: Final = timedelta(days=27)
"""Shorter windows of series `energy_day` were asked to compare with, not to be complete."""

LONGEST_INTERVAL_US: Final = 3600 * 1_000_000
"""Rows that are longer stand for their day (Q9, Q10)."""

DAY_SOURCE: Final = "calendar_history/day"
"""Source of the one row that a day of series `energy_interval` was before April 2024 (Q10)."""


class Asked(Protocol):
    """An entry of the raw index; it fits by its shape alone."""

    @property
    def raw_id(self) -> str: ...
    @property
    def series(self) -> str: ...
    @property
    def window_start(self) -> date | None: ...
    @property
    def window_end(self) -> date | None: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def outcome(self) -> str: ...
    @property
    def is_answer(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class AskedWindow:
    """A window, and everything that was asked for it, oldest first.

    Attributes:
        start: First day.
        end: Last day, included.
        entries: Its entries in the raw index.
    """

    start: date
    end: date
    entries: tuple[Asked, ...]

    @property
    def answered_at(self) -> datetime | None:
        """When it was last answered."""
        return max((each.requested_at for each in self.entries if each.is_answer), default=None)

    def clock(self, site: Site) -> tzinfo:
        """The clock that the window was cut by: it closed at a midnight of it (Q7)."""
        closes_at = self.entries[-1].closes_at if self.entries else None
        if site.clock_offset_minutes is None or closes_at is None:
            return site.clock
        midnight = datetime.combine(self.end + timedelta(days=1), time(), closes_at.tzinfo)
        return timezone(midnight - closes_at)


def windows_of(entries: Iterable[Asked], series: str) -> list[AskedWindow]:
    """The windows of a series among entries of one site, in order of time.

    A lifetime is another window every day; of those the newest says it all.
    """
    asked: dict[tuple[date, date], list[Asked]] = {}
    for each in sorted(entries, key=lambda entry: (entry.requested_at, entry.raw_id)):
        if each.series != series or each.window_start is None or each.window_end is None:
            continue
        if series != "energy_day" or each.window_end - each.window_start >= WITNESS:
            asked.setdefault((each.window_start, each.window_end), []).append(each)
    if series == "energy_year" and asked:
        asked = {max(asked, key=lambda span: span[1]): [each for of_span in asked.values() for each in of_span]}
    return [AskedWindow(start, end, tuple(of_span)) for (start, end), of_span in sorted(asked.items())]


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that are held of a series, ordered: beginnings and ends in microseconds since 1970."""

    starts_us: Ints
    ends_us: Ints

    def between(self, first_us: int, last_us: int) -> slice:
        """The rows that begin from `first_us` on and before `last_us`."""
        first, last = np.searchsorted(self.starts_us, (first_us, last_us)).tolist()
        return slice(first, last)


def held_of(series: str, tables: Mapping[str, pd.DataFrame], site: Site) -> Held:
    """The rows held of a series; of `energy_interval` also the one row a day of the old era (Q10)."""
    if series in PERIODS:
        starts, ends = _periods_us(tables["energy_periods"], *PERIODS[series], site)
    else:
        rows = tables[INTERVAL_TABLES[series]]
        starts = epoch_us(rows["interval_start"])
        ends = starts + rows["interval_s"].to_numpy(dtype=np.int64) * 1_000_000
    if series == "energy_interval":
        days = _periods_us(tables["energy_periods"], DAY_SOURCE, "D", site)
        starts, ends = np.concatenate([starts, days[0]]), np.concatenate([ends, days[1]])
    order = np.argsort(starts, kind="stable")
    return Held(starts[order], ends[order])


def edges_us(windows: Sequence[AskedWindow], series: str, held: Held, site: Site) -> list[Ints]:
    """For each window the beginnings of the rows that it should hold, and the end of the last one, in microseconds since 1970.

    Args:
        windows: The windows.
        series: Their series.
        held: What is held of it, which tells how long intervals are.
        site: The site.
    """
    if series in PERIODS:
        return _instants_us([_period_starts(window, PERIODS[series][1]) for window in windows], windows, site)
    bounds = _instants_us([_days(each.start, each.end + timedelta(days=1)) for each in windows], windows, site)
    return [
        _intervals_us(window, series, held, first, last)
        for window, (first, last) in zip(windows, (each.tolist() for each in bounds), strict=True)
    ]


def _intervals_us(window: AskedWindow, series: str, held: Held, first: int, last: int) -> Ints:
    """Edges of a day's intervals: of the commonest length of its rows, else of all rows, else of the usual one."""
    mine = held.between(first, last)
    if series == "energy_interval" and mine.start == mine.stop and np.datetime64(window.end) < FIVE_MINUTES_SINCE:
        return np.array([first, last], dtype=np.int64)
    lengths = held.ends_us[mine] - held.starts_us[mine]
    if not len(lengths):
        lengths = held.ends_us - held.starts_us
    lengths = lengths[lengths <= LONGEST_INTERVAL_US] // 1_000_000
    step_us = (int(np.bincount(lengths).argmax()) if len(lengths) else USUAL_S[series]) * 1_000_000
    return np.append(np.arange(first, last, step_us, dtype=np.int64), last)


def _instants_us(days: Sequence[Days], windows: Sequence[AskedWindow], site: Site) -> list[Ints]:
    """First instants of days, each on the clock of its window; zones are asked once for all days."""
    clocks = [window.clock(site) for window in windows]
    sizes = [len(each) for each in days]
    everything = np.concatenate(days)
    instants = np.zeros(len(everything), dtype=np.int64)
    for clock in set(clocks):
        mine = np.repeat([each == clock for each in clocks], sizes)
        instants[mine] = epoch_us(first_instants(everything[mine], clock))
    return np.split(instants, np.cumsum(sizes)[:-1])


def _periods_us(periods: pd.DataFrame, source: str, unit: str, site: Site) -> tuple[Ints, Ints]:
    is_mine = (periods["source"] == source).to_numpy(dtype=bool)
    if not is_mine.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = days_of(periods["period_start"])[is_mine]
    following = (starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")
    begun_us, ended_us = np.split(epoch_us(first_instants(np.concatenate([starts, following]), site.clock)), 2)
    return begun_us, ended_us


def _period_starts(window: AskedWindow, unit: str) -> Days:
    """First days of the periods of a window and of the one after it; the first may begin before the window."""
    first, last = _days(window.start, window.end).astype(f"datetime64[{unit}]")
    return np.asarray(np.arange(first, last + 2).astype("datetime64[D]"))


def _days(*days: date) -> Days:
    return np.array(days, dtype="datetime64[D]")
