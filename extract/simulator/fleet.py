"""A fleet: a thousand sites of a few kinds, of which some always fail, in different ways.

Sites of one kind differ only in id and name, so their truth is computed once.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import (
    INTERNAL_ERROR,
    ErrorResponse,
    Fault,
    FaultPlan,
    HtmlResponse,
    Rule,
    TruncatedBody,
    Where,
)
from extract.simulator.site import SiteSpec
from extract.simulator.worlds.world import World
from wattlog.zones import Zone

KINDS: Final = (
    ("America/Los_Angeles", 37.0, -121.0),
    ("America/New_York", 42.0, -75.0),
    ("Europe/London", 52.0, -1.0),
    ("Australia/Sydney", -33.0, 150.0),
)
"""Zone and coordinates; every second site of a place has no battery."""

AGE_DAYS: Final = 400

HEALTHY: Final = 31
FAILURES: Final[dict[int, Fault]] = {
    35: INTERNAL_ERROR,
    34: ErrorResponse(404, "not_found"),
    32: HtmlResponse(),
    36: TruncatedBody(is_length_whole=False),
}
"""First two digits of a site's id → its response to every request: 500, 404, a web page, half of a body."""

ID_FACTOR: Final = 10**8


def fleet_world(today: date, sites: int = 1_000, *, failing: int = 0) -> World:
    """An account of many sites, the last `failing` of which always fail.

    Args:
        today: The sites were installed `AGE_DAYS` before this day.
        sites: Number of all sites.
        failing: Number of sites that fail, with the kinds of failure in turn.
    """
    kinds = tuple(FAILURES)
    ids = [HEALTHY * ID_FACTOR + number for number in range(sites - failing)]
    ids += [kinds[number % len(kinds)] * ID_FACTOR + number for number in range(failing)]
    return World(sites=tuple(_site(number, site_id, today) for number, site_id in enumerate(ids)))


def fleet_conditions() -> Conditions:
    """The faults of the failing sites, and no others."""
    return Conditions(
        faults=FaultPlan(
            tuple(Rule(fault, Where(path=f"/energy_sites/{digits}")) for digits, fault in FAILURES.items())
        )
    )


def _site(number: int, site_id: int, today: date) -> SiteSpec:
    zone, latitude, longitude = KINDS[number % len(KINDS)]
    installed = datetime.combine(today - timedelta(days=AGE_DAYS), time(12, 30), Zone(zone))
    site = SiteSpec(
        site_id=site_id,
        site_name=f"Roof {number + 1:04d}",
        time_zone=zone,
        installed_at=installed,
        latitude=latitude,
        longitude=longitude,
        seed=number % len(KINDS) + 1,
    )
    has_battery = number % (2 * len(KINDS)) < len(KINDS)
    return site if has_battery else replace(site, battery_energy_wh=0, battery_power_w=0, battery_count=0)
