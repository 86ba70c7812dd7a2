"""The models at ten sites × ten years of five-minute rows: what the build pays for them, and what a query waits.

The query of each model is an owner's question that no filter helps: every row and every number of the model is read, and
summed by site. Beside it stands what a chart asks: all columns of one site and year.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import duckdb

from tests.bench.histories import Histories
from tests.bench.measurement import Measurement, best_of
from tests.bench.result import Limit, Result
from warehouse.connection import connect
from warehouse.models import MODELS, Model, create_models
from warehouse.schema import TABLES, Kind

SITES = 10
FIRST, LAST = "2016-01-01", "2025-12-31"
NAME = "warehouse.duckdb"
ONE_SUM = "select sum(solar_energy_exported_wh) from main.energy_intervals"
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
        sum(columns([column_name for column_name in (*) if column_name like '%energy%_wh']))
    from main.energy_intervals
    group by site_id, local_date
    order by site_id, local_date
    """,
    """
    insert into main.energy_periods by name
    select
        site_id, 'month' as granularity, date_trunc('month', local_date)::date as period_start,
        'calendar_history/year' as source, false as is_partial, 'UTC' as timezone, '2026-01-01'::timestamptz as _fetched_at,
        'raw' as _raw_id, 'run' as _run_id, sum(columns([column_name for column_name in (*) if column_name like '%energy%_wh']))
    from main.daily
    group by all
    """,
    """
    insert into main.energy_periods by name
    select
        site_id, 'year' as granularity, date_trunc('year', local_date)::date as period_start,
        'calendar_history/lifetime' as source, false as is_partial, 'UTC' as timezone, '2026-01-01'::timestamptz as _fetched_at,
        'raw' as _raw_id, 'run' as _run_id, sum(columns([column_name for column_name in (*) if column_name like '%energy%_wh']))
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
    insert into main.setting_changes by name
    select
        site_id, interval_start as changed_at, interval_start as not_before, 'reserve' as name, '20' as value_before,
        '40' as value_after, 'command' as command_id, 'applied' as outcome, 'cli' as origin
    from slots
    where hash(interval_start, site_id) % 17000 = 0
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
    """
    insert into main.hourly_costs by name
    select
        site_id,
        date_trunc('hour', interval_start) as starts_at,
        min(local_date) as local_date,
        3600 as stored_s,
        case when hour(starts_at) between 16 and 20 then 'ON_PEAK' else 'OFF_PEAK' end as label,
        'Year' as season,
        'USD' as currency,
        'in_force' as tariff_basis,
        0.2 as buy_per_kwh,
        0.1 as sell_per_kwh,
        sum(grid_energy_imported_wh) as grid_import_wh,
        sum(grid_energy_exported_from_solar_wh) as grid_export_wh,
        (sum(grid_energy_imported_wh) * 0.0002)::decimal(28, 9) as import_cost,
        (sum(grid_energy_exported_from_solar_wh) * 0.0001)::decimal(28, 9) as export_credit,
        0 as battery_import_cost,
        0 as ev_import_cost
    from main.energy_intervals
    group by site_id, date_trunc('hour', interval_start)
    order by site_id, starts_at
    """,
    """
    insert into main.daily_costs by name
    select
        site_id, local_date, 'USD' as currency, 'in_force' as tariff_basis, false as is_bounded,
        sum(grid_import_wh) as grid_import_wh, sum(grid_export_wh) as grid_export_wh,
        sum(import_cost) as import_cost, sum(import_cost) as import_cost_low, sum(import_cost) as import_cost_high,
        sum(export_credit) as export_credit, sum(export_credit) as export_credit_low,
        sum(export_credit) as export_credit_high, 0 as battery_import_cost, 0 as ev_import_cost, 0.3 as daily_charges,
        sum(import_cost) * 3 as without_solar_cost, sum(import_cost) * 2 as without_battery_cost,
        sum(import_cost) * 4 as without_both_cost
    from main.hourly_costs
    group by site_id, local_date
    order by site_id, local_date
    """,
    """
    insert into main.bills by name
    select
        site_id, date_trunc('month', local_date)::date as cycle_start, last_day(local_date) as cycle_end,
        30 as days, 30 as priced_days, 0 as bounded_days, 0 as missing_days, 'none' as netting, 'USD' as currency,
        'in_force' as tariff_basis, sum(import_cost) as import_cost, sum(import_cost) as net_cost,
        false as is_demand_lower_bound, true as is_credit_known
    from main.daily_costs
    group by all
    order by all
    """,
    "drop table slots",
)

_NUMBERS = frozenset({Kind.DOUBLE, Kind.BIGINT, Kind.INTEGER, Kind.DECIMAL, Kind.MONEY})
_AGGREGATE = Template("select $key, count(*), $sums from analytics.$model group by $key")
_SLICE = Template("select * from analytics.$model where site_id = 1003 and $year = 2024")


def measure_ratio(histories: Histories) -> Iterator[Result]:
    """Measure 8: of all models the one that takes most, in the time of one sum over a whole column."""
    sites, years = histories.sizes.sites, histories.sizes.years
    with (
        tempfile.TemporaryDirectory() as directory,
        filled(Path(directory), sites, f"{2026 - years}-01-01") as connection,
    ):
        create_models(connection)
        connection.execute("checkpoint")
        often = histories.sizes.often
        one_sum = min(timed(connection, ONE_SUM)[1] for _ in range(often))
        times = {name: [timed(connection, _whole(model)) for _ in range(often)] for name, model in MODELS.items()}
    cpu_s = {name: min(cpu for _, cpu in of_model) for name, of_model in times.items()}
    elapsed_ms = {name: min(elapsed for elapsed, _ in of_model) * 1000 for name, of_model in times.items()}
    costly, slow = max(cpu_s, key=cpu_s.__getitem__), max(elapsed_ms, key=elapsed_ms.__getitem__)
    parts: dict[str, float | str] = {"one sum": one_sum, **cpu_s}
    name = f"model {costly}, {sites} sites × {years} y / one full-column sum"
    yield Result(8, name, cpu_s[costly] / one_sum, "×", Limit(20, 10), parts)
    in_ms: dict[str, float | str] = {f"{model} ms": value for model, value in elapsed_ms.items()}
    yield Result(8, f"  slowest model: {slow}", elapsed_ms[slow], "ms", Limit(LONGEST_QUERY_S * 1000), in_ms)


def measure() -> Iterator[Measurement]:
    """What the models cost at the build, and each model's two queries."""
    with tempfile.TemporaryDirectory() as directory, filled(Path(directory), SITES, FIRST) as connection:
        path = Path(directory) / NAME
        (rows,) = connection.execute("select count(*) from main.energy_intervals").fetchall()[0]
        yield from _built(connection, path)
        for model in MODELS.values():
            yield from _asked(connection, model)
    yield Measurement("  rows of energy_intervals behind them", rows / 1e6, "million")


@contextmanager
def filled(directory: Path, sites: int, first: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a new warehouse that has every table a model reads."""
    with connect(temp_directory=directory / "spill") as connection:
        connection.execute(f"attach '{directory / NAME}' as warehouse (storage_version 'v1.5.0')")
        connection.execute("use warehouse")
        fill(connection, sites, first)
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, sites: int = SITES, first: str = FIRST) -> None:
    """Every table that a model reads, for all sites and years."""
    for table in TABLES.values():
        for statement in table.ddl():
            connection.execute(statement)
    connection.execute(_SITES, [sites])
    connection.execute(_SLOTS, [first, LAST, 300])
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


def _whole(model: Model) -> str:
    """The query that reads every row and column of a model."""
    numbers = [field.name for field in model.fields if field.type in _NUMBERS]
    sums = ", ".join(f'sum("{name}")' for name in numbers if name != "site_id")
    names = ", ".join(f'max("{field.name}")' for field in model.fields if field.name not in numbers)
    key = "site_id" if _has_site(model) else f'"{model.fields[0].name}"'
    return _AGGREGATE.substitute(model=model.name, key=key, sums=", ".join(filter(None, (sums, names))))


def _has_site(model: Model) -> bool:
    """Whether its rows are of sites; public charging is of cars."""
    return any(field.name == "site_id" for field in model.fields)


def timed(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float, float]:
    """Seconds that pass, and seconds of the processor."""
    elapsed, cpu = time.perf_counter(), time.process_time()
    connection.execute(query).fetchall()
    return time.perf_counter() - elapsed, time.process_time() - cpu


def cpu_s_of(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    """Seconds of the processor that a query takes."""
    return timed(connection, query)[1]


def _asked(connection: duckdb.DuckDBPyConnection, model: Model) -> Iterator[Measurement]:
    whole = _whole(model)
    seconds = best_of(5, lambda: connection.execute(whole).fetchall())
    yield Measurement(f"analytics.{model.name}: every row, summed by site", seconds, "s", LONGEST_QUERY_S)
    dates = [field.name for field in model.fields if field.type is Kind.DATE]
    if not dates or not _has_site(model) or model.name in {"sites", "lifetime"}:
        return
    part = _SLICE.substitute(model=model.name, year=f"year({dates[0]})")
    seconds = best_of(5, lambda: connection.sql(part).to_arrow_table())
    yield Measurement(f"analytics.{model.name}: one site and year, all columns", seconds, "s", LONGEST_QUERY_S)
