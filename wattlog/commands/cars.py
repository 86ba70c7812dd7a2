"""The ten charging commands of a car: what is sent, and where charge_state shows it (Q75 to Q83).

Times are minutes after midnight in the car's local time. Every option of a departure is sent: one that is left out would be
switched off.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

FEWEST_AMPS: Final = 5
"""A smaller current takes two calls, does not last, and may not be shown (Q77)."""

NAMES: Final = ("charge-port", "charge", "limit", "amps", "schedule-charging", "schedule-departure")
"""The commands, as `wattlog vehicle` and table `commands` name them."""

CHARGING: Final = "Charging"
"""`charging_state` of a car that charges."""

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class CarCommand:
    """A command, ready to be sent.

    Attributes:
        name: One of `NAMES`.
        value: What is asked for, as people write it.
        endpoint: Last part of the path.
        body: Body of the request.
        calls: How often it has to be sent.
    """

    name: str
    value: str
    endpoint: str
    body: Json
    calls: int = 1

    @property
    def text(self) -> str:
        """The command as people write it."""
        return f"{self.name} {self.value}"

    def problem(self, state: Json) -> str | None:
        """Why the car cannot take it, by its charge_state; None where nothing speaks against it."""
        if self.endpoint == "set_charge_limit":
            low, high = _number(state.get("charge_limit_soc_min"), 50), _number(state.get("charge_limit_soc_max"), 100)
            return None if low <= self.body["percent"] <= high else f"the limit is from {low:g} to {high:g} %"
        most = _number(state.get("charge_current_request_max"), None)
        if self.endpoint == "set_charging_amps" and most is not None and self.body["charging_amps"] > most:
            return f"the current is from 0 to {most:g} A"
        return None

    def is_set(self, state: Json) -> bool:
        """Whether charge_state shows already what is asked for, so that nothing has to be sent."""
        return self.calls == 1 and is_shown(self.name, self.value, state)

    def remarks(self, state: Json) -> list[str]:
        """What is worth knowing before it is sent."""
        found = []
        if self.calls > 1:
            found.append(f"below {FEWEST_AMPS} A it takes two calls, does not last, and may not be shown")
        if self.value == "standard":
            found.append(f"standard is {_text(state.get('charge_limit_soc_std')) or '80 or 90'} % on this car")
        other = {"schedule-charging": "DepartBy", "schedule-departure": "StartAt"}.get(self.name)
        if other is not None and state.get("scheduled_charging_mode") == other:
            found.append(f"the car has one schedule: this ends the present one ({other})")  # Q81
        return found


def charge_port(*, is_open: bool) -> CarCommand:
    """Open the charge port, or unlock the cable; or close it."""
    return CarCommand(
        "charge-port", "open" if is_open else "close", f"charge_port_door_{'open' if is_open else 'close'}", {}
    )


def charge(*, is_start: bool) -> CarCommand:
    """Begin or end charging."""
    return CarCommand("charge", "start" if is_start else "stop", f"charge_{'start' if is_start else 'stop'}", {})


def limit(text: str) -> CarCommand:
    """Set the charge limit: a whole percentage, `standard`, or `max`.

    Raises:
        ValueError: It is none of them.
    """
    if text in ("standard", "max"):
        return CarCommand("limit", text, "charge_standard" if text == "standard" else "charge_max_range", {})
    digits = text.strip().removesuffix("%").strip()
    if not (digits.isascii() and digits.isdigit() and int(digits) <= 100):
        raise ValueError(f"{text!r} is not a whole percentage, standard or max")
    return CarCommand("limit", str(int(digits)), "set_charge_limit", {"percent": int(digits)})


def amps(number: int) -> CarCommand:
    """Set the charging current.

    Raises:
        ValueError: It is negative.
    """
    if number < 0:
        raise ValueError(f"{number} is no current")
    calls = 2 if number < FEWEST_AMPS else 1
    return CarCommand("amps", str(number), "set_charging_amps", {"charging_amps": number}, calls)


def schedule_charging(text: str) -> CarCommand:
    """Charge from a time on, or `off`.

    Raises:
        ValueError: It is no time.
    """
    minutes = None if text == "off" else minutes_of(text)
    body = {"enable": minutes is not None, "time": minutes or 0}
    return CarCommand("schedule-charging", clock_text(minutes), "set_scheduled_charging", body)


@dataclass(frozen=True, slots=True)
class Departure:
    """The options of a planned departure.

    Attributes:
        at: When the car leaves, minutes.
        is_preconditioned: The cabin is warm or cool by then.
        is_preconditioned_on_weekdays_only: Only from Monday to Friday.
        is_off_peak: It charges before the end of cheap hours.
        is_off_peak_on_weekdays_only: Only from Monday to Friday.
        off_peak_end: When cheap hours end, minutes.
    """

    at: int
    is_preconditioned: bool
    is_preconditioned_on_weekdays_only: bool
    is_off_peak: bool
    is_off_peak_on_weekdays_only: bool
    off_peak_end: int


def schedule_departure(departure: Departure | None) -> CarCommand:
    """Be ready at a time; None ends it. Weekdays alone imply the option itself (Q83)."""
    asked = departure or Departure(0, False, False, False, False, 0)
    body = {
        "enable": departure is not None,
        "departure_time": asked.at,
        "preconditioning_enabled": asked.is_preconditioned,
        "preconditioning_weekdays_only": asked.is_preconditioned_on_weekdays_only,
        "off_peak_charging_enabled": asked.is_off_peak,
        "off_peak_charging_weekdays_only": asked.is_off_peak_on_weekdays_only,
        "end_off_peak_time": asked.off_peak_end,
    }
    value = clock_text(None if departure is None else departure.at)
    return CarCommand("schedule-departure", value, "set_scheduled_departure", body)


def shown(name: str, state: Json) -> str | None:
    """What charge_state shows of a command's value, as people write it; None where it shows none."""
    if name == "charge-port":
        is_open = state.get("charge_port_door_open")
        return ("open" if is_open else "closed") if isinstance(is_open, bool) else None
    if name == "charge":
        return _text(state.get("charging_state"))
    if name == "limit":
        return _text(state.get("charge_limit_soc"))
    if name == "amps":
        return _text(state.get("charge_amps", state.get("charge_current_request")))
    mode, key = {
        "schedule-charging": ("StartAt", "scheduled_charging_start_time_app"),
        "schedule-departure": ("DepartBy", "scheduled_departure_time_minutes"),
    }[name]
    if not isinstance(state.get("scheduled_charging_mode"), str):
        return None
    minutes = _number(state.get(key), None)
    is_on = state["scheduled_charging_mode"] == mode and minutes is not None and 0 <= minutes < 24 * 60
    return clock_text(int(minutes) if is_on and minutes is not None else None)


def is_shown(name: str, value: str, state: Json) -> bool:
    """Whether charge_state shows what is asked for.

    It is never known of a charge port, which may be open and locked, nor of a departure, whose options are not all shown.

    Args:
        name: The command.
        value: What is asked for.
        state: The charge_state.
    """
    if name == "charge-port" or (name == "schedule-departure" and value != "off"):
        return False
    if name == "charge":
        charging_state = _text(state.get("charging_state"))
        return charging_state is not None and (charging_state == CHARGING) == (value == "start")
    wanted = {"standard": state.get("charge_limit_soc_std"), "max": 100}.get(value, value)
    return wanted is not None and shown(name, state) == _text(wanted)


def minutes_of(text: str) -> int:
    """A time of the day as minutes after midnight.

    Raises:
        ValueError: It is no time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time; write it like 07:30")
    return int(found[1]) * 60 + int(found[2])


def clock_text(minutes: int | None) -> str:
    """Minutes after midnight as a time of the day; `off` for None."""
    return "off" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"


def _number(value: object, default: float | None) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else None
