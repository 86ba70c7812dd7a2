"""Queries of the published warehouse for a report: SQL files, and columns with an entry for every day."""

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
from warehouse.query.site_choice import chosen_sites
from warehouse.report.model import Columns, ReportData, SiteReport
from warehouse.statements import Statement, load

EARLIEST, LATEST = date(1, 1, 1), date(9999, 12, 31)
ALWAYS = frozenset({"sites", "days"})
_EPOCH = date(1970, 1, 1)
_OF_ACCOUNT = "public_charging"
"""The result that is about the account, and has no site."""


def report_data(
    connection: duckdb.DuckDBPyConnection,
    *,
    made_at: datetime,
    sites: Collection[int] | None = None,
    since: date | None = None,
    until: date | None = None,
    what_if: Mapping[int, Mapping[str, Any]] | None = None,
    only: Collection[str] | None = None,
) -> ReportData:
    """Query the warehouse for all data of a report.

    Args:
        connection: An open warehouse; nothing is written to it.
        made_at: The present.
        sites: Only these sites; all when None.
        since: First day. Its month is shown as a whole, since Tesla's figures are for whole months.
        until: Last day, included. Its month is shown as a whole.
        what_if: Site → the last answer of `wattlog what-if`.
        only: Results that are needed, besides sites and days, by the names of their SQL files; all when None. The columns of
            the others are empty.

    Raises:
        QueryFailed: A site is unknown, `since` is after `until`, or DuckDB rejects a query.
    """
    chosen = chosen_sites(connection, sites)
    if since is not None and until is not None and since > until:
        raise QueryFailed(f"--since {since} is after --until {until}: swap them")
    parameters = {
        "sites": chosen,
        "since": EARLIEST if since is None else since.replace(day=1),
        "until": LATEST if until is None else _end_of_month(until),
    }
    try:
        found = {
            name: table_of(connection, statement, parameters)
            for name, statement in statements().items()
            if only is None or name in ALWAYS or name in only
        }
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error
    of_account = found.pop(_OF_ACCOUNT).to_pydict() if _OF_ACCOUNT in found else {}
    sites_found, answers = found["sites"].to_pylist(), what_if or {}
    return ReportData(
        made_at=made_at,
        sites=tuple(
            _site(facts, found, answers.get(facts["site_id"]))
            for facts in sites_found
            if facts["first_day"] is not None
        ),
        without_history=tuple(
            facts["name"] or f"site {facts['site_id']}" for facts in sites_found if facts["first_day"] is None
        ),
        public_charging=of_account,
    )


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def table_of(connection: duckdb.DuckDBPyConnection, statement: Statement, parameters: Mapping[str, object]) -> pa.Table:
    """The rows of a SQL file, which need not use every parameter."""
    used = {name: value for name, value in parameters.items() if f"${name}" in statement.sql}
    return connection.sql(statement.sql, params=used).to_arrow_table()


def _site(facts: dict[str, Any], found: Mapping[str, pa.Table], what_if: Mapping[str, Any] | None) -> SiteReport:
    """One site's report: its rows of every result, with an entry for every day or hour where they are daily or hourly."""
    of_site = {
        name: table.filter(pc.equal(table["site_id"], facts["site_id"])).drop_columns("site_id")
        for name, table in found.items()
    }

    def columns(name: str) -> Columns:
        return of_site[name].to_pydict() if name in of_site else {}

    def dense(name: str) -> Columns:
        return dense_columns(of_site[name], first, count) if name in of_site else {}

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
        days=dense("days"),
        soe_days=dense("soe_days"),
        hours=dense("hours") | dense("soe_hours"),
        months=columns("months"),
        self_sufficiency=columns("self_sufficiency"),
        outages=columns("outages"),
        charging=columns("charging"),
        causes=columns("causes"),
        comparisons=columns("comparisons"),
        differences=columns("differences"),
        bills=columns("bills"),
        cost_labels=columns("cost_labels"),
        what_if=what_if,
    )


def dense_columns(rows: pa.Table, first: date, count: int) -> Columns:
    """Rows by `local_date` (and `hour`) as columns with an entry for every day (and hour) from `first` on.

    **Shape**: n rows, sorted → columns of `count` entries, or 24 times as many where there is an `hour`; None where there is
    no row. Rows of days outside the period are left out.
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
def statements() -> dict[str, Statement]:
    """The SQL files of a report."""
    return load("report")
