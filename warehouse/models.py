"""The SQL models: what `analytics` holds beside the tables.

A model is one file `sql/models/NAME.sql`, which creates `analytics.NAME`, and one `Model` here, which declares its columns.
`create_models` runs the files and holds DuckDB's answer against the declarations, so neither can drift from the other.
Models hold kWh, where tables hold Wh.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import duckdb

from warehouse.errors import ModelMismatch
from warehouse.schema import DAILY, GAPS, SITES, Field, Kind, Unit, comment_on
from warehouse.statements import Statement, load

SCHEMA = "analytics"


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: Its name in `analytics`, and the stem of its SQL file.
        fields: Its columns in order.
    """

    name: str
    fields: tuple[Field, ...]

    @property
    def statement(self) -> Statement:
        """The SQL file."""
        return _statements()[self.name]

    @property
    def purpose(self) -> str:
        """What the model is for, from the file's header."""
        return self.statement.header["purpose"]

    @property
    def grain(self) -> str:
        """What one row stands for, from the file's header."""
        return self.statement.header["grain"]


def _kwh(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.KWH)


ENERGY: tuple[Field, ...] = (
    _kwh("solar_kwh", "Energy the solar panels generated."),
    _kwh("home_kwh", "Energy the home used."),
    _kwh("grid_import_kwh", "Energy taken from the grid."),
    _kwh("grid_export_kwh", "Energy given to the grid."),
    _kwh("battery_charge_kwh", "Energy that charged the battery."),
    _kwh("battery_discharge_kwh", "Energy the battery discharged."),
    _kwh("generator_kwh", "Energy the generator delivered."),
    _kwh("solar_to_home_kwh", "Solar energy the home used."),
    _kwh("solar_to_battery_kwh", "Solar energy that charged the battery."),
    _kwh("solar_to_grid_kwh", "Solar energy given to the grid."),
    _kwh("battery_to_home_kwh", "Battery energy the home used."),
    _kwh("battery_to_grid_kwh", "Battery energy given to the grid."),
    _kwh("grid_to_home_kwh", "Grid energy the home used."),
    _kwh("grid_to_battery_kwh", "Grid energy that charged the battery."),
)
"""The energy columns that models share, in the order they give them."""

MODELS: dict[str, Model] = {
    each.name: each
    for each in (
        Model(
            "daily",
            (
                DAILY.field("site_id"),
                SITES.field("site_name"),
                *(DAILY.field(name) for name in ("local_date", "status", "source", "coverage_pct")),
                *ENERGY,
            ),
        ),
        Model(
            "coverage",
            (
                GAPS.field("site_id"),
                GAPS.field("series"),
                Field("month", Kind.DATE, "First day of the site's calendar month."),
                Field("held_rows", Kind.BIGINT, "Rows that are held."),
                Field("expected_rows", Kind.BIGINT, "Rows that are held or missing."),
                Field("coverage_pct", Kind.DOUBLE, "Rows held of rows expected.", Unit.PCT),
            ),
        ),
    )
}
"""Every model by name, in the order of creation: a model that reads another stands after it."""


def create_models(connection: duckdb.DuckDBPyConnection, models: Iterable[Model] = MODELS.values()) -> None:
    """Create `analytics` with its models and their comments in the current database, whose tables exist.

    Raises:
        ModelMismatch: A model's columns are not the declared ones.
        duckdb.Error: A model's SQL fails.
    """
    connection.execute("create schema analytics")
    for model in models:
        connection.execute(model.statement.sql)
        _compare(connection, model)
        for statement in comment_on("VIEW", f'{SCHEMA}."{model.name}"', model.grain, model.fields):
            connection.execute(statement)


def _compare(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    given = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? and table_name = ? order by column_index",
        [SCHEMA, model.name],
    ).fetchall()
    kinds = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    found = tuple(f"{name} {kinds.get(kind, kind)}" for name, kind in given)
    expected = tuple(f"{each.name} {each.type}" for each in model.fields)
    if found != expected:
        raise ModelMismatch(model.name, expected, found)


@cache
def _statements() -> dict[str, Statement]:
    return load("models")
