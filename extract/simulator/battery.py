"""How a battery spends one local day: closed form over cumulative sums, so that no day needs the day before.

The day begins at a seeded level and ends at the level the next day begins with. In between the battery discharges in the
morning down to the reserve, charges from what the sun leaves over, and in the evening goes to the closing level: by
carrying the home and exporting the rest, or by charging from the grid at night. Whole Wh throughout.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from extract.simulator.local_day import Ints
from extract.simulator.site import SiteSpec
from extract.simulator.weather_and_home import SLOTS_PER_HOUR, unit_hash

NIGHT_CHARGE_SLOTS = 3 * SLOTS_PER_HOUR
"""The last three hours of a day, in which the battery may charge from the grid; no outage reaches into them."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What the battery did.

    Attributes:
        charge: Wh into the battery, per slot.
        discharge: Wh out of the battery, per slot; never in a slot with charge.
        level_wh: Energy in the battery at the beginning of each slot, and at the end of the day: one longer.
    """

    charge: Ints
    discharge: Ints
    level_wh: Ints


def level_at_start(spec: SiteSpec, day: date) -> int:
    """Energy in the battery as the local day begins: seeded, between the reserve and half of what is above it."""
    above = spec.battery_energy_wh - spec.reserve_wh
    return spec.reserve_wh + int(above * (0.05 + 0.45 * unit_hash(spec.seed, day, 3)))


def dispatch(
    spec: SiteSpec, levels: tuple[int, int], *, surplus: Ints, deficit: Ints, is_off_grid: Ints, is_vpp_hour: Ints
) -> Dispatch:
    """Plan the battery's day.

    A tenth of what goes in is lost, so `level = first + charged·9//10 − discharged`.

    Args:
        spec: The site.
        levels: Level at the beginning of the day and at its end.
        surplus: Wh per slot that sun and generator leave over.
        deficit: Wh per slot that the home lacks; 0 wherever there is a surplus.
        is_off_grid: 1 in slots without a grid, where the battery can neither export nor charge from it.
        is_vpp_hour: 1 in evening slots in which the battery exports for grid services.
    """
    count = len(surplus)
    limit = spec.battery_power_w // SLOTS_PER_HOUR
    first, last = levels
    sunny = np.flatnonzero(surplus)
    noon = count // 2
    rise = int(sunny[0]) if len(sunny) else noon
    fall = min(int(sunny[-1]) + 1 if len(sunny) else noon, count - NIGHT_CHARGE_SLOTS)
    index = np.arange(count)
    morning = index < min(rise, fall)
    midday = ~morning & (index < fall)
    evening = (index >= fall).astype(np.int64)

    discharge = _up_to(np.where(morning, np.minimum(deficit, limit), 0), max(0, first - spec.reserve_wh))
    after_morning = first - int(discharge.sum())
    headroom = spec.battery_energy_wh - after_morning
    charge = _up_to(np.where(midday, np.minimum(surplus, limit), 0), headroom * 10 // 9)
    after_midday = after_morning + int(charge.sum()) * 9 // 10
    if after_midday >= last:
        on_grid = evening * (1 - is_off_grid)
        home = evening * np.minimum(deficit, limit)
        discharge += _evening(
            home, on_grid * is_vpp_hour * limit, on_grid * (deficit <= limit) * limit, after_midday - last
        )
    else:
        at_night = (index >= count - NIGHT_CHARGE_SLOTS).astype(np.int64)
        total = -(-(last - after_morning) * 10 // 9)
        charge += _up_to(at_night * limit, total - int(charge.sum()))
    return Dispatch(charge, discharge, _levels(first, charge, discharge))


def _evening(home: Ints, services: Ints, export: Ints, need: int) -> Ints:
    """Spend exactly `need`: first on grid services, then on the home, then by exporting what is still left.

    Args:
        home: What the battery could give the home, Wh per slot.
        services: What it gives in slots of grid services.
        export: What it can give in all in slots where it may export.
        need: Wh to spend.
    """
    spent = _up_to(services, need)
    spent = spent + _up_to(np.where(spent > 0, 0, home), need - int(spent.sum()))
    return spent + _up_to(np.maximum(export - spent, 0), need - int(spent.sum()))


def _up_to(wanted: Ints, total: int) -> Ints:
    """As much of what is wanted, in order, as the total allows."""
    taken = np.minimum(np.cumsum(wanted), total)
    taken[1:] -= taken[:-1].copy()
    return taken


def _levels(first: int, charge: Ints, discharge: Ints) -> Ints:
    levels = first + np.cumsum(charge) * 9 // 10 - np.cumsum(discharge)
    return np.concatenate(([first], levels))
