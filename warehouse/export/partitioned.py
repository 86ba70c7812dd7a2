"""Large exports as Hive directories: `DIR/site=1001/month=2025-03/part.csv`, one for each site and month with rows.

The rows are read once, in their order, and each is written to its file, so that memory does not grow. The values in
directory names are not columns of the files; a program that reads the whole directory gets both. Rows without a site or a
date are in the directory that Hive uses for them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import QueryFailed
from warehouse.export.row_filter import day_column, instant_column
from warehouse.localtime import Stamper
from warehouse.query.formats import Writer, writer_of
from warehouse.query.output_format import Format

NOWHERE = "__HIVE_DEFAULT_PARTITION__"
"""The directory of rows that have no value to be partitioned by; Hive's name for it."""

OPEN_FILES = 200
"""Files open at a time: systems allow 256 and more. Later rows of a partition whose file was closed go to a second file."""


class Partitioning(StrEnum):
    """The levels of directories; months and years are those of each site's clock."""

    SITE = "site"
    MONTH = "month"
    YEAR = "year"


_CHARACTERS = {Partitioning.MONTH: len("2025-03"), Partitioning.YEAR: len("2025")}


def is_partitioned(directory: Path) -> bool:
    """Whether a directory contains only what an earlier export may have written."""
    levels = tuple(f"{level}=" for level in Partitioning)
    return directory.is_dir() and all(path.is_dir() and path.name.startswith(levels) for path in directory.iterdir())


def write_partitioned(
    rows: pa.RecordBatchReader, directory: Path, form: Format, by: Sequence[Partitioning], text: Stamper, local: Stamper
) -> int:
    """Write all rows of a reader below a directory, which exists.

    Args:
        rows: The rows; read to the end.
        directory: The directory of the first level.
        form: How each file is written.
        by: The levels, outermost first.
        text: How instants become text in the files.
        local: Each site's clock, which gives the month of rows that have no day.

    Returns:
        How many rows were written.

    Raises:
        QueryFailed: The rows have no column to be partitioned by.
        OSError: A file cannot be written, or the query behind the reader failed.
    """
    _refuse(rows.schema, by)
    count = 0
    with _Files(directory, rows.schema, form, text) as files:
        for batch in rows:
            for place, part in _split(batch, by, local):
                files.write(place, part)
            count += batch.num_rows
    return count


def _refuse(columns: pa.Schema, by: Sequence[Partitioning]) -> None:
    for level in by:
        if level in columns.names:
            raise QueryFailed(f"the rows have a column {level} of their own: partition them by something else")
        if level is Partitioning.SITE and "site_id" not in columns.names:
            raise QueryFailed("the rows have no site_id: they cannot be partitioned by site")
        if level is not Partitioning.SITE and not (day_column(columns) or instant_column(columns)):
            raise QueryFailed(f"the rows have no date: they cannot be partitioned by {level}; add local_date")


def _split(batch: pa.RecordBatch, by: Sequence[Partitioning], local: Stamper) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of a batch by directory, in the order in which directories first come."""
    levels = [
        pc.binary_join_element_wise(f"{level}=", pc.fill_null(_values(batch, level, local), NOWHERE), "")
        for level in by
    ]
    places = pc.binary_join_element_wise(*levels, "/")
    for place in pc.unique(places).to_pylist():
        yield place, batch.filter(pc.equal(places, place))


def _values(batch: pa.RecordBatch, level: Partitioning, local: Stamper) -> pa.Array:
    if level is Partitioning.SITE:
        return batch["site_id"].cast(pa.string())
    day, instant = day_column(batch.schema), instant_column(batch.schema)
    if day is not None:
        text = batch[day].cast(pa.string())
    else:
        sites = batch["site_id"] if "site_id" in batch.schema.names else None
        text = local.stamp(batch[instant], sites)
    return pc.utf8_slice_codeunits(text, 0, _CHARACTERS[level])


@dataclass(slots=True)
class _Open:
    sink: BinaryIO
    writer: Writer


class _Files:
    """The files of a partitioned export: at most `OPEN_FILES` are open, those that were written to last."""

    def __init__(self, directory: Path, schema: pa.Schema, form: Format, text: Stamper) -> None:
        self._directory, self._schema, self._form, self._text = directory, schema, form, text
        self._open: dict[str, _Open] = {}

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with ExitStack() as all_of_them:
            for target in self._open.values():
                all_of_them.callback(target.sink.close)
                all_of_them.callback(target.writer.close if kind is None else target.writer.abandon)

    def write(self, place: str, rows: pa.RecordBatch) -> None:
        """Write rows to the file of a partition."""
        file = self._open.pop(place, None) or self._open_file(place)
        self._open[place] = file  # moved to the end: the first is the one that was not written to for longest
        file.writer.write(rows)

    def _open_file(self, place: str) -> _Open:
        if len(self._open) >= OPEN_FILES:
            longest = self._open.pop(next(iter(self._open)))
            longest.writer.close()
            longest.sink.close()
        directory = self._directory / place
        directory.mkdir(parents=True, exist_ok=True)
        number = len(list(directory.iterdir()))
        sink = (directory / f"part{f'-{number}' if number else ''}.{self._form}").open("xb")
        try:
            return _Open(sink, writer_of(self._schema, sink, self._form, self._text))
        except BaseException:
            sink.close()
            raise
