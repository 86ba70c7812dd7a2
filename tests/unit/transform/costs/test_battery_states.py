"""The battery of a site over time, from what each site_info had."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.costs import begin_of, us
from transform.costs.battery_states import battery_states
from transform.site_equipment import BatteryDays
from transform.sites import Site, site_from

PRODUCT = {"energy_site_id": 1001, "resource_type": "battery", "components": {"battery": True}}
FIRST, SECOND = datetime(2025, 3, 1, 20, tzinfo=UTC), datetime(2025, 6, 1, 20, tzinfo=UTC)


def _info(
    energy_wh: float | None = 13_500, power_w: float | None = 5_000, reserve_pct: object = 20
) -> dict[str, object]:
    return {
        "nameplate_energy": energy_wh,
        "nameplate_power": power_w,
        "backup_reserve_percent": reserve_pct,
        "installation_time_zone": "America/Los_Angeles",
    }


def _site(info: Mapping[str, object]) -> Site:
    return site_from(PRODUCT, info, None)


def test_a_battery_that_was_added_and_a_reserve_that_was_changed() -> None:
    """Equal states follow one another once; the first counts for the time before it."""
    seen = [
        (FIRST, _info()),
        (SECOND, _info(27_000, 10_000)),
        (datetime(2025, 7, 1, tzinfo=UTC), _info(27_000, 10_000, 50)),
    ]
    found = battery_states(_site(seen[-1][1]), [*seen, (datetime(2025, 8, 1, tzinfo=UTC), seen[-1][1])])
    assert [(state.energy_wh, state.power_w, state.reserve) for state in found] == [
        (13_500, 5_000, 0.2),
        (27_000, 10_000, 0.2),
        (27_000, 10_000, 0.5),
    ]
    assert found[0].begins_us < 0
    assert found[1].begins_us == us(SECOND)


@pytest.mark.parametrize("reserve", [None, "20", True])
def test_what_a_site_info_lacks_is_as_in_the_one_before(reserve: object) -> None:
    seen = [(FIRST, _info()), (SECOND, _info(None, None, reserve))]
    (found,) = battery_states(_site(_info()), seen)
    assert (found.energy_wh, found.power_w, found.reserve) == (13_500, 5_000, 0.2)


def test_days_without_battery_have_none() -> None:
    days = BatteryDays(since=date(2025, 5, 1), until=date(2025, 9, 1))
    site = replace(_site(_info()), battery=days)
    found = battery_states(site, [(FIRST, _info()), (SECOND, _info(27_000, 10_000))])
    assert [state.energy_wh for state in found] == [0, 13_500, 27_000, 0]
    assert [state.begins_us for state in found[1:]] == [
        begin_of(date(2025, 5, 1)),
        us(SECOND),
        begin_of(date(2025, 9, 1)),
    ]


def test_a_battery_without_known_size_has_no_states() -> None:
    assert battery_states(_site(_info(None)), [(FIRST, _info(None))]) == ()
