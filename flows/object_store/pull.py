"""From the store to the mirror: what is missing here, or was changed by another machine."""

import hashlib
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from extract import segment
from flows.object_store import growing
from flows.object_store.bucket import Bucket, Listed, at_once
from flows.object_store.errors import StoreDamaged
from flows.object_store.manifest import STAGED, Manifest, StoredFile
from flows.object_store.mirror import Mirror, sha256_of
from flows.object_store.parts import Part, part_of
from warehouse import atomic

log = logging.getLogger(__name__)


class Superseded(Exception):
    """An object is not what the manifest says: another manifest is in force by now, or the object is damaged."""


def raw_files(manifest: Manifest, listed: Iterable[Listed], *, is_rebuilding: bool) -> dict[str, StoredFile]:
    """The raw files of a store by what is really there: a push that was killed leaves more than its manifest says.

    Args:
        manifest: The manifest in force.
        listed: The objects below `raw/`.
        is_rebuilding: Go on without files that are gone; else they stay among the wanted, and are missed.
    """
    there = {each.path: each for each in listed if part_of(each.path) is Part.RAW}
    told = manifest.of(Part.RAW)
    found = {
        path: told[path] if path in told and told[path].etag == each.etag else StoredFile(each.size, "", each.etag)
        for path, each in there.items()
    }
    gone = {path: file for path, file in told.items() if path not in there}
    if is_rebuilding and gone:
        log.warning("%d raw files are gone from the store, the first is %s", len(gone), min(gone))
        return found
    return found | gone


def pull_raw(bucket: Bucket, mirror: Mirror, files: dict[str, StoredFile]) -> int:
    """Make the mirror hold at least what the store holds; returns how many files were fetched.

    Raises:
        StoreDamaged: A file is gone, or is not what was written.
    """
    wanted = [path for path, file in files.items() if not _has_raw(mirror, path, file)]
    log.info("pull part=raw files=%d", len(wanted))
    at_once(lambda path: _fetch_raw(bucket, mirror, path, files[path]), wanted)
    for path in [path for path in mirror.known if part_of(path) is Part.RAW and path not in files]:
        del mirror.known[path]
    return len(wanted)


def _has_raw(mirror: Mirror, path: str, file: StoredFile) -> bool:
    local, known = mirror.path(path), mirror.known.get(path)
    if not local.exists():
        return False
    if known is not None and known.etag == file.etag:
        return local.stat().st_size >= known.size
    stat = local.stat()
    if stat.st_size != file.size or sha256_of(local) != file.sha256:
        return False
    mirror.agree(path, file.sha256, stat=stat, etag=file.etag)
    return True


def _fetch_raw(bucket: Bucket, mirror: Mirror, path: str, file: StoredFile) -> None:
    stored = bucket.read(path)
    if stored is None:
        raise StoreDamaged(
            f"{bucket.address}/{path} is gone; restore it from a backup, or run `wattlog rebuild` to go on without it"
        )
    digest = hashlib.sha256(stored.body).hexdigest()
    if file.sha256 and stored.etag == file.etag and digest != file.sha256:
        raise StoreDamaged(f"{bucket.address}/{path} is not what was written; restore it from a backup")
    local = mirror.path(path)
    here = growing.whole(local) if local.exists() else b""
    content = growing.joined(local, here, stored.body)
    if content != here:
        _replace_raw(local, here, content)
        if not content.startswith(here):
            mirror.drop_index(path)
    stat = local.stat() if content == stored.body else None
    mirror.agree(path, digest, stat=stat, size=len(stored.body), etag=stored.etag)


def _replace_raw(local: Path, here: bytes, content: bytes) -> None:
    local.parent.mkdir(parents=True, exist_ok=True)
    if local.exists() and local.stat().st_size > len(here):
        segment.set_tail_aside(local, len(here))
    with atomic.replacing(local) as temporary:
        temporary.write_bytes(content)


def pull_made(bucket: Bucket, mirror: Mirror, manifest: Manifest, part: Part) -> int:
    """Make the mirror hold a part that is made from raw as the store has it; returns how many files were fetched.

    What this machine has made and not pushed yet stays. A lake file that is damaged in the store is left out: the run makes
    it again from raw.

    Raises:
        StoreDamaged: The warehouse is damaged.
    """
    files = manifest.of(part)
    wanted = [path for path, file in files.items() if not _has_made(mirror, path, file)]
    log.info("pull part=%s files=%d", part, len(wanted))
    at_once(lambda path: _fetch_made(bucket, mirror, path, files[path]), wanted)
    for path in [path for path in mirror.known if part_of(path) is part and path not in files]:
        if mirror.is_untouched(path):
            mirror.path(path).unlink()  # another machine has removed it
        del mirror.known[path]
    return len(wanted)


def _has_made(mirror: Mirror, path: str, file: StoredFile) -> bool:
    known, local = mirror.known.get(path), mirror.path(path)
    if known is not None and known.sha256 == file.sha256:
        # What a run has changed or removed here, and could not push yet, is newer; but a warehouse is there to be read.
        return local.exists() or part_of(path) is Part.LAKE
    if not local.exists():
        return False
    stat = local.stat()
    if stat.st_size != file.size or sha256_of(local) != file.sha256:
        return False
    mirror.agree(path, file.sha256, stat=stat)
    return True


def _fetch_made(bucket: Bucket, mirror: Mirror, path: str, file: StoredFile) -> None:
    local = mirror.path(path)
    try:
        fetch(bucket, path, file, local)
    except Superseded:
        if part_of(path) is Part.WAREHOUSE:
            raise StoreDamaged(f"{bucket.address}/{path} is not what was written; run `wattlog rebuild`") from None
        log.warning("%s/%s is not what was written and is made again", bucket.address, path)
        local.unlink(missing_ok=True)
        mirror.known.pop(path, None)
        return
    mirror.agree(path, file.sha256, stat=local.stat())


def fetch(bucket: Bucket, path: str, file: StoredFile, to: Path) -> None:
    """Write a committed file to `to`, from its place or, while a push is under way, from where it waits.

    Raises:
        Superseded: It is at neither.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(to) as temporary:
        sources = (partial(bucket.download, path, temporary), partial(bucket.download, STAGED + file.sha256, temporary))
        if not any(source() == file.sha256 for source in sources):
            raise Superseded(path)
