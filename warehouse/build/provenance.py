"""The provenance of a warehouse, stored in it: schema version, instant, definitions, and the lake files that it was made of.

A build sets the modification time of its file to the instant stored in it. A later write, also by another program, changes
the time, and the next build then loads everything.
"""

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.build.manifest import Entry, read_manifest, write_manifest
from warehouse.connection import connect
from warehouse.models import MODELS, gap_causes
from warehouse.schema import SCHEMA_VERSION, TABLES
from wattlog import zones

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREATE = """
create or replace table meta.build (
    schema_version integer not null, built_at timestamptz not null, definition varchar not null
)
"""
_COMMENT = "comment on table meta.build is 'The version that made this file; wattlog refuses other versions.'"


@dataclass(frozen=True, slots=True)
class Published:
    """The provenance of a published warehouse.

    Attributes:
        entries: The lake files that it was made of.
        built_at: When it was made.
    """

    entries: tuple[Entry, ...]
    built_at: datetime

    def is_unchanged(self, path: Path) -> bool:
        """Whether the file was not written to since."""
        return path.stat().st_mtime_ns == _nanoseconds(self.built_at)


def note(connection: duckdb.DuckDBPyConnection, entries: Iterable[Entry]) -> datetime:
    """Write version, instant and manifest into the database in use; returns the instant, for `date`."""
    built_at = _EPOCH + timedelta(microseconds=time.time_ns() // 1000)
    connection.execute("create schema if not exists meta")
    connection.execute(_CREATE)
    connection.execute(_COMMENT)
    connection.execute("insert into meta.build values (?, ?, ?)", [SCHEMA_VERSION, built_at, definition()])
    write_manifest(connection, entries)
    return built_at


def date(path: Path, built_at: datetime) -> None:
    """Set the modification time of a finished, closed file to the instant stored in it.

    Raises:
        OSError: The file cannot be dated.
    """
    os.utime(path, ns=(_nanoseconds(built_at), _nanoseconds(built_at)))


def published(path: Path) -> Published | None:
    """The provenance of the published file; None where the file is not exactly as a build of this version left it."""
    if not path.exists() or path.with_name(f"{path.name}.wal").exists():
        return None
    try:
        with connect(path, read_only=True) as connection:
            found = connection.execute("select schema_version, definition, built_at from meta.build").fetchall()
            if [row[:2] for row in found] != [(SCHEMA_VERSION, definition())]:
                return None
            found_here = Published(tuple(read_manifest(connection)), found[0][2])
    except duckdb.Error:
        return None
    return found_here if found_here.is_unchanged(path) else None


def definition() -> str:
    """A digest of all declarations of tables and models, their SQL, and the version of the time zone database."""
    tables = (statement for table in TABLES.values() for statement in table.ddl())
    models = (f"{model.statement.sql}\n{model!r}" for model in MODELS.values())
    return hashlib.sha256("\n".join([*tables, *models, gap_causes.CREATE, zones.VERSION]).encode()).hexdigest()


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
