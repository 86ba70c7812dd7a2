"""Tables that fit a terminal: columns are aligned, long text is wrapped between words, and what is too wide is turned.

A table that fits is printed as it is. Else text is wrapped, to two lines a row at most. Else a last column of sentences
goes below its row. Else few rows are turned on their side, one column a line, and of many rows the first columns are shown,
with a sentence that names the others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

GAP = "  "
"""Between two columns."""

MOST_LINES = 2
"""A row that takes more lines than this is hard to read as one row."""

FEW_ROWS = 12
"""So many rows are turned on their side where they fit side by side."""

FEW_BLOCKS = 3
"""So many rows are written one below the other, each a block of lines, before columns are left out."""

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        heading: Its heading, in one line or several.
        cells: Its cells, each without line feeds, or with where a cell has lines of its own.
        is_right: Whether cells are aligned right, as numbers are.
    """

    heading: str
    cells: tuple[str, ...]
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line, and whether it is part of a heading."""

    text: str
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Aligned columns: a table that was not turned.

    Attributes:
        columns: The columns shown.
        widths: How wide each is.
        shown: The number of each among the given columns; None for the one that marks those left out.
        left_out: The headings of those left out.
    """

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    shown: tuple[int | None, ...]
    left_out: tuple[str, ...] = ()

    def headings(self) -> list[Line]:
        """The headings, the last line of each at the bottom."""
        wrapped = [_words_wrapped(column.heading, width) for column, width in self._each()]
        height = max((len(lines) for lines in wrapped), default=0)
        padded = [[""] * (height - len(lines)) + lines for lines in wrapped]
        return [Line(self._joined(row), is_heading=True) for row in zip(*padded, strict=True)]

    def rows(self, columns: Sequence[Column]) -> Iterator[Line]:
        """The rows of columns: those from which the grid was made, or later ones."""
        length = len(columns[0].cells) if columns else 0
        cells = [(ELLIPSIS,) * length if at is None else columns[at].cells for at in self.shown]
        for row in zip(*cells, strict=True):
            for parts in zip_longest(*self._wrapped(row), fillvalue=""):
                yield Line(self._joined(parts))

    def _wrapped(self, row: Sequence[str]) -> list[list[str]]:
        """A number that is wider than its column makes its line longer; a broken number would be misread."""
        return [
            [cell] if column.is_right and "\n" not in cell else _words_wrapped(cell, width)
            for cell, (column, width) in zip(row, self._each(), strict=True)
        ]

    def _each(self) -> Iterator[tuple[Column, int]]:
        return zip(self.columns, self.widths, strict=True)

    def _joined(self, parts: Iterable[str]) -> str:
        aligned = [
            " " * (width - cell_len(part)) + part
            if column.is_right
            else set_cell_size(part, max(width, cell_len(part)))
            for part, (column, width) in zip(parts, self._each(), strict=True)
        ]
        return GAP.join(aligned).rstrip()


def lay_out(columns: Sequence[Column], width: int | None, advice: str) -> list[Line]:
    """The lines of a table, none longer than `width`.

    Args:
        columns: The columns.
        width: The terminal's width; None where there is no terminal, and lines are as long as they are.
        advice: What gives all columns, said where some are left out.
    """
    grid = grid_of(columns, width)
    if grid is None:
        return turned(columns, width or 0)
    lines = [*grid.headings(), *grid.rows(columns)]
    return lines + left_out_lines(grid, len(columns), width, advice)


def left_out_lines(grid: Grid, of: int, width: int | None, advice: str) -> list[Line]:
    """A sentence that names the columns which are left out."""
    if not grid.left_out:
        return []
    said = f"{of - len(grid.left_out)} of {of} columns shown, without {', '.join(grid.left_out)}; {advice} for all"
    return [Line(text) for text in wrapped(said, width)]


def grid_of(columns: Sequence[Column], width: int | None) -> Grid | None:
    """The columns aligned within `width`; None where the table is to be turned."""
    everything = tuple(range(len(columns)))
    grid, is_too_high = _fitted(columns, everything, width)
    if grid is not None or width is None:
        return grid
    rows = len(columns[0].cells) if columns else 0
    if is_too_high or rows <= FEW_BLOCKS or _last_below(columns, width) is not None:
        return None
    if rows <= FEW_ROWS and _side_by_side(columns, width) is not None:
        return None
    return _first_columns(columns, width, wraps=False) or _first_columns(columns, width, wraps=True)


def _first_columns(columns: Sequence[Column], width: int, *, wraps: bool) -> Grid | None:
    """The first columns, as many as fit, two at least: a row's key is on the left."""
    for count in range(len(columns) - 1, 1, -1):
        grid, _ = _fitted(columns, (*range(count), None), width, wraps=wraps)
        if grid is not None:
            names = tuple(column.heading.replace("\n", " ") for column in columns[count:])
            return replace(grid, left_out=names)
    return None


def _fitted(
    columns: Sequence[Column], shown: tuple[int | None, ...], width: int | None, *, wraps: bool = True
) -> tuple[Grid | None, bool]:
    """The grid of some columns; if there is none, whether the reason is that rows would take too many lines."""
    chosen = tuple(Column(ELLIPSIS, ()) if at is None else columns[at] for at in shown)
    natural = [_natural(column) for column in chosen]
    gaps = len(GAP) * (len(chosen) - 1)
    if width is None or sum(natural) + gaps <= width:
        return Grid(chosen, tuple(natural), shown), False
    least = [_least(column) for column in chosen]
    if not wraps or sum(least) + gaps > width:
        return None, False
    grid = Grid(chosen, tuple(_shrunk(natural, least, width - gaps)), shown)
    is_too_high = any(
        len(_words_wrapped(cell, limit)) > max(MOST_LINES, cell.count("\n") + 1)
        for column, limit in zip(chosen, grid.widths, strict=True)
        for cell in column.cells
    )
    return (None, True) if is_too_high else (grid, False)


def _shrunk(natural: Sequence[int], least: Sequence[int], available: int) -> list[int]:
    """Widths that fit: the widest column that can be narrower loses one character, repeatedly."""
    widths = [max(low, min(wanted, available)) for wanted, low in zip(natural, least, strict=True)]
    while sum(widths) > available:
        at = max((at for at in range(len(widths)) if widths[at] > least[at]), key=lambda at: widths[at])
        widths[at] -= 1
    return widths


# --- turned on their side ---------------------------------------------------------------------------------------------


def turned(columns: Sequence[Column], width: int) -> list[Line]:
    """The last column below its row, or one column a line: rows side by side where they fit, else one below another."""
    return _last_below(columns, width) or _side_by_side(columns, width) or _one_below_another(columns, width)


def _last_below(columns: Sequence[Column], width: int) -> list[Line] | None:
    """Rows without their last column, which stands below each; None where that is no text of several words."""
    *first, last = columns
    if not first or last.is_right or not any(" " in cell for cell in last.cells):
        return None
    grid, _ = _fitted(first, tuple(range(len(first))), width, wraps=False)
    if grid is None:
        return None
    lines = [*grid.headings(), *(replace(line, is_heading=True) for line in _indented(last.heading, width))]
    for row, cell in zip(zip(*(column.cells for column in first), strict=True), last.cells, strict=True):
        lines += grid.rows([replace(column, cells=(of_row,)) for column, of_row in zip(first, row, strict=True)])
        lines += _indented(cell, width)
    return lines


def _indented(text: str, width: int) -> list[Line]:
    return [Line(GAP + line) for line in wrapped(text, width - len(GAP))] if text else []


def _side_by_side(columns: Sequence[Column], width: int) -> list[Line] | None:
    names = Column("", tuple(column.heading.replace("\n", " ") for column in columns))
    rows = [Column("", cells, is_right=True) for cells in zip(*(column.cells for column in columns), strict=True)]
    widths = tuple(_natural(column) for column in (names, *rows))
    if len(rows) > FEW_ROWS or sum(widths) + len(GAP) * len(rows) > width:
        return None
    if any("\n" in cell for row in rows for cell in row.cells):
        return None
    everything = (names, *rows)
    return list(Grid(everything, widths, tuple(range(len(everything)))).rows(everything))


def _one_below_another(columns: Sequence[Column], width: int) -> list[Line]:
    headings = [column.heading.replace("\n", " ") for column in columns]
    indent = max((cell_len(heading) for heading in headings), default=0)
    lines: list[Line] = []
    for row in zip(*(column.cells for column in columns), strict=True):
        lines += [Line("")] if lines else []
        for heading, cell in zip(headings, row, strict=True):
            lines += [Line(text) for text in pair_lines(heading, cell, indent, width)]
    return lines


def pair_lines(name: str, value: str, indent: int, width: int | None) -> list[str]:
    """A name and its value, wrapped to the right of the name, or below it if there is too little room."""
    room = None if width is None else width - indent - len(GAP)
    if room is not None and room < max(width or 0, 24) // 3:
        return [*wrapped(name, width), *(GAP + line for line in wrapped(value, (width or 0) - len(GAP)))]
    first, *others = wrapped(value, room)
    lines = [set_cell_size(name, indent) + GAP + first, *(" " * indent + GAP + line for line in others)]
    return [line.rstrip() for line in lines]


# --- wrapping ---------------------------------------------------------------------------------------------------------


def wrapped(text: str, width: int | None) -> list[str]:
    """Text in lines of at most `width`, broken between words; a word that is longer is broken where it must be."""
    return text.split("\n") if width is None else _words_wrapped(text, max(width, 1))


def _words_wrapped(text: str, width: int) -> list[str]:
    if "\n" not in text and cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    for paragraph in text.split("\n"):
        indent = paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]
        line = indent if cell_len(indent) < width else ""
        has_words = False
        for word in paragraph.split():
            left = word
            if has_words and cell_len(line) + 1 + cell_len(left) <= width:
                line += f" {left}"
                continue
            if has_words:
                lines.append(line)
                line = indent if cell_len(indent) < width else ""
            while cell_len(line) + cell_len(left) > width:
                head = _head(left, width - cell_len(line))
                lines.append(line + head)
                line, left = "", left[len(head) :]
            line, has_words = line + left, True
        lines.append(line)
    return lines


def _head(word: str, width: int) -> str:
    """As much of a word's beginning as fits; one character at least."""
    end = 1
    while end < len(word) and cell_len(word[: end + 1]) <= width:
        end += 1
    return word[:end]


def _natural(column: Column) -> int:
    return max((cell_len(line) for text in (column.heading, *column.cells) for line in text.split("\n")), default=0)


def _least(column: Column) -> int:
    """No word of heading or cells is broken; a number is one word, whatever is in it."""
    if column.is_right:
        heading = max((cell_len(word) for word in column.heading.split()), default=0)
        return max(heading, max((cell_len(cell) for cell in column.cells), default=0))
    return max((cell_len(word) for text in (column.heading, *column.cells) for word in text.split()), default=0)
