"""One allowance of requests for several processes that work on one data directory.

Worker processes must neither spend more than `--max-requests` together nor send faster than the provider lets all of them. What
they have sent, how the pace stands and whether the run was halted is a small SQLite file in the data directory, which they
share anyway: a process that is killed takes nothing of it along. Times are those of the day, since monotonic clocks begin
elsewhere on each machine.
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

from extract.errors import ArchiveError, BudgetSpent, RunStopped
from extract.fetch import Budget
from extract.pace import Pace, Standing

PATIENCE_S: Final = 30.0
"""A process waits so long for the others to let go of the file, which each holds for a tenth of a millisecond."""

CLOCK_STEP_S: Final = 0.001
"""A place that is about to come free is waited for at least so long: clocks and sums are not finer than that."""

_TABLES: Final = """
create table sent (at real not null);
create index sent_at on sent (at);
create table facts (name text primary key, value real not null) without rowid;
"""
_NAMES: Final = tuple(each.name for each in fields(Standing))


class Halt(IntEnum):
    """What the processes of a run are to leave off."""

    NOTHING = 0
    ASKING = 1
    EVERYTHING = 2


class Allowance:
    """The file of one run, for all threads of a process. Pickled, it is its path, absolute since workers stand elsewhere.

    Args:
        path: Where the file stands; `begin` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def begin(self) -> None:
        """Begin a run: nothing is sent, nothing halted.

        Raises:
            ArchiveError: The file cannot be written.
        """
        self.end()
        try:
            self.path.touch()
        except OSError as error:
            raise ArchiveError(str(self.path), f"cannot be written ({error.strerror})") from error
        with self._held() as connection:
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

    # --- the cap ------------------------------------------------------------------------------------------------------

    @property
    def spent(self) -> int:
        """Requests spent by all processes."""
        with self._held() as connection:
            return int(_fact(connection, "spent"))

    def spend(self, cap: int | None) -> None:
        """Count one request.

        Raises:
            RunStopped: The run was halted.
            BudgetSpent: None is left of the cap.
        """
        with self._held() as connection:
            if _fact(connection, "halt"):
                raise RunStopped
            spent = int(_fact(connection, "spent"))
            if cap is not None and spent >= cap:
                raise BudgetSpent(cap)
            _set(connection, "spent", spent + 1)

    # --- the end ------------------------------------------------------------------------------------------------------

    @property
    def halt(self) -> Halt:
        """What is to be left off."""
        with self._held() as connection:
            return Halt(int(_fact(connection, "halt")))

    @halt.setter
    def halt(self, halt: Halt) -> None:
        with self._held() as connection:
            _set(connection, "halt", max(halt, _fact(connection, "halt")))

    # --- the pace -----------------------------------------------------------------------------------------------------

    @contextmanager
    def standing(self) -> Iterator[Standing]:
        """How the common pace stands, for one caller at a time; what the block changes is kept."""
        with self._held() as connection:
            steps_down, *times = (_fact(connection, name) for name in _NAMES)
            standing = Standing(int(steps_down), *times)
            before = asdict(standing)
            yield standing
            for name, value in asdict(standing).items():
                if value != before[name]:
                    _set(connection, name, value)

    def take_place(self, limit: int, window_s: float, now: float) -> float:
        """Count a request as sent and return 0, or return in how many seconds a place comes free.

        There is a place if fewer than `limit` were sent in the last `window_s`.
        """
        with self._held() as connection:
            connection.execute("delete from sent where at <= ?", [now - window_s])
            (sent,) = connection.execute("select count(*) from sent").fetchone()
            if sent < limit:
                connection.execute("insert into sent values (?)", [now])
                return 0.0
            (oldest,) = connection.execute(
                "select at from sent order by at limit 1 offset ?", [sent - limit]
            ).fetchone()
            return max(float(oldest) + window_s - now, CLOCK_STEP_S)

    # --- the file -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        """The file, for one thread of one process at a time; within such a block, the same hold."""
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
                timeout=PATIENCE_S,
                isolation_level=None,
                check_same_thread=False,
            )
            # Nothing of this outlives the run, so nothing waits for the disk; the journal still undoes a killed write.
            self._connection.execute("pragma synchronous = off")
            self._connection.execute("pragma journal_mode = truncate")
        return self._connection

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path.absolute()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(Allowance(**state).__dict__)


def _fact(connection: sqlite3.Connection, name: str) -> float:
    found = connection.execute("select value from facts where name = ?", [name]).fetchone()
    return 0.0 if found is None else float(found[0])


def _set(connection: sqlite3.Connection, name: str, value: float) -> None:
    connection.execute("insert or replace into facts values (?, ?)", [name, value])


class SharedBudget(Budget):
    """A hard cap on the requests of all processes together.

    Args:
        requests: The cap; None for none.
        allowance: Where they count.
    """

    def __init__(self, requests: int | None, allowance: Allowance) -> None:
        super().__init__(requests)
        self._allowance = allowance

    @property
    def spent(self) -> int:
        """Requests spent by all processes."""
        return self._allowance.spent

    def spend(self) -> None:
        """See `Budget`.

        Raises:
            RunStopped: Another process halted the run.
            BudgetSpent: None is left.
        """
        self._allowance.spend(self._left)


class CommonPace(Pace):
    """One pace for all processes: they take places of the same minute, and a 429 met by one holds back and slows down all.

    Args:
        allowance: Where they meet.
        requests_per_minute: See `Pace`, as for everything else.
    """

    def __init__(self, allowance: Allowance, requests_per_minute: int | None, **rest: Any) -> None:
        is_stopped = rest.pop("is_stopped", lambda: False)
        rest = {"clock": time.time, **rest, "is_stopped": lambda: is_stopped() or allowance.halt is not Halt.NOTHING}
        super().__init__(requests_per_minute, **rest)
        self._allowance = allowance

    @contextmanager
    def _held(self) -> Iterator[Standing]:
        with self._allowance.standing() as self._standing:
            yield self._standing

    def _take_place(self, now: float) -> float:
        limit = self._limit
        return 0.0 if limit is None else self._allowance.take_place(limit, self._window_s, now)
