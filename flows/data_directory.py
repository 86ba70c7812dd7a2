"""One run at a time per data directory, and a directory that can be written."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from flows.errors import DataDirectoryBusy, UsageError
from flows.store_address import store_address
from wattlog import durable
from wattlog.file_locks import file_lock
from wattlog.names import DataDirectory


@contextmanager
def locked(root: Path, command: str) -> Iterator[None]:
    """Lock the data directory for one run; it is made where it does not exist.

    The operating system releases the lock when its process dies, so there are no stale locks. A file beside it names the
    run for the message alone.

    Raises:
        UsageError: The directory cannot be made or written.
        DataDirectoryBusy: Another run has locked it.
    """
    if store_address(root) is not None:
        raise UsageError(
            f"{store_address(root)} is not a directory of this machine; use the command line or a deployment"
        )
    try:
        root.mkdir(mode=durable.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        lock = file_lock(DataDirectory(root).lock)
        lock.acquire(timeout=0)
    except Timeout:
        raise DataDirectoryBusy(f"another run holds {root} ({_holder(root)}); wait for it to end, or stop it") from None
    except OSError as error:
        raise _unusable(root, error) from None
    try:
        _note_holder(root, command)
        yield
    finally:
        lock.release()


def _note_holder(root: Path, command: str) -> None:
    note = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        durable.replace(DataDirectory(root).lock_owner, json.dumps(note).encode())
    except OSError as error:
        raise _unusable(root, error) from None


def _unusable(root: Path, error: OSError) -> UsageError:
    place = f" at {error.filename}" if error.filename and Path(error.filename) != root else ""
    action = "locked" if error.errno in durable.NO_LOCKS else "written"
    return UsageError(
        f"the data directory {root} cannot be {action} ({error.strerror}{place}); {durable.advice(error)}, "
        "or choose another directory with --data-dir"
    )


def _holder(root: Path) -> str:
    try:
        note = json.loads(DataDirectory(root).lock_owner.read_text())
        return f"{note['command']}, process {note['pid']}, since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown process"
