"""The manifest: what the store holds. One object, replaced only by who knew the one before: that is the commit.

_wattlog/manifest.ndjson.zst   a line about the store, then a line a file
_wattlog/staged/SHA256         content that the manifest names already, on its way to its place
_wattlog/lease.json            who works on the store
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
import zstandard

from flows.object_store.bucket import Bucket, Conflict
from flows.object_store.errors import StoreChanged, StoreDamaged, StoreRefused
from flows.object_store.parts import Part, part_of

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
        committed_at: When, by the clock of who committed.
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


def read_manifest(bucket: Bucket) -> Manifest | None:
    """The manifest in force; None where nothing was ever committed.

    Raises:
        StoreDamaged: It cannot be read.
        StoreRefused: A newer wattlog wrote it.
    """
    stored = bucket.read(PATH)
    if stored is None:
        return None
    try:
        text = zstandard.ZstdDecompressor().decompressobj().decompress(stored.body)
        about, *lines = (orjson.loads(line) for line in text.splitlines())
        if about["format"] != FORMAT:
            raise StoreRefused(f"{bucket.address} was written by a newer wattlog; update this one")
        return Manifest(about["store_id"], about["sequence"], about["committed_at"], _files(lines), stored.etag)
    except (zstandard.ZstdError, ValueError, KeyError, TypeError):
        raise StoreDamaged(
            f"the manifest of {bucket.address} cannot be read; delete {PATH} there, then run `wattlog rebuild`"
        ) from None


def _files(lines: list[dict[str, Any]]) -> dict[str, StoredFile]:
    """Only such paths as wattlog writes: whoever can write the manifest shall not write elsewhere on this machine."""
    return {
        line["path"]: StoredFile(line["size"], line["sha256"], line["etag"])
        for line in lines
        if part_of(line["path"]) is not None
    }


def commit(bucket: Bucket, before: Manifest, files: dict[str, StoredFile], now: datetime) -> Manifest:
    """Put a new manifest in the place of `before`.

    Raises:
        StoreChanged: Another one stands there by now.
    """
    about = {
        "format": FORMAT,
        "store_id": before.store_id,
        "sequence": before.sequence + 1,
        "committed_at": now.isoformat(timespec="seconds"),
    }
    lines = [about, *({"path": path, **asdict(files[path])} for path in sorted(files))]
    body = zstandard.ZstdCompressor().compress(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    try:
        etag = bucket.put(PATH, body, replaces=before.etag)
    except Conflict:
        raise StoreChanged(
            f"another run has committed to {bucket.address} meanwhile; "
            "what was fetched is kept on this machine: run the command again"
        ) from None
    sequence, committed_at = before.sequence + 1, str(about["committed_at"])
    return replace(before, sequence=sequence, committed_at=committed_at, files=files, etag=etag)
