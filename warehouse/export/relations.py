"""The tables and models of a warehouse by the names that people give them."""

from dataclasses import dataclass
from string import Template
from typing import Final

import duckdb

from warehouse.models import MODELS, SCHEMA
from warehouse.schema import TABLES, Field

_MAIN: Final = "main"
_SELECT: Final = Template('select * from "$schema"."$name"')
_PRESENT: Final = """
select schema_name, table_name from duckdb_tables() where database_name = current_database()
union all
select schema_name, view_name from duckdb_views() where database_name = current_database() and not internal
order by all
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a model that a warehouse has.

    Attributes:
        schema: `main` of tables, `analytics` of models.
        name: Its name there.
    """

    schema: str
    name: str

    @property
    def query(self) -> str:
        """All its rows."""
        return _SELECT.substitute(schema=self.schema, name=self.name)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its declared columns."""
        return tuple(TABLES[self.name].fields if self.schema == _MAIN else MODELS[self.name].fields)

    def __str__(self) -> str:
        """The shortest name by which it is found: `daily` of the table, `analytics.daily` of the model."""
        return self.name if self.schema == _MAIN else f"{self.schema}.{self.name}"


def relations_of(connection: duckdb.DuckDBPyConnection) -> tuple[Relation, ...]:
    """The tables and models of an open warehouse, by schema and name."""
    found = connection.execute(_PRESENT).fetchall()
    return tuple(Relation(schema, name) for schema, name in found if schema in (_MAIN, SCHEMA))


def relation_named(present: tuple[Relation, ...], text: str) -> Relation | None:
    """The relation that a text names; None where there is none.

    Args:
        present: What the warehouse has.
        text: `power`, `main.power`, or `analytics.daily`. A bare name is the table where there is one, else the model.
    """
    schema, _, name = text.strip().rpartition(".")
    wanted = (Relation(candidate, name) for candidate in ((schema,) if schema else (_MAIN, SCHEMA)))
    return next((relation for relation in wanted if relation in present), None)


def is_table(text: str) -> bool:
    """Whether a text names a table rather than a model."""
    schema, _, name = text.strip().rpartition(".")
    return schema in ("", _MAIN) and name in TABLES
