"""The manifest: what the store holds. One object, replaced only in the state that was read: that is the commit.

_wattlog/manifest.ndjson.zst   a line about the store, then a line a file
_wattlog/staged/SHA256         content that the manifest names already, on its way to its place
_wattlog/lease.json            who works on the store
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import orjson
import zstandard

from flows.object_store.errors import StoreChanged, StoreDamaged, StoreRefused
from flows.object_store.layout import Part, part_of
from flows.object_store.store import Conflict, ListedObject, Store, in_parallel
from flows.settings import Settings
from flows.store_address import store_address
from wattlog.names import LAKE, RAW

PATH = "_wattlog/manifest.ndjson.zst"
STAGED = "_wattlog/staged/"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store.

    Attributes:
        size: Bytes.
        sha256: Of its content.
        etag: The object's state, of raw files only: others may be copied to their place after they are committed.
    """

    size: int
    sha256: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store holds.

    Attributes:
        store_id: Given to a store with its first manifest.
        sequence: Counts commits.
        committed_at: When, by the clock of the machine that committed.
        files: Path → file.
        etag: The state of the manifest's object; None before the first commit.
    """

    store_id: str = field(default_factory=lambda: uuid4().hex)
    sequence: int = 0
    committed_at: str = ""
    files: dict[str, StoredFile] = field(default_factory=dict)
    etag: str | None = None

    def of(self, part: Part) -> dict[str, StoredFile]:
        """The files of one part."""
        return {path: file for path, file in self.files.items() if part_of(path) is part}


def read_manifest(store: Store) -> Manifest | None:
    """The manifest in force; None where nothing was ever committed.

    Raises:
        StoreDamaged: It cannot be read.
        StoreRefused: A newer wattlog wrote it.
    """
    stored = store.read(PATH)
    if stored is None:
        return None
    try:
        text = zstandard.ZstdDecompressor().decompressobj().decompress(stored.body)
        about, *lines = (orjson.loads(line) for line in text.splitlines())
        if about["format"] != FORMAT:
            raise StoreRefused(f"{store.address} was written by a newer wattlog; update this one")
        files = {
            line["path"]: StoredFile(line["size"], line["sha256"], line["etag"])
            for line in lines
            if part_of(line["path"]) is not None  # the right to write to the store is none to write elsewhere here
        }
        return Manifest(about["store_id"], about["sequence"], about["committed_at"], files, stored.etag)
    except (zstandard.ZstdError, ValueError, KeyError, TypeError):
        raise StoreDamaged(
            f"the manifest of {store.address} cannot be read; delete {PATH} there, then run `wattlog rebuild`"
        ) from None


def commit(store: Store, before: Manifest, files: dict[str, StoredFile], now: datetime) -> Manifest:
    """Put a new manifest in the place of `before`.

    Raises:
        StoreChanged: Another one stands there by now.
    """
    after = replace(
        before, sequence=before.sequence + 1, committed_at=now.isoformat(timespec="seconds"), files=files, etag=None
    )
    about = {
        "format": FORMAT,
        "store_id": after.store_id,
        "sequence": after.sequence,
        "committed_at": after.committed_at,
    }
    lines = [about, *({"path": path, **asdict(files[path])} for path in sorted(files))]
    body = zstandard.ZstdCompressor().compress(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    try:
        return replace(after, etag=store.put(PATH, body, replaces=before.etag))
    except Conflict:
        there = read_manifest(store)
        if there is not None and replace(there, etag=None) == after:
            return there  # it is this one, only the response was lost
    raise StoreChanged(
        f"another run has committed to {store.address} meanwhile; "
        "what was fetched is kept on this machine: run the command again"
    )


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
    store = Store.connect(address)
    manifest = read_manifest(store)
    if manifest is None:
        yield Mismatch(str(address), "nothing was ever committed; run `wattlog backfill` or `wattlog rebuild`")
        return
    listed = {found.path: found for below in (f"{RAW}/", f"{LAKE}/", STAGED) for found in store.list(below)}
    for path in listed.keys() - manifest.files.keys():
        if part_of(path) is Part.LAKE or path.startswith(STAGED):
            yield Mismatch(path, "is not in the manifest: a push did not end; the next run removes it")
        elif part_of(path) is Part.RAW:
            yield Mismatch(path, "is not in the manifest; run `wattlog rebuild` to take it in")

    def check(path: str) -> str:
        return _wrong_with(store, path, manifest.files[path], listed.get(path), has_download=has_download)

    paths = sorted(manifest.files)
    for path, what in zip(paths, in_parallel(check, paths), strict=True):
        if what:
            yield Mismatch(path, what)


def _wrong_with(store: Store, path: str, file: StoredFile, there: ListedObject | None, *, has_download: bool) -> str:
    remedy = "restore it from a backup" if part_of(path) is Part.RAW else "run `wattlog rebuild`"
    noted = _read_back(store, path) if has_download else store.digest(path)
    if noted is None:
        return f"is gone; {remedy}"
    if there is not None and there.size != file.size:
        return f"has {there.size:,} bytes instead of {file.size:,}; {remedy}"
    return "" if noted == file.sha256 else f"has another checksum than was committed; {remedy}"


def _read_back(store: Store, path: str) -> str | None:
    with TemporaryDirectory() as directory:
        return store.download(path, Path(directory) / "object")
