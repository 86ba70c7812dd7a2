"""A run on a store: alone with it, what it needs fetched before, what it made pushed afterwards.

While it works, the lease is renewed and raw files that have grown are pushed, so that a machine that is lost takes at most
the last minutes of paid answers with it.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from extract.client import utc_now
from flows.console import note
from flows.data_directory import held
from flows.errors import FlowError
from flows.object_store.address import StoreAddress
from flows.object_store.bucket import Bucket
from flows.object_store.errors import StoreChanged, StoreRefused
from flows.object_store.lease import Lease
from flows.object_store.manifest import Manifest, read_manifest
from flows.object_store.mirror import Mirror
from flows.object_store.parts import REBUILD, Part, need_of
from flows.object_store.pull import pull_made, pull_raw, raw_files
from flows.object_store.push import mend, push, push_raw
from flows.object_store.reading import keep_for_readers

log = logging.getLogger(__name__)

RENEW_S = 60.0
PUSH_RAW_S = 300.0
"""At the Fleet API's pace at most three hundred answers."""


@contextmanager
def mirrored(bucket: Bucket, mirror: Mirror, command: str) -> Iterator[None]:
    """While this lasts the mirror is the store's only writer; afterwards the store is as the mirror.

    Where the block fails, raw files alone are pushed: they are paid for, and all else is made of them by the next run.

    Raises:
        StoreBusy: Another run holds the store.
        StoreRefused: It is not one to work on.
        StoreChanged: Another run has taken it over.
        StoreUnreachable: It does not answer.
    """
    with held(mirror.root, command), _leased(bucket, mirror, command) as keeper:
        before = _begin(bucket, mirror, keeper.lease, command)
        try:
            with keeper.pushing_raw():
                yield
        except BaseException:
            with _said():
                push(bucket, mirror, keeper.lease, before, frozenset({Part.RAW}), utc_now())
                keeper.is_in_order = True
            raise
        after = push(bucket, mirror, keeper.lease, before, need_of(command).pushes, utc_now())
        keeper.is_in_order = True
        keep_for_readers(mirror, after)


@contextmanager
def _leased(bucket: Bucket, mirror: Mirror, command: str) -> Iterator["Keeper"]:
    """Hold the lease; give it back only if everything was pushed, else leave word that the store must be mended."""
    mirror.load()
    keeper = Keeper(Lease.acquire(bucket, command, mirror.mirror_id, utc_now()), lambda: push_raw(bucket, mirror))
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()
        with _said():
            if keeper.is_in_order:
                keeper.lease.release()
            else:
                keeper.lease.abandon()
        mirror.save()


@contextmanager
def _said() -> Iterator[None]:
    """What fails in this block is said, and left to the next run: there is a more important end than this one."""
    try:
        yield
    except FlowError as error:
        log.warning("%s", error)


def _begin(bucket: Bucket, mirror: Mirror, lease: Lease, command: str) -> Manifest:
    """Mend what a dead run has left, then fetch what the command needs; returns the manifest in force."""
    manifest = read_manifest(bucket)
    _refuse_another_store(bucket.address, mirror, manifest)
    if manifest is None:
        lease.refuse_careless_store()
    is_trusted = lease.is_clean and manifest is not None and command != REBUILD
    manifest = manifest or Manifest()
    if not is_trusted:
        mend(bucket, lease, manifest)
    raw = manifest.of(Part.RAW)
    if not is_trusted:
        raw = raw_files(manifest, bucket.list("raw/"), is_rebuilding=command == REBUILD)
    if len(raw) > 100 and not mirror.known and sys.stderr.isatty():
        note(f"fetching {bucket.address} into {mirror.data_dir}, for the first time on this machine")
    pull_raw(bucket, mirror, raw)
    for part in sorted(need_of(command).pulls - {Part.RAW}):
        pull_made(bucket, mirror, manifest, part)
    mirror.store_id = manifest.store_id if manifest.etag else None
    mirror.save()
    return manifest


def _refuse_another_store(address: StoreAddress, mirror: Mirror, manifest: Manifest | None) -> None:
    if manifest is None:
        mirror.known = {}  # a new store, or one that was emptied: what is here is pushed
    elif mirror.store_id not in {None, manifest.store_id}:
        raise StoreRefused(
            f"{mirror.root} mirrors another store that was at {address} before; move it away, it may hold answers "
            "that are nowhere else, then run the command again"
        )


class Keeper(threading.Thread):
    """Renews the lease and saves raw files, beside the command.

    Attributes:
        lease: Held.
        is_in_order: Everything that had to be pushed is pushed.

    Args:
        lease: Held.
        save: Pushes raw files.
        renew_every_s: How often the lease is renewed.
        save_every_s: How often raw files are pushed.
    """

    def __init__(
        self,
        lease: Lease,
        save: Callable[[], object],
        *,
        renew_every_s: float | None = None,
        save_every_s: float | None = None,
    ) -> None:
        super().__init__(name="store-keeper", daemon=True)
        self.lease = lease
        self.is_in_order = False
        self._save = save
        self._renew_every_s = RENEW_S if renew_every_s is None else renew_every_s
        self._save_every_s = PUSH_RAW_S if save_every_s is None else save_every_s
        self._stopped = threading.Event()
        self._may_save = threading.Lock()
        self._may_save.acquire()

    @contextmanager
    def pushing_raw(self) -> Iterator[None]:
        """While this lasts, raw files are pushed now and then; afterwards none is under way."""
        self._may_save.release()
        try:
            yield
        finally:
            self._may_save.acquire()

    def run(self) -> None:
        """See `threading.Thread`."""
        saved = time.monotonic()
        while not self._stopped.wait(min(self._renew_every_s, self._save_every_s)):
            try:
                self.lease.renew()
                if time.monotonic() - saved >= self._save_every_s and self._may_save.acquire(blocking=False):
                    try:
                        self._save()
                    finally:
                        self._may_save.release()
                    saved = time.monotonic()
            except StoreChanged as error:
                log.warning("%s", error)
                return
            except (FlowError, OSError) as error:
                log.warning("not pushed now, later again: %s", error)

    def stop(self) -> None:
        """End; the lease stays."""
        self._stopped.set()
        self.join()
