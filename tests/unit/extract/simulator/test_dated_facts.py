"""Facts of a site that change: its zone, its clock, its equipment."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from extract.simulator import EarlierZone, SiteSpec, Truth, World, ZoneMode
from extract.simulator.endpoints.account import products
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.query import Query
from extract.simulator.endpoints.site_state import site_info
from tests.unit.extract.simulator.conftest import Ask
from wattlog.zones import Zone

SITE = SiteSpec(installed_at=datetime(2023, 10, 1, 19, 40, tzinfo=UTC))
FIXED = replace(SITE, zone_mode=ZoneMode.FIXED_OFFSET)
NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
TRUTH = Truth(SITE)


def timestamps(response: dict[str, Any]) -> list[str]:
    return [row["timestamp"] for row in response["time_series"]]


def test_an_offset_may_never_change(ask: Ask) -> None:
    """Q7: -07:00 in winter, too."""
    spec = replace(FIXED, fixed_offset_minutes=-420)
    in_january = ask(spec, datetime(2026, 1, 20, 19, tzinfo=UTC), kind="power", end_date="2026-01-10T23:59:59-07:00")
    assert in_january["time_zone_offset"] == -420
    assert timestamps(in_january)[0] == "2026-01-10T00:00:00-07:00"


def test_the_zone_may_be_corrected() -> None:
    """Q8: until then the server cuts days by the wrong zone, and says so; what happened does not change."""
    spec = replace(SITE, earlier_zones=(EarlierZone(NOW, "America/New_York"),))
    for instant, zone in ((NOW - timedelta(seconds=1), "America/New_York"), (NOW, "America/Los_Angeles")):
        end = datetime(2026, 6, 1, 23, 59, 59, tzinfo=Zone(zone)).isoformat()
        query = Query(World((spec,)), Truth(spec), {"kind": "energy", "period": "day", "end_date": end}, instant)
        response, first = calendar_history(query), datetime(2026, 6, 1, tzinfo=Zone(zone))
        assert isinstance(response, dict)
        assert response["installation_time_zone"] == site_info(query)["installation_time_zone"] == zone
        assert timestamps(response)[0] == first.isoformat()
        assert len(timestamps(response)) == 288
    assert Truth(spec).daily_wh(date(2026, 6, 1)) == TRUTH.daily_wh(date(2026, 6, 1))


def test_the_history_may_name_a_zone_that_site_info_does_not() -> None:
    """Q8."""
    spec = replace(SITE, info_zone_mode=ZoneMode.MISSING)
    query = Query(World((spec,)), Truth(spec), {"kind": "soe"}, NOW)
    response = calendar_history(query)
    assert isinstance(response, dict)
    assert response["installation_time_zone"] == "America/Los_Angeles"
    assert "installation_time_zone" not in site_info(query)


def test_a_battery_may_be_added() -> None:
    """Q16: until then the site has only solar, no state of energy, and no battery in its description."""
    spec = SiteSpec(battery_since=date(2025, 7, 2), outages_per_year=365)
    before, after = (Truth(spec).day(date(2025, 7, day)) for day in (1, 2))
    assert {name for name, wh in before.flows.items() if wh.any()} == {"solar_energy_exported"}
    assert (len(before.soe_start), before.outages) == (0, ())
    assert after.flows["battery_energy_exported"].any()
    assert len(after.soe_start) == 96
    world = World((spec,))
    for day, has_battery in ((1, False), (2, True)):
        now = datetime(2025, 7, day, 19, tzinfo=UTC)
        found = site_info(Query(world, world.truth(spec.site_id), {}, now))
        assert found["components"]["battery"] == has_battery
        assert products(world, now)[-1]["components"]["battery"] == has_battery
