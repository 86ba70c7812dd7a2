"""A simulated car and its public charging sessions, declared as data. All names, numbers and places are invented."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CarState(StrEnum):
    """Values of `state` of a car (Q93)."""

    ONLINE = "online"
    ASLEEP = "asleep"
    OFFLINE = "offline"


class Signing(StrEnum):
    """Values of `command_signing` (Q86)."""

    OFF = "off"
    ALLOWED = "allowed"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Plug:
    """Where a car is plugged in at home.

    Attributes:
        site_id: The energy site.
        connector: Number of its wall connector, from 0.
    """

    site_id: int
    connector: int = 0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A car of the account. A client of energy history must skip it in the list of products.

    Attributes:
        vehicle_id: The numeric `id`.
        vin: Its 17 characters.
        display_name: Name given by the owner.
        access_type: `OWNER`, `DRIVER`, or at Teslemetry `GUEST` (Q99); None: the list has none.
        state: Its state when the server starts.
        wakes_after_polls: How often its state is read after `wake_up` before it is online; None: it never wakes.
        signing: Whether commands must be signed (Q86).
        has_key: Whether the virtual key of the application is on the car.
        number_of_keys: `total_number_of_keys`; None for null (Q100).
        firmware_version: Its firmware.
        plug: Where it is plugged in; None where no cable is.
        battery_wh: Energy of the full battery.
        level_pct: How full the battery is when the server starts.
        limit_pct: Charge limit when the server starts.
        standard_limit_pct: `charge_limit_soc_std`: 80 or 90 by car (Q80).
        max_amps: `charge_current_request_max`.
        amps: Charging current when the server starts.
        volts: Voltage of the supply.
        phases: `charger_phases` while it charges: 1, or 2 for three phases (Q101).
        has_nulls: charge_state has null wherever the API was seen to have it.
        is_covered: Whether the subscription covers it (Q146).
    """

    vehicle_id: int
    vin: str
    display_name: str
    access_type: str | None = "OWNER"
    state: CarState = CarState.ASLEEP
    wakes_after_polls: int | None = 2
    signing: Signing = Signing.REQUIRED
    has_key: bool = True
    number_of_keys: int | None = 2
    firmware_version: str = "2025.44.25"
    plug: Plug | None = None
    battery_wh: int = 75_000
    level_pct: float = 40.0
    limit_pct: int = 80
    standard_limit_pct: int = 80
    max_amps: int = 32
    amps: int = 16
    volts: int = 230
    phases: int = 2
    has_nulls: bool = False
    is_covered: bool = False

    @property
    def is_signing_required(self) -> bool:
        """`vehicle_command_protocol_required` of fleet_status."""
        return self.signing is Signing.REQUIRED

    def power_w(self, amps: int) -> int:
        """The power at a current: `phases` 2 counts as three (Q101)."""
        return amps * self.volts * (3 if self.phases == 2 else 1)


class Envelope(StrEnum):
    """Where dx/charging/history has its list (Q114)."""

    DATA = "data"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee of a public session (Q115).

    Attributes:
        kind: `CHARGING`, `PARKING`, or `CONGESTION`.
        usage: Used quantity by tier, the base first; None for null.
        total_due: What is due, as text, so that no cent is lost; None for null.
        unit: `kwh` or `min`.
        rate: Price of a unit of the base, as text.
        currency: `currencyCode`.
        is_paid: Whether it is paid.
        is_free: `pricingType` is `NO_CHARGE`.
    """

    kind: str = "CHARGING"
    usage: tuple[float | None, ...] = (0.0, 0.0, 0.0, None, None)
    total_due: str | None = "0"
    unit: str = "kwh"
    rate: str = "0"
    currency: str | None = "EUR"
    is_paid: bool = True
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class PublicSession:
    """A session at a public charger (Q113).

    Attributes:
        session_id: `sessionId`.
        vin: The car.
        place: `siteLocationName`.
        started_at: Beginning, with the offset of the place.
        ended_at: End, with the offset of the place.
        fees: Its fees.
        country: `countryCode`.
    """

    session_id: int
    vin: str
    place: str
    started_at: datetime
    ended_at: datetime
    fees: tuple[Fee, ...] = ()
    country: str = "DE"
