"""`wattlog vehicle`: the cars of the account, and the ten charging commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json
from flows.cli.running import Command

if TYPE_CHECKING:
    from flows.car_commands import CarPlan
    from flows.fetch_session import FetchSession
    from flows.settings import Settings
    from wattlog.commands.cars import CarCommand

CarName = Annotated[
    str | None, typer.Option("--car", help="The car, by VIN or name; needed if there are several.", metavar="CAR")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the request, the present value, and the cost; change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed where no terminal is.")]
Wake = Annotated[bool, typer.Option("--wake", help="Wake the car if it sleeps; --dry-run says what that costs.")]


def vehicle_list(settings: "Settings", *, as_json: Json = False) -> int:
    """Show each car: access, key, state, firmware, and how it charges if it is awake. No car is woken."""
    from flows.car_commands import read_car
    from flows.cars import cars_of, with_fleet_status
    from flows.cli.tables.cars import print_cars

    with _session(settings, "vehicle list") as session:
        cars = with_fleet_status(session, cars_of(session))
        print_cars([(car, read_car(session, car) if car.is_online else {}) for car in cars], as_json=as_json)
    return 0


def vehicle_status(
    settings: "Settings",
    *,
    car: Annotated[
        str | None, typer.Argument(help="The car, by VIN or name.", metavar="CAR", show_default=False)
    ] = None,
    as_json: Json = False,
) -> int:
    """Show how a car charges, and its schedules. A car that sleeps is not woken."""
    from dataclasses import replace

    from flows.car_commands import is_online, read_car
    from flows.cars import ONLINE, cars_of, choose_car, with_fleet_status
    from flows.cli.tables.cars import print_car

    with _session(settings, "vehicle status") as session:
        chosen = choose_car(cars_of(session), car)
        (described,) = with_fleet_status(session, [chosen])
        is_awake = is_online(session, described)
        found = replace(described, state=ONLINE) if is_awake else described
        print_car(found, read_car(session, found) if is_awake else {}, as_json=as_json)
    return 0


def charge_port(
    settings: "Settings",
    *,
    value: Annotated[str, typer.Argument(help="What to do.", metavar="open|close")],
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Open the charge port or unlock the cable; or close it."""
    from wattlog.commands import cars

    asked = cars.charge_port(is_open=_is_first(value, "open", "close"))
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


def charge(
    settings: "Settings",
    *,
    value: Annotated[str, typer.Argument(help="What to do.", metavar="start|stop")],
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Begin or end charging."""
    from wattlog.commands import cars

    asked = cars.charge(is_start=_is_first(value, "start", "stop"))
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


def limit(
    settings: "Settings",
    *,
    value: Annotated[str, typer.Argument(help="The limit.", metavar="PCT|standard|max")],
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Set the charge limit."""
    from wattlog.commands import cars

    with _checked():
        asked = cars.limit(value)
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


def amps(
    settings: "Settings",
    *,
    value: Annotated[int, typer.Argument(help="The current in amperes.", metavar="N", min=0)],
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Set the charging current."""
    from wattlog.commands import cars

    asked = cars.amps(value)
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


def schedule_charging(
    settings: "Settings",
    *,
    value: Annotated[str, typer.Argument(help="When to begin, in the car's local time.", metavar="HH:MM|off")],
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Charge from a time of the day on. It ends a planned departure."""
    from wattlog.commands import cars

    with _checked():
        asked = cars.schedule_charging(value)
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


def schedule_departure(
    settings: "Settings",
    *,
    value: Annotated[str, typer.Argument(help="When to leave, in the car's local time.", metavar="HH:MM|off")],
    precondition: Annotated[
        bool | None, typer.Option("--precondition/--no-precondition", help="Heat or cool the cabin by then.")
    ] = None,
    precondition_weekdays_only: Annotated[
        bool, typer.Option("--precondition-weekdays-only", help="Only from Monday to Friday.")
    ] = False,
    off_peak: Annotated[
        bool | None, typer.Option("--off-peak/--no-off-peak", help="Charge before the cheap hours end.")
    ] = None,
    off_peak_weekdays_only: Annotated[
        bool, typer.Option("--off-peak-weekdays-only", help="Only from Monday to Friday.")
    ] = False,
    off_peak_end: Annotated[
        str | None, typer.Option("--off-peak-end", help="When the cheap hours end.", metavar="HH:MM")
    ] = None,
    car: CarName = None,
    wake: Wake = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Be charged and warm at a time of the day. It ends scheduled charging. What is not asked for is switched off."""
    from flows.errors import UsageError
    from wattlog.commands import cars

    departure = None
    given = (precondition, off_peak, off_peak_end, precondition_weekdays_only or None, off_peak_weekdays_only or None)
    with _checked():
        if value == "off" and any(option is not None for option in given):
            raise UsageError("`off` takes no other option")
        if value != "off":
            if precondition is None or off_peak is None:
                raise UsageError(
                    "say --precondition or --no-precondition, and --off-peak or --no-off-peak: the car has no other way to "
                    "keep what it has"
                )
            if off_peak != (off_peak_end is not None) or (off_peak_weekdays_only and not off_peak):
                raise UsageError("--off-peak needs --off-peak-end, and no other option of it makes sense without it")
            if precondition_weekdays_only and not precondition:
                raise UsageError("--precondition-weekdays-only needs --precondition")
            end = cars.minutes_of(off_peak_end) if off_peak_end is not None else 0
            departure = cars.Departure(
                cars.minutes_of(value), precondition, precondition_weekdays_only, off_peak, off_peak_weekdays_only, end
            )
    asked = cars.schedule_departure(departure)
    return _Dialog(asked, is_waking=wake, is_dry=dry_run, is_agreed=yes, is_json=as_json).run(settings, car)


VEHICLE: dict[str, Command] = {
    "list": vehicle_list,
    "status": vehicle_status,
    "charge-port": charge_port,
    "charge": charge,
    "limit": limit,
    "amps": amps,
    "schedule-charging": schedule_charging,
    "schedule-departure": schedule_departure,
}
"""The commands of the group, by name."""


class _Dialog:
    """Preview, question, and result of one command.

    Args:
        asked: The command.
        is_waking: Wake the car if it sleeps.
        is_dry: Only the preview.
        is_agreed: Send it without a question.
        is_json: Print JSON.
    """

    def __init__(self, asked: "CarCommand", *, is_waking: bool, is_dry: bool, is_agreed: bool, is_json: bool) -> None:
        self._asked, self._is_waking = asked, is_waking
        self._is_dry, self._is_agreed, self._is_json = is_dry, is_agreed, is_json

    def run(self, settings: "Settings", named: str | None) -> int:
        """Do it; returns the exit code.

        Args:
            settings: The settings.
            named: The car; None for the only one.
        """
        from flows.car_commands import agreed, check_scopes, label, plan_for_car, send_to_car
        from flows.cars import cars_of, choose_car, with_fleet_status
        from flows.cli.tables.cars import print_plan, print_sent
        from flows.console import note
        from flows.interrupts import graceful
        from wattlog.commands.intent import Origin

        self._check_options()
        with _session(settings, "vehicle") as session:
            check_scopes(session)
            (car,) = with_fleet_status(session, [choose_car(cars_of(session), named)])
            planned = plan_for_car(session, car, self._asked, Origin.CLI, wake=self._is_waking)
            if self._is_dry or not self._is_agreed:
                print_plan(planned, as_json=self._is_json)
            if self._is_dry:
                return 0
            if planned.is_set:
                note(f"{label(car)} has {self._asked.text} already; nothing is sent")
                return 0
            final: CarPlan | None = planned
            if self._is_agreed:
                self._note_remarks(planned)
            else:
                final = agreed(session, planned, partial(self._ask, planned), wake=self._is_waking)
            if final is None:
                note("nothing is sent")
                return 1
            if final.is_set:
                note(f"{label(car)} has {self._asked.text} by now; nothing is sent")
                return 0
            with graceful(session.stop):
                sent = send_to_car(session, final, f"vehicle {self._asked.name}")
        print_sent(sent, car, as_json=self._is_json)
        return sent.exit_code

    def _ask(self, first: "CarPlan", planned: "CarPlan") -> bool:
        """Ask about a plan; one that is not the first is shown, since the car has changed."""
        from flows.car_commands import label
        from flows.cli.question import is_to_be_sent
        from flows.cli.tables.cars import print_plan
        from flows.console import note

        if planned is not first:
            note(f"{label(planned.car)} has changed while the question waited")
            print_plan(planned, as_json=False)
        self._note_remarks(planned)
        return is_to_be_sent()

    def _note_remarks(self, planned: "CarPlan") -> None:
        from flows.console import note

        for remark in self._asked.remarks(planned.state):
            note(remark)

    def _check_options(self) -> None:
        """Refuse what could only end in a question that nothing answers.

        Raises:
            UsageError: There is no terminal, or it shows JSON.
        """
        from flows.errors import UsageError

        if self._is_dry or self._is_agreed:
            return
        if not sys.stdin.isatty():
            raise UsageError("no terminal is there to ask at; give --yes to send the command, or --dry-run to see how")
        if self._is_json:
            raise UsageError("--json asks no question; give --yes to send the command, or --dry-run to see how")


@contextmanager
def _checked() -> Iterator[None]:
    """A value that is none of a command is an error of usage."""
    from flows.errors import UsageError

    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from None


def _is_first(value: str, first: str, second: str) -> bool:
    from flows.errors import UsageError

    if value not in (first, second):
        raise UsageError(f"{value!r} is neither {first} nor {second}")
    return value == first


@contextmanager
def _session(settings: "Settings", command: str) -> "Iterator[FetchSession]":
    """A session that has locked the data directory."""
    from flows.data_directory import locked
    from flows.fetch_session import FetchSession
    from flows.orchestration.context import new_context
    from flows.stop_signal import StopSignal

    context = new_context(settings)
    with (
        locked(settings.data_dir, command),
        FetchSession(context, context.open_archive(), stop=StopSignal()) as session,
    ):
        yield session
