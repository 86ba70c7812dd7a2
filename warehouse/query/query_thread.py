"""DuckDB in a separate thread, so that Ctrl-C or a time limit ends any statement.

Python handles signals in the main thread, between two of its instructions: a call into DuckDB on that thread would have to
return first. Here the main thread only waits. It interrupts DuckDB, which stops between two batches; a single function over a
long list, or the planner, does not check for interrupts. Such a call is abandoned after a moment, and the process must end
without waiting for it (`is_left_behind`).
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from warehouse.errors import QueryTooLong

if TYPE_CHECKING:  # the command line calls `is_left_behind` at its end, also where DuckDB was not needed
    import duckdb
    import pyarrow as pa

Returned = TypeVar("Returned")

GRACE_S = 0.5
"""How long DuckDB has to stop by itself; with what follows, Ctrl-C ends a command within a second."""

LOOK_S = 0.2
"""How often the waiting thread looks up. A signal that comes just before it begins to wait, or to another thread, does not wake
it, and would be handled only when the statement is through."""

_left_behind: list[threading.Thread] = []


def is_left_behind() -> bool:
    """Whether a call into DuckDB goes on that did not stop when it was interrupted.

    Its connection must not be closed then, and the interpreter cannot be shut down in order: the process ends by
    `os._exit`.
    """
    return any(thread.is_alive() for thread in _left_behind)


class QueryThread:
    """Runs calls into one connection, one at a time."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        *,
        limit_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a connection.

        Args:
            connection: What the calls use.
            limit_s: How long all calls together may take, in seconds; the time between them does not count.
            clock: Gives seconds.
        """
        self._connection, self._limit_s, self._clock = connection, limit_s, clock
        self._spent_s = 0.0

    def run(self, call: Callable[[], Returned]) -> Returned:
        """What a call returns, or what it raises.

        Raises:
            QueryTooLong: The time limit is reached.
        """
        done, outcome = threading.Event(), dict[str, Any]()

        def work() -> None:
            try:
                outcome["returned"] = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where the call was made
                outcome["error"] = error
            finally:
                done.set()

        thread = threading.Thread(target=work, name="query", daemon=True)
        began = self._clock()
        try:
            thread.start()
            self._wait(done)
        except BaseException:
            self._stop(thread, done)
            raise
        self._spent_s += self._clock() - began
        if "error" in outcome:
            raise outcome["error"]
        returned: Returned = outcome["returned"]
        return returned

    def read(self, rows: "pa.RecordBatchReader") -> "pa.RecordBatchReader":
        """The same rows; each batch is computed in the thread."""
        import pyarrow as pa

        def batches() -> "Iterator[pa.RecordBatch]":
            while (batch := self.run(lambda: next(rows, None))) is not None:
                yield batch

        return pa.RecordBatchReader.from_batches(rows.schema, batches())

    def _wait(self, done: threading.Event) -> None:
        left_s = None if self._limit_s is None else max(self._limit_s - self._spent_s, 0.0)
        while not done.wait(LOOK_S if left_s is None else min(LOOK_S, left_s)):
            if left_s is not None:
                left_s -= LOOK_S
                if left_s <= 0:
                    raise QueryTooLong(self._limit_s or 0.0)

    def _stop(self, thread: threading.Thread, done: threading.Event) -> None:
        self._connection.interrupt()
        if not done.wait(GRACE_S):
            _left_behind.append(thread)
