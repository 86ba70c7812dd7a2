"""A table, a model or a query as a file, in memory that does not grow with the length of the history."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.connection import MEMORY, brief
from warehouse.errors import DestinationExists, ExportFailed, QueryFailed, UnknownRelation
from warehouse.export.partitioned import Partitioning, is_partitioned, write_partitioned
from warehouse.export.relations import is_table, relation_named, relations_of
from warehouse.export.row_filter import RowFilter, day_column, select
from warehouse.localtime import Clock, Stamper
from warehouse.models import MODELS
from warehouse.query.output_format import Format
from warehouse.query.query import Result, connect, failing_as_query, stamper_for
from warehouse.query.query_thread import QueryThread
from warehouse.query.statement_check import checked
from warehouse.schema import TABLES, Field
from wattlog import durable

_QUERY = re.compile(r"(\s|--.*\n)*(select|with)\b", re.IGNORECASE)
_FLAT = "256MB"
"""Reading a table needs little; without a limit DuckDB keeps all that it has read."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export.

    Attributes:
        path: The file or directory.
        rows: Rows in it.
        bytes: Its size.
        files: How many files there are, if it is a directory.
    """

    path: Path
    rows: int
    bytes: int
    files: int = 1


@dataclass(frozen=True, slots=True)
class _Source:
    """What is exported: one SELECT, and the declarations of its columns."""

    query: str
    fields: dict[str, Field]


def export(
    path: Path,
    relation: str,
    destination: Path,
    form: Format,
    *,
    since: date | None = None,
    until: date | None = None,
    sites: Collection[int] | None = None,
    tz: Clock = Clock.LOCAL,
    force: bool = False,
    partition_by: Sequence[Partitioning] = (),
    allows_files: bool = False,
    limit_s: float | None = None,
) -> Exported:
    """Write a relation of the warehouse to a file, or to a directory of files.

    Args:
        path: The warehouse.
        relation: A table (`power`, `main.power`), a model (`analytics.daily`), or a query that begins with select or
            with. A bare name is the table where there is one, else the model: `daily` is the table, in Wh.
        destination: The file, or the directory with `partition_by`; written under a temporary name and renamed.
        form: The format. Parquet has each column's unit and description in its field metadata.
        since: First day, by the column that `warehouse.export.row_filter` chooses.
        until: Last day, included.
        sites: Only these sites; all when None.
        tz: The clock by which text formats write instants, always with the offset. Parquet keeps instants.
        force: Whether an existing file is replaced, or a directory that contains only an earlier export.
        partition_by: Levels of directories, outermost first (`warehouse.export.partitioned`); one file when empty.
        allows_files: Whether a query may read files.
        limit_s: How long DuckDB may work, in seconds.

    Raises:
        DestinationExists: The file exists and `force` was not given, or it is a directory with other things in it.
        UnknownRelation: There is no such table or model.
        QueryFailed: The query is refused, fails or takes too long, or lacks a column that the filter needs.
        ExportFailed: The file cannot be written. No part of a file is left.
        Unreadable: The warehouse cannot be opened.
    """
    if destination.exists() and not force:
        raise DestinationExists(destination)
    if destination.is_dir() and not (partition_by and is_partitioned(destination)):
        raise ExportFailed(destination, "it is a directory with other things in it; choose another name")
    with connect(path, memory=_FLAT if is_table(relation) else MEMORY, allows_files=allows_files) as connection:
        selection, thread = RowFilter(since, until, sites), QueryThread(connection, limit_s=limit_s)
        source = thread.run(lambda: _source(connection, relation, destination, allows_files=allows_files))
        try:
            chosen = thread.read(thread.run(lambda: select(connection, source.query, selection)))
        except duckdb.Error as error:
            raise QueryFailed(brief(error)) from error
        rows = _described(chosen, source.fields)
        result = Result(rows, _stamper(connection, rows.schema, tz, form))
        if not partition_by:
            return _write(result, destination, form)
        is_by_instant = day_column(rows.schema) is None and tuple(partition_by) != (Partitioning.SITE,)
        has_site = "site_id" in rows.schema.names
        local = stamper_for(connection, Clock.LOCAL, has_site=has_site) if is_by_instant else Stamper()
        return _write_parts(result, destination, form, partition_by, local)


def _write(result: Result, destination: Path, form: Format) -> Exported:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        durable.sweep(destination.parent, name=destination.name)
        with durable.replacing(destination, is_private=False) as temporary:
            with temporary.open("xb") as sink:
                rows = result.write(sink, form)
            size = temporary.stat().st_size
    except OSError as error:
        raise ExportFailed(destination, durable.reason(error)) from error
    return Exported(destination, rows, size)


def _write_parts(
    result: Result, destination: Path, form: Format, by: Sequence[Partitioning], local: Stamper
) -> Exported:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        durable.sweep(destination.parent, name=destination.name)
        with durable.replacing_directory(destination) as temporary:
            with failing_as_query(form):
                rows = write_partitioned(result.rows, temporary, form, by, result.stamper, local)
            sizes = [path.stat().st_size for path in temporary.rglob("*") if path.is_file()]
    except OSError as error:
        raise ExportFailed(destination, durable.reason(error)) from error
    return Exported(destination, rows, sum(sizes), len(sizes))


def _source(connection: duckdb.DuckDBPyConnection, relation: str, destination: Path, *, allows_files: bool) -> _Source:
    if _QUERY.match(relation):
        statement = checked(connection, relation, allows_files=allows_files)
        return _Source(statement.query.strip().rstrip(";"), _declared_alike())
    present = relations_of(connection)
    found = relation_named(present, relation)
    if found is None:
        raise UnknownRelation(destination, relation, tuple(map(str, present)))
    return _Source(found.query, {field.name: field for field in found.fields})


def _declared_alike() -> dict[str, Field]:
    """Columns with one declaration in all tables and models: those that the columns of a query are described by, by name."""
    meanings: dict[str, Field] = {}
    ambiguous = set()
    declared = [table.fields for table in TABLES.values()] + [model.fields for model in MODELS.values()]
    for field in chain.from_iterable(declared):
        first = meanings.setdefault(field.name, field)
        if (first.type, first.unit, first.description) != (field.type, field.unit, field.description):
            ambiguous.add(field.name)
    return {name: each for name, each in meanings.items() if name not in ambiguous}


def _described(rows: pa.RecordBatchReader, fields: dict[str, Field]) -> pa.RecordBatchReader:
    """The same rows, their columns with the declared unit and description in the metadata."""
    schema = pa.schema(
        [
            field.with_metadata(fields[field.name].arrow().metadata)
            if field.name in fields and fields[field.name].type.arrow == field.type
            else field
            for field in rows.schema
        ]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _stamper(connection: duckdb.DuckDBPyConnection, columns: pa.Schema, tz: Clock, form: Format) -> Stamper:
    writes_instants = form is not Format.PARQUET and any(
        pa.types.is_timestamp(field.type) and field.type.tz is not None for field in columns
    )
    return stamper_for(connection, tz, has_site="site_id" in columns.names) if writes_instants else Stamper()
