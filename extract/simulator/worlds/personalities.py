"""One site of every kind: equipment, zone, age, era. All names are invented; coordinates are rounded to whole degrees."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from extract.simulator.site import ChargeKey, Mode, SerialStyle, SiteSpec, ZoneMode
from extract.simulator.worlds.vehicle import Vehicle
from extract.simulator.worlds.world import StaleResponse, StaleSite, World
from wattlog.zones import Zone

TEN_YEARS = timedelta(days=3_652)

PLACES: dict[str, tuple[str, float, float]] = {
    "los_angeles": ("America/Los_Angeles", 37.0, -121.0),
    "london": ("Europe/London", 52.0, -1.0),
    "sydney": ("Australia/Sydney", -33.0, 150.0),
    "lord_howe": ("Australia/Lord_Howe", -32.0, 159.0),
    "kolkata": ("Asia/Kolkata", 23.0, 88.0),
    "chatham": ("Pacific/Chatham", -44.0, -176.0),
    "st_johns": ("America/St_Johns", 48.0, -54.0),
    "phoenix": ("America/Phoenix", 33.0, -112.0),
    "new_york": ("America/New_York", 42.0, -75.0),
}
"""Zone and coordinates; some zones have half-hour or quarter-hour offsets, one has half an hour of DST (Q36, Q37)."""


def personality_world(today: date) -> World:
    """An account with a site of every kind, two vehicles, two stale sites, and two ghosts.

    The name of a site describes it. The sites called old are ten years old, so that they have days of both eras (Q10).
    """
    return World(
        sites=(*_with_battery(today), *_without_battery(today)),
        vehicles=(
            Vehicle(1_492_931_520_123_457, "5YJSIM00000000002", "Meteor"),
            Vehicle(1_492_931_520_123_458, "5YJSIM00000000003", ""),
        ),
        ghosts=(987_654_322, 987_654_323),
        stale_sites=(StaleSite(876_543_211), StaleSite(876_543_212, StaleResponse.STRING)),
        has_legacy_history=True,
    )


def _with_battery(today: date) -> tuple[SiteSpec, ...]:
    """Sites with a battery, and most of the zones."""
    days = timedelta(days=1)
    year = 365 * days
    return (
        replace(
            _site(1, "old solar and battery", "los_angeles", today - TEN_YEARS), mode=Mode.AUTONOMOUS, has_tariff=True
        ),
        replace(_site(2, "battery only", "london", today - 2 * year), solar_peak_w=0),
        replace(
            _site(3, "wall connectors", "sydney", today - year), wall_connectors=3, charge_key=ChargeKey.TIME_SERIES
        ),
        replace(_site(4, "generator", "st_johns", today - 2 * year), generator_w=7_000, outages_per_year=40.0),
        replace(_site(5, "grid services", "sydney", today - 2 * year), vpp_events_per_year=40.0),
        replace(
            _site(6, "half-hour summer time, zone empty", "lord_howe", today - year),
            zone_mode=ZoneMode.EMPTY,
            serial_style=SerialStyle.EMPTY,
        ),
        replace(_site(7, "half-hour zone, no IANA name", "kolkata", today - year), zone_mode=ZoneMode.NOT_IANA),
        replace(
            _site(8, "quarter-hour zone, zone missing", "chatham", today - year),
            zone_mode=ZoneMode.MISSING,
            serial_style=SerialStyle.MISSING,
        ),
        _site(9, "three days old", "london", today - 3 * days),
        replace(_site(10, "sub-daily weeks and months", "london", today - year), has_sub_daily_periods=True),
    )


def _without_battery(today: date) -> tuple[SiteSpec, ...]:
    """Solar with and without a grid meter, and a site with only wall connectors."""
    year = timedelta(days=365)
    old = _no_battery(11, "old solar only, fixed offset", "new_york", today - TEN_YEARS)
    dark = _no_battery(12, "solar only, dark nights", "phoenix", today - 2 * year)
    return (
        replace(old, has_grid_meter=False, power_interval_s=900, zone_mode=ZoneMode.FIXED_OFFSET),
        replace(dark, has_grid_meter=False, power_interval_s=900, omits_night_rows=True),
        _no_battery(13, "solar with a grid meter", "phoenix", today - 2 * year),
        replace(
            _no_battery(14, "wall connectors only", "los_angeles", today - year),
            solar_peak_w=0,
            wall_connectors=1,
        ),
    )


def _no_battery(number: int, name: str, place: str, installed: date) -> SiteSpec:
    return replace(_site(number, name, place, installed), battery_energy_wh=0, battery_power_w=0, battery_count=0)


def _site(number: int, name: str, place: str, installed: date) -> SiteSpec:
    """A site of the default sizes, installed at 12:30 local time."""
    zone, latitude, longitude = PLACES[place]
    return SiteSpec(
        site_id=3_000_000_000 + number,
        site_name=name,
        time_zone=zone,
        installed_at=datetime.combine(installed, time(12, 30), Zone(zone)),
        latitude=latitude,
        longitude=longitude,
        seed=number,
    )
