"""Rows of plain types are the same text with Arrow and without."""

import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.warehouse.conftest import Publish
from warehouse.errors import NotReadOnly, QueryFailed
from warehouse.query.output_format import Format
from warehouse.query.plain_rows import PlainRows, are_plain, double_text
from warehouse.query.query import Result, connect, run_for_text, run_sql
from warehouse.query.text_writers import TEXT_ROWS, TEXT_WRITERS

PLAIN = """
    select i::tinyint as tiny, -i::smallint as small, i::integer as int, i as big, i::hugeint * 10 ** 20 as huge,
        i::utinyint as utiny, i::usmallint as usmall, i::uinteger as uint, i::ubigint as ubig,
        if(i = 1, null, i / 3) as "double", i % 2 = 0 as bool, date '2024-02-28' + i::integer as "day",
        if(i = 2, null, 'a|b' || chr(10) || chr(27) || '[1m' || i) as "te|xt"
    from range(4) as numbers(i) order by i
"""
"""Every plain type, NULL, and texts that a terminal or Markdown would read as something else."""


@pytest.fixture
def path(publish: Publish) -> Path:
    return publish({"power": [{"solar_w": 1.0}]})


def _written(path: Path, run: Callable[..., Result | PlainRows], sql: str, form: Format) -> str:
    sink = io.BytesIO()
    with connect(path) as connection:
        run(connection, sql).write(sink, form)
    return sink.getvalue().decode()


@pytest.mark.parametrize("form", TEXT_WRITERS)
@pytest.mark.parametrize("condition", ["true", "int < 0"], ids=["rows", "no rows"])
def test_plain_rows_are_written_as_arrow_writes_them(path: Path, form: Format, condition: str) -> None:
    sql = f"from ({PLAIN}) where {condition}"
    with connect(path) as connection:
        assert isinstance(run_for_text(connection, sql), PlainRows)
    assert _written(path, run_for_text, sql, form) == _written(path, run_sql, sql, form)


@pytest.mark.parametrize(
    "value", ["[1]", "1.5", "now()", "0.1::float", "interval 1 day", "{'a': 1}", "'x'::blob", "null", "time '10:30'"]
)
def test_rows_of_other_types_are_read_with_arrow(path: Path, value: str) -> None:
    with connect(path) as connection:
        result = run_for_text(connection, f"select 1 as n, {value} as other")
        assert isinstance(result, Result)
        assert result.columns == ("n", "other")


@given(st.floats(allow_nan=False))
def test_a_double_has_arrows_text(value: float) -> None:
    assert double_text(value) == pa.array([value], pa.float64()).cast(pa.string())[0].as_py()


@pytest.mark.parametrize("value", [1e-7, 9.9e-7, 1e-6, 1e-4, 9999999999.999998, 1e10, 1e15, 1e16, 1e22, float("nan")])
def test_a_double_has_arrows_text_where_its_notation_changes(value: float) -> None:
    assert double_text(value) == pa.array([value], pa.float64()).cast(pa.string())[0].as_py()


def test_many_rows_are_read_in_parts(path: Path) -> None:
    with connect(path) as connection:
        parts = list(run_for_text(connection, f"select i from range({2 * TEXT_ROWS + 1}) as numbers(i)").texts())
    assert [len(part[0]) for part in parts] == [TEXT_ROWS, TEXT_ROWS, 1]
    assert [text for part in parts for text in part[0]] == [str(number) for number in range(2 * TEXT_ROWS + 1)]


def test_a_failure_on_a_later_row_is_one_of_the_query(path: Path) -> None:
    sql = f"select if(i = {3 * TEXT_ROWS}, error('boom'), i::varchar) as text from range({4 * TEXT_ROWS}) as numbers(i)"
    with connect(path) as connection, pytest.raises(QueryFailed, match="boom"):
        run_for_text(connection, sql).write(io.BytesIO(), Format.TABLE)


def test_the_statement_is_checked_as_for_arrow(path: Path) -> None:
    with connect(path) as connection, pytest.raises(NotReadOnly):
        run_for_text(connection, "delete from power")
    with connect(path) as connection, pytest.raises(QueryFailed, match="nothing_there"):
        run_for_text(connection, "select * from nothing_there")


def test_the_list_of_plain_types_is_in_duckdbs_names() -> None:
    with duckdb.connect() as connection:
        kinds = [str(kind) for kind in connection.sql(PLAIN).types]
    assert are_plain(kinds)
    assert not are_plain(["DECIMAL(18,3)"])
