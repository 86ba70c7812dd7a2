"""The cars of the simulator: sleep, the three routes, reasons, currents below five amperes, schedules, and their charges."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.simulator import (
    CarBehaviour,
    CarState,
    Envelope,
    Fee,
    Plug,
    PublicSession,
    Signing,
    SiteSpec,
    Vehicle,
    World,
)
from extract.simulator.endpoints.car import COMMANDS
from extract.simulator.endpoints.cars import ASLEEP, CAR_PREFIX, HARDLOCKED, KEY_MISSING, WRONG_VIN, Cars
from extract.simulator.endpoints.events import telemetry_history
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.endpoints.site_state import live_status

NOW = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
VIN = "TESTVIN0000000001"
SITE = SiteSpec(installed_at=datetime(2026, 1, 5, 20, 0, tzinfo=UTC), wall_connectors=2, outages_per_year=0)
CAR = Vehicle(1, VIN, "Comet", state=CarState.ONLINE, signing=Signing.OFF, plug=Plug(SITE.site_id, 1))


def cars(car: Vehicle = CAR, behaviour: CarBehaviour | None = None, **of_world: Any) -> tuple[Cars, World]:
    world = World((SITE,), vehicles=(car,), **of_world)
    return Cars(world, behaviour), world


def send(made: Cars, name: str, now: datetime = NOW, *, is_proxy: bool = False, **body: Any) -> dict[str, Any]:
    """The `response` of a command that was answered with 200."""
    status, answer = made.command(VIN, name, json.dumps(body).encode(), now, is_proxy=is_proxy)
    assert status == 200
    response: dict[str, Any] = answer["response"]
    return response


def charge_state(made: Cars, now: datetime = NOW) -> dict[str, Any]:
    found: dict[str, Any] = made.data(VIN, "charge_state", now)["charge_state"]
    return found


DONE = {"result": True, "reason": ""}


def test_a_sleeping_car_is_woken_and_is_online_after_some_reads() -> None:
    """Q93: reading the state does not wake; `wake_up` answers at once."""
    made, _ = cars(replace(CAR, state=CarState.ASLEEP, wakes_after_polls=2))
    assert [made.vehicle(VIN)["state"] for _ in range(2)] == ["asleep", "asleep"]
    with pytest.raises(ApiError, match="408"):
        made.data(VIN, "charge_state", NOW)
    assert made.wake_up(VIN)["state"] == "waking"
    assert [made.vehicle(VIN)["state"] for _ in range(3)] == ["asleep", "asleep", "online"]
    assert charge_state(made)["charging_state"] == "Stopped"
    never, _ = cars(replace(CAR, state=CarState.OFFLINE, wakes_after_polls=None))
    never.wake_up(VIN)
    assert {never.vehicle(VIN)["state"] for _ in range(30)} == {"offline"}


def test_a_sleeping_car_is_408_directly_500_at_the_proxy_and_woken_by_teslemetry() -> None:
    """Q87, Q88, Q93."""
    asleep = replace(CAR, state=CarState.ASLEEP, signing=Signing.REQUIRED)
    made, _ = cars(asleep)
    for is_proxy, status in ((False, 408), (True, 500)):
        with pytest.raises(ApiError) as raised:
            send(made, "charge_start", is_proxy=is_proxy)
        assert (raised.value.status, raised.value.error) == (status, ASLEEP)
    woken, _ = cars(asleep, CarBehaviour(is_teslemetry=True))
    assert send(woken, "charge_start") == DONE


def test_a_car_of_today_refuses_unsigned_commands() -> None:
    """Q86: 200 with a reason, or 403; the proxy and Teslemetry sign."""
    signed = replace(CAR, signing=Signing.REQUIRED)
    made, _ = cars(signed)
    assert send(made, "charge_start") == {"result": False, "reason": HARDLOCKED}
    assert send(made, "charge_start", is_proxy=True) == DONE
    strict, _ = cars(signed, CarBehaviour(says_403=True))
    with pytest.raises(ApiError, match="Tesla Vehicle Command Protocol required"):
        send(strict, "charge_start")


def test_the_proxy_has_its_own_errors() -> None:
    """Q82, Q83, Q88, Q89: prefix, strict types, 17 characters, a key that is missing."""
    made, _ = cars()
    assert send(made, "charge_stop", is_proxy=True) == {"result": False, "reason": f"{CAR_PREFIX}not_charging"}
    with pytest.raises(ApiError, match="400"):
        send(made, "set_charge_limit", is_proxy=True, percent="75")
    with pytest.raises(ApiError) as raised:
        made.command("1", "charge_start", b"{}", NOW, is_proxy=True)
    assert (raised.value.status, raised.value.error) == (404, WRONG_VIN)
    keyless, _ = cars(replace(CAR, has_key=False))
    with pytest.raises(ApiError) as missing:
        send(keyless, "charge_start", is_proxy=True)
    assert (missing.value.status, missing.value.error) == (500, KEY_MISSING)
    old, _ = cars(behaviour=CarBehaviour(has_string_key=True))
    assert "string" in send(old, "charge_stop", is_proxy=True)


def test_a_car_refuses_what_is_done_or_not_possible_now() -> None:
    """Q76, Q80, Q85."""
    made, _ = cars()
    assert send(made, "charge_stop")["reason"] == "not_charging"
    assert send(made, "charge_standard")["reason"] == "already_standard"
    assert send(made, "set_charge_limit", percent=80)["reason"] == "already_set"
    assert send(made, "set_charge_limit", percent=40)["reason"] == "invalid_value"
    assert send(made, "charge_port_door_close") == DONE
    assert send(made, "charge_port_door_close")["reason"] == "already closed"
    assert send(made, "charge_start") == DONE
    assert send(made, "charge_start")["reason"] == "is_charging"
    assert send(made, "charge_port_door_open")["reason"] == "charging"
    assert send(made, "charge_max_range") == DONE
    full, _ = cars(replace(CAR, level_pct=81))
    assert send(full, "charge_start")["reason"] == "complete"
    free, _ = cars(replace(CAR, plug=None))
    assert send(free, "charge_start")["reason"] == "disconnected"
    assert charge_state(free)["charging_state"] == "Disconnected"


@pytest.mark.parametrize(
    ("reason", "answer"), [("car_wash", {"result": False, "reason": "car_wash"}), ("", {"result": False})]
)
def test_every_command_can_be_refused_with_any_reason(reason: str, answer: dict[str, Any]) -> None:
    """Q84, Q85: also without one."""
    made, _ = cars(behaviour=CarBehaviour(reason=reason))
    assert all(send(made, name) == answer for name in COMMANDS)


def test_below_five_amperes_a_current_takes_two_calls_and_is_not_shown() -> None:
    """Q77."""
    made, world = cars()
    send(made, "charge_start")
    send(made, "set_charging_amps", NOW + timedelta(minutes=10), amps=0, charging_amps=3)
    send(made, "set_charging_amps", NOW + timedelta(minutes=20), charging_amps=3)
    (charge,) = world.truth(SITE.site_id).spec.car_charges
    assert [power_w for _, _, power_w in charge.pieces] == [16 * 690, 5 * 690, 3 * 690]
    assert charge_state(made, NOW + timedelta(minutes=25))["charge_amps"] == 5
    assert send(made, "set_charging_amps", charging_amps=33)["reason"] == "invalid_value"


def test_both_schedules_share_one_state() -> None:
    """Q78, Q79, Q81."""
    made, _ = cars()
    send(made, "set_scheduled_charging", enable=True, time=1410)
    shown = charge_state(made)
    assert (shown["scheduled_charging_mode"], shown["scheduled_charging_start_time_app"]) == ("StartAt", 1410)
    send(made, "set_scheduled_departure", enable=True, departure_time=540, preconditioning_weekdays_only=True)
    shown = charge_state(made)
    assert (shown["scheduled_charging_mode"], shown["scheduled_departure_time_minutes"]) == ("DepartBy", 540)
    assert (shown["preconditioning_enabled"], shown["off_peak_charging_enabled"]) == (True, False)
    assert shown["preconditioning_times"] == "weekdays"
    send(made, "set_scheduled_charging", enable=False)
    assert charge_state(made)["scheduled_charging_mode"] == "Off"


def test_fleet_status_can_have_nulls() -> None:
    """Q100, Q101."""
    made, _ = cars(replace(CAR, has_key=False, number_of_keys=None))
    status = made.fleet_status(json.dumps({"vins": [VIN, "TESTVIN0000000009"]}).encode())
    assert (status["key_paired_vins"], status["unpaired_vins"]) == ([], [VIN])
    assert status["vehicle_info"][VIN]["total_number_of_keys"] is None
    assert charge_state(cars(replace(CAR, has_nulls=True))[0])["charger_phases"] is None


def test_a_charge_is_in_the_load_of_the_site_in_its_sessions_and_at_its_connector() -> None:
    """Q118, Q119: the home's energy grows by what the car takes, and the wall connector names the car."""
    made, world = cars()
    before = world.truth(SITE.site_id).day(date(2026, 3, 10)).home_wh
    send(made, "charge_start")
    send(made, "charge_stop", NOW + timedelta(hours=1))
    truth = world.truth(SITE.site_id)
    added = truth.day(date(2026, 3, 10)).home_wh - before
    assert added.sum() == 16 * 230 * 3
    later = NOW + timedelta(hours=2)
    query = Query(
        world, truth, {"kind": "charge", "start_date": "2026-03-10T08:00:00Z", "end_date": later.isoformat()}, later
    )
    response: Any = telemetry_history(query)
    session = response["charge_history"][-1]
    assert (session["energy_added_wh"], session["charge_duration"]) == (11_040, {"seconds": 3600})
    live = live_status(Query(world, truth, {}, NOW + timedelta(minutes=30)))["wall_connectors"]
    assert [(found.get("vin"), found["wall_connector_power"]) for found in live] == [(None, 0), (VIN, 11_040)]
    assert session["din"] == live[1]["din"]


def test_a_charge_ends_at_the_limit() -> None:
    made, world = cars()
    send(made, "charge_start")
    (charge,) = world.truth(SITE.site_id).spec.car_charges
    later = NOW + timedelta(seconds=charge.end_s - charge.start_s + 60)
    assert charge_state(made, later)["charging_state"] == "Complete"
    assert charge_state(made, later)["battery_level"] == 80


@pytest.mark.parametrize("envelope", list(Envelope))
def test_public_sessions_come_in_pages_in_either_envelope(envelope: Envelope) -> None:
    """Q113, Q114, Q115: newest first, null tiers, fees priced by time."""
    fees = (Fee(usage=(30.0, 0.0, None, None, None), total_due="15.00"), Fee("PARKING", unit="min", total_due=None))
    sessions = tuple(
        PublicSession(number, VIN, "Exampletown", NOW + timedelta(days=number), NOW + timedelta(days=number), fees)
        for number in range(5)
    )
    made, _ = cars(public_sessions=sessions, charging_envelope=envelope)

    def page(number: int) -> list[dict[str, Any]]:
        body = made.history({"pageNo": str(number), "pageSize": "2"})
        found: list[dict[str, Any]] = (body if envelope is Envelope.DATA else body["response"])["data"]
        return found

    assert [[session["sessionId"] for session in page(number)] for number in range(4)] == [[4, 3], [2, 1], [0], []]
    charging, parking = page(0)[0]["fees"]
    assert (charging["usageTier2"], charging["totalDue"], parking["totalDue"], parking["uom"]) == (
        None,
        15.0,
        None,
        "min",
    )
