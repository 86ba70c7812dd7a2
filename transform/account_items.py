"""What the responses of an account say about its sites, vehicles, scopes, and subscription, each value with its source (Q142).

Nearly every value of these responses may be null or absent (Q141): then it is None, "not reported". Nothing of it is stored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transform.sites import Site
from wattlog.providers import SCOPE_USES, IdentityCall
from wattlog.pseudonyms import shared_ends, short_vin

Json = Mapping[str, Any]
Value = str | int | bool | None

PRODUCTS: Final = "products"
FLEET_STATUS: Final = "fleet_status"
SOURCE_OF_GRANT: Final = "the token"


@dataclass(frozen=True, slots=True)
class Item:
    """One fact of an account.

    Attributes:
        subject: What it is about: account, a site's id, or the short form of a VIN.
        name: Which fact.
        value: The value; None where it is not reported.
        source: The response that has it.
    """

    subject: str
    name: str
    value: Value
    source: str


def site_items(sites: Iterable[Site], document: Json, call: IdentityCall) -> Iterator[Item]:
    """Equipment of each site, and whether the subscription covers it (Q146)."""
    for site in sites:
        subject = str(site.site_id)
        yield Item(subject, "name", site.site_name, PRODUCTS)
        for name, has in (("grid", site.has_grid), ("battery", site.has_battery), ("solar", site.has_solar)):
            yield Item(subject, name, has, PRODUCTS)
        yield Item(subject, "wall connectors", site.wall_connectors, PRODUCTS)
        if call.has_coverage:
            yield Item(subject, "in the subscription", covers(document, site.site_id), _name_of(call))


def covers(document: Json, site_id: int) -> bool | None:
    """Whether a subscription covers a site: only `true` does, and a site that is not named is not covered (Q146).

    None where the response has no sites at all.
    """
    sites = document.get("energy_sites")
    return _mapping(sites.get(str(site_id))).get("access") is True if isinstance(sites, Mapping) else None


def vehicles_in(products: object) -> list[Json]:
    """The entries of the products list that are vehicles (Q99)."""
    response = products.get("response") if isinstance(products, Mapping) else None
    entries = response if isinstance(response, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping) and _text(entry.get("vin"))]


def vins_of(vehicles: Iterable[Json], document: Json) -> list[str]:
    """Every VIN, of products first."""
    named = [vin for vin in _mapping(document.get("vehicles")) if isinstance(vin, str)]
    return list(dict.fromkeys([*(str(vehicle["vin"]) for vehicle in vehicles), *named]))


def vehicle_items(
    vehicles: Iterable[Json], document: Json, fleet_status: Json | None, call: IdentityCall
) -> Iterator[Item]:
    """What is known of each vehicle.

    Args:
        vehicles: Entries of the products list.
        document: The response to the identity call.
        fleet_status: The `response` of fleet_status; None where it could not be had.
        call: The identity call.
    """
    entries = {str(vehicle["vin"]): vehicle for vehicle in vehicles}
    vins = vins_of(entries.values(), document)
    shared = shared_ends(vins)
    for vin in vins:
        product, described = entries.get(vin, {}), _mapping(_mapping(document.get("vehicles")).get(vin))
        status = fleet_status or {}
        about = _mapping(_mapping(status.get("vehicle_info")).get(vin))
        subject, metadata = short_vin(vin, shared), _name_of(call)
        yield _first(
            subject,
            "access type",
            (_text(product.get("access_type")), PRODUCTS),
            (_text(described.get("permission")), metadata),
        )
        yield Item(subject, "virtual key", _is_paired(vin, status), FLEET_STATUS)
        yield Item(subject, "keys", _whole(about.get("total_number_of_keys")), FLEET_STATUS)
        yield _first(
            subject,
            "firmware",
            (_text(about.get("firmware_version")), FLEET_STATUS),
            (_text(described.get("firmware")), metadata),
        )
        yield Item(subject, "state", _text(product.get("state")), PRODUCTS)
        if call.has_coverage:
            yield Item(subject, "in the subscription", described.get("access") is True, metadata)


def scope_items(granted: Sequence[str] | None, source: str) -> Iterator[Item]:
    """The scopes granted, and those that wattlog uses and the token does not have.

    Args:
        granted: The scopes; None where they are not reported.
        source: Where they were read.
    """
    if granted is None:
        yield Item("account", "scopes", None, source)
        return
    for scope in granted:
        yield Item("account", f"scope {scope}", "granted", source)
    for scope, use in SCOPE_USES.items():
        if scope not in granted:
            yield Item("account", f"scope {scope}", f"missing; needed for {use}", source)


def subscription_items(document: Json, call: IdentityCall) -> Iterator[Item]:
    """The subscription and what it covers; nothing where the provider has none."""
    if not call.has_coverage:
        return
    source, found = _name_of(call), _mapping(document.get("subscription"))
    for name in ("cycle", "start", "end"):
        yield Item("account", f"subscription {name}", _text(found.get(name)), source)
    for key, what in (("energy_sites", "sites"), ("vehicles", "vehicles")):
        entries = _mapping(document.get(key))
        covered = sum(_mapping(entry).get("access") is True for entry in entries.values())
        yield Item("account", f"{what} in the subscription", f"{covered} of {len(entries)}", source)


def _first(subject: str, name: str, *candidates: tuple[Value, str]) -> Item:
    """The first value that is reported, with its source; else none, with all sources."""
    for value, source in candidates:
        if value is not None:
            return Item(subject, name, value, source)
    return Item(subject, name, None, ", ".join(dict.fromkeys(source for _, source in candidates)))


def _is_paired(vin: str, status: Json) -> bool | None:
    """Whether the virtual key is in the car; None where the response does not name the car (Q142)."""
    if vin in _list(status.get("key_paired_vins")):
        return True
    return False if vin in _list(status.get("unpaired_vins")) else None


def _name_of(call: IdentityCall) -> str:
    return call.path.rsplit("/", 1)[-1]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
