"""Views in the place of tables: a warehouse that reads the lake itself, for fleets too large to store twice.

Nothing is stored, so nothing is loaded, and a query reads the lake as it is at that moment: during a run, possibly the new
month of one table and the old month of another.

A view names the lake by its absolute path, so that any program that opens the warehouse finds it. wattlog sets the
place of the lake in each connection, relative to the warehouse, so that a data directory that was moved or copied still
works. Other programs do the same with `set variable wattlog_lake = '/where/it/is/now/lake'`.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

import duckdb

from warehouse.build.lake_place import VARIABLE, as_pattern
from warehouse.lake.lake import FILE_NAME, Lake
from warehouse.models import MODELS, Model
from warehouse.schema import TABLES, Table, comment_on
from warehouse.statements import Statement

_CREATE_PLACE = "create table meta.lake (from_here varchar not null)"
_COMMENT_PLACE = (
    "comment on table meta.lake is 'This warehouse reads its tables from the lake, at this path relative to its "
    "directory; if the lake was moved: set variable wattlog_lake to the new place.'"
)
_VIEW = Template("""
create view main.$table as select $columns from read_parquet(
    coalesce(getvariable('$variable'), '$lake') || '/table=$name/$files', hive_partitioning = $is_hive, $types
)
""")
_EMPTY = Template("create view main.$table as select $columns where false")
_SITE_MONTH = (f"site_id=*/month=*/{FILE_NAME}", "true", "hive_types = {'site_id': bigint, 'month': varchar}")
_ACCOUNT = (FILE_NAME, "false", "union_by_name = false")


@dataclass(frozen=True, slots=True)
class _Unstored(Model):
    """A model whose rows are computed by each query, since storing them takes reading the whole lake."""

    @property
    def statement(self) -> Statement:
        stored = MODELS[self.name].statement
        return replace(
            stored, sql=stored.sql.replace(f"create table analytics.{self.name}", f"create view analytics.{self.name}")
        )


MODELS_AS_VIEWS: tuple[Model, ...] = tuple(_Unstored(model.name, model.fields) for model in MODELS.values())
"""Every model, none of them materialised."""


def create_views(
    connection: duckdb.DuckDBPyConnection, lake: Lake, destination: Path, with_files: Collection[str]
) -> None:
    """Create each table of the schema as a view with its columns and comments in the database in use.

    Args:
        connection: A new database.
        lake: What the views read.
        destination: The warehouse's final place.
        with_files: Tables that have files; the others are views without rows.

    Raises:
        duckdb.Error: The lake cannot be read.
    """
    root = lake.root.resolve()
    connection.execute("create schema meta")
    connection.execute(_CREATE_PLACE)
    connection.execute(_COMMENT_PLACE)
    connection.execute("insert into meta.lake values (?)", [os.path.relpath(root, destination.resolve().parent)])
    for table in TABLES.values():
        connection.execute(_view(table, root) if table.name in with_files else _without_rows(table))
        for statement in comment_on("VIEW", f'main."{table.name}"', table.grain, table.fields):
            connection.execute(statement)


def _view(table: Table, root: Path) -> str:
    files, is_hive, types = _ACCOUNT if table.partition == "account" else _SITE_MONTH
    return _VIEW.substitute(
        table=f'"{table.name}"',
        name=table.name,
        columns=", ".join(f'"{field.name}"' for field in table.fields),
        variable=VARIABLE,
        lake=as_pattern(str(root)).replace("'", "''"),
        files=files,
        is_hive=is_hive,
        types=types,
    )


def _without_rows(table: Table) -> str:
    columns = ", ".join(f'null::{field.type} as "{field.name}"' for field in table.fields)
    return _EMPTY.substitute(table=f'"{table.name}"', columns=columns)
