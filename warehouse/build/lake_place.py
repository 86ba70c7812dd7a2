"""The place of the lake for a warehouse of views, which every connection to it must set; see `warehouse.build.in_place`."""

import os
from pathlib import Path

import duckdb

VARIABLE = "wattlog_lake"

_GLOB = "[*?"

_KEEP_FOOTERS = "set parquet_metadata_cache = true"
"""A report asks dozens of questions, each of which reads the footer of every file: half of the time. DuckDB reads a footer
again when its file has changed."""


def locate(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """Set the place of the lake of the warehouse at `path`, and return its directory; nothing where its tables are no views.

    A directory is named twice: DuckDB compares patterns letter by letter with what is allowed.
    """
    try:
        ((from_here,),) = connection.execute("select from_here from meta.lake").fetchall()
    except duckdb.CatalogException:  # to list the tables first would take longer than most queries
        return ()
    place = os.path.normpath(path.resolve().parent / from_here)
    connection.execute(f"set variable {VARIABLE} = ?", [as_pattern(place)])
    connection.execute(_KEEP_FOOTERS)
    return place, as_pattern(place)


def as_pattern(path: str) -> str:
    """A path as a glob pattern that matches it alone."""
    return "".join(f"[{character}]" if character in _GLOB else character for character in path)
