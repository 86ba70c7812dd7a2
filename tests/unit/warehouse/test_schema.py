"""The declarations agree with themselves, with Arrow and with DuckDB."""

from itertools import chain

import pyarrow as pa
import pytest

from warehouse.connection import connect
from warehouse.models import MODELS
from warehouse.schema import API_FLOWS, ENERGY_INTERVALS, FLOWS, TABLES, Field, Kind, Table, Unit

FIELDS = [
    pytest.param(field, id=f"{owner}.{field.name}")
    for owner, field in chain(
        ((table.name, field) for table in TABLES.values() for field in table.fields),
        ((f"analytics.{model.name}", field) for model in MODELS.values() for field in model.fields),
    )
]
EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)


@pytest.mark.parametrize("field", FIELDS)
def test_unit_is_the_suffix_of_the_name(field: Field) -> None:
    """`solar_w` is in W: a unit in the name is declared, and a declared one is in the name."""
    named = (unit for unit in sorted(Unit, key=len, reverse=True) if field.name.endswith(f"_{unit}"))
    assert next(named, None) == field.unit


@pytest.mark.parametrize("field", FIELDS)
def test_field_is_described_by_a_sentence(field: Field) -> None:
    """The description becomes a comment in DuckDB, metadata in Parquet, a line of the dictionary."""
    assert field.description.strip() == field.description
    assert field.description.endswith((".", "…"))
    assert "\n" not in field.description


@EVERY_TABLE
def test_key_columns_exist_and_are_never_null(table: Table) -> None:
    """A key with a NULL in it identifies nothing."""
    assert table.primary_key
    assert not any(table.field(name).nullable for name in table.primary_key)


@EVERY_TABLE
def test_column_names_are_unique(table: Table) -> None:
    """Lake, frames and DuckDB all find columns by name, in any case."""
    assert len({name.lower() for name in table.columns}) == len(table.columns)


@EVERY_TABLE
def test_duckdb_understands_the_ddl_as_it_was_meant(table: Table) -> None:
    """Types, NULL rules and comments arrive in DuckDB."""
    with connect() as connection:
        for statement in table.ddl():
            connection.execute(statement)
        given = connection.execute(
            "select column_name, data_type, is_nullable, comment from duckdb_columns() "
            "where table_name = ? order by column_index",
            [table.name],
        ).fetchall()
        comments = connection.execute("select comment from duckdb_tables()").fetchall()
    spelled = {Kind.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE"}
    assert given == [
        (field.name, spelled.get(field.type, field.type), field.nullable, field.description) for field in table.fields
    ]
    assert comments == [(table.grain,)]


@EVERY_TABLE
def test_arrow_schema_carries_unit_and_description(table: Table) -> None:
    """The Parquet file itself says what a column means."""
    for field, declared in zip(table.arrow_schema(), table.fields, strict=True):
        assert field.metadata[b"description"].decode() == declared.description
        assert field.metadata.get(b"unit") == (declared.unit.symbol.encode() if declared.unit else None)
        assert field.nullable is declared.nullable


def test_flows_are_the_sixteen_names_of_the_api() -> None:
    """The lake's columns are the API's names with the unit, in its order."""
    assert len(API_FLOWS) == 16
    assert tuple(f"{name}_wh" for name in API_FLOWS) == FLOWS
    assert [name for name in ENERGY_INTERVALS.columns if name.endswith("_wh")] == list(FLOWS)


def test_unknown_column_is_a_key_error() -> None:
    """`Table.field` names the table and the column that is not there."""
    with pytest.raises(KeyError, match="energy_intervals has no column solar_kwh"):
        ENERGY_INTERVALS.field("solar_kwh")


def test_arrow_instants_are_utc_microseconds() -> None:
    """DuckDB's TIMESTAMPTZ holds microseconds; nanoseconds would be cut in silence."""
    assert Kind.TIMESTAMPTZ.arrow == pa.timestamp("us", tz="UTC")
