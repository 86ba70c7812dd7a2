"""A choice of rows of a relation: some sites, some days of each site's calendar."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from string import Template

import duckdb
import pyarrow as pa

from warehouse.errors import QueryFailed
from warehouse.localtime import Clock
from warehouse.query.formats import BATCH_ROWS
from warehouse.query.query import stamper_for
from warehouse.query.site_choice import chosen_sites
from wattlog.local_days import first_instant

_DATES = ("local_date", "period_start")
_INSTANTS = ("interval_start", "observed_at", "started_at", "gap_start", "seen_at", "requested_at")
"""The columns that give the time of a row, in the order of preference; any other date column is between the two."""

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)

_VIEW = Template("create or replace temp view selected_from as $query")
_SELECT = Template("select * from selected_from where $conditions")
_OF_SITES = "list_contains(?::bigint[], site_id)"
_OF_OTHERS = "(site_id is null or not list_contains(?::bigint[], site_id))"
_FROM_DAY = Template('"$column" >= ?::date')
_TO_DAY = Template('"$column" <= ?::date')
_BETWEEN = Template('"$column" >= ?::timestamptz and "$column" < ?::timestamptz')


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A choice of rows; the default is all of them.

    Attributes:
        since: First day, by each site's calendar; None for the beginning.
        until: Last day, included; None for the end.
        sites: The sites; None for all.
    """

    since: date | None = None
    until: date | None = None
    sites: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class _Condition:
    """A SQL condition and the values bound to it."""

    sql: str
    values: tuple[object, ...]


def select(connection: duckdb.DuckDBPyConnection, query: str, selection: RowFilter) -> pa.RecordBatchReader:
    """The chosen rows of a query, as a stream in the query's order.

    Days are chosen by `local_date`, else `period_start`, else the first date column, else the row's instant, whose day is
    that of the site: a day at Lord Howe begins when it begins there. A site that is not in `sites` has UTC days.

    Args:
        connection: An open warehouse.
        query: One SELECT.
        selection: The choice.

    Raises:
        QueryFailed: A column that the choice needs is missing, a site is unknown, or the last day is before the first.
        duckdb.Error: The query fails.
    """
    relation = connection.sql(query)
    columns = relation.limit(0).to_arrow_table().schema
    conditions = [*_site_conditions(connection, columns, selection), *_day_conditions(connection, columns, selection)]
    if not conditions:
        return relation.to_arrow_reader(BATCH_ROWS)
    connection.execute(_VIEW.substitute(query=query))
    scope = _SELECT.substitute(conditions=" and ".join(f"({condition.sql})" for condition in conditions))
    values = [value for condition in conditions for value in condition.values]
    return connection.sql(scope, params=values).to_arrow_reader(BATCH_ROWS)


def day_column(columns: pa.Schema) -> str | None:
    """The column with each row's local day; None where there is none."""
    dates = [field.name for field in columns if pa.types.is_date(field.type)]
    return next((name for name in (*_DATES, *dates) if name in dates), None)


def instant_column(columns: pa.Schema) -> str | None:
    """The column with the instant of a row, where no column has its day; None where there is none either."""
    instants = [field.name for field in columns if pa.types.is_timestamp(field.type) and field.type.tz is not None]
    return next((name for name in _INSTANTS if name in instants), None)


def _site_conditions(
    connection: duckdb.DuckDBPyConnection, columns: pa.Schema, selection: RowFilter
) -> Iterator[_Condition]:
    if selection.sites is None:
        return
    if "site_id" not in columns.names:
        raise QueryFailed("the rows have no site_id to choose sites by: leave --site out")
    yield _Condition(_OF_SITES, (chosen_sites(connection, selection.sites),))


def _day_conditions(
    connection: duckdb.DuckDBPyConnection, columns: pa.Schema, selection: RowFilter
) -> Iterator[_Condition]:
    since, until = selection.since, selection.until
    if since is None and until is None:
        return
    if since is not None and until is not None and since > until:
        raise QueryFailed(f"--since {since} is after --until {until}: swap them")
    day, instant = day_column(columns), instant_column(columns)
    if day is not None:
        if since is not None:
            yield _Condition(_FROM_DAY.substitute(column=day), (since,))
        if until is not None:
            yield _Condition(_TO_DAY.substitute(column=day), (until,))
    elif instant is not None:
        yield _instant_condition(connection, instant, "site_id" in columns.names, selection)
    else:
        raise QueryFailed("the rows have no date to choose days by: leave --since and --until out, or add local_date")


def _instant_condition(
    connection: duckdb.DuckDBPyConnection, column: str, has_site: bool, selection: RowFilter
) -> _Condition:
    """Bounds on an instant are each site's own midnights: one pair a zone, so that they stay few for many sites."""
    between = _BETWEEN.substitute(column=column)
    stamper = stamper_for(connection, Clock.LOCAL, has_site=has_site)
    if not has_site:
        return _Condition(between, _bounds(stamper.fallback, selection))
    sites_by_zone: dict[tzinfo, list[int]] = {}
    for site, site_zone in stamper.zones.items():
        sites_by_zone.setdefault(site_zone, []).append(site)
    pieces = [f"{_OF_OTHERS} and {between}"]
    values: list[object] = [list(stamper.zones), *_bounds(UTC, selection)]
    for site_zone, sites in sites_by_zone.items():
        pieces.append(f"{_OF_SITES} and {between}")
        values += [sites, *_bounds(site_zone, selection)]
    return _Condition(" or ".join(f"({piece})" for piece in pieces), tuple(values))


def _bounds(site_zone: tzinfo, selection: RowFilter) -> tuple[datetime, datetime]:
    since, until = selection.since, selection.until
    begin = _EARLIEST if since is None else first_instant(since, site_zone)
    end = _LATEST if until is None else first_instant(until + timedelta(days=1), site_zone)
    return begin, end
