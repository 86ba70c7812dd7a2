"""Content of a warehouse, for tests that compare two of them."""

from pathlib import Path

import duckdb

from warehouse.query.query import connect
from warehouse.schema import TABLES

LINEAGE = {"_fetched_at", "_raw_id", "_run_id", "raw_id", "run_id", "elapsed_ms", "bytes"}
"""Columns that depend on the run, and the size of a body, which contains an instant."""


OF_SNAPSHOTS = frozenset({"live_status", "wall_connector_states"})
"""Tables of what a site was at the instant of each request: other runs have other rows."""


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and of analytics.daily, without lineage."""
    with connect(path) as connection:
        return {
            name: _rows(connection, name, [column for column in table.columns if column not in LINEAGE])
            for name, table in TABLES.items()
            if name != "runs"
        } | {"analytics.daily": _rows(connection, "analytics.daily", ["*"])}


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[tuple[object, ...]]:
    return sorted(connection.execute(f"select {', '.join(columns)} from {name}").fetchall(), key=repr)
