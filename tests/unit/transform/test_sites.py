"""Sites from the products list and site_info."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.unit.transform.answers import checked
from transform.errors import ResponseNotUnderstood, UnknownTimeZone
from transform.products import energy_products
from transform.sites import site_from, sites_frame

VEHICLE = {"id": 7, "vin": "made up", "state": "asleep"}
BATTERY = {
    "energy_site_id": 2_000_000_000_000_151,
    "resource_type": "battery",
    "site_name": "Ridge",
    "components": {"battery": True, "solar": True, "grid": True, "wall_connectors": [{"din": "a"}, {"din": "b"}]},
}
GHOST = {"energy_site_id": 98, "components": {"battery": False, "solar": False, "grid": False}}
INFO = {
    "site_name": "Ridge Road",
    "installation_date": "2020-12-20T22:30:00-08:00",
    "installation_time_zone": "America/Los_Angeles",
    "nameplate_power": 10000,
    "nameplate_energy": 27000,
    "battery_count": 2,
    "components": {"battery": True, "solar": True, "grid": True, "wall_connectors": None},
}
PLACE = {"latitude": -34.9, "longitude": 138.6}
NEVER = {"state": "", "country": "DE"}
OFFSET = {**INFO, "installation_time_zone": None, "time_zone_offset": -420}
OF_OFFSET = "time_zone_offset"


def products(response: object) -> bytes:
    return orjson.dumps({"response": response, "count": 3})


def test_vehicles_are_skipped_and_ghosts_are_kept() -> None:
    """API.md#products: an energy site is what has an energy_site_id."""
    found = energy_products(products([VEHICLE, BATTERY, None, GHOST]))
    assert list(found.sites.values()) == [BATTERY, GHOST]
    assert found.unusable == ()


@pytest.mark.parametrize("response", [None, "", "nothing", []])
def test_an_account_without_products_has_no_sites(response: object) -> None:
    """Q23 holds for the products too."""
    assert energy_products(products(response)).sites == {}


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", products({"energy_site_id": 1}), products(3)])
def test_products_of_an_unknown_shape_are_one_clear_error(body: bytes) -> None:
    with pytest.raises(ResponseNotUnderstood, match="the products response should be a list"):
        energy_products(body)


def test_a_site_is_made_of_its_product_and_its_site_info() -> None:
    site = site_from(BATTERY, INFO, None)
    assert (site.site_id, site.site_name, site.resource_type) == (2_000_000_000_000_151, "Ridge Road", "battery")
    assert (site.has_solar, site.has_battery, site.has_grid, site.wall_connectors) == (True, True, True, 2)
    assert (site.nameplate_power_w, site.nameplate_energy_wh, site.battery_count) == (10000.0, 27000.0, 2)
    assert (site.timezone, site.timezone_source, site.status) == ("America/Los_Angeles", "installation_time_zone", "ok")
    assert site.installed_at == datetime(2020, 12, 21, 6, 30, tzinfo=UTC)


def test_the_day_of_installation_is_the_sites_own() -> None:
    assert site_from(BATTERY, INFO, None).installed_on == date(2020, 12, 20)
    assert site_from(BATTERY, {**INFO, "installation_date": None}, None).installed_on is None


def test_a_ghost_is_a_ghost_and_a_site_without_site_info_is_failing() -> None:
    """Ghosts have neither type nor parts; stale second sites answer site_info with 500."""
    assert site_from(GHOST, None, None).status == "ghost"
    assert site_from(BATTERY, None, None).status == "failing"


@pytest.mark.parametrize(
    ("info", "override", "timezone", "source"),
    [
        ({**INFO, "time_zone_offset": 60}, "Asia/Tokyo", "Asia/Tokyo", "setting"),
        ({**INFO, "time_zone_offset": 60}, "UTC-05:00", "UTC-05:00", "setting"),
        ({**INFO, "time_zone_offset": 60}, None, "America/Los_Angeles", "installation_time_zone"),
        ({**INFO, "installation_time_zone": "", "time_zone_offset": -420}, None, "UTC-07:00", "time_zone_offset"),
        (
            {**INFO, "installation_time_zone": "America/Pacific", "time_zone_offset": 345},
            None,
            "UTC+05:45",
            "time_zone_offset",
        ),
        ({**INFO, "installation_time_zone": "", "geolocation": PLACE}, None, "Australia/Adelaide", "geolocation"),
        ({**OFFSET, "geolocation": PLACE, "address": NEVER}, None, "Australia/Adelaide", "geolocation"),
        ({**OFFSET, "geolocation": {"latitude": None}, "address": NEVER}, None, "Europe/Berlin", "address"),
        (
            {**OFFSET, "geolocation": "redacted", "address": {"state": "TX", "country": "US"}},
            None,
            "UTC-07:00",
            OF_OFFSET,
        ),
        ({**OFFSET, "geolocation": None, "address": {"state": 5, "country": None}}, None, "UTC-07:00", OF_OFFSET),
        ({**OFFSET, "geolocation": {"latitude": True, "longitude": 1}, "address": "x"}, None, "UTC-07:00", OF_OFFSET),
        ({**INFO, "installation_time_zone": None}, None, "UTC-08:00", "installation_date"),
        ({**INFO, "installation_time_zone": None, "time_zone_offset": 99999}, None, "UTC-08:00", "installation_date"),
        ({"installation_date": "2020-12-20"}, None, "UTC", "none"),
        ({}, None, "UTC", "none"),
        (None, None, "UTC", "none"),
    ],
)
def test_the_zone_comes_from_the_best_that_is_known_and_says_from_where(
    info: dict[str, Any] | None, override: str | None, timezone: str, source: str
) -> None:
    """Q7, Q8: setting, name, place, address, offset, offset of the installation date, and UTC at last."""
    site = site_from(BATTERY, info, override)
    assert (site.timezone, site.timezone_source) == (timezone, source)
    assert site.zone.utcoffset(datetime(2025, 1, 1)) is not None  # noqa: DTZ001 - the wall clock asks for its offset


@pytest.mark.parametrize(
    ("info", "override", "minutes"),
    [
        (INFO, None, None),
        ({**INFO, "time_zone_offset": -420}, None, None),
        (OFFSET, None, -420),
        (OFFSET, "America/Denver", -420),
        ({**OFFSET, "geolocation": PLACE}, None, -420),
        ({**OFFSET, "time_zone_offset": 99999}, None, None),
        ({**OFFSET, "time_zone_offset": None}, "America/Denver", None),
    ],
)
def test_the_servers_clock_is_its_offset_whatever_the_zone(
    info: dict[str, Any], override: str | None, minutes: int | None
) -> None:
    """Q1, Q7: windows are days of the offset, also where the owner set the real zone; without an offset, of the zone."""
    site = site_from(BATTERY, info, override)
    offsets = [clock.timezone for clock in site.server_clocks if clock.timezone.startswith("UTC")]
    assert offsets == ([] if minutes is None else ["UTC-07:00"])
    july = datetime(2025, 7, 1, tzinfo=UTC).astimezone(site.clock).utcoffset()
    expected = site.zone.utcoffset(datetime(2025, 7, 1)) if minutes is None else timedelta(minutes=minutes)  # noqa: DTZ001 - the wall clock asks
    assert july == expected


def test_a_zone_setting_that_does_not_exist_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(UnknownTimeZone, match="Europe/Berlim"):
        site_from(BATTERY, INFO, "Europe/Berlim")


def test_a_product_without_id_is_an_error() -> None:
    with pytest.raises(ResponseNotUnderstood):
        site_from(VEHICLE, None, None)


@pytest.mark.parametrize("value", ["yes", True, -1, None, 1e12, {}])
def test_facts_of_the_wrong_kind_are_unknown(value: object) -> None:
    info = {**INFO, "nameplate_power": value, "battery_count": value, "installation_date": value, "site_name": value}
    site = site_from(BATTERY, info, None)
    assert (site.nameplate_power_w, site.battery_count, site.installed_at) == (None, None, None)


def test_a_date_of_installation_without_offset_is_read_on_the_sites_clock() -> None:
    site = site_from(BATTERY, {**INFO, "installation_date": "2020-12-20T00:00:00"}, None)
    assert site.installed_at == datetime(2020, 12, 20, 8, tzinfo=UTC)


def test_the_sites_table_has_every_site_once_ordered_by_id() -> None:
    frame = checked({"sites": sites_frame([site_from(BATTERY, INFO, None), site_from(GHOST, None, None)])})["sites"]
    assert frame["site_id"].tolist() == [98, 2_000_000_000_000_151]
    assert frame["status"].tolist() == ["ghost", "ok"]
    assert frame["installed_at"].isna().tolist() == [True, False]


def test_an_account_without_sites_has_an_empty_sites_table() -> None:
    assert len(checked({"sites": sites_frame([])})["sites"]) == 0
