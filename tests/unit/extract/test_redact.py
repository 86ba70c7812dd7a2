"""Personal data never reaches the archive; what the transform needs does."""

from typing import Any

import orjson
import pytest

from extract.redact import MASK, redacted

PRODUCTS: dict[str, Any] = {
    "response": [
        {"id": 7, "vehicle_id": 8, "vin": "5YJ3E1EA1KF000001", "display_name": "Nessie", "tokens": ["t0", "t1"]},
        {
            "energy_site_id": 2252000000000101,
            "resource_type": "battery",
            "site_name": "Harbour House",
            "id": "STE-77",
            "gateway_id": "1152100-14-J--CN1",
            "asset_site_id": "c0ffee",
            "warp_site_number": "GA-1",
            "percentage_charged": 57.1,
            "components": {"battery": True, "wall_connectors": [{"device_id": "abc", "din": "123", "is_active": True}]},
        },
    ],
    "count": 2,
}
SITE_INFO: dict[str, Any] = {
    "response": {
        "id": "313dbc37",
        "site_name": "Harbour House",
        "site_number": "2252147638651575",
        "installation_date": "2022-04-04T15:56:35-07:00",
        "installation_time_zone": "America/Los_Angeles",
        "geolocation": {"latitude": 37.774929, "longitude": -122.419418},
        "address": {"address_line1": "1 Quay", "city": "Port", "state": "CA", "zip": "94105", "country": "US"},
        "owner_email": "somebody@example.org",
        "nameplate_power": 10000,
        "tariff_content_v2": {"name": "EV2", "seasons": {"Summer": {"fromDay": 1}}},
    }
}


def kept(path: str, payload: Any) -> Any:
    return orjson.loads(redacted(path, orjson.dumps(payload)))


def test_products() -> None:
    """API.md §1.1."""
    vehicle, site = kept("/api/1/products", PRODUCTS)["response"]
    assert vehicle == {"vehicle_id": MASK}, "a vehicle stays recognisable as one, and nothing else"
    assert site["energy_site_id"] == 2252000000000101
    assert site["site_name"] == "Harbour House"
    assert site["components"] == {
        "battery": True,
        "wall_connectors": [{"device_id": MASK, "din": MASK, "is_active": True}],
    }
    assert {site[key] for key in ("id", "gateway_id", "asset_site_id", "warp_site_number")} == {MASK}


def test_site_info() -> None:
    """API.md §1.5: one decimal of the geolocation stays, and state and country: the time-zone look-up needs them."""
    site = kept("/api/1/energy_sites/1/site_info", SITE_INFO)["response"]
    assert site["geolocation"] == {"latitude": 37.8, "longitude": -122.4}
    assert site["address"] == {"address_line1": MASK, "city": MASK, "state": "CA", "zip": MASK, "country": "US"}
    assert site["owner_email"] == MASK, "a key that nobody has looked at is masked"
    assert site["nameplate_power"] == 10000
    assert site["tariff_content_v2"] == SITE_INFO["response"]["tariff_content_v2"]
    assert site["installation_date"] == "2022-04-04T15:56:35-07:00"


def test_live_status_keeps_its_measurements() -> None:
    payload = {
        "response": {"solar_power": 1, "wall_connectors": [{"din": "1", "vin": "5YJ", "wall_connector_power": 2.5}]}
    }
    assert kept("/api/1/energy_sites/1/live_status", payload)["response"] == {
        "solar_power": 1,
        "wall_connectors": [{"din": MASK, "vin": MASK, "wall_connector_power": 2.5}],
    }


@pytest.mark.parametrize("body", [b'{"response": {"serial_number": "X"}}', b"<html>", b"\xff"])
def test_history_is_kept_to_the_byte(body: bytes) -> None:
    assert redacted("/api/1/energy_sites/1/calendar_history", body) == body


def test_a_page_that_is_not_json_is_not_kept() -> None:
    assert redacted("/api/1/products", b"<html>somebody@example.org") == b"redacted: 26 bytes that are not JSON"
