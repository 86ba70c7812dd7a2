"""Command a car: see whether it is awake, choose the route, store the intent, send the command once, read the car once.

Nothing is sent to a car that sleeps, unless it is to be woken. Every answer may be charged, so there is one reading before the
command, one after it, and no second attempt.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from extract.commands.requests import day_of
from extract.errors import CarAsleep, ExtractError, MissingVehicleScope
from extract.requests import ACCOUNT, live_status
from extract.vehicles import car_intent_record, car_state, charge_state, command, read_back, wake_up
from flows import ledger
from flows.account import known_sites
from flows.cars import ONLINE, Car, response_in
from flows.errors import CarNotAwake, ExitCode, UsageError, exit_code_for
from flows.fetch_session import FetchSession
from transform.car_commands import CommandToCar, car_command_of
from transform.sites import SiteStatus
from transform.vehicles import charge_state_of
from wattlog.commands.car_intent import CarIntent, Charge
from wattlog.commands.cars import CarCommand, shown
from wattlog.commands.outcomes import Outcome
from wattlog.providers import VEHICLE_SCOPES
from wattlog.series_spec import Series

log = logging.getLogger(__name__)


LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""A question that waited longer is about a car that may have changed."""

_POLLS: Final = 20
"""How often a car that is being woken is looked at: every three seconds for a minute."""


class Route(StrEnum):
    """How a command comes to a car."""

    TESLEMETRY = "teslemetry"
    PROXY = "proxy"
    DIRECT = "direct"


NO_ROUTE: Final = (
    "{car} takes signed commands only, and wattlog does not sign: use Teslemetry (WATTLOG_PROVIDER=teslemetry), or set "
    "WATTLOG_VEHICLE_COMMAND_URL to the address of a signing proxy; nothing is sent"
)


@dataclass(frozen=True, slots=True)
class CarPlan:
    """What a command would do.

    Attributes:
        car: The car.
        command: The command.
        route: How it comes to the car.
        state: The charge_state that was read; empty where the car sleeps, or could not be read.
        charges: How the requests of the command are charged, in their order.
        is_wake: Whether the car has to be woken first.
        readings: Readings of the car so far, which are charged.
        origin: Where the change comes from.
        prices: Price of each kind of request.
        unit: What the prices are in; None where they are not charged.
    """

    car: Car
    command: CarCommand
    route: Route
    state: Mapping[str, Any]
    charges: tuple[Charge, ...]
    is_wake: bool
    readings: int
    origin: str
    prices: Mapping[str, str]
    unit: str | None

    @property
    def value_before(self) -> str | None:
        """What the car shows now; None where it was not read."""
        return shown(self.command.name, self.state) if self.state else None

    @property
    def is_set(self) -> bool:
        """Whether the car shows already what is asked for."""
        return bool(self.state) and self.command.is_set(self.state)

    @property
    def cost(self) -> Decimal | None:
        """What the requests cost that are still to be sent; None where they are not charged."""
        return None if self.unit is None else sum((Decimal(self.prices[it]) for it in self.charges), Decimal(0))

    @property
    def intent(self) -> CarIntent:
        """What is stored before the command is sent."""
        return CarIntent(
            self.car.vehicle,
            self.command.name,
            self.command.endpoint,
            self.command.body,
            self.command.value,
            self.value_before,
            self.origin,
            self.readings,
            self.route,
            self.prices,
            self.unit,
        )


@dataclass(frozen=True, slots=True)
class SentToCar:
    """What came of a command.

    Attributes:
        row: The row of table `commands`.
        error: The error that ended the request, if one did.
    """

    row: CommandToCar
    error: ExtractError | None

    @property
    def exit_code(self) -> ExitCode:
        """0 done, 7 if it may have been carried out, that of the error where the owner has to act, 1 otherwise."""
        if self.row.outcome is Outcome.DONE:
            return ExitCode.OK
        if self.row.may_have_succeeded:
            return ExitCode.UNCONFIRMED
        if self.row.outcome is Outcome.NEEDS_OWNER:
            code = ExitCode.PAYMENT_OR_SCOPE if self.error is None else exit_code_for(self.error)
            return ExitCode.PAYMENT_OR_SCOPE if code is ExitCode.INCOMPLETE else code
        return ExitCode.INCOMPLETE


def check_scopes(session: FetchSession) -> None:
    """Check that the token may command cars, where its scopes are known; either scope of commands is enough (Q92).

    Raises:
        AuthExpired: There is no token.
        MissingVehicleScope: It may not.
    """
    granted = session.granted_scopes()
    if granted is not None and not set(VEHICLE_SCOPES[1:]) & set(granted):
        raise MissingVehicleScope("commands to cars", f"the token has the scopes {' '.join(granted)}")


def plan_for_car(session: FetchSession, car: Car, asked: CarCommand, origin: str, *, wake: bool) -> CarPlan:
    """See whether the car is awake, read it if it is, and say what the command would do. The car is neither woken nor changed.

    Args:
        session: Sends the requests.
        car: The car.
        asked: The command.
        origin: Where the change comes from.
        wake: Whether the car may be woken.

    Raises:
        UsageError: There is no route, or the car cannot take the command.
        CarNotAwake: It sleeps, and may not be woken.
        ExtractError: The car's state cannot be had.
    """
    route = route_of(session, car)
    terms = session.context.settings.resolved_provider.cars
    is_awake = is_online(session, car)
    state = read_car(session, car) if is_awake else {}
    is_asleep = not is_awake or (not state and not is_online(session, car))
    if is_asleep and not wake:
        price = "" if terms.unit is None else f"; waking costs {terms.prices[Charge.WAKE]} {terms.unit}"
        raise CarNotAwake(f"{label(car)} is asleep or out of reach; nothing is sent: --wake wakes it{price}")
    problem = asked.problem(state)
    if problem is not None:
        raise UsageError(f"{label(car)}: {problem}; nothing is sent")
    charges = [Charge.WAKE] * is_asleep + [Charge.COMMAND] * asked.calls + [Charge.DATA]
    return CarPlan(car, asked, route, state, tuple(charges), is_asleep, int(is_awake), origin, terms.prices, terms.unit)


def agreed(session: FetchSession, planned: CarPlan, ask: Callable[[CarPlan], bool], *, wake: bool) -> CarPlan | None:
    """Ask whether a command is to be sent, and look at the car again where the answer took long.

    If the car then shows something else, the question is asked again about that. Looking is charged, as it was the first time.

    Args:
        session: Sends the requests.
        planned: What the command would do.
        ask: Shows a plan and asks.
        wake: Whether the car may be woken.

    Returns:
        The plan by the newest look at the car, which may show that nothing has to be sent any more; None after a no.

    Raises:
        UsageError: The car cannot take the command any more.
        CarNotAwake: It sleeps now, and may not be woken.
        ExtractError: The car's state cannot be had.
    """
    while True:
        asked_at = session.now()
        if not ask(planned):
            return None
        if session.now() - asked_at <= LOOK_AGAIN_AFTER:
            return planned
        found = plan_for_car(session, planned.car, planned.command, planned.origin, wake=wake)
        found = replace(found, readings=planned.readings + found.readings)
        is_same = (found.value_before, found.charges) == (planned.value_before, planned.charges)
        if is_same or found.is_set:
            return found
        planned = found


def route_of(session: FetchSession, car: Car) -> Route:
    """How commands come to a car (Q86 to Q88).

    Raises:
        UsageError: The car takes signed commands only, and there is no route for these.
    """
    settings = session.context.settings
    if settings.resolved_provider.cars.signs:
        return Route.TESLEMETRY
    if settings.vehicle_command_url is not None:
        return Route.PROXY
    if car.is_signing_required or (car.is_signing_required is None and car.signing == "required"):
        raise UsageError(NO_ROUTE.format(car=label(car)))
    return Route.DIRECT


def send_to_car(session: FetchSession, planned: CarPlan, name: str) -> SentToCar:
    """Wake the car if that is planned, store the intent, send the command, and read the car once.

    Args:
        session: Sends the requests; its run id becomes the id of the command.
        planned: The command.
        name: The command of wattlog, for the ledger.

    Raises:
        ExtractError: A record cannot be written, or the car could not be woken.
    """
    context, archive = session.context, session.archive
    provider = context.settings.resolved_provider.name
    run = ledger.begin(archive.root, context.run_id, name, provider, context.clock())
    code, before = ExitCode.INCOMPLETE, session.requests
    try:
        now = session.now()
        is_given_up = planned.is_wake and not _is_woken(session, planned.car, now)
        before = session.requests
        intent = replace(planned.intent, is_given_up=is_given_up)
        archive.keep(car_intent_record(intent, now, day_of(now)), run_id=context.run_id, provider=provider)
        sent = SentToCar(_row(session), None) if is_given_up else _sent(session, planned, now)
        code = sent.exit_code
    except BaseException as error:
        code = exit_code_for(error) if session.requests == before else ExitCode.UNCONFIRMED
        raise
    finally:
        ledger.end(archive.root, run, exit_code=code, requests=session.requests, rows_written=0, now=context.clock())
    return sent


def is_online(session: FetchSession, car: Car) -> bool:
    """Whether a car is awake now; it is not woken (Q93).

    Raises:
        ExtractError: Its state cannot be had.
    """
    request = car_state(car.vin)
    found = response_in(session.read(request), request.what)
    return isinstance(found, Mapping) and found.get("state") == ONLINE


def read_car(session: FetchSession, car: Car) -> Mapping[str, Any]:
    """The charge_state of a car that is awake; empty where it fell asleep. It is a reading of series `vehicle_state`.

    Raises:
        ExtractError: It cannot be had.
    """
    try:
        return charge_state_of(session.archive.load(session.fetcher.fetch(charge_state(car.vin))).body)
    except CarAsleep:
        return {}


def label(car: Car) -> str:
    """A car, for people."""
    return f"{car.name} ({car.vehicle})" if car.name else car.vehicle


def _sent(session: FetchSession, planned: CarPlan, now: datetime) -> SentToCar:
    """All calls of the command, as long as each is done, and one reading."""
    error, day = None, day_of(now)
    for _ in range(planned.command.calls):
        try:
            session.send_to_car(command(planned.car.vin, planned.intent, day))
        except ExtractError as failed:
            error = failed
            break
        if _row(session).outcome is not Outcome.DONE:
            break
    row = _row(session)
    if row.attempts and row.outcome in (Outcome.DONE, Outcome.REFUSED, Outcome.FAILED) and not _is_fatal(error):
        try:
            session.fetcher.fetch(read_back(planned.car.vin, day))
        except ExtractError as failed:
            log.warning("the car cannot be read after the command: %s", failed)
    row = _row(session)
    if row.name in ("charge", "amps") and row.outcome is Outcome.DONE:
        _note_plugged(session)
    return SentToCar(row, error)


def _note_plugged(session: FetchSession) -> None:
    """Take a snapshot of each known site with wall connectors: it says where the car is plugged in (Q118), and costs nothing.

    What the charge did to the home can be said only for a site that is known.
    """
    for site in known_sites(session.archive, session.context.settings.site_timezones):
        if site.wall_connectors and site.status == SiteStatus.OK:
            try:
                session.fetcher.fetch(live_status(site.site_id))
            except ExtractError as failed:
                log.info("no snapshot of a site site_id=%d reason=%s", site.site_id, failed)


def _is_fatal(error: ExtractError | None) -> bool:
    """Whether no further request would be answered."""
    return error is not None and exit_code_for(error) is not ExitCode.INCOMPLETE


def _is_woken(session: FetchSession, car: Car, now: datetime) -> bool:
    """Wake a car, and look until it is awake, for a minute at most (Q93); whether it is."""
    session.fetcher.send_once(wake_up(car.vin, day_of(now)))
    poll_s = session.context.settings.resolved_provider.cars.wake_poll_s
    for _ in range(_POLLS):
        if session.stop.wait(poll_s):
            break
        if is_online(session, car):
            return True
    return False


def _row(session: FetchSession) -> CommandToCar:
    """The command of this run, by its records."""
    of_run = [
        entry
        for entry in session.archive.entries(ACCOUNT)
        if entry.series == Series.COMMAND and entry.run_id == session.context.run_id
    ]
    found = car_command_of(list(session.archive.load_all(of_run)))
    if found is None:
        raise AssertionError("the intent is stored before anything else")
    return found
