"""The imports of a site as the raw archive has them: which files each has, joined again from their parts."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO, Final

from transform.imports.files import HistoryFile
from transform.responses import RawResponse
from wattlog.imported_paths import ImportedPath

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAPPING_FILE: Final = "wattlog mapping.toml"
"""The file of an import that has the owner's mapping."""

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of an import.

    Attributes:
        path: What the path of its first record says.
        records: Its records, in the order of its parts.
    """

    path: ImportedPath
    records: tuple[RawResponse, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all parts can be read: a lost one has no bytes."""
        return len(self.records) == self.path.parts and all(record.body for record in self.records)

    @property
    def has_beginning(self) -> bool:
        """Whether its first part can be read."""
        return ImportedPath.parse(self.records[0].path).part == 1 and bool(self.records[0].body)

    def as_history(self) -> HistoryFile:
        """The file, to be read."""
        return HistoryFile(self.path.file, self._open)

    def _open(self) -> BinaryIO:
        return io.BufferedReader(PartStream(self.records), _CHUNK)


@dataclass(frozen=True, slots=True)
class StoredImport:
    """One import.

    Attributes:
        import_id: The run that imported it.
        files: Its files, in the order of their names.
    """

    import_id: str
    files: tuple[StoredFile, ...]

    @property
    def sha256(self) -> str:
        """Of the one file; of several, of their sums."""
        sums = [_sha256(file) for file in self.files if file.path.file != MAPPING_FILE]
        return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def _sha256(file: StoredFile) -> str:
    digest = hashlib.sha256()
    for record in file.records:
        digest.update(record.body)
    return digest.hexdigest()


def imports_in(records: Sequence[RawResponse]) -> Iterator[StoredImport]:
    """The imports, the oldest first."""
    ordered = sorted(records, key=lambda record: (record.run_id, record.path))
    for import_id, of_import in groupby(ordered, key=lambda record: record.run_id):
        files = []
        for name, of_file in groupby(of_import, key=lambda record: ImportedPath.parse(record.path).file):
            found = tuple(of_file)
            files.append(StoredFile(ImportedPath.parse(found[0].path), found))
            del name
        yield StoredImport(import_id, tuple(files))


class PartStream(io.RawIOBase):
    """The bytes of some records, one after another; one body at a time is in memory."""

    def __init__(self, records: Sequence[RawResponse]) -> None:
        self._bodies = (record.body for record in records)
        self._body = memoryview(b"")

    def readable(self) -> bool:
        """It can be read, and nothing else."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer; 0 at the end."""
        while not len(self._body):
            following = next(self._bodies, None)
            if following is None:
                return 0
            self._body = memoryview(following)
        place = memoryview(buffer).cast("B")
        taken = min(len(place), len(self._body))
        place[:taken] = self._body[:taken]
        self._body = self._body[taken:]
        return taken
