"""One file of another tool, read by its mapping: sums by quarter hour or day, readings of devices, and the rows of no use.

A file in order of time is read once, with some thousands of rows in memory. Another one is read again, with all of its rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from transform.day_sums import MEASURES, POWERS, Floats
from transform.imports.batches import Batch, OnReject, UnreadableFile
from transform.imports.local_labels import instants_of_labels
from transform.imports.mapping import GATEWAY_ZERO_PCT, SOE, Column, Grain, Mapping
from transform.imports.sums import Buckets, IntervalSums, Mask, OutOfOrder
from transform.imports.values import Times, decimals, numbers, times, with_points
from transform.responses import Reason
from transform.time import Days, Ints
from warehouse.schema import MAX_INTERVAL_WH, MAX_POWER_W
from wattlog.zones import zone_named

Batches = Callable[[OnReject], Iterator[Batch]]
"""Reads a file from its beginning; each call reads it again."""

_DAY_US: Final = 86_400_000_000
_LEAST_DAY_US: Final = 20 * 3_600_000_000
_LEAST_MONTH_US: Final = 27 * _DAY_US
_LABELS_OF_AN_HOUR: Final = 7_200
"""How many labels of a repeated hour there can be: one a second, twice."""

_EXACT_WH: Final = 0.5
"""Half of a Wh: what is rounded to the Wh is as good as the API's own values."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row of a file that cannot be used, or some of its values.

    Attributes:
        line: Its line, from 1.
        reason: Why.
        payload: What it has.
    """

    line: int
    reason: Reason
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DayValues:
    """Rows that stand for local days, in order of the days.

    Attributes:
        days: The days.
        measures: The measures, some of `MEASURES`.
        values: Wh, days × measures.
    """

    days: Days
    measures: tuple[str, ...]
    values: Floats

    def column(self, measure: str) -> Floats:
        """The values of a measure; NaN throughout where the file has none."""
        if measure not in self.measures:
            return np.full(len(self.days), np.nan)
        return np.asarray(self.values[:, self.measures.index(measure)])


@dataclass(slots=True)
class Content:
    """What a file has.

    Attributes:
        mapping: What its columns mean, with the grain that its rows show.
        buckets: Sums by quarter hour; None of a file of days.
        days: Its days; None of a file of intervals.
        readings: Readings of devices: device, reading, instant_us, value, unit.
        rows: Rows that can be used.
        first_day: First local day.
        last_day: Last local day.
        step_s: The commonest distance between rows.
        half_unit: By how much its numbers may be rounded, in W or Wh.
        has_offsets: Its times name their offset, or are instants.
        rejects: The rows, and values of rows, that cannot be used.
    """

    mapping: Mapping
    buckets: Buckets | None = None
    days: DayValues | None = None
    readings: list[pd.DataFrame] = field(default_factory=list)
    rows: int = 0
    first_day: Any = None
    last_day: Any = None
    step_s: int | None = None
    half_unit: float = 0.0
    has_offsets: bool = True
    rejects: list[Reject] = field(default_factory=list)


def read_content(batches: Batches, mapping: Mapping, zone: str) -> Content:
    """Read a file.

    Args:
        batches: Reads it.
        mapping: What its columns mean.
        zone: Name of the zone of the site.

    Raises:
        UnreadableFile: No row can be used, whatever it has.
    """
    try:
        return _Reader(mapping, zone).read(batches)
    except OutOfOrder:
        return _Reader(mapping, zone, in_memory=True).read(batches)


def local_span(instants_us: Ints, zone: str) -> Days:
    """The local days of some instants.

    Args:
        instants_us: Microseconds since 1970.
        zone: Name of the zone of the site.
    """
    index = pd.DatetimeIndex(instants_us.astype("datetime64[us]")).tz_localize("UTC")
    return np.asarray(index.tz_convert(zone_named(zone)).tz_localize(None).to_numpy().astype("datetime64[D]"))


@dataclass(slots=True)
class _Reader:
    mapping: Mapping
    zone: str
    in_memory: bool = False
    _lines: list[Ints] = field(default_factory=list)
    _times: list[Ints] = field(default_factory=list)
    _values: list[Floats] = field(default_factory=list)
    _labels: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _sums: IntervalSums | None = None
    _content: Content = field(init=False)

    def __post_init__(self) -> None:
        self._content = Content(self.mapping)

    def read(self, batches: Batches) -> Content:
        rejects = self._content.rejects
        for batch in batches(lambda line, reason, payload: rejects.append(Reject(line, reason, payload))):
            if self.mapping.time not in batch.columns:
                raise UnreadableFile(f"it has no column {self.mapping.time}")
            may_be_days = self._content.mapping.grain in (Grain.DAYS, Grain.BY_STEPS)
            found = times(batch.columns[self.mapping.time], self.mapping.stamps, has_walls=may_be_days)
            self._add(batch, self._placed(batch, found))
        return self._finished()

    # --- times --------------------------------------------------------------------------------------------------------

    def _placed(self, batch: Batch, found: Times) -> tuple[Ints, Mask]:
        """The time of each row (an instant, or the day as written), and which rows can be used."""
        is_bad = found.is_bad
        usable = ~(found.is_missing | is_bad)
        if self._content.step_s is None:
            self._begin(found, usable)
        if self._content.mapping.grain is Grain.DAYS:
            at_us = self._days_as_written(found)
        elif found.instants_us is not None:
            at_us = found.instants_us
        else:
            self._content.has_offsets = False
            walls = found.walls_us if found.walls_us is not None else np.zeros(0, dtype=np.int64)
            at_us, is_shown = np.zeros(len(walls), dtype=np.int64), np.ones(len(walls), dtype=bool)
            at_us[usable], is_shown[usable] = self._instants_of(walls[usable])
            is_bad = is_bad | ~is_shown
            usable &= is_shown
        for is_refused, reason in ((found.is_missing, Reason.NO_TIMESTAMP), (is_bad, Reason.BAD_TIMESTAMP)):
            for row in np.flatnonzero(is_refused).tolist():
                self._reject(batch, row, reason)
        if at_us is None:
            raise UnreadableFile("its rows have no time")
        return at_us, usable

    def _instants_of(self, walls: Ints) -> tuple[Ints, Mask]:
        """The instants of labels; an autumn hour may have begun in the rows before."""
        before = len(self._labels)
        labels = np.concatenate([self._labels, walls])
        self._labels = labels[-_LABELS_OF_AN_HOUR:]
        at_us, is_shown = instants_of_labels(labels, self.mapping.zone or self.zone)
        return at_us[before:], is_shown[before:]

    def _days_as_written(self, found: Times) -> Ints | None:
        """The days of rows that stand for days: as their text has them, but for instants in UTC."""
        walls = self._walls(found.instants_us)
        if found.walls_us is None or walls is None:
            return walls if found.walls_us is None else found.walls_us
        return np.where(found.walls_us == found.instants_us, walls, found.walls_us)

    def _walls(self, instants_us: Ints | None) -> Ints | None:
        """What the site's clock shows."""
        if instants_us is None:
            return None
        index = pd.DatetimeIndex(instants_us.astype("datetime64[us]")).tz_localize("UTC")
        walls = index.tz_convert(zone_named(self.zone)).tz_localize(None)
        return np.asarray(walls.to_numpy().astype("datetime64[us]").view(np.int64))

    def _begin(self, found: Times, usable: Mask) -> None:
        """See from the first rows how far apart rows are, and what they stand for."""
        at_us = found.walls_us if found.walls_us is not None else found.instants_us
        if at_us is None or not usable.any():
            return
        steps = np.diff(np.unique(at_us[usable]))
        step_us = int(np.median(steps)) if len(steps) else 0
        self._content.step_s = step_us // 1_000_000
        mapping = self.mapping
        if mapping.grain is Grain.BY_STEPS and not len(steps):
            raise UnreadableFile("it has one row: whether that is a day or a longer time cannot be seen")
        if step_us >= _LEAST_MONTH_US and mapping.grain in (Grain.BY_STEPS, Grain.DAYS):
            raise UnreadableFile("its rows are months or years, not days; export each month by itself")
        if mapping.grain is Grain.BY_STEPS:
            mapping = replace(mapping, grain=Grain.DAYS if step_us >= _LEAST_DAY_US else Grain.INTERVALS)
        if mapping.grain is Grain.DAYS and any(target in POWERS for target in mapping.targets):
            raise UnreadableFile("its rows are days, and its columns are power")
        self._content.mapping = mapping
        if mapping.grain is not Grain.DAYS:
            columns = mapping.measures
            self._sums = IntervalSums(
                mapping.targets,
                tuple(column.is_cumulative for column in columns),
                mapping.grain,
                mapping.may_be_filled,
            )

    # --- values -------------------------------------------------------------------------------------------------------

    def _add(self, batch: Batch, placed: tuple[Ints, Mask]) -> None:
        at_us, usable = placed
        values = np.stack(
            [self._column(batch, column, usable) for column in self.mapping.measures] or [np.zeros(len(at_us))],
            axis=1,
        )
        self._read_devices(batch, at_us, usable)
        if not self.mapping.measures:
            self._content.rows += int(usable.sum())
            self._note_days(at_us[usable])
            return
        is_empty = usable & np.isnan(values).all(axis=1)
        for row in np.flatnonzero(is_empty).tolist():
            self._reject(batch, row, Reason.NO_VALUE)
        usable = usable & ~is_empty
        self._content.rows += int(usable.sum())
        at_us, values, lines = at_us[usable], values[usable], batch.lines[usable]
        if self._sums is None or self.in_memory:
            self._lines.append(lines)
            self._times.append(at_us)
            self._values.append(values)
            return
        if any(self._sums.is_cumulative):
            self._lines.append(lines)
        self._note_days(at_us)
        self._sums.add(at_us, values)

    def _column(self, batch: Batch, column: Column, usable: Mask) -> Floats:
        """A column in W, Wh or %; NaN where it has no value that can be used."""
        if column.name not in batch.columns:
            return np.full(len(batch.lines), np.nan)
        raw = with_points(batch.columns[column.name], self.mapping.decimal)
        if self._content.rows == 0:
            self._note_rounding(column, decimals(raw))
        values, is_bad = numbers(raw)
        values = values * column.factor
        if column.is_gateway_scale:
            values = np.where(values < GATEWAY_ZERO_PCT, 0.0, (values - GATEWAY_ZERO_PCT) / 0.95)
        lowest, highest = _bounds(column.target)
        is_out = (values < lowest) | (values > highest)
        for is_refused, reason in ((is_bad, Reason.NOT_A_NUMBER), (is_out & ~is_bad, Reason.OUT_OF_RANGE)):
            for row in np.flatnonzero(is_refused & usable).tolist():
                self._reject(batch, row, reason)
        return np.where(is_bad | is_out, np.nan, values)

    def _note_rounding(self, column: Column, places: int | None) -> None:
        if places is not None and column.target != SOE:
            half = 0.5 * abs(column.factor) * 10.0**-places
            self._content.half_unit = max(self._content.half_unit, half if half > _EXACT_WH else 0.0)

    def _read_devices(self, batch: Batch, at_us: Ints, usable: Mask) -> None:
        """Readings of devices, in the unit of the file."""
        for column in self.mapping.columns:
            if column.device is None or column.name not in batch.columns:
                continue
            values, is_bad = numbers(with_points(batch.columns[column.name], self.mapping.decimal))
            for row in np.flatnonzero(is_bad & usable).tolist():
                self._reject(batch, row, Reason.NOT_A_NUMBER)
            chosen = usable & ~is_bad & ~np.isnan(values)
            self._content.readings.append(
                pd.DataFrame(
                    {
                        "device": column.device,
                        "reading": column.target,
                        "instant_us": at_us[chosen],
                        "value": values[chosen],
                        "unit": column.unit or None,
                    }
                )
            )

    def _reject(self, batch: Batch, row: int, reason: Reason) -> None:
        self._content.rejects.append(Reject(int(batch.lines[row]), reason, batch.payload(row)))

    def _note_days(self, instants_us: Ints) -> None:
        if len(instants_us) == 0:
            return
        walls = self._walls(np.array([instants_us.min(), instants_us.max()])) if self._is_of_instants else None
        walls = np.array([instants_us.min(), instants_us.max()]) if walls is None else walls
        first, last = walls.astype("datetime64[us]").astype("datetime64[D]")
        content = self._content
        content.first_day = first if content.first_day is None else min(content.first_day, first)
        content.last_day = last if content.last_day is None else max(content.last_day, last)

    @property
    def _is_of_instants(self) -> bool:
        return self._content.mapping.grain is not Grain.DAYS

    # --- the end ------------------------------------------------------------------------------------------------------

    def _finished(self) -> Content:
        content = self._content
        if self._sums is None:
            self._finish_days()
        else:
            if self.in_memory:
                self._add_in_order(self._sums)
            content.buckets = self._sums.finish()
            self._reject_resets(self._sums)
        return content

    def _finish_days(self) -> None:
        days, values, lines = self._joined()
        self._note_days(days)
        order = np.argsort(days, kind="stable")
        days, values, lines = days[order] // _DAY_US, values[order], lines[order]
        kept = self._first_of_each(days, values, lines)
        targets = self.mapping.targets
        found = {name: values[kept][:, at] for at, name in enumerate(targets)}
        measures = tuple(name for name in MEASURES if name in found)
        stacked = np.zeros((len(kept), len(measures)))
        for at, name in enumerate(measures):
            stacked[:, at] = np.round(found[name], 6)
        self._content.days = DayValues(days[kept].astype("datetime64[D]"), measures, stacked)

    def _add_in_order(self, sums: IntervalSums) -> None:
        at_us, values, lines = self._joined()
        order = np.argsort(at_us, kind="stable")
        at_us, values, lines = at_us[order], values[order], lines[order]
        kept = self._first_of_each(at_us, values, lines)
        self._lines = [lines[kept]]
        self._note_days(at_us[kept])
        sums.add(at_us[kept], values[kept])

    def _joined(self) -> tuple[Ints, Floats, Ints]:
        if not self._times:
            none = np.zeros(0, dtype=np.int64)
            return none, np.zeros((0, len(self.mapping.targets))), none
        return np.concatenate(self._times), np.concatenate(self._values), np.concatenate(self._lines)

    def _first_of_each(self, at: Ints, values: Floats, lines: Ints) -> Ints:
        """The first row of each time; the others are rejected, also where they are equal."""
        is_first = np.append(True, np.diff(at) != 0) if len(at) else np.zeros(0, dtype=bool)
        for row in np.flatnonzero(~is_first).tolist():
            payload = dict(zip(self.mapping.targets, values[row].tolist(), strict=True))
            known = {name: value for name, value in payload.items() if not np.isnan(value)}
            self._content.rejects.append(Reject(int(lines[row]), Reason.OVERLAP, {"line": int(lines[row]), **known}))
            self._content.rows -= 1
        return np.flatnonzero(is_first)

    def _reject_resets(self, sums: IntervalSums) -> None:
        """Counters that became smaller: what was counted since is not known."""
        if sums.went_back:
            lines = np.concatenate(self._lines)
            for row in np.unique(np.concatenate(sums.went_back)).tolist():
                payload = {"line": int(lines[row]), "text": "the counter is smaller in the next row"}
                self._content.rejects.append(Reject(int(lines[row]), Reason.OUT_OF_RANGE, payload))


def _bounds(target: str) -> tuple[float, float]:
    if target == SOE:
        return 0.0, 100.0
    return (-MAX_POWER_W, MAX_POWER_W) if target in POWERS else (0.0, MAX_INTERVAL_WH)
