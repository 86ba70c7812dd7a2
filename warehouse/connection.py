"""How this package opens DuckDB, and how it locks a connection for statements written by others."""

from collections.abc import Collection
from pathlib import Path
from string import Template

import duckdb

_SWITCH = Template("set $name = ?")

THREADS = 2
"""With two, queries of a warehouse of ten sites and ten years take well under a second, and a laptop keeps the others."""


MEMORY = "50%"
"""Share of the machine's memory: what does not fit is written to the temporary directory."""

SPILL = "10GB"
"""Limit of the temporary directory; DuckDB's default is nine tenths of the free disk."""


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
    if not is_locked(connection):
        # `global` as well: a second connection of this process to a locked file cannot set it any more, and inherits it.
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute("set session TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")  # it would be written to standard output, among the rows
    return connection


def lock(
    connection: duckdb.DuckDBPyConnection, *, readable: Collection[str], temp_directory: Path, memory: str = MEMORY
) -> None:
    """Close a connection to everything but its own database, for good: no switch can be changed afterwards.

    DuckDB reads and writes no file then, opens no other database, loads no extension and takes no secrets. Below
    `readable` it still does both, so what writes must be refused by another layer (`warehouse.query.statement_check`).

    Args:
        connection: A connection whose own settings are made.
        readable: Directories whose files stay within reach.
        temp_directory: Where a sort larger than memory spills to; it exists and is private.
        memory: How much memory DuckDB may use.

    Raises:
        duckdb.Error: This DuckDB has no such switch.
    """
    switches: dict[str, object] = {
        "memory_limit": memory,
        "temp_directory": str(temp_directory),
        "max_temp_directory_size": SPILL,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "allowed_directories": list(readable),
        "enable_external_access": False,
        "lock_configuration": True,  # the last one: nothing is set after it
    }
    for name, value in switches.items():
        connection.execute(_SWITCH.substitute(name=name), [value])


def is_locked(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether no switch can be changed: another connection of this process to the same file was locked."""
    return bool(connection.execute("select current_setting('lock_configuration')").fetchall()[0][0])


def brief(error: duckdb.Error | OSError) -> str:
    """DuckDB's own message as one line, without the lines that point into the statement."""
    message = str(error).split("\n\nLINE ")[0].strip()
    return " ".join(message.split())
