"""How this package runs its SQL files and the report's."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.connection import brief
from warehouse.errors import QueryFailed
from warehouse.query.site_choice import chosen_sites
from warehouse.report.model import Columns
from warehouse.report.queries import table_of
from warehouse.statements import Statement, load

Json = dict[str, Any]


def run(connection: duckdb.DuckDBPyConnection, statement: Statement, parameters: Mapping[str, object]) -> pa.Table:
    """The rows of a statement.

    Raises:
        QueryFailed: DuckDB refuses it, or the warehouse lacks what it reads.
    """
    try:
        return table_of(connection, statement, parameters)
    except duckdb.CatalogException as error:
        raise QueryFailed(
            f"the warehouse was made by another wattlog ({brief(error)}); run `wattlog rebuild`"
        ) from error
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error


def rows(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> list[Json]:
    """The rows of one of the dashboard's own files, as objects; see `run`."""
    found: list[Json] = run(connection, own()[name], parameters).to_pylist()
    return found


def columns(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> Columns:
    """The same as columns."""
    found: Columns = run(connection, own()[name], parameters).to_pydict()
    return found


def chosen(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> list[int]:
    """The ids of sites; of those with any day when None.

    Raises:
        QueryFailed: A site is unknown.
    """
    if sites is not None:
        return chosen_sites(connection, sites)
    found = connection.execute("select site_id from main.sites semi join main.daily using (site_id) order by all")
    return [site for (site,) in found.fetchall()]


@cache
def own() -> dict[str, Statement]:
    """The dashboard's SQL files by name."""
    return load("dashboard")
