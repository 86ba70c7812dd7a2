"""What readers get: the published warehouse, as the store has it now. They ask nobody and hold up nobody."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from flows.errors import UsageError
from flows.object_store.bucket import Bucket
from flows.object_store.errors import StoreDamaged
from flows.object_store.manifest import Manifest, read_manifest
from flows.object_store.mirror import Mirror
from flows.object_store.parts import WAREHOUSE
from flows.object_store.pull import Superseded, fetch

READ_COPIES_S = 24 * 3600.0
"""How long a superseded copy of the warehouse stays for readers that may be about to open it."""

_TRIES = 5


def published(bucket: Bucket, mirror: Mirror) -> Path:
    """A directory with the published warehouse, as the store has it now.

    Raises:
        UsageError: The store holds no warehouse yet.
        StoreDamaged: It is not what the manifest says.
    """
    for _ in range(_TRIES):
        manifest = read_manifest(bucket)
        file = None if manifest is None else manifest.files.get(WAREHOUSE)
        if file is None:
            raise UsageError(f"{bucket.address} holds no warehouse yet; run `wattlog backfill` first")
        place = _place_for_readers(mirror, file.sha256)
        if (place / WAREHOUSE).exists():
            return place
        with suppress(Superseded):
            fetch(bucket, WAREHOUSE, file, place / WAREHOUSE)
            _remove_old_copies(place)
            return place
    raise StoreDamaged(f"{bucket.address}/{WAREHOUSE} is not what was written; run `wattlog rebuild`")


def _place_for_readers(mirror: Mirror, sha256: str) -> Path:
    return mirror.root / "read" / sha256[:16]


def keep_for_readers(mirror: Mirror, manifest: Manifest) -> None:
    """Spare this machine's readers the download: the file is only ever replaced, so a second name for it is a copy."""
    file, local = manifest.files.get(WAREHOUSE), mirror.path(WAREHOUSE)
    if file is None or not local.exists() or not mirror.is_untouched(WAREHOUSE):
        return
    place = _place_for_readers(mirror, file.sha256)
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        os.link(local, place / WAREHOUSE)
        _remove_old_copies(place)


def _remove_old_copies(current: Path) -> None:
    for place in current.parent.iterdir():
        if place != current and time.time() - place.stat().st_mtime > READ_COPIES_S:
            shutil.rmtree(place, ignore_errors=True)
