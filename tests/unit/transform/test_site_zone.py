"""By which clock the server cuts a site's days."""

from datetime import UTC, datetime, timedelta

from transform.site_zone import server_clock
from wattlog.zones import Zone

WINTER, SUMMER = datetime(2025, 1, 15, tzinfo=UTC), datetime(2025, 7, 15, tzinfo=UTC)


def test_the_server_cuts_by_the_zone_unless_it_reports_an_offset() -> None:
    """Q1."""
    zone = Zone("America/Los_Angeles")
    assert server_clock(zone, None, WINTER, SUMMER) is zone


def test_the_server_cuts_a_fixed_offset_site_by_todays_offset() -> None:
    """Q7: an offset reported in winter is kept in summer only where the zone has none of its own."""
    zone = Zone("America/Los_Angeles")
    assert server_clock(zone, -480, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-7)
    assert server_clock(zone, -480, WINTER, WINTER).utcoffset(None) == timedelta(hours=-8)
    assert server_clock(zone, -300, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-5), "not of this zone"
    assert server_clock(UTC, -480, WINTER, SUMMER).utcoffset(None) == timedelta(hours=-8)
    assert server_clock(zone, 5000, WINTER, SUMMER) is zone, "no clock is so far off"
