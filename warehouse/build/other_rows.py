"""Of which days a table has other rows than before, where all of its files are loaded again.

That is so each night for tables with responses about whole years or the lifetime: their files overlap with all others, and
most of their rows are what they were. Rows are compared by what models read: not by the response and the run of a row.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from string import Template
from typing import Final

import duckdb

from warehouse.build.load import TableChange
from warehouse.schema import Table

FETCHED_AT: Final = "_fetched_at"
"""The column of lineage that some models read: the same rows in a later response are other rows for these alone."""

NOT_READ: Final = frozenset({"_raw_id", "_run_id"})
"""Columns that no model reads whose rows are stored."""

END_COLUMNS: Final = {"gaps": "gap_end"}
"""Tables whose rows are about all of the time from the instant in the key to another one."""

_KEEP = Template('create or replace temp table "$name before" as select $columns from main."$name"')
# Keys are unique, and a join by them takes a fifth of the time of `except all`.
_OTHER = Template("""
with compared as (
    select
        site_id,
        "$time" as first_at,
        greatest("$time", before."$end", after."$end") as last_at,
        row(before.is_there, $before) is distinct from row(after.is_there, $after) as is_other,
        before."$fetched_at" is distinct from after."$fetched_at" as is_fetched_again
    from (select *, true as is_there from temp."$name before") as before
    full join (select *, true as is_there from main."$name") as after using ($key)
)
select site_id, min(first_at)::date, max(last_at)::date, is_other
from compared
where is_other or is_fetched_again
group by site_id, date_trunc('month', first_at), is_other
""")


def can_be_compared(change: TableChange) -> bool:
    """Whether all rows of a table are loaded again, and belong to days."""
    return change.stale is None and change.table.time_column is not None


def keep(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Keep the rows of a table for the comparison, before they are loaded again."""
    columns = _identifiers(name for name in table.columns if name not in NOT_READ)
    connection.execute(_KEEP.substitute(name=table.name, columns=columns))


def other_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[tuple[int, date, date, bool]]:
    """Where the rows are that the table has now, or had when they were kept, but not both.

    Args:
        connection: The database.
        table: A table of which `can_be_compared` was true.

    Yields:
        Site, first day and last day in UTC, and whether more than the time of the response is another one.
    """
    time = str(table.time_column)
    read = [name for name in table.columns if name not in {*table.primary_key, *NOT_READ, FETCHED_AT}]
    query = _OTHER.substitute(
        name=table.name,
        time=time,
        end=END_COLUMNS.get(table.name, time),
        key=_identifiers(table.primary_key),
        before=_identifiers(read, "before."),
        after=_identifiers(read, "after."),
        fetched_at=FETCHED_AT if FETCHED_AT in table.columns else "is_there",
    )
    yield from connection.execute(query).fetchall()


def _identifiers(names: Iterable[str], qualifier: str = "") -> str:
    return ", ".join(f'{qualifier}"{name}"' for name in names)
