"""The rows of a file, some thousands at a time, as columns: CSV as text, Parquet and SQLite with the types that they have.

Every row has its line. A line with too few or too many values is rejected, and the lines after it keep their numbers.
"""

import csv as csv_module
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from transform.responses import Reason
from transform.time import Ints

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BOM: Final = b"\xef\xbb\xbf"
BLOCK_BYTES: Final = 4 * 2**20
"""How much of a CSV file is read at once."""

ROWS: Final = 50_000
"""How many rows of another file are."""

OnReject = Callable[[int, Reason, dict[str, Any]], None]
"""Takes a line, the reason, and what it has."""


class UnreadableFile(ValueError):
    """A file that cannot be used at all. Its text has the reason."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file.

    Attributes:
        lines: The line of each row, from 1; of a database the number of the row.
        columns: Name → values, all of the same length.
    """

    lines: Ints
    columns: dict[str, pa.Array]

    def payload(self, row: int) -> dict[str, Any]:
        """A row as it is quarantined, with its line."""
        values = {name: _plain(column[row]) for name, column in self.columns.items()}
        return {"line": int(self.lines[row]), **values}


def _plain(value: pa.Scalar) -> Any:
    try:
        found = value.as_py()
    except (OverflowError, ValueError):  # an instant that Python has no date for
        return str(value.cast(pa.int64()).as_py())
    if isinstance(found, bytes):
        return found.decode(errors="replace")
    return found if found is None or isinstance(found, int | float | str) else str(found)


def header_of(head: bytes, delimiter: str = ",") -> list[str]:
    """The names in the first line of a CSV file, without a byte order mark; none where the bytes are no text.

    Args:
        head: The beginning of the file.
        delimiter: What is between two names.
    """
    line = head.removeprefix(BOM).split(b"\n", 1)[0].rstrip(b"\r")
    if b"\0" in line:
        return []
    try:
        return [name.strip() for name in next(csv_module.reader([line.decode()], delimiter=delimiter), [])]
    except (UnicodeDecodeError, csv_module.Error):
        return []


def csv_batches(
    stream: BinaryIO, names: Sequence[str], on_reject: OnReject, *, is_quoted: bool, delimiter: str = ","
) -> Iterator[Batch]:
    """The rows of a CSV file as bytes.

    Args:
        stream: The file, at its beginning.
        names: The names of its header.
        on_reject: Called for each line that is no row.
        is_quoted: Values may be in quotes. Otherwise a quote is damage, and must not swallow the lines after it.
        delimiter: What is between two values.
    """
    skipped: list[int] = []

    def refuse(row: csv.InvalidRow) -> str:
        skipped.append(row.number)
        if row.text.strip():
            payload = {"line": row.number, "text": shown(row.text[:1000])}
            on_reject(row.number, Reason.WRONG_NUMBER_OF_VALUES, payload)
        return "skip"

    def shown(text: str) -> str:
        return text.encode("latin-1", "replace").decode(errors="replace") if not text.isascii() else text

    keys = [str(position) for position in range(len(names))]
    try:
        reader = csv.open_csv(
            io.BufferedReader(_Readable(stream), BLOCK_BYTES),
            read_options=csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=keys, skip_rows=1),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                invalid_row_handler=refuse,
                ignore_empty_lines=False,
                quote_char='"' if is_quoted else False,
            ),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(keys, pa.binary())),
        )
        line = 2
        for read in reader:
            count = read.num_rows
            lines = _lines(line, count, skipped)
            line = int(lines[-1]) + 1 if count else line
            yield Batch(lines, {name: read.column(at) for at, name in enumerate(names)})
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(str(error).splitlines()[0]) from None


class _Readable(io.RawIOBase):
    """A file whose bytes are all text: Arrow leaves out a damaged line in silence if it is none.

    A part that is not ASCII is taken for Latin-1, in which every byte is a character; numbers and times are the same in it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It can be read, and nothing else."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer; 0 at the end."""
        place = memoryview(buffer).cast("B")
        if not len(self._rest):
            read = self._stream.read(len(place))
            self._rest = memoryview(read if read.isascii() else read.decode("latin-1").encode())
        taken = min(len(place), len(self._rest))
        place[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


def _lines(first: int, count: int, skipped: Sequence[int]) -> Ints:
    """The lines of `count` rows from a line on, without those that were skipped."""
    candidates = np.arange(first, first + count + len(skipped), dtype=np.int64)
    if skipped:
        candidates = candidates[~np.isin(candidates, np.array(skipped, dtype=np.int64))]
    return candidates[:count]


def parquet_batches(path: Path) -> Iterator[Batch]:
    """The rows of a Parquet file, some thousands at a time.

    Raises:
        UnreadableFile: It is damaged.
    """
    line = 1
    try:
        with parquet.ParquetFile(path) as file:
            for read in file.iter_batches(ROWS, use_threads=False):
                columns = dict(zip(read.schema.names, read.columns, strict=True))
                yield Batch(np.arange(line, line + read.num_rows), columns)
                line += read.num_rows
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(f"it is no whole Parquet file: {str(error).splitlines()[0]}") from None


def row_batches(names: Sequence[str], rows: Iterator[Sequence[tuple[Any, ...]]]) -> Iterator[Batch]:
    """Rows of a database, some at a time; values of a type that its column does not have otherwise are text.

    Args:
        names: The names of their columns.
        rows: Lists of rows.
    """
    line = 1
    for part in rows:
        columns = {name: _column([row[at] for row in part]) for at, name in enumerate(names)}
        yield Batch(np.arange(line, line + len(part)), columns)
        line += len(part)


def _column(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])
