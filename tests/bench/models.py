"""The models at ten sites × ten years of five-minute rows: what the build pays for them, and what a query waits.

The query of each model is an owner's question that no filter helps: every row and every number of the model is read, and
summed by site. Beside it stands what a chart asks: all columns of one site and year.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template

import duckdb

from tests.bench.measurement import Measurement, best_of
from warehouse.connection import connect
from warehouse.models import MODELS, Model, create_models
from warehouse.schema import TABLES, Kind

SITES = 10
FIRST, LAST = "2016-01-01", "2025-12-31"
LONGEST_QUERY_S = 0.1
"""Promised: every model answers within 100 ms, on two cores."""

_SITES = """
insert into main.sites by name
select
    1001 + number as site_id,
    'Site ' || number as site_name,
    'ok' as status,
    [
        'America/Los_Angeles', 'Australia/Sydney', 'Asia/Kolkata', 'Pacific/Chatham', 'Australia/Lord_Howe',
        'UTC-07:00', 'Europe/London', 'America/New_York', 'Europe/Berlin', 'Australia/Adelaide'
    ][number + 1] as timezone,
    number <> 5 as has_battery,
    13500.0 as nameplate_energy_wh,
    timestamptz '2015-12-01 00:00:00+00' as installed_at
from range(?) as numbers (number)
"""

_SLOTS = """
create temp table slots as
select
    site_id,
    instant as interval_start,
    timezone(regexp_replace(timezone, '^UTC', 'GMT'), instant)::date as local_date,
    make_timestamptz(2026, 1, 1, 0, 0, 0.0) as _fetched_at,
    'raw' as _raw_id,
    'run' as _run_id
from main.sites
cross join generate_series(?::date::timestamptz, ?::date::timestamptz, to_seconds(?)) as instants (instant)
order by site_id, interval_start
"""

_INTERVALS = """
insert into main.energy_intervals by name
with shaped as (
    select *, epoch(interval_start) % 86400 / 86400 as turn, hash(interval_start, site_id) % 80 as noise from slots
)
select
    * exclude (turn, noise),
    300 as interval_s,
    (case when turn between 0.3 and 0.7 then 300 + noise else 0 end)::double as solar_energy_exported_wh,
    0.0 as generator_energy_exported_wh,
    (case when turn between 0.3 and 0.9 then 0 else 40 + noise end)::double as grid_energy_imported_wh,
    (case when turn between 0.3 and 0.9 then 0 else 40 + noise end)::double as consumer_energy_imported_from_grid_wh,
    (case when turn between 0.3 and 0.7 then 50 else 0 end)::double as consumer_energy_imported_from_solar_wh,
    (case when turn between 0.7 and 0.9 then 60 + noise else 0 end)::double as consumer_energy_imported_from_battery_wh,
    0.0 as consumer_energy_imported_from_generator_wh,
    (case when turn between 0.3 and 0.7 then 150 else 0 end)::double as battery_energy_imported_from_solar_wh,
    0.0 as battery_energy_imported_from_grid_wh,
    (case when turn between 0.3 and 0.7 then 100 + noise else 0 end)::double as grid_energy_exported_from_solar_wh,
    (case when turn between 0.7 and 0.9 then 60 + noise else 0 end)::double as battery_energy_exported_wh,
    0.0 as grid_energy_exported_from_battery_wh
from shaped
"""

_OTHERS = (
    "insert into main.power by name select *, 300 as interval_s from slots",
    """
    insert into main.state_of_energy by name
    select *, 900 as interval_s, (20 + hash(interval_start) % 80)::double as soe_pct
    from slots
    where epoch(interval_start) % 900 = 0
    """,
    """
    insert into main.daily by name
    select
        site_id,
        local_date,
        'agreed' as status,
        'energy_intervals' as source,
        100.0 as coverage_pct,
        sum(consumer_energy_imported_from_grid_wh + consumer_energy_imported_from_solar_wh
            + consumer_energy_imported_from_battery_wh) as home_wh,
        sum(grid_energy_exported_from_solar_wh) as grid_export_wh,
        sum(battery_energy_imported_from_solar_wh) as battery_charge_wh,
        sum(columns([each for each in (*) if each like '%energy%_wh']))
    from main.energy_intervals
    group by site_id, local_date
    order by site_id, local_date
    """,
    """
    insert into main.energy_periods by name
    select
        site_id, 'month' as granularity, date_trunc('month', local_date)::date as period_start,
        'calendar_history/year' as source, false as is_partial, '2026-01-01'::timestamptz as _fetched_at,
        'raw' as _raw_id, 'run' as _run_id, sum(columns([each for each in (*) if each like '%energy%_wh']))
    from main.daily
    group by all
    """,
    """
    insert into main.energy_periods by name
    select
        site_id, 'year' as granularity, date_trunc('year', local_date)::date as period_start,
        'calendar_history/lifetime' as source, false as is_partial, '2026-01-01'::timestamptz as _fetched_at,
        'raw' as _raw_id, 'run' as _run_id, sum(columns([each for each in (*) if each like '%energy%_wh']))
    from main.daily
    group by all
    """,
    """
    insert into main.backup_events by name
    select
        site_id, interval_start + interval 7 second as started_at, interval_start + interval 47 minute as ended_at,
        47 * 60 - 7.0 as duration_s, _fetched_at, _raw_id, _run_id
    from slots
    where hash(interval_start, site_id) % 3000 = 0
    """,
    """
    insert into main.charge_sessions by name
    select
        site_id, interval_start as started_at, 'connector' as target_id, interval_start + interval 3 hour as ended_at,
        10800.0 as duration_s, 21500.0 as energy_added_wh, _fetched_at, _raw_id, _run_id
    from slots
    where hash(interval_start, site_id) % 700 = 0
    """,
    """
    insert into main.gaps by name
    select
        site_id, 'power' as series, interval_start as gap_start, interval_start + interval 1 hour as gap_end,
        'no_data' as cause, 12 as expected_rows
    from slots
    where hash(interval_start, site_id) % 2000 = 0
    """,
    """
    insert into main.reconciliation by name
    select
        site_id, check_name, 'day' as granularity, local_date as period_start, measure, 'left' as left_source,
        1000.0 as left_wh, 'right' as right_source, 1000.0 as right_wh, 0.0 as difference_wh, 1.0 as tolerance_wh,
        case when hash(site_id, local_date, measure) % 100 = 0 then 'differs' else 'agree' end as verdict
    from main.daily
    cross join (values ('interval_vs_day'), ('day_vs_week'), ('power_vs_energy'), ('flow_identity')) as c (check_name)
    cross join (values ('home_wh'), ('grid_export_wh'), ('battery_charge_wh'), ('solar_energy_exported_wh'),
        ('grid_energy_imported_wh'), ('battery_energy_exported_wh')) as m (measure)
    order by site_id, check_name, period_start, measure
    """,
    "drop table slots",
)

_AGGREGATE = Template("select site_id, count(*), $sums from analytics.$model group by site_id")
_SLICE = Template("select * from analytics.$model where site_id = 1003 and $year = 2024")


def measure() -> Iterator[Measurement]:
    """What the models cost at the build, and each model's two queries."""
    with tempfile.TemporaryDirectory() as directory, connect(temp_directory=Path(directory) / "spill") as connection:
        path = Path(directory) / "warehouse.duckdb"
        connection.execute(f"attach '{path}' as warehouse (storage_version 'v1.5.0')")
        connection.execute("use warehouse")
        fill(connection)
        (rows,) = connection.execute("select count(*) from main.energy_intervals").fetchall()[0]
        yield from _built(connection, path)
        for model in MODELS.values():
            yield from _asked(connection, model)
    yield Measurement("  rows of energy_intervals behind them", rows / 1e6, "million")


def fill(connection: duckdb.DuckDBPyConnection) -> None:
    """Every table that a model reads, for all sites and years."""
    for table in TABLES.values():
        for statement in table.ddl():
            connection.execute(statement)
    connection.execute(_SITES, [SITES])
    connection.execute(_SLOTS, [FIRST, LAST, 300])
    for statement in (_INTERVALS, *_OTHERS):
        connection.execute(statement)
    connection.execute("checkpoint")


def _built(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[Measurement]:
    before = path.stat().st_size
    began = time.perf_counter()
    create_models(connection)
    connection.execute("checkpoint")
    yield Measurement("make every model at the build", time.perf_counter() - began, "s")
    yield Measurement("  and what they add to the file", (path.stat().st_size - before) / 1e6, "MB")
    yield Measurement("  which has without them", before / 1e6, "MB")


def _asked(connection: duckdb.DuckDBPyConnection, model: Model) -> Iterator[Measurement]:
    numbers = [each.name for each in model.fields if each.type in {Kind.DOUBLE, Kind.BIGINT, Kind.INTEGER}]
    sums = ", ".join(f'sum("{name}")' for name in numbers if name != "site_id")
    names = ", ".join(f'max("{each.name}")' for each in model.fields if each.name not in numbers)
    whole = _AGGREGATE.substitute(model=model.name, sums=", ".join(filter(None, (sums, names))))
    seconds = best_of(5, lambda: connection.execute(whole).fetchall())
    yield Measurement(f"analytics.{model.name}: every row, summed by site", seconds, "s", LONGEST_QUERY_S)
    dates = [each.name for each in model.fields if each.type is Kind.DATE]
    if not dates or model.name in {"sites", "lifetime"}:
        return
    part = _SLICE.substitute(model=model.name, year=f"year({dates[0]})")
    seconds = best_of(5, lambda: connection.sql(part).to_arrow_table())
    yield Measurement(f"analytics.{model.name}: one site and year, all columns", seconds, "s", LONGEST_QUERY_S)
