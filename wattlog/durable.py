"""Files that are changed as a whole or not at all, and are on disk when the call returns.

A new content is written beside its place, flushed to disk and renamed; bytes at the end of a file are taken back if they
cannot all be written. A reader sees the old content or the new one. A killed process leaves at most a temporary file, which
no reader takes for a real one and which the next writer of that file removes. A file has one writer at a time.

Only the owner can read a file that is written here. A symbolic link in the place of a file is replaced or refused, never
followed: it could lead to any other file of the user.
"""

import errno
import fnmatch
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_SUFFIX = ".unfinished"

PRIVATE = 0o600
"""The mode of every file that is written here: what wattlog stores shows when a home was empty."""

PRIVATE_DIRECTORY = 0o700
"""The mode of a directory that wattlog makes for itself."""


_CAREFUL = os.O_CLOEXEC | os.O_NOFOLLOW

NO_LOCKS = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})
"""Errors of a file system without file locks."""

_ADVICE = {
    errno.EISDIR: "a directory is where a file belongs: move it away",
    errno.ENOTDIR: "a file is where a directory belongs: move it away",
    errno.EEXIST: "a file is where a directory belongs: move it away",
    errno.ELOOP: "a symbolic link is where a file belongs: remove it",
    errno.ENOSPC: "free space there",
    errno.EDQUOT: "free space there",
    errno.EACCES: "fix the permissions there",
    errno.EPERM: "fix the permissions there",
    errno.EROFS: "the disk is read-only: use another one",
} | dict.fromkeys(NO_LOCKS, "the file system has no file locks: use a directory on another one")
"""What to do about an error of the operating system."""


# --- a new content in the place of the old one ----------------------------------------------------------------------


@contextmanager
def replacing(path: Path, *, is_private: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, the file of that name becomes `path`.

    Args:
        path: The file's final place; its directory exists.
        is_private: Whether only its owner may read it; if not, the umask decides.

    Yields:
        The temporary name. The block writes and closes the file.

    Raises:
        OSError: From flushing or renaming; `path` is then as it was.
    """
    temporary = _beside(path)
    try:
        yield temporary
        publish(temporary, path, is_private=is_private)
    finally:
        _remove(temporary)


def replace(path: Path, data: bytes) -> None:
    """Replace the content of a file.

    Args:
        path: The file; its directory exists.
        data: The new content.

    Raises:
        OSError: It cannot be written; the old content stays.
    """
    sweep(path.parent, name=path.name)
    with replacing(path) as temporary:
        create(temporary, data)


def create(path: Path, data: bytes) -> None:
    """Write a new file, private from its first byte on; a file of that name is removed first.

    Raises:
        OSError: It cannot be written; a part of it may be there.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        _write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(finished: Path, path: Path, *, is_private: bool = True) -> None:
    """Flush `finished` to disk, rename it to `path` and flush the directory, in this order.

    Args:
        finished: The file.
        path: Its place.
        is_private: Whether only its owner may read it; if not, its mode stays.

    Raises:
        OSError: The disk is full, or the place cannot be written.
    """
    if is_private:
        finished.chmod(PRIVATE)
    _flush(finished, os.O_RDWR)
    finished.replace(path)
    sync_directory(path.parent)


# --- directories ------------------------------------------------------------------------------------------------------


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """Give a temporary directory beside `path`; when the block ends well, it is flushed and becomes `path`.

    Args:
        path: The directory's final place; its parent exists.

    Yields:
        The temporary directory, which exists.

    Raises:
        OSError: From flushing or renaming; `path` is then as it was.
    """
    temporary = _beside(path)
    try:
        temporary.mkdir()
        yield temporary
        for content in temporary.rglob("*"):
            _flush(content, os.O_RDONLY)
        publish_directory(temporary, path)
    finally:
        _remove(temporary)


def publish_directory(finished: Path, path: Path) -> None:
    """Rename a directory, whose content is on disk, to `path`, and remove the directory that was there.

    A directory cannot be renamed over another one that has files, so the old one is renamed first. A kill between the two
    renames leaves no directory at `path`, and the old one under a temporary name until the next `sweep`.

    Raises:
        OSError: It cannot be renamed; `path` is then as it was.
    """
    old = _beside(path)
    try:
        if path.exists():
            path.rename(old)
        finished.rename(path)
        sync_directory(path.parent)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        _remove(old)


def sync_directory(path: Path) -> None:
    """Flush the names in a directory to disk, as `fsync` of a file does with its content."""
    _flush(path, os.O_RDONLY)


# --- files that are changed in place ----------------------------------------------------------------------------------


def append(path: Path, data: bytes, *, is_flushed: bool = True) -> int:
    """Add bytes at the end of a file, made if need be; returns the offset of the first one.

    Nothing is buffered: a buffer that is flushed after a failure would write the rest behind what was taken back.

    Args:
        path: The file; its directory exists.
        data: What to add.
        is_flushed: Return only when it is on disk.

    Raises:
        OSError: It cannot be written. The file has the length that it had before.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _CAREFUL, PRIVATE)
    try:
        size = os.fstat(descriptor).st_size
        try:
            _write(descriptor, data)
            if is_flushed:
                os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    return size


def content(path: Path) -> bytes:
    """The bytes of a file that `append` writes; none where there is no file.

    Raises:
        OSError: It cannot be read, or is a symbolic link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFUL)
    except FileNotFoundError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def last_byte(path: Path) -> bytes:
    """The last byte of a file; empty if the file is empty or does not exist. The next `append` follows it.

    Raises:
        OSError: It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        os.lseek(descriptor, max(size - 1, 0), os.SEEK_SET)
        return os.read(descriptor, 1)
    finally:
        os.close(descriptor)


def cut(path: Path, length: int) -> None:
    """Shorten a file.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | _CAREFUL)
    try:
        os.ftruncate(descriptor, length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite(path: Path, data: bytes) -> None:
    """Write over the beginning of a file, which takes no room on a full disk, then shorten the file to the new content.

    Raises:
        OSError: It cannot be written; the beginning of the file may be the new content's.
    """
    descriptor = os.open(path, os.O_WRONLY | _CAREFUL)
    try:
        _write(descriptor, data)
        os.fsync(descriptor)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- temporary files and errors ---------------------------------------------------------------------------------------


def sweep(directory: Path, *, name: str | None = None, recursive: bool = False) -> int:
    """Remove the temporary files and directories that killed processes left in `directory`.

    Args:
        directory: Where to look; need not exist.
        name: The final name of the files that are meant; all when None.
        recursive: Look below, too.

    Returns:
        How many files and directories were removed.
    """
    pattern = f".{'*' if name is None else glob.escape(name)}.*{_SUFFIX}"
    leftovers = list(_below(directory, pattern) if recursive else directory.glob(pattern))
    for leftover in leftovers:
        _remove(leftover)
    return len(leftovers)


def _below(directory: Path, pattern: str) -> Iterator[Path]:
    """Files and directories at any depth; `Path.rglob` takes several times as long among a thousand directories."""
    for parent, directories, files in os.walk(directory):
        for name in fnmatch.filter([*directories, *files], pattern):
            yield Path(parent, name)


def reason(error: OSError) -> str:
    """The text of an operating system's error, with what to do about it."""
    text = error.strerror or str(error).splitlines()[0]
    return f"{text}; {advice(error)}, then run the command again"


def advice(error: OSError) -> str:
    """What to do about an operating system's error."""
    return _ADVICE.get(error.errno or 0, "free space or fix the permissions there")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex[:12]}{_SUFFIX}")


def _remove(path: Path) -> None:
    """Remove a temporary file or directory if that can be done."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    """Write all bytes: the system may take a part of them at once, for instance where a disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
