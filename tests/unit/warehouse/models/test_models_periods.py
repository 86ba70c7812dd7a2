"""Months, years and the lifetime on literal rows: sums of days, beside Tesla's figures."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.models import ENERGY
from warehouse.schema import FLOWS

LA = {"timezone": "America/Los_Angeles", "has_battery": True, "site_name": "Home"}
LATER = datetime(2025, 6, 1, 12, tzinfo=UTC)
"""When Tesla's figure was requested, long after."""


def days(first: date, count: int, **wh: float) -> list[dict[str, Any]]:
    """`count` days from `first`, all alike."""
    return [{"local_date": first + timedelta(days=number), "status": "agreed", **wh} for number in range(count)]


def reported(granularity: str, period_start: date, requested_at: datetime = LATER, **flows: float) -> dict[str, Any]:
    """A row of Tesla's year series (months) or lifetime series (years)."""
    source = {"month": "calendar_history/year", "year": "calendar_history/lifetime"}[granularity]
    return {
        "granularity": granularity,
        "period_start": period_start,
        "source": source,
        "_fetched_at": requested_at,
        **dict.fromkeys(FLOWS, 0.0),
        **flows,
    }


MODELS_HERE = ("daily", "monthly", "yearly", "lifetime")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


MONTH = "select month, days, days_held, solar_kwh, tesla_solar_kwh, tesla_solar_difference_kwh from analytics.monthly"


def test_month_is_the_sum_of_its_days_beside_teslas_own(database: Database) -> None:
    """28 days of 1.5 kWh are 42 kWh; Tesla's 40 are 2 too few (Q20)."""
    flows = {
        "solar_energy_exported_wh": 40_000.0,
        "grid_energy_imported_wh": 9_000.0,
        "consumer_energy_imported_from_grid_wh": 8_000.0,
        "consumer_energy_imported_from_battery_wh": 500.0,
        "grid_energy_exported_from_solar_wh": 3_000.0,
        "grid_energy_exported_from_battery_wh": 250.0,
    }
    ours = {
        "solar_energy_exported_wh": 1500.0,
        "home_wh": 300.0,
        "grid_energy_imported_wh": 350.0,
        "grid_export_wh": 100.0,
    }
    connection = database(
        {
            "sites": [LA],
            "daily": days(date(2025, 2, 1), 28, **ours),
            "energy_periods": [reported("month", date(2025, 2, 1), LATER, **flows)],
        },
        *MODELS_HERE,
    )
    (row,) = rows(connection, "select columns('^(site_name|month|days.*|tesla_.*|solar_kwh)$') from analytics.monthly")
    assert row[:6] == ("Home", date(2025, 2, 1), 28, 28, 0, 42.0)
    assert row[6:] == (40.0, 8.5, 9.0, 3.25, -2.0, pytest.approx(0.1), pytest.approx(-0.8), pytest.approx(0.45))


def test_imported_days_are_counted(database: Database) -> None:
    """Ten of the days come from the file of another tool."""
    own = days(date(2025, 2, 1), 18, solar_energy_exported_wh=1500.0)
    others = days(date(2025, 2, 19), 10, solar_energy_exported_wh=1500.0)
    imported = [{**row, "source": "import:tesla_app/days"} for row in others]
    connection = database({"sites": [LA], "daily": [*own, *imported]}, *MODELS_HERE)
    query = "select days_held, days_imported, solar_kwh from analytics.monthly"
    assert rows(connection, query) == [(28, 10, 42.0)]


def test_missing_day_leaves_the_sum_and_takes_the_difference(database: Database) -> None:
    """Stored days are summed and counted; a difference that a missing day explains is not given."""
    stored = days(date(2025, 2, 1), 27, solar_energy_exported_wh=1000.0)
    missing = {"local_date": date(2025, 2, 28), "status": "missing", "coverage_pct": 0.0}
    month = reported("month", date(2025, 2, 1), solar_energy_exported_wh=28_000.0)
    connection = database({"sites": [LA], "daily": [*stored, missing], "energy_periods": [month]}, *MODELS_HERE)
    assert rows(connection, MONTH) == [(date(2025, 2, 1), 28, 27, 27.0, 28.0, None)]


def test_day_that_lacks_one_measure_takes_that_difference_alone(database: Database) -> None:
    """A day known from power has solar and no home: the solar differences are given."""
    both = days(date(2025, 2, 1), 27, solar_energy_exported_wh=1000.0, home_wh=500.0)
    solar = days(date(2025, 2, 28), 1, solar_energy_exported_wh=1000.0)
    month = reported("month", date(2025, 2, 1), solar_energy_exported_wh=28_000.0)
    connection = database({"sites": [LA], "daily": [*both, *solar], "energy_periods": [month]}, *MODELS_HERE)
    query = "select tesla_solar_difference_kwh, tesla_home_difference_kwh, home_kwh from analytics.monthly"
    assert rows(connection, query) == [(0.0, None, 13.5)]


def test_month_of_the_installation_begins_with_it(database: Database) -> None:
    """Installed on 29 March by the site's clock, which is the 30th in UTC: three days are all there are."""
    site = {**LA, "installed_at": datetime(2025, 3, 30, 2, tzinfo=UTC)}
    month = reported("month", date(2025, 3, 1), solar_energy_exported_wh=3001.0)
    stored = days(date(2025, 3, 29), 3, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [site], "daily": stored, "energy_periods": [month]}, *MODELS_HERE)
    assert rows(connection, MONTH) == [(date(2025, 3, 1), 3, 3, 3.0, 3.001, pytest.approx(0.001))]


def test_history_that_begins_later_than_the_site_is_no_difference(database: Database) -> None:
    """`--since` in mid-month: Tesla's month has days that were never requested."""
    month = reported("month", date(2025, 3, 1), solar_energy_exported_wh=31_000.0)
    stored = days(date(2025, 3, 15), 17, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [LA], "daily": stored, "energy_periods": [month]}, *MODELS_HERE)
    assert rows(connection, MONTH) == [(date(2025, 3, 1), 31, 17, 17.0, 31.0, None)]


@pytest.mark.parametrize(
    ("requested_at", "difference"),
    [(datetime(2025, 2, 11, 4, tzinfo=UTC), 0.0), (datetime(2025, 2, 10, 4, tzinfo=UTC), None)],
    ids=["requested on the last stored day", "requested the evening before"],
)
def test_month_that_runs_is_compared_with_the_days_tesla_knew(
    requested_at: datetime, difference: float | None, database: Database
) -> None:
    """The days are the site's: 4:00 UTC on the 11th is the evening of the 10th in Los Angeles."""
    month = reported("month", date(2025, 2, 1), requested_at, solar_energy_exported_wh=10_000.0)
    stored = days(date(2025, 2, 1), 10, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [LA], "daily": stored, "energy_periods": [month]}, *MODELS_HERE)
    assert rows(connection, MONTH) == [(date(2025, 2, 1), 10, 10, 10.0, 10.0, difference)]


def test_month_that_only_tesla_reports_is_shown(database: Database) -> None:
    """Nothing is dropped: January was never fetched by day, and its energy is not zero but unknown."""
    reported_rows = [reported("month", date(2025, month, 1), solar_energy_exported_wh=28_000.0) for month in (1, 2)]
    stored = days(date(2025, 2, 1), 28, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [LA], "daily": stored, "energy_periods": reported_rows}, *MODELS_HERE)
    assert rows(connection, f"{MONTH} order by month") == [
        (date(2025, 1, 1), 31, 0, None, 28.0, None),
        (date(2025, 2, 1), 28, 28, 28.0, 28.0, 0.0),
    ]


def test_solar_only_sites_home_is_unknown_on_both_sides(database: Database) -> None:
    """Q43: the API's zeros of home and export are no measurement."""
    site = {**LA, "has_battery": False}
    month = reported("month", date(2025, 2, 1), solar_energy_exported_wh=28_000.0)
    stored = days(date(2025, 2, 1), 28, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [site], "daily": stored, "energy_periods": [month]}, *MODELS_HERE)
    query = (
        "select home_kwh, tesla_home_kwh, tesla_home_difference_kwh, tesla_solar_difference_kwh from analytics.monthly"
    )
    assert rows(connection, query) == [(None, None, None, 0.0)]


TWO_YEARS: Mapping[str, Sequence[Row]] = {
    "sites": [LA, {**LA, "site_id": 1002, "timezone": "Asia/Kolkata"}],
    "daily": [
        {**day, "site_id": site, **{name: 1000.0 + 7 * position + site for position, name in enumerate(FLOWS)}}
        for site in (1001, 1002)
        for day in days(date(2024, 12, 30), 40, home_wh=812.0, grid_export_wh=5.0, battery_charge_wh=3.0)
    ],
    "energy_periods": [
        {**reported("year", date(year, 1, 1), solar_energy_exported_wh=wh), "site_id": 1001}
        for year, wh in ((2024, 4_002.0), (2025, 76_038.0))
    ],
}


def test_months_years_and_lifetime_have_the_energy_of_the_days_once(database: Database) -> None:
    """For each length of period the sum is that of `daily`, to the Wh and for each site."""
    connection = database(TWO_YEARS, *MODELS_HERE)
    sums = ", ".join(f"round(sum({field.name}) * 1000)" for field in ENERGY)
    by_site = "group by site_id order by site_id"
    expected = rows(connection, f"select site_id, {sums} from analytics.daily {by_site}")
    assert [row[1] for row in expected] == [40 * (1000.0 + site) for site in (1001, 1002)]
    for model in ("monthly", "yearly", "lifetime"):
        assert rows(connection, f"select site_id, {sums} from analytics.{model} {by_site}") == expected


def test_years_and_lifetime_stand_beside_teslas(database: Database) -> None:
    """Tesla's lifetime is the sum of its years. 2024 was not stored from its beginning: no difference."""
    connection = database(TWO_YEARS, *MODELS_HERE)
    query = (
        "select year, days, days_held, solar_kwh, tesla_solar_kwh from analytics.yearly where site_id = 1001 order by 1"
    )
    assert rows(connection, query) == [(2024, 366, 2, 4.002, 4.002), (2025, 152, 38, 76.038, 76.038)]
    (whole,) = rows(
        connection,
        "select first_day, last_day, days, days_held, tesla_solar_kwh, solar_kwh from analytics.lifetime "
        "where site_id = 1001",
    )
    assert whole == (date(2024, 12, 30), date(2025, 6, 1), 154, 40, pytest.approx(80.04), 80.04)
    assert rows(connection, "select tesla_solar_kwh from analytics.lifetime where site_id = 1002") == [(None,)]


def test_lifetime_of_a_site_that_is_stored_whole_is_compared(database: Database) -> None:
    """From the installation to the day of the request, all stored."""
    site = {**LA, "installed_at": datetime(2024, 12, 30, 20, tzinfo=UTC)}
    requested_at = datetime(2025, 1, 8, 4, tzinfo=UTC)
    years = [
        reported("year", date(2024, 1, 1), requested_at, solar_energy_exported_wh=2000.0),
        reported("year", date(2025, 1, 1), requested_at, solar_energy_exported_wh=7500.0),
    ]
    stored = days(date(2024, 12, 30), 9, solar_energy_exported_wh=1000.0)
    connection = database({"sites": [site], "daily": stored, "energy_periods": years}, *MODELS_HERE)
    query = "select days, days_held, tesla_solar_difference_kwh from analytics.lifetime"
    assert rows(connection, query) == [(9, 9, 0.5)]
    query = "select year, days, tesla_solar_difference_kwh from analytics.yearly order by year"
    assert rows(connection, query) == [(2024, 2, 0.0), (2025, 7, 0.5)]


def test_lifetime_is_unknown_where_one_of_teslas_years_is(database: Database) -> None:
    """A sum of what is known would be too small."""
    site = {**LA, "has_battery": False}
    years = [
        reported("year", date(2024, 1, 1), consumer_energy_imported_from_grid_wh=5.0),
        reported("year", date(2025, 1, 1), solar_energy_exported_wh=9.0),
    ]
    connection = database({"sites": [site], "energy_periods": years}, *MODELS_HERE)
    assert rows(connection, "select tesla_home_kwh, tesla_solar_kwh from analytics.lifetime") == [(None, 0.009)]
