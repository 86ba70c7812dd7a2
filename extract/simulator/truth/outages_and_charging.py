"""Outages and charge sessions of a site, computed for any day without the days before."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from extract.simulator.local_day import SLOT_S, Ints, day_bounds
from extract.simulator.seeded import unit_hash
from extract.simulator.site import SiteSpec
from extract.simulator.truth.outage import Outage
from extract.simulator.truth.weather_and_home import SLOTS_PER_HOUR

EV_POWER_W = 7_200
_EVENING_SLOTS = 4 * SLOTS_PER_HOUR


@dataclass(frozen=True, slots=True)
class ChargeSession:
    """A vehicle charged at a wall connector from `start_s` (epoch seconds) on, within one local night."""

    start_s: int
    duration_s: int
    energy_wh: int
    connector: int


def outages_of(spec: SiteSpec, day: date) -> tuple[Outage, ...]:
    """Outages of a day: at most one, from 38 seconds to some hours, over before the last four hours of the day."""
    start_s, end_s = day_bounds(spec.zone, day)
    if not spec.on(day).has_battery or unit_hash(spec.seed, day, 5) >= spec.outages_per_year / 365:
        return ()
    latest_s = end_s - _EVENING_SLOTS * SLOT_S
    begin_s = start_s + 60 + int((latest_s - start_s - 120) * unit_hash(spec.seed, day, 6))
    duration_ms = int(38_800 * 800 ** (unit_hash(spec.seed, day, 7) ** 1.5))
    if begin_s < spec.installed_at.timestamp():
        return ()
    return (Outage(begin_s, min(duration_ms, (latest_s - begin_s) * 1000)),)


def is_inside(outages: tuple[Outage, ...], epochs_s: Ints) -> Ints:
    """1 in slots that are wholly within an outage."""
    inside = np.zeros(len(epochs_s), np.int64)
    for outage in outages:
        end_s = outage.start_s + outage.duration_ms // 1000
        inside |= (epochs_s >= outage.start_s) & (epochs_s + SLOT_S <= end_s)
    return inside


def sessions_of(spec: SiteSpec, day: date) -> tuple[ChargeSession, ...]:
    """Charge sessions of a night: on about every second night, from 00:30 to 06:30 at most, on days without an outage."""
    if spec.wall_connectors == 0 or unit_hash(spec.seed, day, 8) >= 0.45 or outages_of(spec, day):
        return ()
    start_s, _ = day_bounds(spec.zone, day)
    begin_s = start_s + 1800 + int(7200 * unit_hash(spec.seed, day, 9))
    if begin_s < spec.installed_at.timestamp():
        return ()
    duration_s = 5400 + int(9000 * unit_hash(spec.seed, day, 10))
    connector = int(spec.wall_connectors * unit_hash(spec.seed, day, 11))
    energy_wh = int(_energy_until(np.array([begin_s + duration_s], np.int64), begin_s, duration_s)[0])
    return (ChargeSession(begin_s, duration_s, energy_wh, connector),)


def vehicle_wh(sessions: tuple[ChargeSession, ...], epochs_s: Ints) -> Ints:
    """Charged energy of each slot; its sum is exactly the energy of the sessions."""
    charged = np.zeros(len(epochs_s), np.int64)
    for session in sessions:
        edges = np.append(epochs_s, epochs_s[-1] + SLOT_S)
        charged += np.diff(_energy_until(edges, session.start_s, session.duration_s))
    return charged


def _energy_until(instants_s: Ints, begin_s: int, duration_s: int) -> Ints:
    return np.clip(instants_s - begin_s, 0, duration_s) * EV_POWER_W // 3600
