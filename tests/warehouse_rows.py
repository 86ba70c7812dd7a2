"""What is in a warehouse, for tests that compare two of them."""

from pathlib import Path

import duckdb

from warehouse.query import connect
from warehouse.schema import TABLES

LINEAGE = {"_fetched_at", "_raw_id", "_run_id", "raw_id", "run_id", "elapsed_ms", "bytes"}
"""Columns that say which run a row came from; a body's size differs with the instant inside it."""


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and of analytics.daily, without lineage."""
    with connect(path) as connection:
        return {
            name: _rows(connection, name, [each for each in table.columns if each not in LINEAGE])
            for name, table in TABLES.items()
            if name != "runs"
        } | {"analytics.daily": _rows(connection, "analytics.daily", ["*"])}


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[tuple[object, ...]]:
    return sorted(connection.execute(f"select {', '.join(columns)} from {name}").fetchall(), key=repr)
