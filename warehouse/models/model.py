"""What a model is: a SQL file and the declaration of the columns it gives."""

from dataclasses import dataclass
from functools import cache

from warehouse.schema import Field
from warehouse.statements import Statement, load

SCHEMA = "analytics"


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: Its name in `analytics`, and the stem of its SQL file.
        fields: Its columns in order.
        is_materialised: Whether its rows are computed when the warehouse is built, in order of its key, because a query
            would take too long; it is a table then, else a view.
    """

    name: str
    fields: tuple[Field, ...]
    is_materialised: bool = False

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

    @property
    def sources(self) -> frozenset[str]:
        """The tables and models that it reads, from the file's header: `main.daily`, `analytics.sites`."""
        return frozenset(self.statement.header["sources"].split(", "))

    @property
    def kind(self) -> str:
        """What it is to DuckDB: TABLE or VIEW."""
        return "TABLE" if self.is_materialised else "VIEW"


@cache
def _statements() -> dict[str, Statement]:
    return load("models")
