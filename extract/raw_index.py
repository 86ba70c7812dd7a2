"""The index of the raw archive on disk: one line a record, all but its body. A cache; see `archive`.

It is kept in shards, one for each site and year: what is asked together is written together, and a process that asks for one
year of one site is alone with its shard.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import orjson

from extract.errors import ArchiveError
from extract.record import MONTH, Entry, entry_from_index, index_line

log = logging.getLogger(__name__)


def shard_of(segment: str) -> str:
    """The shard, below the archive's root, in which a segment's records stand: `site_id=1001/index-2025.ndjson`."""
    site, _, _ = segment.partition("/")
    return f"{site}/index-{segment[MONTH][:4]}.ndjson"


class RawIndex:
    """The shards below the archive's root.

    Args:
        root: The archive's root.
        below: Which sites' directories to look at, as a pattern.
    """

    def __init__(self, root: Path, below: str = "site_id=*") -> None:
        self._root = root
        self._below = below

    def read(self) -> list[Entry]:
        """Every entry, those of a shard in the order they were kept; none of shards that cannot be understood."""
        found: dict[tuple[str, int], Entry] = {}
        for path in sorted(self._root.glob(f"{self._below}/index-*.ndjson")):
            # A line can come twice when two processes found the same unindexed record.
            found |= {(entry.segment, entry.extent.offset): entry for entry in _entries(path)}
        return list(found.values())

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries, each to its shard.

        Raises:
            ArchiveError: The file cannot be written.
        """
        for shard, lines in _lines(entries).items():
            path = self._root / shard
            try:
                with path.open("ab") as file:
                    file.write(b"".join(lines))
            except OSError as error:
                raise _unwritable(path, error) from error

    def write(self, entries: Iterable[Entry], shards: Iterable[str]) -> None:
        """Replace some shards by those of the entries that belong there.

        Raises:
            ArchiveError: A file cannot be written.
        """
        lines = _lines(entries)
        for shard in shards:
            path = self._root / shard
            beside = path.with_name(f"{path.name}.new")
            try:
                beside.write_bytes(b"".join(lines.get(shard, ())))
                beside.replace(path)
            except OSError as error:
                raise _unwritable(path, error) from error


def _entries(path: Path) -> list[Entry]:
    """The entries of a shard. Its lines are joined to one document, which is parsed in a third of the time."""
    try:
        lines = orjson.loads(b"[" + b",".join(path.read_bytes().splitlines()) + b"]")
        return [entry_from_index(line) for line in lines]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        log.warning("index unreadable, reading the segments instead path=%s", path)
        path.unlink(missing_ok=True)
        return []


def _lines(entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for entry in entries:
        found.setdefault(shard_of(entry.segment), []).append(orjson.dumps(index_line(entry)) + b"\n")
    return found


def _unwritable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(str(path), f"cannot be written ({error.strerror})")
