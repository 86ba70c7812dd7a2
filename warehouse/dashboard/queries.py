"""What the pages ask of the warehouse, besides energy by periods: columns for JSON, by the dashboard's SQL and the report's."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import duckdb

from warehouse.dashboard.sql import Json, chosen, columns, rows, run
from warehouse.errors import QueryFailed
from warehouse.localtime import zone
from warehouse.query.site_choice import chosen_sites
from warehouse.report.model import ReportData
from warehouse.report.queries import report_data, statements
from wattlog.local_days import first_instant


class Section(StrEnum):
    """A view of one site's year, in the shape of a report."""

    COSTS = "costs"
    BATTERY = "battery"
    CARS = "cars"
    TRUST = "trust"


PARTS: Final[Mapping[Section, frozenset[str]]] = {
    Section.COSTS: frozenset({"bills", "cost_labels", "months"}),
    Section.BATTERY: frozenset({"soe_days", "soe_hours", "hours"}),
    Section.CARS: frozenset({"charging", "public_charging", "months"}),
    Section.TRUST: frozenset({"causes", "comparisons", "differences", "outages", "months"}),
}
"""Section → the report's SQL files that it needs."""

_LISTS: Final[Mapping[Section, tuple[str, ...]]] = {Section.CARS: ("sessions",), Section.TRUST: ("gaps", "revisions")}
"""Section → further SQL files of the dashboard."""


def account(connection: duckdb.DuckDBPyConnection) -> Json:
    """Every site with its equipment and its days, and the newest run: what each view needs."""
    last = rows(connection, "last_run", {})
    return {"sites": rows(connection, "sites", {}), "last_run": last[0] if last else None}


def fleet(connection: duckdb.DuckDBPyConnection) -> Json:
    """Each site's newest energy and what needs attention there."""
    return {"sites": rows(connection, "fleet", {})}


def overview(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> Json:
    """The newest days, month and year so far beside those of the year before, and what needs attention; all sites together."""
    ids = chosen(connection, sites)
    (attention,) = rows(connection, "attention", {"sites": ids})
    return {"spans": rows(connection, "spans", {"sites": ids}), "attention": attention}


def day(connection: duckdb.DuckDBPyConnection, site: int, local_date: date) -> Json:
    """One local day of one site: power, state of energy, prices, events, and the day's sums in Wh."""
    chosen_sites(connection, [site])
    ((name,),) = connection.execute("select timezone from main.sites where site_id = ?", [site]).fetchall()
    of_day = _day_of(name, local_date)
    since = {"site": site, "day": local_date, "begins_at": of_day["begins_at"]}
    sums = run(
        connection, statements()["days"], {"sites": [site], "since": local_date, "until": local_date}
    ).to_pylist()
    for row in sums:
        del row["site_id"], row["local_date"]
    return of_day | {
        "power": columns(connection, "day_power", since),
        "soe": columns(connection, "day_soe", since),
        "prices": columns(connection, "day_prices", since),
        "events": rows(
            connection,
            "day_events",
            {"site": site, "begins_at": of_day["begins_at"], "ends_at": of_day["ends_at"]},
        ),
        "sums": sums[0] if sums else None,
    }


def _day_of(name: str, local_date: date) -> Json:
    """A day of a zone: its instants, its length in minutes, and what the clock shows each half hour."""
    clock = zone(name)
    begins_at, ends_at = first_instant(local_date, clock), first_instant(local_date + timedelta(days=1), clock)
    minutes = int((ends_at - begins_at).total_seconds() // 60)
    return {
        "day": local_date,
        "timezone": name,
        "begins_at": begins_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "minutes": minutes,
        "clock": [f"{(begins_at + timedelta(minutes=at)).astimezone(clock):%H:%M}" for at in range(0, minutes + 1, 30)],
    }


def day_together(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None, local_date: date) -> Json:
    """One local day of several sites of one time zone: power by the intervals that all sites with any power on that day have.

    Raises:
        QueryFailed: A site is unknown, or they are in several zones: their day is not the same time.
    """
    ids = chosen(connection, sites)
    zones = connection.execute(
        "select distinct timezone from main.sites where list_contains(?, site_id)", [ids]
    ).fetchall()
    if len(zones) != 1:
        raise QueryFailed("the sites are in several time zones, and their days are not added up: compare them")
    of_day = _day_of(zones[0][0], local_date)
    found = columns(
        connection, "day_power_of_sites", {"sites": ids, "day": local_date, "begins_at": of_day["begins_at"]}
    )
    ((stored,),) = connection.execute(
        "select count(distinct site_id) from main.power where list_contains(?, site_id) and local_date = ?",
        [ids, local_date],
    ).fetchall()
    whole = [at for at, count in enumerate(found.pop("sites")) if count == stored]
    return of_day | {
        "power": {name: [values[at] for at in whole] for name, values in found.items()},
        "sites": len(ids),
        "sites_stored": stored,
        "left_out": len(found["minute"]) - len(whole),
    }


def section_of_sites(
    connection: duckdb.DuckDBPyConnection, name: Section, sites: Collection[int] | None, year: int
) -> Json:
    """One year of several sites, by site and month: what can be added up, and what can be compared."""
    parameters = {"sites": chosen(connection, sites), "since": date(year, 1, 1), "until": date(year, 12, 31)}
    return {"rows": rows(connection, f"{name}_of_sites", parameters)}


def section(
    connection: duckdb.DuckDBPyConnection,
    name: Section,
    site: int,
    year: int,
    *,
    made_at: datetime,
    what_if: Mapping[int, Mapping[str, Any]] | None = None,
) -> Json:
    """One year of a site in the shape of a report, for the report's charts, and the lists that a report does not have."""
    since, until = date(year, 1, 1), date(year, 12, 31)
    report: ReportData = report_data(
        connection,
        made_at=made_at,
        sites=[site],
        since=since,
        until=until,
        what_if=what_if,
        only=PARTS[name],
    )
    lists = {
        listed: rows(connection, listed, {"sites": [site], "since": since, "until": until})
        for listed in _LISTS.get(name, ())
    }
    if name is Section.BATTERY:
        lists["cycles"] = rows(connection, "battery_months", {"sites": [site]})
        lists["health"] = rows(connection, "battery_health", {"sites": [site]})
    return {"report": report, "lists": lists}


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)
