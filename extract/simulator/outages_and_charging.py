"""What happens to a site now and then: the grid fails, a car charges. Both in closed form for any day."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from extract.simulator.local_day import SLOT_S, Ints, day_bounds
from extract.simulator.site import SiteSpec
from extract.simulator.weather_and_home import SLOTS_PER_HOUR, unit_hash

EV_POWER_W = 7_200
_EVENING_SLOTS = 4 * SLOTS_PER_HOUR


@dataclass(frozen=True, slots=True)
class ChargeSession:
    """A car charged at a wall connector, from `start_s` (epoch seconds) on, within one local night."""

    start_s: int
    duration_s: int
    energy_wh: int
    connector: int


@dataclass(frozen=True, slots=True)
class Outage:
    """The grid was away from `start_s` (epoch seconds) on; never longer than the local day, never in its evening."""

    start_s: int
    duration_ms: int


def outages_of(spec: SiteSpec, day: date) -> tuple[Outage, ...]:
    """At most one a day, from 38 seconds to some hours, over before the evening's last four hours."""
    start_s, end_s = day_bounds(spec.zone, day)
    if not spec.has_battery or unit_hash(spec.seed, day, 5) >= spec.outages_per_year / 365:
        return ()
    latest_s = end_s - _EVENING_SLOTS * SLOT_S
    begin_s = start_s + 60 + int((latest_s - start_s - 120) * unit_hash(spec.seed, day, 6))
    duration_ms = int(38_800 * 800 ** (unit_hash(spec.seed, day, 7) ** 1.5))
    if begin_s < spec.installed_at.timestamp():
        return ()
    return (Outage(begin_s, min(duration_ms, (latest_s - begin_s) * 1000)),)


def is_inside(outages: tuple[Outage, ...], epochs_s: Ints) -> Ints:
    """1 in slots that lie wholly in an outage."""
    inside = np.zeros(len(epochs_s), np.int64)
    for each in outages:
        end_s = each.start_s + each.duration_ms // 1000
        inside |= (epochs_s >= each.start_s) & (epochs_s + SLOT_S <= end_s)
    return inside


def sessions_of(spec: SiteSpec, day: date) -> tuple[ChargeSession, ...]:
    """A car charges on about every second night between half past midnight and half past six, unless the grid fails."""
    if spec.wall_connectors == 0 or unit_hash(spec.seed, day, 8) >= 0.45 or outages_of(spec, day):
        return ()
    start_s, _ = day_bounds(spec.zone, day)
    begin_s = start_s + 1800 + int(7200 * unit_hash(spec.seed, day, 9))
    if begin_s < spec.installed_at.timestamp():
        return ()
    duration_s = 5400 + int(9000 * unit_hash(spec.seed, day, 10))
    connector = int(spec.wall_connectors * unit_hash(spec.seed, day, 11))
    energy_wh = int(_energy_by_then(np.array([begin_s + duration_s], np.int64), begin_s, duration_s)[0])
    return (ChargeSession(begin_s, duration_s, energy_wh, connector),)


def car_wh(sessions: tuple[ChargeSession, ...], epochs_s: Ints) -> Ints:
    """What the cars took in each slot; its sum over the slots is the sessions' energy exactly."""
    taken = np.zeros(len(epochs_s), np.int64)
    for each in sessions:
        edges = np.append(epochs_s, epochs_s[-1] + SLOT_S)
        taken += np.diff(_energy_by_then(edges, each.start_s, each.duration_s))
    return taken


def _energy_by_then(instants_s: Ints, begin_s: int, duration_s: int) -> Ints:
    return np.clip(instants_s - begin_s, 0, duration_s) * EV_POWER_W // 3600
