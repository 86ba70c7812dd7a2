"""The published warehouse, open for many readers at once, and opened anew after each publish.

A publish renames a new file over the old one, whose readers keep what they opened. Within one process DuckDB opens a path once:
a second connection to it gets the old file for as long as any connection to that is open. So the old one is closed before the
new one is opened: as soon as no reader is left. If readers follow one another without a pause, new ones wait after `DRAIN_S`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from warehouse.build import lake_place
from warehouse.errors import WarehouseMissing
from warehouse.query.query import connect

DRAIN_S = 1.0
"""How long readers may go on to begin with the old file after a publish; a view takes a fraction of it."""

_GET_LAKE = f"select getvariable('{lake_place.VARIABLE}')"
_SET_LAKE = f"set variable {lake_place.VARIABLE} = ?"


class PublishedWarehouse:
    """Gives cursors of the published file.

    Attributes:
        path: The published file.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is opened yet.

        Args:
            path: The published file.
            clock: Gives seconds.
        """
        self.path = path
        self._clock = clock
        self._idle = threading.Condition()
        self._opened: ExitStack | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lake: str | None = None
        self._edition = ""
        self._readers = 0
        self._outdated_since: float | None = None

    def edition(self) -> str:
        """What identifies the file that is published now: another publish, another text.

        Raises:
            WarehouseMissing: There is none.
        """
        try:
            found = self.path.stat()
        except OSError:
            raise WarehouseMissing(self.path) from None
        return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"

    @contextmanager
    def reading(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """A cursor of the published file and the file's edition, for one request.

        Raises:
            WarehouseMissing: There is none.
            Unreadable: It cannot be opened; see `warehouse.query.query.connect`.
        """
        cursor, edition = self._begin()
        try:
            yield cursor, edition
        finally:
            cursor.close()
            with self._idle:
                self._readers -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Close the file; it is opened again when it is read again."""
        with self._idle:
            self._close()

    def _begin(self) -> tuple[duckdb.DuckDBPyConnection, str]:
        with self._idle:
            while (published := self.edition()) != self._edition or self._connection is None:
                if self._connection is None or not self._readers:
                    self._open(published)
                    break
                self._outdated_since = self._clock() if self._outdated_since is None else self._outdated_since
                if self._clock() - self._outdated_since < DRAIN_S:
                    break
                self._idle.wait(DRAIN_S)
            if self._connection is None:
                raise WarehouseMissing(self.path)
            cursor = self._connection.cursor()
            if self._lake is not None:  # a variable belongs to one session, settings to all of the file
                cursor.execute(_SET_LAKE, [self._lake])
            self._readers += 1
            return cursor, self._edition

    def _open(self, edition: str) -> None:
        self._close()
        opened = ExitStack()
        self._connection = opened.enter_context(connect(self.path))
        self._opened, self._edition, self._outdated_since = opened, edition, None
        ((self._lake,),) = self._connection.execute(_GET_LAKE).fetchall()

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened, self._connection, self._edition = None, None, ""
