"""Asking the published warehouse: read-only, one statement at a time, answers as a stream of record batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfoNotFoundError

import duckdb
import pyarrow as pa

from warehouse import connection as duck
from warehouse import in_place
from warehouse.errors import NotReadOnly, QueryFailed, Unreadable, VersionMismatch, WarehouseMissing
from warehouse.formats import BATCH_ROWS, Format, write
from warehouse.localtime import Clock, Stamper, zone
from warehouse.schema import SCHEMA_VERSION

_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_REBUILD = "run `wattlog rebuild`"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one statement; it is read once.

    Attributes:
        rows: The rows, batch by batch.
        stamper: How its instants become text.
    """

    rows: pa.RecordBatchReader
    stamper: Stamper

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.rows.schema.names)

    def write(self, sink: BinaryIO, form: Format) -> int:
        """Write the rows out as they come; returns how many there were.

        Raises:
            QueryFailed: The statement failed on a row.
            OSError: The sink cannot be written.
        """
        with failing_as_query(form):
            return write(self.rows, sink, form, self.stamper)


@contextmanager
def failing_as_query(form: Format) -> Iterator[None]:
    """Tell errors of the query behind a reader from those of the place that is written to.

    Raises:
        QueryFailed: The statement failed on a row, or the format has no place for the answer.
        OSError: The place cannot be written.
    """
    try:
        yield
    except pa.ArrowException as error:
        raise QueryFailed(f"{form} cannot hold the answer: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise _failed_or_unwritable(error) from error


def connect(path: Path, *, threads: int = duck.THREADS) -> duckdb.DuckDBPyConnection:
    """Open the warehouse for reading.

    Raises:
        WarehouseMissing: There is none yet.
        VersionMismatch: It was built by another version of wattlog.
        Unreadable: It is damaged, not a warehouse, locked by a writer, or newer than this DuckDB.
    """
    if not path.exists():
        raise WarehouseMissing(path)
    try:
        connection = duck.connect(path, read_only=True, threads=threads)
    except duckdb.Error as error:
        raise Unreadable(path, _why(error)) from error
    try:
        found = connection.execute("select schema_version from meta.build").fetchall()
    except duckdb.Error as error:
        connection.close()
        raise Unreadable(path, f"it is not a wattlog warehouse; {_REBUILD}") from error
    if found != [(SCHEMA_VERSION,)]:
        connection.close()
        raise VersionMismatch(path, found[0][0] if found else 0, SCHEMA_VERSION)
    in_place.locate(connection, path)
    return connection


def run_sql(connection: duckdb.DuckDBPyConnection, sql: str, *, clock: Clock = Clock.UTC) -> Result:
    """Run one SELECT (or EXPLAIN, DESCRIBE, SHOW).

    Rows are computed as they are read, so the first come at once and memory stays flat.

    Args:
        connection: An open warehouse.
        sql: The statement.
        clock: Whose clock instants are written by; `local` needs the sites' zones (`stamper_for`).

    Raises:
        NotReadOnly: The text is no statement, several, or one that writes.
        QueryFailed: DuckDB refuses it; its own message in one line.
    """
    statement = reading_statement(connection, sql)
    try:
        reader = connection.sql(statement).to_arrow_reader(BATCH_ROWS)
    except duckdb.Error as error:
        raise QueryFailed(duck.brief(error)) from error
    return Result(reader, stamper_for(connection, clock, has_site="site_id" in reader.schema.names))


def reading_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one reading statement that a text is.

    Raises:
        NotReadOnly: The text is no statement, several, or one that writes.
        QueryFailed: It is not SQL.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryFailed(duck.brief(error)) from error
    if len(statements) != 1:
        raise NotReadOnly(f"{len(statements)} statements" if statements else "an empty text")
    if statements[0].type not in _READING:
        raise NotReadOnly(statements[0].type.name)
    return statements[0]


def stamper_for(connection: duckdb.DuckDBPyConnection, clock: Clock, *, has_site: bool) -> Stamper:
    """How to write instants by `clock`, from the zones in `sites`.

    Args:
        connection: An open warehouse.
        clock: UTC, or each row's site's own.
        has_site: Whether the rows say which site they belong to. Where they don't, the local clock is the sites' common one.

    Raises:
        QueryFailed: The local clock is asked for, and the rows do not say which of several.
    """
    if clock is Clock.UTC:
        return Stamper()
    with connection.cursor() as aside:  # the connection itself may be in the middle of the answer
        names = dict(aside.execute("select site_id, timezone from main.sites order by site_id").fetchall())
    try:
        zones = {site: zone(name) for site, name in names.items()}
    except ZoneInfoNotFoundError as error:
        raise QueryFailed(f"{error.args[0]}; set it with WATTLOG_SITE_TIMEZONES") from error
    if has_site:
        return Stamper(zones)
    common = set(names.values())
    if len(common) > 1:
        raise QueryFailed("the sites have several time zones: add site_id to the columns, or ask for UTC")
    return Stamper(fallback=zone(common.pop() if common else None))


def _why(error: duckdb.Error) -> str:
    message = duck.brief(error)
    if "version number" in message:
        return "it was written by a newer DuckDB; upgrade duckdb, or run `wattlog rebuild` with this one"
    if "Could not set lock" in message:
        return "another program has it open for writing; close that one"
    if "Permission denied" in message or "Is a directory" in message:
        return message
    return f"it is damaged or no DuckDB file; {_REBUILD}"


def _failed_or_unwritable(error: OSError) -> QueryFailed | OSError:
    """Arrow gives an error that DuckDB met halfway as an OSError without a number; the system's own have one."""
    return error if error.errno is not None else QueryFailed(duck.brief(error))
