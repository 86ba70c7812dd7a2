"""Which time zone a site lives in, and by which clock the server cuts its days.

The two differ on sites that have an offset instead of a zone name: their clocks at home change in spring and autumn, the
server's do not (Q7). They also differ where the owner sets another zone, and until the server's zone was corrected. The
owner's days are cut by the zone, the windows of requests by the clock.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone, tzinfo
from enum import StrEnum
from typing import Any, Final

from transform.errors import UnknownTimeZone
from transform.geography import is_place, zone_at, zone_of_address
from wattlog.zones import fixed_name, fixed_zone, iana_zone, zone_named

log = logging.getLogger(__name__)

Facts = Mapping[str, Any]


class ZoneSource(StrEnum):
    """What a site's time zone was taken from."""

    SETTING = "setting"
    INSTALLATION_TIME_ZONE = "installation_time_zone"
    HISTORY = "history"
    GEOLOCATION = "geolocation"
    ADDRESS = "address"
    TIME_ZONE_OFFSET = "time_zone_offset"
    INSTALLATION_DATE = "installation_date"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ServerClock:
    """A clock by which the server cut a site's days, for as long as responses show it.

    Attributes:
        timezone: IANA name, or `UTC-07:00` for an offset (Q7).
        first_seen_at: When the first of these responses was requested.
        last_seen_at: When the last of them was requested.
    """

    timezone: str
    first_seen_at: datetime
    last_seen_at: datetime


def zone_of(facts: Facts, override: str | None, site_id: int) -> tuple[str, ZoneSource]:
    """The name of a site's zone, and what it was taken from.

    Args:
        facts: The site's values in the products list and site_info, and `HISTORY_ZONE`.
        override: The zone set for the site; it takes precedence over the API's.
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
            reported = facts.get("installation_time_zone")
            if reported and source is not ZoneSource.INSTALLATION_TIME_ZONE:
                log.info(
                    "not an IANA time zone site_id=%s installation_time_zone=%s timezone=%s", site_id, reported, name
                )
            return name, source
    return "UTC", ZoneSource.NONE


def clock_name(facts: Facts) -> str | None:
    """The clock that the facts of a site name: an IANA zone, or an offset (Q1, Q7); None where it names none."""
    return _from_name(facts) or _from_history(facts) or _from_offset(facts)


def server_clocks(reported: Iterable[tuple[datetime, str]]) -> tuple[ServerClock, ...]:
    """The clocks of a site in order of time.

    Args:
        reported: When responses were requested, in order of time, and the clock that each names.
    """
    found: list[ServerClock] = []
    for instant, name in reported:
        if found and found[-1].timezone == name:
            found[-1] = replace(found[-1], last_seen_at=instant)
        else:
            found.append(ServerClock(name, instant, instant))
    return tuple(found)


def clock_at(clocks: Sequence[ServerClock], instant: datetime) -> ServerClock | None:
    """The clock of the server at an instant: the last that was seen by then, else the first; None if none is known."""
    seen = [clock for clock in clocks if clock.first_seen_at <= instant]
    return seen[-1] if seen else next(iter(clocks), None)


def server_clock(zone: tzinfo, reported_minutes: float | None, reported_at: datetime, now: datetime) -> tzinfo:
    """The clock by which the server cuts a site's days: its zone, or the offset in force when it is asked (Q7).

    Args:
        zone: The site's zone, as far as it is known.
        reported_minutes: `time_zone_offset` of the newest response with the site's clock; None when that named a zone,
            or no response has it.
        reported_at: When that response was asked for.
        now: When the server is to be asked.
    """
    reported = None if reported_minutes is None else fixed_zone(reported_minutes)
    if reported is None:
        return zone
    then, today = (instant.astimezone(zone).utcoffset() for instant in (reported_at, now))
    return timezone(today) if today is not None and then == reported.utcoffset(None) else reported


def _from_name(facts: Facts) -> str | None:
    """`installation_time_zone`, which may be missing, empty, or no zone at all (Q8)."""
    name = facts.get("installation_time_zone")
    if not isinstance(name, str) or not name:
        return None
    return name if iana_zone(name) is not None else None


HISTORY_ZONE: Final = "history_time_zone"
"""Key for the `installation_time_zone` of the site's history, among the facts of the site."""


def _from_history(facts: Facts) -> str | None:
    """The zone that responses with history name: the server cuts their days by it."""
    return _from_name({"installation_time_zone": facts.get(HISTORY_ZONE)})


def place_of(facts: Facts) -> tuple[float, float] | None:
    """Degrees north and degrees east of a site, rounded; None where they are not known."""
    place = facts.get("geolocation")
    if not isinstance(place, Mapping):
        return None
    latitude, longitude = number(place.get("latitude")), number(place.get("longitude"))
    if latitude is None or longitude is None or not is_place(latitude, longitude):
        return None
    return latitude, longitude


def _from_geolocation(facts: Facts) -> str | None:
    """The zone at the rounded coordinates."""
    place = place_of(facts)
    return None if place is None else zone_at(*place)


def _from_address(facts: Facts) -> str | None:
    """The zone of the state or country, where that has just one."""
    address = facts.get("address")
    if not isinstance(address, Mapping):
        return None
    state, country = (
        value if isinstance(value, str) else None for value in (address.get("state"), address.get("country"))
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
    (ZoneSource.HISTORY, _from_history),
    (ZoneSource.GEOLOCATION, _from_geolocation),
    (ZoneSource.ADDRESS, _from_address),
    (ZoneSource.TIME_ZONE_OFFSET, _from_offset),
    (ZoneSource.INSTALLATION_DATE, _from_installation_date),
)
"""The sources of a zone, best first. Each takes the facts of the site and returns the name of a zone or None."""


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
