"""Rows whose columns all have plain types, as texts, without Arrow: it takes as long to import as DuckDB.

The texts are those of `warehouse.query.formats.as_text`; a test compares the two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import duckdb

from warehouse.connection import brief
from warehouse.errors import QueryFailed
from warehouse.query.output_format import Format
from warehouse.query.query_thread import QueryThread
from warehouse.query.text_writers import TEXT_ROWS, TEXT_WRITERS, Texts

ToText = Callable[[Any], str]


def double_text(value: float) -> str:
    """A double in the fewest digits that give it back, as Arrow writes it: 724, 0.000001, 1e+10."""
    size = abs(value)
    if 1e-4 <= size < 1e10 or size == 0 or not isfinite(size):
        return repr(value).removesuffix(".0")
    exact = Decimal(repr(value))
    if 1e-6 <= size < 1e10:
        return f"{exact:f}"
    sign, digits, _ = exact.normalize().as_tuple()
    first, *others = map(str, digits)
    fraction = f".{''.join(others)}" if others else ""
    return f"{'-' if sign else ''}{first}{fraction}e{exact.adjusted():+d}"


def _boolean_text(value: bool) -> str:
    return "true" if value else "false"


_WHOLE_NUMBERS: Final = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"]
)
_DOUBLE: Final = "DOUBLE"
_TO_TEXT: Final[Mapping[str, ToText]] = MappingProxyType(
    dict.fromkeys([*_WHOLE_NUMBERS, "VARCHAR", "DATE"], str) | {"BOOLEAN": _boolean_text, _DOUBLE: double_text}
)
"""DuckDB's types whose values are one Python value each, and the text of it."""


class PlainRows:
    """The rows of one statement, which has been started; they are read once.

    Attributes:
        columns: Column names in order.
        is_number: Whether a column is aligned right.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        thread: QueryThread,
        columns: Sequence[str],
        kinds: Sequence[str],
    ) -> None:
        """Take a connection with a pending result.

        Args:
            connection: The connection.
            thread: Where DuckDB works.
            columns: Column names in order.
            kinds: The names of their types; all of them are plain.
        """
        self._connection, self._thread, self._kinds = connection, thread, tuple(kinds)
        self.columns = tuple(columns)
        self.is_number = tuple(kind in _WHOLE_NUMBERS or kind == _DOUBLE for kind in kinds)

    def texts(self, rows: int = TEXT_ROWS, *, double: ToText = double_text) -> Iterator[Texts]:
        """The rows as texts, so many at a time.

        Args:
            rows: How many.
            double: How a double is written.

        Raises:
            QueryFailed: The statement failed on a row.
        """
        to_text = [double if kind == _DOUBLE else _TO_TEXT[kind] for kind in self._kinds]
        while found := self._next(rows):
            yield [
                [None if value is None else text(value) for value in column]
                for text, column in zip(to_text, zip(*found, strict=True), strict=True)
            ]

    def _next(self, rows: int) -> list[Any]:
        try:
            return self._thread.run(lambda: self._connection.fetchmany(rows))
        except duckdb.Error as error:
            raise QueryFailed(brief(error)) from error

    def write(self, sink: BinaryIO, form: Format) -> int:
        """Write the rows out as they come; returns how many there were.

        Args:
            sink: Where to; not closed.
            form: One of `TEXT_WRITERS`.

        Raises:
            QueryFailed: The statement failed on a row.
            OSError: The sink cannot be written.
        """
        writer, count = TEXT_WRITERS[form](self.columns, self.is_number, sink), 0
        for texts in self.texts():
            writer.write(texts)
            count += len(texts[0])
        writer.close()
        return count


def are_plain(kinds: Sequence[str]) -> bool:
    """Whether rows with columns of these types can be read by `PlainRows`."""
    return all(kind in _TO_TEXT for kind in kinds)
