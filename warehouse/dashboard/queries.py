"""What the pages ask of the warehouse, as columns for JSON. Sums and years come from the report's own SQL and functions."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.connection import brief
from warehouse.errors import QueryFailed
from warehouse.localtime import zone
from warehouse.query.site_choice import chosen_sites
from warehouse.report.model import Columns, ReportData
from warehouse.report.queries import (
    EARLIEST,
    LATEST,
    dense_columns,
    report_data,
    statements,
    table_of,
)
from warehouse.statements import Statement, load
from wattlog.local_days import first_instant

Json = dict[str, Any]

MAX_HOURLY_DAYS: Final = 400
"""A range by hours has at most so many days: more hours than pixels."""

MISSING: Final = "missing"


class By(StrEnum):
    """The length of the periods of a range."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class How(StrEnum):
    """How several sites are shown."""

    SUM = "sum"
    COMPARE = "compare"


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
    last = _rows(connection, "last_run", {})
    return {"sites": _rows(connection, "sites", {}), "last_run": last[0] if last else None}


def fleet(connection: duckdb.DuckDBPyConnection) -> Json:
    """Each site's newest energy and what needs attention there."""
    return {"sites": _rows(connection, "fleet", {})}


def overview(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> Json:
    """The newest days, month and year so far beside those of the year before, and what needs attention; all sites together."""
    chosen = _chosen(connection, sites)
    (attention,) = _rows(connection, "attention", {"sites": chosen})
    return {"spans": _rows(connection, "spans", {"sites": chosen}), "attention": attention}


def day(connection: duckdb.DuckDBPyConnection, site: int, local_date: date) -> Json:
    """One local day of one site: power, state of energy, prices, events, and the day's sums in Wh."""
    chosen_sites(connection, [site])
    ((name,),) = connection.execute("select timezone from main.sites where site_id = ?", [site]).fetchall()
    clock = zone(name)
    begins_at, ends_at = first_instant(local_date, clock), first_instant(local_date + timedelta(days=1), clock)
    parameters = {"site": site, "day": local_date}
    since = parameters | {"begins_at": begins_at.isoformat()}
    minutes = int((ends_at - begins_at).total_seconds() // 60)
    sums = _report(connection, "days", {"sites": [site], "since": local_date, "until": local_date}).to_pylist()
    for row in sums:
        del row["site_id"], row["local_date"]
    return {
        "day": local_date,
        "timezone": name,
        "minutes": minutes,
        "clock": [f"{(begins_at + timedelta(minutes=at)).astimezone(clock):%H:%M}" for at in range(0, minutes + 1, 30)],
        "power": _columns(connection, "day_power", since),
        "soe": _columns(connection, "day_soe", since),
        "prices": _columns(connection, "day_prices", since),
        "events": _rows(
            connection,
            "day_events",
            {"site": site, "begins_at": begins_at.isoformat(), "ends_at": ends_at.isoformat()},
        ),
        "sums": sums[0] if sums else None,
    }


def energy_range(
    connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None, since: date, until: date, by: By, how: How
) -> Json:
    """Energy in Wh by period, for each site or for all together.

    Returns:
        `periods`, and `series`: columns of as many entries, `stored` among them: how many days or hours of the period, or of
        all sites in it, have data. A sum is that of the values that are known, None where none is.

    Raises:
        QueryFailed: A site is unknown, or the range is empty or too long.
    """
    if since > until:
        raise QueryFailed(f"{since} is after {until}: swap them")
    if by is By.HOUR and (until - since).days >= MAX_HOURLY_DAYS:
        raise QueryFailed(f"by hours at most {MAX_HOURLY_DAYS} days can be shown: choose days or months")
    chosen = _chosen(connection, sites)
    parameters = {"sites": chosen, "since": since, "until": until}
    if by is By.HOUR:
        rows = _periods_of_hours(_table(connection, "hours", parameters))
        expected = _hours_of(connection, chosen[0], since, until) if chosen else []
    else:
        length = 10 if by is By.DAY else 7
        rows = _periods_of_days(_report(connection, "days", parameters), length)
        shown = _within(rows, since, until, connection, chosen)
        expected = sorted({f"{shown[0] + timedelta(days=ahead)}"[:length] for ahead in range(shown[1])})
    summed = _sum(rows, ["period"] if how is How.SUM else ["site_id", "period"])
    periods = sorted({*expected, *summed["period"].to_pylist()})
    series = [
        {"site_id": None if site is None else str(site), **_at(part, periods)}
        for site, part in _by_site(summed, chosen, how)
    ]
    return {"by": by, "how": how, "since": since, "until": until, "periods": periods, "series": series}


def years(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> Json:
    """Every stored day of some sites together, in Wh, one entry for each day from the first to the last."""
    chosen = _chosen(connection, sites)
    rows = _periods_of_days(
        _report(connection, "days", {"sites": chosen, "since": EARLIEST, "until": LATEST}).select(
            ["site_id", "local_date", "status", "solar", "home", "grid_import", "grid_export", "battery_discharge"]
        ),
        10,
    )
    summed = _sum(rows, ["period"]).sort_by("period")
    if not summed.num_rows:
        return {"first_day": None, "days": {}}
    days = [date.fromisoformat(text) for text in summed["period"].to_pylist()]
    dated = summed.drop_columns("period").append_column("local_date", pa.array(days, pa.date32()))
    return {"first_day": days[0], "days": dense_columns(dated, days[0], (days[-1] - days[0]).days + 1)}


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
        listed: _rows(connection, listed, {"sites": [site], "since": since, "until": until})
        for listed in _LISTS.get(name, ())
    }
    if name is Section.BATTERY:
        lists["cycles"] = _rows(connection, "battery_months", {"sites": [site]})
        lists["health"] = _rows(connection, "battery_health", {"sites": [site]})
    return {"report": report, "lists": lists}


def _chosen(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> list[int]:
    """The chosen sites; those with any day when None."""
    if sites is not None:
        return chosen_sites(connection, sites)
    found = connection.execute("select site_id from main.sites semi join main.daily using (site_id) order by all")
    return [site for (site,) in found.fetchall()]


def _within(
    rows: pa.Table, since: date, until: date, connection: duckdb.DuckDBPyConnection, chosen: list[int]
) -> tuple[date, int]:
    """The first day to show and how many there are: days before the first and after the last of the sites are not missing."""
    first, last = connection.execute(
        "select min(local_date), max(local_date) from main.daily where list_contains(?, site_id)", [chosen]
    ).fetchall()[0]
    if first is None or not rows.num_rows:
        return since, 0
    begin, end = max(since, first), min(until, last)
    return begin, max(0, (end - begin).days + 1)


def _hours_of(connection: duckdb.DuckDBPyConnection, site: int, since: date, until: date) -> list[str]:
    """The names of the hours of a range on a site's clock, but those after the newest that is stored."""
    ((name, last),) = connection.execute(
        "select timezone, (select max(local_hour) from analytics.hourly where site_id = $site) "
        "from main.sites where site_id = $site",
        {"site": site},
    ).fetchall()
    clock, found = zone(name), list[str]()
    at, end = first_instant(since, clock), first_instant(until + timedelta(days=1), clock)
    while at < end and last is not None:
        local = at.astimezone(clock).replace(minute=0, tzinfo=None)
        if local > last:
            break
        text = f"{local:%Y-%m-%d %H:%M}"
        found.append(f"{text} again" if found and found[-1] == text else text)
        at += timedelta(hours=1)
    return found


def _periods_of_hours(rows: pa.Table) -> pa.Table:
    again = pc.if_else(
        pc.greater(rows["pass"], 1), pc.binary_join_element_wise(rows["period"], "again", " "), rows["period"]
    )
    stored = rows["is_whole"].cast(pa.int64())
    return (
        rows.drop_columns(["period", "pass", "is_whole"]).append_column("period", again).append_column("stored", stored)
    )


def _periods_of_days(rows: pa.Table, length: int) -> pa.Table:
    """Rows of days with the name of their period, the first letters of the date, and whether the day is stored."""
    period = pc.utf8_slice_codeunits(pc.strftime(rows["local_date"], format="%Y-%m-%d"), 0, length)
    stored = pc.not_equal(rows["status"], MISSING).cast(pa.int64())
    dropped = [name for name in ("local_date", "status", "coverage_pct") if name in rows.column_names]
    return rows.drop_columns(dropped).append_column("period", period).append_column("stored", stored)


def _sum(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The sums of all other columns; NULL where no value is known."""
    values = [name for name in rows.column_names if name not in {"site_id", "period"}]
    summed = rows.group_by(keys).aggregate([(name, "sum", _KNOWN) for name in values])
    return summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names])


_KNOWN = pc.ScalarAggregateOptions(skip_nulls=True, min_count=1)


def _by_site(summed: pa.Table, chosen: list[int], how: How) -> list[tuple[int | None, pa.Table]]:
    if how is How.SUM:
        return [(None, summed)]
    ordered = summed.sort_by("site_id")
    ids = ordered["site_id"].to_numpy()
    begins, ends = np.searchsorted(ids, chosen, "left"), np.searchsorted(ids, chosen, "right")
    return [
        (site, ordered.slice(begin, end - begin).drop_columns("site_id"))
        for site, begin, end in zip(chosen, begins.tolist(), ends.tolist(), strict=True)
    ]


def _at(rows: pa.Table, periods: list[str]) -> Columns:
    """Columns with one entry for each period; None where there is no row."""
    place = {period: at for at, period in enumerate(rows["period"].to_pylist())}
    take = pa.array([place.get(period) for period in periods], pa.int64())
    columns = {name: rows[name].take(take).to_pylist() for name in rows.column_names if name != "period"}
    columns["stored"] = [count or 0 for count in columns["stored"]]
    return columns


def _report(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> pa.Table:
    return _run(connection, statements()[name], parameters)


def _table(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> pa.Table:
    return _run(connection, _own()[name], parameters)


def _run(connection: duckdb.DuckDBPyConnection, statement: Statement, parameters: Mapping[str, object]) -> pa.Table:
    try:
        return table_of(connection, statement, parameters)
    except duckdb.CatalogException as error:
        raise QueryFailed(
            f"the warehouse was made by another wattlog ({brief(error)}); run `wattlog rebuild`"
        ) from error
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error


def _rows(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> list[Json]:
    rows: list[Json] = _table(connection, name, parameters).to_pylist()
    return rows


def _columns(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> Columns:
    columns: Columns = _table(connection, name, parameters).to_pydict()
    return columns


@cache
def _own() -> dict[str, Statement]:
    return load("dashboard")


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)
