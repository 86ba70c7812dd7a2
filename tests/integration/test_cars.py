"""Series about cars, from the simulator to the warehouse: pages, readings, wall connectors, and no personal data."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import CarState, Envelope, Fee, Plug, PublicSession, Signing, SiteSpec, Vehicle, World
from extract.vehicles import PAGE_SIZE
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild
from tests.simulated import Account, account
from warehouse.query.query import connect
from wattlog.providers import VEHICLE_SCOPES
from wattlog.series_spec import Series

VIN, OTHER = "TESTVIN0000000001", "TESTVIN0000000002"
SITE = SiteSpec(
    site_id=77, installed_at=datetime(2026, 1, 10, 20, tzinfo=UTC), wall_connectors=2, outages_per_year=0, seed=7
)
CAR = Vehicle(1, VIN, "Comet", state=CarState.ONLINE, plug=Plug(77, 1))
ASLEEP = Vehicle(2, OTHER, "Meteor", state=CarState.ASLEEP, signing=Signing.REQUIRED)


def sessions(count: int) -> tuple[PublicSession, ...]:
    """Sessions with null tiers, fees by the minute, and amounts that binary fractions cannot hold."""
    began = datetime(2025, 6, 1, 10, tzinfo=UTC)
    return tuple(
        PublicSession(
            number,
            VIN if number % 2 else OTHER,
            "Exampletown",
            began + timedelta(days=number),
            began + timedelta(days=number, minutes=25),
            (
                Fee(usage=(10.0 + number, None, None, None, None), total_due=f"{number}.10", rate="0.5"),
                Fee("CHARGING", usage=(3.0, None, None, None, None), total_due="0.20", unit="min")
                if number % 10 == 0
                else Fee("PARKING", usage=(5.0, None, None, None, None), total_due="0.20", unit="min"),
            ),
        )
        for number in range(1, count + 1)
    )


WORLD = World(
    (SITE,),
    vehicles=(CAR, ASLEEP),
    public_sessions=sessions(2 * PAGE_SIZE + 3),
    scopes=("openid", "energy_device_data", *VEHICLE_SCOPES),
)
CARS = BackfillRequest(series=(Series.VEHICLE_CHARGING, Series.VEHICLE_STATE))


def run(served: Account, data_dir: Path, request: BackfillRequest = CARS, **settings: object) -> Summary:
    return backfill(served.context(data_dir, **settings), ThreadExecutor(), request)


def query(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as connection:
        return list(connection.execute(sql).fetchall())


def columns_with(data_dir: Path, *hidden: str) -> list[tuple[str, str]]:
    """Columns of the tables in which a text stands; the file is compressed, so a search of its bytes shows nothing."""
    with connect(data_dir / "warehouse.duckdb") as connection:
        columns: list[tuple[str, str]] = connection.execute(
            "select table_name, column_name from information_schema.columns "
            "where data_type = 'VARCHAR' and table_schema = 'main'"
        ).fetchall()
        assert ("vehicle_states", "vehicle") in columns
        pattern = "|".join(hidden)
        return [
            (table, column)
            for table, column in columns
            if connection.execute(
                f"select 1 from main.{table} where regexp_matches({column}, ?) limit 1", [pattern]
            ).fetchall()
        ]


@pytest.mark.slow
@pytest.mark.parametrize("envelope", list(Envelope))
def test_public_sessions_over_pages_sum_to_the_cent(tmp_path: Path, envelope: Envelope) -> None:
    """Q113, Q114, Q115: three pages, null tiers, and fees that are priced by the minute."""
    with account(replace(WORLD, charging_envelope=envelope)) as served:
        assert run(served, tmp_path).exit_code == 0
        pages = [made.params["pageNo"] for made in served.server.requests if made.path.endswith("/dx/charging/history")]
    count = 2 * PAGE_SIZE + 3
    assert pages == ["0", "1", "2"]
    due = sum((Decimal(number) + Decimal("0.30") for number in range(1, count + 1)), Decimal(0))
    ((rows, total, known, cars),) = query(
        tmp_path,
        "select count(*), sum(total_due), count(energy_kwh), count(distinct vehicle) from main.public_charging",
    )
    assert (rows, total, known, cars) == (count, due, count - count // 10, 2)
    assert query(tmp_path, "select energy_kwh, currency from main.public_charging where session_id = '7'") == [
        (17.0, "EUR")
    ]


@pytest.mark.slow
def test_one_reading_is_taken_of_each_car_that_is_awake_and_none_is_woken(tmp_path: Path) -> None:
    """Q93: no request is sent to a car that sleeps."""
    with account(WORLD) as served:
        for _ in range(2):
            assert run(served, tmp_path).exit_code == 0
        sent = [made.path for made in served.server.requests if "/vehicles/" in made.path]
    assert sent == [f"/api/1/vehicles/{VIN}/vehicle_data"] * 2
    rows = query(tmp_path, "select vehicle, battery_level_pct, charging_state from main.vehicle_states")
    assert rows == [("vin-000001", 40.0, "Stopped")]  # the clock stands still, so it is one instant


@pytest.mark.slow
def test_cars_are_read_in_every_run_only_if_the_setting_says_so(tmp_path: Path) -> None:
    with account(WORLD) as served:
        run(served, tmp_path, BackfillRequest(since=date(2026, 1, 14)))
        assert not [made for made in served.server.requests if "vehicles" in made.path or "dx" in made.path]
        run(served, tmp_path, BackfillRequest(since=date(2026, 1, 14)), vehicles=True)
    assert query(tmp_path, "select count(*) from main.vehicle_states") == [(1,)]


def test_a_token_without_the_scopes_of_cars_costs_nothing_else(tmp_path: Path) -> None:
    """The sites' history is fetched, and the failure says which login is needed."""
    with account(replace(WORLD, scopes=("openid", "energy_device_data"))) as served:
        summary = run(served, tmp_path, BackfillRequest(since=date(2026, 1, 14)), vehicles=True)
    assert summary.exit_code == 1
    assert all("login --vehicles" in str(failure.error) for failure in summary.failures)
    assert summary.rows["power"] > 0


@pytest.mark.slow
def test_no_vin_no_name_and_no_place_is_stored(tmp_path: Path) -> None:
    """Whole VINs are in the paths of requests of the raw archive alone; invoices are neither fetched nor named."""
    with account(WORLD) as served:
        run(served, tmp_path)
        run(served, tmp_path, BackfillRequest(since=date(2026, 1, 14)))
        archive = served.context(tmp_path).open_archive()
        assert not [made for made in served.server.requests if "invoice" in made.path]
    bodies = b"".join(record.body for site in (0, 77) for record in archive.load_all(archive.entries(site)))
    assert b"vin-000001" in bodies
    for hidden in (VIN, OTHER, "Comet", "Meteor", "Exampletown", "invoice", "INVOICE", 'latitude":37.0'):
        assert hidden.encode() not in bodies, hidden
    for path in (tmp_path / "lake").rglob("*.parquet"):
        content = path.read_bytes()
        assert VIN.encode() not in content
        assert b"Comet" not in content
        assert b"Exampletown" not in content
    assert columns_with(tmp_path, VIN, OTHER, "Comet", "Exampletown") == []


def test_a_rebuild_gives_the_same_rows(tmp_path: Path) -> None:
    tables = ("public_charging", "vehicle_states", "wall_connector_states")
    with account(WORLD) as served:
        run(served, tmp_path)
        before = [query(tmp_path, f"select * from main.{table} order by all") for table in tables]
        rebuild(served.context(tmp_path), ThreadExecutor())
    assert [query(tmp_path, f"select * from main.{table} order by all") for table in tables] == before
    assert all(before)


def test_the_wall_connector_says_which_car_is_plugged_in(tmp_path: Path) -> None:
    """Q118: the connector without a car has none."""
    with account(WORLD) as served:
        run(served, tmp_path)
    rows = query(tmp_path, "select vehicle, power_w from main.wall_connector_states order by vehicle nulls last")
    assert rows == [("vin-000001", 0.0), (None, 0.0)]


@pytest.mark.slow
def test_two_cars_whose_vins_end_alike_stay_two(tmp_path: Path) -> None:
    """In readings, public sessions and wall connectors alike, and after a rebuild; no whole VIN is stored for it."""
    first, second, third = (replace(CAR, vin=vin) for vin in (VIN, "TESTVIX0000000001", OTHER))
    vehicles = (first, replace(second, vehicle_id=2, plug=Plug(77, 0)), replace(third, vehicle_id=3, plug=None))
    public = tuple(
        replace(session, vin=vehicles[number % 3].vin) for number, session in enumerate(WORLD.public_sessions[:6])
    )
    expected = ["vin-000001-a234", "vin-000001-b43e", "vin-000002"]
    with account(replace(WORLD, vehicles=vehicles, public_sessions=public)) as served:
        run(served, tmp_path)
        for _ in range(2):
            for table, cars in (("vehicle_states", expected), ("public_charging", expected)):
                rows = query(tmp_path, f"select distinct vehicle from main.{table} order by 1")
                assert [vehicle for (vehicle,) in rows] == cars, table
            plugged = query(tmp_path, "select vehicle from main.wall_connector_states order by 1")
            assert [vehicle for (vehicle,) in plugged] == expected[:2]
            rebuild(served.context(tmp_path), ThreadExecutor())
    assert columns_with(tmp_path, *(car.vin for car in vehicles)) == []
