"""The cars of the account: their list, which is never stored, and the series that are about them."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from extract.api.paging import fetch_numbered_pages
from extract.errors import BudgetSpent, CarAsleep, ExtractError, RunStopped, UnreadableResponse
from extract.requests import ACCOUNT
from extract.vehicles import CARS, PAGE_SIZE, charge_state, charging_history, fleet_status
from flows.errors import STOPS_THE_RUN, UsageError
from flows.fetch_session import FetchSession
from flows.tasks.fetch import Failure, Fetched
from transform.public_charging import session_ids
from wattlog.api_json import UnreadableJson, read
from wattlog.pseudonyms import short_vin
from wattlog.series_spec import Series

log = logging.getLogger(__name__)

ONLINE: Final = "online"


@dataclass(frozen=True, slots=True)
class Car:
    """A car as the account describes it. Whole VINs and names are in memory alone.

    Attributes:
        vin: Its VIN.
        vehicle: The short form of its VIN.
        name: Name given by the owner; empty where there is none.
        access: `OWNER`, `DRIVER` or `GUEST`; None where it is not reported.
        state: `online`, `asleep` or `offline`; None where it is not reported.
        signing: `command_signing`: `off`, `allowed` or `required`; None where it is not reported.
        has_key: Whether the application's virtual key is on the car; None where it is not reported.
        is_signing_required: Whether commands must be signed; None where it is not reported.
        number_of_keys: Keys on the car; None where it is not reported.
        firmware: Its firmware; None where it is not reported.
    """

    vin: str
    vehicle: str
    name: str = ""
    access: str | None = None
    state: str | None = None
    signing: str | None = None
    has_key: bool | None = None
    is_signing_required: bool | None = None
    number_of_keys: int | None = None
    firmware: str | None = None

    @property
    def is_online(self) -> bool:
        """Whether it is awake."""
        return self.state == ONLINE


def cars_of(session: FetchSession) -> list[Car]:
    """The cars of the account, in its order; none is woken (Q93, Q99).

    Raises:
        ExtractError: The list cannot be had.
    """
    listed = response_in(session.read(CARS), CARS.what)
    found = listed if isinstance(listed, list) else []
    shared = session.client.shared_vin_ends
    return [_car(product, shared) for product in found if isinstance(product, Mapping) and _text(product.get("vin"))]


def with_fleet_status(session: FetchSession, cars: Collection[Car]) -> list[Car]:
    """The same with what fleet_status says of them; as they are where it cannot be had (Q100).

    Raises:
        ExtractError: An error that every further request would meet, too.
    """
    if not cars:
        return []
    request = fleet_status(car.vin for car in cars)
    try:
        status = response_in(session.read(request), request.what)
    except (RunStopped, *STOPS_THE_RUN):
        raise
    except ExtractError as error:
        log.warning("keys and firmware of the cars are not known: %s", error)
        return list(cars)
    return [_described(car, status if isinstance(status, Mapping) else {}) for car in cars]


def choose_car(cars: Collection[Car], named: str | None) -> Car:
    """The car that is meant: by VIN, its short form or end, or by name; the only one where none is named.

    Raises:
        UsageError: There is no such car, or several.
    """
    wanted = (named or "").strip().lower()
    known = ", ".join(f"{car.vehicle} {car.name}".rstrip() for car in cars) or "none"
    if not wanted:
        found = list(cars)
    else:
        found = [car for car in cars if wanted in (car.vin.lower(), car.vehicle.lower(), car.name.lower())]
        found = found or [car for car in cars if car.vin.lower().endswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not wanted:
        raise UsageError(f"name a car by VIN or name; the account has: {known}")
    raise UsageError(f"{'no car' if not found else 'more than one car'} is called {named!r}; the account has: {known}")


def fetch_cars(session: FetchSession, series: Collection[Series]) -> Fetched:
    """Request the series that are about the account's cars; each is one failure at most, and affects no site.

    Public sessions: all pages, since fees are paid later. States: one reading of each car that is online. No car is woken.
    """
    answered, failures = 0, list[Failure]()
    for name in series:
        if session.stop.is_stopped():
            break
        try:
            answered += _fetch_sessions(session) if name is Series.VEHICLE_CHARGING else _fetch_states(session)
        except (RunStopped, BudgetSpent):
            return Fetched(answered, 1, tuple(failures))
        except ExtractError as error:
            failures.append(Failure(f"account {name}", error, ACCOUNT))
    return Fetched(answered, 0, tuple(failures))


def _fetch_sessions(session: FetchSession) -> int:
    pages = fetch_numbered_pages(charging_history, PAGE_SIZE, session.fetcher.fetch, session.archive.load, session_ids)
    return sum(1 for _ in pages)


def _fetch_states(session: FetchSession) -> int:
    answered = 0
    for car in cars_of(session):
        if not car.is_online:
            continue
        try:
            session.fetcher.fetch(charge_state(car.vin))
            answered += 1
        except CarAsleep:  # it fell asleep since it was listed
            log.info("no reading of a car: %s is asleep", car.vehicle)
    return answered


def response_in(body: bytes, what: str) -> Any:
    """What is under `response` in a body that is not stored.

    Raises:
        UnreadableResponse: The body is not JSON.
    """
    try:
        document = read(body)
    except UnreadableJson as error:
        raise UnreadableResponse(what, 200, f"the body is {error}") from None
    return document.get("response") if isinstance(document, Mapping) else None


def _car(product: Mapping[str, Any], shared_vin_ends: Collection[str]) -> Car:
    return Car(
        vin=product["vin"],
        vehicle=short_vin(product["vin"], shared_vin_ends),
        name=_text(product.get("display_name")) or _text(product.get("vehicle_name")) or "",
        access=_text(product.get("access_type")),
        state=_text(product.get("state")),
        signing=_text(product.get("command_signing")),
    )


def _described(car: Car, status: Mapping[str, Any]) -> Car:
    paired, unpaired, infos = (status.get(name) or () for name in ("key_paired_vins", "unpaired_vins", "vehicle_info"))
    info = infos.get(car.vin) if isinstance(infos, Mapping) else None
    facts = info if isinstance(info, Mapping) else {}
    required, keys = facts.get("vehicle_command_protocol_required"), facts.get("total_number_of_keys")
    return replace(
        car,
        has_key=True if car.vin in paired else False if car.vin in unpaired else None,
        is_signing_required=required if isinstance(required, bool) else None,
        number_of_keys=keys if isinstance(keys, int) and not isinstance(keys, bool) else None,
        firmware=_text(facts.get("firmware_version")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
