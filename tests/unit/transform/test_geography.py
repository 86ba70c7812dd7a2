"""Zones by place: coordinates rounded to a decimal, states and countries of one zone."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from transform.geography import ZONES_OF_COUNTRIES, ZONES_OF_STATES, zone_at, zone_of_address
from wattlog.zones import Zone

INSTANTS = [datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=7) * week for week in range(52 * 12)]


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [
        (37.8, -122.3, "America/Los_Angeles"),
        (33.4, -112.1, "America/Phoenix"),
        (-33.9, 151.2, "Australia/Sydney"),
        (22.6, 88.4, "Asia/Kolkata"),
        (18.3, -67.2, "America/Puerto_Rico"),
        (51.5, -0.1, "Europe/London"),
        (-17.7, 180.0, "Pacific/Fiji"),
    ],
)
def test_a_place_has_the_zone_of_its_clocks(latitude: float, longitude: float, zone: str) -> None:
    assert zone_at(latitude, longitude) == zone


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [(-32.0, 159.0, "Australia/Lord_Howe"), (-44.0, -176.0, "Pacific/Chatham")],
)
def test_a_site_that_rounding_put_into_the_sea_gets_the_nearest_land(
    latitude: float, longitude: float, zone: str
) -> None:
    """The map calls the sea `Etc/GMT-11`, which has none of the island's half hours (Q37)."""
    assert zone_at(latitude, longitude) == zone


@pytest.mark.parametrize(("latitude", "longitude"), [(-50.0, -140.0), (0.0, 0.0), (91.0, 0.0), (10.0, 181.0)])
def test_the_open_sea_and_places_that_are_none_have_no_zone(latitude: float, longitude: float) -> None:
    assert zone_at(latitude, longitude) is None


@pytest.mark.parametrize(
    ("state", "country", "zone"),
    [
        ("CA", "US", "America/Los_Angeles"),
        ("ny", "usa", "America/New_York"),
        ("QLD", "Australia", "Australia/Brisbane"),
        (None, "DE", "Europe/Berlin"),
        ("Bayern", "Germany", "Europe/Berlin"),
        ("TX", "US", None),
        ("AZ", "US", None),
        ("NSW", "AU", None),
        (None, "US", None),
        ("CA", None, None),
        ("", "", None),
        (None, "XX", None),
    ],
)
def test_an_address_gives_a_zone_only_where_there_is_just_one(
    state: str | None, country: str | None, zone: str | None
) -> None:
    """Texas has two clocks, Arizona summer time on one reservation: half a truth would be a guess."""
    assert zone_of_address(state, country) == zone


def test_every_country_of_the_table_has_clocks_that_agree_in_all_its_zones() -> None:
    """Compared with the time zone database's own table of countries, week by week since 2015."""
    zones: dict[str, set[str]] = defaultdict(set)
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            zones[country].add(name)
    for country, name in ZONES_OF_COUNTRIES.items():
        assert name in zones[country], country
        clocks = {
            tuple(instant.astimezone(Zone(zone)).utcoffset() for instant in INSTANTS)
            for zone in zones[country]
            if zone not in {"Asia/Urumqi", "Europe/Simferopol"}
        }
        assert len(clocks) == 1, country


def test_every_state_of_the_table_names_a_zone_of_its_country() -> None:
    for country, states in ZONES_OF_STATES.items():
        lines = files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines()
        known = {line.split("\t")[2] for line in lines if line.startswith(country)} | {"America/Puerto_Rico"}
        assert set(states.values()) <= known, country
