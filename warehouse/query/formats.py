"""Output formats, written a batch at a time, so that memory does not grow with the number of rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.arrow_values import text_scalar
from warehouse.localtime import Stamper, iso
from warehouse.query.output_format import Format
from warehouse.query.text_writers import TEXT_ROWS, TEXT_WRITERS, Texts

_EMPTY, _QUOTE, _APOSTROPHE = map(text_scalar, ("", '"', "'"))

BATCH_ROWS = 65_536
"""Rows in memory at a time; about 12 MB at the widest table."""


def write(rows: pa.RecordBatchReader, sink: BinaryIO, form: Format, stamper: Stamper) -> int:
    """Write all rows of a reader.

    A table and Markdown are read on terminals: control characters are made visible there, and in no other format.
    CSV is quoted as RFC 4180 says, lines end in LF, NULL is an empty cell and the empty text `""`; a text that begins
    with `= + - @` gets a leading apostrophe, since spreadsheets would take it for a formula. JSON is one array, a row a line.
    Parquet is zstd and keeps instants as instants, whatever the stamper's clock; the field metadata of the schema goes with it.

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
    writer = writer_of(rows.schema, sink, form, stamper)
    try:
        for batch in rows:
            writer.write(batch)
            count += batch.num_rows
    except BaseException:
        writer.abandon()
        raise
    writer.close()
    return count


def writer_of(schema: pa.Schema, sink: BinaryIO, form: Format, stamper: Stamper) -> "Writer":
    """A writer of rows that come batch by batch; see `write`."""
    return _WRITERS[form](schema, sink, stamper)


class Writer(ABC):
    """Writes one result, batch by batch; the sink stays open."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:  # noqa: B027 - most formats have no end
        """Write the end of a result."""

    def abandon(self) -> None:  # noqa: B027 - most formats hold nothing
        """Close after an error: the end, which would make the result look complete, is not written."""


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
        sink.write(_lines([_csv_quoted(pa.repeat(text_scalar(name), 1)) for name in schema.names], ","))

    def write(self, batch: pa.RecordBatch) -> None:
        self._sink.write(_lines([_csv_cell(column, batch, self._stamper) for column in batch.columns], ","))


def _csv_cell(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> pa.Array:
    text = as_text(column, batch, stamper)
    kind = _undictionaried(column).type
    if pa.types.is_string(kind):
        is_formula = pc.match_substring_regex(text, r"^[=+\-@\t\r]")
        text = pc.if_else(is_formula, pc.binary_join_element_wise(_APOSTROPHE, text, _EMPTY), text)
    if pa.types.is_string(kind) or pa.types.is_nested(kind):
        text = _csv_quoted(text)  # nothing else can hold a comma, a quote or a line's end
    return pc.fill_null(text, _EMPTY)


def _csv_quoted(text: pa.Array) -> pa.Array:
    needs_quotes = pc.or_(pc.match_substring_regex(text, r'[",\r\n]'), pc.equal(text, _EMPTY))
    quoted = pc.binary_join_element_wise(_QUOTE, pc.replace_substring(text, '"', '""'), _QUOTE, _EMPTY)
    return pc.if_else(needs_quotes, quoted, text)


class _Texts(Writer):
    """A format for people; see `warehouse.query.text_writers`."""

    def __init__(self, form: Format, schema: pa.Schema, sink: BinaryIO, stamper: Stamper) -> None:
        self._writer = TEXT_WRITERS[form](schema.names, [is_number(field.type) for field in schema], sink)
        self._stamper = stamper

    def write(self, batch: pa.RecordBatch) -> None:
        for texts in texts_of(batch, self._stamper):
            self._writer.write(texts)

    def close(self) -> None:
        self._writer.close()


def texts_of(
    batch: pa.RecordBatch, stamper: Stamper, rows: int = TEXT_ROWS, *, double: Callable[[float], str] | None = None
) -> Iterator[Texts]:
    """The rows of a batch as texts, so many at a time.

    Args:
        batch: The rows.
        stamper: How instants become text.
        rows: How many at a time.
        double: How a double is written; in its shortest exact form if None.
    """
    for start in range(0, batch.num_rows, rows):
        part = batch.slice(start, rows)
        yield [
            as_text(column, part, stamper).to_pylist()
            if double is None or not pa.types.is_floating(column.type)
            else [None if value is None else double(value) for value in column.to_pylist()]
            for column in part.columns
        ]


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
    columns = [_json_values(column, batch, stamper) for column in batch.columns]
    for row in zip(*columns, strict=True):
        yield orjson.dumps(dict(zip(batch.schema.names, row, strict=True)), default=_plain)


def _json_values(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> list[object]:
    if pa.types.is_temporal(column.type):
        column = as_text(column, batch, stamper)
    values: list[object] = column.to_pylist()
    return values


def as_text(column: pa.Array, batch: pa.RecordBatch, stamper: Stamper) -> pa.Array:
    """A column as strings: numbers in their shortest exact form, instants with their offset, nested values as JSON."""
    column = _undictionaried(column)
    kind = column.type
    if pa.types.is_timestamp(kind):
        return iso(column) if kind.tz is None else stamper.stamp(column, _sites(batch))
    if pa.types.is_interval(kind):
        return pa.array([None if value is None else _iso_duration(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_binary(kind):
        return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        values = column.to_pylist()
        return pa.array(
            [None if value is None else orjson.dumps(value, default=_plain).decode() for value in values], pa.string()
        )
    if pa.types.is_decimal(column.type):
        return _decimal_text(column)
    return column.cast(pa.string())


def _decimal_text(column: pa.Array) -> pa.Array:
    """Decimals with all of their decimals, where Arrow writes a zero of nine of them as 0E-9."""
    builder = pa.lib.StringBuilder()  # pa.array() of a list would import pandas
    for value in column.to_pylist():
        builder.append(None if value is None else f"{value:f}")
    return builder.finish()


def _sites(batch: pa.RecordBatch) -> pa.Array | None:
    return batch["site_id"] if "site_id" in batch.schema.names else None


def _undictionaried(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type is aligned right."""
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


def _lines(cells: list[pa.Array], separator: str) -> bytes:
    lines = pc.binary_join_element_wise(*cells, text_scalar(separator))
    return "\n".join([*lines.to_pylist(), ""]).encode()


_WRITERS: dict[Format, Callable[[pa.Schema, BinaryIO, Stamper], Writer]] = {
    Format.TABLE: partial(_Texts, Format.TABLE),
    Format.CSV: _Csv,
    Format.JSON: _Json,
    Format.PARQUET: _Parquet,
    Format.MARKDOWN: partial(_Texts, Format.MARKDOWN),
}
