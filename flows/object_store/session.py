"""Runs a command whose data directory is a store. The command itself sees a directory of this machine.

While a run works, the lease is renewed and raw files that have grown are pushed, so that a machine that is lost takes at most
the last minutes of paid responses with it.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from extract.api.client import utc_now
from flows.console import note
from flows.data_directory import locked
from flows.errors import FlowError
from flows.object_store.errors import StoreRefused
from flows.object_store.layout import NOTHING, REBUILD, Part, need_of
from flows.object_store.lease import Lease, LeaseKeeper, State
from flows.object_store.manifest import Manifest, read_manifest
from flows.object_store.mirror import Mirror
from flows.object_store.store import Store
from flows.object_store.transfer import keep_for_readers, published, pull, push, push_raw, raw_in_store, recover
from flows.settings import Settings
from flows.store_address import store_address

log = logging.getLogger(__name__)


@contextmanager
def open_data_dir(settings: Settings, command: str) -> Iterator[Settings]:
    """Settings whose data directory is one of this machine, whatever `settings` name, for as long as a command lasts.

    Args:
        settings: The settings as given.
        command: The command's name, by which its needs of the store are known.

    Yields:
        `settings` themselves where they name a directory, else settings of the store's mirror, or, for readers, of a
        copy of its warehouse.

    Raises:
        StoreRefused: A person must change something: bucket, rights, credentials, region.
        StoreUnreachable: The store does not respond. What was fetched is kept and pushed by the next run.
        StoreBusy: Another run holds the store.
        StoreChanged: Another run has taken it over.
    """
    address, need = store_address(settings.data_dir), need_of(command)
    if address is None or need == NOTHING:
        yield settings
        return
    store = Store.connect(address)
    mirror = Mirror.of(settings.cache_dir, address, store.endpoint)
    if need.is_reader:
        yield settings.mirrored(published(store, mirror), str(address))
        return
    with locked(mirror.root, command), _mirrored(store, mirror, command):
        yield settings.mirrored(mirror.data_dir, str(address))


@contextmanager
def _mirrored(store: Store, mirror: Mirror, command: str) -> Iterator[None]:
    """While this lasts the mirror is the store's only writer; afterwards the store is as the mirror.

    Where the block fails, raw files alone are pushed: they are paid for, and the next run makes all else of them.
    """
    mirror.load()
    lease = Lease.acquire(store, command, mirror.mirror_id, utc_now())
    keeper = LeaseKeeper(lease, lambda: push_raw(store, mirror))
    keeper.start()
    state = State.ABANDONED
    try:
        before = _begin(store, mirror, lease, command)
        try:
            with keeper.pushing_raw():
                yield
        except BaseException:
            with _logging_errors():
                push(store, mirror, lease, before, frozenset({Part.RAW}), utc_now())
                state = State.RELEASED
            raise
        after = push(store, mirror, lease, before, need_of(command).pushes, utc_now())
        state = State.RELEASED
        keep_for_readers(mirror, after)
    finally:
        keeper.stop()
        with _logging_errors():
            lease.end(state)
        mirror.save()


def _begin(store: Store, mirror: Mirror, lease: Lease, command: str) -> Manifest:
    """Recover from a run that died, then fetch what the command needs; returns the manifest in force."""
    manifest = read_manifest(store)
    if manifest is None:
        mirror.synced = {}  # a new store, or one that was emptied: what is here is pushed
        lease.check_conditions()
    elif mirror.store_id not in {None, manifest.store_id}:
        raise StoreRefused(
            f"{mirror.root} mirrors another store that was at {store.address} before; move it away, it may hold responses "
            "that are nowhere else, then run the command again"
        )
    is_trusted = lease.is_clean and manifest is not None and command != REBUILD
    manifest = manifest or Manifest()
    if not is_trusted:
        recover(store, lease, manifest)
    raw = manifest.of(Part.RAW) if is_trusted else raw_in_store(store, manifest, is_rebuilding=command == REBUILD)
    if len(raw) > 100 and not mirror.synced and sys.stderr.isatty():
        note(f"fetching {store.address} into {mirror.data_dir}, for the first time on this machine")
    pull(store, mirror, manifest, need_of(command).pulls, raw)
    return manifest


@contextmanager
def _logging_errors() -> Iterator[None]:
    """What fails in this block is logged, and left to the next run: another error, or the command's own end, comes first."""
    try:
        yield
    except FlowError as error:
        log.warning("%s", error)
