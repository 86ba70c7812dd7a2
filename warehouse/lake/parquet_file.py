"""One file of the lake: Parquet with a checksum of all of its bytes, so that no flipped bit is read as a value.

Parquet's own checksums cover the content of pages, not their headers and not the footer, and DuckDB does not check them.
So the footer has one more entry, `wattlog.checksum`: CRC-32 of the file with zeros in that entry's place. Any program reads
the file as it is.
"""

import functools
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.errors import LakeDamaged, LakeFailed
from warehouse.lake.frames import layout_of
from warehouse.schema import SCHEMA_VERSION, Table

LOCAL_DATE = "local_date"
DIGEST_KEY = b"wattlog.digest"
VERSION_KEY = b"wattlog.schema_version"

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1
"""On top of the encodings, level 3 saves another 1 % and takes longer."""

ROW_GROUP_ROWS: Final = 122_880
"""Rows of a row group at most, as in DuckDB: a closed year of five-minute intervals is one. Readers of the whole lake look
at each row group of each file, so twelve of them a year cost more than they save (DECISIONS.md 118)."""

RACE_NS = 2_000_000_000
"""A file changed this recently may change once more without a newer time; the coarsest file system counts in two seconds."""

_KEY = b"wattlog.checksum"
_ARROW_SCHEMA = b"ARROW:schema"
_DIGITS = 8
_PLACE = len(_KEY) + 2
"""From the key to its value: between them are the value's field and length, a byte each."""

_NOTHING = b"0" * _DIGITS


def file_content(rows: pa.Table, digest: str, table: Table) -> bytes:
    """The bytes of a file: rows, the digest of their source, and the schema version in force."""
    metadata = {DIGEST_KEY: digest.encode(), VERSION_KEY: str(SCHEMA_VERSION).encode()}
    return packed(rows, metadata, layout_of(table).encodings)


def packed(rows: pa.Table, metadata: Mapping[bytes, bytes], encodings: Mapping[str, str]) -> bytes:
    """The bytes of a file with any metadata.

    Args:
        rows: The rows.
        metadata: Entries of the footer beside the schema's own.
        encodings: Column → its encoding; the other columns have dictionaries.
    """
    stamped = rows.replace_schema_metadata({**(rows.schema.metadata or {}), **metadata})
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        stamped.schema,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[name for name in stamped.column_names if name not in encodings],
        column_encoding=dict(encodings),
        write_page_checksum=True,
    ) as writer:
        writer.write_table(stamped, row_group_size=ROW_GROUP_ROWS)
        writer.add_key_value_metadata({_KEY: _NOTHING})
    data = bytearray(sink.getvalue().to_pybytes())
    at = data.rfind(_KEY) + _PLACE
    data[at : at + _DIGITS] = b"%08x" % crc32(data)
    return bytes(data)


def is_whole(data: bytes) -> bool:
    """Whether a file is what was written. One without checksum need only be as an older version wrote it."""
    key = data.rfind(_KEY)
    if key < 0:
        return _is_of_older_version(data)
    at = key + _PLACE
    checksum = crc32(data[at + _DIGITS :], crc32(_NOTHING, crc32(memoryview(data)[:at])))
    return data[at : at + _DIGITS] == b"%08x" % checksum


def _is_of_older_version(data: bytes) -> bool:
    """Whether a file is Parquet without another entry in its footer, which would be a damaged name of the checksum."""
    try:
        entries = pq.read_metadata(pa.BufferReader(data)).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return entries.keys() <= {DIGEST_KEY, VERSION_KEY, _ARROW_SCHEMA}


def read_whole(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        LakeDamaged: They are not those that were written.
        OSError: It cannot be read.
    """
    data = path.read_bytes()
    if not is_whole(data):
        raise LakeDamaged(path)
    return data


Where = Mapping[str, Collection[str]]
"""Column → the texts that a row may have in it."""


def read_rows(
    path: Path,
    table: Table,
    columns: list[str] | None = None,
    *,
    reaching: date | None = None,
    where: Where | None = None,
) -> pa.Table:
    """The rows of a file, with all columns or some.

    Args:
        path: The file.
        table: Its table.
        columns: The columns to read; None for all.
        reaching: Leave out row groups all of whose rows are of a local day before this one.
        where: Leave out rows with other values. Of a file without any row that is left, only these columns are read.

    Raises:
        LakeFailed: The file is damaged or of another schema.
    """
    # ParquetFile, not read_table: that one would add the directories' site_id and month as columns.
    expected = layout_of(table).schema
    try:
        with pq.ParquetFile(pa.BufferReader(read_whole(path))) as file:
            if not file.schema_arrow.equals(expected):
                raise LakeFailed(path, "has columns of another schema version; run `wattlog rebuild`")
            groups = _groups(file.metadata, reaching, where or {})
            is_wanted = None if where is None or not groups else _is_wanted(file, groups, where)
            if is_wanted is not None and not pc.any(is_wanted).as_py():
                groups, is_wanted = [], None
            rows = file.read_row_groups(groups, columns=columns, use_threads=False)
            rows = rows if is_wanted is None else rows.filter(is_wanted)
    except (OSError, pa.ArrowException) as error:
        raise LakeDamaged(path) from error
    return rows.replace_schema_metadata(None)


def _is_wanted(file: pq.ParquetFile, groups: list[int], where: Where) -> pa.ChunkedArray:
    """Which rows have one of the values in each of some columns."""
    rows = file.read_row_groups(groups, columns=list(where), use_threads=False)
    found = [pc.is_in(rows[name], value_set=pa.array(values, pa.string())) for name, values in where.items()]
    return functools.reduce(pc.and_, found)


def read_digest(path: Path, table: Table) -> str | None:
    """The digest of what a file was made from; None for a file that is missing, damaged, or of another schema."""
    try:
        schema = pq.read_schema(pa.BufferReader(read_whole(path)))
    except (LakeDamaged, OSError, pa.ArrowException):
        return None
    metadata = schema.metadata or {}
    if metadata.get(VERSION_KEY) != str(SCHEMA_VERSION).encode() or not schema.equals(layout_of(table).schema):
        return None
    digest = metadata.get(DIGEST_KEY)
    return None if digest is None else str(digest, "utf-8")


def column_span(path: Path, column: str) -> tuple[Any, Any] | None:
    """Lowest and highest value of a column, from the file's footer; None without rows.

    Raises:
        LakeDamaged: The file is damaged, or its footer does not have them.
    """
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise LakeDamaged(path) from error
    found = [group for _, group in _statistics(metadata, column) if group is not None and group.has_min_max]
    if len(found) < metadata.num_row_groups and metadata.num_rows:
        raise LakeDamaged(path)
    return (min(group.min for group in found), max(group.max for group in found)) if found else None


def _groups(metadata: pq.FileMetaData, reaching: date | None, where: Where) -> list[int]:
    """The row groups that may have rows of a local day or later, and with one of the texts in each of some columns.

    Of ten years without a difference, no column is read to find that out.
    """
    groups = set(range(metadata.num_row_groups))
    if reaching is not None:
        groups &= {number for number, found in _statistics(metadata, LOCAL_DATE) if _may_reach(found, reaching)}
    for name, texts in where.items():
        groups &= {number for number, found in _statistics(metadata, name) if _may_have(found, texts)}
    return sorted(groups)


def _may_reach(statistics: pq.Statistics | None, day: date) -> bool:
    return statistics is None or not statistics.has_min_max or statistics.max >= day


def _may_have(statistics: pq.Statistics | None, texts: Collection[str]) -> bool:
    if statistics is None or not statistics.has_min_max:
        return statistics is None or statistics.num_values > 0  # NULLs do not count as values
    return any(statistics.min <= text <= statistics.max for text in texts)


def _statistics(metadata: pq.FileMetaData, column: str) -> Iterator[tuple[int, pq.Statistics | None]]:
    """The number of each row group, and the footer's statistics of a column of it."""
    position = metadata.schema.to_arrow_schema().get_field_index(column)
    for number in range(metadata.num_row_groups):
        yield number, metadata.row_group(number).column(position).statistics
