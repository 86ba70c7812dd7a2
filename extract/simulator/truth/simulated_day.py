"""The truth of one local day of a site; it does not depend on other days."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from extract.simulator.local_day import SLOT_S, Floats, Instants, Ints, as_instants, day_bounds, offsets_s
from extract.simulator.measures import CHARGES, EXPORTS, FLOWS, HOME, POWERS
from extract.simulator.seeded import unit_hash
from extract.simulator.site import ExportRule, SiteSpec
from extract.simulator.truth.battery import dispatch, level_at_start
from extract.simulator.truth.outage import Outage
from extract.simulator.truth.outages_and_charging import (
    ChargeSession,
    is_inside,
    outages_of,
    sessions_of,
    vehicle_wh,
)
from extract.simulator.truth.weather_and_home import SLOTS_PER_HOUR, home_wh, solar_wh

SOE_STEP_S = 900


@dataclass(frozen=True, slots=True)
class DayTruth:
    """What really happened on one local day, without slots before the installation.

    Attributes:
        local_date: The site's calendar day.
        interval_start: `datetime64[s]`, UTC: beginning of each five-minute slot (Q33); 288 of them, 276 or 300 on DST
            days, 282 or 294 at Lord Howe.
        flows: The API's sixteen names → int64 Wh per slot. The flow identities (API.md#flow-identities) hold in
            every slot of a site with a grid meter; without one all flows but solar are 0 (Q43).
        power: The API's five names → float64 W per slot; their integral is the energy.
        soe_start: `datetime64[s]`, UTC, every 15 minutes; empty without a battery.
        soe_pct: Integer percent at those instants.
        level_wh: Energy in the battery at the beginning of each slot and at the end: one value more than slots.
        home_wh: Home use, also where the API does not report it.
        charge_sessions: Charge sessions of this night.
        outages: Outages of this day.
    """

    local_date: date
    interval_start: Instants
    flows: dict[str, Ints]
    power: dict[str, Floats]
    soe_start: Instants
    soe_pct: Ints
    level_wh: Ints
    home_wh: Ints
    charge_sessions: tuple[ChargeSession, ...]
    outages: tuple[Outage, ...]


def simulate_day(spec: SiteSpec, day: date, first_wh: int | None = None) -> DayTruth:
    """The truth of one local day; depends only on the arguments.

    Args:
        spec: The site.
        day: The day.
        first_wh: Energy in the battery at the beginning; None for the seeded level.
    """
    whole, spec = spec, spec.on(day)
    start_s, end_s = day_bounds(spec.zone, day)
    epochs_s = np.arange(start_s, end_s, SLOT_S, dtype=np.int64)
    local_s = (epochs_s + offsets_s(spec.zone, epochs_s)) % 86_400
    noise = np.random.default_rng([spec.seed, day.toordinal()])
    outages = outages_of(spec, day)
    sessions = sessions_of(spec, day)
    solar = solar_wh(spec, day, epochs_s, noise)
    home = home_wh(spec, day, local_s, noise) + vehicle_wh(spec, day, epochs_s)
    is_off_grid = is_inside(outages, epochs_s)
    levels = (
        (level_at_start(spec, day) if first_wh is None else first_wh),
        level_at_start(_tomorrow(whole, spec, day), day + timedelta(days=1)),
    )
    flows, level_wh = _flows(spec, day, (solar, home), is_off_grid, local_s, levels)

    installed_s = int(spec.installed_at.timestamp())
    first = int(np.searchsorted(epochs_s, installed_s))
    flows = {name: flows[name][first:] for name in FLOWS}
    home = home[first:] if not spec.has_grid_meter else _home(flows)
    soe = slice(-(-first // 3) * 3, len(epochs_s) if spec.has_battery else 0, SOE_STEP_S // SLOT_S)
    capacity = max(spec.battery_energy_wh, 1)
    return DayTruth(
        local_date=day,
        interval_start=as_instants(epochs_s[first:]),
        flows=flows,
        power=_power(flows, home, noise),
        soe_start=as_instants(epochs_s[soe]),
        soe_pct=(level_wh[:-1][soe] * 100 + capacity // 2) // capacity,
        level_wh=level_wh[first:],
        home_wh=home,
        charge_sessions=sessions,
        outages=outages,
    )


def _tomorrow(whole: SiteSpec, today: SiteSpec, day: date) -> SiteSpec:
    """The site on the day after, by which that day's first level is computed; today's where it has no battery yet."""
    return whole.on(day + timedelta(days=1)) if today.has_battery else today


def _flows(
    spec: SiteSpec,
    day: date,
    energy: tuple[Ints, Ints],
    is_off_grid: Ints,
    local_s: Ints,
    levels: tuple[int, int],
) -> tuple[dict[str, Ints], Ints]:
    """Split a day's solar and home energy into the sixteen flows.

    During an outage, home use without a source is shed, and surplus solar is curtailed; so it is where nothing may be exported.
    """
    solar, home = energy
    zero = np.zeros(len(solar), np.int64)
    if not spec.has_grid_meter:
        return dict.fromkeys(FLOWS, zero) | {"solar_energy_exported": solar}, np.zeros(len(solar) + 1, np.int64)
    home_from_solar = np.minimum(solar, home)
    generator = _generator_wh(spec, day, is_off_grid, local_s, home - home_from_solar)
    home_from_generator = np.minimum(home - home_from_solar, generator)
    left_solar, left_generator = solar - home_from_solar, generator - home_from_generator
    deficit = home - home_from_solar - home_from_generator
    is_vpp_hour = _vpp_hours(spec, day, local_s)
    present = spec.as_of(day_bounds(spec.zone, day)[0])
    battery = dispatch(
        present,
        levels,
        surplus=left_solar + left_generator,
        deficit=deficit,
        is_off_grid=is_off_grid,
        is_vpp_hour=is_vpp_hour,
        local_s=local_s,
    )

    from_solar = np.minimum(battery.charge, left_solar)
    from_generator = np.minimum(battery.charge - from_solar, left_generator)
    from_grid = battery.charge - from_solar - from_generator
    to_home = np.minimum(battery.discharge, deficit)
    to_grid = battery.discharge - to_home
    on_grid = 1 - is_off_grid
    home_from_grid = (deficit - to_home) * on_grid
    exporting = on_grid * int(present.export_rule is not ExportRule.NEVER)
    solar_to_grid = (left_solar - from_solar) * exporting
    generator_to_grid = (left_generator - from_generator) * exporting
    flows = {
        "solar_energy_exported": home_from_solar + from_solar + solar_to_grid,
        "generator_energy_exported": home_from_generator + from_generator + generator_to_grid,
        "grid_energy_imported": home_from_grid + from_grid,
        "grid_services_energy_imported": zero,
        "grid_services_energy_exported": to_grid * is_vpp_hour,
        "grid_energy_exported_from_solar": solar_to_grid,
        "grid_energy_exported_from_generator": generator_to_grid,
        "grid_energy_exported_from_battery": to_grid,
        "battery_energy_exported": battery.discharge,
        "battery_energy_imported_from_grid": from_grid,
        "battery_energy_imported_from_solar": from_solar,
        "battery_energy_imported_from_generator": from_generator,
        "consumer_energy_imported_from_grid": home_from_grid,
        "consumer_energy_imported_from_solar": home_from_solar,
        "consumer_energy_imported_from_battery": to_home,
        "consumer_energy_imported_from_generator": home_from_generator,
    }
    return flows, battery.level_wh


def _home(flows: dict[str, Ints]) -> Ints:
    """Energy that the home received: the sum of its four sources."""
    total: Ints = sum((flows[name] for name in HOME), np.zeros(len(flows[FLOWS[0]]), np.int64))
    return total


def _power(flows: dict[str, Ints], home: Ints, noise: np.random.Generator) -> dict[str, Floats]:
    """Mean power of each slot: Wh × 12 plus a small jitter that cancels within every pair of slots.

    So the integral of the power is the energy, but no single value is. Signs: battery is positive for discharge, grid and grid
    services for import.
    """
    charge = sum(flows[name] for name in CHARGES)
    export = sum(flows[name] for name in EXPORTS)
    net = np.stack(
        (
            flows["solar_energy_exported"],
            flows["battery_energy_exported"] - charge,
            flows["grid_energy_imported"] - export,
            flows["grid_services_energy_imported"] - flows["grid_services_energy_exported"],
            flows["generator_energy_exported"],
        )
    )
    paired = len(home) // 2 * 2
    first, second = net[:, 0:paired:2], net[:, 1:paired:2]
    smallest = np.where(first * second > 0, np.minimum(np.abs(first), np.abs(second)), 0)
    room = np.minimum(home[0:paired:2], home[1:paired:2]) * 0.2
    jitter = np.minimum(smallest * 0.04, room) * SLOTS_PER_HOUR * noise.uniform(-1.0, 1.0, first.shape)
    watts: Floats = np.asarray(net * SLOTS_PER_HOUR, np.float64)
    watts[:, 0:paired:2] += jitter
    watts[:, 1:paired:2] -= jitter
    return dict(zip(POWERS, watts, strict=True))


def _generator_wh(spec: SiteSpec, day: date, is_off_grid: Ints, local_s: Ints, needed: Ints) -> Ints:
    """Energy of the generator: a test run on Sundays from 12:00 to 12:30, and what the home needs during an outage."""
    limit = spec.generator_w // SLOTS_PER_HOUR
    is_exercise = (local_s >= 43_200) & (local_s < 45_000) & (day.weekday() == 6)
    return np.where(is_exercise, limit, np.where(is_off_grid > 0, np.minimum(limit, needed), 0))


def _vpp_hours(spec: SiteSpec, day: date, local_s: Ints) -> Ints:
    """1 from 19:00 to 21:00 on the days of a grid-services event."""
    is_event = unit_hash(spec.seed, day, 4) < spec.vpp_events_per_year / 365
    return ((local_s >= 68_400) & (local_s < 75_600) & is_event).astype(np.int64)
