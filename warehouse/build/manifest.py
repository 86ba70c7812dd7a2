"""The lake files that a warehouse was made of, one entry each, so that the next build loads only what has changed.

A file is identified by a digest of its data pages. They have all of its rows, so a file made again with the same content
from other responses, whose footer differs, is not loaded again. Whether a file must be read at all is decided by its
signature, which is its metadata in the file system, as git does with a work tree.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.lake.lake import Lake, Partition
from warehouse.lake.parquet_file import RACE_NS, read_whole
from warehouse.schema import TABLES, Table

Key = tuple[str, int | None, str | None]
"""Table, site, period."""

_FOOTER_END = 8
"""A Parquet file ends with the length of its footer, four bytes, and its magic word."""

_SCHEMA = pa.schema(
    [
        pa.field("table_name", pa.string(), nullable=False),
        ("site_id", pa.int64()),
        ("period", pa.string()),
        pa.field("digest", pa.string(), nullable=False),
        ("signature", pa.string()),
        pa.field("rows", pa.int64(), nullable=False),
        ("first_at", pa.timestamp("us")),
        ("last_at", pa.timestamp("us")),
        pa.field("is_appended", pa.bool_(), nullable=False),
    ]
)
_CREATE = """
create or replace table meta.manifest (
    table_name varchar not null, site_id bigint, period varchar, digest varchar not null, signature varchar,
    rows bigint not null, first_at timestamp, last_at timestamp, is_appended boolean not null
)
"""
_READ = """
select table_name, site_id, period, digest, signature, rows, first_at, last_at, is_appended from meta.manifest
"""
_COMMENT = "comment on table meta.manifest is 'The lake files that this warehouse was made of.'"


@dataclass(frozen=True, slots=True)
class Entry:
    """One lake file as it was loaded.

    Attributes:
        table_name: Its table.
        site_id: Its site; None in account tables.
        period: Its month or closed year; None in account tables.
        digest: SHA-256 of its data pages.
        signature: Its metadata in the file system; None where it was too young to be relied on.
        rows: Rows in it.
        first_at: Lowest instant or date of its rows' key, in UTC; None without rows, or where the key has neither.
        last_at: The highest.
        is_appended: Whether its rows come after those of the last whole load, out of the key's order.
    """

    table_name: str
    site_id: int | None
    period: str | None
    digest: str
    signature: str | None
    rows: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_appended: bool = False

    @property
    def key(self) -> Key:
        """Which file."""
        return self.table_name, self.site_id, self.period


@dataclass(frozen=True, slots=True)
class Survey:
    """The lake compared with the manifest of a warehouse.

    Attributes:
        kept: Files whose rows the warehouse has.
        changed: New files and files with other rows, as far as they are known before they are loaded.
        removed: Rows of the warehouse whose files are gone or changed.
        paths: Where the files of the lake are.
    """

    kept: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    paths: Mapping[Key, Path]

    @property
    def is_unchanged(self) -> bool:
        """Whether the warehouse has exactly the rows of the lake."""
        return not self.changed and not self.removed

    def kept_of(self, table: Table) -> tuple[Entry, ...]:
        """Files of one table whose rows the warehouse has."""
        return tuple(entry for entry in self.kept if entry.table_name == table.name)

    def changed_of(self, table: Table) -> tuple[Entry, ...]:
        """Files of one table that must be loaded."""
        return tuple(entry for entry in self.changed if entry.table_name == table.name)

    def removed_of(self, table: Table) -> tuple[Entry, ...]:
        """Entries of one table whose files are gone or changed."""
        return tuple(entry for entry in self.removed if entry.table_name == table.name)


def survey(lake: Lake, manifest: Iterable[Entry] = ()) -> Survey:
    """Compare every file of the lake with the manifest of a warehouse.

    Raises:
        LakeDamaged: A file is not what was written.
        OSError: A file cannot be read.
    """
    before = {entry.key: entry for entry in manifest}
    kept: list[Entry] = []
    changed: list[Entry] = []
    paths: dict[Key, Path] = {}
    now_ns = time.time_ns()
    for table in TABLES.values():
        for part in lake.partitions(table):
            key = (table.name, part.site_id, part.period)
            paths[key] = part.path
            entry, is_kept = _compared(lake, key, part, before.get(key), now_ns)
            (kept if is_kept else changed).append(entry)
    same = {entry.key for entry in kept}
    return Survey(tuple(kept), tuple(changed), tuple(each for key, each in before.items() if key not in same), paths)


def _compared(lake: Lake, key: Key, part: Partition, known: Entry | None, now_ns: int) -> tuple[Entry, bool]:
    signature = _signature(part.path, now_ns)
    if known is not None and known.signature is not None and known.signature == signature:
        return known, True
    digest = content_digest(part.path)
    if known is not None and known.digest == digest and lake.digest_of(*key) is not None:
        return replace(known, signature=signature), True
    return Entry(*key, digest, signature), False


def content_digest(path: Path) -> str:
    """SHA-256 of a lake file without its footer; of all of it where no footer is found.

    Raises:
        LakeDamaged: It is not what was written.
        OSError: It cannot be read.
    """
    content = read_whole(path)
    footer_bytes = int.from_bytes(content[-_FOOTER_END:-4], "little") + _FOOTER_END
    return hashlib.sha256(content[: max(len(content) - footer_bytes, 0)] or content).hexdigest()


def _signature(path: Path, now_ns: int) -> str | None:
    """Size, times and inode; a file replaced by renaming has another inode, and no program can set the change time."""
    found = path.stat()
    if max(found.st_mtime_ns, found.st_ctime_ns) > now_ns - RACE_NS:
        return None
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def write_manifest(connection: duckdb.DuckDBPyConnection, entries: Iterable[Entry]) -> None:
    """Write the manifest of the database in use."""
    columns = list(zip(*map(astuple, entries), strict=True)) or [()] * len(fields(Entry))
    arrays = [pa.array(values, each.type) for values, each in zip(columns, _SCHEMA, strict=True)]
    connection.execute(_CREATE)
    connection.execute(_COMMENT)
    connection.from_arrow(pa.Table.from_arrays(arrays, schema=_SCHEMA)).insert_into("meta.manifest")


def read_manifest(connection: duckdb.DuckDBPyConnection) -> list[Entry]:
    """The manifest of the database in use.

    Raises:
        duckdb.Error: It has none, or one of another shape.
    """
    rows = connection.execute(_READ).fetchall()
    return [Entry(*row) for row in rows]
