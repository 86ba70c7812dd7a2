"""The mirror: the directory on this machine in which a store is worked on.

CACHE/stores/NAME/data/          a data directory like any other
CACHE/stores/NAME/state.ndjson   what mirror and store last agreed on; without it, files are compared by content
CACHE/stores/NAME/read/SHA/      the published warehouse, for readers

Raw files, the segments of the archive and the list of runs, only grow. Two machines may have added to the same file, one of
them without having pushed it. Nothing of either is lost: what one has more than the other goes behind it, since frames and
lines stand for themselves.
"""

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import orjson

from extract.archive import segment
from flows.object_store.layout import Part, part_of
from flows.object_store.manifest import StoredFile
from flows.store_address import StoreAddress
from wattlog import checked_lines, durable
from wattlog.names import DataDirectory

_AMAZON = re.compile(r"(https?://([a-z0-9.-]+\.)?amazonaws\.com(\.cn)?/?)?")
_LINES = ".ndjson"


@dataclass(frozen=True, slots=True)
class SyncedFile:
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

    def is_version(self, file: StoredFile) -> bool:
        """Whether the store still holds what was agreed on."""
        return self.etag == file.etag if file.etag else self.sha256 == file.sha256


class Mirror:
    """One store's directory; changes below `data_dir` need its lock.

    Args:
        root: Where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store_id: str | None = None
        self.synced: dict[str, SyncedFile] = {}

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
        """Distinguishes this mirror from those of other machines; made on first use."""
        path = self.root / "id"
        with suppress(FileNotFoundError):
            return path.read_text()
        self.root.mkdir(mode=durable.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        with durable.replacing(path) as temporary:
            temporary.write_text(uuid4().hex)
        return path.read_text()

    # --- what was agreed on -------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what was agreed on; nothing, where that is not known or cannot be read."""
        self.store_id, self.synced = None, {}
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            found = checked_lines.split((self.root / "state.ndjson").read_bytes())
            # A damaged line is left out: its file is compared by content. Versions before 2026-12 wrote no checksums.
            about, *lines = (orjson.loads(line) for line in found.checked or found.unchecked)
            for line in (about, *lines):
                line.pop("crc32", None)
            synced = {line.pop("path"): SyncedFile(**line) for line in lines}
            self.store_id, self.synced = about["store_id"], synced

    def save(self) -> None:
        """Write down what was agreed on."""
        lines = [
            {"store_id": self.store_id},
            *({"path": path, **asdict(synced)} for path, synced in sorted(self.synced.items())),
        ]
        with durable.replacing(self.root / "state.ndjson") as temporary:
            temporary.write_bytes(b"".join(checked_lines.with_checksum(orjson.dumps(line)) for line in lines))

    def note(self, path: str, file: StoredFile, stat: os.stat_result | None) -> None:
        """Note what mirror and store agree on.

        Args:
            path: The file.
            file: The object.
            stat: What the file was when they were compared; None where it has more than the object, which is to be pushed.
        """
        local_size, mtime_ns = (-1, 0) if stat is None else (stat.st_size, stat.st_mtime_ns)
        self.synced[path] = SyncedFile(file.size, file.sha256, file.etag, local_size, mtime_ns)

    def agreed(self, part: Part) -> dict[str, StoredFile]:
        """The objects of a part, as last agreed on."""
        return {
            path: StoredFile(synced.size, synced.sha256, synced.etag)
            for path, synced in self.synced.items()
            if part_of(path) is part
        }

    def is_untouched(self, path: str) -> bool:
        """Whether a file is there as it was when last agreed on, as far as size and time show."""
        synced = self.synced.get(path)
        try:
            stat = self.path(path).stat()
        except FileNotFoundError:
            return False
        return synced is not None and (stat.st_size, stat.st_mtime_ns) == (synced.local_size, synced.mtime_ns)

    def has_content(self, path: str, file: StoredFile) -> bool:
        """Whether a file has the content of an object; if so, that is agreed on."""
        local = self.path(path)
        if not local.exists():
            return False
        stat = local.stat()
        if stat.st_size != file.size or sha256_of(local) != file.sha256:
            return False
        self.note(path, file, stat)
        return True

    # --- files --------------------------------------------------------------------------------------------------------

    def path(self, path: str) -> Path:
        """Where a file of the store is on this machine."""
        return self.data_dir / path

    def join_raw(self, path: str, remote: bytes) -> bool:
        """Bring what the store has into a raw file; returns whether the file is then equal to the object."""
        local = self.path(path)
        here = whole_records(local) if local.exists() else b""
        content = join_records(local, here, remote)
        if content != here:
            local.parent.mkdir(parents=True, exist_ok=True)
            if local.exists() and local.stat().st_size > len(here):
                segment.cut_corrupt_tail(local, len(here))
            with durable.replacing(local) as temporary:
                temporary.write_bytes(content)
            if not content.startswith(here):  # records stand elsewhere now, and the archive's index is only a cache
                for index in [
                    *DataDirectory(self.data_dir).raw.glob("index*.ndjson"),
                    *local.parent.parent.glob("index*.ndjson"),
                ]:
                    index.unlink(missing_ok=True)
        return content == remote


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- append-only files ------------------------------------------------------------------------------------------------


def whole_records(path: Path, since: int = 0) -> bytes:
    """A file without its torn tail, which is the trace of a killed write or of one under way.

    Args:
        path: The file; it may grow meanwhile.
        since: Bytes that are known to be whole.
    """
    if path.suffix in {_LINES, segment.TAIL_SUFFIX}:
        content = path.read_bytes()
        return content[: content.rfind(b"\n") + 1] if path.suffix == _LINES else content
    end = since
    for found in segment.scan(path, since):
        if isinstance(found, segment.CorruptRange) and found.is_tail:
            end = found.byte_range.offset
            break
        end = found.byte_range.end
    with path.open("rb") as file:
        return file.read(end)


def is_of_lines(path: Path) -> bool:
    """Whether a file is one of lines, which may be given checksums and lose a damaged line, and is joined line by line."""
    return path.suffix == _LINES


def join_records(path: Path, local: bytes, remote: bytes) -> bytes:
    """What the store has, and behind it what only this machine has.

    Args:
        path: The file on this machine, which begins with `local`.
        local: Its whole records.
        remote: The store's object.
    """
    if local.startswith(remote):
        return local
    if remote.startswith(local):
        return remote
    if is_of_lines(path):
        return _join_lines(local, remote)
    same = next(at for at, (one, other) in enumerate(zip(local, remote, strict=False)) if one != other)
    return remote + local[_record_end(path, same) :]


def _join_lines(local: bytes, remote: bytes) -> bytes:
    """The store's lines, then those that only this machine has. A line is the same with a checksum and without one."""
    here = {checked_lines.without_checksum(line): line for line in local.splitlines()}
    there = {checked_lines.without_checksum(line): line for line in remote.splitlines()}
    lines = [here.get(text, line) for text, line in there.items()]
    lines += [line for text, line in here.items() if text not in there]
    return b"".join(line + b"\n" for line in lines)


def _record_end(path: Path, length: int) -> int:
    """The end of the last record that lies within the first `length` bytes."""
    if path.suffix == segment.TAIL_SUFFIX:
        return length
    ends = (found.byte_range.end for found in segment.scan(path))
    return max((end for end in ends if end <= length), default=0)
