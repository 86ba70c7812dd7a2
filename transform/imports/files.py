"""A file that is read, and the formats that may recognise it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from transform.imports.mapping import Mapping
from transform.imports.reading import Content
from wattlog.series_spec import Series

SAMPLE_BYTES = 64 * 1024
"""How much of a file is enough to recognise it."""


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
