"""The cars of an account: their list and state, waking, commands by three routes, and public charging sessions.

A command comes to a car directly, through Teslemetry, which signs and wakes, or through the signing proxy, which is served
below `/proxy` and has its own errors (Q86 to Q89).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import orjson

from extract.simulator.endpoints.account import vehicle_object
from extract.simulator.endpoints.car import COMMANDS, Car, Json, Refused
from extract.simulator.endpoints.query import ApiError
from extract.simulator.worlds.vehicle import CarState, Envelope, Fee, PublicSession
from extract.simulator.worlds.world import World

ASLEEP: Final = "vehicle unavailable: vehicle is offline or asleep"
KEY_MISSING: Final = "vehicle rejected request: your public key has not been paired with the vehicle"
PROTOCOL_REQUIRED: Final = (
    "Tesla Vehicle Command Protocol required, please refer to the documentation here: https://developer.tesla.com/docs"
)
WRONG_VIN: Final = "expected 17-character VIN in path (do not user Fleet API ID)"
"""The word is the proxy's (Q82)."""

HARDLOCKED: Final = "unsigned_cmds_hardlocked"
CAR_PREFIX: Final = "car could not execute command: "
"""What the proxy puts before a reason (Q89)."""

_TYPES: Final[dict[str, type]] = {"enable": bool, "percent": int, "charging_amps": int, "time": int}
_MAX_PAGE: Final = 50


class Route(StrEnum):
    """How a command comes to a car."""

    DIRECT = "direct"
    TESLEMETRY = "teslemetry"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class CarBehaviour:
    """How the cars of an account behave.

    Attributes:
        is_teslemetry: The address signs commands and wakes cars for them, as Teslemetry does (Q87).
        reason: Every command is refused with this reason; the empty text is a refusal without one. None: as the car is.
        answers: Body of the answer to every command, whatever the car would do; None: as the car is.
        says_403: Unsigned commands get status 403 instead of the reason `unsigned_cmds_hardlocked` (Q86).
        has_string_key: The proxy writes `string` instead of `reason`, as older builds do (Q89).
    """

    is_teslemetry: bool = False
    reason: str | None = None
    answers: Json | None = None
    says_403: bool = False
    has_string_key: bool = False


class Cars:
    """The cars of a server. Only for its event loop.

    Args:
        world: The account, whose truth follows the charges.
        behaviour: How the cars behave.
    """

    def __init__(self, world: World, behaviour: CarBehaviour | None = None) -> None:
        self._world, self._behaviour = world, behaviour or CarBehaviour()
        self._cars = {vehicle.vin: Car(vehicle) for vehicle in world.vehicles}

    @property
    def states(self) -> dict[str, CarState]:
        """VIN → state, for the list of products."""
        return {vin: car.state for vin, car in self._cars.items()}

    def vehicle(self, vin: str) -> Json:
        """One car, which is not woken (Q93)."""
        car = self._car(vin)
        return vehicle_object(car.vehicle, car.poll())

    def wake_up(self, vin: str) -> Json:
        """Begin to wake a car; the answer comes before it is online (Q93)."""
        car = self._car(vin)
        return vehicle_object(car.vehicle, car.wake())

    def data(self, vin: str, endpoints: str, now: datetime) -> Json:
        """vehicle_data of a car that is online (Q101).

        Raises:
            ApiError: 408, it is not.
        """
        car = self._car(vin)
        if car.state is not CarState.ONLINE:
            raise ApiError(408, ASLEEP)
        found = vehicle_object(car.vehicle, car.state)
        if "charge_state" in endpoints.split(";") or not endpoints:
            found["charge_state"] = car.charge_state(int(now.timestamp()))
        return found

    def fleet_status(self, body: bytes) -> Json:
        """Key, firmware and signing of some cars; a POST that reads (Q100)."""
        vins = [vin for vin in _object(body).get("vins", []) if vin in self._cars]
        cars = [self._cars[vin].vehicle for vin in vins]
        return {
            "key_paired_vins": [car.vin for car in cars if car.has_key],
            "unpaired_vins": [car.vin for car in cars if not car.has_key],
            "vehicle_info": {
                car.vin: {
                    "firmware_version": car.firmware_version,
                    "vehicle_command_protocol_required": car.is_signing_required,
                    "fleet_telemetry_version": "unknown",
                    "total_number_of_keys": car.number_of_keys,
                    **({"discounted_device_data": False} if len(vins) == 1 else {}),
                }
                for car in cars
            },
        }

    def command(self, vin: str, name: str, body: bytes, now: datetime, *, is_proxy: bool) -> tuple[int, Json]:
        """Answer a command: status and body.

        Raises:
            ApiError: It did not come to the car.
        """
        route = Route.PROXY if is_proxy else Route.TESLEMETRY if self._behaviour.is_teslemetry else Route.DIRECT
        if is_proxy and len(vin) != 17:
            raise ApiError(404, WRONG_VIN)
        if name not in COMMANDS:
            raise ApiError(404, "not_found") if not is_proxy else ApiError(400, "invalid_command")
        car, sent = self._car(vin), _object(body) if body else {}
        if is_proxy:
            _check_types(sent)
        if car.state is not CarState.ONLINE and not (
            route is Route.TESLEMETRY and car.wake(at_once=True) and _is_on(car)
        ):
            raise ApiError(500 if is_proxy else 408, ASLEEP)
        if route is Route.DIRECT and car.vehicle.is_signing_required:
            return self._unsigned()
        if route is not Route.DIRECT and not car.vehicle.has_key:
            raise ApiError(500 if is_proxy else 403, KEY_MISSING)
        if self._behaviour.answers is not None:
            return 200, self._behaviour.answers
        try:
            if self._behaviour.reason is not None:
                raise Refused(self._behaviour.reason)
            car.command(name, sent, int(now.timestamp()))
        except Refused as error:
            return 200, self._refusal(error.reason, is_proxy=is_proxy)
        self._charge(car)
        return 200, {"response": {"result": True, "reason": ""}}

    def history(self, params: Mapping[str, str]) -> Json:
        """A page of the public sessions, newest first (Q113, Q114)."""
        number, size = int(params.get("pageNo") or 0), min(int(params.get("pageSize") or _MAX_PAGE), _MAX_PAGE)
        listed = sorted(self._world.public_sessions, key=lambda session: session.started_at, reverse=True)
        listed = [session for session in listed if params.get("vin") in (None, session.vin)]
        page: Json = {"data": [_session(session) for session in listed[number * size : (number + 1) * size]]}
        return page if self._world.charging_envelope is Envelope.DATA else {"response": page}

    def _car(self, vin: str) -> Car:
        """The car of a VIN, or of a numeric id, which is taken as well (Q82)."""
        for car in self._cars.values():
            if vin in (car.vehicle.vin, str(car.vehicle.vehicle_id)):
                return car
        raise ApiError(404, "not_found")

    def _unsigned(self) -> tuple[int, Json]:
        """The answer to an unsigned command that must be signed (Q86)."""
        if self._behaviour.says_403:
            raise ApiError(403, PROTOCOL_REQUIRED)
        return 200, {"response": {"result": False, "reason": HARDLOCKED}}

    def _refusal(self, reason: str, *, is_proxy: bool) -> Json:
        if not reason:
            return {"response": {"result": False}}
        key = "string" if self._behaviour.has_string_key else "reason"
        return {"response": {"result": False, key: CAR_PREFIX + reason if is_proxy else reason}}

    def _charge(self, car: Car) -> None:
        """The site at which the car is plugged in has the charges of all its cars."""
        plug = car.vehicle.plug
        if plug is None or not self._world.has(plug.site_id):
            return
        here = [
            other for other in self._cars.values() if other.vehicle.plug and other.vehicle.plug.site_id == plug.site_id
        ]
        charges = (charge for other in here for charge in other.charges if charge.start_s < charge.end_s)
        self._world.charge(plug.site_id, tuple(sorted(charges, key=lambda charge: charge.start_s)))


def _is_on(car: Car) -> bool:
    return car.state is CarState.ONLINE


def _object(body: bytes) -> Json:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, "request body not valid")
    return found


def _check_types(body: Json) -> None:
    """The proxy is strict: no text for a number or a switch (Q83)."""
    for name, value in body.items():
        expected = _TYPES.get(name, int if name.endswith("_time") else bool)
        if type(value) is not expected:
            raise ApiError(400, f"expected {name} to be {expected.__name__}")


def _session(session: PublicSession) -> Json:
    return {
        "sessionId": session.session_id,
        "vin": session.vin,
        "siteLocationName": session.place,
        "chargeStartDateTime": session.started_at.isoformat(),
        "chargeStopDateTime": session.ended_at.isoformat(),
        "unlatchDateTime": session.ended_at.isoformat(),
        "countryCode": session.country,
        "fees": [_fee(session.session_id * 10 + number, fee) for number, fee in enumerate(session.fees)],
        "billingType": "IMMEDIATE",
        "invoices": [
            {
                "fileName": f"INVOICE-{session.session_id}.pdf",
                "contentId": f"invoice-{session.session_id}",
                "invoiceType": "IMMEDIATE",
            }
        ],
        "vehicleMakeType": "TSLA",
    }


def _fee(fee_id: int, fee: Fee) -> dict[str, Any]:
    tiers = ("Base", "Tier1", "Tier2", "Tier3", "Tier4")
    due = None if fee.total_due is None else float(Decimal(fee.total_due))
    return {
        "sessionFeeId": fee_id,
        "feeType": fee.kind,
        "currencyCode": fee.currency,
        "pricingType": "NO_CHARGE" if fee.is_free else "PAYMENT",
        **{f"rate{tier}": float(Decimal(fee.rate)) if tier == "Base" else None for tier in tiers},
        **{f"usage{tier}": used for tier, used in zip(tiers, fee.usage, strict=True)},
        **{f"total{tier}": due if tier == "Base" else None for tier in tiers},
        "totalDue": due,
        "netDue": due,
        "uom": fee.unit,
        "isPaid": fee.is_paid,
        "status": "PAID" if fee.is_paid else "UNPAID",
    }
