"""From the published warehouse to what a report shows: SQL files, and columns without holes."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.connection import brief
from warehouse.errors import QueryFailed
from warehouse.report.model import Columns, ReportData, SiteReport
from warehouse.statements import Statement, load

_EARLIEST, _LATEST = date(1, 1, 1), date(9999, 12, 31)
_EPOCH = date(1970, 1, 1)


def report_data(
    connection: duckdb.DuckDBPyConnection,
    *,
    made_at: datetime,
    sites: Collection[int] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> ReportData:
    """Ask the warehouse for everything that a report shows.

    Args:
        connection: An open warehouse; it is only read.
        made_at: The present.
        sites: Only these sites; all when None.
        since: First day. Months are compared with Tesla's whole ones, so the month it lies in is shown whole.
        until: Last day, included; its month is shown whole as well.

    Raises:
        QueryFailed: A site is unknown, the days are the wrong way round, or DuckDB refuses a query.
    """
    chosen = _chosen(connection, sites)
    if since is not None and until is not None and since > until:
        raise QueryFailed(f"--since {since} is after --until {until}: swap them")
    parameters = {
        "sites": chosen,
        "since": _EARLIEST if since is None else since.replace(day=1),
        "until": _LATEST if until is None else _end_of_month(until),
    }
    try:
        found = {name: _table(connection, each, parameters) for name, each in _statements().items()}
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error
    facts = found["sites"].to_pylist()
    return ReportData(
        made_at=made_at,
        sites=tuple(_site(each, found) for each in facts if each["first_day"] is not None),
        without_history=tuple(each["name"] or f"site {each['site_id']}" for each in facts if each["first_day"] is None),
    )


def _chosen(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> list[int]:
    known: list[int] = [
        site for (site,) in connection.execute("select site_id from main.sites order by all").fetchall()
    ]
    unknown = sorted(set(sites or ()).difference(known))
    if unknown:
        raise QueryFailed(f"there is no site {unknown[0]}; there are {', '.join(map(str, known)) or 'none yet'}")
    return known if sites is None else sorted(set(sites))


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _table(connection: duckdb.DuckDBPyConnection, statement: Statement, parameters: Mapping[str, object]) -> pa.Table:
    return connection.sql(statement.sql, params=dict(parameters)).to_arrow_table()


def _site(facts: dict[str, Any], found: Mapping[str, pa.Table]) -> SiteReport:
    """One site's report: its rows of every answer, the daily and hourly ones as columns without holes."""
    of_site = {
        name: table.filter(pc.equal(table["site_id"], facts["site_id"])).drop_columns("site_id")
        for name, table in found.items()
    }
    first = facts["first_day"]
    count = (facts["last_day"] - first).days + 1
    return SiteReport(
        site_id=str(facts["site_id"]),
        name=facts["name"],
        timezone=facts["timezone"],
        has_solar=facts["has_solar"],
        has_battery=facts["has_battery"],
        wall_connectors=facts["wall_connectors"],
        battery_kwh=facts["battery_kwh"],
        first_day=first,
        days=_dense(of_site["days"], first, count),
        soe_days=_dense(of_site["soe_days"], first, count),
        hours=_dense(of_site["hours"], first, count) | _dense(of_site["soe_hours"], first, count),
        months=of_site["months"].to_pydict(),
        self_sufficiency=of_site["self_sufficiency"].to_pydict(),
        outages=of_site["outages"].to_pydict(),
        charging=of_site["charging"].to_pydict(),
        causes=of_site["causes"].to_pydict(),
        comparisons=of_site["comparisons"].to_pydict(),
        disagreements=of_site["disagreements"].to_pydict(),
    )


def _dense(rows: pa.Table, first: date, count: int) -> Columns:
    """Rows by `local_date` (and `hour`) as columns that begin on a day and have no holes.

    **Shape**: n rows, sorted → columns of `count` entries, or 24 times as many where there is an `hour`; None where no
    row is. Rows of days outside the stretch are not part of the report.
    """
    has_hours = "hour" in rows.column_names
    place = rows["local_date"].cast(pa.int32()).to_numpy() - (first - _EPOCH).days
    per_day = 24 if has_hours else 1
    if has_hours:
        place = place * per_day + rows["hour"].to_numpy()
    is_inside = (place >= 0) & (place < count * per_day)
    row_at = np.full(count * per_day, -1)
    row_at[place[is_inside]] = np.flatnonzero(is_inside)
    take = pa.array(row_at, mask=row_at < 0)
    values = rows.drop_columns([name for name in ("local_date", "hour") if name in rows.column_names])
    return {name: values[name].take(take).to_pylist() for name in values.column_names}


@cache
def _statements() -> dict[str, Statement]:
    return load("report")
