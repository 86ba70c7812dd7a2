"""Energy of any periods, of some sites together or beside each other: sums of the rows of the report's days, or of hours."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from string import Template
from typing import Any, Final

import duckdb
import pyarrow as pa

from warehouse.dashboard.sql import Json, chosen, own, run
from warehouse.errors import QueryFailed
from warehouse.localtime import zone
from warehouse.report.queries import EARLIEST, LATEST, dense_columns, statements
from warehouse.statements import Statement
from wattlog.local_days import first_instant

MAX_HOURLY_DAYS: Final = 400
"""A range by hours has at most so many days: more hours than pixels."""

MOST_BESIDE: Final = 20
"""x; of more, the page has the sums alone."""

COMPARED: Final = ("solar", "home", "grid_import", "grid_export", "battery_discharge")
"""What sites are compared by, and what years are."""

_OF_HOURS: Final = (
    "solar", "home", "grid_import", "grid_export", "battery_charge", "battery_discharge", "generator", "solar_to_home",
    "solar_to_battery", "solar_to_grid", "battery_to_home", "battery_to_grid", "grid_to_home", "grid_to_battery",
    "generator_to_home",
)  # fmt: skip
_OF_DAYS: Final = (*_OF_HOURS, "generator_to_battery", "generator_to_grid")

# A sum is NULL where no value is known.
_SUMS = Template("""
select $keys, $sums, (count(*) filter ($is_stored))::bigint as stored
from (
$rows
) as parts
group by all
order by all
""")
_DAY, _MONTH = "strftime(local_date, '%Y-%m-%d')", "strftime(date_trunc('month', local_date), '%Y-%m')"
_HOUR = "period || if(pass > 1, ' again', '')"
_STORED_DAY, _STORED_HOUR = "status <> 'missing'", "is_whole"


class By(StrEnum):
    """The length of the periods of a range."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class How(StrEnum):
    """How several sites are shown."""

    SUM = "sum"
    COMPARE = "compare"


def energy_range(
    connection: duckdb.DuckDBPyConnection,
    sites: Collection[int] | None,
    since: date,
    until: date,
    by: By,
    how: How,
    *,
    is_whole: bool = False,
) -> Json:
    """Energy in Wh by period, for each site or for all together.

    Args:
        connection: A warehouse.
        sites: Their ids; None for all with any day.
        since: The first day.
        until: The last day, included.
        by: The length of a period.
        how: Whether sites are added up.
        is_whole: Whether sites that are compared have all columns, and all sites all periods, as a file has them. Else they
            have what `COMPARED` names, and those after the first `MOST_BESIDE` their sums alone.

    Returns:
        `periods`, and `series`: columns of as many entries, `stored` among them: how many days or hours of the period, or of
        all sites in it, have data. A sum is that of the values that are known, None where none is. `totals` are sums of the
        whole range, a row for each site that is compared, or one for all.

    Raises:
        QueryFailed: A site is unknown, or the range is empty or too long.
    """
    if since > until:
        raise QueryFailed(f"{since} is after {until}: swap them")
    if by is By.HOUR and (until - since).days >= MAX_HOURLY_DAYS:
        raise QueryFailed(f"by hours at most {MAX_HOURLY_DAYS} days can be shown: choose days or months")
    ids = chosen(connection, sites)
    is_brief = how is How.COMPARE and not is_whole
    measures = COMPARED if is_brief else _OF_HOURS if by is By.HOUR else _OF_DAYS
    beside = ids[:MOST_BESIDE] if is_brief else ids
    shown = {"since": since, "until": until}
    summed = _summed(connection, by, how, measures, {"sites": beside, **shown})
    totals = _summed(
        connection, None if by is not By.HOUR else by, how, measures, {"sites": ids, **shown}, is_total=True
    )
    if by is By.HOUR:
        expected = _hours_of(connection, ids[0], since, until) if ids else []
    else:
        begin, count = _within(summed.num_rows, since, until, connection, ids)
        expected = sorted({f"{begin + timedelta(days=at)}"[: 10 if by is By.DAY else 7] for at in range(count)})
    periods = sorted({*expected, *summed["period"].to_pylist()})
    return {
        "by": by,
        "how": how,
        "since": since,
        "until": until,
        "periods": periods,
        "series": list(_series(summed, beside, periods, how)),
        "totals": [row | ({"site_id": str(row["site_id"])} if "site_id" in row else {}) for row in totals.to_pylist()],
    }


def years(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> Json:
    """Every stored day of some sites together, in Wh, one entry for each day from the first to the last."""
    parameters = {"sites": chosen(connection, sites), "since": EARLIEST, "until": LATEST}
    summed = _summed(connection, By.DAY, How.SUM, COMPARED, parameters)
    if not summed.num_rows:
        return {"first_day": None, "days": {}}
    days = [date.fromisoformat(text) for text in summed["period"].to_pylist()]
    dated = summed.drop_columns("period").append_column("local_date", pa.array(days, pa.date32()))
    return {"first_day": days[0], "days": dense_columns(dated, days[0], (days[-1] - days[0]).days + 1)}


def _summed(
    connection: duckdb.DuckDBPyConnection,
    by: By | None,
    how: How,
    measures: Collection[str],
    parameters: Mapping[str, Any],
    *,
    is_total: bool = False,
) -> pa.Table:
    """Sums by period, and by site where sites are compared; of the whole range where `is_total`."""
    rows = own()["hours"] if by is By.HOUR else statements()["days"]
    period = _HOUR if by is By.HOUR else _MONTH if by is By.MONTH else _DAY
    keys = [*(["site_id"] if how is How.COMPARE else []), *([] if is_total else [f"{period} as period"])]
    sql = _SUMS.substitute(
        keys=", ".join(keys or ["null as site_id"]),
        sums=", ".join(f"sum({name})::bigint as {name}" for name in measures),
        is_stored=_STORED_HOUR if by is By.HOUR else _STORED_DAY,
        rows=rows.sql,
    )
    return run(connection, Statement(rows.name, sql, rows.header), parameters)


def _series(summed: pa.Table, ids: Collection[int], periods: list[str], how: How) -> Iterator[Json]:
    """Columns of each site, or of all together, with an entry for each period; None where there is no row."""
    sites = summed["site_id"].to_pylist() if how is How.COMPARE else [None] * summed.num_rows
    place: dict[int | None, dict[str, int]] = {}
    for at, (site, period) in enumerate(zip(sites, summed["period"].to_pylist(), strict=True)):
        place.setdefault(site, {})[period] = at
    values = summed.drop_columns([name for name in ("site_id", "period") if name in summed.column_names])
    for site in ids if how is How.COMPARE else [None]:
        of_site = place.get(site, {})
        found = values.take(pa.array([of_site.get(period) for period in periods], pa.int64())).to_pydict()
        found["stored"] = [count or 0 for count in found["stored"]]
        yield {"site_id": None if site is None else str(site), **found}


def _within(
    rows: int, since: date, until: date, connection: duckdb.DuckDBPyConnection, ids: Collection[int]
) -> tuple[date, int]:
    """The first day to show and how many there are: days before the first and after the last of the sites are not missing."""
    first, last = connection.execute(
        "select min(local_date), max(local_date) from main.daily where list_contains(?, site_id)", [ids]
    ).fetchall()[0]
    if first is None or not rows:
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
