"""Ways to write rows out, a batch at a time, so that memory stays flat however long the answer is."""

from abc import ABC, abstractmethod
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
    count = 0
    writer = opened(rows.schema, sink, form, stamper)
    try:
        for batch in rows:
            writer.write(batch)
            count += batch.num_rows
    except BaseException:
        writer.abandon()
        raise
    writer.close()
    return count


def opened(schema: pa.Schema, sink: BinaryIO, form: Format, stamper: Stamper) -> "Writer":
    """A writer of rows that come batch by batch; see `write`."""
    return _WRITERS[form](schema, sink, stamper)


class Writer(ABC):
    """Writes one answer, batch by batch; the sink stays open."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:  # noqa: B027 - most formats have no end
        """Write what ends an answer."""

    def abandon(self) -> None:  # noqa: B027 - most formats hold nothing
        """Give up an answer that broke off: its end, which would make it look whole, is not written on purpose."""


class _Parquet(Writer):
    def __init__(self, schema: pa.Schema, sink: BinaryIO, _: Stamper) -> None:
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()

    abandon = close


class _Csv(Writer):
    def __init__(self, schema: pa.Schema, sink: BinaryIO, stamper: Stamper) -> None:
        self._sink, self._stamper = sink, stamper
        sink.write(_lines([_csv_quoted(pa.array([name])) for name in schema.names], ","))

    def write(self, batch: pa.RecordBatch) -> None:
        self._sink.write(_lines([_csv_cell(column, batch, self._stamper) for column in batch.columns], ","))


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


class _Markdown(Writer):
    def __init__(self, schema: pa.Schema, sink: BinaryIO, stamper: Stamper) -> None:
        self._sink, self._stamper = sink, stamper
        sink.write(_markdown_lines([_markdown_escaped(pa.array([name])) for name in schema.names]))
        sink.write(_markdown_lines([pa.array(["---:" if _is_number(each.type) else "---"]) for each in schema]))

    def write(self, batch: pa.RecordBatch) -> None:
        cells = [pc.fill_null(_markdown_escaped(_as_text(each, batch, self._stamper)), "") for each in batch.columns]
        self._sink.write(_markdown_lines(cells))


def _markdown_escaped(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring(text, "|", "\\|"), r"\r?\n", "<br>")


def _markdown_lines(cells: list[pa.Array]) -> bytes:
    edge = pa.array([""] * len(cells[0]))
    return _lines([edge, *cells, edge], " | ", strip=True)


class _Table(Writer):
    """Aligned columns. Widths are those of the first batch: a wider cell later pushes its line, and nothing is cut."""

    def __init__(self, schema: pa.Schema, sink: BinaryIO, stamper: Stamper) -> None:
        self._sink, self._stamper = sink, stamper
        self._names = schema.names
        self._is_number = [_is_number(each.type) for each in schema]
        self._widths: list[int] = []

    def write(self, batch: pa.RecordBatch) -> None:
        cells = [pc.fill_null(_as_text(each, batch, self._stamper), "NULL") for each in batch.columns]
        if not self._widths:
            self._widths = [_width(column, name) for column, name in zip(cells, self._names, strict=True)]
            self._sink.write(_aligned([pa.array([name]) for name in self._names], self._widths, self._is_number))
            self._sink.write(_lines([pa.array(["─" * width]) for width in self._widths], "  "))
        self._sink.write(_aligned(cells, self._widths, self._is_number))

    def close(self) -> None:
        if not self._widths:
            self._sink.write(_lines([pa.array([name]) for name in self._names], "  "))


def _width(cells: pa.Array, name: str) -> int:
    return max(len(name), pc.max(pc.utf8_length(cells)).as_py() or 0)


def _aligned(cells: list[pa.Array], widths: list[int], is_number: list[bool]) -> bytes:
    padded = [
        (pc.utf8_lpad if number else pc.utf8_rpad)(column, width=width, padding=" ")
        for column, width, number in zip(cells, widths, is_number, strict=True)
    ]
    return _lines(padded, "  ", strip=True)


class _Json(Writer):
    def __init__(self, _: pa.Schema, sink: BinaryIO, stamper: Stamper) -> None:
        self._sink, self._stamper = sink, stamper
        self._is_empty = True
        sink.write(b"[")

    def write(self, batch: pa.RecordBatch) -> None:
        for row in _json_rows(batch, self._stamper):
            self._sink.write(b"\n" if self._is_empty else b",\n")
            self._sink.write(row)
            self._is_empty = False

    def close(self) -> None:
        self._sink.write(b"]\n" if self._is_empty else b"\n]\n")


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


_WRITERS: dict[Format, Callable[[pa.Schema, BinaryIO, Stamper], Writer]] = {
    Format.TABLE: _Table,
    Format.CSV: _Csv,
    Format.JSON: _Json,
    Format.PARQUET: _Parquet,
    Format.MARKDOWN: _Markdown,
}
