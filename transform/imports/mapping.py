"""What the columns of a file mean: which measure, in which unit, of which time."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from transform.day_sums import MEASURES, POWERS, Floats
from wattlog.imported_sources import ImportedKind

SOE: Final = "soe_pct"
"""State of energy; on the gateway's scale it is converted (Q44)."""

TARGETS: Final = frozenset({*MEASURES, *POWERS, SOE})
"""What a column can be: energy, power, or the state of energy, by the names of the columns of the lake."""

UNITS: Final = {"W": 1.0, "kW": 1e3, "MW": 1e6, "Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "%": 1.0}
"""Unit → the factor to W, Wh or %."""

DELIMITERS: Final = {",": ",", ";": ";", "tab": "\t"}
"""What can be between two values of CSV, by its name in a mapping."""

GATEWAY_ZERO_PCT: Final = 5.0
"""What the gateway's scale shows when the app's shows 0: app = (gateway - 5) / 0.95 (Q44)."""


def app_scale(gateway_pct: float) -> float:
    """A percentage of the gateway's scale, on the app's (Q44)."""
    return max(gateway_pct - GATEWAY_ZERO_PCT, 0.0) / 0.95


def gateway_scale(app_pct: Floats) -> Floats:
    """Percentages of the app's scale, on the gateway's (Q44)."""
    return app_pct * 0.95 + GATEWAY_ZERO_PCT


def unit_kind(target: str) -> str:
    """The unit in which a target is stored: `W`, `Wh` or `%`."""
    return {"w": "W", "wh": "Wh", "pct": "%"}[target.rsplit("_", 1)[1]]


class Grain(StrEnum):
    """What a row of a file stands for."""

    DAYS = "days"
    """A local day."""
    INTERVALS = "intervals"
    """The time until the next row: a sum of energy, or a mean of power."""
    INSTANTS = "instants"
    """A moment: power is taken to change evenly until the next one."""
    BY_STEPS = "by steps"
    """Days or intervals, whichever the distances between the rows show."""


class Stamps(StrEnum):
    """How a file writes the time of a row."""

    TEXT = "text"
    """A date and a time, with an offset or on the clock of a zone."""
    SECONDS = "s"
    """Seconds since 1970."""
    MILLISECONDS = "ms"
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    Attributes:
        name: Its name in the file.
        target: What it is, one of `TARGETS`; the name of the reading, where it is one of a device.
        unit: Its unit, one of `UNITS`; of a reading whatever the file says.
        device: The device whose reading it is; None for what wattlog has columns for.
        is_negated: Its sign is the opposite of wattlog's: + discharge, + import.
        is_cumulative: It is a counter of energy that grows; a row is the difference to the next one.
        is_gateway_scale: It is the gateway's scale of the state of energy.
    """

    name: str
    target: str
    unit: str
    device: str | None = None
    is_negated: bool = False
    is_cumulative: bool = False
    is_gateway_scale: bool = False

    @property
    def factor(self) -> float:
        """The factor to W, Wh or %."""
        return UNITS[self.unit] * (-1.0 if self.is_negated else 1.0)


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of a file mean.

    Attributes:
        time: Name of the column with the time of a row.
        columns: The other columns that are used.
        grain: What a row stands for.
        stamps: How the time is written.
        zone: The zone of times without an offset; None for that of the site.
        evidence: Why the unit is what it is, for the owner.
        is_charge_derived: What charged the battery follows from the balance of the other columns.
        may_be_filled: The tool fills holes with straight lines.
        is_partial: The last day of the file was not over when it was written.
        may_end_early: The file does not show whether its last day was over.
        begins_late: The tool was started on the first day, which is no whole one.
        delimiter: What is between two values of CSV.
        decimal: The decimal mark of numbers: a point or a comma.
    """

    time: str
    columns: tuple[Column, ...]
    grain: Grain
    stamps: Stamps = Stamps.TEXT
    zone: str | None = None
    evidence: str = ""
    is_charge_derived: bool = False
    may_be_filled: bool = False
    is_partial: bool = False
    may_end_early: bool = False
    begins_late: bool = False
    delimiter: str = ","
    decimal: str = "."
    targets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(column.target for column in self.measures))

    @property
    def measures(self) -> tuple[Column, ...]:
        """The columns that wattlog has columns for."""
        return tuple(column for column in self.columns if column.device is None)

    @property
    def kind(self) -> ImportedKind:
        """The kind of source that its rows of intervals are; the state of energy belongs to power, as it does in the API."""
        has_energy = any(target in MEASURES for target in self.targets)
        return ImportedKind.INTERVALS if has_energy else ImportedKind.POWER
