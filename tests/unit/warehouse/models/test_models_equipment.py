"""Self-sufficiency, battery, outages, cars and differences, on literal rows."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.warehouse.conftest import Database
from warehouse.schema import FLOWS
from wattlog.zones import Zone

LA = {"timezone": "America/Los_Angeles", "has_battery": True, "site_name": "Home", "nameplate_energy_wh": 10_000.0}
FIRST = date(2025, 2, 1)


def day(number: int, **wh: float | None) -> dict[str, Any]:
    """The day so many days after 1 February; every flow that is not named is zero."""
    totals = dict.fromkeys(("home_wh", "grid_export_wh", "battery_charge_wh"), 0.0)
    return {**totals, **dict.fromkeys(FLOWS, 0.0), "local_date": FIRST + timedelta(days=number), **wh}


def clock(*when: int) -> datetime:
    """An instant by the clock of Los Angeles."""
    year, month, of_month, hour, minute = (*when, 0, 0)[:5]
    return datetime(year, month, of_month, hour, minute, tzinfo=Zone("America/Los_Angeles")).astimezone(UTC)


SHARES = (
    "select granularity, period_start, days, self_consumption_pct, self_sufficiency_pct, self_powered_pct "
    "from analytics.self_sufficiency order by granularity, period_start"
)


def test_shares_of_days_months_and_years_are_of_their_energy(database: Database) -> None:
    """A month's share is that of its sums, not the mean of its days' shares: 15 of 30 kWh of solar stayed, not 62 %."""
    sunny = {
        "solar_energy_exported_wh": 20_000.0,
        "grid_energy_exported_from_solar_wh": 15_000.0,
        "home_wh": 5_000.0,
    }
    dull = {"solar_energy_exported_wh": 10_000.0, "home_wh": 15_000.0, "consumer_energy_imported_from_grid_wh": 5_000.0}
    connection = database({"sites": [LA], "daily": [day(0, **sunny), day(27, **dull), day(28)]}, "self_sufficiency")
    assert connection.execute(SHARES).fetchall() == [
        ("day", date(2025, 2, 1), 1, 25.0, 100.0, 100.0),
        ("day", date(2025, 2, 28), 1, 100.0, pytest.approx(200 / 3), pytest.approx(200 / 3)),
        ("day", date(2025, 3, 1), 1, None, None, None),
        ("month", date(2025, 2, 1), 2, 50.0, 75.0, 75.0),
        ("month", date(2025, 3, 1), 1, None, None, None),
        ("year", date(2025, 1, 1), 3, 50.0, 75.0, 75.0),
    ]


@pytest.mark.parametrize(
    ("flows", "own", "powered"),
    [
        ({"battery_energy_imported_from_grid_wh": 4_000.0}, 40.0, 80.0),
        (
            {"battery_energy_imported_from_grid_wh": 4_000.0, "grid_energy_exported_from_battery_wh": 3_000.0},
            70.0,
            80.0,
        ),
        (
            {"battery_energy_imported_from_grid_wh": 4_000.0, "grid_energy_exported_from_battery_wh": 9_000.0},
            80.0,
            80.0,
        ),
        ({"battery_energy_imported_from_grid_wh": 40_000.0}, 0.0, 80.0),
    ],
    ids=["charged from the grid", "most of it given back", "more given back than taken", "more than the home used"],
)
def test_grid_energy_stays_the_grids_in_the_battery(
    flows: dict[str, float], own: float, powered: float, database: Database
) -> None:
    """A battery that is charged from the grid does not add to self-sufficiency, though the app calls it self-powered."""
    home = {"home_wh": 10_000.0, "consumer_energy_imported_from_grid_wh": 2_000.0}
    connection = database({"sites": [LA], "daily": [day(0, **home, **flows)]}, "self_sufficiency")
    row = connection.execute(SHARES).fetchall()[0]
    assert row[4:] == (pytest.approx(own), pytest.approx(powered))


def test_shares_of_a_solar_only_site_without_meter_are_unknown(database: Database) -> None:
    """Q43: exports that are not reported are not zero, so not all of the solar energy was used at home."""
    site = {**LA, "has_battery": False}
    rows = [day(0, solar_energy_exported_wh=9_000.0, home_wh=None)]
    connection = database({"sites": [site], "daily": rows}, "self_sufficiency")
    assert connection.execute(SHARES).fetchall()[0] == ("day", FIRST, 0, None, None, None)


def test_day_known_from_power_counts_in_energies_not_in_shares(database: Database) -> None:
    """Power has no splits: the month's shares are those of the other day."""
    split = {"home_wh": 8_000.0, "consumer_energy_imported_from_grid_wh": 2_000.0}
    unsplit = dict.fromkeys(FLOWS, None) | {"home_wh": 100_000.0}
    connection = database({"sites": [LA], "daily": [day(0, **split), day(1, **unsplit)]}, "self_sufficiency")
    query = "select days, home_kwh, self_sufficiency_pct from analytics.self_sufficiency where granularity = 'month'"
    assert connection.execute(query).fetchall() == [(1, 108.0, 75.0)]


def soe(first: datetime, *levels: float, seconds: int = 900) -> list[dict[str, Any]]:
    """Levels in adjacent intervals, filed under their days in Los Angeles."""
    rows = []
    for number, level in enumerate(levels):
        start = first + timedelta(seconds=seconds * number)
        local = start.astimezone(Zone("America/Los_Angeles")).date()
        rows.append({"interval_start": start, "interval_s": seconds, "local_date": local, "soe_pct": level})
    return rows


CYCLED = {"battery_charge_wh": 8_000.0, "battery_energy_exported_wh": 6_000.0}


def test_cycles_and_efficiency_are_of_the_energy_that_went_through(database: Database) -> None:
    """Two days of 8 kWh in and 6 kWh out, ending 20 % of 10 kWh fuller: (12 + 2) of 16 kWh are 87.5 %."""
    levels = [
        *soe(clock(2025, 2, 1), 40.0, 0.0, 100.0, 80.0),
        *soe(clock(2025, 2, 2), 50.0),
        *soe(clock(2025, 2, 3), 60.0),
    ]
    rows = [day(0, **CYCLED), day(1, **CYCLED)]
    connection = database({"sites": [LA], "daily": rows, "state_of_energy": levels}, "battery_cycles")
    found = connection.execute(
        "select granularity, period_start, days, charge_kwh, discharge_kwh, throughput_kwh, equivalent_full_cycles, "
        "stored_change_kwh, round_trip_efficiency_pct, min_soe_pct, max_soe_pct, mean_soe_pct, empty_h, full_h "
        "from analytics.battery_cycles order by granularity, period_start"
    ).fetchall()
    approx = pytest.approx
    assert found == [
        ("day", date(2025, 2, 1), 1, 8.0, 6.0, 14.0, 0.6, approx(1.0), None, 0.0, 100.0, 55.0, 0.25, 0.25),
        ("day", date(2025, 2, 2), 1, 8.0, 6.0, 14.0, 0.6, approx(1.0), None, 50.0, 50.0, 50.0, 0.0, 0.0),
        ("month", date(2025, 2, 1), 2, 16.0, 12.0, 28.0, 1.2, approx(2.0), approx(87.5), 0.0, 100.0, 54.0, 0.25, 0.25),
        ("year", date(2025, 1, 1), 2, 16.0, 12.0, 28.0, 1.2, approx(2.0), approx(87.5), 0.0, 100.0, 54.0, 0.25, 0.25),
    ]


MONTHS = "select stored_change_kwh, round_trip_efficiency_pct from analytics.battery_cycles where granularity = 'month'"


def test_efficiency_without_state_of_energy_is_not_corrected_and_says_so(database: Database) -> None:
    """Some providers give no state of energy: energy out by energy in, and the change is unknown."""
    connection = database({"sites": [LA], "daily": [day(0, **CYCLED), day(1, **CYCLED)]}, "battery_cycles")
    assert connection.execute(MONTHS).fetchall() == [(None, 75.0)]


def test_efficiency_stands_on_days_whose_balance_is_known(database: Database) -> None:
    """A day whose midnight is not stored is left out with its energy and its change, as is one without energy."""
    levels = [
        *soe(clock(2025, 2, 1), 40.0),
        *soe(clock(2025, 2, 2), 50.0),
        *soe(clock(2025, 2, 3, 4), 90.0),
        *soe(clock(2025, 2, 4), 20.0),
        *soe(clock(2025, 2, 5), 20.0),
    ]
    lossy = {"battery_charge_wh": 90_000.0, "battery_energy_exported_wh": 9_000.0}
    unknown = {"battery_charge_wh": None, "battery_energy_exported_wh": None}
    rows = [day(0, **CYCLED), day(1, **lossy), day(2, **lossy), day(3, **unknown)]
    connection = database({"sites": [LA], "daily": rows, "state_of_energy": levels}, "battery_cycles")
    assert connection.execute(MONTHS).fetchall() == [(pytest.approx(1.0), pytest.approx(87.5))]


def test_less_than_a_cycle_has_no_efficiency(database: Database) -> None:
    """Standing by, a battery's losses are of its electronics, not of its cycles."""
    connection = database({"sites": [LA], "daily": [day(0, **CYCLED)]}, "battery_cycles")
    assert connection.execute(MONTHS).fetchall() == [(None, None)]


def test_battery_of_unknown_size_has_no_cycles_and_site_without_one_no_row(database: Database) -> None:
    """NULL, not infinity; and a solar-only site's zeros are no battery at rest."""
    sites: list[dict[str, Any]] = [{**LA, "nameplate_energy_wh": 0.0}, {"site_id": 1002, "has_battery": False}]
    rows = [day(0, **CYCLED), {**day(0), "site_id": 1002}]
    connection = database({"sites": sites, "daily": rows}, "battery_cycles")
    query = "select distinct site_id, equivalent_full_cycles, stored_change_kwh from analytics.battery_cycles"
    assert connection.execute(query).fetchall() == [(1001, None, None)]


def outage(begin: datetime, end: datetime) -> dict[str, Any]:
    return {"started_at": begin, "ended_at": end, "duration_s": (end - begin).total_seconds()}


def five_minutes(first: datetime, count: int) -> list[dict[str, Any]]:
    """Intervals of 60 Wh at home, from the battery, under 12 Wh of sun."""
    flows = {
        "consumer_energy_imported_from_battery_wh": 60.0,
        "battery_energy_exported_wh": 60.0,
        "solar_energy_exported_wh": 12.0,
    }
    rows = []
    for number in range(count):
        start = first + timedelta(minutes=5 * number)
        local = start.astimezone(Zone("America/Los_Angeles")).date()
        rows.append({"interval_start": start, "interval_s": 300, "local_date": local, **flows})
    return rows


def test_outage_over_midnight_has_the_energy_of_its_time(database: Database) -> None:
    """From 23:52:30 to 0:10, half of the first interval and all of three: 210 Wh, once, though it has two days."""
    begin, end = clock(2025, 2, 1, 23, 52) + timedelta(seconds=30), clock(2025, 2, 2, 0, 10)
    levels = soe(clock(2025, 2, 1, 23, 45), 80.0, 70.0, 60.0)
    connection = database(
        {
            "sites": [LA],
            "backup_events": [outage(begin, end)],
            "energy_intervals": five_minutes(clock(2025, 2, 1, 23), 36),
            "state_of_energy": levels,
        },
        "outages",
    )
    found = connection.execute(
        "select site_name, started_at, ended_at, strftime(local_started_at, '%H:%M:%S'), local_date, duration_s, "
        "duration_h, home_kwh, battery_discharge_kwh, solar_kwh, begin_soe_pct, end_soe_pct from analytics.outages"
    ).fetchall()
    facts = ("Home", begin, end, "23:52:30", date(2025, 2, 1), 1050.0, pytest.approx(1050 / 3600))
    assert found == [(*facts, pytest.approx(0.21), pytest.approx(0.21), pytest.approx(0.042), 80.0, 70.0)]


def test_outage_that_is_not_stored_from_end_to_end_has_no_energy(database: Database) -> None:
    """A gateway that was silent in the middle: the energy is unknown, the duration is not."""
    rows = five_minutes(clock(2025, 2, 1, 12), 12)
    del rows[5]
    levels = soe(clock(2025, 2, 1, 8), 80.0)
    connection = database(
        {
            "sites": [LA],
            "backup_events": [outage(clock(2025, 2, 1, 12), clock(2025, 2, 1, 13))],
            "energy_intervals": rows,
            "state_of_energy": levels,
        },
        "outages",
    )
    found = connection.execute(
        "select duration_h, home_kwh, battery_discharge_kwh, solar_kwh, begin_soe_pct, end_soe_pct from analytics.outages"
    ).fetchall()
    assert found == [(1.0, None, None, None, None, None)]


CARS = (
    "select local_date, sessions, round(ev_kwh, 6), charging_h, home_kwh, ev_share_pct "
    "from analytics.ev_charging order by local_date"
)


def session(begin: datetime, hours: float, wh: float, target: str = "a") -> dict[str, Any]:
    end = begin + timedelta(hours=hours)
    return {
        "started_at": begin,
        "ended_at": end,
        "duration_s": hours * 3600,
        "energy_added_wh": wh,
        "target_id": target,
    }


def test_session_over_midnight_gives_each_day_its_share_by_time(database: Database) -> None:
    """One hour before midnight and three after it: 5 and 15 of 20 kWh, one session, on the evening it began."""
    sessions = [session(clock(2025, 2, 1, 23), 4, 20_000.0), session(clock(2025, 2, 2, 12), 1, 5_000.0, "b")]
    rows = [day(0, home_wh=10_000.0), day(1, home_wh=40_000.0)]
    connection = database({"sites": [LA], "charge_sessions": sessions, "daily": rows}, "ev_charging")
    assert connection.execute(CARS).fetchall() == [
        (date(2025, 2, 1), 1, 5.0, 1.0, 10.0, 50.0),
        (date(2025, 2, 2), 1, 20.0, 4.0, 40.0, 50.0),
    ]


def test_session_on_a_night_of_25_hours_is_shared_by_time_that_passed(database: Database) -> None:
    """Q5: from 22 o'clock on 1 November to 2 o'clock, which comes after five hours; no energy is lost or made."""
    connection = database(
        {"sites": [LA], "charge_sessions": [session(clock(2025, 11, 1, 22), 5, 10_000.0)]}, "ev_charging"
    )
    assert connection.execute(CARS).fetchall() == [
        (date(2025, 11, 1), 1, 4.0, 2.0, None, None),
        (date(2025, 11, 2), 0, 6.0, 3.0, None, None),
    ]


@pytest.mark.parametrize(
    ("zone", "midnight", "first"),
    [
        ("America/Havana", datetime(2025, 11, 2, 4, tzinfo=UTC), date(2025, 11, 1)),
        ("Atlantic/Azores", datetime(2025, 10, 26, 0, tzinfo=UTC), date(2025, 10, 25)),
    ],
)
def test_first_of_two_midnights_divides_a_session(
    zone: str, midnight: datetime, first: date, database: Database
) -> None:
    """Q5: one hour before the first midnight and two after it, the second of them after the second midnight."""
    site = {**LA, "timezone": zone}
    connection = database(
        {"sites": [site], "charge_sessions": [session(midnight - timedelta(hours=2), 6, 6_000.0)]}, "ev_charging"
    )
    assert connection.execute(CARS).fetchall() == [
        (first, 1, 2.0, 2.0, None, None),
        (first + timedelta(days=1), 0, 4.0, 4.0, None, None),
    ]


def test_session_in_an_hour_before_midnight_that_comes_again_is_of_the_day_that_has_begun(database: Database) -> None:
    """Q5: at St. John's in 2010 one minute after midnight the clock went back to 23:01; the day had begun, and goes on."""
    began = datetime(2010, 11, 7, 2, 45, tzinfo=UTC)
    site = {**LA, "timezone": "America/St_Johns"}
    connection = database({"sites": [site], "charge_sessions": [session(began, 2, 6_000.0)]}, "ev_charging")
    assert connection.execute(CARS).fetchall() == [(date(2010, 11, 7), 1, 6.0, 2.0, None, None)]


def test_session_that_ends_at_midnight_or_takes_no_time_has_one_day(database: Database) -> None:
    """No row of nothing on the next day; a session whose length the API left out keeps its energy."""
    sessions = [session(clock(2025, 2, 1, 20), 4, 8_000.0), session(clock(2025, 2, 5, 20), 0, 3_000.0)]
    connection = database({"sites": [LA], "charge_sessions": sessions}, "ev_charging")
    assert connection.execute(CARS).fetchall() == [
        (date(2025, 2, 1), 1, 8.0, 4.0, None, None),
        (date(2025, 2, 5), 1, 3.0, 0.0, None, None),
    ]


SHIFT = {"cause": "allocation_shift", "diverges_at": datetime(2025, 3, 9, 19, tzinfo=UTC)}
"""From noon on, on the day when California's clocks changed."""


def test_differences_are_the_rows_that_do_not_agree_in_kwh(database: Database) -> None:
    """Those that agree or have no verdict are left out, what a source lacks is NULL; two diverge by both clocks (Q21)."""
    shared = {"check_name": "interval_vs_day", "granularity": "day", "measure": "home_wh", "left_source": "intervals"}
    differs = {"left_wh": 31_200.0, "right_wh": 30_000.0, "difference_wh": 1_200.0, "tolerance_wh": 31.2}
    rows: list[dict[str, Any]] = [
        {**shared, "period_start": date(2025, 3, 1), "verdict": "agree"},
        {**shared, **differs, "period_start": date(2025, 3, 2), "verdict": "differs", "cause": "revised"},
        {
            **shared,
            "period_start": date(2025, 3, 3),
            "verdict": "missing_right",
            "left_wh": 5.0,
            "cause": "dropped_day",
        },
        {**shared, "period_start": date(2025, 3, 4), "verdict": None, "left_wh": 5.0, "cause": "no_splits"},
        {**shared, **differs, **SHIFT, "period_start": date(2025, 3, 9), "verdict": "differs"},
    ]
    connection = database({"sites": [LA], "reconciliation": rows}, "disagreements")
    found = connection.execute(
        "select site_name, period_start, left_kwh, right_kwh, difference_kwh, tolerance_kwh, verdict, cause "
        "from analytics.disagreements order by period_start"
    ).fetchall()
    assert found == [
        ("Home", date(2025, 3, 2), 31.2, 30.0, 1.2, 0.0312, "differs", "revised"),
        ("Home", date(2025, 3, 3), 0.005, None, None, None, "missing_right", "dropped_day"),
        ("Home", date(2025, 3, 9), 31.2, 30.0, 1.2, 0.0312, "differs", "allocation_shift"),
    ]
    parting = connection.execute(
        "select diverges_at, local_diverges_at::varchar from analytics.disagreements order by period_start"
    )
    assert parting.fetchall() == [(None, None), (None, None), (SHIFT["diverges_at"], "2025-03-09 12:00:00")]
    former_names = connection.execute(
        "select count(*) from analytics.disagreements"
        " where parts_at is distinct from diverges_at or local_parts_at is distinct from local_diverges_at"
    )
    assert former_names.fetchall() == [(0,)]


def test_sites_speak_the_day_of_their_clock(database: Database) -> None:
    """Installed late on 31 March by the site's clock; its offset of half an hour is one DuckDB keeps (Q7, Q36)."""
    installed = datetime(2025, 4, 1, 5, 15, tzinfo=UTC)
    sites: list[dict[str, Any]] = [
        {"timezone": "UTC-05:30", "installed_at": installed, "nameplate_power_w": 5000.0},
        {"site_id": 1002, "timezone": "Asia/Kolkata", "installed_at": installed},
        {"site_id": 1003},
    ]
    connection = database({"sites": sites}, "sites")
    found = connection.execute("select zone, installed_on, nameplate_power_kw from analytics.sites order by site_id")
    assert found.fetchall() == [
        ("GMT-05:30", date(2025, 3, 31), 5.0),
        ("Asia/Kolkata", date(2025, 4, 1), None),
        ("UTC", None, None),
    ]
    clocks = connection.execute("select distinct today = timezone(zone, now())::date from analytics.sites").fetchall()
    assert clocks == [(True,)]


CHARGING_MONTHS = (
    "select month, vehicle, currency, home_sessions, round(home_kwh, 6), home_cost, public_sessions, public_kwh, public_cost, "
    "total_kwh, total_cost from analytics.ev_charging_monthly order by all"
)


def plugged(at: datetime, vehicle: str | None, din_hash: str = "d") -> dict[str, Any]:
    return {"observed_at": at, "din_hash": din_hash, "vehicle": vehicle}


def test_a_home_session_has_a_car_only_where_a_snapshot_says_so(database: Database) -> None:
    """Q118: no snapshot, one before it, one of another connector, and two cars are no evidence."""
    begun = [clock(2025, 2, day_, 12) for day_ in range(1, 6)]
    sessions = [{**session(at, 2, 1_000.0), "din_hash": "d"} for at in begun]
    hour = timedelta(hours=1)
    states = [
        plugged(begun[0] + hour, "vin-000001"),
        plugged(begun[1] - hour, "vin-000001"),
        plugged(begun[2] + hour, "vin-000001", "other"),
        plugged(begun[3], "vin-000001"),
        plugged(begun[3] + hour, "vin-000002"),
        plugged(begun[4] + hour, None),
    ]
    tables = {"sites": [LA], "charge_sessions": sessions, "wall_connector_states": states}
    found = database(tables, "ev_session_days").execute(
        "select vehicle from analytics.ev_session_days order by started_at"
    )
    assert found.fetchall() == [("vin-000001",), (None,), (None,), (None,), (None,)]


def test_home_and_public_charging_are_joined_by_month_car_and_currency(database: Database) -> None:
    """A day with two cars has no cost of either; energy that was priced by time makes its sum unknown."""
    began = clock(2025, 2, 1, 12)
    sessions = [
        {**session(began, 2, 10_000.0), "din_hash": "d"},
        {**session(clock(2025, 3, 1, 12), 2, 5_000.0), "din_hash": "d"},
        {**session(clock(2025, 3, 1, 12), 2, 7_000.0, "b"), "din_hash": "e"},
    ]
    public = {"vehicle": "vin-000001", "currency": "USD", "started_at": began, "local_date": date(2025, 2, 3)}
    tables = {
        "sites": [LA],
        "charge_sessions": sessions,
        "wall_connector_states": [
            plugged(began, "vin-000001"),
            plugged(clock(2025, 3, 1, 12), "vin-000001"),
            plugged(clock(2025, 3, 1, 12), "vin-000002", "e"),
        ],
        "daily_costs": [
            {"local_date": date(2025, 2, 1), "currency": "USD", "ev_import_cost": Decimal("1.25")},
            {"local_date": date(2025, 3, 1), "currency": "USD", "ev_import_cost": Decimal(3)},
        ],
        "public_charging": [
            {**public, "session_id": "1", "energy_kwh": 30.0, "total_due": Decimal("15.10")},
            {**public, "session_id": "2", "energy_kwh": 3.0, "total_due": Decimal("0.20")},
            {**public, "session_id": "3", "local_date": date(2025, 4, 1), "energy_kwh": None, "total_due": Decimal(2)},
        ],
    }
    february, march, other, april = database(tables, "ev_charging_monthly").execute(CHARGING_MONTHS).fetchall()
    assert february == (
        *(date(2025, 2, 1), "vin-000001", "USD", 1, 10.0, Decimal("1.25"), 2, 33.0, Decimal("15.3")),
        *(43.0, Decimal("16.55")),
    )
    assert march == (date(2025, 3, 1), "vin-000001", "USD", 1, 5.0, None, 0, 0.0, Decimal(0), 5.0, None)
    assert other == (date(2025, 3, 1), "vin-000002", "USD", 1, 7.0, None, 0, 0.0, Decimal(0), 7.0, None)
    assert april == (date(2025, 4, 1), "vin-000001", "USD", 0, 0.0, Decimal(0), 1, None, Decimal(2), None, Decimal(2))
