"""SQLite databases: read from a temporary copy, so that the original is neither needed nor changed."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from transform.imports.batches import ROWS, UnreadableFile
from transform.imports.files import HistoryFile

_VERSIONS_AT: Final = 18
"""Where two bytes of the header say whether a database has a write-ahead log (2) or not (1); the copy has none."""


@contextmanager
def open_database(file: HistoryFile) -> Iterator[sqlite3.Connection]:
    """A database, for reading.

    What is only in its write-ahead log (`…-wal`) is not in the file: the tool that writes it has to be stopped first.

    Raises:
        UnreadableFile: It is damaged.
    """
    with file.on_disk() as path:
        with path.open("r+b") as copy:
            copy.seek(_VERSIONS_AT)
            copy.write(b"\x01\x01")
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            yield connection
        except sqlite3.Error as error:
            raise UnreadableFile(f"it is no whole SQLite database: {error}") from None
        finally:
            connection.close()


def rows_of(connection: sqlite3.Connection, query: str, *values: Any) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows of a query, some thousands at a time."""
    cursor = connection.execute(query, values)
    while part := cursor.fetchmany(ROWS):
        yield part


def columns_of(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns of a table; none where there is no such table."""
    return frozenset(str(name) for (name,) in connection.execute("select name from pragma_table_info(?)", (table,)))
