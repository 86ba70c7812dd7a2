"""Locks between processes, which the operating system releases when their process ends."""

from pathlib import Path

from filelock import FileLock

from wattlog.durable import PRIVATE


def file_lock(path: Path, *, timeout_s: float = -1) -> FileLock:
    """The lock of a file, not acquired yet.

    Where the file system has no locks, acquiring it raises an OSError. The library's substitute, a file that has to be removed
    at the end, would outlast a killed process and look like another run for ever.

    Args:
        path: The file; it is made.
        timeout_s: How long to wait for the lock; without limit where it is negative.
    """
    return FileLock(path, timeout=timeout_s, mode=PRIVATE, fallback_to_soft=False)
