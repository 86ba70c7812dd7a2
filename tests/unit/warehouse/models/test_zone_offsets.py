"""SQL takes local time from the pinned time zone database, as Python does, and not from DuckDB's own."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from tests.unit.warehouse.conftest import Database
from warehouse.connection import connect
from warehouse.models import MODELS
from warehouse.models.zone_offsets import create_zone_offsets
from warehouse.schema import TABLES
from wattlog.zones import Zone, clock_periods, zone_names

FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def instants_of_each(names: Sequence[str]) -> Iterator[tuple[int, list[datetime]]]:
    """From 2010 to 2030, for each name: around every change, to the second at the change itself, and each first of the month.

    A name with the periods of an earlier one has the changes alone: most names are others of the same clock.
    """
    firsts, seen = {datetime(year, month, 1, tzinfo=UTC) for year in range(2010, 2031) for month in range(1, 13)}, set()
    for number, name in enumerate(names):
        periods = clock_periods(name)
        found, ahead = (set[datetime](), range(1)) if periods in seen else (set(firsts), range(-30, 31, 6))
        seen.add(periods)
        for period in periods:
            if period.begins_at is not None and FIRST <= period.begins_at < LAST:
                found.add(period.begins_at - timedelta(seconds=1))
                found.update(period.begins_at + timedelta(hours=hours) for hours in ahead)
        yield number, sorted(found)


@pytest.fixture(scope="module")
def every_zone() -> Iterator[duckdb.DuckDBPyConnection]:
    """A site in every zone; table `instants` holds those of each and what its clock shows by Python."""
    with connect() as connection:
        for name in ("sites", "reconciliation", "backup_events"):
            connection.execute(next(TABLES[name].ddl()))
        names = sorted(zone_names())
        connection.from_arrow(
            pa.table({"site_id": range(len(names)), "timezone": names, "status": ["ok"] * len(names)})
        ).create("named")
        connection.execute("insert into main.sites by name select * from named")
        rows = [
            (site, instant, instant.astimezone(zone).replace(tzinfo=None))
            for site, instants in instants_of_each(names)
            for zone in (Zone(names[site]),)
            for instant in instants
        ]
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        connection.from_arrow(pa.table(columns, names=["site_id", "instant", "expected"])).create("instants")
        connection.execute("""
            insert into main.reconciliation by name
            select site_id, 'c' as check_name, 'day' as granularity, instant::date as period_start, 'm' as measure,
                'differs' as verdict, 'l' as left_source, 'r' as right_source, instant as diverges_at
            from instants
        """)
        create_zone_offsets(connection)
        connection.execute("create schema analytics")
        for name in ("sites", "disagreements"):
            connection.execute(MODELS[name].statement.sql)
        yield connection


@pytest.mark.slow
def test_a_model_shows_what_the_clock_shows_in_every_zone(every_zone: duckdb.DuckDBPyConnection) -> None:
    """`meta.zone_days`, as a model joins it: all zones, 2010 to 2030, no row lost and none shown twice."""
    ((shown, right, instants),) = every_zone.execute("""
        select count(*), count(*) filter (shown.local_diverges_at = instants.expected), (select count(*) from instants)
        from analytics.disagreements as shown
        join instants on instants.site_id = shown.site_id and instants.instant = shown.diverges_at
    """).fetchall()
    assert shown == right == instants
    assert instants > 100_000


def test_offsets_are_those_of_the_clock_in_every_zone(every_zone: duckdb.DuckDBPyConnection) -> None:
    """`meta.zone_offsets`, as `analytics.sites` joins it."""
    wrong = every_zone.execute("""
        select sites.zone, instants.instant, instants.expected
        from instants
        join analytics.sites as sites using (site_id)
        left join meta.zone_offsets as clock
            on clock.zone = sites.zone and instant >= clock.begins_at and instant < clock.ends_at
        where make_timestamp(epoch_us(instant) + clock.offset_us) is distinct from expected
    """)
    assert wrong.fetchall() == []


def test_duckdb_has_another_opinion(database: Database) -> None:
    """Why the models do not ask it; where the two agree some day, they do by chance."""
    connection = database({"sites": [{"timezone": "UTC+05:30"}]}, "sites")
    ((by_name, by_offsets),) = connection.execute("""
        select epoch(timezone('UTC+05:30', timestamptz '2026-01-01 00:00:00+00') - timestamp '2026-01-01')::bigint,
            offset_us // 1000000
        from meta.zone_offsets where zone = 'GMT+05:30'
    """).fetchall()
    assert by_offsets == 19_800
    assert by_name != by_offsets


def test_no_sql_of_ours_asks_duckdb_for_local_time() -> None:
    """UTC is no zone: every database has the same."""
    from warehouse.statements import load

    for folder in ("models", "checks", "report", "examples"):
        for statement in load(folder).values():
            used = statement.sql.lower().replace("timezone('utc'", "")
            assert "timezone(" not in used, statement.name
            assert "at time zone" not in used, statement.name
            assert "pg_timezone_names" not in used, statement.name


def vancouver_hours(database: Database) -> duckdb.DuckDBPyConnection:
    """November 2026 in Vancouver, which has kept its summer time since March: a row each five minutes, 1 Wh each."""
    zone = Zone("America/Vancouver")
    first = datetime(2026, 11, 1, tzinfo=zone).astimezone(UTC)
    starts = [first + timedelta(minutes=5) * index for index in range(30 * 288)]
    rows = [
        {
            "interval_start": start,
            "local_date": start.astimezone(zone).date(),
            "solar_energy_exported_wh": 1.0,
        }
        for start in starts
    ]
    return database({"sites": [{"timezone": "America/Vancouver"}], "energy_intervals": rows}, "hourly", "peak_demand")


def test_vancouver_keeps_its_summer_time(database: Database) -> None:
    """720 hours of 12 rows, each on its own day."""
    connection = vancouver_hours(database)
    hours = connection.execute("""
        select count(*), min(held_s), max(held_s), min(hour_start), max(hour_start), sum(solar_kwh),
            count(*) filter (epoch(local_hour) - epoch(hour_start) = -7 * 3600)
        from analytics.hourly
    """).fetchall()
    first = datetime(2026, 11, 1, 7, tzinfo=UTC)
    ((count, shortest, longest, begins, ends, energy, right),) = hours
    assert (count, shortest, longest, right) == (720, 3600, 3600, 720)
    assert (begins, ends) == (first, first + timedelta(hours=719))
    assert energy == pytest.approx(8.64)
    dates = connection.execute("select distinct local_date from analytics.hourly order by all").fetchall()
    assert dates == [(date(2026, 11, day),) for day in range(1, 31)]
