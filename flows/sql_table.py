"""The rows of a query on a terminal: they fit, doubles are short, and lineage columns are left out.

Elsewhere (a pipe, a file) rows are written by `warehouse.query.formats`, with every column and full values.
"""

import re
from collections.abc import Iterator, Sequence

from flows.console import print_lines, print_sentences, terminal_width
from flows.table_layout import Column, Line, grid_of, lay_out, left_out_lines, turned
from warehouse.query.plain_rows import PlainRows
from warehouse.query.query import Result
from warehouse.query.text_writers import Texts
from warehouse.schema.shared_fields import LINEAGE
from wattlog.visible import visible

DIGITS = 4
"""Significant digits of doubles; digits before the decimal point are never lost."""

LAID_OUT_BY = 2_000
"""Rows by which widths are chosen. Wider text that comes later is wrapped, and a wider number makes its line longer."""

ADVICE = "--wide or --format csv"


def print_rows(result: Result | PlainRows, query: str, *, has_lineage: bool, is_wide: bool) -> None:
    """Print the rows of a result.

    Args:
        result: The result; it is read to the end.
        query: The statement. A lineage column that it names is shown.
        has_lineage: Whether lineage columns are shown anyway.
        is_wide: Whether lines may be longer than the terminal is wide.

    Raises:
        QueryFailed: The statement failed on a row.
    """
    names = list(result.columns)
    hidden = (
        []
        if has_lineage
        else [field.name for field in LINEAGE if field.name in names and not _is_named(field.name, query)]
    )
    shown = [number for number, name in enumerate(names) if name not in hidden]
    width = None if is_wide else terminal_width()
    for lines in _pages(result, shown, width):
        print_lines(lines)
    if hidden:
        print_sentences([f"without {', '.join(hidden)}; --lineage shows them"])


def _is_named(column: str, query: str) -> bool:
    return re.search(rf"\b{re.escape(column)}\b", query) is not None


def _pages(result: Result | PlainRows, shown: Sequence[int], width: int | None) -> Iterator[list[Line]]:
    """The lines of the result, some rows at a time; the first rows decide the layout."""
    pages = (_columns(result, texts, shown) for texts in result.texts(LAID_OUT_BY, double=short))
    first = next(pages, None) or _columns(result, [()] * len(result.columns), shown)
    second = next(pages, None)
    if second is None:
        yield lay_out(first, width, ADVICE)
        return
    grid = grid_of(first, width)
    yield turned(first, width or 0) if grid is None else [*grid.headings(), *grid.rows(first)]
    while second is not None:
        yield [Line(""), *turned(second, width or 0)] if grid is None else list(grid.rows(second))
        second = next(pages, None)
    if grid is not None:
        yield left_out_lines(grid, len(shown), width, ADVICE)


def _columns(result: Result | PlainRows, texts: Texts, shown: Sequence[int]) -> list[Column]:
    return [
        Column(
            visible(result.columns[number]),
            tuple("NULL" if text is None else visible(text) for text in texts[number]),
            is_right=result.is_number[number],
        )
        for number in shown
    ]


def short(value: float) -> str:
    """A double with four significant digits: 8.119, 0.05, 12346."""
    rounded = f"{value:.{DIGITS}g}"
    return f"{value:.0f}" if abs(value) >= 10 ** (DIGITS - 1) and "n" not in rounded else rounded
