"""The account endpoints: products, region, metadata. All names and numbers are invented."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from extract.simulator.endpoints.query import connector_din, serial_number
from extract.simulator.site import SiteSpec
from extract.simulator.worlds.vehicle import Vehicle
from extract.simulator.worlds.world import StaleSite, World

Json = dict[str, Any]


def products(world: World, now: datetime | None = None, states: Mapping[str, str] | None = None) -> list[Json]:
    """Vehicles, energy sites, stale sites, and ghosts in one list, at an instant. Source: API.md#products.

    Args:
        world: The account.
        now: The instant; None for all of its sites.
        states: VIN → present state of the car; by default the one that it began with.
    """
    return [
        *(vehicle_object(vehicle, (states or {}).get(vehicle.vin, vehicle.state)) for vehicle in world.vehicles),
        *(_product(site) for site in _present(world, now)),
        *(_stale(site) for site in world.stale_sites),
        *(_ghost(site_id) for site_id in world.ghosts),
    ]


def _present(world: World, now: datetime | None) -> list[SiteSpec]:
    """The sites of the account at an instant, with the equipment that they have then."""
    if now is None:
        return list(world.sites)
    sites = (site for site in world.sites if not world.has_left(site.site_id, now))
    return [site.on(now.astimezone(site.zone).date()) for site in sites]


def region(world: World, base_url: str) -> Json:
    """Region of the account, and the address of its server. Source: API.md#login."""
    return {"region": world.region, "fleet_api_base_url": base_url}


def metadata(world: World) -> Json:
    """Teslemetry's description of the account, which has no envelope. Source: Q141, Q146."""
    facts = world.metadata
    if facts.is_null:
        nothing = dict.fromkeys(("scopes", "subscription"))
        vehicles: Json = {
            vehicle.vin: dict.fromkeys(("permission", "access", "firmware")) for vehicle in world.vehicles
        }
        sites: Json = {str(site.site_id): {"access": None} for site in world.sites}
        return {"uid": None, "region": world.region.upper(), **nothing, "vehicles": vehicles, "energy_sites": sites}
    return {
        "uid": "00000000-0000-4000-8000-000000000001",
        "region": world.region.upper(),
        "scopes": list(world.scopes),
        "vehicles": {vehicle.vin: _vehicle_in_metadata(vehicle) for vehicle in world.vehicles},
        "energy_sites": {
            str(site.site_id): {"name": site.site_name, "access": site.site_id not in facts.uncovered_sites}
            for site in world.sites
            if site.site_id not in facts.unlisted_sites
        },
        **({} if facts.subscription is None else {"subscription": dict(facts.subscription)}),
    }


def _vehicle_in_metadata(vehicle: Vehicle) -> Json:
    return {
        "name": vehicle.display_name,
        "permission": vehicle.access_type,
        "proxy": vehicle.has_key,
        "access": vehicle.is_covered,
        "polling": False,
        "firmware": vehicle.firmware_version,
        "discounted": False,
        "fleet_telemetry": "unknown",
        "config": {},
    }


def components(spec: SiteSpec) -> Json:
    """Equipment and capabilities of a site."""
    return {
        "solar": spec.has_solar,
        **({"solar_type": "pv_panel"} if spec.has_solar else {}),
        **({"generator": True} if spec.generator_w else {}),
        "battery": spec.has_battery,
        **({"battery_type": "ac_powerwall"} if spec.has_battery else {}),
        "grid": True,
        "backup": spec.has_battery,
        "gateway": "teg" if spec.has_battery else "gateway_type_none",
        "load_meter": True,
        "tou_capable": spec.has_battery,
        "storm_mode_capable": spec.has_battery,
        "off_grid_vehicle_charging_reserve_supported": spec.has_battery,
        "grid_services_enabled": spec.vpp_events_per_year > 0,
        "wall_connectors": [
            {"device_id": f"{spec.site_id}-{connector}", "din": connector_din(spec, connector), "is_active": True}
            for connector in range(spec.wall_connectors)
        ],
    }


def resource_type(spec: SiteSpec) -> str:
    """`resource_type` of the site in the products list."""
    return "battery" if spec.has_battery else "solar" if spec.has_solar else "wall_connector"


def _product(spec: SiteSpec) -> Json:
    product: Json = {
        "energy_site_id": spec.site_id,
        "resource_type": resource_type(spec),
        "site_name": spec.site_name,
        "id": serial_number(spec),
        "gateway_id": serial_number(spec),
        "components": components(spec) | {"market_type": "residential"},
        "features": {"rate_plan_manager_no_pricing_constraint": True},
    }
    if spec.has_battery:
        product |= {"battery_type": "ac_powerwall", "backup_capable": True, "storm_mode_enabled": True}
    return product


def vehicle_object(vehicle: Vehicle, state: str) -> Json:
    """A car in a list or on its own (Q99)."""
    return {
        "id": vehicle.vehicle_id,
        "id_s": str(vehicle.vehicle_id),
        "vehicle_id": vehicle.vehicle_id % 10**9,
        "vin": vehicle.vin,
        **({} if vehicle.access_type is None else {"access_type": vehicle.access_type}),
        "display_name": vehicle.display_name,
        "state": str(state),
        "command_signing": str(vehicle.signing),
    }


def _stale(site: StaleSite) -> Json:
    """A stale site; the list has nothing that distinguishes it from a real site."""
    return {
        "energy_site_id": site.site_id,
        "resource_type": "solar",
        "site_name": "Old Roof",
        "id": f"sim-stale-{site.site_id}",
        "components": {"solar": True, "battery": False, "grid": True, "market_type": "residential"},
    }


def _ghost(site_id: int) -> Json:
    """An energy site without name, resource type, or equipment. Source: API.md#products."""
    absent = dict.fromkeys(("battery", "solar", "grid", "load_meter"), False)
    return {"energy_site_id": site_id, "components": absent | {"market_type": "residential"}}
