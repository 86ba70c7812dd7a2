"""What InfluxDB answers to `SELECT *` as CSV: the points of measurement `http` of one retention policy, in order of time.

    name,tags,time,from_grid,from_pw,home,month,percentage,solar,to_grid,to_pw,year
    http,,1704096000000,0,1200,1520.5,Jan,52.5,310,0,0,2024

The policy is in the name of the file: `kwh/2024.csv`. The tool tags points with the month, so an hour or a day in which the tag
changes has two points, each with a part of the energy; these are added.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa

from transform.day_sums import MEASURES
from transform.imports.batches import Batch, OnReject, UnreadableFile, csv_batches, header_of
from transform.imports.files import HistoryFile
from transform.imports.mapping import Grain, Mapping
from transform.imports.reading import Content, read_content
from transform.imports.values import numbers, times
from transform.responses import Reason
from transform.time import Days, Ints
from wattlog.local_days import first_instants_us
from wattlog.zones import zone_named

_HEADER: Final = ["name", "tags", "time"]


def is_influx_csv(head: bytes) -> bool:
    """Whether the beginning of a file is such an answer."""
    return header_of(head)[:3] == _HEADER and head.split(b"\n", 2)[1:2] != [] and b"\nhttp," in head


def policy_of(name: str) -> str:
    """The retention policy of a file, by its name: that of its folder."""
    return PurePosixPath(name).parent.name


def read_influx_csv(file: HistoryFile, mapping: Mapping, zone: str) -> Content:
    """The content of a file.

    Args:
        file: The file.
        mapping: What its columns are.
        zone: Name of the zone of the site.

    Raises:
        UnreadableFile: It has days of another zone.
    """
    batches = partial(_batches, file)
    if not any(target in MEASURES for target in mapping.targets):
        return read_content(batches, mapping, zone)
    return read_content(partial(_added, batches, mapping, zone), mapping, zone)


def _batches(file: HistoryFile, on_reject: OnReject) -> Iterator[Batch]:
    with file.open() as stream:
        yield from csv_batches(stream, header_of(file.head), on_reject, is_quoted=False)


def _added(batches: partial[Iterator[Batch]], mapping: Mapping, zone: str, on_reject: OnReject) -> Iterator[Batch]:
    """The hours or days of a file, points of the same time as one row. There are few enough to have all of them in memory."""
    found = list(batches(on_reject))
    if not found:
        return
    lines = np.concatenate([batch.lines for batch in found])
    at = [times(batch.columns[mapping.time], mapping.stamps) for batch in found]
    for batch, of_batch in zip(found, at, strict=True):
        for row in np.flatnonzero(of_batch.is_bad | of_batch.is_missing).tolist():
            on_reject(int(batch.lines[row]), Reason.BAD_TIMESTAMP, batch.payload(row))
    at_us = np.concatenate([of_batch.instants_us for of_batch in at if of_batch.instants_us is not None])
    usable = ~np.concatenate([of_batch.is_bad | of_batch.is_missing for of_batch in at])
    if mapping.grain is Grain.DAYS:
        check_days(at_us[usable], zone)
    distinct, owner = np.unique(at_us[usable], return_inverse=True)
    columns: dict[str, pa.Array] = {mapping.time: pa.array(distinct // 1_000)}
    for column in mapping.measures:
        parts = [_numbers(batch, column.name, on_reject) for batch in found if column.name in batch.columns]
        if parts:
            values = np.concatenate(parts)[usable]
            is_known = ~np.isnan(values)
            counts = np.bincount(owner[is_known], minlength=len(distinct))
            sums = np.bincount(owner[is_known], values[is_known], len(distinct))
            columns[column.name] = pa.array(np.where(counts > 0, sums, np.nan), from_pandas=True)
    first = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(first, owner, lines[usable])
    yield Batch(first, columns)


def _numbers(batch: Batch, name: str, on_reject: OnReject) -> np.ndarray:
    values, is_bad = numbers(batch.columns[name])
    for row in np.flatnonzero(is_bad).tolist():
        on_reject(int(batch.lines[row]), Reason.NOT_A_NUMBER, batch.payload(row))
    return np.where(is_bad, np.nan, values)


def check_days(begun_us: Ints, zone: str) -> None:
    """Check that days begin when those of the site do.

    Raises:
        UnreadableFile: They are days of another zone.
    """
    found = zone_named(zone)
    if found is None or not len(begun_us):
        return
    near: Days = (begun_us.astype("datetime64[us]").astype("datetime64[D]")).astype("datetime64[D]")
    starts = np.stack([first_instants_us(near + offset, found) for offset in (-1, 0, 1)])
    is_start = (starts == begun_us).any(axis=0)
    if not is_start.all():
        shown = begun_us[~is_start][:1].astype("datetime64[us]").astype("datetime64[s]")[0]
        raise UnreadableFile(f"its days are not those of {zone}: one begins at {shown}Z; set the site's time zone")
