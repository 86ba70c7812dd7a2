"""What the responses of an account say, with every value null or of another type."""

from typing import Any

import pytest

from transform.account_items import (
    covers,
    scope_items,
    subscription_items,
    vehicle_items,
    vehicles_in,
    vins_of,
)
from wattlog.providers import READ_SCOPE, TESLEMETRY, USERS_REGION

CALL = TESLEMETRY.identity
VIN = "5YJSIM00000000001"


def facts(document: dict[str, Any], status: Any = None, product: dict[str, Any] | None = None) -> dict[str, Any]:
    """The facts of the only vehicle, by name."""
    vehicles = [] if product is None else [{"vin": VIN, **product}]
    return {item.name: (item.value, item.source) for item in vehicle_items(vehicles, document, status, CALL)}


def test_a_value_comes_from_the_first_response_that_has_it() -> None:
    """Q142: fleet_status before metadata, products before metadata."""
    described = {"vehicles": {VIN: {"permission": "GUEST", "firmware": "old", "access": True}}}
    status = {"vehicle_info": {VIN: {"firmware_version": "new", "total_number_of_keys": 8}}, "unpaired_vins": [VIN]}
    found = facts(described, status, {"access_type": "OWNER", "state": "asleep"})
    assert (found["access type"], found["firmware"]) == (("OWNER", "products"), ("new", "fleet_status"))
    assert (found["keys"][0], found["virtual key"][0], found["state"][0]) == (8, False, "asleep")
    found = facts(described)
    assert (found["access type"], found["firmware"]) == (("GUEST", "metadata"), ("old", "metadata"))
    assert (found["keys"][0], found["virtual key"][0]) == (None, None)


@pytest.mark.parametrize("nothing", [None, "", 0, [], True, {"x": None}])
def test_nothing_is_made_of_what_is_no_value(nothing: Any) -> None:
    """Q141: no entry is an error, whatever stands in its place."""
    document = dict.fromkeys(("vehicles", "energy_sites", "subscription"), nothing)
    assert covers(document, 5) is (False if isinstance(nothing, dict) else None)
    assert {item.value for item in subscription_items(document, CALL)} <= {None, "0 of 0", "0 of 1"}
    about = {VIN: nothing}
    found = facts({"vehicles": {VIN: nothing}}, {"vehicle_info": about, "key_paired_vins": nothing}, {"state": nothing})
    assert found["firmware"] == (None, "fleet_status, metadata")
    assert found["in the subscription"][0] is False
    assert vehicles_in({"response": nothing}) == []
    assert vehicles_in(nothing) == []


def test_every_vehicle_is_named_once() -> None:
    assert vins_of([{"vin": VIN}], {"vehicles": {VIN: {}, "5YJSIM00000000002": {}}}) == [VIN, "5YJSIM00000000002"]


def test_vehicles_whose_vins_end_alike_are_kept_apart() -> None:
    vins = (VIN, VIN.replace("SIM", "SIX"), "5YJSIM00000000002")
    items = vehicle_items([{"vin": vin, "state": "online"} for vin in vins], {}, None, CALL)
    subjects = {item.subject for item in items if item.name == "state"}
    assert len(subjects) == 3
    assert "vin-000002" in subjects


def test_scopes_are_granted_missing_or_not_reported() -> None:
    granted, *missing = scope_items([READ_SCOPE], "the token")
    assert (granted.name, granted.value) == (f"scope {READ_SCOPE}", "granted")
    assert all(str(item.value).startswith("missing; needed for") for item in missing)
    (unknown,) = scope_items(None, "region")
    assert (unknown.name, unknown.value, unknown.source) == ("scopes", None, "region")


def test_a_provider_without_subscriptions_has_no_items_of_one() -> None:
    assert list(subscription_items({}, USERS_REGION)) == []
