"""Queries of the published warehouse: read-only, one statement at a time, results as a stream of record batches.

A statement may be written by others, so the connection is locked (`warehouse.connection.lock`) and the statement is checked
(`warehouse.query.statement_check`). wattlog opens the file that a result is written to, never DuckDB.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

import duckdb

from warehouse import connection as duck
from warehouse.build import lake_place
from warehouse.errors import QueryFailed, Unreadable, VersionMismatch, WarehouseMissing
from warehouse.localtime import Clock, Stamper, zone
from warehouse.query.output_format import Format
from warehouse.query.plain_rows import PlainRows, are_plain
from warehouse.query.query_thread import QueryThread, is_left_behind
from warehouse.query.statement_check import checked
from warehouse.query.text_writers import TEXT_ROWS, Texts
from warehouse.schema_version import SCHEMA_VERSION

if TYPE_CHECKING:  # a query of plain types needs no Arrow
    import pyarrow as pa

_REBUILD = "run `wattlog rebuild`"


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of one statement; they are read once.

    Attributes:
        rows: The rows, batch by batch.
        stamper: How its instants become text.
    """

    rows: "pa.RecordBatchReader"
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
        from warehouse.query.formats import write

        with failing_as_query(form):
            return write(self.rows, sink, form, self.stamper)

    @property
    def is_number(self) -> tuple[bool, ...]:
        """Whether a column is aligned right."""
        from warehouse.query.formats import is_number

        return tuple(is_number(field.type) for field in self.rows.schema)

    def texts(self, rows: int = TEXT_ROWS, *, double: Callable[[float], str] | None = None) -> Iterator[Texts]:
        """The rows as texts, at most so many at a time; see `warehouse.query.formats.texts_of`.

        Raises:
            QueryFailed: The statement failed on a row.
        """
        from warehouse.query.formats import texts_of

        with failing_as_query(Format.TABLE):
            for batch in self.rows:
                yield from texts_of(batch, self.stamper, rows, double=double)


@contextmanager
def failing_as_query(form: Format) -> Iterator[None]:
    """Distinguish errors of the query behind a reader from those of the place that is written to.

    Raises:
        QueryFailed: The statement failed on a row, or the format cannot represent the result.
        OSError: The place cannot be written.
    """
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise QueryFailed(f"{form} cannot represent the result: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise _failed_or_unwritable(error) from error


@contextmanager
def connect(
    path: Path, *, threads: int = duck.THREADS, memory: str = duck.MEMORY, allows_files: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading, locked: a statement can read this file, and the lake where it has views of it.

    Args:
        path: The warehouse.
        threads: How many threads DuckDB may use.
        memory: How much memory DuckDB may use; what does not fit is written to a private directory, which is removed.
        allows_files: Leave it unlocked: statements may read every file that this process may.

    Raises:
        WarehouseMissing: There is none yet.
        VersionMismatch: It was built by another version of wattlog.
        Unreadable: It is damaged, not a warehouse, locked by a writer, or newer than this DuckDB.
    """
    if not path.exists():
        raise WarehouseMissing(path)
    with TemporaryDirectory(prefix="wattlog-", ignore_cleanup_errors=True) as spill:
        connection = _open(path, threads)
        try:
            readable = lake_place.locate(connection, path)
            if not allows_files and not duck.is_locked(connection):
                duck.lock(connection, readable=readable, temp_directory=Path(spill), memory=memory)
            yield connection
        finally:
            if not is_left_behind():
                connection.close()


def _open(path: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection to the file, which is a warehouse of this version."""
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
    return connection


def run_sql(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    *,
    clock: Clock = Clock.UTC,
    allows_files: bool = False,
    limit_s: float | None = None,
) -> Result:
    """Run one SELECT (or EXPLAIN, DESCRIBE, SHOW).

    Rows are computed as they are read, so the first come at once and memory stays flat. DuckDB works in a thread of its
    own, so that an interrupt ends it at once.

    Args:
        connection: An open warehouse.
        sql: The statement.
        clock: The clock by which instants are written; `local` needs the sites' zones (`stamper_for`).
        allows_files: Whether the statement may call functions that read files.
        limit_s: How long DuckDB may work on it, in seconds.

    Raises:
        NotReadOnly: The text is no statement, several, or one that writes.
        FunctionRefused: It calls a table function that is not allowed.
        QueryTooLong: The time limit is reached.
        QueryFailed: DuckDB refuses it; its own message in one line.
    """
    thread = QueryThread(connection, limit_s=limit_s)
    statement = thread.run(lambda: checked(connection, sql, allows_files=allows_files))
    return _in_arrow(connection, thread, statement, clock)


def run_for_text(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    *,
    clock: Clock = Clock.UTC,
    allows_files: bool = False,
    limit_s: float | None = None,
) -> Result | PlainRows:
    """Run one SELECT as `run_sql` does, for a reader that needs its rows as texts only.

    Most results have columns of plain types. These are read without Arrow, which takes as long to import as DuckDB.
    """
    thread = QueryThread(connection, limit_s=limit_s)
    statement = thread.run(lambda: checked(connection, sql, allows_files=allows_files))
    try:
        relation = thread.run(lambda: connection.sql(statement))
        kinds = [str(kind) for kind in relation.types]
        if are_plain(kinds):
            thread.run(lambda: connection.execute(statement))
            return PlainRows(connection, thread, relation.columns, kinds)
    except duckdb.Error as error:
        raise QueryFailed(duck.brief(error)) from error
    return _in_arrow(connection, thread, statement, clock)


def _in_arrow(
    connection: duckdb.DuckDBPyConnection, thread: QueryThread, statement: duckdb.Statement, clock: Clock
) -> Result:
    from warehouse.query.formats import BATCH_ROWS

    try:
        reader = thread.run(lambda: connection.sql(statement).to_arrow_reader(BATCH_ROWS))
    except duckdb.Error as error:
        raise QueryFailed(duck.brief(error)) from error
    return Result(thread.read(reader), stamper_for(connection, clock, has_site="site_id" in reader.schema.names))


def stamper_for(connection: duckdb.DuckDBPyConnection, clock: Clock, *, has_site: bool) -> Stamper:
    """How to write instants by `clock`, from the zones in `sites`.

    Args:
        connection: An open warehouse.
        clock: UTC, or that of each row's site.
        has_site: Whether the rows have a site. Without, the local clock is the sites' common one.

    Raises:
        QueryFailed: The local clock is wanted, and the rows do not have the site, of several.
    """
    if clock is Clock.UTC:
        return Stamper()
    from zoneinfo import ZoneInfoNotFoundError

    with connection.cursor() as second:  # the connection itself may be in the middle of a result
        names = dict(second.execute("select site_id, timezone from main.sites order by site_id").fetchall())
    try:
        zones = {site: zone(name) for site, name in names.items()}
    except ZoneInfoNotFoundError as error:
        raise QueryFailed(f"{error.args[0]}; set it with WATTLOG_SITE_TIMEZONES") from error
    if has_site:
        return Stamper(zones)
    common = set(names.values())
    if len(common) > 1:
        raise QueryFailed("the sites have several time zones: add site_id to the columns, or choose UTC")
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
    """Arrow raises an error of DuckDB in the middle of a result as an OSError without a number; the system's own have one."""
    return error if error.errno is not None else QueryFailed(duck.brief(error))
