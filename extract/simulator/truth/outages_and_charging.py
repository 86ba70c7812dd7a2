"""Outages and charge sessions of a site, computed for any day without the days before."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from extract.simulator.local_day import SLOT_S, Ints, day_bounds
from extract.simulator.seeded import unit_hash
from extract.simulator.site import CarCharge, SiteSpec
from extract.simulator.truth.outage import Outage
from extract.simulator.truth.weather_and_home import SLOTS_PER_HOUR

EV_POWER_W = 7_200
_EVENING_SLOTS = 4 * SLOTS_PER_HOUR


@dataclass(frozen=True, slots=True)
class ChargeSession:
    """A vehicle charged at a wall connector from `start_s` (epoch seconds) on."""

    start_s: int
    duration_s: int
    energy_wh: int
    connector: int

    @property
    def end_s(self) -> int:
        """When it ended, epoch seconds."""
        return self.start_s + self.duration_s


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
    """Charge sessions that begin on a day: that of the night, and those that commands began, in order of time."""
    start_s, end_s = day_bounds(spec.zone, day)
    commanded = [
        ChargeSession(charge.start_s, charge.end_s - charge.start_s, energy_wh(charge), charge.connector)
        for charge in spec.car_charges
        if start_s <= charge.start_s < end_s
    ]
    return tuple(sorted([*_night_sessions(spec, day), *commanded], key=lambda session: session.start_s))


def energy_wh(charge: CarCharge) -> int:
    """Energy of a charge that a command began."""
    return sum((end_s - start_s) * power_w // 3600 for start_s, end_s, power_w in charge.pieces)


def power_now_w(spec: SiteSpec, day: date, connector: int, instant_s: int) -> int:
    """Power of a wall connector at an instant of a day; 0 while no car charges there."""
    for charge in spec.car_charges:
        for start_s, end_s, power_w in charge.pieces:
            if charge.connector == connector and start_s <= instant_s < end_s:
                return power_w
    night = (session for session in _night_sessions(spec, day) if session.connector == connector)
    return EV_POWER_W if any(session.start_s <= instant_s < session.end_s for session in night) else 0


def _night_sessions(spec: SiteSpec, day: date) -> tuple[ChargeSession, ...]:
    """On about every second night, from 00:30 to 06:30 at most, on days without an outage."""
    if spec.wall_connectors == 0 or unit_hash(spec.seed, day, 8) >= 0.45 or outages_of(spec, day):
        return ()
    start_s, _ = day_bounds(spec.zone, day)
    begin_s = start_s + 1800 + int(7200 * unit_hash(spec.seed, day, 9))
    if begin_s < spec.installed_at.timestamp():
        return ()
    duration_s = 5400 + int(9000 * unit_hash(spec.seed, day, 10))
    connector = int(spec.wall_connectors * unit_hash(spec.seed, day, 11))
    return (ChargeSession(begin_s, duration_s, duration_s * EV_POWER_W // 3600, connector),)


def vehicle_wh(spec: SiteSpec, day: date, epochs_s: Ints) -> Ints:
    """Charged energy of each slot; the sum over all days is exactly the energy of the sessions."""
    pieces = [(session.start_s, session.end_s, EV_POWER_W) for session in _night_sessions(spec, day)]
    pieces += [piece for charge in spec.car_charges for piece in charge.pieces]
    charged = np.zeros(len(epochs_s), np.int64)
    edges = np.append(epochs_s, epochs_s[-1] + SLOT_S)
    for start_s, end_s, power_w in pieces:
        charged += np.diff(np.clip(edges - start_s, 0, end_s - start_s) * power_w // 3600)
    return charged
