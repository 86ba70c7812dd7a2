"""The sites of an account: their equipment and their time zone.

The zone decides what a day is, so its source is kept with it. Energy sites in the wild include ghosts without a
name or type and sites whose details the server never gives (API.md#products); neither may stop the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.errors import UnknownTimeZone
from transform.frames import table_frame
from transform.products import Facts, is_whole, site_id_of
from transform.site_equipment import ALWAYS, BatteryDays
from transform.site_zone import (
    ServerClock,
    clock_at,
    clock_name,
    instant,
    number,
    place_of,
    server_clock,
    server_clocks,
    zone_of,
)
from transform.time import Days, Ints, first_instants_by_clock_us, local_days
from warehouse.schema import TABLES
from wattlog.zones import zone_named

Mask = npt.NDArray[np.bool_]


class SiteStatus(StrEnum):
    """Whether a site can be asked for its history."""

    OK = "ok"
    GHOST = "ghost"
    FAILING = "failing"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Site:
    """An energy site; one row of table `sites`.

    Attributes:
        site_id: Energy site id.
        site_name: Name the owner gave it.
        resource_type: battery, solar, …; None for a ghost.
        timezone: IANA name, or `UTC-07:00` where the site has only an offset (Q7, Q8).
        timezone_source: What the zone was taken from.
        installed_at: Instant of the installation, UTC.
        has_solar: It has solar panels.
        has_battery: It has a battery.
        has_grid: It has a grid connection.
        wall_connectors: Number of wall connectors.
        nameplate_power_w: Rated power of the batteries.
        nameplate_energy_wh: Rated energy of the batteries.
        battery_count: Number of batteries.
        status: Whether it can be asked for its history.
        server_clocks: The clocks by which the server has cut the site's days, in order of time; none where no response names
            one: then it is the zone. No column.
        is_clock_in_info: site_info names the server's clock; else only the history may. No column.
        battery: The local days on which it has a battery. No column.
        place: Degrees north and degrees east, rounded; None where they are not known. No column.
    """

    site_id: int
    site_name: str | None
    resource_type: str | None
    timezone: str
    timezone_source: str
    installed_at: datetime | None
    has_solar: bool
    has_battery: bool
    has_grid: bool
    wall_connectors: int
    nameplate_power_w: float | None
    nameplate_energy_wh: float | None
    battery_count: int | None
    status: str
    server_clocks: tuple[ServerClock, ...] = ()
    is_clock_in_info: bool = True
    battery: BatteryDays = ALWAYS
    place: tuple[float, float] | None = None

    @property
    def zone(self) -> tzinfo:
        """The site's zone.

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        zone = zone_named(self.timezone)
        if zone is None:
            raise UnknownTimeZone(self.timezone, self.site_id)
        return zone

    @property
    def clock(self) -> tzinfo:
        """The newest clock by which the server cut the site's days: a zone, or an offset (Q1, Q7).

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        return self._named(self.server_clocks[-1]) if self.server_clocks else self.zone

    @property
    def clocks(self) -> tuple[tzinfo, ...]:
        """The clocks by which the server may have cut the site's days: its own zone, then those that responses name, the newest
        first.

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        return self.zone, *map(self._named, reversed(self.server_clocks))

    def clock_at(self, instant: datetime) -> tzinfo:
        """The clock by which the server cut the site's days when it was asked at an instant.

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        clock = clock_at(self.server_clocks, instant)
        return self.zone if clock is None else self._named(clock)

    def clock_now(self, now: datetime) -> tzinfo:
        """The clock by which the server will cut the site's days when it is asked now.

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        clock = self.clock
        if not self.server_clocks or not isinstance(clock, timezone):
            return clock
        minutes = clock.utcoffset(None) / _ONE_MINUTE
        return server_clock(self.zone, minutes, self.server_clocks[-1].last_seen_at, now)

    def first_instants_us(self, days: Days, time_zones: Iterable[str]) -> Ints:
        """The first instant of each local day on the clock that its row names, or on the site's own where that is none.

        **Shape**: n days, n values of a column `timezone` → n epochs, microseconds since 1970.

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        names, own = list(time_zones), self.zone
        clocks = {name: zone_named(name) or own for name in set(names)}
        return first_instants_by_clock_us(days, (clocks[name] for name in names))

    def _named(self, clock: ServerClock) -> tzinfo:
        return zone_named(clock.timezone) or self.zone

    def has_battery_on(self, days: Days) -> Mask:
        """Whether it has a battery on each of some local days."""
        since, until = self.battery.since, self.battery.until
        found = np.full(len(days), self.has_battery or until is not None)
        if since is not None:
            found &= days >= np.datetime64(since, "D")
        if until is not None:
            found &= days < np.datetime64(until, "D")
        return found

    def has_battery_at(self, instants: pd.Series) -> Mask:
        """Whether it has a battery on the local day of each of some instants."""
        if self.battery == ALWAYS:
            return np.full(len(instants), self.has_battery)
        return self.has_battery_on(local_days(instants, self.zone))

    @property
    def installed_on(self) -> date | None:
        """The local day of the installation."""
        return None if self.installed_at is None else self.installed_at.astimezone(self.zone).date()


def site_from(
    product: Facts,
    site_info: Facts | None,
    timezone_override: str | None,
    *,
    seen_at: datetime | None = None,
    history: Facts = MappingProxyType({}),
    clocks: Sequence[ServerClock] = (),
) -> Site:
    """One site from its entry in the products list and its site_info.

    Args:
        product: Entry of the products list.
        site_info: The `response` of site_info; None when the server gave none.
        timezone_override: The zone set for the site; it takes precedence over the API's.
        seen_at: When the newer of the two responses was asked for (aware); None where that is not known.
        history: The clock that the site's history names: `HISTORY_ZONE` and `time_zone_offset`, where site_info names none.
        clocks: The clocks of the server; those of the other arguments if there are none.

    Raises:
        UnknownTimeZone: The override names no zone.
        ResponseNotUnderstood: The entry has no `energy_site_id`.
    """
    site_id = site_id_of(product)
    named = facts_of(product, site_info)
    facts = {**history, **named}
    parts = {**_mapping(product.get("components")), **_without_nulls(_mapping((site_info or {}).get("components")))}
    time_zone, source = zone_of(facts, timezone_override, site_id)
    return Site(
        site_id=site_id,
        site_name=_text(facts.get("site_name")),
        resource_type=_text(product.get("resource_type")),
        timezone=time_zone,
        timezone_source=source,
        installed_at=_installed_at(facts, time_zone, seen_at),
        has_solar=bool(parts.get("solar")) or product.get("resource_type") == "solar",
        has_battery=bool(parts.get("battery")) or product.get("resource_type") == "battery",
        has_grid=bool(parts.get("grid")),
        wall_connectors=_count(len(_list(parts.get("wall_connectors"))), "wall_connectors") or 0,
        nameplate_power_w=nameplate_of(facts)[1],
        nameplate_energy_wh=nameplate_of(facts)[0],
        battery_count=_count(facts.get("battery_count"), "battery_count")
        or _count(len(_list(parts.get("batteries"))), "battery_count")
        or None,
        status=_status(product, parts, site_info),
        server_clocks=tuple(clocks) or _single_clock(facts, seen_at),
        place=place_of(facts),
        is_clock_in_info=clock_name(named) is not None,
    )


def facts_of(product: Facts, site_info: Facts | None) -> Facts:
    """The values of a site: those of its site_info, and those of its product that site_info leaves out or has as null."""
    return {**product, **_without_nulls(site_info or {})}


def nameplate_of(facts: Facts) -> tuple[float | None, float | None]:
    """Rated energy (Wh) and power (W) of the batteries, each None where it is not known or not plausible."""
    energy_wh = _measure(facts, "nameplate_energy", "nameplate_energy_wh")
    return energy_wh, _measure(facts, "nameplate_power", "nameplate_power_w")


def _single_clock(facts: Facts, seen_at: datetime | None) -> tuple[ServerClock, ...]:
    """The clock that the facts of a site name."""
    name = clock_name(facts)
    return () if name is None else server_clocks([(seen_at or FIRST_INSTALLATION, name)])


def sites_frame(sites: Iterable[Site]) -> pd.DataFrame:
    """The sites as a frame of table `sites`, one row per site, ordered by id."""
    ordered = sorted(sites, key=lambda site: site.site_id)
    return table_frame("sites", {name: [getattr(site, name) for site in ordered] for name in TABLES["sites"].columns})


def _status(product: Facts, parts: Facts, site_info: Facts | None) -> SiteStatus:
    """A ghost has neither type nor any part; a site without site_info fails (stale second sites answer 500)."""
    if not product.get("resource_type") and not any(
        parts.get(part) for part in ("solar", "battery", "wall_connectors")
    ):
        return SiteStatus.GHOST
    return SiteStatus.FAILING if site_info is None else SiteStatus.OK


# --- values as the API gives them -------------------------------------------------------------------------------------


FIRST_INSTALLATION: Final = datetime(2006, 1, 1, tzinfo=UTC)
"""No site is older: SolarCity, whose sites Tesla took over, was founded in July 2006. From here until a day after the response
that names it, an installation date is plausible; any other (0001, 1970, 9999) is a default or a fault, and the date is not
known. The day allows for clocks that differ."""

LAST_INSTALLATION: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""The other end where it is not known when the response was asked for. It only keeps arithmetic with dates in range."""

_ONE_DAY: Final = timedelta(days=1)
_ONE_MINUTE: Final = timedelta(minutes=1)


def _installed_at(facts: Facts, time_zone: str, seen_at: datetime | None) -> datetime | None:
    """The instant of the installation, if it is plausible; a date without offset is read on the site's own clock."""
    installed = instant(facts.get("installation_date"))
    # Before anything is calculated: at both ends of the calendar a time zone leads out of it.
    if installed is None or not FIRST_INSTALLATION.year <= installed.year <= LAST_INSTALLATION.year:
        return None
    if installed.tzinfo is None:
        installed = installed.replace(tzinfo=zone_named(time_zone))
    installed = installed.astimezone(UTC)
    latest = LAST_INSTALLATION if seen_at is None else seen_at + _ONE_DAY
    return installed if FIRST_INSTALLATION <= installed <= latest else None


def _measure(facts: Facts, name: str, column: str) -> float | None:
    value = number(facts.get(name))
    bounds = TABLES["sites"].field(column).bounds
    return value if value is not None and bounds is not None and bounds[0] <= value <= bounds[1] else None


def _count(value: object, column: str) -> int | None:
    """A number of parts, within the bounds of its column."""
    lowest, highest = TABLES["sites"].field(column).bounds or (0, 0)
    return value if is_whole(value) and lowest <= value <= highest else None


def _without_nulls(facts: Facts) -> Facts:
    """The values that are not null: site_info leaves out some that the products list has."""
    return {name: value for name, value in facts.items() if value is not None}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: object) -> Facts:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
