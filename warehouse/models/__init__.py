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

__all__ = ["ENERGY", "MODELS", "SCHEMA", "Model", "create_models", "made_of"]

MODELS: dict[str, Model] = {each.name: each for each in (SITES_MODEL, *ENERGY_MODELS, *EQUIPMENT_MODELS)}
"""Every model by name, in the order of creation: a model that reads another stands after it."""


def create_models(connection: duckdb.DuckDBPyConnection, models: Iterable[Model] = MODELS.values()) -> None:
    """Create models and their comments in `analytics` of the current database, whose tables exist and are full.

    Raises:
        ModelMismatch: A model's columns are not the declared ones.
        duckdb.Error: A model's SQL fails.
    """
    created = tuple(models)
    connection.execute("create schema if not exists analytics")
    for model in created:
        connection.execute(model.statement.sql)
    found = _columns(connection)
    for model in created:
        expected = tuple(f"{each.name} {each.type}" for each in model.fields)
        if found[model.name] != expected:
            raise ModelMismatch(model.name, expected, found[model.name])
        relation = f'{SCHEMA}."{model.name}"'
        connection.execute("; ".join(comment_on(model.kind, relation, model.grain, model.fields)))


def made_of(tables: Iterable[str]) -> list[Model]:
    """The models that are told from any of some tables, be it through another model; in the order of creation."""
    changed = {f"main.{name}" for name in tables}
    found = []
    for model in MODELS.values():
        if changed & model.sources:
            changed.add(f"{SCHEMA}.{model.name}")
            found.append(model)
    return found


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """What DuckDB says of each model: its columns' names and types in order."""
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
