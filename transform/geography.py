"""Time zones by place: from rounded coordinates, or from the state and country of an address.

Sites without a zone name (Q7, Q8) still have coordinates. The archive keeps one decimal of them, about 11 km, so a site on an
island or at a coast may seem to lie in the sea.
"""

from functools import lru_cache
from math import cos, hypot, pi, sin
from typing import Final

import tzfpy

from wattlog.zones import iana_zone

_AT_SEA = "Etc/"
"""The map's zones of the open sea, where no site is."""

_RINGS_DEG: Final = tuple(round(0.1 * ring, 1) for ring in range(1, 7))
"""How far land is looked for around a place at sea, nearest first; land beyond some 60 km is too far."""

_DIRECTIONS: Final = 16


def is_place(latitude: float, longitude: float) -> bool:
    """Whether coordinates are those of a place; 0, 0 is how "unknown" is spelt."""
    return abs(latitude) <= 90 and abs(longitude) <= 180 and hypot(latitude, longitude) > 0


@lru_cache(maxsize=4096)
def zone_at(latitude: float, longitude: float) -> str | None:
    """The IANA name of the zone at a place, or of the nearest land when that is at sea; None when there is none near.

    Args:
        latitude: Degrees north.
        longitude: Degrees east.
    """
    if not is_place(latitude, longitude):
        return None
    places = [(0.0, 0.0)]
    for ring in _RINGS_DEG:
        angles = [2 * pi * step / _DIRECTIONS for step in range(_DIRECTIONS)]
        places += [(ring * cos(angle), ring * sin(angle)) for angle in angles]
    for north, east in places:
        name = tzfpy.get_tz(_wrapped(longitude + east), max(-90.0, min(90.0, latitude + north)))
        if name and not name.startswith(_AT_SEA) and iana_zone(name) is not None:
            return name
    return None


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def zone_of_address(state: str | None, country: str | None) -> str | None:
    """The zone of a state, or of a whole country, that has just one; None where it has several or is not known."""
    country = (country or "").strip().upper()
    country = _COUNTRY_NAMES.get(country, country)
    if country in ZONES_OF_STATES:
        return ZONES_OF_STATES[country].get((state or "").strip().upper())
    return ZONES_OF_COUNTRIES.get(country)


_COUNTRY_NAMES: Final[dict[str, str]] = {
    "USA": "US",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "AUS": "AU",
    "AUSTRALIA": "AU",
    "CAN": "CA",
    "CANADA": "CA",
    "GBR": "GB",
    "UK": "GB",
    "UNITED KINGDOM": "GB",
    "DEU": "DE",
    "GERMANY": "DE",
    "JPN": "JP",
    "JAPAN": "JP",
}
"""Other spellings of the countries with most sites."""

ZONES_OF_COUNTRIES: Final[dict[str, str]] = {
    "AE": "Asia/Dubai",
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "HK": "Asia/Hong_Kong",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IL": "Asia/Jerusalem",
    "IN": "Asia/Kolkata",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MC": "Europe/Monaco",
    "MT": "Europe/Malta",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PH": "Asia/Manila",
    "PL": "Europe/Warsaw",
    "PR": "America/Puerto_Rico",
    "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
    "TH": "Asia/Bangkok",
    "TR": "Europe/Istanbul",
    "TW": "Asia/Taipei",
    "ZA": "Africa/Johannesburg",
}
"""Countries (ISO 3166) all of whose clocks agree. Source: zone.tab of the time zone database; a test compares the two."""

_US: Final[dict[str, str]] = {
    **dict.fromkeys(
        ["CT", "DC", "DE", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "OH", "PA", "RI", "SC", "VA", "VT", "WV"],
        "America/New_York",
    ),
    **dict.fromkeys(["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"], "America/Chicago"),
    **dict.fromkeys(["CO", "MT", "NM", "UT", "WY"], "America/Denver"),
    **dict.fromkeys(["CA", "WA"], "America/Los_Angeles"),
    "HI": "Pacific/Honolulu",
    "PR": "America/Puerto_Rico",
}

ZONES_OF_STATES: Final[dict[str, dict[str, str]]] = {
    "US": _US,
    "AU": {
        "ACT": "Australia/Sydney",
        "NT": "Australia/Darwin",
        "QLD": "Australia/Brisbane",
        "SA": "Australia/Adelaide",
        "TAS": "Australia/Hobart",
        "VIC": "Australia/Melbourne",
    },
    "CA": {
        "AB": "America/Edmonton",
        "MB": "America/Winnipeg",
        "NB": "America/Moncton",
        "NS": "America/Halifax",
        "PE": "America/Halifax",
        "YT": "America/Whitehorse",
    },
}
"""States of a single zone in the countries that have several. Split states are left out: Arizona (the Navajo Nation keeps
summer time), Florida, Nevada, Texas, New South Wales (Broken Hill, Lord Howe), Western Australia (Eucla), Ontario, …"""
