"""The bodies of the ten commands, what charge_state shows of them, and the meaning of a reason that is ambiguous."""

import json
from typing import Any

import pytest

from wattlog.commands import cars
from wattlog.commands.car_answers import judge_car
from wattlog.commands.cars import Departure, is_shown, shown
from wattlog.commands.outcomes import Outcome


def test_the_ten_bodies() -> None:
    """Q75 to Q79, Q83: numbers and switches of their own types, every option of a departure, a time where it is off."""
    departure = Departure(450, True, False, True, True, 360)
    assert [
        (asked.endpoint, asked.body)
        for asked in (
            cars.charge_port(is_open=True),
            cars.charge(is_start=False),
            cars.limit("standard"),
            cars.limit("max"),
            cars.limit("75%"),
            cars.amps(16),
            cars.schedule_charging("23:30"),
            cars.schedule_charging("off"),
            cars.schedule_departure(departure),
        )
    ] == [
        ("charge_port_door_open", {}),
        ("charge_stop", {}),
        ("charge_standard", {}),
        ("charge_max_range", {}),
        ("set_charge_limit", {"percent": 75}),
        ("set_charging_amps", {"charging_amps": 16}),
        ("set_scheduled_charging", {"enable": True, "time": 1410}),
        ("set_scheduled_charging", {"enable": False, "time": 0}),
        (
            "set_scheduled_departure",
            {
                "enable": True,
                "departure_time": 450,
                "preconditioning_enabled": True,
                "preconditioning_weekdays_only": False,
                "off_peak_charging_enabled": True,
                "off_peak_charging_weekdays_only": True,
                "end_off_peak_time": 360,
            },
        ),
    ]
    off = cars.schedule_departure(None).body
    assert off.keys() == cars.schedule_departure(departure).body.keys()
    assert not any(off.values())


@pytest.mark.parametrize("text", ["", "-1", "101", "7.5", "½", "many"])
def test_a_limit_is_a_whole_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="whole percentage"):
        cars.limit(text)


@pytest.mark.parametrize("text", ["", "24:00", "7", "7:5", "07:60", "noon"])
def test_a_time_has_hours_and_minutes(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        cars.schedule_charging(text)


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        ("charge-port", {"charge_port_door_open": False}, "closed"),
        ("charge-port", {"charge_port_door_open": None}, None),
        ("charge", {"charging_state": "Charging"}, "Charging"),
        ("limit", {"charge_limit_soc": 80}, "80"),
        ("amps", {"charge_amps": 16.0}, "16"),
        ("amps", {"charge_current_request": 12}, "12"),
        (
            "schedule-charging",
            {"scheduled_charging_mode": "StartAt", "scheduled_charging_start_time_app": 1410},
            "23:30",
        ),
        (
            "schedule-charging",
            {"scheduled_charging_mode": "DepartBy", "scheduled_charging_start_time_app": 1410},
            "off",
        ),
        (
            "schedule-departure",
            {"scheduled_charging_mode": "DepartBy", "scheduled_departure_time_minutes": 450},
            "07:30",
        ),
        ("schedule-departure", {}, None),
    ],
)
def test_what_a_car_shows(name: str, state: dict[str, Any], text: str | None) -> None:
    """Q81, Q101: one state for both schedules, and nulls are common."""
    assert shown(name, state) == text


@pytest.mark.parametrize(
    ("name", "value", "state", "is_so"),
    [
        ("charge", "start", {"charging_state": "Charging"}, True),
        ("charge", "stop", {"charging_state": "Complete"}, True),
        ("charge", "stop", {}, False),
        ("limit", "standard", {"charge_limit_soc": 90, "charge_limit_soc_std": 90}, True),
        ("limit", "standard", {"charge_limit_soc": 90, "charge_limit_soc_std": None}, False),
        ("limit", "max", {"charge_limit_soc": 100}, True),
        ("charge-port", "open", {"charge_port_door_open": True}, False),
        ("schedule-departure", "07:30", {"scheduled_charging_mode": "DepartBy"}, False),
        ("schedule-departure", "off", {"scheduled_charging_mode": "Off"}, True),
    ],
)
def test_what_a_car_shows_to_be_so(name: str, value: str, state: dict[str, Any], is_so: bool) -> None:
    """Q80: standard depends on the car."""
    assert is_shown(name, value, state) is is_so


@pytest.mark.parametrize(
    ("charging_state", "outcome"),
    [("Complete", Outcome.DONE), ("Charging", Outcome.REFUSED), (None, Outcome.RETRY_LATER)],
)
def test_complete_after_a_stop_is_decided_by_the_state(charging_state: str | None, outcome: Outcome) -> None:
    """Q85."""
    body = json.dumps({"response": {"result": False, "reason": "complete"}}).encode()
    assert judge_car("charge_stop", 200, body, charging_state).outcome is outcome
    assert judge_car("charge_start", 200, body).outcome is Outcome.DONE


def test_an_old_proxy_has_another_key_and_every_proxy_a_prefix() -> None:
    """Q89."""
    for key in ("reason", "string"):
        for prefix in ("car could not execute command: ", "vcsec could not execute command: "):
            body = json.dumps({"response": {"result": False, key: f"{prefix}car_wash"}}).encode()
            assert judge_car("charge_start", 200, body).reason == "the car is in car wash mode (car_wash)"
