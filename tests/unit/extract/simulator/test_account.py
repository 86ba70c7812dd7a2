"""Products, site_info, live_status, and the worlds that they describe."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from extract.simulator import DEMO_TOKEN, SiteSpec, World, demo_world, serve
from extract.simulator.endpoints.account import metadata, products
from extract.simulator.endpoints.query import Query
from extract.simulator.endpoints.site_state import live_status, site_info
from extract.simulator.worlds.world import Metadata
from wattlog.zones import Zone

TODAY = date(2026, 7, 20)
NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
DEMO = demo_world(TODAY)


def query(spec: SiteSpec, now: datetime = NOW) -> Query:
    """A request for one site."""
    world = World((spec,))
    return Query(world, world.truth(spec.site_id), {}, now)


def test_products_list_vehicles_sites_and_ghosts() -> None:
    """API.md#products: only entries with energy_site_id are sites; a ghost has no resource_type and no name."""
    vehicle, first, second, ghost = products(DEMO)
    assert "energy_site_id" not in vehicle
    assert [first["resource_type"], second["resource_type"]] == ["battery", "battery"]
    assert first["energy_site_id"] > 10**15
    assert "resource_type" not in ghost
    assert "site_name" not in ghost
    assert not any(ghost["components"][name] for name in ("battery", "solar", "grid", "load_meter"))


def test_site_info_describes_the_site() -> None:
    """API.md#site-info, Q38: sizes in W and Wh, installation with its offset, and the value for "no limit"."""
    info = site_info(query(DEMO.sites[0]))
    assert info["installation_date"] == "2025-05-21T12:20:00-07:00"
    assert (info["nameplate_power"], info["nameplate_energy"], info["battery_count"]) == (10_000, 27_000, 2)
    assert len(info["components"]["wall_connectors"]) == 2
    assert info["max_site_meter_power_ac"] == 10**9
    assert info["installation_time_zone"] == "America/Los_Angeles"


def test_live_status_is_the_last_slot_that_is_over() -> None:
    """API.md#live-status: the powers of 11:55 to 12:00, the energy at 12:00, home as the sum of the sources."""
    spec = DEMO.sites[0]
    status = live_status(query(spec))
    day = World((spec,)).truth(spec.site_id).day(TODAY)
    assert status["solar_power"] == pytest.approx(float(day.power["solar_power"][143]))
    assert status["energy_left"] == int(day.level_wh[144])
    assert status["percentage_charged"] == pytest.approx(int(day.level_wh[144]) / 270)
    assert status["load_power"] == pytest.approx(
        sum(float(day.power[f"{name}_power"][143]) for name in ("solar", "battery", "grid", "generator"))
    )
    assert status["timestamp"] == "2026-07-20T12:02:03-07:00"


def test_live_status_before_the_installation_is_zero() -> None:
    """Nothing is measured before the installation."""
    spec = SiteSpec(installed_at=NOW + timedelta(days=1))
    status = live_status(query(spec))
    assert (status["solar_power"], status["load_power"], status["energy_left"]) == (0, 0, 0)


def test_live_status_of_a_solar_only_site() -> None:
    """API.md#live-status: percentage 0, pack energy 1, no connectors, grid status unknown."""
    spec = SiteSpec(battery_energy_wh=0, battery_power_w=0, has_grid_meter=False)
    status = live_status(query(spec))
    assert (status["percentage_charged"], status["total_pack_energy"], status["wall_connectors"]) == (0, 1, None)
    assert status["grid_status"] == "Unknown"


def test_the_demo_has_sites_in_two_hemispheres_and_more_than_a_year() -> None:
    """Both sites were installed at midday about fourteen months ago, so a year includes both DST changes of each."""
    zones = {site.time_zone for site in DEMO.sites}
    assert zones == {"America/Los_Angeles", "Australia/Sydney"}
    for site in DEMO.sites:
        assert site.installed_at.astimezone(Zone(site.time_zone)).hour == 12
        assert timedelta(days=400) < NOW - site.installed_at < timedelta(days=450)
    assert demo_world(TODAY) == DEMO


def test_two_sites_with_the_same_id_are_an_error() -> None:
    """A world with an ambiguous id is an error, also if one of the two is a ghost."""
    with pytest.raises(ValueError, match="share a site_id"):
        World((SiteSpec(), SiteSpec(site_name="Other")))
    with pytest.raises(ValueError, match="share a site_id"):
        World((SiteSpec(),), ghosts=(SiteSpec().site_id,))


def test_an_unknown_site_has_no_truth() -> None:
    """The message lists the sites of the world."""
    with pytest.raises(KeyError, match="2104877316"):
        DEMO.truth(5)


def test_a_site_can_leave_the_account() -> None:
    """From the instant on it is not in the products list."""
    gone = replace(DEMO, departures={DEMO.sites[0].site_id: NOW})
    assert [entry.get("energy_site_id") for entry in products(gone, NOW - timedelta(seconds=1))] == [
        entry.get("energy_site_id") for entry in products(DEMO)
    ]
    assert len(products(gone, NOW)) == len(products(DEMO)) - 1


def test_history_can_be_empty_for_a_while() -> None:
    """Q23: the token is accepted, and the responses are empty until it is renewed."""
    world = replace(DEMO, empty_between=((NOW, NOW + timedelta(hours=8)),))
    assert [world.is_empty(NOW + timedelta(hours=hours)) for hours in (-1, 0, 7, 8)] == [False, True, True, False]


def test_metadata_may_lack_nearly_everything() -> None:
    """Q141, Q146: nulls where values were, and no subscription."""
    described = metadata(replace(DEMO, metadata=Metadata(is_null=True)))
    assert (described["scopes"], described["subscription"], described["region"]) == (None, None, "NA")
    assert {entry["access"] for entry in described["energy_sites"].values()} == {None}
    assert "subscription" not in metadata(DEMO)
    with_one = replace(DEMO, metadata=Metadata(subscription={"cycle": "monthly", "start": None, "end": None}))
    assert metadata(with_one)["subscription"]["cycle"] == "monthly"


def test_a_subscription_may_not_cover_or_name_a_site() -> None:
    """Q141, Q146: one site without access, and one in the products list alone."""
    first, second = (site.site_id for site in DEMO.sites)
    facts = Metadata(uncovered_sites=frozenset({first}), unlisted_sites=frozenset({second}))
    described = metadata(replace(DEMO, metadata=facts))["energy_sites"]
    assert {site_id: entry["access"] for site_id, entry in described.items()} == {str(first): False}


def test_a_token_can_be_checked_alone() -> None:
    """Q143: the token decides, and nothing else."""
    with serve(DEMO) as server:
        answers = [
            httpx.get(f"{server.base_url}/api/test", headers={"Authorization": f"Bearer {token}"})
            for token in (DEMO_TOKEN, "another-token")
        ]
    assert [(answer.status_code, answer.json().get("response")) for answer in answers] == [(200, True), (401, None)]
