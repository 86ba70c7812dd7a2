"""What a declaration is made of: kinds, units, fields, tables, and what derives from them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = 3
"""Raised when a table's meaning changes: every lake file written under another version is made again from raw."""


class Kind(StrEnum):
    """The types a column can have; each has one Arrow and one DuckDB spelling."""

    BIGINT = "BIGINT"
    INTEGER = "INTEGER"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIMESTAMPTZ = "TIMESTAMPTZ"
    TIMESTAMP = "TIMESTAMP"
    """A reading of the site's clock, in models only: an instant is a TIMESTAMPTZ."""

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of this kind; instants carry microseconds, as DuckDB's do."""
        return _ARROW[self]

    def dtype(self, *, nullable: bool) -> str:
        """The pandas dtype a column of this kind has when the lake is read.

        Numbers stay exact: a nullable integer or boolean is pandas' own nullable type, never a float; a date is Arrow's
        32-bit date. NULL is NaN in a DOUBLE and in a VARCHAR, NaT in an instant, `<NA>` elsewhere.
        """
        return _NULLABLE_DTYPES.get(self, _DTYPES[self]) if nullable else _DTYPES[self]


_ARROW: dict[Kind, pa.DataType] = {
    Kind.BIGINT: pa.int64(),
    Kind.INTEGER: pa.int32(),
    Kind.DOUBLE: pa.float64(),
    Kind.VARCHAR: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
    Kind.TIMESTAMP: pa.timestamp("us"),
}

_DTYPES: dict[Kind, str] = {
    Kind.BIGINT: "int64",
    Kind.INTEGER: "int32",
    Kind.DOUBLE: "float64",
    Kind.VARCHAR: "str",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date32[day][pyarrow]",
    Kind.TIMESTAMPTZ: "datetime64[us, UTC]",
    Kind.TIMESTAMP: "datetime64[us]",
}
_NULLABLE_DTYPES: dict[Kind, str] = {Kind.BIGINT: "Int64", Kind.INTEGER: "Int32", Kind.BOOLEAN: "boolean"}


class Unit(StrEnum):
    """Units as they stand behind the underscore of a column's name."""

    W = "w"
    KW = "kw"
    WH = "wh"
    KWH = "kwh"
    PCT = "pct"
    S = "s"
    MS = "ms"
    H = "h"

    @property
    def symbol(self) -> str:
        """The unit as people write it."""
        return _SYMBOLS[self]


_SYMBOLS: dict[Unit, str] = {
    Unit.W: "W",
    Unit.KW: "kW",
    Unit.WH: "Wh",
    Unit.KWH: "kWh",
    Unit.PCT: "%",
    Unit.S: "s",
    Unit.MS: "ms",
    Unit.H: "h",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        name: Column name; ends with the unit where there is one.
        type: Storage type.
        description: One sentence, with the sign convention where there is a sign.
        unit: Unit of the value, or None for counts, names and instants.
        nullable: Whether NULL is a legal value ("not measured").
        bounds: Lowest and highest legal value, both included.
        source: Page or observed behaviour behind the column ("Q9").
    """

    name: str
    type: Kind
    description: str
    unit: Unit | None = None
    nullable: bool = True
    bounds: tuple[float, float] | None = None
    source: str = ""

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a frame read from the lake."""
        return self.type.dtype(nullable=self.nullable)

    def arrow(self) -> pa.Field:
        """The Arrow field, with description, unit and source in its metadata."""
        metadata = {"description": self.description}
        if self.unit is not None:
            metadata["unit"] = self.unit.symbol
        if self.source:
            metadata["source"] = self.source
        return pa.field(self.name, self.type.arrow, nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of lake and warehouse.

    Attributes:
        name: Table name.
        grain: What one row stands for.
        primary_key: The logical key: rows are sorted by it and it is unique.
        fields: Columns in order.
        partition: `site_month` (one file per site × month) or `account` (one file for all sites).
    """

    name: str
    grain: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    partition: str = "site_month"

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(each.name for each in self.fields)

    @property
    def dtypes(self) -> dict[str, str]:
        """pandas dtype by column name, in order: what `Lake.read` gives."""
        return {each.name: each.dtype for each in self.fields}

    def field(self, name: str) -> Field:
        """The column called `name`.

        Raises:
            KeyError: The table has no such column.
        """
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(f"{self.name} has no column {name}")

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, with unit and description in each field's metadata."""
        return pa.schema([each.arrow() for each in self.fields], metadata={"grain": self.grain, "table": self.name})

    def ddl(self, schema: str = "main") -> Iterator[str]:
        """`CREATE TABLE` and its `COMMENT ON` statements for DuckDB, in order."""
        columns = ", ".join(f'"{each.name}" {each.type}{"" if each.nullable else " NOT NULL"}' for each in self.fields)
        yield f'CREATE TABLE {schema}."{self.name}" ({columns})'
        yield from comment_on("TABLE", f'{schema}."{self.name}"', self.grain, self.fields)


def comment_on(what: str, relation: str, text: str, fields: Iterable[Field]) -> Iterator[str]:
    """`COMMENT ON` statements of a relation and its columns; `relation` is a quoted identifier of the declarations."""
    yield f"COMMENT ON {what} {relation} IS '{_quoted(text)}'"
    for each in fields:
        yield f"COMMENT ON COLUMN {relation}.\"{each.name}\" IS '{_quoted(each.description)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
