"""What power cannot show: flows of both directions within the time of which it is the mean (Q34)."""

from typing import Final

import numpy as np

from transform.day_sums import COLUMN, MEASURES, POWERS, TOTALS, DayRows, Floats, known
from transform.time import Ints
from warehouse.schema import FLOWS

CIRCUITS: Final = {
    "grid_w": ("grid_energy_imported_wh", "grid_export_wh"),
    "battery_w": ("battery_energy_exported_wh", "battery_charge_wh"),
}
"""Powers that have two directions, and the measures of each: what comes, with a positive sign, and what goes."""


def hidden_wh(energy: DayRows, power: DayRows, days: int) -> Floats:
    """Energy of each day that flowed in both directions within one row of power, days × `MEASURES`.

    The mean is their difference, so both directions lack the smaller one. Where power has the shorter rows, it shows a part of
    that itself. In time without rows of energy, a change of sign from one row of power to the next is the evidence that the
    flow turned within one of them.

    Args:
        energy: Rows with `FLOWS`.
        power: Rows with `POWERS`.
        days: How many days the calendar has.
    """
    found = np.zeros((days, len(MEASURES)))
    if len(power.at) == 0:
        return found
    is_one_grid = np.array_equal(energy.begun_us, power.begun_us) and np.array_equal(energy.length_s, power.length_s)
    for name, (coming, going) in CIRCUITS.items():
        flows = _flow(energy, coming), _flow(energy, going)
        if is_one_grid:
            of_days = np.asarray(np.bincount(energy.at, np.minimum(*flows), days), dtype=np.float64)
        else:
            watt_h = known(power.values[:, POWERS.index(name)]) * power.length_s / 3600
            of_days = _hidden_in_slots(energy, power, flows, watt_h, days)
        found[:, [COLUMN[coming], COLUMN[going]]] = of_days[:, None]
    return found


def _hidden_in_slots(
    energy: DayRows, power: DayRows, flows: tuple[Floats, Floats], watt_h: Floats, days: int
) -> Floats:
    """The same for one circuit, of rows of different lengths or times: by day.

    Args:
        energy: Rows of energy.
        power: Rows of power.
        flows: Energy of each row of energy, in either direction.
        watt_h: Energy of each row of power, with its sign.
        days: How many days the calendar has.
    """
    of_energy, of_power = _slots(energy, power)
    day_of_slot = np.concatenate([power.at, energy.at, [0]])
    slots = len(day_of_slot)
    is_shown, is_reported = (np.bincount(slot, minlength=slots) > 0 for slot in (of_power, of_energy))
    by_energy = np.minimum(*(np.bincount(of_energy, flow, slots) for flow in flows))
    by_power = np.minimum(*(np.bincount(of_power, np.maximum(sign * watt_h, 0.0), slots) for sign in (1, -1)))
    hidden = np.where(is_shown, np.maximum(by_energy - by_power, 0.0), 0.0)
    turned = np.where(is_reported[of_power], 0.0, _turned_wh(power, watt_h))
    return np.asarray(np.bincount(day_of_slot, hidden, days) + np.bincount(power.at, turned, days))


def _turned_wh(power: DayRows, watt_h: Floats) -> Floats:
    """A quarter of the energy of each row and the next one, where they have opposite signs; 0 elsewhere.

    A flow that changes steadily from one value to the opposite one has a quarter of it in either direction.
    """
    is_next = power.begun_us[:-1] + power.length_s[:-1] * 1_000_000 == power.begun_us[1:]
    is_turned = is_next & (watt_h[:-1] * watt_h[1:] < 0)
    return np.append(np.where(is_turned, (np.abs(watt_h[:-1]) + np.abs(watt_h[1:])) / 4, 0.0), 0.0)


def _slots(energy: DayRows, power: DayRows) -> tuple[Ints, Ints]:
    """The slot of each row of energy and of power: of rows that cover the same time, the longer one.

    Slots are numbered: the rows of power, the rows of energy, and one for power of which there is no energy.
    """
    in_power, in_energy = _within(energy, power), _within(power, energy)
    is_outer = np.zeros(len(power.at), dtype=bool)
    is_outer[in_power[in_power >= 0]] = True
    rows, none = len(power.at), len(power.at) + len(energy.at)
    of_energy = np.where(in_power >= 0, in_power, rows + np.arange(len(energy.at)))
    of_power = np.where(in_energy >= 0, rows + in_energy, none)
    return of_energy, np.where(is_outer, np.arange(rows), of_power)


def _within(inner: DayRows, outer: DayRows) -> Ints:
    """Position of the row of `outer` that each row of `inner` lies in; -1 where there is none."""
    if len(outer.at) == 0:
        return np.full(len(inner.at), -1, dtype=np.int64)
    at = np.searchsorted(outer.begun_us, inner.begun_us, side="right") - 1
    ends_us = inner.begun_us + inner.length_s * 1_000_000
    is_in = (at >= 0) & (ends_us <= outer.begun_us[at] + outer.length_s[at] * 1_000_000)
    return np.where(is_in, at, -1)


def _flow(energy: DayRows, measure: str) -> Floats:
    """A flow, or the sum of a total's flows, of each row."""
    names = TOTALS.get(measure, (measure,))
    return np.asarray(np.sum([known(energy.values[:, FLOWS.index(name)]) for name in names], axis=0))
