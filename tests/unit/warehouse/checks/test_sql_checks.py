"""Each check lets sound rows pass and finds the row made to fail it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.checks.sql_checks import EXAMPLES, Check, checks, run_checks
from warehouse.connection import connect
from warehouse.errors import QueryFailed
from warehouse.schema import FLOWS, TABLES, Table
from warehouse.statements import load

LATE_EVENING = datetime(2025, 3, 2, 7, 55, tzinfo=UTC)
"""23:55 on 1 March in Los Angeles, the last five minutes of its day (UTC−8)."""

BATTERY_SITE = {"timezone": "America/Los_Angeles", "has_battery": True}
NOTHING_FLOWED = dict.fromkeys(FLOWS, 0.0)
SUNNY = {
    **NOTHING_FLOWED,
    "solar_energy_exported_wh": 724.0,
    "consumer_energy_imported_from_solar_wh": 38.0,
    "battery_energy_imported_from_solar_wh": 684.0,
    "grid_energy_exported_from_solar_wh": 2.0,
}


def days_of(*statuses: str) -> list[Row]:
    """Days from 1 March, each 2 kWh at home and 1 kWh out of the battery."""
    return [
        {
            "local_date": date(2025, 3, 1 + number),
            "status": status,
            "home_wh": 2000.0,
            "consumer_energy_imported_from_battery_wh": 1000.0,
            "consumer_energy_imported_from_solar_wh": 1000.0,
            "battery_energy_exported_wh": 1000.0,
        }
        for number, status in enumerate(statuses)
    ]


AGREEMENT = {
    "left_wh": 10.0,
    "right_wh": 9.0,
    "difference_wh": 1.0,
    "tolerance_wh": 1.0,
    "verdict": "agree",
    "granularity": "day",
}
SHIFT = {**AGREEMENT, "tolerance_wh": 0.5, "verdict": "differs", "cause": "allocation_shift"}
SKIPPED = {"left_wh": 10.0, "verdict": None, "cause": "no_splits", "granularity": "day"}
OUTAGE = {"started_at": LATE_EVENING, "ended_at": LATE_EVENING.replace(minute=56), "duration_s": 60.0}
COMMAND = {"name": "reserve", "value_asked": "40", "value_after": "40", "outcome": "applied", "attempts": 1}
SEEN_CHANGE = {"name": "reserve", "changed_at": LATE_EVENING, "not_before": LATE_EVENING, "command_id": "1"}
SOLD = {**NOTHING_FLOWED, "source": "energy_intervals", "home_wh": 38.0, "grid_export_wh": 2.0, **SUNNY}

DAY = date(2025, 3, 1)
IMPORTED = {**NOTHING_FLOWED, "grid_energy_imported_wh": 1_000.0, "consumer_energy_imported_from_grid_wh": 1_000.0}
HOUR_COST: Row = {
    "starts_at": LATE_EVENING.replace(minute=0),
    "local_date": DAY,
    "currency": "USD",
    "grid_import_wh": 1_000.0,
    "grid_export_wh": 0.0,
    "buy_per_kwh": Decimal("0.2"),
    "sell_per_kwh": Decimal("0.1"),
    "import_cost": Decimal("0.2"),
    "export_credit": Decimal(0),
}
DAY_COST: Row = {
    "local_date": DAY,
    "grid_import_wh": 1_000.0,
    "grid_export_wh": 0.0,
    **dict.fromkeys(("import_cost", "import_cost_low", "import_cost_high"), Decimal("0.2")),
    "export_credit": Decimal(0),
}
BILL: Row = {"cycle_start": DAY, "cycle_end": date(2025, 3, 31), "netting": "none", "import_cost": Decimal("0.2")}

PUBLIC_SESSION: Row = {
    "session_id": "1",
    "vehicle": "vin-000001",
    "started_at": LATE_EVENING,
    "energy_kwh": 42.0,
    "currency": "EUR",
    "total_due": Decimal("18.5"),
}
CHARGE: Row = {
    "command_id": "c9",
    "site_id": 0,
    "vehicle": "vin-000001",
    "requested_at": LATE_EVENING,
    "name": "charge",
    "value_asked": "start",
    "outcome": "failed",
    "reason": "no answer",
}


def replaced(view: str, column: str) -> str:
    """A view with another value in a column."""
    return (
        f"create table {view}_before as from analytics.{view}; drop view analytics.{view}; "
        f"create view analytics.{view} as select * replace ({column}) from {view}_before"
    )


SOUND: Mapping[str, Sequence[Row]] = {
    "sites": [BATTERY_SITE, {"site_id": 1002, "has_battery": False, "timezone": "UTC-05:30"}],
    "energy_intervals": [
        {"interval_start": LATE_EVENING, **SUNNY},
        {"interval_start": LATE_EVENING.replace(hour=8, minute=0), "local_date": date(2025, 3, 2)},
        {"site_id": 1002, **NOTHING_FLOWED, "solar_energy_exported_wh": 152_680.0},
    ],
    "power": [
        {"interval_start": LATE_EVENING},
        {"site_id": 1002, "interval_start": LATE_EVENING.replace(hour=5, minute=15)},
    ],
    "state_of_energy": [{"interval_start": LATE_EVENING}],
    "daily": [
        {"coverage_pct": 0.0, **SOLD, "battery_charge_wh": 684.0},
        *days_of("agreed", "agreed", "missing")[1:],
        {"site_id": 1002, "coverage_pct": 100.0, **NOTHING_FLOWED, "solar_energy_exported_wh": 152_680.0},
    ],
    "energy_periods": [
        {"granularity": "month", "source": "calendar_history/year", "period_start": date(2025, 2, 1), **NOTHING_FLOWED}
    ],
    "gaps": [
        {
            "series": "power",
            "gap_start": LATE_EVENING.replace(hour=8, minute=0),
            "gap_end": LATE_EVENING.replace(hour=9, minute=0),
        }
    ],
    "site_settings": [
        {"valid_from": LATE_EVENING, "valid_to": LATE_EVENING.replace(minute=57)},
        {"valid_from": LATE_EVENING.replace(minute=57)},
        {"site_id": 1002, "valid_from": LATE_EVENING},
    ],
    "charge_sessions": [
        {"started_at": LATE_EVENING, "ended_at": LATE_EVENING.replace(hour=9), "energy_added_wh": 9_001.0}
    ],
    "backup_events": [OUTAGE],
    "hourly_costs": [
        {**HOUR_COST, "site_id": 1003},
        {**HOUR_COST, "site_id": 1004, **dict.fromkeys(("buy_per_kwh", "import_cost"))},
    ],
    "daily_costs": [{**DAY_COST, "site_id": 1003}],
    "bills": [
        {**BILL, "site_id": 1003},
        {**BILL, "site_id": 1003, "cycle_start": date(2025, 4, 1), "cycle_end": date(2025, 4, 30), "import_cost": None},
    ],
    "reconciliation": [
        {**AGREEMENT, "measure": "agrees"},
        {**AGREEMENT, "measure": "differs", "tolerance_wh": 0.5, "verdict": "differs", "cause": "revised"},
        {
            **AGREEMENT,
            "measure": "lacks",
            "left_wh": None,
            "difference_wh": None,
            "verdict": "missing_left",
            "cause": "dropped_day",
        },
        {**SHIFT, "measure": "parts", "period_start": date(2025, 3, 1), "diverges_at": LATE_EVENING},
        {**SKIPPED, "measure": "is skipped"},
    ],
    "commands": [
        {**COMMAND, "command_id": "1"},
        {**COMMAND, "command_id": "2", "outcome": "failed", "value_after": None, "attempts": 0, "reason": "killed"},
        {**COMMAND, "command_id": "3", "outcome": "accepted_absent", "value_after": None, "reason": "absent"},
    ],
    "setting_changes": [SEEN_CHANGE, {**SEEN_CHANGE, "command_id": "", "name": "mode"}],
    "public_charging": [PUBLIC_SESSION, {**PUBLIC_SESSION, "session_id": "2", "total_due": None, "energy_kwh": None}],
}


@dataclass(frozen=True)
class Broken:
    """Rows that fail a check, a change to a model where rows alone cannot fail the check, and what is shown."""

    rows: Mapping[str, Sequence[Row]]
    shown: Mapping[str, object]
    breaking: str = ""


FAILING: dict[str, Broken] = {
    "interval_totals_equal_parts": Broken(
        {"energy_intervals": [{**SUNNY, "consumer_energy_imported_from_solar_wh": 39.0}]},
        {"whole": "solar", "whole_wh": 724.0, "parts_wh": 725.0},
    ),
    "intervals_match_local_date": Broken(
        {"power": [{"interval_start": LATE_EVENING, "local_date": date(2025, 3, 2)}]},
        {"table_name": "power", "local_date": date(2025, 3, 2), "date_by_site_clock": date(2025, 3, 1)},
    ),
    "coverage_is_a_percentage": Broken({"daily": [{"coverage_pct": 100.5}]}, {"coverage_pct": 100.5}),
    "intervals_do_not_overlap": Broken(
        {
            "energy_intervals": [
                {"interval_start": LATE_EVENING, "interval_s": 301},
                {"interval_start": LATE_EVENING.replace(hour=8, minute=0), "local_date": date(2025, 3, 2)},
            ]
        },
        {"table_name": "energy_intervals", "interval_start": LATE_EVENING},
    ),
    "daily_equals_intervals": Broken(
        {
            "daily": [{**SOLD, "battery_charge_wh": 684.0}],
            "energy_intervals": [
                {"interval_start": LATE_EVENING, **SUNNY},
                {
                    "interval_start": LATE_EVENING.replace(minute=50),
                    **NOTHING_FLOWED,
                    "generator_energy_exported_wh": 0.002,
                },
            ],
        },
        {"flow": "generator_energy_exported_wh", "day_wh": 0.0, "sum_wh": 0.002},
    ),
    "daily_totals_equal_parts": Broken(
        {"daily": [{**SOLD, "source": "calendar_history/day", "battery_charge_wh": 685.0}]},
        {"total": "battery charge", "total_wh": 685.0, "parts_wh": 684.0},
    ),
    "periods_equal_days": Broken(
        {"daily": days_of("agreed", "agreed")},
        {"granularity": "month", "measure": "home_kwh", "period_value": 5.0, "sum_of_days": 4.0},
        "update analytics.periods set home_kwh = home_kwh + 1 where granularity = 'month'",
    ),
    "hours_equal_intervals": Broken(
        {"energy_intervals": [{"interval_start": LATE_EVENING, **SUNNY}]},
        {"measure": "held_s", "hours_sum": 600.0, "intervals_sum": 300.0},
        "update analytics.hourly set held_s = held_s * 2",
    ),
    "ev_energy_equals_sessions": Broken(
        {"charge_sessions": [{"energy_added_wh": 9_000.0}]},
        {"days_kwh": 18.0, "sessions_kwh": 9.0},
        "update analytics.ev_charging set ev_kwh = ev_kwh * 2",
    ),
    "coverage_equals_stored_rows": Broken(
        {"power": [{"interval_start": LATE_EVENING}]},
        {"series": "power", "rows_counted": 2, "rows_stored": 1, "rows_expected": 2},
        "update analytics.coverage set held_rows = 2, expected_rows = 2",
    ),
    "battery_capacity_within_interval": Broken(
        {"live_status": [{"observed_at": LATE_EVENING, "total_pack_energy_wh": 13_000.0}]},
        {"month": date(2025, 3, 1), "capacity_kwh": 13.0, "span_kwh": 5.0, "discharged_kwh": None},
        "update analytics.battery_capacity set capacity_kwh = 13, capacity_low_kwh = 12, capacity_high_kwh = 14, span_kwh = 5",
    ),
    "site_time_zones_exist": Broken(
        {"sites": [{"timezone": "Mars/Olympus_Mons"}]}, {"timezone": "Mars/Olympus_Mons", "zone": "UTC"}
    ),
    "settings_do_not_overlap": Broken(
        {
            "site_settings": [
                {"valid_from": LATE_EVENING, "valid_to": LATE_EVENING.replace(minute=58)},
                {"valid_from": LATE_EVENING.replace(minute=57)},
            ]
        },
        {"valid_from": LATE_EVENING, "next_from": LATE_EVENING.replace(minute=57)},
    ),
    "tariffs_do_not_overlap": Broken(
        {
            "tariffs": [
                {"valid_from": LATE_EVENING, "kind": "file"},
                {"valid_from": LATE_EVENING.replace(minute=57), "kind": "api"},
                {"valid_from": LATE_EVENING.replace(minute=58), "kind": "api", "is_synthetic": True},
                {"valid_from": LATE_EVENING.replace(minute=58), "kind": "prices"},
            ]
        },
        {"valid_from": LATE_EVENING, "next_from": LATE_EVENING.replace(minute=57)},
    ),
    "gaps_contain_no_rows": Broken(
        {
            "power": [{"interval_start": LATE_EVENING}],
            "gaps": [
                {
                    "series": "power",
                    "gap_start": LATE_EVENING.replace(minute=50),
                    "gap_end": LATE_EVENING.replace(hour=8, minute=0),
                }
            ],
        },
        {"series": "power", "interval_start": LATE_EVENING},
    ),
    "reconciliation_verdict_matches_values": Broken(
        {"reconciliation": [{**AGREEMENT, "difference_wh": -1.0}]},
        {"left_wh": 10.0, "right_wh": 9.0, "difference_wh": -1.0},
    ),
    "costs_equal_energy_times_price": Broken(
        {"hourly_costs": [{**HOUR_COST, "buy_per_kwh": Decimal("0.3")}]},
        {"grid_import_wh": 1_000.0, "import_cost": Decimal("0.2")},
    ),
    "costs_count_each_interval_once": Broken(
        {
            "energy_intervals": [{"interval_start": LATE_EVENING, **IMPORTED}],
            "daily_costs": [{**DAY_COST, "grid_import_wh": 2_000.0}],
        },
        {"priced_import_wh": 2_000.0, "import_wh": 1_000.0},
    ),
    "daily_costs_equal_hours": Broken(
        {"hourly_costs": [HOUR_COST], "daily_costs": [{**DAY_COST, "import_cost": Decimal("0.21")}]},
        {"import_cost": Decimal("0.21"), "sum_of_hours": Decimal("0.2")},
    ),
    "bills_equal_days": Broken(
        {"daily_costs": [DAY_COST], "bills": [{**BILL, "import_cost": Decimal("0.3")}]},
        {"import_cost": Decimal("0.3"), "sum_of_days": Decimal("0.2")},
    ),
    "outage_duration_equals_span": Broken(
        {"backup_events": [{**OUTAGE, "duration_s": 60_000.0}]}, {"duration_s": 60_000.0}
    ),
    "command_outcomes_match_values": Broken(
        {"commands": [{**COMMAND, "value_after": None}]}, {"outcome": "applied", "value_after": None}
    ),
    "command_effects_equal_days": Broken(
        {"setting_changes": [SEEN_CHANGE]},
        {"name": "reserve", "side_length": "7 days", "status": "not_enough_data", "found": 1.5},
        "update analytics.command_effects set grid_import_difference_kwh = 1.5 where side_length = '7 days'",
    ),
    "ev_charging_months_equal_sessions": Broken(
        {"public_charging": [PUBLIC_SESSION], "charge_sessions": [{"energy_added_wh": 9_000.0}]},
        {"what": "public kWh", "by_months": 84.0, "by_sessions": 42.0},
        replaced("ev_charging_monthly", "public_kwh * 2 as public_kwh"),
    ),
    "charge_effects_equal_rows": Broken(
        {"commands": [CHARGE]},
        {"command_id": "c9", "status": "not_enough_data", "difference_w": 7_000.0, "by_rows_w": None},
        replaced("charge_effects", "7000.0 as home_difference_w"),
    ),
}

MODELS_CHECKED = (
    *("periods", "hourly", "ev_charging", "ev_charging_monthly", "coverage"),
    *("command_effects", "charge_effects", "battery_capacity"),
)
"""The models that checks read."""


def test_sound_rows_pass_every_check(database: Database) -> None:
    """A day's last interval, the last quarter at a fixed offset of half an hour (Q7) and a solar-only site (Q43) are none."""
    assert run_checks(database(SOUND, *MODELS_CHECKED)) == []


def test_every_check_has_a_row_that_fails_it() -> None:
    """A new check without a failing row is a failing test."""
    assert set(FAILING) == set(load("checks"))
    assert {check.name for check in checks()} == {*FAILING, *(f"{name}_key_is_unique" for name in TABLES)}


@pytest.mark.parametrize("name", FAILING)
def test_check_finds_the_row_that_fails_it(name: str, database: Database) -> None:
    """The check shows the offending row, and no other check fails."""
    broken = FAILING[name]
    connection = database({"sites": [BATTERY_SITE], **broken.rows}, *MODELS_CHECKED)
    if broken.breaking:
        connection.execute(broken.breaking)
    (failed,) = run_checks(connection)
    assert failed.check.name == name
    assert failed.rows == 1
    assert broken.shown.items() <= failed.examples[0].items()
    assert failed.check.purpose == load("checks")[name].header["purpose"]


@pytest.mark.parametrize(
    "row",
    [
        {**AGREEMENT, "left_wh": None},
        {**AGREEMENT, "left_wh": None, "difference_wh": None},
        {**AGREEMENT, "verdict": "missing_right", "cause": "dropped_day"},
        {**AGREEMENT, "tolerance_wh": 0.5},
        {**AGREEMENT, "tolerance_wh": 0.5, "verdict": "differs"},
        {**AGREEMENT, "period_start": date(2025, 3, 1), "diverges_at": LATE_EVENING},
        {**SHIFT, "period_start": date(2025, 3, 4), "diverges_at": LATE_EVENING},
        {**SKIPPED, "right_wh": 9.0, "difference_wh": 1.0},
        {**SKIPPED, "cause": None},
    ],
    ids=[
        "a difference from nothing",
        "agreement with nothing",
        "missing though it is there",
        "agreement beyond tolerance",
        "without cause",
        "parting though they agree",
        "parting on another day",
        "skipped though both are there",
        "skipped without a reason",
    ],
)
def test_reconciliation_that_contradicts_itself_is_found(row: Row, database: Database) -> None:
    """Values, difference, verdict and cause have to be consistent."""
    found = run_checks(database({"reconciliation": [row]}), [check_named("reconciliation_verdict_matches_values")])
    assert [failed.rows for failed in found] == [1]


def check_named(name: str) -> Check:
    return next(check for check in checks() if check.name == name)


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ("solar_energy_exported_wh", "grid_energy_exported_from_solar_wh"),
        ("solar_energy_exported_wh", "battery_energy_imported_from_solar_wh"),
        ("grid_energy_imported_wh", "consumer_energy_imported_from_grid_wh"),
        ("grid_energy_imported_wh", "battery_energy_imported_from_grid_wh"),
        ("battery_energy_exported_wh", "consumer_energy_imported_from_battery_wh"),
        ("battery_energy_exported_wh", "grid_energy_exported_from_battery_wh"),
    ],
)
def test_each_part_of_each_identity_counts(whole: str, part: str, database: Database) -> None:
    """A Wh more in any part, or in the whole, is found; in both it is none."""

    def differences(**flows: float) -> int:
        rows = [{**NOTHING_FLOWED, **flows}]
        found = run_checks(
            database({"sites": [BATTERY_SITE], "energy_intervals": rows}), [check_named("interval_totals_equal_parts")]
        )
        return len(found)

    assert differences(**{part: 1.0}) == 1
    assert differences(**{whole: 1.0}) == 1
    assert differences(**{whole: 1.0, part: 1.0}) == 0


@pytest.mark.parametrize("table", ["energy_intervals", "power", "state_of_energy"])
def test_interval_outside_its_day_is_found_in_every_series(table: str, database: Database) -> None:
    """All three interval tables are looked at."""
    rows: dict[str, Sequence[Row]] = {
        "sites": [BATTERY_SITE],
        table: [{"interval_start": LATE_EVENING, "local_date": date(2025, 3, 2)}],
    }
    (failed,) = run_checks(database(rows, "sites"), [check_named("intervals_match_local_date")])
    assert failed.examples[0]["table_name"] == table


@pytest.mark.parametrize("table", ["energy_intervals", "power", "prices", "state_of_energy"])
def test_intervals_that_overlap_are_found_in_every_table(table: str, database: Database) -> None:
    """All tables of intervals are looked at."""
    starts = [LATE_EVENING.replace(minute=minute) for minute in (55, 58)]
    rows = {table: [{"interval_start": start} for start in starts]}
    (failed,) = run_checks(database(rows), [check_named("intervals_do_not_overlap")])
    assert (failed.examples[0]["table_name"], failed.rows) == (table, 1)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_repeated_key_is_found_in_every_table(table: Table, database: Database) -> None:
    """The warehouse has no index: this is what holds its keys."""
    (failed,) = run_checks(database({table.name: [{}, {}]}), [check_named(f"{table.name}_key_is_unique")])
    assert failed.examples[0]["rows_with_key"] == 2


def test_a_failed_check_counts_all_rows_and_shows_a_few(database: Database) -> None:
    """A broken month does not flood the terminal."""
    days = [{"local_date": date(2025, 3, 1 + day), "coverage_pct": 101.0} for day in range(20)]
    (failed,) = run_checks(database({"daily": days}), [check_named("coverage_is_a_percentage")])
    assert failed.rows == 20
    assert len(failed.examples) == EXAMPLES


def test_check_that_cannot_run_is_an_error_not_a_pass() -> None:
    """An empty database has no rows that offend, and is no sound warehouse."""
    with connect() as connection, pytest.raises(QueryFailed, match=r"check sites_key_is_unique could not run: .*sites"):
        run_checks(connection)


@pytest.mark.parametrize("name", FAILING)
def test_header_states_purpose_returns_and_sources(name: str) -> None:
    """The purpose is what `wattlog verify` says."""
    assert set(load("checks")[name].header) == {"purpose", "returns", "sources"}


@pytest.mark.parametrize(
    "rows",
    [
        {"bills": [BILL, {**BILL, "cycle_start": date(2025, 3, 31), "cycle_end": date(2025, 4, 29)}]},
        {"hourly_costs": [{**HOUR_COST, "export_credit": Decimal("0.01")}]},
        {"hourly_costs": [{**HOUR_COST, "import_cost": None}]},
    ],
    ids=["cycles overlap", "credit without energy", "no cost although there is a price"],
)
def test_costs_that_contradict_themselves_are_found(rows: Mapping[str, Sequence[Row]], database: Database) -> None:
    """Each condition of the checks of costs counts."""
    names = ("bills_equal_days", "costs_equal_energy_times_price")
    found = run_checks(database(rows), [check_named(name) for name in names])
    assert [failed.rows for failed in found] == [1]
