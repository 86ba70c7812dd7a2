"""The sites of an account: what they are made of, and which time zone they live in.

The zone decides what a day is, so where it came from is kept beside it. Energy sites in the wild include ghosts without a
name or type and sites whose details the server never gives (API.md §1.1); neither may stop the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Any

import pandas as pd

from transform.errors import AnswerNotUnderstood, UnknownTimeZone
from transform.frames import table_frame
from transform.parse import response_of
from transform.site_zone import clock_offset_of, instant, number, zone_of
from transform.zones import fixed_zone, zone_named
from warehouse.schema import TABLES

Facts = Mapping[str, Any]


class SiteStatus(StrEnum):
    """Whether a site can be asked for its history."""

    OK = "ok"
    GHOST = "ghost"
    FAILING = "failing"


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
        clock_offset_minutes: Minutes ahead of UTC of the clock that the server cuts the site's days by; None where that is
            the zone. No column: it is today's, not the site's (Q7).
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
    clock_offset_minutes: int | None = None

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
        """The clock that the server cuts the site's days by now: the zone, or an offset (Q1, Q7).

        Raises:
            UnknownTimeZone: `timezone` names none.
        """
        fixed = None if self.clock_offset_minutes is None else fixed_zone(self.clock_offset_minutes)
        return fixed or self.zone

    @property
    def installed_on(self) -> date | None:
        """The local day of the installation."""
        return None if self.installed_at is None else self.installed_at.astimezone(self.zone).date()


def energy_products(body: bytes) -> list[dict[str, Any]]:
    """The entries of the products list that are energy sites, ghosts included; vehicles have no `energy_site_id`.

    Raises:
        AnswerNotUnderstood: The body is not the products list.
    """
    try:
        response = response_of(body)
    except (ValueError, LookupError) as error:
        raise AnswerNotUnderstood("products", "a list", "not that JSON") from error
    if response is None or isinstance(response, str):
        return []
    if not isinstance(response, list):
        raise AnswerNotUnderstood("products", "a list", type(response).__name__)
    return [entry for entry in response if isinstance(entry, dict) and _whole(entry.get("energy_site_id")) is not None]


def site_from(product: Facts, site_info: Facts | None, timezone_override: str | None) -> Site:
    """One site from its entry in the products list and its site_info.

    Args:
        product: Entry of the products list.
        site_info: The `response` of site_info; None when the server gave none.
        timezone_override: The zone set for the site; stronger than what the API says.

    Raises:
        UnknownTimeZone: The override names no zone.
        AnswerNotUnderstood: The entry has no `energy_site_id`.
    """
    site_id = _whole(product.get("energy_site_id"))
    if site_id is None:
        raise AnswerNotUnderstood("products", "a list with an energy_site_id in each entry", "an entry without")
    facts = {**product, **_told(site_info or {})}
    parts = {**_mapping(product.get("components")), **_told(_mapping((site_info or {}).get("components")))}
    timezone, source = zone_of(facts, timezone_override, site_id)
    return Site(
        site_id=site_id,
        site_name=_text(facts.get("site_name")),
        resource_type=_text(product.get("resource_type")),
        timezone=timezone,
        timezone_source=source,
        installed_at=_installed_at(facts, timezone),
        has_solar=bool(parts.get("solar")) or product.get("resource_type") == "solar",
        has_battery=bool(parts.get("battery")) or product.get("resource_type") == "battery",
        has_grid=bool(parts.get("grid")),
        wall_connectors=len(_list(parts.get("wall_connectors"))),
        nameplate_power_w=_measure(facts, "nameplate_power", "nameplate_power_w"),
        nameplate_energy_wh=_measure(facts, "nameplate_energy", "nameplate_energy_wh"),
        battery_count=_whole(facts.get("battery_count")) or len(_list(parts.get("batteries"))) or None,
        status=_status(product, parts, site_info),
        clock_offset_minutes=clock_offset_of(facts),
    )


def sites_frame(sites: Iterable[Site]) -> pd.DataFrame:
    """The sites as a frame of table `sites`, one row per site, ordered by id."""
    ordered = sorted(sites, key=lambda each: each.site_id)
    return table_frame("sites", {name: [getattr(site, name) for site in ordered] for name in TABLES["sites"].columns})


def _status(product: Facts, parts: Facts, site_info: Facts | None) -> SiteStatus:
    """A ghost has neither type nor any part; a site without site_info fails (stale second sites answer 500)."""
    if not product.get("resource_type") and not any(
        parts.get(part) for part in ("solar", "battery", "wall_connectors")
    ):
        return SiteStatus.GHOST
    return SiteStatus.FAILING if site_info is None else SiteStatus.OK


# --- values as the API gives them -------------------------------------------------------------------------------------


def _installed_at(facts: Facts, timezone: str) -> datetime | None:
    """The instant of the installation; a date without offset is read on the site's own clock."""
    installed = instant(facts.get("installation_date"))
    if installed is None:
        return None
    if installed.tzinfo is None:
        installed = installed.replace(tzinfo=zone_named(timezone))
    return installed.astimezone(UTC)


def _measure(facts: Facts, name: str, column: str) -> float | None:
    value = number(facts.get(name))
    bounds = TABLES["sites"].field(column).bounds
    return value if value is not None and bounds is not None and bounds[0] <= value <= bounds[1] else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _told(facts: Facts) -> Facts:
    """What is not null: site_info leaves out some of what the products list tells."""
    return {name: value for name, value in facts.items() if value is not None}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: object) -> Facts:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
