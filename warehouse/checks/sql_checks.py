"""The checks that a published warehouse must pass: each is a query that returns the offending rows.

Every file of `sql/checks/` is a check; those that each table's key is unique are made from the schema.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from string import Template

import duckdb

from warehouse.connection import brief
from warehouse.errors import QueryFailed
from warehouse.schema import TABLES, Table
from warehouse.statements import Statement, load

EXAMPLES = 5
"""Offending rows that are shown; the query of the check returns all of them."""

_REPEATED = Template(
    "select $key, count(*) as rows_with_key from main.$table group by $key having count(*) > 1 order by $key"
)


@dataclass(frozen=True, slots=True)
class Check:
    """A query that returns offending rows.

    Attributes:
        name: Unique name.
        purpose: What holds when the query returns nothing.
        sql: The query.
    """

    name: str
    purpose: str
    sql: str


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that failed.

    Attributes:
        check: The check.
        rows: The number of offending rows.
        examples: The first of them, at most `EXAMPLES`, each column by name.
    """

    check: Check
    rows: int
    examples: tuple[dict[str, object], ...]


def checks() -> Iterator[Check]:
    """Every check: one for each table's key, then one for each file."""
    for table in TABLES.values():
        yield _key_is_unique(table)
    for statement in _statements().values():
        yield Check(statement.name, statement.header["purpose"], statement.sql)


def run_checks(connection: duckdb.DuckDBPyConnection, chosen: Iterable[Check] | None = None) -> list[FailedCheck]:
    """Run checks on an open warehouse.

    Args:
        connection: The warehouse, with its models.
        chosen: The checks to run; every one when None.

    Returns:
        Those that failed, in their order; none when the warehouse is sound.

    Raises:
        QueryFailed: A check could not run, for instance because the warehouse lacks a table.
    """
    found = (_run(connection, check) for check in (checks() if chosen is None else chosen))
    return [failed for failed in found if failed is not None]


def _run(connection: duckdb.DuckDBPyConnection, check: Check) -> FailedCheck | None:
    try:
        offending = connection.sql(check.sql)
        counted = offending.aggregate("count(*)").fetchall()
        examples = offending.limit(EXAMPLES).fetchall() if counted[0][0] else []
    except duckdb.Error as error:
        raise QueryFailed(f"check {check.name} could not run: {brief(error)}") from error
    if not examples:
        return None
    named = tuple(dict(zip(offending.columns, row, strict=True)) for row in examples)
    return FailedCheck(check, counted[0][0], named)


def _key_is_unique(table: Table) -> Check:
    key = ", ".join(f'"{name}"' for name in table.primary_key)
    return Check(
        f"{table.name}_key_is_unique",
        f"no two rows of {table.name} share {', '.join(table.primary_key)}",
        _REPEATED.substitute(table=f'"{table.name}"', key=key),
    )


@cache
def _statements() -> dict[str, Statement]:
    return load("checks")
