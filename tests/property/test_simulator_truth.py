"""The simulator's truth over many sites, zones and days."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extract.simulator import FLOWS, SiteSpec, Truth, World
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.query import Query
from extract.simulator.truth.simulated_day import simulate_day
from tests.examples import examples
from wattlog.zones import Zone

PLACES = [
    ("America/Los_Angeles", 37.0, -121.0),
    ("Europe/London", 51.5, -0.1),
    ("Australia/Sydney", -33.9, 151.2),
    ("Australia/Lord_Howe", -31.5, 159.1),
    ("Asia/Kolkata", 22.6, 88.4),
    ("Pacific/Chatham", -43.9, -176.5),
    ("America/St_Johns", 47.6, -52.7),
    ("America/Phoenix", 33.4, -112.1),
    ("Europe/Oslo", 69.6, 18.9),
]
DAYS = st.dates(date(2016, 1, 1), date(2030, 12, 31))


@st.composite
def specs(draw: st.DrawFn) -> SiteSpec:
    """Sites of every kind at every place."""
    zone, latitude, longitude = draw(st.sampled_from(PLACES))
    energy_wh = draw(st.sampled_from([0, 13_500, 27_000, 40_500, 135_000]))
    has_grid_meter = energy_wh > 0 or draw(st.booleans())
    return SiteSpec(
        time_zone=zone,
        latitude=latitude,
        longitude=longitude,
        installed_at=datetime(2015, 6, 1, tzinfo=UTC),
        solar_peak_w=draw(st.sampled_from([0, 3_000, 9_000, 40_000])),
        battery_energy_wh=energy_wh,
        battery_power_w=energy_wh * 10 // 27,
        backup_reserve_pct=draw(st.integers(0, 100)),
        home_mean_w=draw(st.sampled_from([150, 1_000, 6_000])),
        wall_connectors=draw(st.integers(0, 3)),
        generator_w=draw(st.sampled_from([0, 7_000])) if has_grid_meter else 0,
        has_grid_meter=has_grid_meter,
        outages_per_year=draw(st.sampled_from([0.0, 365.0])),
        vpp_events_per_year=draw(st.sampled_from([0.0, 365.0])),
        seed=draw(st.integers(0, 2**31)),
    )


@given(spec=specs(), day=DAYS)
@examples(150)
def test_energy_is_conserved_whatever_the_site(spec: SiteSpec, day: date) -> None:
    """What comes in goes out in every slot; nothing is negative; the battery closes where the next day opens."""
    truth = Truth(spec)
    today, tomorrow = truth.day(day), truth.day(day + timedelta(days=1))
    flows = today.flows
    assert min(int(values.min()) for values in flows.values()) >= 0
    if not spec.has_grid_meter:
        return
    export = np.sum([flows[name] for name in FLOWS[5:8]], axis=0)
    charge = np.sum([flows[name] for name in FLOWS[9:12]], axis=0)
    home = np.sum([flows[name] for name in FLOWS[12:16]], axis=0)
    sources = flows["solar_energy_exported"] + flows["generator_energy_exported"] + flows["grid_energy_imported"]
    assert np.array_equal(sources + flows["battery_energy_exported"], home + charge + export)
    assert not np.any(flows["grid_energy_imported"] * export)
    assert not np.any(flows["battery_energy_exported"] * charge)
    assert today.level_wh[-1] == tomorrow.level_wh[0]
    assert today.level_wh.min() >= spec.reserve_wh
    assert today.level_wh.max() <= spec.battery_energy_wh


@given(spec=specs(), day=DAYS)
@examples(60)
def test_a_day_is_the_same_whatever_was_asked_before(spec: SiteSpec, day: date) -> None:
    """A truth that was asked for other days first, and a day computed alone, agree to the last bit."""
    used = Truth(spec)
    used.day(day + timedelta(days=1))
    used.day(day - timedelta(days=1))
    mine, other = simulate_day(spec, day), used.day(day)
    assert all(np.array_equal(mine.flows[name], other.flows[name]) for name in mine.flows)
    assert all(np.array_equal(mine.power[name], other.power[name]) for name in mine.power)
    assert np.array_equal(mine.soe_pct, other.soe_pct)


@given(spec=specs(), day=st.dates(date(2024, 5, 1), date(2026, 6, 1)), second=st.integers(1, 86_399))
@examples(100)
def test_rows_are_all_of_the_day_of_end_date(spec: SiteSpec, day: date, second: int) -> None:
    """Q1: whatever the zone, every row lies in the local day of end_date and none after it; the sums are the truth's."""
    zone = Zone(spec.time_zone)
    end = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC) + timedelta(seconds=second)
    world = World((spec,))
    query = Query(
        world,
        world.truth(spec.site_id),
        {"kind": "energy", "period": "day", "end_date": end.isoformat()},
        datetime(2026, 8, 1, tzinfo=UTC),
    )
    answer = calendar_history(query)
    assert isinstance(answer, dict)
    stamps = [datetime.fromisoformat(row["timestamp"]) for row in answer["time_series"]]
    asked = end.astimezone(zone).date()
    assert {stamp.astimezone(zone).date() for stamp in stamps} == {asked}
    assert stamps[-1] <= end < stamps[-1] + timedelta(seconds=300)
    truth = world.truth(spec.site_id).day(asked)
    for name in FLOWS:
        assert [row[name] for row in answer["time_series"]] == truth.flows[name][: len(stamps)].tolist()
