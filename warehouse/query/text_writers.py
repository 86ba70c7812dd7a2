"""The two formats that are read by people, written from texts: an aligned table, and Markdown.

Control characters are made visible here, and in no other format.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, Final

from warehouse.query.output_format import Format
from wattlog.visible import visible

TEXT_ROWS = 8_192
"""Rows written at a time. The first ones choose a table's widths."""

Texts = Sequence[Sequence[str | None]]
"""Some rows as texts, column by column; None for NULL."""


class TextWriter(ABC):
    """Writes one result, some rows at a time; the sink stays open."""

    def __init__(self, names: Sequence[str], is_number: Sequence[bool], sink: BinaryIO) -> None:
        """Begin a result.

        Args:
            names: The names of the columns.
            is_number: Whether a column is aligned right.
            sink: Where to.
        """
        self._names, self._is_number, self._sink = names, is_number, sink

    @abstractmethod
    def write(self, columns: Texts) -> None:
        """Write some rows."""

    def close(self) -> None:  # noqa: B027 - Markdown has no end
        """Write the end of a result."""


class Table(TextWriter):
    """Aligned columns. Widths are those of the first rows: a later, wider cell shifts the rest of its line."""

    def __init__(self, names: Sequence[str], is_number: Sequence[bool], sink: BinaryIO) -> None:
        """See `TextWriter`."""
        super().__init__([visible(name) for name in names], is_number, sink)
        self._widths: list[int] = []

    def write(self, columns: Texts) -> None:
        """Write some rows, after the headings if they are the first."""
        cells = [["NULL" if text is None else visible(text) for text in column] for column in columns]
        if not self._widths:
            self._widths = [max(map(len, [name, *column])) for name, column in zip(self._names, cells, strict=True)]
            self._write_lines([[name] for name in self._names])
            self._sink.write(("  ".join("─" * width for width in self._widths) + "\n").encode())
        self._write_lines(cells)

    def close(self) -> None:
        """Write the headings of a result without rows."""
        if not self._widths:
            self._sink.write(("  ".join(self._names) + "\n").encode())

    def _write_lines(self, cells: Sequence[Sequence[str]]) -> None:
        padded = [
            [cell.rjust(width) if number else cell.ljust(width) for cell in column]
            for column, width, number in zip(cells, self._widths, self._is_number, strict=True)
        ]
        self._sink.write("".join(f"{'  '.join(row).rstrip(' ')}\n" for row in zip(*padded, strict=True)).encode())


class Markdown(TextWriter):
    """A table of Markdown; NULL is an empty cell."""

    def __init__(self, names: Sequence[str], is_number: Sequence[bool], sink: BinaryIO) -> None:
        """See `TextWriter`."""
        super().__init__(names, is_number, sink)
        self.write([[name] for name in names])
        self._write_rows([["---:" if number else "---" for number in is_number]])

    def write(self, columns: Texts) -> None:
        """Write some rows."""
        self._write_rows(zip(*([_escaped(text) for text in column] for column in columns), strict=True))

    def _write_rows(self, rows: Iterable[Sequence[str]]) -> None:
        self._sink.write("".join(f"| {' | '.join(row)} |\n" for row in rows).encode())


def _escaped(text: str | None) -> str:
    return "" if text is None else visible(text, keeps_lines=True).replace("|", "\\|").replace("\n", "<br>")


TEXT_WRITERS: Final[Mapping[Format, type[TextWriter]]] = MappingProxyType(
    {Format.TABLE: Table, Format.MARKDOWN: Markdown}
)
"""The formats for people."""
