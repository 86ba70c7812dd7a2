"""The SQL models: the relations of schema `analytics`.

A model is one file `sql/models/NAME.sql`, which creates `analytics.NAME`, and one `Model` here, which declares its columns.
`create_models` runs the files and compares their columns with the declarations, so the two cannot differ. Models are in kWh,
tables in Wh.
"""

from collections.abc import Iterable

import duckdb

from warehouse.errors import ModelMismatch
from warehouse.models.battery import BATTERY_MODELS
from warehouse.models.cars import CAR_MODELS
from warehouse.models.columns import ENERGY
from warehouse.models.costs import COST_MODELS
from warehouse.models.effects import EFFECT_MODELS
from warehouse.models.energy import ENERGY_MODELS
from warehouse.models.equipment import EQUIPMENT_MODELS, SITES_MODEL
from warehouse.models.gap_causes import create_gap_causes
from warehouse.models.model import SCHEMA, Local, Model, Period
from warehouse.models.zone_offsets import create_zone_offsets
from warehouse.schema import comment_on

__all__ = ["ENERGY", "MODELS", "SCHEMA", "Local", "Model", "Period", "create_models", "fill_models", "recreate"]

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        SITES_MODEL,
        *ENERGY_MODELS,
        *EQUIPMENT_MODELS,
        *BATTERY_MODELS,
        *COST_MODELS,
        *EFFECT_MODELS,
        *CAR_MODELS,
    )
}
"""Every model by name, in the order of creation: a model that reads another comes after it."""


def create_models(connection: duckdb.DuckDBPyConnection, models: Iterable[Model] = MODELS.values()) -> None:
    """Create models and their comments in `analytics` of the current database, whose tables exist and are full.

    The offsets of the sites' zones, which local time is computed from, and which gaps are no loss are created first, in `meta`.

    Raises:
        ModelMismatch: A model's columns are not the declared ones.
        duckdb.Error: A model's SQL fails.
    """
    create_zone_offsets(connection)
    create_gap_causes(connection)
    connection.execute("create schema if not exists analytics")
    _create(connection, tuple(models))


def fill_models(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute all models in a database that has them without rows, and whose tables are full.

    Raises:
        duckdb.Error: A model's SQL fails.
    """
    create_zone_offsets(connection)
    for model in MODELS.values():
        if model.is_materialised:
            connection.execute(f'insert into {SCHEMA}."{model.name}"\n{model.query}')


def recreate(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Create a model anew, in a database that has it.

    Raises:
        ModelMismatch: Its columns are not the declared ones.
        duckdb.Error: Its SQL fails.
    """
    connection.execute(f'drop {model.kind} {SCHEMA}."{model.name}"')
    _create(connection, (model,))


def _create(connection: duckdb.DuckDBPyConnection, models: tuple[Model, ...]) -> None:
    for model in models:
        connection.execute(model.statement.sql)
    found = _columns(connection)
    for model in models:
        expected = tuple(f"{field.name} {field.type}" for field in model.fields)
        if found[model.name] != expected:
            raise ModelMismatch(model.name, expected, found[model.name])
        relation = f'{SCHEMA}."{model.name}"'
        connection.execute("; ".join(comment_on(model.kind, relation, model.grain, model.fields)))


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """The columns of each model in DuckDB: names and types in order."""
    given = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [SCHEMA],
    ).fetchall()
    kinds = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    found: dict[str, tuple[str, ...]] = {}
    for model, name, kind in given:
        found[model] = (*found.get(model, ()), f"{name} {kinds.get(kind, kind)}")
    return found
