"""Kinds, units, fields and tables, and what derives from a declaration."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:  # a query of plain types needs no pandas
    from pandas import ArrowDtype


class Kind(StrEnum):
    """The types a column can have; each has one Arrow and one DuckDB spelling."""

    BIGINT = "BIGINT"
    INTEGER = "INTEGER"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL(18,6)"
    """A price, exact to a millionth of the currency."""
    MONEY = "DECIMAL(28,9)"
    """An amount, exact to a billionth of the currency: whole Wh times a price per kWh."""
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

    def dtype(self, *, nullable: bool) -> "str | ArrowDtype":
        """The pandas dtype a column of this kind has when the lake is read.

        Numbers stay exact: a nullable integer or boolean is pandas' own nullable type, never a float; a date is Arrow's
        32-bit date, money Arrow's decimal. NULL is NaN in a DOUBLE and in a VARCHAR, NaT in an instant, `<NA>` elsewhere.
        """
        if self in (Kind.DECIMAL, Kind.MONEY):  # the types that pandas has no name for
            from pandas import ArrowDtype

            return ArrowDtype(self.arrow)
        return _NULLABLE_DTYPES.get(self, _DTYPES[self]) if nullable else _DTYPES[self]


_ARROW: dict[Kind, pa.DataType] = {
    Kind.BIGINT: pa.int64(),
    Kind.INTEGER: pa.int32(),
    Kind.DOUBLE: pa.float64(),
    Kind.DECIMAL: pa.decimal128(18, 6),
    Kind.MONEY: pa.decimal128(28, 9),
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
    """Units, as the suffixes of column names."""

    W = "w"
    KW = "kw"
    WH = "wh"
    KWH = "kwh"
    A = "a"
    V = "v"
    PER_KWH = "per_kwh"
    """A price: the currency is in another column."""
    PCT = "pct"
    S = "s"
    MS = "ms"
    H = "h"

    @property
    def symbol(self) -> str:
        """The unit's symbol."""
        return _SYMBOLS[self]


_SYMBOLS: dict[Unit, str] = {
    Unit.W: "W",
    Unit.KW: "kW",
    Unit.WH: "Wh",
    Unit.KWH: "kWh",
    Unit.A: "A",
    Unit.V: "V",
    Unit.PER_KWH: "currency/kWh",
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
    def dtype(self) -> "str | ArrowDtype":
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


class Keep(StrEnum):
    """Which row of a key stays where the files of several months have one each.

    A file is named after the requested month, and a key may be of another one: a site that is offline repeats an instant of
    the month before, or an owner changes the time zone that windows are cut by.
    """

    LAST_FETCHED = "last_fetched"
    FIRST_FETCHED = "first_fetched"
    OWN_MONTH = "own_month"
    """The row in the file of the month in which its local day lies; where there is none, the last fetched."""
    LONGEST = "longest"
    """The one with the latest end."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of lake and warehouse.

    Attributes:
        name: Table name.
        grain: What one row is.
        primary_key: The logical key: rows are sorted by it and it is unique.
        fields: Columns in order.
        partition: `site_month` (one file per site × month) or `account` (one file for all sites).
        keep: Which row of a key stays where several files of a site have one.
    """

    name: str
    grain: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    partition: str = "site_month"
    keep: Keep = Keep.LAST_FETCHED

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(field.name for field in self.fields)

    @property
    def dtypes(self) -> "dict[str, str | ArrowDtype]":
        """pandas dtype by column name, in order: what `Lake.read` gives."""
        return {field.name: field.dtype for field in self.fields}

    @property
    def time_column(self) -> str | None:
        """The instant or date of the key; None where the key has none, or is not of a site."""
        if self.partition != "site_month" or self.primary_key[0] != "site_id":
            return None
        kinds = {name: self.field(name).type for name in self.primary_key}
        return next((name for name, kind in kinds.items() if kind in (Kind.TIMESTAMPTZ, Kind.DATE)), None)

    def field(self, name: str) -> Field:
        """The column called `name`.

        Raises:
            KeyError: The table has no such column.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no column {name}")

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, with unit and description in each field's metadata."""
        return pa.schema([field.arrow() for field in self.fields], metadata={"grain": self.grain, "table": self.name})

    def ddl(self, schema: str = "main") -> Iterator[str]:
        """`CREATE TABLE` and its `COMMENT ON` statements for DuckDB, in order."""
        columns = ", ".join(
            f'"{field.name}" {field.type}{"" if field.nullable else " NOT NULL"}' for field in self.fields
        )
        yield f'CREATE TABLE {schema}."{self.name}" ({columns})'
        yield from comment_on("TABLE", f'{schema}."{self.name}"', self.grain, self.fields)


def comment_on(what: str, relation: str, text: str, fields: Iterable[Field]) -> Iterator[str]:
    """`COMMENT ON` statements of a relation and its columns; `relation` is a quoted identifier of the declarations."""
    yield f"COMMENT ON {what} {relation} IS '{_quoted(text)}'"
    for field in fields:
        yield f"COMMENT ON COLUMN {relation}.\"{field.name}\" IS '{_quoted(field.description)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
