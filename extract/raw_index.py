"""The index of the raw archive on disk: one line a record, all but its body. A cache; see `archive`."""

import logging
from collections.abc import Iterable
from pathlib import Path

import orjson

from extract.errors import ArchiveError
from extract.record import Entry, entry_from_index, index_line

log = logging.getLogger(__name__)

INDEX = "index.ndjson"


class RawIndex:
    """The file `index.ndjson` below the archive's root."""

    def __init__(self, root: Path) -> None:
        self._path = root / INDEX

    def read(self) -> list[Entry]:
        """Every entry, in the order they were kept; none where the index is not there or cannot be understood.

        The lines are joined to one document, which is parsed in a third of the time.
        """
        if not self._path.exists():
            return []
        try:
            lines = orjson.loads(b"[" + b",".join(self._path.read_bytes().splitlines()) + b"]")
            entries = [entry_from_index(line) for line in lines]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            log.warning("index unreadable, reading the segments instead path=%s", self._path)
            self._path.unlink()
            return []
        # A line can come twice when two processes found the same unindexed record.
        return list({(entry.segment, entry.extent.offset): entry for entry in entries}.values())

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries.

        Raises:
            ArchiveError: The file cannot be written.
        """
        lines = b"".join(orjson.dumps(index_line(entry)) + b"\n" for entry in entries)
        try:
            with self._path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise ArchiveError(str(self._path), f"cannot be written ({error.strerror})") from error

    def write(self, entries: Iterable[Entry]) -> None:
        """Replace the index.

        Raises:
            ArchiveError: The file cannot be written.
        """
        beside = self._path.with_name(f"{INDEX}.new")
        try:
            beside.write_bytes(b"".join(orjson.dumps(index_line(entry)) + b"\n" for entry in entries))
            beside.replace(self._path)
        except OSError as error:
            raise ArchiveError(str(self._path), f"cannot be written ({error.strerror})") from error
