"""What a command is run in where the data directory is a store. The command itself sees a directory of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.object_store.address import store_address
from flows.object_store.parts import Need, need_of
from flows.settings import Settings


@contextmanager
def opened(settings: Settings, command: str) -> Iterator[Settings]:
    """Settings whose data directory is one of this machine, whatever `settings` name, for as long as a command lasts.

    Args:
        settings: The settings as given.
        command: The command's name; it tells what is needed of the store.

    Yields:
        `settings` themselves where they name a directory, else settings of the store's mirror, or, for readers, of a
        copy of its warehouse.

    Raises:
        StoreRefused: A person must change something: bucket, rights, credentials, region.
        StoreUnreachable: The store does not answer. What was fetched is kept and pushed by the next run.
        StoreBusy: Another run holds the store.
    """
    address, need = store_address(settings.data_dir), need_of(command)
    if address is None or need == Need():
        yield settings
        return

    from flows.object_store.bucket import Bucket
    from flows.object_store.mirror import Mirror

    bucket = Bucket.connect(address)
    mirror = Mirror.of(settings.cache_dir, address, bucket.endpoint)
    if need.is_reader:
        from flows.object_store.reading import published

        yield settings.mirrored(published(bucket, mirror), str(address))
        return

    from flows.object_store.running import mirrored

    with mirrored(bucket, mirror, command):
        yield settings.mirrored(mirror.data_dir, str(address))
