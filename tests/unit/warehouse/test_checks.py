"""Each check lets sound rows pass and finds the row made to fail it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.checks import EXAMPLES, checks, run_checks
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

SOUND: Mapping[str, Sequence[Row]] = {
    "sites": [BATTERY_SITE, {"site_id": 1002, "has_battery": False, "timezone": "UTC-07:00"}],
    "energy_intervals": [
        {"interval_start": LATE_EVENING, **SUNNY},
        {"interval_start": LATE_EVENING.replace(hour=8, minute=0), "local_date": date(2025, 3, 2)},
        {"site_id": 1002, **NOTHING_FLOWED, "solar_energy_exported_wh": 152_680.0},
    ],
    "power": [{"interval_start": LATE_EVENING}, {"site_id": 1002, "interval_start": LATE_EVENING.replace(hour=6)}],
    "state_of_energy": [{"interval_start": LATE_EVENING}],
    "daily": [{"coverage_pct": 0.0}, {"site_id": 1002, "coverage_pct": 100.0}],
}

FAILING: dict[str, tuple[str, Row, Mapping[str, object]]] = {
    "flows_add_up": (
        "energy_intervals",
        {**SUNNY, "consumer_energy_imported_from_solar_wh": 39.0},
        {"whole": "solar", "whole_wh": 724.0, "parts_wh": 725.0},
    ),
    "intervals_inside_their_day": (
        "power",
        {"interval_start": LATE_EVENING, "local_date": date(2025, 3, 2)},
        {"table_name": "power", "local_date": date(2025, 3, 2), "date_by_site_clock": date(2025, 3, 1)},
    ),
    "coverage_is_a_share": ("daily", {"coverage_pct": 100.5}, {"coverage_pct": 100.5}),
}


def test_sound_rows_pass_every_check(database: Database) -> None:
    """A last interval of a day, a fixed offset (Q7) and a solar-only site whose splits are zero (Q43) are no findings."""
    assert run_checks(database(SOUND)) == []


def test_every_check_has_a_row_that_fails_it() -> None:
    """A new check without a failing row is a failing test."""
    assert set(FAILING) == set(load("checks"))
    assert {each.name for each in checks()} == {*FAILING, *(f"{name}_key_is_unique" for name in TABLES)}


@pytest.mark.parametrize("name", FAILING)
def test_check_finds_the_row_that_fails_it(name: str, database: Database) -> None:
    """The finding shows the offending row, and no other check complains."""
    table, row, shown = FAILING[name]
    (finding,) = run_checks(database({"sites": [BATTERY_SITE], table: [row]}))
    assert finding.check.name == name
    assert finding.rows == 1
    assert shown.items() <= finding.examples[0].items()
    assert finding.check.purpose == load("checks")[name].header["purpose"]


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

    def findings(**flows: float) -> int:
        rows = [{**NOTHING_FLOWED, **flows}]
        return len(run_checks(database({"sites": [BATTERY_SITE], "energy_intervals": rows})))

    assert findings(**{part: 1.0}) == 1
    assert findings(**{whole: 1.0}) == 1
    assert findings(**{whole: 1.0, part: 1.0}) == 0


@pytest.mark.parametrize("table", ["energy_intervals", "power", "state_of_energy"])
def test_interval_outside_its_day_is_found_in_every_series(table: str, database: Database) -> None:
    """All three interval tables are looked at."""
    rows: dict[str, Sequence[Row]] = {
        "sites": [BATTERY_SITE],
        table: [{"interval_start": LATE_EVENING, "local_date": date(2025, 3, 2)}],
    }
    (finding,) = run_checks(database(rows))
    assert finding.examples[0]["table_name"] == table


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda each: each.name)
def test_repeated_key_is_found_in_every_table(table: Table, database: Database) -> None:
    """The warehouse has no index: this is what holds its keys."""
    findings = run_checks(database({table.name: [{}, {}]}))
    (finding,) = (each for each in findings if each.check.name == f"{table.name}_key_is_unique")
    assert finding.examples[0]["rows_with_key"] == 2


def test_finding_counts_all_rows_and_shows_a_few(database: Database) -> None:
    """A broken month does not flood the terminal."""
    days = [{"local_date": date(2025, 3, 1 + day), "coverage_pct": 101.0} for day in range(20)]
    (finding,) = run_checks(database({"daily": days}))
    assert finding.rows == 20
    assert len(finding.examples) == EXAMPLES


def test_check_that_cannot_run_is_an_error_not_a_pass() -> None:
    """An empty database has no rows that offend, and is no sound warehouse."""
    with connect() as connection, pytest.raises(QueryFailed, match=r"check sites_key_is_unique could not run: .*sites"):
        run_checks(connection)


@pytest.mark.parametrize("name", FAILING)
def test_header_states_purpose_returns_and_sources(name: str) -> None:
    """The purpose is what `wattlog verify` says."""
    assert set(load("checks")[name].header) == {"purpose", "returns", "sources"}
