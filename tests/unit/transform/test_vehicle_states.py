"""Readings of cars: units, nulls, values that cannot be, and readings that are repeated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pandas as pd

from tests.unit.transform.answers import KeptAnswer, answer, checked, reasons, records
from transform.vehicles import shape_vehicle_states
from wattlog.series_spec import Series

ASKED = datetime(2026, 1, 15, tzinfo=UTC)
STATE = {
    "battery_level": 77,
    "charge_limit_soc": 80,
    "charging_state": "Charging",
    "charger_power": 11,
    "charger_actual_current": 16,
    "charger_voltage": 230,
    "charger_phases": 2,
    "charge_amps": 16,
    "charge_energy_added": 12.5,
    "scheduled_charging_mode": "Off",
    "timestamp": 1_767_000_000_000,
}


def reading(minutes: int = 0, vin: object = "TESTVIN0000000001", **more: Any) -> KeptAnswer:
    return replace(
        answer(Series.VEHICLE_STATE, [], site_id=0, raw_id=f"raw-{minutes}"),
        body=orjson.dumps({"response": {"vin": vin, "state": "online", "charge_state": {**STATE, **more}}}),
        requested_at=ASKED + timedelta(minutes=minutes),
    )


def rows_of(*readings: KeptAnswer) -> list[dict[str, Any]]:
    return records(checked(shape_vehicle_states(readings))["vehicle_states"])


def test_a_reading_is_a_row() -> None:
    """Q101."""
    (row,) = rows_of(reading())
    assert row["vehicle"] == "vin-000001"
    assert row["observed_at"] == pd.Timestamp(1_767_000_000, unit="s", tz="UTC")
    assert (row["battery_level_pct"], row["charge_limit_pct"], row["charging_state"]) == (77.0, 80.0, "Charging")
    assert (row["charger_power_kw"], row["charger_current_a"], row["charger_voltage_v"]) == (11.0, 16.0, 230.0)
    assert (row["charger_phases"], row["charge_energy_added_kwh"]) == (2, 12.5)


def test_nulls_are_common() -> None:
    (row,) = rows_of(reading(charger_phases=None, charge_amps=None, charging_state=None, battery_level="?"))
    assert all(
        pd.isna(row[name]) for name in ("charger_phases", "charge_amps_a", "charging_state", "battery_level_pct")
    )


def test_a_reading_that_is_repeated_is_one_row_and_one_of_the_future_is_of_its_request() -> None:
    repeated = rows_of(reading(5), reading(0))
    assert [row["_raw_id"] for row in repeated] == ["raw-0"]
    (row,) = rows_of(reading(timestamp=4_000_000_000_000))
    assert row["observed_at"] == pd.Timestamp(ASKED)


def test_energy_in_wh_needs_several_readings_as_evidence() -> None:
    """Three readings that no battery can hold are Wh, and so are the others; a single one is a fault."""
    stamps = [{"timestamp": 1_767_000_000_000 + minute} for minute in range(4)]
    in_wh = [
        reading(minute, charge_energy_added=wh, **stamps[minute])
        for minute, wh in enumerate((12_500, 9_000, 2_000, 500))
    ]
    assert [row["charge_energy_added_kwh"] for row in rows_of(*in_wh)] == [12.5, 9.0, 2.0, 0.5]
    tables = checked(shape_vehicle_states([reading(charge_energy_added=12_500)]))
    assert tables["vehicle_states"]["charge_energy_added_kwh"].isna().all()
    assert tables["vehicle_states"]["battery_level_pct"].tolist() == [77.0]
    assert reasons(tables) == [(0, "out_of_range")]


def test_a_response_without_a_car_is_in_the_quarantine() -> None:
    assert reasons(shape_vehicle_states([reading(vin=None)])) == [(-1, "contract")]
