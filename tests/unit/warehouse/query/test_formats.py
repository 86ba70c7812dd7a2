"""Every format, on rows that are hard to write: quotes, line ends, formulas, NULLs, nested and exact values."""

import csv
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.localtime import Stamper
from warehouse.query.formats import write
from warehouse.query.output_format import Format

INSTANT = datetime(2025, 3, 1, 8, tzinfo=UTC)


def _written(form: Format, *tables: pa.Table) -> str:
    sink = io.BytesIO()
    batches = [batch for table in tables for batch in table.to_batches()]
    reader = pa.RecordBatchReader.from_batches(tables[0].schema, batches)
    assert write(reader, sink, form, Stamper()) == sum(table.num_rows for table in tables)
    return sink.getvalue().decode()


TEXTS = ["plain", 'say "hi"', "a,b", "two\nlines", "", None, "=1+1", "+1", "-1", "@x", "\t=1", "a=b"]


def test_csv_text_is_quoted_and_guarded() -> None:
    """RFC 4180 quotes where needed; what a spreadsheet would run gets an apostrophe; NULL and empty differ."""
    lines = _written(Format.CSV, pa.table({"site_name": TEXTS, "n": range(len(TEXTS))}))
    assert lines == (
        'site_name,n\nplain,0\n"say ""hi""",1\n"a,b",2\n"two\nlines",3\n"",4\n,5\n'
        "'=1+1,6\n'+1,7\n'-1,8\n'@x,9\n'\t=1,10\na=b,11\n"
    )


def test_csv_is_read_back_by_the_standard_library() -> None:
    """Cells are read back, except the apostrophes that protect them."""
    rows = list(csv.reader(io.StringIO(_written(Format.CSV, pa.table({"site_name": TEXTS})), newline="")))
    assert [row[0] if row else "" for row in rows[1:]] == [
        text if not text or text[0] not in "=+-@\t" else f"'{text}" for text in (text or "" for text in TEXTS)
    ]


def test_csv_numbers_are_exact_and_never_guarded() -> None:
    """A negative number is no formula, and no digit is lost."""
    values = {
        "double": [-0.1, 1e300, 724.0],
        "big": [2**63 - 1, -5, None],
        "decimal": pa.array([Decimal("1.50"), Decimal("-2.00"), None], pa.decimal128(38, 2)),
    }
    assert _written(Format.CSV, pa.table(values)) == (
        "double,big,decimal\n-0.1,9223372036854775807,1.50\n1e+300,-5,-2.00\n724,,\n"
    )


MIXED = pa.table(
    {
        "at": pa.array([INSTANT], pa.timestamp("us", tz="UTC")),
        "naive": pa.array([datetime(2025, 3, 1)], pa.timestamp("us")),  # noqa: DTZ001 (a column without zone)
        "day": [date(2025, 3, 1)],
        "clock": pa.array([time(10, 30)], pa.time64("us")),
        "flag": [True],
        "status": pa.array(["ok"]).dictionary_encode(),
        "list": [[1, 2]],
        "struct": [{"a": date(2025, 3, 1), "b": Decimal("1.5")}],
        "blob": [b"\x00\xff"],
        "span": pa.array([(1, 2, 3_500_000_000)], pa.month_day_nano_interval()),
        "total": pa.array([Decimal(2**62)], pa.decimal128(38, 0)),
        "none": pa.nulls(1),
    }
)


def test_csv_has_a_text_for_every_type() -> None:
    """Every type that a query can return is written."""
    header, row = csv.reader(io.StringIO(_written(Format.CSV, MIXED)))
    assert dict(zip(header, row, strict=True)) == {
        "at": "2025-03-01T08:00:00+00:00",
        "naive": "2025-03-01T00:00:00",
        "day": "2025-03-01",
        "clock": "10:30:00.000000",
        "flag": "true",
        "status": "ok",
        "list": "[1,2]",
        "struct": '{"a":"2025-03-01","b":1.5}',
        "blob": "00ff",
        "span": "P1M2DT3.5S",
        "total": "4611686018427387904",
        "none": "",
    }


def test_json_is_one_array_with_a_row_a_line() -> None:
    """Numbers are numbers, NULL and NaN are null, sums of integers stay integers."""
    text = _written(Format.JSON, MIXED, MIXED)
    assert len(text.splitlines()) == 4
    first, second = json.loads(text)
    assert first == second
    assert first["at"] == "2025-03-01T08:00:00+00:00"
    assert first["day"] == "2025-03-01"
    assert first["total"] == 2**62
    assert first["list"] == [1, 2]
    assert first["struct"] == {"a": "2025-03-01", "b": 1.5}
    assert first["blob"] == "00ff"
    assert first["span"] == "P1M2DT3.5S"
    assert first["none"] is None
    assert json.loads(_written(Format.JSON, pa.table({"x": [float("nan"), 0.1]}))) == [{"x": None}, {"x": 0.1}]


def test_markdown_escapes_what_would_break_the_table() -> None:
    """Pipes and line ends stay inside their cell; numbers are aligned right."""
    table = pa.table({"a|b": ["x|y", "two\nlines", None], "n": [1.5, -2.0, None]})
    assert _written(Format.MARKDOWN, table).splitlines() == [
        "| a\\|b | n |",
        "| --- | ---: |",
        "| x\\|y | 1.5 |",
        "| two<br>lines | -2 |",
        "|  |  |",
    ]


def test_table_is_aligned_and_nothing_is_cut() -> None:
    """A wider cell in a later batch pushes its line; it is not shortened."""
    first, later = (
        pa.table({"name": ["b", None], "kwh": [1.5, -20.0]}),
        pa.table({"name": ["much wider"], "kwh": [3.0]}),
    )
    assert _written(Format.TABLE, first, later).splitlines() == [
        "name  kwh",
        "────  ───",
        "b     1.5",
        "NULL  -20",
        "much wider    3",
    ]


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.MARKDOWN, Format.TABLE])
def test_no_rows_still_give_a_valid_answer(form: Format) -> None:
    """A result without rows is its header, or an empty array."""
    text = _written(form, pa.table({"site_id": pa.array([], pa.int64())}))
    assert json.loads(text) == [] if form is Format.JSON else "site_id" in text.splitlines()[0]
    assert text.endswith("\n")


def test_parquet_keeps_types_and_metadata() -> None:
    """Instants stay instants, and the field metadata of the reader goes with them."""
    field = pa.field("at", pa.timestamp("us", tz="UTC"), metadata={"description": "When."})
    table = pa.table({"at": [INSTANT]}, schema=pa.schema([field]))
    sink = io.BytesIO()
    write(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), sink, Format.PARQUET, Stamper())
    back = pq.read_table(io.BytesIO(sink.getvalue()))
    assert back["at"].to_pylist() == [INSTANT]
    assert back.schema.field("at").metadata[b"description"] == b"When."
    assert pq.read_metadata(io.BytesIO(sink.getvalue())).row_group(0).column(0).compression == "ZSTD"
