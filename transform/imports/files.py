"""A file that is read, and the formats that may recognise it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from transform.imports.mapping import Mapping
from transform.imports.reading import Content
from wattlog.series_spec import Series

SAMPLE_BYTES = 64 * 1024
"""How much of a file is enough to recognise it."""

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """A file of another tool.

    Attributes:
        name: Its path below the folder that is imported.
        open: Opens it at its beginning, as often as it is called.
    """

    name: str
    open: Callable[[], BinaryIO]

    @property
    def head(self) -> bytes:
        """Its beginning."""
        with self.open() as stream:
            return stream.read(SAMPLE_BYTES)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A temporary copy, for libraries that read here and there in a file: its bytes are never all in memory.

        Raises:
            OSError: The copy cannot be written.
        """
        with NamedTemporaryFile(prefix="wattlog-") as copy:
            with self.open() as stream:
                shutil.copyfileobj(stream, copy, _CHUNK)
            copy.flush()
            yield Path(copy.name)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a file is recognised by.

    Attributes:
        head: Its beginning.
        tables: The names of its tables, if it is an SQLite database.
    """

    head: bytes
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which tools write histories.

    Attributes:
        series: The series of its files in the raw archive.
        title: What it is, for messages.
        recognises: Whether a file is of it, by its content.
        contents: Reads a file on the clock of a site, given by the name of its zone: one content for each table in it.
            The mapping is the owner's, for the format that needs one.
    """

    series: Series
    title: str
    recognises: Callable[[Sample], bool]
    contents: Callable[[HistoryFile, str, Mapping | None], Iterator[Content]]
