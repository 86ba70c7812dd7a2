"""The SQL models: what `analytics` holds beside the tables.

A model is one file `sql/models/NAME.sql`, which creates `analytics.NAME`, and one `Model` here, which declares its columns.
`create_models` runs the files and holds DuckDB's answer against the declarations, so neither can drift from the other.
Models hold kWh, where tables hold Wh.
"""

from collections.abc import Iterable

import duckdb

from warehouse.errors import ModelMismatch
from warehouse.models.columns import ENERGY
from warehouse.models.energy import ENERGY_MODELS
from warehouse.models.equipment import EQUIPMENT_MODELS, SITES_MODEL
from warehouse.models.model import SCHEMA, Model
from warehouse.schema import comment_on

__all__ = ["ENERGY", "MODELS", "SCHEMA", "Model", "create_models"]

MODELS: dict[str, Model] = {each.name: each for each in (SITES_MODEL, *ENERGY_MODELS, *EQUIPMENT_MODELS)}
"""Every model by name, in the order of creation: a model that reads another stands after it."""


def create_models(connection: duckdb.DuckDBPyConnection, models: Iterable[Model] = MODELS.values()) -> None:
    """Create `analytics` with its models and their comments in the current database, whose tables exist and are full.

    Raises:
        ModelMismatch: A model's columns are not the declared ones.
        duckdb.Error: A model's SQL fails.
    """
    connection.execute("create schema analytics")
    for model in models:
        connection.execute(model.statement.sql)
        _compare(connection, model)
        for statement in comment_on(model.kind, f'{SCHEMA}."{model.name}"', model.grain, model.fields):
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
