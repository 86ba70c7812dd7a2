"""The limits of a run that several processes share, in a SQLite file.

Worker processes together must not send more than `--max-requests`, nor faster than the provider allows. The file is in the data
directory, which they share in any case. It has the requests of the last minute, the state of the limiter, the number of all
requests, and whether the run was halted. A process that is killed leaves it consistent. Times are wall-clock
times, since monotonic clocks of two machines differ.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from extract.api.rate_limit import SHORTEST_WAIT_S, LimiterState, RateLimiter, RequestBudget
from extract.errors import ArchiveError, BudgetSpent, RunStopped

LOCK_TIMEOUT_S: Final = 30.0
"""A process waits so long for the lock of the file, which each process has for a tenth of a millisecond."""

_TABLES: Final = """
create table sent (at real not null);
create index sent_at on sent (at);
create table facts (name text primary key, value real not null) without rowid;
"""
_NAMES: Final = tuple(field.name for field in fields(LimiterState))


class Halt(IntEnum):
    """What the processes of a run must stop doing."""

    NOTHING = 0
    REQUESTS = 1
    EVERYTHING = 2


class SharedLimits:
    """The file of one run, for all threads of a process; it is also the `Window` of their rate limiter.

    It is pickled as its absolute path, since workers have other working directories.

    Args:
        path: The file; `begin` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def begin(self) -> None:
        """Begin a run: no request is counted, and nothing is halted.

        Raises:
            ArchiveError: The file cannot be written.
        """
        self.end()
        try:
            self.path.touch()
        except OSError as error:
            raise ArchiveError(str(self.path), f"cannot be written ({error.strerror})") from error
        with self._locked() as connection:
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)

    def end(self) -> None:
        """Remove the file, if it is there."""
        self.close()
        for name in (self.path.name, f"{self.path.name}-journal"):
            self.path.with_name(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # --- budget -------------------------------------------------------------------------------------------------------

    @property
    def spent(self) -> int:
        """Requests sent by all processes."""
        with self._locked() as connection:
            return int(_fact(connection, "spent"))

    def spend(self, cap: int | None) -> None:
        """Count one request.

        Raises:
            RunStopped: The run was halted.
            BudgetSpent: The budget is used up.
        """
        with self._locked() as connection:
            if _fact(connection, "halt"):
                raise RunStopped
            spent = int(_fact(connection, "spent"))
            if cap is not None and spent >= cap:
                raise BudgetSpent(cap)
            _set(connection, "spent", spent + 1)

    # --- halt ---------------------------------------------------------------------------------------------------------

    @property
    def halt(self) -> Halt:
        """What the processes must stop doing."""
        with self._locked() as connection:
            return Halt(int(_fact(connection, "halt")))

    @halt.setter
    def halt(self, halt: Halt) -> None:
        with self._locked() as connection:
            _set(connection, "halt", max(halt, _fact(connection, "halt")))

    # --- rate ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def state(self) -> Iterator[LimiterState]:
        """Lock the file for the block, and store what it changes."""
        with self._locked() as connection:
            steps_down, *times = (_fact(connection, name) for name in _NAMES)
            state = LimiterState(int(steps_down), *times)
            before = asdict(state)
            yield state
            for name, value in asdict(state).items():
                if value != before[name]:
                    _set(connection, name, value)

    def take_slot(self, limit: int, window_s: float, now: float) -> float:
        """See `extract.api.rate_limit.Window`."""
        with self._locked() as connection:
            connection.execute("delete from sent where at <= ?", [now - window_s])
            (sent,) = connection.execute("select count(*) from sent").fetchone()
            if sent < limit:
                connection.execute("insert into sent values (?)", [now])
                return 0.0
            (oldest,) = connection.execute(
                "select at from sent order by at limit 1 offset ?", [sent - limit]
            ).fetchone()
            return max(float(oldest) + window_s - now, SHORTEST_WAIT_S)

    # --- file ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        """Lock the file for one thread of one process; a block within a block has the same lock."""
        with self._lock:
            try:
                connection = self._open()
                if connection.in_transaction:
                    yield connection
                    return
                connection.execute("begin immediate")
            except sqlite3.Error as error:
                raise ArchiveError(str(self.path), f"cannot be used ({error})") from error
            try:
                yield connection
            finally:
                connection.execute("commit")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=LOCK_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            # The file is only for this run, so a write need not wait for the disk; the journal undoes a killed write.
            self._connection.execute("pragma synchronous = off")
            self._connection.execute("pragma journal_mode = truncate")
        return self._connection

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path.absolute()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(SharedLimits(**state).__dict__)


def _fact(connection: sqlite3.Connection, name: str) -> float:
    found = connection.execute("select value from facts where name = ?", [name]).fetchone()
    return 0.0 if found is None else float(found[0])


def _set(connection: sqlite3.Connection, name: str, value: float) -> None:
    connection.execute("insert or replace into facts values (?, ?)", [name, value])


class ProcessSharedBudget(RequestBudget):
    """The most requests that all processes together may send.

    Args:
        requests: How many; None for no limit.
        shared_limits: Where requests are counted.
    """

    def __init__(self, requests: int | None, shared_limits: SharedLimits) -> None:
        super().__init__(requests)
        self._shared_limits = shared_limits

    @property
    def spent(self) -> int:
        """Requests sent by all processes."""
        return self._shared_limits.spent

    def spend(self) -> None:
        """See `RequestBudget`.

        Raises:
            RunStopped: Another process halted the run.
            BudgetSpent: The budget is used up.
        """
        self._shared_limits.spend(self._cap)


class ProcessSharedLimiter(RateLimiter):
    """A rate limiter for all processes: they take slots of one window, and a 429 to one of them pauses and slows down all.

    Args:
        shared_limits: Their window.
        requests_per_minute: See `RateLimiter`, as for all other arguments.
    """

    def __init__(self, shared_limits: SharedLimits, requests_per_minute: int | None, **rest: Any) -> None:
        is_stopped = rest.pop("is_stopped", lambda: False)
        super().__init__(
            requests_per_minute,
            **{"clock": time.time, **rest},
            is_stopped=lambda: is_stopped() or shared_limits.halt is not Halt.NOTHING,
            window=shared_limits,
        )
