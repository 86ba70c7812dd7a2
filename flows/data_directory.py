"""One run at a time per data directory, and a directory that can be written."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from flows.errors import DataDirectoryBusy, UsageError
from flows.object_store.address import store_address


@contextmanager
def held(root: Path, command: str) -> Iterator[None]:
    """Hold the data directory for one run, made if need be.

    The operating system drops the lock when its holder dies, so there are no stale locks; who holds it is written beside
    it for the message alone.

    Raises:
        UsageError: The directory cannot be made or written.
        DataDirectoryBusy: Another run holds it.
    """
    if store_address(root) is not None:
        raise UsageError(
            f"{store_address(root)} is no directory of this machine; it takes the command line or a deployment"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise DataDirectoryBusy(f"another run holds {root} ({_holder(root)}); wait for it to end, or stop it") from None
    except OSError as error:
        raise UsageError(
            f"the data directory {root} cannot be written ({error.strerror}); "
            "fix its permissions or choose another with --data-dir"
        ) from None
    try:
        _note_holder(root, command)
        yield
    finally:
        lock.release()


def _note_holder(root: Path, command: str) -> None:
    note = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        (root / ".holder.json").write_text(json.dumps(note))
    except OSError as error:
        raise UsageError(
            f"the data directory {root} cannot be written ({error.strerror}); free space on its disk"
        ) from None


def _holder(root: Path) -> str:
    try:
        note = json.loads((root / ".holder.json").read_text())
        return f"{note['command']}, process {note['pid']}, since {note['since']}"
    except (OSError, ValueError, KeyError):
        return "unknown process"
