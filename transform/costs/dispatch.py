"""What a battery would have done: two simple rules, replayed over stored intervals.

**Self-powered**: what the panels give beyond the home's use charges the battery; what the home needs beyond the panels comes
from the battery while it is above its reserve, then from the grid.

**Time-based**: the same, but in hours of the lowest price of a day the battery gives nothing, so that its energy is left for
dearer ones. If it may charge from the grid, it does so in these hours, provided that the highest price of the day pays for its
losses. On days with one price the rule is the first one.

A battery that was not always the same is replayed as it was: each interval has the energy, power and reserve of its time.

Under both rules the battery gives nothing to the grid. Within an interval power is even. Losses are shared evenly between
charging and discharging. A generator's energy is taken off the home's. These are rules, not Tesla's optimiser, whose decisions
are not public: how well they meet what was observed is shown beside every result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np

from transform.costs.amounts import Floats, Ints, Mask
from transform.costs.flows import IMPORTED, Intervals
from transform.costs.spans import Spans

_S_PER_H = 3_600


class Rule(StrEnum):
    """What a battery does."""

    SELF_POWERED = "self_powered"
    TIME_BASED = "time_based"


@dataclass(frozen=True, slots=True)
class BatteryState:
    """What a battery was from an instant on.

    Attributes:
        begins_us: The first instant, microseconds since 1970.
        energy_wh: Energy that it can give when full; 0 where there is none.
        power_w: Highest power of charge and discharge.
        reserve: Share of its energy that is kept for outages.
    """

    begins_us: int
    energy_wh: float
    power_w: float
    reserve: float


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery.

    Attributes:
        energy_wh: Energy that it can give when full, at its terminals inside.
        power_w: Highest power of charge and discharge.
        efficiency: Energy out by energy in, over a whole cycle.
        reserve: Share of its energy that is kept for outages.
        charges_from_grid: Whether the time-based rule may charge it from the grid.
        states: What it was from several instants on, oldest first, where it has changed; the oldest also counts before it.
    """

    energy_wh: float
    power_w: float
    efficiency: float = 0.9
    reserve: float = 0.0
    charges_from_grid: bool = False
    states: tuple[BatteryState, ...] = ()

    def state_at(self, starts_us: Ints) -> tuple[Floats, Floats, Floats]:
        """Energy, highest power, and energy that is kept for outages, at each instant."""
        states = self.states or (BatteryState(0, self.energy_wh, self.power_w, self.reserve),)
        at = np.maximum(np.searchsorted([state.begins_us for state in states], starts_us, side="right") - 1, 0)
        energy_wh, power_w, reserve = (
            np.array([getattr(state, name) for state in states], np.float64)[at]
            for name in ("energy_wh", "power_w", "reserve")
        )
        return energy_wh, power_w, energy_wh * reserve


@dataclass(frozen=True, slots=True)
class Load:
    """What panels gave and the home used, interval by interval.

    Attributes:
        solar_wh: Energy of the panels.
        home_wh: Energy that the home used, less what a generator gave it.
        hours: Length of each interval.
        starts_us: First instant of each, microseconds since 1970.
    """

    solar_wh: Floats
    home_wh: Floats
    hours: Floats
    starts_us: Ints


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would have flowed.

    Attributes:
        import_wh: Energy from the grid.
        export_wh: Energy to the grid.
        stored_wh: Energy in the battery at the end of each interval.
    """

    import_wh: Floats
    export_wh: Floats
    stored_wh: Floats


def load_of(intervals: Intervals, solar_scale: float = 1.0) -> Load:
    """Panels and home of stored intervals, with panels so many times as large."""
    flows = intervals.flows
    solar = _energy(flows, "consumer_energy_imported_from_solar_wh", "battery_energy_imported_from_solar_wh")
    solar = solar + flows["grid_energy_exported_from_solar_wh"]
    home = _energy(flows, "consumer_energy_imported_from_grid_wh", "consumer_energy_imported_from_solar_wh")
    home = home + flows["consumer_energy_imported_from_battery_wh"]
    return Load(solar * solar_scale, home, intervals.length_s / _S_PER_H, intervals.starts_us)


def _energy(flows: Mapping[str, Floats], one: str, other: str) -> Floats:
    return flows[one] + flows[other]


def dispatch(load: Load, battery: Battery | None, gives: Mask, fills: Mask) -> Simulated:
    """Replay a battery over a load. It begins at its reserve.

    Args:
        load: Panels and home.
        battery: The battery; None for none.
        gives: Intervals in which it may give energy to the home.
        fills: Intervals in which it charges from the grid.
    """
    net = load.solar_wh - load.home_wh
    if battery is None or not len(net):
        return Simulated(np.maximum(-net, 0), np.maximum(net, 0), np.zeros(len(net)))
    one_way = sqrt(battery.efficiency)
    energy_wh, power_w, reserve_wh = battery.state_at(load.starts_us)
    stored, found_import, found_export, found_stored = float(reserve_wh[0]), [], [], []
    columns = (net, power_w * load.hours, energy_wh, reserve_wh, gives, fills)
    # Each interval depends on the one before. Lists of floats are several times as quick as elements of arrays.
    for surplus, most, full, floor, may_give, may_fill in zip(*(column.tolist() for column in columns), strict=True):
        imported = exported = 0.0
        stored = min(stored, full)  # a battery that was taken away has left nothing
        if surplus >= 0:
            charge = min(surplus, most, (full - stored) / one_way)
            stored += charge * one_way
            exported = surplus - charge
        else:
            charge = 0.0
            given = min(-surplus, most, max(stored - floor, 0.0) * one_way) if may_give else 0.0
            stored -= given / one_way
            imported = -surplus - given
        if may_fill:
            more = min(most - charge, (full - stored) / one_way)
            stored += more * one_way
            imported += more
        found_import.append(imported)
        found_export.append(exported)
        found_stored.append(stored)
    return Simulated(np.array(found_import), np.array(found_export), np.array(found_stored))


def allowed(rule: Rule, battery: Battery | None, intervals: Intervals, spans: Spans) -> tuple[Mask, Mask]:
    """The intervals in which a battery may give energy, and in which it charges from the grid, under a rule."""
    always, never = np.ones(len(intervals), bool), np.zeros(len(intervals), bool)
    if battery is None or rule is Rule.SELF_POWERED:
        return always, never
    at = np.clip(np.searchsorted(spans.starts_us, intervals.starts_us, side="right") - 1, 0, len(spans) - 1)
    price, is_null = spans.amounts("buy_micro")
    _, day = np.unique(spans.days, return_inverse=True)
    lowest, highest = _extremes(price[~is_null], day[~is_null], int(day.max(initial=-1)) + 1)
    is_cheap = (price == lowest[day]) & (lowest < highest)[day] & ~is_null
    is_worth = price < highest[day] * battery.efficiency
    fills = (is_cheap & is_worth)[at] if battery.charges_from_grid else never
    return ~is_cheap[at], fills


def _extremes(values: Ints, group: Ints, count: int) -> tuple[Ints, Ints]:
    lowest, highest = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(lowest, group, values)
    np.maximum.at(highest, group, values)
    return lowest, highest


def as_intervals(intervals: Intervals, simulated: Simulated, load: Load) -> Intervals:
    """Simulated imports and exports as intervals that can be priced, and what the panels gave beyond the exports."""
    nothing = np.zeros(len(intervals))
    flows = dict.fromkeys(intervals.flows, nothing)
    flows |= {
        IMPORTED: simulated.import_wh,
        "grid_energy_exported_from_solar_wh": simulated.export_wh,
        "consumer_energy_imported_from_solar_wh": load.solar_wh - simulated.export_wh,
    }
    return Intervals(intervals.starts_us, intervals.length_s, flows)
