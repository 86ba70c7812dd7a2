"""Between mirror and store: pull before a command, push after it.

A push writes, then commits:

1. Raw files that have grown are written in their places, each only if it is still in the state that was seen.
2. New files are written in their places; those that replace others are staged, under their checksum.
3. The manifest is replaced: from here on the store holds the new state.
4. What is staged is copied to its place within the store, what is gone is deleted.

A push that dies before 3 has changed nothing but longer raw files; after one that dies after 3, the next run recovers.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from flows.errors import UsageError
from flows.object_store.errors import StoreChanged, StoreDamaged
from flows.object_store.layout import Part, files_of, part_of
from flows.object_store.lease import Lease
from flows.object_store.manifest import STAGED, Manifest, StoredFile, commit, read_manifest
from flows.object_store.mirror import Mirror, is_of_lines, join_records, sha256_of, whole_records
from flows.object_store.store import Conflict, Store, in_parallel
from wattlog import durable
from wattlog.names import RAW, WAREHOUSE

log = logging.getLogger(__name__)

READ_COPIES_S = 24 * 3600.0
"""How long a superseded copy of the warehouse stays for readers that may be about to open it."""

_TRIES = 5


# --- pull -------------------------------------------------------------------------------------------------------------


def pull(store: Store, mirror: Mirror, manifest: Manifest, parts: frozenset[Part], raw: dict[str, StoredFile]) -> None:
    """Fetch what is missing on this machine, or was changed by another one.

    What this machine has added or made and not pushed yet stays.

    Args:
        store: The store.
        mirror: Its mirror.
        manifest: In force.
        parts: What is needed.
        raw: The raw files of the store; they are needed in any case.

    Raises:
        StoreDamaged: A raw file or the warehouse is gone, or is not what was written.
    """
    for part in (part for part in Part if part in {Part.RAW, *parts}):
        files = raw if part is Part.RAW else manifest.of(part)
        missing = [path for path, file in files.items() if not _is_here(mirror, path, file)]
        log.info("pull part=%s files=%d", part, len(missing))
        in_parallel(partial(_fetch_from, store, mirror, files), missing)
        for path in [path for path in mirror.synced if part_of(path) is part and path not in files]:
            if part is not Part.RAW and mirror.is_untouched(path):
                mirror.path(path).unlink()  # another machine has removed it
            del mirror.synced[path]
    mirror.store_id = manifest.store_id if manifest.etag else None
    mirror.save()


def _is_here(mirror: Mirror, path: str, file: StoredFile) -> bool:
    synced, local = mirror.synced.get(path), mirror.path(path)
    if synced is None or not synced.is_version(file):
        return mirror.has_content(path, file)
    match part_of(path):
        case Part.LAKE:  # what a run has changed or removed here, and could not push yet, is newer
            return True
        case Part.RAW:
            return local.exists() and local.stat().st_size >= synced.size
        case _:
            return local.exists()


def _fetch_from(store: Store, mirror: Mirror, files: Mapping[str, StoredFile], path: str) -> None:
    _fetch(store, mirror, path, files[path])


def _fetch(store: Store, mirror: Mirror, path: str, file: StoredFile) -> None:
    if part_of(path) is Part.RAW:
        _fetch_raw(store, mirror, path, file)
        return
    try:
        fetch(store, path, file, mirror.path(path))
    except StoreDamaged:
        if path == WAREHOUSE:
            raise
        log.warning("%s/%s is not what was written and is made again", store.address, path)
        mirror.path(path).unlink(missing_ok=True)
        mirror.synced.pop(path, None)
        return
    mirror.note(path, file, mirror.path(path).stat())


def _fetch_raw(store: Store, mirror: Mirror, path: str, file: StoredFile) -> None:
    stored = store.read(path)
    if stored is None:
        raise StoreDamaged(
            f"{store.address}/{path} is gone; restore it from a backup, or run `wattlog rebuild` to go on without it"
        )
    digest = hashlib.sha256(stored.body).hexdigest()
    if file.sha256 and stored.etag == file.etag and digest != file.sha256:
        raise StoreDamaged(f"{store.address}/{path} is not what was written; restore it from a backup")
    is_same = mirror.join_raw(path, stored.body)
    stat = mirror.path(path).stat() if is_same else None
    mirror.note(path, StoredFile(len(stored.body), digest, stored.etag), stat)


def fetch(store: Store, path: str, file: StoredFile, to: Path) -> None:
    """Write a committed file to `to`, from its place or, while a push is under way, from where it is staged.

    Raises:
        StoreDamaged: It is at neither; or another manifest is in force by now.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with durable.replacing(to) as temporary:
        if not any(store.download(source, temporary) == file.sha256 for source in (path, STAGED + file.sha256)):
            raise StoreDamaged(f"{store.address}/{path} is not what was written; run `wattlog rebuild`")


def raw_in_store(store: Store, manifest: Manifest, *, is_rebuilding: bool) -> dict[str, StoredFile]:
    """The raw files that are in the store: a push that was killed leaves more than its manifest lists.

    Args:
        store: The store.
        manifest: In force.
        is_rebuilding: Go on without files that are gone; else they stay among the wanted, and are missed.
    """
    committed = manifest.of(Part.RAW)
    found = {}
    for listed in store.list(f"{RAW}/"):
        if part_of(listed.path) is Part.RAW:
            file = committed.get(listed.path)
            is_known = file is not None and file.etag == listed.etag
            found[listed.path] = file if file and is_known else StoredFile(listed.size, "", listed.etag)
    gone = {path: file for path, file in committed.items() if path not in found}
    if is_rebuilding and gone:
        log.warning("%d raw files are gone from the store, the first is %s", len(gone), min(gone))
        return found
    return found | gone


# --- readers ----------------------------------------------------------------------------------------------------------


def published(store: Store, mirror: Mirror) -> Path:
    """A directory with the published warehouse, as the store has it now. It takes no lease.

    Raises:
        UsageError: The store holds no warehouse yet.
        StoreDamaged: It differs from its entry in the manifest.
    """
    for is_last in (*[False] * (_TRIES - 1), True):
        manifest = read_manifest(store)
        file = None if manifest is None else manifest.files.get(WAREHOUSE)
        if file is None:
            raise UsageError(f"{store.address} holds no warehouse yet; run `wattlog backfill` first")
        place = _place_for_readers(mirror, file)
        if (place / WAREHOUSE).exists():
            break
        try:
            fetch(store, WAREHOUSE, file, place / WAREHOUSE)
        except StoreDamaged:
            if is_last:
                raise
        else:
            _remove_old_copies(place)
            break
    return place


def keep_for_readers(mirror: Mirror, manifest: Manifest) -> None:
    """Spare this machine's readers the download: the file is only ever replaced, so a second name for it is a copy."""
    file = manifest.files.get(WAREHOUSE)
    if file is None or not mirror.is_untouched(WAREHOUSE):
        return
    place = _place_for_readers(mirror, file)
    with suppress(OSError):
        place.mkdir(mode=durable.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        os.link(mirror.path(WAREHOUSE), place / WAREHOUSE)
        _remove_old_copies(place)


def _place_for_readers(mirror: Mirror, file: StoredFile) -> Path:
    return mirror.root / "read" / file.sha256[:16]


def _remove_old_copies(current: Path) -> None:
    for place in current.parent.iterdir():
        if place != current and time.time() - place.stat().st_mtime > READ_COPIES_S:
            shutil.rmtree(place, ignore_errors=True)


# --- push -------------------------------------------------------------------------------------------------------------


def push(
    store: Store, mirror: Mirror, lease: Lease, before: Manifest, parts: frozenset[Part], now: datetime
) -> Manifest:
    """Bring the store to the state of the mirror; returns the manifest in force then.

    Args:
        store: The store.
        mirror: The mirror; of the lake, if it is among `parts`, it has all.
        lease: The lease of this process.
        before: The manifest in force.
        parts: What may have changed, raw in any case.
        now: The instant.

    Raises:
        StoreChanged: Another run works on the store.
    """
    push_raw(store, mirror)
    removed = before.of(Part.LAKE).keys() - set(files_of(mirror.data_dir, Part.LAKE)) if Part.LAKE in parts else set()
    changed = _changed(mirror, before, parts)
    lease.ensure()
    staged = _write(store, mirror, before, changed, has_removed=bool(removed))
    files = {path: file for path, file in before.files.items() if path not in removed}
    files |= mirror.agreed(Part.RAW) | changed
    after = before
    if files != before.files:
        lease.ensure()
        after = commit(store, before, files, now)
        log.info(
            "pushed store=%s commit=%d files=%d gone=%d", store.address, after.sequence, len(changed), len(removed)
        )
        publish(store, lease, {path: changed[path] for path in staged}, removed)
    for path in removed:
        mirror.synced.pop(path, None)
    for path, file in changed.items():
        mirror.note(path, file, mirror.path(path).stat())
    mirror.store_id = after.store_id if after.etag else mirror.store_id
    mirror.save()
    return after


def push_raw(store: Store, mirror: Mirror) -> None:
    """Write every raw file that has grown. May run while the pipeline does.

    Raises:
        StoreChanged: Another run has written one of them.
        StoreDamaged: A file here has changed otherwise than by growing.
    """
    grown = [path for path in files_of(mirror.data_dir, Part.RAW) if not mirror.is_untouched(path)]
    in_parallel(lambda path: _push_grown(store, mirror, path), grown)


def _push_grown(store: Store, mirror: Mirror, path: str) -> None:
    synced, local = mirror.synced.get(path), mirror.path(path)
    size, etag = (0, None) if synced is None else (synced.size, synced.etag)
    stat = local.stat()  # before it is read: what is added meanwhile counts as not pushed
    body = whole_records(local, size)
    is_grown = synced is None or hashlib.sha256(body[:size]).hexdigest() == synced.sha256
    if not is_grown and is_of_lines(local):
        stored = store.read(path)
        body, etag = (body, etag) if stored is None else (join_records(local, body, stored.body), stored.etag)
    elif not is_grown:
        raise StoreDamaged(
            f"{local} has changed other than by growing and is not pushed; "
            "move it away, and the next run fetches the store's"
        )
    if len(body) > size or not is_grown:
        etag = _put_grown(store, path, body, etag)
    if etag:
        mirror.note(path, StoredFile(len(body), hashlib.sha256(body).hexdigest(), etag), stat)


def _put_grown(store: Store, path: str, body: bytes, etag: str | None) -> str:
    for _ in range(2):
        with suppress(Conflict):
            return store.put(path, body, replaces=etag)
        there = store.read(path)
        if there is None or not body.startswith(there.body):
            break
        etag = there.etag  # an earlier write arrived, only its response did not
    raise StoreChanged(
        f"another run has written {store.address}/{path} meanwhile; "
        "what was fetched is kept on this machine: run the command again"
    )


def _changed(mirror: Mirror, before: Manifest, parts: frozenset[Part]) -> dict[str, StoredFile]:
    """Lake files and the warehouse, as far as they differ from the store's."""
    changed = {}
    for path in (path for part in sorted(parts - {Part.RAW}) for path in files_of(mirror.data_dir, part)):
        there = before.files.get(path)
        if there is not None and mirror.is_untouched(path):
            continue  # perhaps another machine has pushed a newer warehouse, and this one has made none
        if there is None or not mirror.has_content(path, there):
            changed[path] = StoredFile(mirror.path(path).stat().st_size, sha256_of(mirror.path(path)))
    return changed


def _write(
    store: Store, mirror: Mirror, before: Manifest, changed: dict[str, StoredFile], *, has_removed: bool
) -> list[str]:
    """Write files to the store; returns those that are staged.

    New ones are staged, too, where others are removed: a reader must not see the rows of both.
    """

    def write(path: str) -> bool:
        local, sha256 = mirror.path(path), changed[path].sha256
        if path not in before.files and not has_removed and path != WAREHOUSE:
            with suppress(Conflict):  # left by a push that died, or brought here by hand
                store.put(path, local.read_bytes(), replaces=None)
                return False
        store.upload(STAGED + sha256, local, sha256)
        return True

    paths = list(changed)
    return [path for path, is_staged in zip(paths, in_parallel(write, paths), strict=True) if is_staged]


def publish(store: Store, lease: Lease, staged: dict[str, StoredFile], removed: set[str]) -> None:
    """Bring what is committed to its places, then remove what is needed no longer.

    Args:
        store: The store.
        lease: The lease of this process.
        staged: Files to be copied to their places.
        removed: Paths that are not in the manifest any more.
    """

    def copy(path: str) -> None:
        lease.ensure()
        file = staged[path]
        store.copy(STAGED + file.sha256, path, size=file.size, digest=file.sha256)

    in_parallel(copy, sorted(staged))
    lease.ensure()
    store.delete([*sorted(removed), *sorted({STAGED + file.sha256 for file in staged.values()})])


def recover(store: Store, lease: Lease, manifest: Manifest) -> None:
    """Complete what a run that died had committed, and remove what it had not."""
    waiting = {listed.path.removeprefix(STAGED) for listed in store.list(STAGED)}
    staged = {path: file for path, file in manifest.files.items() if file.sha256 in waiting}
    lake = (listed.path for listed in store.list("lake/"))
    stray = {path for path in lake if part_of(path) is Part.LAKE and path not in manifest.files}
    publish(store, lease, staged, stray if manifest.etag else set())
    store.delete(STAGED + sha256 for sha256 in waiting)
    log.info("recovered store=%s copied=%d removed=%d", store.address, len(staged), len(stray))
