"""A model: a SQL file and the declaration of its columns."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from warehouse.schema import Field
from warehouse.statements import Statement, load

SCHEMA = "analytics"


class Period(StrEnum):
    """A span of a site's calendar."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Local:
    """How far a row of a model depends on other days than its own.

    Attributes:
        period: A row depends on rows of its own site alone, of this period of the site's calendar and the day after it.
        date_column: The model's column with a day of that period; empty for `Period.ALL`.
    """

    period: Period
    date_column: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: Its name in `analytics`, and the stem of its SQL file.
        fields: Its columns in order.
        is_materialised: Whether its rows are computed when the warehouse is built, because a query would take too long; it is
            a table then, else a view. Rows are in order of its key, followed by those that were computed again since.
        local: Which rows have to be computed again when some days of a site changed.
    """

    name: str
    fields: tuple[Field, ...]
    is_materialised: bool = False
    local: Local = Local(Period.ALL)

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
        """What one row is, from the file's header."""
        return self.statement.header["grain"]

    @property
    def sources(self) -> frozenset[str]:
        """The tables and models that it reads, from the file's header: `main.daily`, `analytics.sites`."""
        return frozenset(self.statement.header["sources"].split(", "))

    @property
    def query(self) -> str:
        """The SQL of a materialised model's rows."""
        return self.statement.sql.split(f"create table {SCHEMA}.{self.name} as\n", 1)[1]

    def reads(self, column: str) -> bool:
        """Whether its SQL names a column of a source."""
        return re.search(rf"\b{re.escape(column)}\b", self.statement.sql) is not None

    @property
    def kind(self) -> str:
        """TABLE or VIEW."""
        return "TABLE" if self.is_materialised else "VIEW"


@cache
def _statements() -> dict[str, Statement]:
    return load("models")
