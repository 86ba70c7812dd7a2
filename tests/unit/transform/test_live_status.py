"""Snapshots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pandas as pd

from tests.unit.transform.answers import BATTERY_SITE, SOLAR_SITE, KeptAnswer, answer, checked, reasons, records
from transform.live_status import shape_live_status

SNAPSHOT = {
    "solar_power": 1185,
    "percentage_charged": 95.5,
    "energy_left": 12_900.5,
    "total_pack_energy": 13_500,
    "battery_power": 5060,
    "load_power": 6245,
    "grid_power": 0,
    "grid_services_power": 0,
    "generator_power": 0,
    "grid_status": "Active",
    "island_status": "on_grid",
    "storm_mode_active": False,
    "backup_capable": True,
    "wall_connectors": [{"din": "a"}],
    "timestamp": "2025-06-10T12:00:00-07:00",
}


def snapshot(response: object, *, site_id: int = 101, raw_id: str = "raw-1") -> KeptAnswer:
    return replace(answer("snapshot", [], site_id=site_id, raw_id=raw_id), body=orjson.dumps({"response": response}))


def rows_of(*responses: KeptAnswer, site: Any = BATTERY_SITE) -> list[dict[str, Any]]:
    return records(checked(shape_live_status(responses, site))["live_status"])


def test_a_snapshot_is_a_row() -> None:
    (row,) = rows_of(snapshot(SNAPSHOT))
    assert row["observed_at"] == pd.Timestamp("2025-06-10T19:00:00Z")
    assert (row["solar_w"], row["battery_w"], row["grid_w"], row["load_w"]) == (1185.0, 5060.0, 0.0, 6245.0)
    assert (row["soe_pct"], row["energy_left_wh"], row["total_pack_energy_wh"]) == (95.5, 12_900.5, 13_500.0)
    assert (row["grid_status"], row["island_status"], row["storm_mode_active"]) == ("Active", "on_grid", False)
    assert row["_raw_id"] == "raw-1"


def test_what_a_snapshot_leaves_out_is_null() -> None:
    (row,) = rows_of(snapshot({"timestamp": "2025-06-10T19:00:00Z", "load_power": 5, "grid_status": 3}))
    assert row["load_w"] == 5.0
    assert pd.isna(row["soe_pct"])
    assert pd.isna(row["grid_status"])
    assert pd.isna(row["storm_mode_active"])


def test_a_site_without_battery_has_no_state_of_energy() -> None:
    """Such sites give 0 % and 1 Wh of a pack that does not exist."""
    given = {**SNAPSHOT, "percentage_charged": 0, "total_pack_energy": 1, "energy_left": 0}
    (row,) = rows_of(snapshot(given, site_id=202), site=SOLAR_SITE)
    assert pd.isna(row["soe_pct"])
    assert pd.isna(row["total_pack_energy_wh"])
    assert pd.isna(row["energy_left_wh"])


def test_the_same_instant_asked_twice_is_one_row_of_the_first_asking() -> None:
    """A site that is offline repeats its last instant: that it was observed then does not change."""
    late = replace(
        snapshot({**SNAPSHOT, "solar_power": 2}, raw_id="a"),
        requested_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(1),
    )
    assert [row["solar_w"] for row in rows_of(late, snapshot(SNAPSHOT, raw_id="b"))] == [1185.0]


def test_snapshots_that_say_nothing_usable_are_explained_or_empty() -> None:
    """Q23, Q38."""
    responses = [
        snapshot(None, raw_id="a"),
        snapshot({"solar_power": 5}, raw_id="b"),
        snapshot({**SNAPSHOT, "grid_power": 1_000_000_000}, raw_id="c"),
        snapshot([1], raw_id="d"),
    ]
    tables = checked(shape_live_status(responses, BATTERY_SITE))
    (row,) = records(tables["live_status"])
    assert (row["solar_w"], pd.isna(row["grid_w"])) == (1185.0, True)
    assert reasons(tables) == [(0, "no_timestamp"), (0, "out_of_range"), (0, "not_an_object")]
