"""The flows of energy that costs follow from, interval by interval, in Wh; and those of a home without its panels or battery.

**Counterfactuals**: everything else stays as it was, interval by interval.

- Without solar, what the panels gave the home and the battery is imported, and what they gave the grid is not exported.
- Without battery, what it gave the home is imported, what it took from the grid is not; what it gave the grid is not exported,
  what it took from the panels is.
- Without both, all that the home used is imported, but for what a generator gave it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.amounts import Floats, Ints, Mask
from transform.time import days_of, epoch_us

_US: Final = 1_000_000

IMPORTED: Final = "grid_energy_imported_wh"
EXPORTED: Final = tuple(f"grid_energy_exported_from_{source}_wh" for source in ("solar", "battery", "generator"))
_CHARGED: Final = tuple(f"battery_energy_imported_from_{source}_wh" for source in ("grid", "solar", "generator"))
_USED: Final = tuple(
    f"consumer_energy_imported_from_{source}_wh" for source in ("grid", "solar", "battery", "generator")
)

FLOWS: Final = (IMPORTED, *EXPORTED, *_CHARGED[:2], *_USED)
"""The columns of `energy_intervals` that costs need."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one site, oldest first, none of which overlap.

    Attributes:
        starts_us: First instant of each, microseconds since 1970.
        length_s: Seconds of each.
        flows: Column of `energy_intervals` → Wh.
        ev_wh: Grid energy that charged cars; None where none did.
    """

    starts_us: Ints
    length_s: Ints
    flows: Mapping[str, Floats]
    ev_wh: Floats | None = None

    @property
    def ends_us(self) -> Ints:
        """First instant after each."""
        return self.starts_us + self.length_s * _US

    def __len__(self) -> int:
        return len(self.starts_us)


def intervals_of(
    frame: pd.DataFrame, sessions: pd.DataFrame | None = None, *, has_battery: Mask | None = None
) -> Intervals:
    """The intervals of one site from `energy_intervals`; those whose import is not known are left out.

    Args:
        frame: Rows of `energy_intervals`, sorted by `interval_start`.
        sessions: Rows of `charge_sessions` of the same time.
        has_battery: Whether the site had a battery on the day of each row; None: on all of them. Without one, a day that has
            no split of energy is not metered (Q43).
    """
    flows = {name: frame[name].to_numpy(np.float64) for name in FLOWS}
    is_known = ~np.isnan(flows[IMPORTED])
    if has_battery is not None and not has_battery.all():
        is_known &= has_battery | ~_unmetered(frame, flows)
    starts_us, length_s = epoch_us(frame["interval_start"]), frame["interval_s"].to_numpy(np.int64)
    if not is_known.all():
        starts_us, length_s = starts_us[is_known], length_s[is_known]
        flows = {name: values[is_known] for name, values in flows.items()}
    found = Intervals(starts_us, length_s, {name: _known(values) for name, values in flows.items()})
    if sessions is None or not len(sessions):
        return found
    return replace(found, ev_wh=_grid_to_cars(found, sessions))


def _known(values: Floats) -> Floats:
    """The same with 0 for what is not known; the grid's total is."""
    return np.nan_to_num(values) if np.isnan(values.sum()) else values


def _unmetered(frame: pd.DataFrame, flows: Mapping[str, Floats]) -> Mask:
    """Which intervals are of days on which neither import nor any split is reported: zeros that are not known (Q16, Q43)."""
    days, code = np.unique(days_of(frame["local_date"]), return_inverse=True)
    total = sum(np.nan_to_num(values) for values in flows.values())
    return np.asarray((np.bincount(code, weights=total, minlength=len(days)) == 0)[code])


def _grid_to_cars(intervals: Intervals, sessions: pd.DataFrame) -> Floats:
    """Grid energy that charged cars: their share of the home, of what the home took from the grid.

    The energy of a session is spread evenly over its time. The wall connector is a part of the home (Q119).
    """
    car_wh, starts_us, ends_us = np.zeros(len(intervals)), intervals.starts_us, intervals.ends_us
    begins, ends = epoch_us(sessions["started_at"]), epoch_us(sessions["ended_at"])
    for begin, end, energy_wh in zip(begins, ends, sessions["energy_added_wh"].to_numpy(np.float64), strict=True):
        first, last = np.searchsorted(ends_us, begin, side="right"), np.searchsorted(starts_us, end, side="left")
        if end <= begin or last <= first:
            continue
        shared_us = np.minimum(ends_us[first:last], end) - np.maximum(starts_us[first:last], begin)
        car_wh[first:last] += energy_wh * shared_us / (end - begin)
    home_wh = home(intervals.flows)
    share = np.divide(car_wh, home_wh, out=np.zeros(len(car_wh)), where=home_wh > 0)
    return np.minimum(share, 1.0) * intervals.flows[_USED[0]]


def home(flows: Mapping[str, Floats]) -> Floats:
    """What the home used."""
    return _sum(flows, _USED)


def exported(flows: Mapping[str, Floats]) -> Floats:
    """What was given to the grid."""
    return _sum(flows, EXPORTED)


def imported_by_battery(flows: Mapping[str, Floats]) -> Floats:
    """What the battery took from the grid."""
    return flows[_CHARGED[0]]


def other_homes(flows: Mapping[str, Floats]) -> dict[str, tuple[Floats, Floats]]:
    """Import and export of the same home without panels, without battery, and without both."""
    nothing = np.zeros(len(flows[IMPORTED]))
    return {
        "without_solar": without_solar(flows),
        "without_battery": without_battery(flows),
        "without_both": (without_both(flows), nothing),
    }


def without_solar(flows: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Import and export of the same home without panels."""
    return _sum(flows, (IMPORTED, _USED[1], _CHARGED[1])), _sum(flows, EXPORTED[1:])


def without_battery(flows: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Import and export of the same home without battery. What it stored of a generator's energy is lost."""
    imported = _sum(flows, (IMPORTED, _USED[2])) - imported_by_battery(flows)
    return imported, _sum(flows, (EXPORTED[0], EXPORTED[2], _CHARGED[1]))


def without_both(flows: Mapping[str, Floats]) -> Floats:
    """Import of the same home without panels and battery; nothing is exported."""
    return _sum(flows, _USED[:3])


def _sum(flows: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    total = flows[names[0]] + flows[names[1]]
    for name in names[2:]:
        total += flows[name]
    return total
