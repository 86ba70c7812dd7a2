"""What a charge did to the home: rows of five minutes before and after, and every reason for which nothing is claimed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.warehouse.conftest import Database, Row

AT = datetime(2025, 2, 1, 20, 2, tzinfo=UTC)
ROW = datetime(2025, 2, 1, 20, 0, tzinfo=UTC)
CAR = "vin-000001"
COMMAND = {
    "command_id": "c1",
    "site_id": 0,
    "vehicle": CAR,
    "requested_at": AT,
    "name": "charge",
    "value_asked": "start",
    "outcome": "done",
    "attempts": 1,
}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def interval(start: datetime, home_wh: float) -> dict[str, Any]:
    return {
        "site_id": 101,
        "interval_start": start,
        "interval_s": 300,
        "consumer_energy_imported_from_grid_wh": home_wh,
        "consumer_energy_imported_from_solar_wh": 0.0,
        "consumer_energy_imported_from_battery_wh": None,
        "_fetched_at": AT + timedelta(days=2),
    }


def rows_of(step_wh: float = 900.0) -> list[dict[str, Any]]:
    """50 Wh in each row before; in the row of the command and the first after it something else; then what the car adds."""
    before = [interval(ROW - minutes(5 * count), 50.0) for count in (1, 2, 3)]
    mixed = [interval(ROW, 400.0), interval(ROW + minutes(5), 700.0)]
    return [*before, *mixed, *(interval(ROW + minutes(5 * count), 50.0 + step_wh) for count in (2, 3, 4))]


def reading(at: datetime, charging_state: str, amps: float) -> dict[str, Any]:
    return {
        "vehicle": CAR,
        "observed_at": at,
        "charging_state": charging_state,
        "charger_current_a": amps,
        "charger_voltage_v": 230.0,
        "charger_phases": 2 if amps else None,
        "_fetched_at": at,
        "_run_id": "c1",
    }


SOUND: dict[str, Sequence[Row]] = {
    "commands": [COMMAND],
    "wall_connector_states": [
        {"site_id": 101, "observed_at": AT + minutes(1), "din_hash": "d", "vehicle": CAR, "power_w": 0.0}
    ],
    "vehicle_states": [reading(AT - minutes(1), "Stopped", 0.0), reading(AT + minutes(1), "Charging", 16.0)],
    "energy_intervals": rows_of(),
}


def effect(database: Database, tables: Mapping[str, Sequence[Row]]) -> tuple[Any, ...]:
    found = database({**SOUND, **tables}, "charge_effects").execute(
        "select site_id, status, reason, before_home_w, after_home_w, home_difference_w, expected_difference_w "
        "from analytics.charge_effects where command_id = 'c1'"
    )
    (row,) = found.fetchall()
    return tuple(row)


def test_the_rows_around_the_command_are_compared(database: Database) -> None:
    """Q120: the row of the command and the first full one after it do not count; two phases mean three (Q101)."""
    assert effect(database, {}) == (101, "comparable", None, 600.0, 11_400.0, 10_800.0, 11_040.0)


OTHER = {**COMMAND, "command_id": "c2", "requested_at": AT + minutes(10)}
OUTAGE = {"site_id": 101, "started_at": ROW + minutes(20), "ended_at": ROW + minutes(30)}


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"commands": [{**COMMAND, "outcome": "failed"}]}, "not confirmed"),
        ({"wall_connector_states": []}, "no snapshot"),
        (
            {
                "wall_connector_states": [
                    {"site_id": 101, "observed_at": AT - minutes(16), "din_hash": "d", "vehicle": CAR}
                ]
            },
            "no snapshot",
        ),
        (
            {
                "wall_connector_states": [
                    {"site_id": site, "observed_at": AT, "din_hash": "d", "vehicle": CAR} for site in (101, 102)
                ]
            },
            "no snapshot",
        ),
        ({"commands": [COMMAND, OTHER]}, "another command"),
        ({"commands": [COMMAND, {**OTHER, "vehicle": None, "site_id": 101, "outcome": "applied"}]}, "another command"),
        ({"backup_events": [OUTAGE]}, "an outage"),
        ({"site_settings": [{"site_id": 101, "valid_from": AT + minutes(5)}]}, "a setting"),
        ({"live_status": [{"site_id": 101, "observed_at": AT, "storm_mode_active": True}]}, "storm watch"),
        ({"energy_intervals": rows_of()[1:]}, "2 rows of five minutes before and 3 after"),
        ({"energy_intervals": [{**row, "_fetched_at": AT + minutes(30)} for row in rows_of()]}, "within 15 minutes"),
    ],
)
def test_nothing_is_claimed_where_something_else_may_be_the_cause(
    database: Database, tables: Mapping[str, Sequence[Row]], reason: str
) -> None:
    _, status, found, *values = effect(database, tables)
    assert status == "not_enough_data"
    assert reason in found
    assert values[:3] == [None, None, None]


def test_a_command_that_was_refused_is_no_other_cause(database: Database) -> None:
    refused = {**OTHER, "outcome": "refused"}
    assert effect(database, {"commands": [COMMAND, refused]})[1] == "comparable"


def test_what_was_to_be_expected_needs_both_readings(database: Database) -> None:
    assert effect(database, {"vehicle_states": SOUND["vehicle_states"][:1]})[-1] is None


SESSION = {
    "site_id": 101,
    "started_at": AT + minutes(1),
    "ended_at": AT + minutes(121),
    "duration_s": 7_200.0,
    "energy_added_wh": 22_000.0,
    "din_hash": "d",
}


def connector(database: Database, *sessions: Row, **tables: Sequence[Row]) -> tuple[Any, ...]:
    found = database({**SOUND, "charge_sessions": sessions, **tables}, "charge_effects").execute(
        "select before_connector_w, after_connector_w from analytics.charge_effects where command_id = 'c1'"
    )
    (row,) = found.fetchall()
    return tuple(row)


def test_the_session_of_the_connector_has_its_power_where_no_snapshot_has(database: Database) -> None:
    """A snapshot is taken at the command, when the car has not begun; the session that covers the time after has 11 kW."""
    assert connector(database) == (None, None)
    assert connector(database, SESSION) == (None, 11_000.0)
    before = {
        **SESSION,
        "started_at": AT - minutes(60),
        "ended_at": AT,
        "duration_s": 3_600.0,
        "energy_added_wh": 7_000.0,
    }
    assert connector(database, SESSION, before) == (7_000.0, 11_000.0)


@pytest.mark.parametrize(
    "session",
    [
        {**SESSION, "din_hash": "another"},
        {**SESSION, "site_id": 102},
        {**SESSION, "ended_at": AT + minutes(20)},
        {**SESSION, "started_at": AT - minutes(30)},  # the command changed it
        {**SESSION, "duration_s": 0.0},
    ],
)
def test_a_session_that_does_not_have_the_power_of_the_time_is_left_out(database: Database, session: Row) -> None:
    assert connector(database, session) == (None, None)


def test_a_snapshot_of_the_time_counts_before_the_session(database: Database) -> None:
    seen = {"site_id": 101, "din_hash": "d", "vehicle": CAR}
    states = [
        {**seen, "observed_at": AT + minutes(1), "power_w": 0.0},
        {**seen, "observed_at": ROW + minutes(12), "power_w": 10_900.0},
    ]
    assert connector(database, SESSION, wall_connector_states=states) == (None, 10_900.0)
