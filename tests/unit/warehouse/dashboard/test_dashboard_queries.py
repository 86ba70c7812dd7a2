"""What the pages ask: literal rows in, literal columns out; sums of what is known, and nothing where nothing is."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.dashboard import csv_file, periods, queries
from warehouse.dashboard.periods import By, How
from warehouse.dashboard.queries import Section
from warehouse.errors import QueryFailed
from wattlog.gap_causes import BY_NATURE, GapCause

HERE: Row = {"site_id": 1001, "timezone": "America/Los_Angeles", "has_solar": True, "has_battery": True}
THERE: Row = {"site_id": 1002, "timezone": "America/Los_Angeles"}
READ = (
    "sites", "hourly", "monthly", "self_sufficiency", "outages", "ev_charging", "disagreements", "bills",
    "costs_hourly", "battery_cycles", "battery_health",
)  # fmt: skip
FIRST, LAST = date(2025, 3, 1), date(2025, 3, 4)


def _day(site: int, day: date, **more: object) -> Row:
    return {"site_id": site, "local_date": day, "status": "agreed", **more}


@pytest.fixture
def connection(database: Database) -> duckdb.DuckDBPyConnection:
    """Two sites: one misses 2 March, and the other begins on 3 March and has no figure of its home on the 4th."""
    days = [
        _day(1001, FIRST, home_wh=1_000.0, solar_energy_exported_wh=500.0),
        _day(1001, date(2025, 3, 2), status="missing"),
        _day(1001, date(2025, 3, 3), home_wh=3_000.0),
        _day(1001, LAST, home_wh=4_000.0),
        _day(1002, date(2025, 3, 3), home_wh=30.0),
        _day(1002, LAST),
    ]
    return database({"sites": [HERE, THERE, {"site_id": 1003}], "daily": days}, *READ)


def _range(connection: duckdb.DuckDBPyConnection, *sites: int, by: By = By.DAY, how: How = How.SUM) -> dict[str, Any]:
    return periods.energy_range(connection, sites, date(2025, 2, 1), date(2025, 4, 30), by, how)


def test_range_has_an_entry_for_each_day_between_the_first_and_the_last(connection: duckdb.DuckDBPyConnection) -> None:
    """Days before the first and after the last are not missing; a day without data is None, not zero."""
    found = _range(connection, 1001)
    (series,) = found["series"]
    assert found["periods"] == ["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-04"]
    assert series["home"] == [1000, None, 3000, 4000]
    assert series["solar"] == [500, None, None, None]
    assert series["stored"] == [1, 0, 1, 1]
    assert series["site_id"] is None


def test_sites_are_added_up_or_stand_beside_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    (together,) = _range(connection, 1001, 1002)["series"]
    assert together["home"] == [1000, None, 3030, 4000]
    assert together["stored"] == [1, 0, 2, 2]
    everything = periods.energy_range(connection, None, FIRST, LAST, By.DAY, How.SUM)
    assert everything["series"] == [together]
    here, there = _range(connection, 1001, 1002, how=How.COMPARE)["series"]
    assert (here["site_id"], there["site_id"]) == ("1001", "1002")
    assert here["home"] == [1000, None, 3000, 4000]
    assert there["home"] == [None, None, 30, None]


def test_of_many_sites_all_have_their_sums_and_the_first_their_periods(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has everything; a page has what a chart has room for, and the sums of every site."""
    monkeypatch.setattr(periods, "MOST_BESIDE", 1)
    found = _range(connection, 1001, 1002, how=How.COMPARE)
    assert [(row["site_id"], row["home"], row["stored"]) for row in found["totals"]] == [
        ("1001", 8000, 3),
        ("1002", 30, 2),
    ]
    assert [series["site_id"] for series in found["series"]] == ["1001"]
    assert set(found["series"][0]) == {"site_id", *periods.COMPARED, "stored"}
    whole = periods.energy_range(connection, [1001, 1002], FIRST, LAST, By.DAY, How.COMPARE, is_whole=True)
    assert [series["site_id"] for series in whole["series"]] == ["1001", "1002"]
    assert "generator_to_grid" in whole["series"][1]


def test_months_are_sums_of_the_days_of_the_range(connection: duckdb.DuckDBPyConnection) -> None:
    found = periods.energy_range(connection, [1001], date(2025, 3, 2), date(2025, 3, 3), By.MONTH, How.SUM)
    assert found["periods"] == ["2025-03"]
    assert found["series"][0]["home"] == [3000]
    assert found["series"][0]["stored"] == [1]


def test_hour_that_comes_twice_is_two_hours(database: Database) -> None:
    """2 November 2025, Los Angeles: 25 hours, of which the second 01:00 is named; the last stored hour ends the axis."""
    hours = [
        {"interval_start": datetime(2025, 11, 2, hour, tzinfo=UTC), "interval_s": 3600, "local_date": date(2025, 11, 2)}
        | {"solar_energy_exported_wh": float(hour)}
        for hour in (8, 9, 11)
    ]
    connection = database({"sites": [HERE], "energy_intervals": hours}, *READ)
    found = periods.energy_range(connection, [1001], date(2025, 11, 2), date(2025, 11, 3), By.HOUR, How.SUM)
    hours_shown = ["00:00", "01:00", "01:00 again", "02:00", "03:00"]
    assert found["periods"] == [f"2025-11-02 {hour}" for hour in hours_shown]
    assert found["series"][0]["stored"] == [0, 1, 1, 0, 1]
    assert found["series"][0]["solar"] == [None, 8, 9, None, 11]


def test_range_that_makes_no_sense_is_refused_in_one_line(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryFailed, match="swap them"):
        periods.energy_range(connection, [1001], LAST, FIRST, By.DAY, How.SUM)
    with pytest.raises(QueryFailed, match="choose days or months"):
        periods.energy_range(connection, [1001], date(2020, 1, 1), LAST, By.HOUR, How.SUM)
    with pytest.raises(QueryFailed, match="no site 7"):
        _range(connection, 7)


def test_file_has_the_rows_of_the_page_in_kwh(connection: duckdb.DuckDBPyConnection) -> None:
    """Columns without any value are left out; what is not known is empty."""
    rows = list(csv.DictReader(io.StringIO(csv_file.of_range(_range(connection, 1001, 1002)).decode())))
    assert rows[0] == {"day": "2025-03-01", "days_stored": "1", "solar_kwh": "0.5", "home_kwh": "1.0"}
    assert rows[1]["home_kwh"] == ""
    beside = csv_file.of_range(_range(connection, 1001, 1002, how=How.COMPARE)).decode().splitlines()
    assert beside[0] == "site_id,day,days_stored,solar_kwh,home_kwh"
    assert len(beside) == 1 + 2 * 4


def test_years_are_all_days_of_the_sites_together(connection: duckdb.DuckDBPyConnection) -> None:
    found = periods.years(connection, [1001, 1002])
    assert found["first_day"] == FIRST
    assert found["days"]["home"] == [1000, None, 3030, 4000]
    assert periods.years(connection, [1002])["days"]["home"] == [30, None]


def test_overview_compares_with_the_same_days_of_the_year_before(database: Database) -> None:
    days = [
        _day(1001, date(2024, 2, 29), home_wh=7.0),
        _day(1001, date(2024, 3, 2), home_wh=100.0),
        _day(1001, date(2024, 3, 5), home_wh=900.0),
        _day(1001, date(2025, 3, 3), home_wh=3_000.0),
        _day(1001, LAST, home_wh=4_000.0),
    ]
    spans = queries.overview(database({"sites": [HERE], "daily": days}, *READ), [1001])["spans"]
    home = {row["span"]: row["home"] for row in spans}
    assert home == {
        "day": 4000,
        "day_before": 3000,
        "month": 7000,
        "month_of_last_year": 100,
        "year": 7000,
        "last_year": 107,
    }
    assert {row["span"]: (row["days_stored"], row["days"]) for row in spans}["month"] == (2, 4)


def test_day_counts_minutes_from_its_own_midnight(database: Database) -> None:
    """9 March 2025, Los Angeles: 23 hours; the clock goes from 01:59 to 03:00, and an outage that began before is shown."""
    rows: dict[str, list[Row]] = {
        "sites": [HERE],
        "daily": [_day(1001, date(2025, 3, 9), home_wh=2_000.0)],
        "power": [
            {"interval_start": datetime(2025, 3, 9, 10, tzinfo=UTC), "local_date": date(2025, 3, 9), "home_w": 400.0}
        ],
        "state_of_energy": [
            {"interval_start": datetime(2025, 3, 9, 8, tzinfo=UTC), "local_date": date(2025, 3, 9), "soe_pct": 55.0}
        ],
        "backup_events": [
            {
                "started_at": datetime(2025, 3, 9, 7, 50, tzinfo=UTC),
                "ended_at": datetime(2025, 3, 9, 8, 20, tzinfo=UTC),
                "duration_s": 1800.0,
            }
        ],
    }
    found = queries.day(database(rows, *READ), 1001, date(2025, 3, 9))
    assert found["minutes"] == 23 * 60
    assert found["clock"][3:5] == ["01:30", "03:00"]
    assert found["power"]["minute"] == [120.0]
    assert found["power"]["home"] == [400.0]
    assert found["soe"] == {"minute": [0.0], "length": [5.0], "soe": [55.0]}
    (event,) = found["events"]
    assert (event["kind"], event["minute"], event["end_minute"]) == ("outage", -10.0, 20.0)
    assert found["sums"]["home"] == 2000


def test_day_that_is_not_stored_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    found = queries.day(connection, 1002, date(2020, 1, 1))
    assert (found["sums"], found["power"]["minute"], found["minutes"]) == (None, [], 1440)


def test_section_has_what_its_view_needs_in_the_shape_of_a_report(connection: duckdb.DuckDBPyConnection) -> None:
    for name in Section:
        found = queries.section(connection, name, 1001, 2025, made_at=datetime(2025, 7, 1, tzinfo=UTC))
        (site,) = found["report"].sites
        assert site.days["home"] == [1000, None, 3000, 4000]
    assert (
        queries.section(connection, Section.TRUST, 1001, 2024, made_at=datetime(2025, 7, 1, tzinfo=UTC))["report"].sites
        == ()
    )


def test_account_lists_each_site_with_its_first_and_last_day(connection: duckdb.DuckDBPyConnection) -> None:
    here, _, empty = queries.account(connection)["sites"]
    assert (here["site_id"], here["first_day"], here["last_day"]) == ("1001", "2025-03-01", "2025-03-04")
    assert (empty["site_id"], empty["first_day"], empty["last_day"]) == ("1003", None, None)


def test_fleet_has_the_newest_thirty_stored_days_of_each_site(database: Database) -> None:
    """Oldest first; of forty days, of which one is missing, the sum is that of the thirty newest that are stored."""
    days = [
        _day(1001, FIRST + timedelta(days=at), home_wh=float(at), status="missing" if at == 38 else "agreed")
        for at in range(40)
    ]
    few = [_day(1002, FIRST, solar_energy_exported_wh=500.0), _day(1002, LAST, home_wh=30.0)]
    gaps: list[Row] = [{"site_id": 1002, "cause": cause, "gap_start": datetime(2025, 3, at, tzinfo=UTC)}
                       for at, cause in enumerate(GapCause, 1)]  # fmt: skip
    opened = database({"sites": [HERE, THERE, {"site_id": 1003}], "daily": [*days, *few], "gaps": gaps}, *READ)
    many, two, empty = queries.fleet(opened)["sites"]
    newest = [*range(9, 38), 39]
    assert (many["days_stored"], many["home"], many["newest_home"]) == (39, sum(newest), newest)
    assert (two["days_stored"], two["home"], two["newest_home"]) == (2, 30, [None, 30])
    assert (two["solar"], two["newest_solar"], two["grid_import"]) == (500, [500, None], None)
    assert (two["gaps"], two["unexplained"]) == (len(GapCause) - len(BY_NATURE), 0)
    assert (empty["days_stored"], empty["home"], empty["newest_home"]) == (0, None, None)
    assert queries.overview(opened, None)["attention"] == {"gaps": two["gaps"], "unexplained": 0}
    assert queries.overview(opened, [1001])["attention"] == {"gaps": 0, "unexplained": 0}


def test_day_of_several_sites_has_the_intervals_that_all_of_them_have(database: Database) -> None:
    """Of two sites with power, one misses an interval; a third has none that day, and is not waited for."""

    def row(site: int, minute: int, watts: float | None) -> Row:
        start = datetime(2025, 3, 1, 8, minute, tzinfo=UTC)  # midnight in Los Angeles
        return {"site_id": site, "interval_start": start, "local_date": FIRST, "home_w": watts, "interval_s": 300}

    power = [row(1001, 0, 100.0), row(1001, 5, 200.0), row(1002, 0, 10.0), row(1002, 10, 30.0), row(1003, 0, 5.0)]
    sites: list[Row] = [HERE, THERE, {**THERE, "site_id": 1004}, {"site_id": 1003, "timezone": "Europe/Berlin"}]
    opened = database({"sites": sites, "power": power}, *READ)
    found = queries.day_together(opened, [1001, 1002, 1004], FIRST)
    assert (found["power"]["minute"], found["power"]["home"], found["power"]["solar"]) == ([0.0], [110.0], [None])
    assert (found["sites"], found["sites_stored"], found["left_out"], found["minutes"]) == (3, 2, 2, 1440)
    with pytest.raises(QueryFailed, match="several time zones"):
        queries.day_together(opened, [1001, 1003], FIRST)
    assert queries.day_together(opened, [1004], FIRST)["power"]["minute"] == []


def test_year_of_several_sites_is_by_site_and_month(database: Database) -> None:
    """Only what is known is added up, and how many bills that are is counted; currencies stay apart."""

    def bill(site: int, month: int, cost: int | None, currency: str = "USD") -> Row:
        begins = {"cycle_start": date(2025, month, 5), "cycle_end": date(2025, month + 1, 4)}
        return {"site_id": site, "net_cost": cost, "currency": currency, "days": 30, "priced_days": 30, **begins}

    bills = [bill(1001, 3, 10), bill(1001, 4, None), bill(1002, 3, 7, "EUR")]
    days = [_day(1001, FIRST), _day(1001, date(2025, 3, 2), status="missing"), _day(1002, date(2024, 12, 31))]
    gaps: list[Row] = [{"site_id": 1001, "cause": "no_data", "gap_start": datetime(2025, 3, 2, tzinfo=UTC)}]
    opened = database({"sites": [HERE, THERE], "bills": bills, "daily": days, "gaps": gaps}, *READ)
    costs = queries.section_of_sites(opened, Section.COSTS, None, 2025)["rows"]
    assert [(row["site_id"], row["period"], row["currency"], row["bills"], row["net_cost"]) for row in costs] == [
        ("1001", "2025-03", "USD", 1, 10.0),
        ("1001", "2025-04", "USD", 1, None),
        ("1002", "2025-03", "EUR", 1, 7.0),
    ]
    assert [row["known_bills"] for row in costs] == [1, 0, 1]
    (trust,) = queries.section_of_sites(opened, Section.TRUST, [1001, 1002], 2025)["rows"]
    assert (trust["period"], trust["agreed"], trust["missing"], trust["gaps"], trust["unexplained"]) == (
        "2025-03",
        1,
        1,
        1,
        0,
    )
    for name in (Section.BATTERY, Section.CARS):
        assert queries.section_of_sites(opened, name, [1002], 2025)["rows"] == []
