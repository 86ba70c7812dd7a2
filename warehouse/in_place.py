"""Views in the place of tables: a warehouse that reads the lake where it lies, for fleets too large to store twice.

Nothing is stored, so nothing is loaded, and a query sees the lake as it is at that moment: while a run writes, maybe the new
month of one table and the old month of another.

A view names the lake by its absolute path, so that any program that opens the warehouse finds it. wattlog itself tells each
connection where the lake lies now, going by the warehouse's own place: a data directory that was moved, or copied, goes on
working. Other programs do the same with `set variable wattlog_lake = '/where/it/is/now/lake'`.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

import duckdb

from warehouse.lake import Lake
from warehouse.models import MODELS, Model
from warehouse.schema import TABLES, Table, comment_on
from warehouse.statements import Statement

VARIABLE = "wattlog_lake"

_CREATE_PLACE = "create table meta.lake (from_here varchar not null)"
_COMMENT_PLACE = (
    "comment on table meta.lake is 'This warehouse reads its tables from the lake, which lies there as seen from its "
    "directory; if it was moved: set variable wattlog_lake to the new place.'"
)
_VIEW = Template("""
create view main.$table as select $columns from read_parquet(
    coalesce(getvariable('$variable'), '$lake') || '/table=$name/$files', hive_partitioning = $is_hive, $types
)
""")
_EMPTY = Template("create view main.$table as select $columns where false")
_SITE_MONTH = ("site_id=*/month=*/part.parquet", "true", "hive_types = {'site_id': bigint, 'month': varchar}")
_ACCOUNT = ("part.parquet", "false", "union_by_name = false")
_GLOB = "[*?"


@dataclass(frozen=True, slots=True)
class _Unstored(Model):
    """A model whose rows are computed by each query, since storing them takes reading the whole lake."""

    @property
    def statement(self) -> Statement:
        stored = MODELS[self.name].statement
        return replace(
            stored, sql=stored.sql.replace(f"create table analytics.{self.name}", f"create view analytics.{self.name}")
        )


MODELS_AS_VIEWS: tuple[Model, ...] = tuple(_Unstored(each.name, each.fields) for each in MODELS.values())
"""Every model, none of them materialised."""


def create_views(
    connection: duckdb.DuckDBPyConnection, lake: Lake, destination: Path, with_files: Collection[str]
) -> None:
    """Create each table of the schema as a view with its columns and comments in the database in use.

    Args:
        connection: A new database.
        lake: What the views read.
        destination: Where the warehouse will stand.
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


def locate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Tell a connection where the lake of the warehouse at `path` lies now; nothing where its tables are tables."""
    present = "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'lake'"
    if connection.execute(present).fetchall():
        ((from_here,),) = connection.execute("select from_here from meta.lake").fetchall()
        place = _as_pattern(os.path.normpath(path.resolve().parent / from_here))
        connection.execute(f"set variable {VARIABLE} = ?", [place])


def _view(table: Table, root: Path) -> str:
    files, is_hive, types = _ACCOUNT if table.partition == "account" else _SITE_MONTH
    return _VIEW.substitute(
        table=f'"{table.name}"',
        name=table.name,
        columns=", ".join(f'"{each.name}"' for each in table.fields),
        variable=VARIABLE,
        lake=_as_pattern(str(root)).replace("'", "''"),
        files=files,
        is_hive=is_hive,
        types=types,
    )


def _without_rows(table: Table) -> str:
    columns = ", ".join(f'null::{each.type} as "{each.name}"' for each in table.fields)
    return _EMPTY.substitute(table=f'"{table.name}"', columns=columns)


def _as_pattern(path: str) -> str:
    """A path in which no character stands for others."""
    return "".join(f"[{each}]" if each in _GLOB else each for each in path)
