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
from string import Template

import duckdb

from warehouse.build.manifest import Entry, read_manifest, write_manifest
from warehouse.connection import connect
from warehouse.models import MODELS, SCHEMA, gap_causes
from warehouse.schema import SCHEMA_VERSION, TABLES
from wattlog import zones

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREATE = """
create or replace table meta.build (
    schema_version integer not null, built_at timestamptz not null, definition varchar not null
)
"""
_ATTACH = Template("attach '$path' as published (read_only)")
_RELATIONS = """
select schema_name, table_name, 'TABLE' from duckdb_tables() where database_name = 'published'
union all
select schema_name, view_name, 'VIEW' from duckdb_views() where database_name = 'published'
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


def copy_definitions(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Copy tables, views, and comments of a published file without rows into the attached database `warehouse`.

    DuckDB copies a table's entry in its catalog for each comment, so nine hundred of them take half a second anew, and a
    twentieth of that when they are copied.

    Returns:
        Whether it was done: the file is as a build of this version left it, has tables and not views over the lake, and can be
        read. Otherwise the database stays empty.

    Raises:
        duckdb.Error: The database cannot be written.
    """
    if published(path) is None:
        return False
    try:
        connection.execute(_ATTACH.substitute(path=str(path).replace("'", "''")))
    except duckdb.Error:
        return False  # for example another connection of this process has it open
    connection.execute("begin")
    try:
        found = set(connection.execute(_RELATIONS).fetchall())
        is_whole = found >= {
            *(("main", name, "TABLE") for name in TABLES),
            *((SCHEMA, model.name, model.kind) for model in MODELS.values()),
        }
        if is_whole:
            connection.execute("copy from database published to warehouse (schema)")
        connection.execute("commit")
    except duckdb.Error:  # a damaged file: this build is what replaces it
        connection.execute("rollback")
        is_whole = False
    connection.execute("detach published")
    return is_whole


def definition() -> str:
    """A digest of all declarations of tables and models, their SQL, and the version of the time zone database."""
    tables = (statement for table in TABLES.values() for statement in table.ddl())
    models = (f"{model.statement.sql}\n{model!r}" for model in MODELS.values())
    return hashlib.sha256("\n".join([*tables, *models, gap_causes.CREATE, zones.VERSION]).encode()).hexdigest()


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
