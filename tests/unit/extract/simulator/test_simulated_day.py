"""The truth of a day: identities, power, state of energy, installation, outages, vehicles, generator, grid services."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from extract.simulator import FLOWS, SiteSpec, Truth
from extract.simulator.local_day import SLOT_S

FULL_SITE = SiteSpec(
    installed_at=datetime(2016, 3, 4, 20, 17, tzinfo=UTC),
    wall_connectors=2,
    generator_w=5_000,
    vpp_events_per_year=30,
    outages_per_year=40,
    seed=7,
)
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)


@pytest.fixture(scope="module")
def truth_of_full_site() -> Truth:
    """A site with all equipment."""
    return Truth(FULL_SITE)


def test_flow_identities_hold_in_every_slot(truth_of_full_site: Truth) -> None:
    """API.md#flow-identities: each source is the sum of its flows, to the Wh, in every slot of a year."""
    for day in truth_of_full_site.days(FIRST, LAST):
        flow = day.flows
        solar = (
            flow["consumer_energy_imported_from_solar"]
            + flow["battery_energy_imported_from_solar"]
            + flow["grid_energy_exported_from_solar"]
        )
        generator = (
            flow["consumer_energy_imported_from_generator"]
            + flow["battery_energy_imported_from_generator"]
            + flow["grid_energy_exported_from_generator"]
        )
        grid = flow["consumer_energy_imported_from_grid"] + flow["battery_energy_imported_from_grid"]
        battery = flow["consumer_energy_imported_from_battery"] + flow["grid_energy_exported_from_battery"]
        assert np.array_equal(flow["solar_energy_exported"], solar)
        assert np.array_equal(flow["generator_energy_exported"], generator)
        assert np.array_equal(flow["grid_energy_imported"], grid)
        assert np.array_equal(flow["battery_energy_exported"], battery)
        assert min(int(wh.min()) for wh in flow.values()) >= 0


def test_no_slot_has_both_directions(truth_of_full_site: Truth) -> None:
    """API.md#flow-identities: no slot has import and export, or charge and discharge."""
    for day in truth_of_full_site.days(FIRST, LAST):
        export = sum(day.flows[name] for name in FLOWS[5:8])
        charge = sum(day.flows[name] for name in FLOWS[9:12])
        assert not np.any(day.flows["grid_energy_imported"] * export)
        assert not np.any(day.flows["battery_energy_exported"] * charge)


def test_a_site_with_all_equipment_has_every_flow(truth_of_full_site: Truth) -> None:
    """All sixteen flows occur in a year, except grid-services import, which the simulator does not have."""
    without_energy = {name for name, wh in truth_of_full_site.total_wh(FIRST, LAST).items() if wh == 0}
    assert without_energy == {"grid_services_energy_imported"}


def test_the_battery_ends_a_day_where_the_next_begins(truth_of_full_site: Truth) -> None:
    """Each day ends at the level at which the next begins, so days can be computed in any order."""
    for day in truth_of_full_site.days(FIRST, LAST):
        assert day.level_wh[-1] == truth_of_full_site.day(day.local_date + timedelta(days=1)).level_wh[0]
        assert day.level_wh.min() >= FULL_SITE.reserve_wh
        assert day.level_wh.max() <= FULL_SITE.battery_energy_wh


def test_the_integral_of_power_is_energy(truth_of_full_site: Truth) -> None:
    """Q34: ∫ power equals the energy of a day within 0.5 Wh, though single values differ; home power is positive."""
    for day in truth_of_full_site.days(FIRST, date(2025, 3, 31)):
        charge = sum(day.flows[name] for name in FLOWS[9:12])
        export = sum(day.flows[name] for name in FLOWS[5:8])
        battery = day.flows["battery_energy_exported"] - charge
        grid = day.flows["grid_energy_imported"] - export
        for name, wh in {
            "solar_power": day.flows["solar_energy_exported"],
            "battery_power": battery,
            "grid_power": grid,
            "generator_power": day.flows["generator_energy_exported"],
        }.items():
            assert abs(float(day.power[name].sum()) / 12 - float(np.sum(wh))) < 0.5
        assert np.any(day.power["battery_power"] != battery * 12)
        home = sum(day.power[f"{name}_power"] for name in ("solar", "battery", "grid", "generator"))
        assert np.min(home) > 0 or day.outages


@pytest.mark.parametrize(
    ("day", "slots", "quarters"),
    [(date(2025, 3, 9), 276, 92), (date(2025, 11, 2), 300, 100), (date(2025, 6, 1), 288, 96)],
)
def test_dst_days_are_shorter_and_longer(truth_of_full_site: Truth, day: date, slots: int, quarters: int) -> None:
    """Q5: 276 or 300 slots, 92 or 100 quarter hours."""
    found = truth_of_full_site.day(day)
    assert (len(found.interval_start), len(found.soe_pct)) == (slots, quarters)
    assert np.array_equal(np.diff(found.interval_start.astype(np.int64)), np.full(slots - 1, SLOT_S))


def test_the_state_of_energy_is_the_level_in_percent(truth_of_full_site: Truth) -> None:
    """Q44: integer percent of the full battery, on the app's scale, at the beginning of each quarter hour."""
    day = truth_of_full_site.day(date(2025, 6, 1))
    exact = day.level_wh[:-1:3] * 100 / FULL_SITE.battery_energy_wh
    assert np.abs(day.soe_pct - exact).max() <= 0.5
    assert day.soe_pct.dtype == np.int64


def test_no_slot_is_before_the_installation(truth_of_full_site: Truth) -> None:
    """The first day begins with the first whole slot after the installation at 12:17 local; the day before is empty."""
    first = truth_of_full_site.day(truth_of_full_site.first_date)
    assert truth_of_full_site.first_date == date(2016, 3, 4)
    assert str(first.interval_start[0]) == "2016-03-04T20:20:00"
    assert str(first.soe_start[0]) == "2016-03-04T20:30:00"
    before = truth_of_full_site.day(date(2016, 3, 3))
    assert len(before.interval_start) == len(before.soe_pct) == 0
    assert set(truth_of_full_site.daily_wh(date(2016, 3, 3)).values()) == {0}


def test_an_outage_has_no_import_or_export(truth_of_full_site: Truth) -> None:
    """Slots wholly within an outage have neither import nor export."""
    seen = 0
    for day in truth_of_full_site.days(FIRST, LAST):
        starts = day.interval_start.astype(np.int64)
        for outage in day.outages:
            inside = (starts >= outage.start_s) & (starts + SLOT_S <= outage.start_s + outage.duration_ms // 1000)
            seen += int(inside.sum())
            assert not np.any(day.flows["grid_energy_imported"][inside])
            assert not any(np.any(day.flows[name][inside]) for name in FLOWS[5:8])
    assert seen > 50


def test_charge_sessions_are_in_the_home_load(truth_of_full_site: Truth) -> None:
    """On a night with a session, home use is higher by the session's energy than without vehicles."""
    without_vehicles = Truth(replace(FULL_SITE, wall_connectors=0))
    sessions = 0
    for day in truth_of_full_site.days(FIRST, date(2025, 2, 28)):
        for session in day.charge_sessions:
            sessions += 1
            same_day = without_vehicles.day(day.local_date)
            assert int(day.home_wh.sum() - same_day.home_wh.sum()) == session.energy_wh
            assert session.energy_wh == session.duration_s * 7200 // 3600
    assert sessions > 10


def test_without_a_grid_meter_only_solar_is_reported() -> None:
    """Q16, Q43: a solar-only site has only solar_energy_exported; grid power is always 0."""
    spec = SiteSpec(battery_energy_wh=0, battery_power_w=0, has_grid_meter=False)
    day = Truth(spec).day(date(2025, 7, 1))
    flows = {name for name, wh in day.flows.items() if wh.any()}
    assert flows == {"solar_energy_exported"}
    assert not day.power["grid_power"].any()
    assert day.home_wh.sum() > 0
    assert len(day.soe_pct) == 0


def test_solar_without_battery_imports_and_exports() -> None:
    """A solar site with a grid meter imports at night and exports by day, and the identities hold."""
    day = Truth(SiteSpec(battery_energy_wh=0, battery_power_w=0)).day(date(2025, 7, 1))
    total = {name: int(wh.sum()) for name, wh in day.flows.items()}
    assert total["grid_energy_imported"] == total["consumer_energy_imported_from_grid"] > 0
    exported = total["grid_energy_exported_from_solar"]
    assert total["solar_energy_exported"] == total["consumer_energy_imported_from_solar"] + exported > exported > 0


def test_the_sun_is_down_at_night_and_up_at_noon(truth_of_full_site: Truth) -> None:
    """Solar is exactly 0 at local midnight, and largest within two hours of solar noon."""
    day = truth_of_full_site.day(date(2025, 6, 21))
    solar = day.flows["solar_energy_exported"]
    assert solar[:60].sum() == solar[-36:].sum() == 0
    assert 11 * 12 <= int(np.convolve(solar, np.ones(12), "same").argmax()) <= 15 * 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"installed_at": datetime(2025, 1, 1)}, "aware"),  # noqa: DTZ001 - the naive datetime is the mistake shown
        ({"battery_power_w": 8_000}, "raise it"),
        ({"power_interval_s": 60}, "300 or 900"),
        ({"has_grid_meter": False}, "has_grid_meter=True"),
    ],
)
def test_an_impossible_site_is_an_error(changes: dict[str, object], message: str) -> None:
    """Each message says what to do."""
    with pytest.raises(ValueError, match=message):
        replace(FULL_SITE, **changes)  # type: ignore[arg-type] # wrong values of several types are the point


def test_fading_battery_holds_less_each_year_and_its_days_still_join() -> None:
    """Two percent a year: the level never exceeds what the day's battery holds, each day begins where the last one ended."""
    spec = replace(FULL_SITE, battery_fade_pct_per_year=2.0, installed_at=datetime(2020, 1, 1, 12, tzinfo=UTC))
    assert spec.on(date(2020, 1, 1)).battery_energy_wh == spec.battery_energy_wh
    assert spec.on(date(2025, 1, 1)).battery_energy_wh == round(spec.battery_energy_wh * (1 - 0.02 * 1827 / 365.25))
    assert spec.on(date(2025, 1, 1)).rated_energy_wh == spec.battery_energy_wh
    days = list(Truth(spec).days(date(2025, 1, 1), date(2025, 3, 31)))
    for before, after in pairwise(days):
        assert before.level_wh[-1] == after.level_wh[0]
        assert before.level_wh.max() <= spec.on(before.local_date).battery_energy_wh
