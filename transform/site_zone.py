"""Which time zone a site lives in, and by which clock the server cuts its days.

The two differ on sites that have an offset instead of a zone name: their clocks at home change in spring and autumn, the
server's do not (Q7). Everything that says what a day is to the owner goes by the zone, everything asked goes by the clock.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from transform.errors import UnknownTimeZone
from transform.geography import zone_at, zone_of_address
from transform.zones import fixed_name, fixed_zone, iana_zone, zone_named

log = logging.getLogger(__name__)

Facts = Mapping[str, Any]


class ZoneSource(StrEnum):
    """What a site's time zone was taken from."""

    SETTING = "setting"
    INSTALLATION_TIME_ZONE = "installation_time_zone"
    GEOLOCATION = "geolocation"
    ADDRESS = "address"
    TIME_ZONE_OFFSET = "time_zone_offset"
    INSTALLATION_DATE = "installation_date"
    NONE = "none"


def zone_of(facts: Facts, override: str | None, site_id: int) -> tuple[str, ZoneSource]:
    """The name of a site's zone, and what it was taken from.

    Args:
        facts: What products list and site_info say of the site.
        override: The zone set for the site; stronger than what the API says.
        site_id: The site.

    Raises:
        UnknownTimeZone: The override names no zone.
    """
    if override is not None:
        if zone_named(override) is None:
            raise UnknownTimeZone(override, site_id)
        return override, ZoneSource.SETTING
    for source, look_up in ZONE_CHAIN:
        name = look_up(facts)
        if name is not None:
            told = facts.get("installation_time_zone")
            if told and source is not ZoneSource.INSTALLATION_TIME_ZONE:
                log.info("not an IANA time zone site_id=%s installation_time_zone=%s timezone=%s", site_id, told, name)
            return name, source
    return "UTC", ZoneSource.NONE


def clock_offset_of(facts: Facts) -> int | None:
    """Minutes ahead of UTC of the server's clock for the site; None where it keeps the site's zone (Q1, Q7)."""
    if _from_name(facts) is not None:
        return None
    minutes = number(facts.get("time_zone_offset"))
    return None if minutes is None or fixed_zone(minutes) is None else int(minutes)


def _from_name(facts: Facts) -> str | None:
    """`installation_time_zone`, which may be missing, empty, or no zone at all (Q8)."""
    name = facts.get("installation_time_zone")
    if not isinstance(name, str) or not name:
        return None
    return name if iana_zone(name) is not None else None


def _from_geolocation(facts: Facts) -> str | None:
    """The zone at the rounded coordinates."""
    place = facts.get("geolocation")
    if not isinstance(place, Mapping):
        return None
    latitude, longitude = number(place.get("latitude")), number(place.get("longitude"))
    return None if latitude is None or longitude is None else zone_at(latitude, longitude)


def _from_address(facts: Facts) -> str | None:
    """The zone of the state or country, where that has just one."""
    address = facts.get("address")
    if not isinstance(address, Mapping):
        return None
    state, country = (
        each if isinstance(each, str) else None for each in (address.get("state"), address.get("country"))
    )
    return zone_of_address(state, country)


def _from_offset(facts: Facts) -> str | None:
    """`time_zone_offset` in minutes: sites that never had a zone name (Q7)."""
    minutes = number(facts.get("time_zone_offset"))
    zone = None if minutes is None else fixed_zone(minutes)
    return None if zone is None else fixed_name(zone.utcoffset(None))


def _from_installation_date(facts: Facts) -> str | None:
    """The offset of `installation_date`: right for half the year at least."""
    installed = instant(facts.get("installation_date"))
    offset = None if installed is None else installed.utcoffset()
    return None if offset is None else fixed_name(offset)


ZONE_CHAIN: Final[tuple[tuple[ZoneSource, Callable[[Facts], str | None]], ...]] = (
    (ZoneSource.INSTALLATION_TIME_ZONE, _from_name),
    (ZoneSource.GEOLOCATION, _from_geolocation),
    (ZoneSource.ADDRESS, _from_address),
    (ZoneSource.TIME_ZONE_OFFSET, _from_offset),
    (ZoneSource.INSTALLATION_DATE, _from_installation_date),
)
"""Where a zone can be learnt, best first. Each takes the facts of the site and names a zone or gives None."""


def instant(value: object) -> datetime | None:
    """A timestamp as the API gives it, with or without offset; None when it is something else."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def number(value: object) -> float | None:
    """A number as the API gives it; None when it is something else, a boolean among it."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
