"""Time zones by name and by offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from transform.zones import fixed_name, fixed_zone, iana_zone, server_clock, zone_named


@pytest.mark.parametrize("name", ["", "America/Pacific", "America", "../etc/passwd", "Europe/Berlin\x00", "Ünderland"])
def test_what_is_no_iana_name_is_no_zone(name: str) -> None:
    """Q8: the API gives empty names, names of no database, and nothing may crash on worse."""
    assert iana_zone(name) is None


@pytest.mark.parametrize(
    ("minutes", "name"), [(-420, "UTC-07:00"), (0, "UTC+00:00"), (345, "UTC+05:45"), (-210, "UTC-03:30")]
)
def test_a_fixed_offset_has_a_name_that_is_understood_again(minutes: int, name: str) -> None:
    """Q7: sites without a zone name have minutes."""
    zone = fixed_zone(minutes)
    assert zone is not None
    assert fixed_name(zone.utcoffset(None)) == name
    assert zone_named(name) == zone


@pytest.mark.parametrize("minutes", [1081, -1081, 1e9, 0.5, float("inf")])
def test_an_offset_that_no_clock_has_is_no_zone(minutes: float) -> None:
    assert fixed_zone(minutes) is None


@pytest.mark.parametrize("name", ["UTC-7", "UTC+99:00", "GMT+02:00:00", "Berlin"])
def test_other_spellings_name_no_zone(name: str) -> None:
    assert zone_named(name) is None


def test_an_iana_name_is_its_zone() -> None:
    zone = zone_named("Asia/Kathmandu")
    assert zone is not None
    assert zone.utcoffset(None) is None or zone.utcoffset(None) == timedelta(hours=5, minutes=45)
    assert str(zone) == "Asia/Kathmandu"


WINTER, SUMMER = datetime(2025, 1, 15, tzinfo=UTC), datetime(2025, 7, 15, tzinfo=UTC)


def test_the_server_cuts_by_the_zone_unless_it_tells_an_offset() -> None:
    """Q1."""
    zone = ZoneInfo("America/Los_Angeles")
    assert server_clock(zone, None, WINTER, SUMMER) is zone


def test_the_server_cuts_a_fixed_offset_site_by_todays_offset() -> None:
    """Q7: what was told in winter holds in summer only where the zone does not say better."""
    zone = ZoneInfo("America/Los_Angeles")
    assert server_clock(zone, -480, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-7)
    assert server_clock(zone, -480, WINTER, WINTER).utcoffset(None) == timedelta(hours=-8)
    assert server_clock(zone, -300, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-5), "not of this zone"
    assert server_clock(UTC, -480, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-8)
    assert server_clock(zone, 5000, WINTER, SUMMER) is zone, "no clock is so far off"
