"""Taking data out: a table, a model or a query as a file, for any length of history in flat memory."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from string import Template

import duckdb
import pyarrow as pa

from warehouse import atomic
from warehouse.connection import brief
from warehouse.errors import DestinationExists, ExportFailed, QueryFailed, UnknownRelation
from warehouse.formats import Format
from warehouse.localtime import Clock, Stamper
from warehouse.models import MODELS, SCHEMA
from warehouse.partitioned import Partitioning, is_partitioned, write_partitioned
from warehouse.query import Result, connect, failing_as_query, reading_statement, stamper_for
from warehouse.schema import TABLES, Field
from warehouse.selection import Selection, day_column, select

_QUERY = re.compile(r"(\s|--.*\n)*(select|with)\b", re.IGNORECASE)
_RELATION = Template('select * from "$schema"."$name"')
_FLAT = "set memory_limit = '256MB'"
"""Reading a table takes little; without a limit DuckDB keeps all that it has read."""

_PRESENT = """
select schema_name, table_name from duckdb_tables() where database_name = current_database()
union all
select schema_name, view_name from duckdb_views() where database_name = current_database() and not internal
order by all
"""


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
    """What is exported: one SELECT, and what is declared of its columns."""

    query: str
    fields: dict[str, Field]
    is_table: bool = False


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
) -> Exported:
    """Write a relation of the warehouse to a file, or to a directory of files.

    Args:
        path: The warehouse.
        relation: A table (`power`, `main.power`), a model (`analytics.daily`), or a query that begins with select or
            with. A bare name is the table where there is one, else the model: `daily` is the table, in Wh.
        destination: The file, or the directory with `partition_by`; written under a temporary name and renamed.
        form: How. Parquet carries each column's unit and description in its field metadata.
        since: First day (`warehouse.selection` says by which column).
        until: Last day, included.
        sites: Only these sites; all when None.
        tz: Whose clock text formats write instants by; the offset is always there. Parquet keeps instants.
        force: Whether an existing file is replaced, or a directory in which there is nothing but an earlier export.
        partition_by: Levels of directories, outermost first (`warehouse.partitioned`); one file when empty.

    Raises:
        DestinationExists: The file exists and `force` was not given, or it is a directory with other things in it.
        UnknownRelation: There is no such table or model.
        QueryFailed: The query is refused or fails, or lacks a column that the choice needs.
        ExportFailed: The file cannot be written. Nothing half-written is left.
        Unreadable: The warehouse cannot be opened.
    """
    if destination.exists() and not force:
        raise DestinationExists(destination)
    if destination.is_dir() and not (partition_by and is_partitioned(destination)):
        raise ExportFailed(destination, "a directory that holds other things stands there; choose another name")
    with connect(path) as connection:
        source = _source(connection, relation, destination)
        if source.is_table:
            connection.execute(_FLAT)
        try:
            rows = _described(select(connection, source.query, Selection(since, until, sites)), source.fields)
        except duckdb.Error as error:
            raise QueryFailed(brief(error)) from error
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
        atomic.sweep(destination.parent, name=destination.name)
        with atomic.replacing(destination) as temporary:
            with temporary.open("xb") as sink:
                rows = result.write(sink, form)
            size = temporary.stat().st_size
    except OSError as error:
        raise ExportFailed(destination, atomic.reason(error)) from error
    return Exported(destination, rows, size)


def _write_parts(
    result: Result, destination: Path, form: Format, by: Sequence[Partitioning], local: Stamper
) -> Exported:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        atomic.sweep(destination.parent, name=destination.name)
        with atomic.replacing_directory(destination) as temporary:
            with failing_as_query(form):
                rows = write_partitioned(result.rows, temporary, form, by, result.stamper, local)
            sizes = [each.stat().st_size for each in temporary.rglob("*") if each.is_file()]
    except OSError as error:
        raise ExportFailed(destination, atomic.reason(error)) from error
    return Exported(destination, rows, sum(sizes), len(sizes))


def _source(connection: duckdb.DuckDBPyConnection, relation: str, destination: Path) -> _Source:
    if _QUERY.match(relation):
        return _Source(reading_statement(connection, relation).query.strip().rstrip(";"), _declared_alike())
    known = [(schema, name) for schema, name in connection.execute(_PRESENT).fetchall() if schema in ("main", SCHEMA)]
    schema, _, name = relation.strip().rpartition(".")
    for candidate in (schema,) if schema else ("main", SCHEMA):
        if (candidate, name) in known:
            fields = TABLES[name].fields if candidate == "main" else MODELS[name].fields
            query = _RELATION.substitute(schema=candidate, name=name)
            return _Source(query, {column.name: column for column in fields}, is_table=candidate == "main")
    raise UnknownRelation(destination, relation, tuple(".".join(each).removeprefix("main.") for each in known))


def _declared_alike() -> dict[str, Field]:
    """Columns that mean the same wherever they are declared: what the column of a query is, going by its name."""
    meanings: dict[str, Field] = {}
    ambiguous = set()
    declared = [table.fields for table in TABLES.values()] + [model.fields for model in MODELS.values()]
    for each in chain.from_iterable(declared):
        first = meanings.setdefault(each.name, each)
        if (first.type, first.unit, first.description) != (each.type, each.unit, each.description):
            ambiguous.add(each.name)
    return {name: each for name, each in meanings.items() if name not in ambiguous}


def _described(rows: pa.RecordBatchReader, fields: dict[str, Field]) -> pa.RecordBatchReader:
    """The same rows, their columns with the declared unit and description in the metadata."""
    schema = pa.schema(
        [
            each.with_metadata(fields[each.name].arrow().metadata)
            if each.name in fields and fields[each.name].type.arrow == each.type
            else each
            for each in rows.schema
        ]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _stamper(connection: duckdb.DuckDBPyConnection, columns: pa.Schema, tz: Clock, form: Format) -> Stamper:
    writes_instants = form is not Format.PARQUET and any(
        pa.types.is_timestamp(each.type) and each.type.tz is not None for each in columns
    )
    return stamper_for(connection, tz, has_site="site_id" in columns.names) if writes_instants else Stamper()
