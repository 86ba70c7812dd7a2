"""How this package opens DuckDB, wherever it does."""

from pathlib import Path

import duckdb

THREADS = 2
"""A warehouse of ten sites and ten years answers in well under a second on two; a laptop keeps the others."""


def connect(
    database: Path | str = ":memory:",
    *,
    read_only: bool = False,
    threads: int = THREADS,
    temp_directory: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB with this project's settings.

    The session's zone is UTC, so that a result never depends on the machine. Nothing is fetched from the network: the
    extensions that are used (icu, json, parquet) are built in. SQL cannot reach the variables of the running program.

    Args:
        database: The file, or a database in memory.
        read_only: Whether writing is refused.
        threads: How many threads DuckDB may use.
        temp_directory: Where a sort larger than memory spills to; DuckDB's own choice when None.

    Raises:
        duckdb.Error: The file is absent, damaged, locked or newer than this DuckDB.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "threads": threads,
    }
    if temp_directory is not None:
        config["temp_directory"] = str(temp_directory)
    connection = duckdb.connect(database, read_only=read_only, config=config)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(
        "set enable_progress_bar = false"
    )  # it goes to standard output, into the rows, where none is seen
    return connection


def brief(error: duckdb.Error | OSError) -> str:
    """DuckDB's own message as one line, without the drawing that points into the statement."""
    message = str(error).split("\n\nLINE ")[0].strip()
    return " ".join(message.split())
