"""Ways to write rows out, a batch at a time, so that memory stays flat however long the answer is."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.localtime import Stamper, iso

BATCH_ROWS = 65_536
"""Rows in memory at a time; about 12 MB at the widest table."""


class Format(StrEnum):
    """What rows can be written as."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    MARKDOWN = "markdown"


def write(rows: pa.RecordBatchReader, sink: BinaryIO, form: Format, stamper: Stamper) -> int:
    """Write all rows of a reader.

    CSV is quoted as RFC 4180 says, lines end in LF, NULL is an empty cell and the empty text `""`; a text that begins
    with `= + - @` gets a leading apostrophe, since spreadsheets would run it. JSON is one array, a row a line. Parquet
    is zstd and keeps instants as instants, whatever the stamper's clock; the field metadata of the schema goes with it.

    Args:
        rows: The rows; read to the end.
        sink: Where to; not closed.
        form: How.
        stamper: How instants become text.

    Returns:
        How many rows were written.

    Raises:
        OSError: The sink cannot be written, or the query behind the reader failed.
        pa.ArrowException: Parquet has no place for a column's type.
    """
    return _WRITERS[form](rows, sink, stamper)


def _write_parquet(rows: pa.RecordBatchReader, sink: BinaryIO, _: Stamper) -> int:
    count = 0
    with pq.ParquetWriter(sink, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _write_csv(rows: pa.RecordBatchReader, sink: BinaryIO, stamper: Stamper) -> int:
    sink.write(_lines([_csv_quoted(pa.array([name])) for name in rows.schema.names], ","))
    count = 0
    for batch in rows:
        cells = [_csv_cell(column, batch, stamper) for column in batch.columns]
        sink.write(_lines(cells, ","))
        count += batch.num_rows
    return count


def _csv_cell(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> pa.Array:
    text = _as_text(column, batch, stamper)
    kind = _undictionaried(column).type
    if pa.types.is_string(kind):
        is_formula = pc.match_substring_regex(text, r"^[=+\-@\t\r]")
        text = pc.if_else(is_formula, pc.binary_join_element_wise("'", text, ""), text)
    if pa.types.is_string(kind) or pa.types.is_nested(kind):
        text = _csv_quoted(text)  # nothing else can hold a comma, a quote or a line's end
    return pc.fill_null(text, "")


def _csv_quoted(text: pa.Array) -> pa.Array:
    needs_quotes = pc.or_(pc.match_substring_regex(text, r'[",\r\n]'), pc.equal(text, ""))
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(needs_quotes, quoted, text)


def _write_markdown(rows: pa.RecordBatchReader, sink: BinaryIO, stamper: Stamper) -> int:
    sink.write(_markdown_lines([_markdown_escaped(pa.array([name])) for name in rows.schema.names]))
    rule = [pa.array(["---:" if _is_number(each.type) else "---"]) for each in rows.schema]
    sink.write(_markdown_lines(rule))
    count = 0
    for batch in rows:
        cells = [pc.fill_null(_markdown_escaped(_as_text(each, batch, stamper)), "") for each in batch.columns]
        sink.write(_markdown_lines(cells))
        count += batch.num_rows
    return count


def _markdown_escaped(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring(text, "|", "\\|"), r"\r?\n", "<br>")


def _markdown_lines(cells: list[pa.Array]) -> bytes:
    edge = pa.array([""] * len(cells[0]))
    return _lines([edge, *cells, edge], " | ", strip=True)


def _write_table(rows: pa.RecordBatchReader, sink: BinaryIO, stamper: Stamper) -> int:
    """Aligned columns. Widths are those of the first batch: a wider cell later pushes its line, and nothing is cut."""
    names = rows.schema.names
    is_number = [_is_number(each.type) for each in rows.schema]
    widths: list[int] = []
    count = 0
    for batch in rows:
        cells = [pc.fill_null(_as_text(each, batch, stamper), "NULL") for each in batch.columns]
        if not widths:
            widths = [_width(column, name) for column, name in zip(cells, names, strict=True)]
            sink.write(_aligned([pa.array([name]) for name in names], widths, is_number))
            sink.write(_lines([pa.array(["─" * width]) for width in widths], "  "))
        sink.write(_aligned(cells, widths, is_number))
        count += batch.num_rows
    if not widths:
        sink.write(_lines([pa.array([name]) for name in names], "  "))
    return count


def _width(cells: pa.Array, name: str) -> int:
    return max(len(name), pc.max(pc.utf8_length(cells)).as_py() or 0)


def _aligned(cells: list[pa.Array], widths: list[int], is_number: list[bool]) -> bytes:
    padded = [
        (pc.utf8_lpad if number else pc.utf8_rpad)(column, width=width, padding=" ")
        for column, width, number in zip(cells, widths, is_number, strict=True)
    ]
    return _lines(padded, "  ", strip=True)


def _write_json(rows: pa.RecordBatchReader, sink: BinaryIO, stamper: Stamper) -> int:
    sink.write(b"[")
    count = 0
    for batch in rows:
        for row in _json_rows(batch, stamper):
            sink.write(b"\n" if count == 0 else b",\n")
            sink.write(row)
            count += 1
    sink.write(b"\n]\n" if count else b"]\n")
    return count


def _json_rows(batch: pa.RecordBatch, stamper: Stamper) -> Iterator[bytes]:
    columns = [_json_values(each, batch, stamper) for each in batch.columns]
    for row in zip(*columns, strict=True):
        yield orjson.dumps(dict(zip(batch.schema.names, row, strict=True)), default=_plain)


def _json_values(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> list[object]:
    if pa.types.is_temporal(column.type):
        column = _as_text(column, batch, stamper)
    values: list[object] = column.to_pylist()
    return values


def _as_text(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> pa.Array:
    """A column as strings: numbers in their shortest exact form, instants with their offset, nested values as JSON."""
    column = _undictionaried(column)
    kind = column.type
    if pa.types.is_timestamp(kind):
        return iso(column) if kind.tz is None else stamper.stamp(column, _sites(batch))
    if pa.types.is_interval(kind):
        return pa.array([None if each is None else _iso_duration(each) for each in column.to_pylist()], pa.string())
    if pa.types.is_binary(kind):
        return pa.array([None if each is None else each.hex() for each in column.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        values = column.to_pylist()
        return pa.array(
            [None if each is None else orjson.dumps(each, default=_plain).decode() for each in values], pa.string()
        )
    return column.cast(pa.string())


def _sites(batch: pa.RecordBatch) -> pa.Array | None:
    return batch["site_id"] if "site_id" in batch.schema.names else None


def _undictionaried(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _plain(value: object) -> object:
    """What orjson has no form for: whole decimals (DuckDB's HUGEINT sums) as integers, bytes as hex, the rest as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _iso_duration(interval: pa.MonthDayNano) -> str:
    return f"P{interval.months}M{interval.days}DT{interval.nanoseconds / 1e9:g}S"


def _lines(cells: list[pa.Array], separator: str, *, strip: bool = False) -> bytes:
    lines = pc.binary_join_element_wise(*cells, separator)
    if strip:
        lines = pc.utf8_trim(lines, characters=" ") if separator == " | " else pc.utf8_rtrim(lines, characters=" ")
    return "\n".join([*lines.to_pylist(), ""]).encode()


_Writer = Callable[[pa.RecordBatchReader, BinaryIO, Stamper], int]
_WRITERS: dict[Format, _Writer] = {
    Format.TABLE: _write_table,
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
    Format.PARQUET: _write_parquet,
    Format.MARKDOWN: _write_markdown,
}
