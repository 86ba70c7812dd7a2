"""From the mirror to the store: write, then commit.

1. Raw files that have grown are written in their places, each only if nobody else has written it.
2. New files are written in their places; those that replace others wait beside, under their checksum.
3. The manifest is replaced: from here on the store holds the new state.
4. What waits is copied to its place within the store, what is gone is deleted.

A push that dies before 3 has changed nothing but longer raw files; one that dies after 3 is completed by the next run.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

from flows.object_store import growing
from flows.object_store.bucket import Bucket, Conflict, at_once
from flows.object_store.errors import StoreChanged, StoreDamaged
from flows.object_store.lease import Lease
from flows.object_store.manifest import STAGED, Manifest, StoredFile, commit
from flows.object_store.mirror import Mirror, sha256_of
from flows.object_store.parts import WAREHOUSE, Part, part_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A file that differs from the store's.

    Attributes:
        path: Where it belongs.
        file: What it is.
        is_staged: Whether it waits under its checksum until it is committed.
    """

    path: str
    file: StoredFile
    is_staged: bool


def push_raw(bucket: Bucket, mirror: Mirror) -> int:
    """Write every raw file that has grown; returns how many. May run beside the pipeline.

    Raises:
        StoreChanged: Another run has written one of them.
        StoreDamaged: A file here has changed otherwise than by growing.
    """
    grown = [path for path in mirror.files(Part.RAW) if not mirror.is_untouched(path)]
    return sum(at_once(lambda path: _push_grown(bucket, mirror, path), grown))


def _push_grown(bucket: Bucket, mirror: Mirror, path: str) -> bool:
    known, local = mirror.known.get(path), mirror.path(path)
    stat = local.stat()  # before it is read: what is added meanwhile counts as not pushed
    body = growing.whole(local, 0 if known is None else known.size)
    if known is not None and hashlib.sha256(body[: known.size]).hexdigest() != known.sha256:
        raise StoreDamaged(
            f"{local} has changed other than by growing and is not pushed; "
            "move it away, and the next run fetches the store's"
        )
    if len(body) == (0 if known is None else known.size):
        etag = "" if known is None else known.etag
    else:
        try:
            etag = bucket.put(path, body, replaces=None if known is None else known.etag)
        except Conflict:
            raise StoreChanged(
                f"another run has written {bucket.address}/{path} meanwhile; "
                "what was fetched is kept on this machine: run the command again"
            ) from None
    if etag:
        mirror.agree(path, hashlib.sha256(body).hexdigest(), stat=stat, size=len(body), etag=etag)
    return bool(body) and (known is None or etag != known.etag)


def push(
    bucket: Bucket, mirror: Mirror, lease: Lease, before: Manifest, parts: frozenset[Part], now: datetime
) -> Manifest:
    """Bring the store to the state of the mirror; returns the manifest in force then.

    Args:
        bucket: The store.
        mirror: The mirror; of the lake, if it is among `parts`, it has all.
        lease: Held.
        before: The manifest in force.
        parts: What may have changed, raw in any case.
        now: The instant.

    Raises:
        StoreChanged: Another run works on the store.
    """
    push_raw(bucket, mirror)
    gone = _gone(mirror, before) if Part.LAKE in parts else set()
    made = _made(mirror, before, parts, has_gone=bool(gone))
    lease.ensure()
    written = at_once(lambda each: _write(bucket, mirror, each), made)
    files = {path: file for path, file in before.files.items() if path not in gone}
    for path, known in mirror.known.items():
        if part_of(path) is Part.RAW:
            files[path] = StoredFile(known.size, known.sha256, known.etag)
    files |= {each.path: each.file for each in made}
    if files == before.files:
        _agree_on_all(mirror, before, made)
        return before
    lease.ensure()
    after = commit(bucket, before, files, now)
    log.info("pushed store=%s commit=%d files=%d gone=%d", bucket.address, after.sequence, len(made), len(gone))
    publish(bucket, lease, {each.path: each.file for each in written if each.is_staged}, gone)
    for path in gone:
        mirror.known.pop(path, None)
    _agree_on_all(mirror, after, made)
    return after


def _gone(mirror: Mirror, before: Manifest) -> set[str]:
    return before.of(Part.LAKE).keys() - set(mirror.files(Part.LAKE))


def _made(mirror: Mirror, before: Manifest, parts: frozenset[Part], *, has_gone: bool) -> list[Made]:
    """Files that differ from the store's. New ones wait, too, where others go: a reader shall not see the rows of both."""
    found = []
    for path in (path for part in sorted(parts - {Part.RAW}) for path in mirror.files(part)):
        there = before.files.get(path)
        if there is not None and mirror.is_untouched(path):
            continue  # perhaps another machine has pushed a newer warehouse, and this one has made none
        stat = mirror.path(path).stat()
        sha256 = sha256_of(mirror.path(path))
        if there is not None and there.sha256 == sha256:
            mirror.agree(path, sha256, stat=stat)
        else:
            is_staged = there is not None or has_gone or path == WAREHOUSE
            found.append(Made(path, StoredFile(stat.st_size, sha256), is_staged))
    return found


def _write(bucket: Bucket, mirror: Mirror, made: Made) -> Made:
    local = mirror.path(made.path)
    if not made.is_staged:
        try:
            bucket.put(made.path, local.read_bytes(), replaces=None)
        except Conflict:  # left by a push that died, or brought here by hand
            made = Made(made.path, made.file, is_staged=True)
    if made.is_staged:
        bucket.upload(STAGED + made.file.sha256, local, made.file.sha256)
    return made


def publish(bucket: Bucket, lease: Lease, staged: dict[str, StoredFile], gone: set[str]) -> None:
    """Bring what is committed to its places, then remove what is needed no longer.

    Args:
        bucket: The store.
        lease: Held.
        staged: What waits.
        gone: Paths that are not in the manifest any more.
    """

    def copy(path: str) -> None:
        lease.ensure()
        file = staged[path]
        bucket.copy(STAGED + file.sha256, path, size=file.size, digest=file.sha256)

    at_once(copy, sorted(staged))
    lease.ensure()
    bucket.delete([*sorted(gone), *sorted({STAGED + file.sha256 for file in staged.values()})])


def mend(bucket: Bucket, lease: Lease, manifest: Manifest) -> None:
    """Complete what a run that died had committed, and remove what it had not."""
    waiting = {each.path.removeprefix(STAGED) for each in bucket.list(STAGED)}
    staged = {path: file for path, file in manifest.files.items() if file.sha256 in waiting}
    lake = (each.path for each in bucket.list("lake/"))
    stray = {path for path in lake if part_of(path) is Part.LAKE and path not in manifest.files}
    publish(bucket, lease, staged, stray if manifest.etag else set())
    bucket.delete(STAGED + sha256 for sha256 in waiting)
    log.info("mended store=%s copied=%d removed=%d", bucket.address, len(staged), len(stray))


def _agree_on_all(mirror: Mirror, after: Manifest, made: list[Made]) -> None:
    for each in made:
        mirror.agree(each.path, each.file.sha256, stat=mirror.path(each.path).stat())
    mirror.store_id = after.store_id if after.etag else mirror.store_id
    mirror.save()
