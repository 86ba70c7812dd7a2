"""CSV files whose header says what they are."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

from transform.imports.batches import Batch, OnReject, UnreadableFile, csv_batches, header_of
from transform.imports.files import HistoryFile
from transform.imports.mapping import Mapping
from transform.imports.reading import Content, read_content

MappingOf = Callable[[Sequence[str], str], Mapping | None]
"""The mapping of a file by the names of its header and its own name; None where it is of another format."""


def read_csv(file: HistoryFile, zone: str, mapping_of: MappingOf, delimiter: str = ",") -> Iterator[Content]:
    """The content of a CSV file.

    Args:
        file: The file.
        zone: Name of the zone of the site.
        mapping_of: Gives its mapping.
        delimiter: What is between two values.

    Raises:
        UnreadableFile: Its header is of another format, or none of its rows can be used.
    """
    head = file.head
    names = header_of(head, delimiter)
    mapping = mapping_of(names, PurePosixPath(file.name).name)
    if mapping is None:
        raise UnreadableFile("its first line is not the header that it should be")
    yield read_content(partial(_batches, file, names, delimiter, b'"' in head), mapping, zone)


def _batches(
    file: HistoryFile, names: Sequence[str], delimiter: str, is_quoted: bool, on_reject: OnReject
) -> Iterator[Batch]:
    with file.open() as stream:
        yield from csv_batches(stream, names, on_reject, is_quoted=is_quoted, delimiter=delimiter)
