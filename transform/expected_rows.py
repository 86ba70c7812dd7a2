"""The rows that requested windows should have: the windows of a series, their slots, and the rows that are stored.

A day of five-minute intervals is 276, 288 or 300 slots, a response about a month has as many days as the month.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import chain, repeat
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.periods import NUMPY_UNITS
from transform.sites import Site
from transform.time import LONGEST_INTERVAL_US, Days, Ints, days_of, epoch_us, first_instants_by_clock_us
from wattlog.causes import Granularity
from wattlog.local_days import clock_at_end
from wattlog.series_spec import Grain, Intervals, SeriesSpec

Mask = npt.NDArray[np.bool_]

CROSS_CHECK: Final = timedelta(days=27)
"""Shorter windows of a series of months are cross-check requests: they are not expected to be complete."""


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
    def is_conclusive(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class AskedWindow:
    """A window, and every request for it, oldest first.

    Attributes:
        start: First day.
        end: Last day, included.
        entries: Its entries in the raw index.
    """

    start: date
    end: date
    entries: tuple[Asked, ...]

    @property
    def conclusive(self) -> list[str]:
        """The responses with an outcome that answers the request, oldest first: their `raw_id`."""
        return [entry.raw_id for entry in self.entries if entry.is_conclusive]

    def clock(self, site: Site) -> tzinfo:
        """The clock that the window was cut by: it closed at a midnight of it (Q7)."""
        closes_at = self.entries[-1].closes_at if self.entries else None
        return site.clock if closes_at is None else clock_at_end(self.end, closes_at, site.clocks)


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored rows of a series, ordered: beginnings and ends in microseconds since 1970."""

    starts_us: Ints
    ends_us: Ints


def windows_of(entries: Iterable[Asked], spec: SeriesSpec) -> list[AskedWindow]:
    """The windows of a series among entries of one site, in order of time.

    A lifetime is another window every day, and the newest contains the others.
    """
    asked: dict[tuple[date, date], list[Asked]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.requested_at, entry.raw_id)):
        if entry.series != spec.name or entry.window_start is None or entry.window_end is None:
            continue
        if spec.grain is not Grain.MONTH or entry.window_end - entry.window_start >= CROSS_CHECK:
            asked.setdefault((entry.window_start, entry.window_end), []).append(entry)
    if spec.grain is Grain.LIFETIME and asked:
        newest = max(asked, key=lambda span: span[1])
        asked = {newest: [entry for of_span in asked.values() for entry in of_span]}
    return [AskedWindow(start, end, tuple(of_span)) for (start, end), of_span in sorted(asked.items())]


def stored_rows(spec: SeriesSpec, tables: Mapping[str, pd.DataFrame], site: Site) -> Stored:
    """The stored rows of a series: its intervals, and its periods, such as the one row a day of the old era (Q10)."""
    spans: list[tuple[Ints, Ints]] = []
    if spec.intervals is not None:
        rows = tables[spec.intervals.table]
        begun_us = epoch_us(rows["interval_start"])
        spans.append((begun_us, begun_us + rows["interval_s"].to_numpy(dtype=np.int64) * 1_000_000))
    if spec.granularity is not None:
        spans.append(_periods_us(tables["energy_periods"], spec.source, spec.granularity, site))
    starts, ends = (np.concatenate(edges) for edges in zip(*spans, strict=True))
    order = np.argsort(starts, kind="stable")
    return Stored(starts[order], ends[order])


@dataclass(frozen=True, slots=True)
class Slots:
    """The time of each row that some windows should have, window by window.

    Attributes:
        starts_us: Beginning of each, microseconds since 1970.
        ends_us: Its end.
        window: Position of its window.
    """

    starts_us: Ints
    ends_us: Ints
    window: Ints


def slots_of(windows: Sequence[AskedWindow], spec: SeriesSpec, stored: Stored, site: Site) -> Slots:
    """The rows that windows should have.

    Args:
        windows: The windows.
        spec: Their series.
        stored: Its stored rows, which show how long intervals are.
        site: The site.
    """
    if spec.intervals is None:
        unit = NUMPY_UNITS[spec.granularity or Granularity.DAY]
        edges = _instants_us([_period_starts(window, unit) for window in windows], windows, site)
        starts, ends = (np.concatenate([of_window[cut] for of_window in edges]) for cut in (slice(-1), slice(1, None)))
        return Slots(starts, ends, np.repeat(np.arange(len(windows)), [len(of_window) - 1 for of_window in edges]))
    bounds = _instants_us([_days(window.start, window.end + timedelta(days=1)) for window in windows], windows, site)
    first_us, last_us = np.array(bounds, dtype=np.int64).T
    step_us = _steps_us(windows, spec.intervals, stored, first_us, last_us)
    counts = -(-(last_us - first_us) // step_us)
    window = np.repeat(np.arange(len(windows)), counts)
    number = np.arange(len(window)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts_us = first_us[window] + number * step_us[window]
    return Slots(starts_us, np.minimum(starts_us + step_us[window], last_us[window]), window)


def _steps_us(
    windows: Sequence[AskedWindow], intervals: Intervals, stored: Stored, first_us: Ints, last_us: Ints
) -> Ints:
    """How long the intervals of each window are: the commonest length of its rows, else of all rows, else the usual one.

    A window of the era of one row a day has one slot, unless it has rows.
    """
    lengths_us = stored.ends_us - stored.starts_us
    is_interval = lengths_us <= LONGEST_INTERVAL_US
    known_s = np.unique(lengths_us[is_interval] // 1_000_000)
    begin, end = (np.searchsorted(stored.starts_us, edge) for edge in (first_us, last_us))
    counts = np.zeros((len(windows), len(known_s)), dtype=np.int64)
    in_all = np.zeros(len(known_s), dtype=np.int64)
    for column, length_s in enumerate(known_s.tolist()):
        reached = np.append(0, np.cumsum(is_interval & (lengths_us // 1_000_000 == length_s)))
        counts[:, column], in_all[column] = reached[end] - reached[begin], reached[-1]
    has_rows = end > begin
    counts[~has_rows] = in_all
    usual_s = np.full(len(windows), intervals.usual_s, dtype=np.int64)
    is_shown = counts.any(axis=1)
    if len(known_s):
        usual_s[is_shown] = known_s[counts.argmax(axis=1)][is_shown]
    steps_us = usual_s * 1_000_000
    if intervals.one_row_before is not None:
        is_old = np.array([window.end < intervals.one_row_before for window in windows])
        steps_us = np.where(is_old & ~has_rows, np.maximum(last_us - first_us, 1), steps_us)
    return steps_us


def _instants_us(days: Sequence[Days], windows: Sequence[AskedWindow], site: Site) -> list[Ints]:
    """First instants of days, each on the clock of its window; all days of a clock at once."""
    clocks = [window.clock(site) for window in windows]
    sizes = [len(of_window) for of_window in days]
    everything = np.concatenate(days)
    of_days = chain.from_iterable(map(repeat, clocks, sizes))
    return np.split(first_instants_by_clock_us(everything, of_days), np.cumsum(sizes)[:-1])


def _periods_us(periods: pd.DataFrame, source: str, granularity: Granularity, site: Site) -> tuple[Ints, Ints]:
    is_mine = (periods["source"] == source).to_numpy(dtype=bool)
    if not is_mine.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = days_of(periods["period_start"])[is_mine]
    following = (starts.astype(f"datetime64[{NUMPY_UNITS[granularity]}]") + 1).astype("datetime64[D]")
    names = periods["timezone"][is_mine]
    return site.first_instants_us(starts, names), site.first_instants_us(following, names)


def _period_starts(window: AskedWindow, unit: str) -> Days:
    """First days of the periods of a window and of the one after it; the first may begin before the window."""
    first, last = _days(window.start, window.end).astype(f"datetime64[{unit}]")
    return np.asarray(np.arange(first, last + 2).astype("datetime64[D]"))


def _days(*days: date) -> Days:
    return np.array(days, dtype="datetime64[D]")
