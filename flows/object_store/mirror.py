"""The mirror: the directory on this machine in which a store is worked on.

CACHE/stores/NAME/data/          a data directory like any other
CACHE/stores/NAME/state.ndjson   what mirror and store last agreed on; without it, files are compared by content
CACHE/stores/NAME/read/SHA/      the published warehouse, for readers
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import orjson

from flows.object_store.address import StoreAddress
from flows.object_store.parts import Part, files_of
from warehouse import atomic

_AMAZON = re.compile(r"https?://([a-z0-9.-]+\.)?amazonaws\.com(\.cn)?/?")


@dataclass(frozen=True, slots=True)
class Known:
    """A file on which mirror and store agreed.

    Attributes:
        size: Bytes of the object.
        sha256: Of the object.
        etag: The object's state.
        local_size: Bytes of the file then: more than the object's while a torn tail stands in it.
        mtime_ns: When the file had been written.
    """

    size: int
    sha256: str
    etag: str
    local_size: int
    mtime_ns: int


class Mirror:
    """One store's directory; whoever changes anything below `data_dir` holds its lock.

    Args:
        root: Where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store_id: str | None = None
        self.known: dict[str, Known] = {}

    @classmethod
    def of(cls, cache_dir: Path, address: StoreAddress, endpoint: str) -> "Mirror":
        """The mirror of a store; the same address at another endpoint is another store."""
        name = f"{'' if _AMAZON.fullmatch(endpoint) else endpoint} {address}"
        slug = re.sub(r"[^a-z0-9]+", "-", f"{address.bucket}-{address.prefix}".lower()).strip("-")[:60]
        return cls(cache_dir / "stores" / f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:12]}")

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return self.root / "data"

    @property
    def mirror_id(self) -> str:
        """Tells this mirror from those of other machines; made on first use."""
        path = self.root / "id"
        with suppress(FileNotFoundError):
            return path.read_text()
        self.root.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(path) as temporary:
            temporary.write_text(uuid4().hex)
        return path.read_text()

    # --- what was agreed on -------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what was agreed on; nothing, where that is not known or cannot be read."""
        self.store_id, self.known = None, {}
        try:
            about, *lines = (orjson.loads(line) for line in (self.root / "state.ndjson").read_bytes().splitlines())
            known = {line.pop("path"): Known(**line) for line in lines}
            self.store_id, self.known = about["store_id"], known
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return

    def save(self) -> None:
        """Write down what was agreed on."""
        lines = [
            {"store_id": self.store_id},
            *({"path": path, **asdict(known)} for path, known in sorted(self.known.items())),
        ]
        with atomic.replacing(self.root / "state.ndjson") as temporary:
            temporary.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def agree(
        self, path: str, sha256: str, *, stat: os.stat_result | None, size: int | None = None, etag: str = ""
    ) -> None:
        """Note what the object is.

        Args:
            path: The file.
            sha256: Of the object.
            stat: What the file was when they were compared; None where it has more than the object, which is to be pushed.
            size: Bytes of the object; the file's if not given.
            etag: The object's state.
        """
        local_size, mtime_ns = (-1, 0) if stat is None else (stat.st_size, stat.st_mtime_ns)
        self.known[path] = Known(local_size if size is None else size, sha256, etag, local_size, mtime_ns)

    def is_untouched(self, path: str) -> bool:
        """Whether a file is there as it was when last agreed on, as far as size and time tell."""
        known = self.known.get(path)
        try:
            stat = self.path(path).stat()
        except FileNotFoundError:
            return False
        return known is not None and (stat.st_size, stat.st_mtime_ns) == (known.local_size, known.mtime_ns)

    # --- files --------------------------------------------------------------------------------------------------------

    def path(self, path: str) -> Path:
        """Where a file of the store is on this machine."""
        return self.data_dir / path

    def files(self, part: Part) -> Iterator[str]:
        """The files of a part that are here."""
        return files_of(self.data_dir, part)

    def drop_index(self, path: str) -> None:
        """Records of a segment stand elsewhere now: the archive shall read them anew. Its index is only a cache."""
        raw, place = self.data_dir / "raw", self.path(path).parent.parent
        for index in [*raw.glob("index*.ndjson"), *place.glob("index*.ndjson")]:
            index.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
