"""Time zones by name, by offset, or not at all."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_OFFSET_MINUTES = 18 * 60
"""No place on Earth ever kept a clock further from UTC (RFC 9557 allows as much); beyond it a number is a fault."""

_FIXED = re.compile(r"UTC(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2})")


@cache
def iana_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None when there is none.

    The API gives empty names and names that no database has, such as `America/Pacific` (Q8). A folder of the database
    (`America`) is not a zone either.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def fixed_zone(minutes: float) -> timezone | None:
    """The zone that is always `minutes` ahead of UTC, as `time_zone_offset` gives it (Q7); None when no clock is."""
    if abs(minutes) > MAX_OFFSET_MINUTES or minutes != int(minutes):
        return None
    return timezone(timedelta(minutes=int(minutes)))


def fixed_name(offset: timedelta) -> str:
    """How a fixed offset is spelt in `sites.timezone`: `UTC-07:00`."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def zone_named(name: str) -> tzinfo | None:
    """The zone of an IANA name or of a fixed offset spelt `UTC-07:00`; None when the name means neither."""
    match = _FIXED.fullmatch(name)
    if match is None:
        return iana_zone(name)
    minutes = int(match["hours"]) * 60 + int(match["minutes"])
    return fixed_zone(-minutes if match["sign"] == "-" else minutes)


def server_clock(zone: tzinfo, told_minutes: float | None, told_at: datetime, now: datetime) -> tzinfo:
    """The clock by which the server cuts a site's days: its zone, or the offset in force when it is asked (Q7).

    Args:
        zone: The site's zone, as far as it is known.
        told_minutes: `time_zone_offset` of the newest answer that told the site's clock; None when that named a zone, or
            none told anything.
        told_at: When that answer was asked.
        now: When the server is to be asked.
    """
    told = None if told_minutes is None else fixed_zone(told_minutes)
    if told is None:
        return zone
    then, today = (instant.astimezone(zone).utcoffset() for instant in (told_at, now))
    return timezone(today) if today is not None and then == told.utcoffset(None) else told
