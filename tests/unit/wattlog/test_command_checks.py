"""What is said about a change before it is sent."""

import pytest

from wattlog.commands.checks import Weight, remarks
from wattlog.commands.settings import SETTINGS, Setting

BATTERY = {
    "backup_reserve_percent": 20,
    "default_real_mode": "self_consumption",
    "user_settings": {"storm_mode_enabled": True},
    "components": {
        "battery": True,
        "solar": True,
        "tou_capable": True,
        "storm_mode_capable": True,
        "off_grid_vehicle_charging_reserve_supported": True,
    },
}
SOLAR_ONLY = {
    "user_settings": {"storm_mode_enabled": None},
    "components": {"solar": True, "battery": False, "tou_capable": False, "storm_mode_capable": False},
}
VALUES = {
    Setting.RESERVE: "20",
    Setting.MODE: "backup",
    Setting.STORM_WATCH: "off",
    Setting.EXPORT: "solar",
    Setting.GRID_CHARGING: "on",
    Setting.OFF_GRID_RESERVE: "30",
    Setting.TARIFF: "0" * 64,
}


def weights(name: Setting, text: str, info: dict[str, object]) -> list[Weight]:
    return [remark.weight for remark in remarks(SETTINGS[name], text, info)]


def components(**more: object) -> dict[str, object]:
    return BATTERY | {"components": dict(BATTERY["components"]) | more}  # type: ignore[call-overload]


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_said_about_a_usual_change(name: str) -> None:
    assert remarks(SETTINGS[name], VALUES[Setting(name)], BATTERY) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_a_site_without_a_battery_has_none_of_the_settings(name: str) -> None:
    """Q52, Q63."""
    assert Weight.IMPOSSIBLE in weights(Setting(name), VALUES[Setting(name)], SOLAR_ONLY)


@pytest.mark.parametrize("reserve", ["81", "99"])
def test_a_reserve_that_gateways_replace_needs_insistence(reserve: str) -> None:
    """Q48; in mode backup they do not."""
    assert weights(Setting.RESERVE, reserve, BATTERY) == [Weight.ADVICE]
    assert weights(Setting.RESERVE, reserve, BATTERY | {"default_real_mode": "backup"}) == [Weight.NOTE]


@pytest.mark.parametrize("reserve", ["1", "80", "100"])
def test_other_reserves_are_usual(reserve: str) -> None:
    assert weights(Setting.RESERVE, reserve, BATTERY) == []


def test_what_is_worth_knowing_is_a_note() -> None:
    """Q49, Q74."""
    assert weights(Setting.RESERVE, "0", BATTERY) == [Weight.NOTE]
    assert weights(Setting.MODE, "backup", BATTERY | {"vpp_backup_reserve_percent": 50}) == [Weight.NOTE]


def test_a_capability_that_is_absent_is_advice_and_one_that_is_false_is_final() -> None:
    assert weights(Setting.STORM_WATCH, "on", components(storm_mode_capable=None)) == [Weight.ADVICE]
    assert weights(Setting.STORM_WATCH, "on", components(storm_mode_capable=False)) == [Weight.IMPOSSIBLE]


@pytest.mark.parametrize("flag", ["edit_setting_permission_to_export", "edit_setting_energy_exports"])
def test_the_permission_of_the_installation_is_advice(flag: str) -> None:
    """Q56: no error would come, and nothing would change."""
    assert weights(Setting.EXPORT, "everything", components(**{flag: False})) == [Weight.ADVICE]
    assert weights(Setting.EXPORT, "everything", components(**{flag: True})) == []
    assert weights(Setting.EXPORT, "everything", components(non_export_configured=True)) == [Weight.ADVICE]
    chosen = components(non_export_configured=True, customer_preferred_export_rule="never")
    assert weights(Setting.EXPORT, "everything", chosen) == [], "Q55: both follow from the setting"
    assert weights(Setting.GRID_CHARGING, "on", components(edit_setting_grid_charging=False)) == [Weight.ADVICE]


@pytest.mark.parametrize("info", [{}, {"components": None}, {"components": [], "user_settings": ""}])
def test_an_unusual_site_info_is_no_error(info: dict[str, object]) -> None:
    for name, spec in SETTINGS.items():
        assert remarks(spec, VALUES[Setting(name)], info)
