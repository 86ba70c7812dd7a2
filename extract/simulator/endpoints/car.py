"""One simulated car: its sleep, its charge_state, and the ten charging commands (Q75 to Q85, Q93, Q101)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from extract.simulator.endpoints.query import ApiError
from extract.simulator.site import CarCharge
from extract.simulator.worlds.vehicle import CarState, Vehicle

Json = dict[str, Any]

FEWEST_AMPS: Final = 5
"""A smaller current needs two calls, is not kept, and is not shown (Q77)."""

_NULLABLE: Final = ("charger_phases", "charge_port_cold_weather_mode", "scheduled_charging_start_time", "charge_amps")


class Refused(Exception):
    """The car refuses a command.

    Attributes:
        reason: `reason` of the answer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Schedule:
    """The one state that both schedules share (Q81)."""

    mode: str = "Off"
    start_min: int = 0
    departure_min: int = 480
    off_peak_end_min: int = 360
    is_preconditioned: bool = False
    is_off_peak: bool = False
    preconditioning_times: str = "all_week"
    off_peak_times: str = "all_week"


@dataclass(slots=True)
class Car:
    """A car as it is now. Only for the event loop of its server.

    Attributes:
        vehicle: What it began as.
        state: Whether it is awake.
        charges: Its charges so far, in order of time.
    """

    vehicle: Vehicle
    state: CarState = field(init=False)
    charges: list[CarCharge] = field(default_factory=list)
    schedule: Schedule = field(default_factory=Schedule)
    _polls_left: int | None = None
    _limit_pct: int = field(init=False)
    _amps: int = field(init=False)
    _low_amps: int | None = None
    _is_low: bool = False
    _is_port_open: bool = field(init=False)

    def __post_init__(self) -> None:
        self.state, self._limit_pct, self._amps = self.vehicle.state, self.vehicle.limit_pct, self.vehicle.amps
        self._is_port_open = self.vehicle.plug is not None

    # --- sleep --------------------------------------------------------------------------------------------------------

    def poll(self) -> CarState:
        """Its state, which is read without waking it; a woken car is online after some reads (Q93)."""
        if self._polls_left is not None:
            self._polls_left -= 1
            if self._polls_left < 0:
                self.state, self._polls_left = CarState.ONLINE, None
        return self.state

    def wake(self, *, at_once: bool = False) -> str:
        """Begin to wake it; returns its state meanwhile."""
        if self.state is CarState.ONLINE:
            return self.state
        polls = self.vehicle.wakes_after_polls
        if at_once and polls is not None:
            self.state = CarState.ONLINE
        elif polls is not None and self._polls_left is None:
            self._polls_left = polls
        return "waking"

    # --- what it shows ------------------------------------------------------------------------------------------------

    def level_wh(self, now_s: int) -> float:
        """Energy in its battery."""
        added = sum(
            max(0, min(now_s, end_s) - start_s) * power_w / 3600
            for charge in self.charges
            for start_s, end_s, power_w in charge.pieces
        )
        return self.vehicle.battery_wh * self.vehicle.level_pct / 100 + added

    def is_charging(self, now_s: int) -> bool:
        """Whether it charges."""
        return bool(self.charges) and self.charges[-1].start_s <= now_s < self.charges[-1].end_s

    def charging_state(self, now_s: int) -> str:
        """`charging_state`."""
        if self.vehicle.plug is None:
            return "Disconnected"
        if self.is_charging(now_s):
            return "Charging"
        return "Complete" if self.level_pct(now_s) >= self._limit_pct else "Stopped"

    def level_pct(self, now_s: int) -> int:
        """`battery_level`."""
        return int(self.level_wh(now_s) * 100 / self.vehicle.battery_wh + 1e-6)

    def charge_state(self, now_s: int) -> Json:
        """The object `charge_state` of vehicle_data (Q101)."""
        vehicle, schedule, is_charging = self.vehicle, self.schedule, self.is_charging(now_s)
        amps, power_w = (self._current(), vehicle.power_w(self._current())) if is_charging else (0, 0)
        shown: Json = {
            "battery_level": self.level_pct(now_s),
            "usable_battery_level": self.level_pct(now_s),
            "charge_limit_soc": self._limit_pct,
            "charge_limit_soc_min": 50,
            "charge_limit_soc_max": 100,
            "charge_limit_soc_std": vehicle.standard_limit_pct,
            "charge_amps": self._amps,
            "charge_current_request": self._amps,
            "charge_current_request_max": vehicle.max_amps,
            "charge_energy_added": round(self._added_wh(now_s) / 1000, 2),
            "charge_port_door_open": self._is_port_open,
            "charge_port_latch": "Engaged" if vehicle.plug is not None else "Disengaged",
            "charge_port_cold_weather_mode": False,
            "charger_power": round(power_w / 1000),
            "charger_actual_current": amps,
            "charger_voltage": vehicle.volts if is_charging else 2,
            "charger_phases": vehicle.phases if is_charging else None,
            "charging_state": self.charging_state(now_s),
            "scheduled_charging_mode": schedule.mode,
            "scheduled_charging_start_time": None,
            "scheduled_charging_start_time_app": schedule.start_min,
            "scheduled_departure_time_minutes": schedule.departure_min,
            "off_peak_hours_end_time": schedule.off_peak_end_min,
            "off_peak_charging_enabled": schedule.is_off_peak,
            "off_peak_charging_times": schedule.off_peak_times,
            "preconditioning_enabled": schedule.is_preconditioned,
            "preconditioning_times": schedule.preconditioning_times,
            "timestamp": now_s * 1000,
        }
        return shown | dict.fromkeys(_NULLABLE) if vehicle.has_nulls else shown

    def _current(self) -> int:
        return self._low_amps if self._is_low and self._low_amps is not None else self._amps

    def _added_wh(self, now_s: int) -> float:
        if not self.charges:
            return 0.0
        return sum(
            max(0, min(now_s, end_s) - start_s) * power_w / 3600 for start_s, end_s, power_w in self.charges[-1].pieces
        )

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, name: str, body: Mapping[str, Any], now_s: int) -> None:
        """Carry out a command.

        Raises:
            Refused: Not in this state.
            ApiError: 404, there is no such command.
        """
        if name not in COMMANDS:
            raise ApiError(404, "not_found")
        COMMANDS[name](self, body, now_s)

    def start(self, now_s: int) -> None:
        """`charge_start`: it charges with the current that is set, up to its limit."""
        if self.vehicle.plug is None:
            raise Refused("disconnected")
        if self.is_charging(now_s):
            raise Refused("is_charging")
        if self.level_pct(now_s) >= self._limit_pct:
            raise Refused("complete")
        self._is_low = False
        self.charges.append(CarCharge(self.vehicle.plug.connector, (self._piece(now_s),)))

    def stop(self, now_s: int) -> None:
        """`charge_stop`."""
        if not self.is_charging(now_s):
            raise Refused("not_charging")
        self._end_piece(now_s)

    def set_limit(self, percent: int, now_s: int, already: str = "already_set") -> None:
        """The charge limit: a charge that goes on ends earlier or later."""
        if not 50 <= percent <= 100:
            raise Refused("invalid_value")
        if percent == self._limit_pct:
            raise Refused(already)
        self._limit_pct = percent
        self._go_on(now_s)

    def set_amps(self, amps: int, now_s: int) -> None:
        """The current; below five amperes the first call sets five (Q77)."""
        if not 0 <= amps <= self.vehicle.max_amps:
            raise Refused("invalid_value")
        if amps < FEWEST_AMPS:
            self._is_low = self._low_amps == amps
            self._low_amps, self._amps = amps, FEWEST_AMPS
        else:
            self._low_amps, self._is_low, self._amps = None, False, amps
        self._go_on(now_s)

    def move_port(self, *, is_open: bool, now_s: int) -> None:
        """The door of the charge port."""
        if is_open and self.is_charging(now_s):
            raise Refused("charging")
        if not is_open and not self._is_port_open:
            raise Refused("already closed")
        self._is_port_open = is_open

    def schedule_charging(self, body: Mapping[str, Any]) -> None:
        """`set_scheduled_charging`; it ends a planned departure (Q81)."""
        if body.get("enable"):
            self.schedule.mode, self.schedule.start_min = "StartAt", int(body.get("time") or 0)
        else:
            self.schedule.mode = "Off"

    def schedule_departure(self, body: Mapping[str, Any]) -> None:
        """`set_scheduled_departure`; options that are left out are switched off (Q79)."""
        if not body.get("enable"):
            self.schedule.mode = "Off"
            return
        self.schedule = Schedule(
            "DepartBy",
            self.schedule.start_min,
            int(body.get("departure_time") or 0),
            int(body.get("end_off_peak_time") or 0),
            bool(body.get("preconditioning_enabled") or body.get("preconditioning_weekdays_only")),
            bool(body.get("off_peak_charging_enabled") or body.get("off_peak_charging_weekdays_only")),
            "weekdays" if body.get("preconditioning_weekdays_only") else "all_week",
            "weekdays" if body.get("off_peak_charging_weekdays_only") else "all_week",
        )

    @property
    def standard_limit_pct(self) -> int:
        """What `charge_standard` sets (Q80)."""
        return self.vehicle.standard_limit_pct

    def _go_on(self, now_s: int) -> None:
        """A charge continues with what has been set."""
        if self.is_charging(now_s):
            self._end_piece(now_s)
            pieces = [piece for piece in self.charges[-1].pieces if piece[0] < piece[1]]
            self.charges[-1] = CarCharge(self.charges[-1].connector, (*pieces, self._piece(now_s)))

    def _piece(self, now_s: int) -> tuple[int, int, int]:
        power_w = self.vehicle.power_w(self._current())
        missing_wh = self.vehicle.battery_wh * self._limit_pct / 100 - self.level_wh(now_s)
        lasts_s = ceil(max(0.0, missing_wh) * 3600 / power_w) if power_w else 86_400
        return now_s, now_s + lasts_s, power_w

    def _end_piece(self, now_s: int) -> None:
        last = self.charges[-1]
        start_s, _, power_w = last.pieces[-1]
        self.charges[-1] = CarCharge(last.connector, (*last.pieces[:-1], (start_s, now_s, power_w)))


COMMANDS: Final[Mapping[str, Callable[[Car, Mapping[str, Any], int], None]]] = {
    "charge_port_door_open": lambda car, _, now_s: car.move_port(is_open=True, now_s=now_s),
    "charge_port_door_close": lambda car, _, now_s: car.move_port(is_open=False, now_s=now_s),
    "charge_start": lambda car, _, now_s: car.start(now_s),
    "charge_stop": lambda car, _, now_s: car.stop(now_s),
    "charge_standard": lambda car, _, now_s: car.set_limit(car.standard_limit_pct, now_s, "already_standard"),
    "charge_max_range": lambda car, _, now_s: car.set_limit(100, now_s),
    "set_charge_limit": lambda car, body, now_s: car.set_limit(int(body["percent"]), now_s),
    "set_charging_amps": lambda car, body, now_s: car.set_amps(int(body["charging_amps"]), now_s),
    "set_scheduled_charging": lambda car, body, _: car.schedule_charging(body),
    "set_scheduled_departure": lambda car, body, _: car.schedule_departure(body),
}
"""Paths below `/api/1/vehicles/{VIN}/command/`, and what they do."""
