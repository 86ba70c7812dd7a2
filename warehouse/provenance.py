"""What a warehouse says of its own making: version, instant, definitions, and the files it was made of.

A build dates its file by an instant that the file holds itself. Whoever writes to it later, or damages it by hand, changes
the date, and the next build takes nothing from it.
"""

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.connection import connect
from warehouse.manifest import Entry, read_manifest, write_manifest
from warehouse.models import MODELS
from warehouse.schema import SCHEMA_VERSION, TABLES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREATE = """
create or replace table meta.build (
    schema_version integer not null, built_at timestamptz not null, definition varchar not null
)
"""
_COMMENT = "comment on table meta.build is 'What this file was made by; wattlog refuses other versions.'"


@dataclass(frozen=True, slots=True)
class Held:
    """What a published warehouse holds.

    Attributes:
        entries: The lake files it was made of.
        built_at: When.
    """

    entries: tuple[Entry, ...]
    built_at: datetime

    def is_of(self, path: Path) -> bool:
        """Whether nobody has written to the file since."""
        return path.stat().st_mtime_ns == _nanoseconds(self.built_at)


def note(connection: duckdb.DuckDBPyConnection, entries: Iterable[Entry]) -> datetime:
    """Write version, instant and manifest into the database in use; gives the instant, for `date`."""
    built_at = _EPOCH + timedelta(microseconds=time.time_ns() // 1000)
    connection.execute("create schema if not exists meta")
    connection.execute(_CREATE)
    connection.execute(_COMMENT)
    connection.execute("insert into meta.build values (?, ?, ?)", [SCHEMA_VERSION, built_at, definition()])
    write_manifest(connection, entries)
    return built_at


def date(path: Path, built_at: datetime) -> None:
    """Give a finished, closed file the date that it holds.

    Raises:
        OSError: The file cannot be dated.
    """
    os.utime(path, ns=(_nanoseconds(built_at), _nanoseconds(built_at)))


def held(path: Path) -> Held | None:
    """What the published file holds; None where it is not just what a build of this very wattlog left."""
    if not path.exists() or path.with_name(f"{path.name}.wal").exists():
        return None
    try:
        with connect(path, read_only=True) as connection:
            found = connection.execute("select schema_version, definition, built_at from meta.build").fetchall()
            if [each[:2] for each in found] != [(SCHEMA_VERSION, definition())]:
                return None
            what = Held(tuple(read_manifest(connection)), found[0][2])
    except duckdb.Error:
        return None
    return what if what.is_of(path) else None


def definition() -> str:
    """A digest of everything that makes tables and models what they are, but for their rows."""
    tables = (statement for table in TABLES.values() for statement in table.ddl())
    models = (f"{each.statement.sql}\n{each!r}" for each in MODELS.values())
    return hashlib.sha256("\n".join([*tables, *models]).encode()).hexdigest()


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
