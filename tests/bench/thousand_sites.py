"""A warehouse of a thousand sites and ten years of days, made by SQL: what a fleet's pages read, and no five-minute rows."""

from pathlib import Path
from typing import Final

from tests.bench.fleet_lake import LAST_YEAR
from warehouse.build import provenance
from warehouse.connection import connect
from warehouse.models import create_models
from warehouse.schema import TABLES

SITES: Final = 1_000
YEARS: Final = 10
FIRST_SITE: Final = 1001

_ENERGIES: Final = tuple(
    f"hash(site_id, local_date, {at}) % 40000 as {field.name}"
    for at, field in enumerate(TABLES["daily"].fields)
    if field.name.endswith("_wh")
)
_ROWS: Final = {
    "sites": f"""
        select site_id, 'Home ' || site_id as site_name, 'UTC' as timezone, 'ok' as status, true as has_solar,
            true as has_battery, 13500 as nameplate_energy_wh
        from range({FIRST_SITE}, {FIRST_SITE + SITES}) as ids(site_id)
    """,
    "daily": f"""
        select site_id, local_date::date as local_date, 'agreed' as status, 'calendar_history/day' as source,
            100 as coverage_pct, {", ".join(_ENERGIES)}
        from range({FIRST_SITE}, {FIRST_SITE + SITES}) as ids(site_id),
            generate_series(date '{LAST_YEAR - YEARS + 1}-01-01', date '{LAST_YEAR}-12-31', interval 1 day) as days(local_date)
        order by site_id, local_date
    """,
    "gaps": f"""
        select site_id, 'power' as series, timestamptz '{LAST_YEAR}-01-01' + week * interval 7 day as gap_start,
            timestamptz '{LAST_YEAR}-01-01' + week * interval 7 day + interval 1 hour as gap_end,
            if(week % 2 = 0, 'night', 'no_data') as cause, 12 as expected_rows
        from range({FIRST_SITE}, {FIRST_SITE + SITES}) as ids(site_id), range(50) as weeks(week)
    """,
    "reconciliation": f"""
        select site_id, 'interval_vs_day' as check_name, 'day' as granularity,
            date '{LAST_YEAR}-01-01' + day::integer as period_start, 'home_wh' as measure,
            'calendar_history/day' as left_source, 1000 as left_wh, 'power' as right_source,
            if(day % 20 = 0, 1100, 1000) as right_wh, if(day % 20 = 0, 100, 0) as difference_wh, 1 as tolerance_wh,
            if(day % 20 = 0, 'differ', 'agree') as verdict, if(day % 20 = 0, 'unexplained', null) as cause
        from range({FIRST_SITE}, {FIRST_SITE + SITES}) as ids(site_id), range(365) as days(day)
    """,
}
"""Table → its rows."""


def thousand_sites(path: Path) -> Path:
    """Such a warehouse, made where it is not there."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect(path) as connection:
        for table in TABLES.values():
            for statement in table.ddl():
                connection.execute(statement)
        for name, query in _ROWS.items():
            connection.execute(f"insert into main.{name} by name {query}")
        create_models(connection)
        provenance.note(connection, ())
    return path
