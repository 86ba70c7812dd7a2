"""Line protocol of InfluxDB, as `influx_inspect export` and others write it: one measurement, field by field.

    # CONTEXT-RETENTION-POLICY:autogen
    http,month=Jan,year=2024 home=1520.5,solar=310 1704096000000000000

An export has all values of one field before those of the next, a week or so at a time, so each field is summed by itself, and
the sums are put together. Lines of other measurements and policies are passed over. Points of days, and readings of devices,
are collected instead: there is one a day, and a reading is kept as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from transform.day_sums import MEASURES, Floats
from transform.imports.batches import Batch, UnreadableFile
from transform.imports.influx_csv import check_days
from transform.imports.mapping import SOE, Column, Grain, app_scale
from transform.imports.mapping import Mapping as FileMapping
from transform.imports.reading import Content, Reject, local_span, read_content
from transform.imports.sums import Buckets, IntervalSums, OutOfOrder, together
from transform.responses import Reason

POLICY: Final = b"# CONTEXT-RETENTION-POLICY:"
_LINE: Final = re.compile(rb"http(,[^ ]*)? ([^ ]+) (-?\d{1,19})\s*")
AUTOGEN: Final = "autogen"
"""The policy of a file that names none."""

_ROWS: Final = 50_000
"""How many values wait to be summed."""

_NS_PER_US: Final = 1_000
_US_PER_MS: Final = 1_000


@dataclass(slots=True)
class _Waiting:
    """The values of one field, of the points with the same tags, that wait to be summed."""

    sums: IntervalSums
    instants_us: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def flush(self) -> None:
        """Sum what waits."""
        if self.instants_us:
            self.sums.add(np.array(self.instants_us, dtype=np.int64), np.array(self.values)[:, np.newaxis])
            self.instants_us.clear()
            self.values.clear()


def is_line_protocol(head: bytes) -> bool:
    """Whether the beginning of a file is line protocol of the measurement."""
    return b"\0" not in head and any(_LINE.fullmatch(line) for line in head.split(b"\n")[:-1])


def policies_in(stream: BinaryIO) -> dict[str, set[str]]:
    """The retention policies that have points, and the names of their fields."""
    found: dict[str, set[str]] = {}
    policy, seen = AUTOGEN, set[bytes]()
    for line in stream:
        if line.startswith(b"#"):
            if line.startswith(POLICY):
                policy, seen = line[len(POLICY) :].strip().decode(errors="replace"), set()
            continue
        match = _LINE.fullmatch(line)
        if match is not None:
            names = {part.partition(b"=")[0] for part in match[2].split(b",")}
            if not names <= seen:
                seen |= names
                found.setdefault(policy, set()).update(name.decode(errors="replace") for name in names)
    return found


def read_policy(stream: BinaryIO, policy: str, mapping: FileMapping, zone: str) -> Content:
    """The points of one retention policy.

    Args:
        stream: The file.
        policy: The policy.
        mapping: What the fields are; its columns have their names.
        zone: Name of the zone of the site.

    Raises:
        UnreadableFile: The values of a field are not in order of time, or days are of another zone.
    """
    if not mapping.measures:
        return _read_readings(stream, policy, mapping, zone)
    if mapping.grain is Grain.DAYS:
        return _read_days(stream, policy, mapping, zone)
    return _read_intervals(stream, policy, mapping, zone)


def _read_days(stream: BinaryIO, policy: str, mapping: FileMapping, zone: str) -> Content:
    """Days: the sums of points of the same time, which differ in their tags."""
    columns, rejects = {column.name: column for column in mapping.columns}, list[Reject]()
    sums: dict[int, dict[str, float]] = {}
    for line in _lines(stream, policy, rejects):
        of_day = sums.setdefault(line.stamp // _NS_PER_US, {})
        for name, value in _values(line, columns, rejects):
            of_day[name] = of_day.get(name, 0.0) + value / columns[name].factor
    begun_us = np.array(sorted(sums), dtype=np.int64)
    check_days(begun_us, zone)
    batch = Batch(
        np.arange(1, len(begun_us) + 1),
        {mapping.time: pa.array(begun_us // _US_PER_MS)}
        | {name: pa.array([sums[at].get(name) for at in begun_us.tolist()], pa.float64()) for name in columns},
    )
    content = read_content(lambda _: iter([batch] if len(begun_us) else []), mapping, zone)
    content.rejects += rejects
    return content


def _read_readings(stream: BinaryIO, policy: str, mapping: FileMapping, zone: str) -> Content:
    content, columns = Content(mapping), {column.name: column for column in mapping.columns}
    found: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in columns}
    for line in _lines(stream, policy, content.rejects):
        for name, value in _plain_values(line, columns, content.rejects):
            found[name][0].append(line.stamp // _NS_PER_US)
            found[name][1].append(value)
    for name, (instants_us, values) in found.items():
        column = columns[name]
        frame = pd.DataFrame({"instant_us": np.array(instants_us, dtype=np.int64), "value": values})
        content.readings.append(
            frame.assign(device=column.device, reading=column.target, unit=column.unit or None, value=frame["value"])
        )
        content.rows += len(frame)
    instants = np.concatenate([frame["instant_us"].to_numpy() for frame in content.readings])
    if len(instants):
        content.first_day, content.last_day = local_span(np.array([instants.min(), instants.max()]), zone)
    return content


def _read_intervals(stream: BinaryIO, policy: str, mapping: FileMapping, zone: str) -> Content:
    """Minutes or hours, each field summed by itself."""
    content, columns = Content(mapping), {column.name: column for column in mapping.columns}
    waiting: dict[tuple[bytes, str], _Waiting] = {}
    count = 0
    try:
        for line in _lines(stream, policy, content.rejects):
            for name, value in _values(line, columns, content.rejects):
                key = (line.tags, name)
                if key not in waiting:
                    waiting[key] = _Waiting(_sums_of(columns[name], mapping))
                waiting[key].instants_us.append(line.stamp // _NS_PER_US)
                waiting[key].values.append(value)
                count += 1
            if count >= _ROWS:
                content.rows, count = content.rows + count, 0
                for of_key in waiting.values():
                    of_key.flush()
        for of_key in waiting.values():
            of_key.flush()
    except OutOfOrder:
        raise UnreadableFile("the values of a field are not in order of time") from None
    content.rows += count
    _finish(content, {key: of_key.sums for key, of_key in waiting.items()}, zone)
    return content


def _sums_of(column: Column, mapping: FileMapping) -> IntervalSums:
    return IntervalSums((column.target,), (False,), mapping.grain, mapping.may_be_filled and column.target != SOE)


def _finish(content: Content, sums: dict[tuple[bytes, str], IntervalSums], zone: str) -> None:
    """Put the sums of all fields together."""
    of_fields: dict[str, list[Buckets]] = {}
    for (_, name), of_key in sums.items():
        of_fields.setdefault(name, []).append(of_key.finish())
    if not of_fields:
        raise UnreadableFile("it has no values of measurement http that are used")
    content.buckets = _joined([_within(together(parts)) for parts in of_fields.values()])
    content.first_day, content.last_day = local_span(content.buckets.begun_us[[0, -1]], zone)
    content.step_s = int(np.median([of_key.length_us for of_key in sums.values()])) // 1_000_000


def _within(buckets: Buckets) -> Buckets:
    """Sums of points with other tags: those of one time cover it once."""
    length_us = buckets.length_s * 1_000_000
    return replace(
        buckets,
        covered_us=np.minimum(buckets.covered_us, length_us),
        known_us=np.minimum(buckets.known_us, length_us[:, np.newaxis]),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    tags: bytes
    fields: bytes
    stamp: int

    @property
    def payload(self) -> dict[str, Any]:
        """The line as it is quarantined."""
        return {"line": self.number, "text": self.fields[:1000].decode(errors="replace")}


def _lines(stream: BinaryIO, policy: str, rejects: list[Reject]) -> Iterator[_Line]:
    """The lines of a policy."""
    is_chosen = True
    for number, line in enumerate(stream, start=1):
        if line.startswith(b"#"):
            if line.startswith(POLICY):
                is_chosen = line[len(POLICY) :].strip().decode(errors="replace") == policy
            continue
        match = _LINE.fullmatch(line) if is_chosen else None
        if match is not None:
            yield _Line(number, match[1] or b"", match[2], int(match[3]))
        elif is_chosen and re.match(rb"http[, ]", line):
            rejects.append(Reject(number, Reason.CONTRACT, _Line(number, b"", line.strip(), 0).payload))


def _values(line: _Line, columns: Mapping[str, Column], rejects: list[Reject]) -> Iterator[tuple[str, float]]:
    """The values of the fields that are known, in W, Wh or %."""
    for name, value in _plain_values(line, columns, rejects):
        column = columns[name]
        scaled = value * column.factor
        yield name, app_scale(scaled) if column.is_gateway_scale else scaled


def _plain_values(line: _Line, columns: Mapping[str, Column], rejects: list[Reject]) -> Iterator[tuple[str, float]]:
    """The values of the fields that are known, as they are written."""
    for part in line.fields.split(b","):
        name, _, text = part.partition(b"=")
        column = columns.get(name.decode(errors="replace"))
        if column is not None:
            try:
                value = float(text.rstrip(b"iu"))
            except ValueError:
                value = np.nan
            if np.isfinite(value):
                yield column.name, value
            else:
                rejects.append(Reject(line.number, Reason.NOT_A_NUMBER, line.payload))


def _joined(parts: Sequence[Buckets]) -> Buckets:
    """The sums of all fields, by quarter hour."""
    begun_us = np.unique(np.concatenate([part.begun_us for part in parts]))
    measures = tuple(name for name in MEASURES if any(name in part.measures for part in parts))
    count = len(begun_us)
    values, known_us = np.full((count, len(measures)), np.nan), np.zeros((count, len(measures)), dtype=np.int64)
    rows, filled, covered_us = (np.zeros(count, dtype=np.int64) for _ in range(3))
    length_s, soe = np.full(count, 900, dtype=np.int64), np.full(count, np.nan)
    for part in parts:
        at = np.searchsorted(begun_us, part.begun_us)
        length_s[at] = np.maximum(length_s[at], part.length_s)
        rows[at] = np.maximum(rows[at], part.rows)
        filled[at] = np.maximum(filled[at], part.filled)
        covered_us[at] = np.maximum(covered_us[at], part.covered_us)
        has_soe = ~np.isnan(part.soe_pct)
        soe[at[has_soe]] = part.soe_pct[has_soe]
        for name in part.measures:
            column = measures.index(name)
            values[at, column] = _added(values[at, column], part.column(name))
            known_us[at, column] = part.known_us[:, part.measures.index(name)]
    return Buckets(begun_us, length_s, rows, filled, covered_us, measures, values, known_us, soe)


def _added(old: Floats, new: Floats) -> Floats:
    """Two directions of the same flow are in fields of their own, each without the other."""
    return np.where(np.isnan(old), new, old + np.nan_to_num(new))
