"""Time zones by name and by offset, and when their clocks change.

There is one time zone database: the `tzdata` package, whose version `requirements.lock` pins. The machine's files may be
years older, and DuckDB has a third database; a row planned by one of them and stored by another gets another day, or is
lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, reset_tzpath

import tzdata

# pandas makes zones from a name, as `ZoneInfo` does; without a search path, both read the package. This applies to the whole
# process, so that two parts of it never differ.
reset_tzpath(to=())
ZoneInfo.clear_cache()

VERSION: Final[str] = tzdata.IANA_VERSION
"""The release of the time zone database, as IANA names it: `2026f`."""

MAX_OFFSET_MINUTES = 18 * 60
"""No clock on Earth was ever further from UTC (RFC 9557 allows as much); a larger number is an error."""

NOT_PLACES: Final = frozenset({"Factory"})
"""Entries of the database that stand for "not set" and have no clock. `localtime` and `posixrules`, which some systems
add, are settings of a machine; the package does not have them."""

FIRST_CHANGE, LAST_CHANGE = datetime(1990, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
"""Between these `clock_periods` gives every change: before the first home battery, and later than anything that is planned."""

_FIXED = re.compile(r"UTC(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2})")
_SECOND, _WEEK = timedelta(seconds=1), timedelta(weeks=1)

_ZONES: "dict[str, Zone]" = {}


class Zone(ZoneInfo):
    """A time zone of the pinned database, by its IANA name; there is one object for each name.

    `ZoneInfo` looks into the machine's files first, and so does the copy that another process unpickles. A `Zone` is
    pickled as its name and read from the package where it is unpickled.

    Raises:
        ZoneInfoNotFoundError: The database has no such zone.
    """

    def __new__(cls, key: str) -> "Zone":
        """The zone of an IANA name."""
        found = _ZONES.get(key)
        if found is None:
            if key not in zone_names():
                raise ZoneInfoNotFoundError(f"{key!r} is not a time zone of the IANA database")
            with files("tzdata").joinpath("zoneinfo", *key.split("/")).open("rb") as file:
                found = _ZONES.setdefault(key, cls.from_file(file, key=key))  # all threads get the same one
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the name."""
        return type(self), (self.key,)


@cache
def zone_names() -> frozenset[str]:
    """Every IANA name that has a clock."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()) - NOT_PLACES


def iana_zone(name: str) -> Zone | None:
    """The zone of an IANA name; None when there is none.

    The API gives empty names and names that no database has, such as `America/Pacific` (Q8).
    """
    return Zone(name) if name in zone_names() else None


def fixed_zone(minutes: float) -> timezone | None:
    """The zone that is always `minutes` ahead of UTC, as `time_zone_offset` gives it (Q7); None beyond the limit."""
    if not abs(minutes) <= MAX_OFFSET_MINUTES or minutes != int(minutes):  # comparisons with NaN are false
        return None
    return timezone(timedelta(minutes=int(minutes)))


def fixed_name(offset: timedelta) -> str:
    """The name of a fixed offset in `sites.timezone`: `UTC-07:00`."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def zone_named(name: str) -> tzinfo | None:
    """The zone of an IANA name or of a fixed offset spelt `UTC-07:00`; None when the name is neither."""
    match = _FIXED.fullmatch(name)
    if match is None:
        return iana_zone(name)
    minutes = int(match["hours"]) * 60 + int(match["minutes"])
    return fixed_zone(-minutes if match["sign"] == "-" else minutes)


def name_of(zone: tzinfo) -> str:
    """The name from which `zone_named` makes a zone or a fixed offset again."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    return fixed_name(_offset(zone, FIRST_CHANGE))


@dataclass(frozen=True, slots=True)
class ClockPeriod:
    """A time during which the offset of a clock from UTC is constant.

    Attributes:
        begins_at: Its first instant, UTC; None where nothing earlier is given.
        ends_at: The first instant after it, UTC; None where nothing later is given.
        offset: How far the clock is ahead of UTC.
    """

    begins_at: datetime | None
    ends_at: datetime | None
    offset: timedelta


@cache
def clock_periods(name: str) -> tuple[ClockPeriod, ...]:
    """The periods of a zone or fixed offset, oldest first and without gaps; none when the name is neither.

    Changes between `FIRST_CHANGE` and `LAST_CHANGE` are given to the second. The first period reaches back without end, the
    last one ahead.
    """
    zone = zone_named(name)
    if zone is None:
        return ()
    changes = [] if isinstance(zone, timezone) else list(_changes(zone))
    begins = [None, *changes]
    return tuple(
        ClockPeriod(begin, end, _offset(zone, begin or FIRST_CHANGE))
        for begin, end in zip(begins, [*changes, None], strict=True)
    )


def is_older_than_a_year(now: datetime) -> bool:
    """Whether the database is certainly older than a year: releases are named after the year in which they came out."""
    return now.year > int(VERSION[:4]) + 1


def _changes(zone: tzinfo) -> Iterator[datetime]:
    """Each instant at which the offset changes. No clock has changed twice within a week, which a test checks."""
    before, offset_before = FIRST_CHANGE, _offset(zone, FIRST_CHANGE)
    while before < LAST_CHANGE:
        after = before + _WEEK
        offset_after = _offset(zone, after)
        if offset_after != offset_before:
            yield _change_between(zone, before, after)
        before, offset_before = after, offset_after


def _change_between(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset changes, found by bisection."""
    offset_before = _offset(zone, before)
    seconds_before, seconds_after = 0, (after - before) // _SECOND
    while seconds_after - seconds_before > 1:
        middle = (seconds_before + seconds_after) // 2
        if _offset(zone, before + middle * _SECOND) == offset_before:
            seconds_before = middle
        else:
            seconds_after = middle
    return before + seconds_after * _SECOND


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    if offset is None:
        raise ValueError(f"{zone} gives no offset at {instant}")
    return offset
