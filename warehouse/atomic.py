"""Files that are whole or absent: written beside their place, flushed to disk, renamed.

A reader sees the old file or the new one. A process killed in between leaves a temporary file, which no reader takes for a
real one and which the next writer of that directory removes. One run at a time writes a directory (the data directory's lock).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_SUFFIX = ".unfinished"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, what was written there becomes `path`.

    Args:
        path: The file's final place; its directory exists.

    Yields:
        The temporary name. The block writes and closes it.

    Raises:
        OSError: From flushing or renaming; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}{_SUFFIX}")
    try:
        yield temporary
        publish(temporary, path)
    finally:
        _remove(temporary)


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """Give a temporary directory beside `path`; when the block ends well, it becomes `path`, whatever stood there.

    A directory cannot be renamed over another one that has files: the old one is renamed away first. A kill between the two
    leaves none, and the old one under its other name until the next sweep; what is in the new one is flushed before.

    Args:
        path: The directory's final place; its parent exists.

    Yields:
        The temporary directory, which exists.

    Raises:
        OSError: From flushing or renaming; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}{_SUFFIX}")
    old = path.with_name(f".{path.name}.{uuid4().hex[:12]}{_SUFFIX}")
    try:
        temporary.mkdir()
        yield temporary
        for each in temporary.rglob("*"):
            _flush(each, os.O_RDONLY)
        if path.exists():
            path.rename(old)
        temporary.rename(path)
        _flush(path.parent, os.O_RDONLY)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        _remove(old)
        _remove(temporary)


def publish(finished: Path, path: Path) -> None:
    """Flush `finished` to disk, rename it to `path` and flush the directory, in this order.

    Raises:
        OSError: The disk is full, or the place cannot be written.
    """
    _flush(finished, os.O_RDWR)
    finished.replace(path)
    _flush(path.parent, os.O_RDONLY)


def sweep(directory: Path, *, name: str = "*", recursive: bool = False) -> int:
    """Remove what killed processes left behind in `directory`.

    Args:
        directory: Where to look; need not exist.
        name: The final file name whose leftovers are meant, or a pattern.
        recursive: Look below, too.

    Returns:
        How many files and directories were removed.
    """
    pattern = f".{name}.*{_SUFFIX}"
    leftovers = list(directory.rglob(pattern) if recursive else directory.glob(pattern))
    for each in leftovers:
        _remove(each)
    return len(leftovers)


def _remove(path: Path) -> None:
    """Remove a leftover if that can be done."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """An operating system's error in words that say what to do."""
    words = error.strerror or str(error).splitlines()[0]
    return f"{words}; free space or rights there, then run the command again"


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
