"""Charge and discharge of the battery on one local day, computed without the day before.

The day begins at a seeded level and ends at the level at which the next day begins. In the morning the battery discharges
down to the reserve, at midday it charges from the surplus, and in the evening it reaches the last level: by supplying the
home and exporting the rest, or by charging from the grid at night. Where a setting forbids the one or the other, the
battery may miss the last level; the next day then begins where this one ended. All energy is in whole Wh.

Where the battery follows the tariff (`SiteSpec.follows_tariff`), it gives nothing before the peak, is full when the peak
begins, from the surplus and then from the grid, and supplies the home from then on.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from extract.simulator.local_day import Ints, day_bounds
from extract.simulator.seeded import unit_hash
from extract.simulator.site import ExportRule, SiteSpec
from extract.simulator.truth.plans import HOURS, Band
from extract.simulator.truth.weather_and_home import SLOTS_PER_HOUR

NIGHT_CHARGE_SLOTS = 3 * SLOTS_PER_HOUR
"""The last three hours of a day, in which the battery may charge from the grid; they have no outage."""


_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Charge and discharge of a battery on one day.

    Attributes:
        charge: Wh into the battery, per slot.
        discharge: Wh out of the battery, per slot; 0 in every slot with charge.
        level_wh: Energy in the battery at the beginning of each slot and at the end of the day: one value more than slots.
    """

    charge: Ints
    discharge: Ints
    level_wh: Ints


def level_at_start(spec: SiteSpec, day: date) -> int:
    """Energy in the battery at the beginning of the local day: seeded, between the reserve and half of the rest.

    The reserve is the one in force at that instant.
    """
    spec = spec.as_of(day_bounds(spec.zone, day)[0])
    above = spec.battery_energy_wh - spec.reserve_wh
    return spec.reserve_wh + int(above * (0.05 + 0.45 * unit_hash(spec.seed, day, 3)))


def dispatch(
    spec: SiteSpec,
    levels: tuple[int, int],
    *,
    surplus: Ints,
    deficit: Ints,
    is_off_grid: Ints,
    is_vpp_hour: Ints,
    local_s: Ints,
) -> Dispatch:
    """Charge and discharge of a day.

    A tenth of the charged energy is lost, so `level = first + charged·9//10 − discharged`.

    Args:
        spec: The site.
        levels: Level at the beginning of the day, and the one to reach at its end.
        surplus: Wh per slot of solar and generator that the home does not use.
        deficit: Wh per slot that the home needs in addition; 0 in every slot with a surplus.
        is_off_grid: 1 in slots of an outage, in which the battery can neither export nor charge from the grid.
        is_vpp_hour: 1 in evening slots in which the battery exports for grid services.
        local_s: Local time of day of each slot, in seconds.
    """
    if spec.follows_tariff:
        return _by_tariff(spec, levels[0], surplus, deficit, is_off_grid, local_s)
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
    headroom = max(0, spec.battery_energy_wh - after_morning)  # overnight a fading battery may have become smaller
    charge = _up_to(np.where(midday, np.minimum(surplus, limit), 0), headroom * 10 // 9)
    after_midday = after_morning + int(charge.sum()) * 9 // 10
    if after_midday >= last:
        on_grid = evening * (1 - is_off_grid) * int(spec.export_rule is ExportRule.EVERYTHING)
        home = evening * np.minimum(deficit, limit)
        discharge += _evening(
            home, on_grid * is_vpp_hour * limit, on_grid * (deficit <= limit) * limit, after_midday - last
        )
    elif spec.has_grid_charging:
        at_night = (index >= count - NIGHT_CHARGE_SLOTS).astype(np.int64)
        total = -(-(last - after_morning) * 10 // 9)
        charge += _up_to(at_night * limit, total - int(charge.sum()))
    return Dispatch(charge, discharge, _levels(first, charge, discharge))


def _by_tariff(spec: SiteSpec, first: int, surplus: Ints, deficit: Ints, is_off_grid: Ints, local_s: Ints) -> Dispatch:
    """Charge and discharge of a day by the bands of the tariff; see `dispatch`."""
    limit = spec.battery_power_w // SLOTS_PER_HOUR
    ((peak_hour, _),) = HOURS[Band.PEAK]
    is_before = local_s < peak_hour * _HOUR_S
    is_off_peak = np.logical_or.reduce(
        [(local_s >= begin * _HOUR_S) & (local_s < end * _HOUR_S) for begin, end in HOURS[Band.OFF_PEAK]]
    )
    is_late = is_off_peak & (np.cumsum(is_off_peak[::-1])[::-1] <= NIGHT_CHARGE_SLOTS)
    room = max(spec.battery_energy_wh - first, 0) * 10 // 9
    charge = _up_to(np.where(is_before, np.minimum(surplus, limit), 0), room)
    if spec.has_grid_charging:
        from_grid = np.where(is_late & (is_off_grid == 0), limit - charge, 0)
        charge = charge + _up_to(from_grid, room - int(charge.sum()))
    at_need = np.where((~is_before | (is_off_grid > 0)) & (charge == 0), np.minimum(deficit, limit), 0)
    # Before the peak only an outage takes energy, of which there is what was in the battery at midnight.
    early = _up_to(np.where(is_before, at_need, 0), max(0, first - spec.reserve_wh))
    at_peak = first + int(charge.sum()) * 9 // 10 - int(early.sum())
    discharge = early + _up_to(np.where(is_before, 0, at_need), max(0, at_peak - spec.reserve_wh))
    return Dispatch(charge, discharge, _levels(first, charge, discharge))


def _evening(home: Ints, services: Ints, export: Ints, need: int) -> Ints:
    """Discharge exactly `need`: first for grid services, then for the home, then by exporting the rest.

    Args:
        home: Largest discharge for the home, Wh per slot.
        services: Discharge in slots of grid services, Wh per slot.
        export: Largest discharge in slots in which export is possible, Wh per slot.
        need: Wh to discharge.
    """
    discharge = _up_to(services, need)
    discharge = discharge + _up_to(np.where(discharge > 0, 0, home), need - int(discharge.sum()))
    return discharge + _up_to(np.maximum(export - discharge, 0), need - int(discharge.sum()))


def _up_to(largest: Ints, total: int) -> Ints:
    """The largest values in order, until their sum reaches the total."""
    taken = np.minimum(np.cumsum(largest), total)
    taken[1:] -= taken[:-1].copy()
    return taken


def _levels(first: int, charge: Ints, discharge: Ints) -> Ints:
    levels = first + np.cumsum(charge) * 9 // 10 - np.cumsum(discharge)
    return np.concatenate(([first], levels))
