"""Settings as a history: only changes make rows."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.unit.transform.answers import checked, records
from transform.site_settings import settings_frame, settings_of

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
INFO: dict[str, Any] = {
    "backup_reserve_percent": 20,
    "default_real_mode": "self_consumption",
    "user_settings": {"storm_mode_enabled": True},
    "components": {
        "customer_preferred_export_rule": "pv_only",
        "disallow_charge_from_grid_with_solar_installed": True,
    },
    "off_grid_vehicle_charging_reserve_percent": 75,
    "tariff_content_v2": {"name": "flat", "code": "x"},
    "version": "25.18.3",
}


def at(days: int) -> datetime:
    return FIRST + timedelta(days=days)


def test_what_did_not_change_is_one_row_and_a_change_ends_it() -> None:
    """Type-2: ten days, one change on the fifth."""
    changed = {**INFO, "backup_reserve_percent": 80}
    seen = [(at(day), INFO if day < 5 else changed) for day in range(10)]
    frame = checked({"site_settings": settings_frame(101, seen[::-1])})["site_settings"]
    assert frame["backup_reserve_pct"].tolist() == [20.0, 80.0]
    assert frame["valid_from"].tolist() == [at(0), at(5)]
    assert frame["valid_to"].iloc[0] == at(5)
    assert frame["valid_to"].isna().tolist() == [False, True]


def test_what_is_changed_back_is_three_rows() -> None:
    seen = [(at(day), {**INFO, "version": version}) for day, version in enumerate(["1", "2", "1", "1"])]
    assert settings_frame(101, seen)["firmware_version"].tolist() == ["1", "2", "1"]


def test_every_setting_is_found_where_the_api_has_it() -> None:
    """API.md#site-info; of the tariff the checksum, whatever the order of its keys."""
    (row,) = records(checked({"site_settings": settings_frame(101, [(FIRST, INFO)])})["site_settings"])
    assert {name: row[name] for name in row if name not in {"site_id", "valid_from", "valid_to"}} == {
        "backup_reserve_pct": 20.0,
        "default_real_mode": "self_consumption",
        "storm_mode_enabled": True,
        "customer_preferred_export_rule": "pv_only",
        "disallow_charge_from_grid": True,
        "off_grid_vehicle_charging_reserve_pct": 75.0,
        "tariff_sha256": hashlib.sha256(orjson.dumps({"code": "x", "name": "flat"})).hexdigest(),
        "firmware_version": "25.18.3",
    }
    turned = {**INFO, "tariff_content_v2": {"code": "x", "name": "flat"}}
    assert settings_of(turned) == settings_of(INFO)


def test_settings_that_are_never_reported_stay_null_and_make_no_rows() -> None:
    frame = checked({"site_settings": settings_frame(101, [(at(0), {}), (at(1), {}), (at(2), {"version": ""})])})
    settings = frame["site_settings"].drop(columns=["site_id", "valid_from"])
    assert len(settings) == 1
    assert settings.isna().all(axis=None)


@pytest.mark.parametrize("value", [True, "20", -1, 101, None, {}])
def test_a_reserve_that_is_no_percentage_is_unknown(value: object) -> None:
    assert settings_of({"backup_reserve_percent": value})["backup_reserve_pct"] is None


def test_a_site_that_was_never_asked_has_no_settings() -> None:
    assert len(settings_frame(101, [])) == 0
