"""The store against its manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.object_store.address import store_address
from flows.object_store.bucket import Bucket, Listed, at_once
from flows.object_store.manifest import STAGED, StoredFile, read_manifest
from flows.object_store.parts import Part, part_of
from flows.settings import Settings


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something in the store that is not as it should be: the object, and what is wrong with it."""

    where: str
    what: str


def verify_store(settings: Settings, *, has_download: bool) -> Iterator[Mismatch]:
    """What is wrong with the objects of the store that the data directory mirrors; nothing where it mirrors none.

    Args:
        settings: As a command gets them.
        has_download: Read every object back; else the size and the checksum that were noted when it was written must do.
    """
    address = store_address(settings.shown_data_dir)
    if address is None:
        return
    bucket = Bucket.connect(address)
    manifest = read_manifest(bucket)
    if manifest is None:
        yield Mismatch(str(address), "nothing was ever committed; run `wattlog backfill` or `wattlog rebuild`")
        return
    listed = {each.path: each for each in bucket.list("")}
    for path in listed.keys() - manifest.files.keys():
        if part_of(path) is Part.LAKE or path.startswith(STAGED):
            yield Mismatch(path, "is not in the manifest: a push did not end; the next run removes it")
        elif part_of(path) is Part.RAW:
            yield Mismatch(path, "is not in the manifest; run `wattlog rebuild` to take it in")

    def check(path: str) -> str:
        return _wrong_with(bucket, path, manifest.files[path], listed.get(path), has_download=has_download)

    paths = sorted(manifest.files)
    for path, what in zip(paths, at_once(check, paths), strict=True):
        if what:
            yield Mismatch(path, what)


def _wrong_with(bucket: Bucket, path: str, file: StoredFile, there: Listed | None, *, has_download: bool) -> str:
    remedy = "restore it from a backup" if part_of(path) is Part.RAW else "run `wattlog rebuild`"
    if there is None:
        return f"is gone; {remedy}"
    if there.size != file.size:
        return f"has {there.size:,} bytes instead of {file.size:,}; {remedy}"
    noted = _read_back(bucket, path) if has_download else bucket.digest(path)
    return "" if noted == file.sha256 else f"has another checksum than was committed; {remedy}"


def _read_back(bucket: Bucket, path: str) -> str | None:
    with TemporaryDirectory() as directory:
        return bucket.download(path, Path(directory) / "object")
