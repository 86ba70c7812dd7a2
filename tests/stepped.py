"""A clock for several threads or processes that moves only while all of them sleep, so that a busy machine has no effect."""

import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECONDS = struct.Struct("d")


class SteppedClock:
    """Seconds in a file that every process opens.

    A thread takes part within `awake()`; while any thread is awake, the time does not change. `sleep` waits until no thread is
    awake, moves the time forward by the seconds to sleep, and makes its thread awake again. So everything that a thread does
    while awake, such as sending a request that a server counts, happens at one instant.

    Args:
        path: The file; made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = threading.local()
        with suppress(FileExistsError), path.open("xb") as file:
            file.write(SECONDS.pack(0.0))

    def __call__(self) -> float:
        """The time."""
        (seconds,) = SECONDS.unpack(self._path.read_bytes())
        return float(seconds)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Take part with this thread: the time does not change while it is awake."""
        with self._path.open("r+b", buffering=0) as self._here.lock:
            fcntl.flock(self._here.lock, fcntl.LOCK_SH)
            yield

    def sleep(self, seconds: float) -> None:
        """Wait until no thread is awake, move the time forward, and be awake again."""
        fcntl.flock(self._here.lock, fcntl.LOCK_UN)
        fcntl.flock(self._here.lock, fcntl.LOCK_EX)
        os.pwrite(self._here.lock.fileno(), SECONDS.pack(self() + seconds), 0)
        fcntl.flock(self._here.lock, fcntl.LOCK_SH)
