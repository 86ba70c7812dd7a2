"""The battery of a site over time: its rated energy and power, its reserve, and the days on which there was none."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

import numpy as np

from transform.costs.dispatch import BatteryState
from transform.site_equipment import Facts
from transform.site_zone import number
from transform.sites import Site, nameplate_of
from wattlog.local_days import first_instants_us

_US: Final = 1_000_000
_BEFORE_ALL_US: Final = np.iinfo(np.int64).min
_ALL_PCT: Final = 100


def battery_states(site: Site, seen: Iterable[tuple[datetime, Facts]]) -> tuple[BatteryState, ...]:
    """The states of a site's battery, oldest first; none where its energy or power is not known.

    The first site_info also counts for the time before it, in which nothing else is known but the days without battery.

    Args:
        site: The site, which has a battery.
        seen: When each site_info that differs from the one before was first requested, and what it was, in order of time.
    """
    if not site.nameplate_energy_wh or not site.nameplate_power_w:
        return ()
    found: list[BatteryState] = []
    for instant, info in seen:
        energy_wh, power_w = nameplate_of(info)
        reserve_pct = number(info.get("backup_reserve_percent"))
        before = found[-1] if found else BatteryState(0, site.nameplate_energy_wh, site.nameplate_power_w, 0.0)
        reserve = before.reserve if reserve_pct is None else min(max(reserve_pct / _ALL_PCT, 0.0), 1.0)
        begins_us = round(instant.timestamp() * _US)
        found.append(BatteryState(begins_us, energy_wh or before.energy_wh, power_w or before.power_w, reserve))
    found = found or [BatteryState(_BEFORE_ALL_US, site.nameplate_energy_wh, site.nameplate_power_w, 0.0)]
    return _changes(_with_days(site, found))


def _with_days(site: Site, states: list[BatteryState]) -> list[BatteryState]:
    """The same with no energy before the first day of the battery and from the day on which it was gone."""
    since, until = site.battery.since, site.battery.until
    states = [replace(states[0], begins_us=_BEFORE_ALL_US), *states[1:]]
    for day, is_begin in ((since, True), (until, False)):
        if day is None:
            continue
        (edge_us,) = first_instants_us(np.array([day], "datetime64[D]"), site.zone).tolist()
        before = [state for state in states if state.begins_us < edge_us]
        after = [replace(before[-1], begins_us=edge_us), *(state for state in states if state.begins_us >= edge_us)]
        gone = [replace(state, energy_wh=0.0) for state in (before if is_begin else after)]
        states = [*gone, *after] if is_begin else [*before, *gone]
    return states


def _changes(states: list[BatteryState]) -> tuple[BatteryState, ...]:
    """The states that differ from the one before."""
    alike = groupby(states, key=lambda state: (state.energy_wh, state.power_w, state.reserve))
    return tuple(next(same) for _, same in alike)
