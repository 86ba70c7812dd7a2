"""Tables fit: no line is longer than the terminal is wide, no heading is broken in a word, no row takes three lines."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flows.table_layout import Column, grid_of, lay_out, pair_lines, wrapped

NAMES = ("site_id", "local_date", "solar_kwh", "grid_import_kwh", "battery_discharge_kwh", "status")


def column(heading: str, *cells: str, right: bool = False) -> Column:
    return Column(heading, cells, is_right=right)


def text(columns: Sequence[Column], width: int | None) -> list[str]:
    return [line.text for line in lay_out(columns, width, "--wide")]


def test_a_table_that_fits_is_printed_as_it_is() -> None:
    columns = [column("name", "Juniper Ridge", "東京"), column("wall\nconnectors", "2", "10", right=True)]
    assert text(columns, 40) == [
        "                     wall",
        "name           connectors",
        "Juniper Ridge           2",
        "東京                   10",
    ]


def test_without_a_terminal_lines_are_as_long_as_they_are() -> None:
    columns = [column("a", "x" * 300), column("b", "y " * 100 + "y")]
    assert [len(line) for line in text(columns, None)] == [303, 300 + 2 + 201]


def test_text_is_wrapped_between_words_to_two_lines() -> None:
    columns = [column("site", "1", "2"), column("name", "the first of many", "short"), column("status", "ok", "ok")]
    assert text(columns, 24) == [
        "site  name        status",
        "1     the first   ok",
        "      of many",
        "2     short       ok",
    ]


def test_a_last_column_of_sentences_goes_below() -> None:
    columns = [column("scenario", "calm", "faults"), column("what happens", "nothing " * 6 + "at all", "a fault")]
    assert text(columns, 24) == [
        "scenario",
        "  what happens",
        "calm",
        "  nothing nothing",
        "  nothing nothing",
        "  nothing nothing at all",
        "faults",
        "  a fault",
    ]


def test_few_rows_are_turned_on_their_side() -> None:
    columns = [column(name, str(number), str(number + 1), right=True) for number, name in enumerate(NAMES)]
    assert text(columns, 40) == [
        "site_id                0  1",
        "local_date             1  2",
        "solar_kwh              2  3",
        "grid_import_kwh        3  4",
        "battery_discharge_kwh  4  5",
        "status                 5  6",
    ]


def test_of_many_rows_the_first_columns_are_shown_and_the_others_named() -> None:
    columns = [column(name, *map(str, range(20)), right=True) for name in NAMES]
    lines = text(columns, 44)
    assert lines[0] == "site_id  local_date  solar_kwh  …"
    assert lines[1] == "      0           0          0  …"
    assert " ".join(lines[21:]) == (
        "3 of 6 columns shown, without grid_import_kwh, battery_discharge_kwh, status; --wide for all"
    )


def test_later_rows_are_laid_out_by_the_same_widths() -> None:
    grid = grid_of([column("a", "1"), column("b", "xyz")], 10)
    assert grid is not None
    later = [column("a", "2"), column("b", "one two three")]
    assert [line.text for line in grid.rows(later)] == ["2  one", "   two", "   thr", "   ee"]


def test_a_long_word_is_broken_only_where_it_must_be() -> None:
    assert wrapped("/a/very/long/path and more", 10) == ["/a/very/lo", "ng/path", "and more"]
    assert pair_lines("lake", "/data/lake of mine", 9, 24) == ["lake       /data/lake of", "           mine"]


cells = st.text(alphabet="ab 東\n", max_size=60)
headings = st.text(alphabet="ab_ ", min_size=1, max_size=18)


@st.composite
def tables(draw: st.DrawFn) -> list[Column]:
    rows = draw(st.integers(0, 25))
    count = draw(st.integers(1, 12))
    return [
        Column(
            draw(headings),
            tuple(draw(st.lists(cells, min_size=rows, max_size=rows))),
            is_right=draw(st.booleans()),
        )
        for _ in range(count)
    ]


@given(tables(), st.integers(40, 130))
def test_no_line_is_longer_than_the_terminal_is_wide(table: list[Column], width: int) -> None:
    lines = text(table, width)
    assert all(cell_len(line) <= width for line in lines)
    words = {word for line in lines for word in line.replace(",", " ").replace(";", " ").split()}
    assert all(word in words for column in table for word in column.heading.split()), "no heading is broken in a word"


@given(tables(), st.sampled_from([80, 120]))
def test_no_row_of_a_grid_takes_more_than_two_lines(table: list[Column], width: int) -> None:
    flat = [
        Column(column.heading, tuple(cell.replace("\n", " ") for cell in column.cells), column.is_right)
        for column in table
    ]
    grid = grid_of(flat, width)
    if grid is None:
        return
    rows = len(flat[0].cells)
    assert len(list(grid.rows(flat))) <= 2 * rows


@pytest.mark.parametrize("width", [80, 120])
def test_no_rows_at_all_are_headings_alone(width: int) -> None:
    assert text([column(name) for name in NAMES], width)
