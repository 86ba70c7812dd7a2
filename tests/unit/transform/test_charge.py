"""Charge sessions: protobuf's ways with zeros and numbers, two keys, ends of months."""

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, reasons, records
from transform.events import shape_charge

SESSION: dict[str, Any] = {
    "charge_start_time": {"seconds": 1_764_570_574},
    "charge_duration": {"seconds": 8199},
    "energy_added_wh": 21508,
    "target_id": {"text": "connector-1"},
    "din": "made-up-serial",
}
STARTED = datetime.fromtimestamp(1_764_570_574, UTC)


def month(sessions: object, *, number: int = 0, key: str = "charge_history") -> KeptAnswer:
    body = orjson.dumps({"response": {key: sessions}})
    first, last = (date(2025, 11, 1), date(2025, 11, 30)) if number == 0 else (date(2025, 12, 1), date(2025, 12, 31))
    return KeptAnswer(f"raw-{number}", "charge", first, last, datetime(2026, 1, 1 + number, tzinfo=UTC), body)


@pytest.mark.parametrize("key", ["charge_history", "time_series"])
def test_a_session_is_a_row_under_either_key(key: str) -> None:
    """API.md#charge-sessions: both keys were seen."""
    (row,) = records(checked(shape_charge([month([SESSION], key=key)], BATTERY_SITE))["charge_sessions"])
    assert (row["started_at"], row["duration_s"], row["energy_added_wh"]) == (STARTED, 8199.0, 21508.0)
    assert (row["ended_at"] - row["started_at"]).total_seconds() == 8199
    assert row["target_id"] == "connector-1"


def test_the_serial_number_is_hashed() -> None:
    (row,) = records(shape_charge([month([SESSION])], BATTERY_SITE)["charge_sessions"])
    assert row["din_hash"] == hashlib.sha256(b"made-up-serial").hexdigest()


@pytest.mark.parametrize(
    ("change", "duration_s", "energy_wh", "target_id"),
    [
        ({"charge_duration": {}}, 0.0, 21508.0, "connector-1"),
        ({"charge_duration": None, "energy_added_wh": None}, 0.0, 0.0, "connector-1"),
        ({"target_id": {}}, 8199.0, 21508.0, ""),
        ({"charge_start_time": {"seconds": "1764570574"}, "energy_added_wh": "21508"}, 8199.0, 21508.0, "connector-1"),
    ],
    ids=["no seconds", "nothing at all", "no target", "numbers as strings"],
)
def test_what_is_zero_is_left_out_and_whole_numbers_may_be_strings(
    change: dict[str, Any], duration_s: float, energy_wh: float, target_id: str
) -> None:
    """Protobuf as JSON."""
    session = {name: value for name, value in {**SESSION, **change}.items() if value is not None}
    (row,) = records(checked(shape_charge([month([session])], BATTERY_SITE))["charge_sessions"])
    assert (row["started_at"], row["duration_s"], row["energy_added_wh"]) == (STARTED, duration_s, energy_wh)
    assert row["target_id"] == target_id


def test_a_session_over_the_end_of_a_month_is_one_row_of_the_last_response() -> None:
    """Both months' responses have it; two connectors that begin at once are two rows."""
    other = {**SESSION, "target_id": {"text": "connector-0"}}
    responses = [month([SESSION], number=0), month([{**SESSION, "energy_added_wh": 30_000}, other], number=1)]
    for order in (responses, responses[::-1]):
        frame = checked(shape_charge(order, BATTERY_SITE))["charge_sessions"]
        assert frame["target_id"].tolist() == ["connector-0", "connector-1"]
        assert frame["energy_added_wh"].tolist() == [21508.0, 30_000.0]
        assert frame["_raw_id"].tolist() == ["raw-1", "raw-1"]


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (None, "null_row"),
        (5, "not_an_object"),
        ({**SESSION, "charge_start_time": {}}, "no_timestamp"),
        ({**SESSION, "energy_added_wh": "much"}, "not_a_number"),
        ({**SESSION, "energy_added_wh": True}, "not_a_number"),
        ({**SESSION, "energy_added_wh": -1}, "out_of_range"),
        ({**SESSION, "charge_start_time": {"seconds": 10**12}}, "out_of_range"),
    ],
)
def test_what_is_no_session_goes_to_quarantine_and_the_others_stay(session: object, reason: str) -> None:
    tables = checked(shape_charge([month([session, SESSION])], BATTERY_SITE))
    assert reasons(tables) == [(0, reason)]
    assert len(tables["charge_sessions"]) == 1


@pytest.mark.parametrize("sessions", [[], None])
def test_a_month_without_sessions_has_no_rows(sessions: object) -> None:
    """Q23."""
    tables = checked(shape_charge([month(sessions)], BATTERY_SITE))
    assert len(tables["charge_sessions"]) == len(tables["quarantine"]) == 0


def test_responses_of_another_series_are_a_mistake_of_the_caller() -> None:
    wrong = KeptAnswer("r", "power", date(2025, 1, 1), date(2025, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), b"{}")
    with pytest.raises(ValueError, match="power"):
        shape_charge([wrong], BATTERY_SITE)
