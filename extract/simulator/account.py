"""What the account endpoints say: products, region, metadata. All names and numbers are invented."""

from typing import Any

from extract.simulator.query import connector_din, serial_number
from extract.simulator.site import SiteSpec
from extract.simulator.world import StaleSite, Vehicle, World

Json = dict[str, Any]


def products(world: World) -> list[Json]:
    """Cars, energy sites, stale sites and ghosts in one list. Source: API.md §1.1."""
    return [
        *(_vehicle(each) for each in world.vehicles),
        *(_product(each) for each in world.sites),
        *(_stale(each) for each in world.stale_sites),
        *(_ghost(each) for each in world.ghosts),
    ]


def region(world: World, base_url: str) -> Json:
    """Which server the account lives on. Source: API.md §1.0."""
    return {"region": world.region, "fleet_api_base_url": base_url}


def metadata(world: World) -> Json:
    """Teslemetry's view of the account, which has no envelope. Source: API.md §1.0."""
    return {
        "uid": "00000000-0000-4000-8000-000000000001",
        "region": world.region.upper(),
        "scopes": list(world.scopes),
        "vehicles": {each.vin: {"access": False} for each in world.vehicles},
        "energy_sites": {str(each.site_id): {"access": True} for each in world.sites},
    }


def components(spec: SiteSpec) -> Json:
    """What a site is made of."""
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
        "grid_services_enabled": spec.vpp_events_per_year > 0,
        "wall_connectors": [
            {"device_id": f"{spec.site_id}-{each}", "din": connector_din(spec, each), "is_active": True}
            for each in range(spec.wall_connectors)
        ],
    }


def resource_type(spec: SiteSpec) -> str:
    """What the products list calls the site."""
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


def _vehicle(vehicle: Vehicle) -> Json:
    return {
        "id": vehicle.vehicle_id,
        "vehicle_id": vehicle.vehicle_id % 10**9,
        "vin": vehicle.vin,
        "access_type": "OWNER",
        "display_name": vehicle.display_name,
        "state": "asleep",
    }


def _stale(site: StaleSite) -> Json:
    """Nothing in the list tells a stale site from a real one."""
    return {
        "energy_site_id": site.site_id,
        "resource_type": "solar",
        "site_name": "Old Roof",
        "id": f"sim-stale-{site.site_id}",
        "components": {"solar": True, "battery": False, "grid": True, "market_type": "residential"},
    }


def _ghost(site_id: int) -> Json:
    """An energy site without anything: no name, no resource type. Source: API.md §1.1."""
    absent = dict.fromkeys(("battery", "solar", "grid", "load_meter"), False)
    return {"energy_site_id": site_id, "components": absent | {"market_type": "residential"}}
