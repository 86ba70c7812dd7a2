"""The record that is written before a command is sent to a car. It has the short form of the VIN, never the whole one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from wattlog.api_json import UnreadableJson, read, write
from wattlog.commands.cars import NAMES

_FOLDER: Final = "/intent/car/"


class Charge(StrEnum):
    """How a request to a car is charged."""

    COMMAND = "command"
    DATA = "data"
    WAKE = "wake"


@dataclass(frozen=True, slots=True)
class CarIntent:
    """The intention to send a command to a car.

    Attributes:
        vehicle: Short form of the VIN.
        name: The command.
        endpoint: Last part of the path.
        body: Body of the request.
        value_asked: What is asked for, as people write it.
        value_before: What charge_state showed; None where it was not read.
        origin: Where the change comes from.
        readings_before: Charged readings of the car before the intent.
        route: How the command comes to the car: `teslemetry`, `proxy` or `direct`.
        prices: Price of a command, a reading and a wake, as text; empty where they are not charged.
        unit: What the prices are in: `credits` or a currency; None where they are not charged.
        is_given_up: Whether the car did not wake, so that the command is not sent. Waking was charged all the same.
    """

    vehicle: str
    name: str
    endpoint: str
    body: Mapping[str, Any]
    value_asked: str
    value_before: str | None
    origin: str
    readings_before: int
    route: str
    prices: Mapping[str, str]
    unit: str | None
    is_given_up: bool = False

    @property
    def record_path(self) -> str:
        """The path of its record, which is that of no request."""
        return f"{_FOLDER}{self.name}"

    def to_json(self) -> bytes:
        """The body of its record."""
        return write(asdict(self))

    def price(self, charge: Charge) -> Decimal | None:
        """The price of a request; None where it is not charged."""
        return Decimal(self.prices[charge]) if charge in self.prices else None


def is_car_intent(path: str) -> bool:
    """Whether a record is an intent to command a car, by its path."""
    return path.startswith(_FOLDER)


def car_intent_of(body: bytes) -> CarIntent:
    """The intent of a record.

    Raises:
        ValueError: It is not one that this version can read.
    """
    try:
        intent = CarIntent(**read(body))
        if intent.name not in NAMES or not isinstance(intent.prices, Mapping):
            raise ValueError("no such command")
        for charge in intent.prices.values():
            Decimal(charge)
    except (UnreadableJson, TypeError, ArithmeticError) as error:
        raise ValueError(f"no intent of a command to a car: {error}") from None
    return intent


def charge_of(path: str) -> Charge:
    """How a request is charged, by its path."""
    if path.endswith("/wake_up"):
        return Charge.WAKE
    return Charge.COMMAND if "/command/" in path else Charge.DATA
