"""Personal data is never kept; what the transform needs is."""

from hashlib import sha256
from typing import Any

import orjson
import pytest

from extract.archive.personal_data import MASK, redacted, shared_ends_in
from wattlog.pseudonyms import digest_of_device, pseudonym, short_vin, without_vins

HISTORY = "/api/1/energy_sites/1/calendar_history"

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
        "owner_email": "owner@example.org",
        "nameplate_power": 10000,
        "tariff_content_v2": {"name": "EV2", "seasons": {"Summer": {"fromDay": 1}}},
    }
}


def kept(path: str, payload: Any) -> Any:
    return orjson.loads(redacted(path, orjson.dumps(payload)))


def test_products() -> None:
    """API.md#products."""
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
    """API.md#site-info: one decimal of the geolocation stays, and state and country: the time-zone look-up needs them."""
    site = kept("/api/1/energy_sites/1/site_info", SITE_INFO)["response"]
    assert site["geolocation"] == {"latitude": 37.8, "longitude": -122.4}
    assert site["address"] == {"address_line1": MASK, "city": MASK, "state": "CA", "zip": MASK, "country": "US"}
    assert site["owner_email"] == MASK, "a key that is not on the list is masked"
    assert site["nameplate_power"] == 10000
    assert site["tariff_content_v2"] == SITE_INFO["response"]["tariff_content_v2"]
    assert site["installation_date"] == "2022-04-04T15:56:35-07:00"


def test_live_status_keeps_its_measurements() -> None:
    """Q118: a charge session is matched to a car by its wall connector."""
    payload = {
        "response": {
            "solar_power": 1,
            "wall_connectors": [{"din": "1", "vin": "TESTVIN0000000001", "wall_connector_power": 2.5}],
        }
    }
    assert kept("/api/1/energy_sites/1/live_status", payload)["response"] == {
        "solar_power": 1,
        "wall_connectors": [{"din": pseudonym("1"), "vin": "vin-000001", "wall_connector_power": 2.5}],
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"response": {"serial_number": "", "period": "day"}}',
        b'{ "response" :{"serial_number":null, "time_series" : [ ] }}\n',
        b'{"response": {"serial": "serial_number"}}',
        b"<html>",
        b"\xff",
    ],
)
def test_history_without_numbers_of_devices_is_kept_unchanged(body: bytes) -> None:
    assert redacted(HISTORY, body) == body


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (
            b'{"response": {"serial_number": "TG1", "a": 1.50}}',
            b'{"response": {"serial_number":"redacted", "a": 1.50}}',
        ),
        (b'{"serial_number":123456,"a":1}', b'{"serial_number":"redacted","a":1}'),
        (b'{"serial_number" : "a\\"b","vin":"5YJ"}', b'{"serial_number":"redacted","vin":"redacted"}'),
        (
            b'{"serial_number":"TG1"},{"serial_number":"TG2"',
            b'{"serial_number":"redacted"},{"serial_number":"redacted"',
        ),
    ],
)
def test_serial_numbers_of_history_are_masked_and_the_rest_stays_to_the_byte(body: bytes, kept: bytes) -> None:
    assert redacted(HISTORY, body) == kept


def test_wall_connectors_stay_apart_by_pseudonyms() -> None:
    """Two wall connectors stay two, and the tables have the digest that they always had."""
    body = b'[{"din":"1529455-02-D--PGT1"},{"din":"1529455-02-D--PGT2"},{"din":"1529455-02-D--PGT1"},{"din":""}]'
    first, second, third, empty = (session["din"] for session in orjson.loads(redacted(HISTORY, body)))
    assert first == third != second
    assert empty == ""
    assert "PGT" not in first
    assert (
        digest_of_device(first) == digest_of_device("1529455-02-D--PGT1") == sha256(b"1529455-02-D--PGT1").hexdigest()
    )


def test_a_page_that_is_not_json_is_not_kept() -> None:
    assert (
        redacted("/api/1/products", b"<html>owner@example.org") == b"redacted: 23 bytes that cannot be read: not JSON"
    )


def test_a_car_keeps_how_it_charges_and_nothing_else() -> None:
    """Q101: no name, no number, no place; the VIN in its short form."""
    car = {
        "id": 1,
        "id_s": "1",
        "vehicle_id": 2,
        "vin": "TESTVIN0000000001",
        "display_name": "Comet",
        "state": "online",
    }
    state = {"battery_level": 77, "charging_state": "Charging", "est_lat": 47.4, "managed_charging_user": "me"}
    payload = {
        "response": {**car, "charge_state": state, "drive_state": {"latitude": 47.4}, "location_data": {"lat": 1.5}}
    }
    assert kept("/api/1/vehicles/TESTVIN0000000001/vehicle_data", payload)["response"] == {
        "vin": "vin-000001",
        "display_name": MASK,
        "state": "online",
        "charge_state": {
            "battery_level": 77,
            "charging_state": "Charging",
            "est_lat": MASK,
            "managed_charging_user": MASK,
        },
    }


def test_a_public_session_keeps_no_invoice() -> None:
    """Q113, Q116."""
    session = {
        "sessionId": 1,
        "vin": "TESTVIN0000000001",
        "invoices": [{"contentId": "secret"}],
        "fees": [{"totalDue": 15.1}],
    }
    for payload in ({"data": [session]}, {"response": {"data": [session]}}):
        found = kept("/api/1/dx/charging/history", payload)
        assert found.get("response", found)["data"] == [
            {"sessionId": 1, "vin": "vin-000001", "fees": [{"totalDue": 15.1}]}
        ]


def test_the_short_form_of_a_vin_is_stable() -> None:
    assert short_vin("TESTVIN0000000001") == short_vin(short_vin("TESTVIN0000000001")) == "vin-000001"
    assert without_vins("/api/1/vehicles/TESTVIN0000000001/command/charge_start") == (
        "/api/1/vehicles/vin-000001/command/charge_start"
    )
    assert without_vins("/api/1/energy_sites/1689453203487921/site_info").endswith("/1689453203487921/site_info")


def test_cars_whose_vins_end_alike_have_different_short_forms() -> None:
    """The others keep the form that they have always had, so stored data still names them."""
    first, second, third = "TESTVIN0000000001", "TESTVIX0000000001", "TESTVIN0000000002"
    products = {"response": [{"vin": vin, "vehicle_id": 1} for vin in (first, second, third)] + [{"energy_site_id": 7}]}
    shared = shared_ends_in(orjson.dumps(products))
    assert shared == {"000001"}
    assert shared_ends_in(orjson.dumps({"response": [{"vin": first}, {"vin": first.lower()}]})) == frozenset()
    forms = [short_vin(vin, shared) for vin in (first, second, third)]
    assert forms == ["vin-000001-b43e", "vin-000001-a234", "vin-000002"]
    assert [short_vin(form) for form in forms] == forms, "what is stored is what the tables have"
    connectors = {"response": {"wall_connectors": [{"vin": first, "din": "D"}, {"vin": third, "din": "E"}]}}
    found = orjson.loads(redacted("/api/1/energy_sites/7/live_status", orjson.dumps(connectors), shared))
    assert [row["vin"] for row in found["response"]["wall_connectors"]] == [forms[0], forms[2]]
    assert all(row["din"].startswith("sha256:") for row in found["response"]["wall_connectors"])
