"""What a tariff is: seasons, periods of the week, prices, charges, and the sell side.

Money is in millionths of the currency (`_micro`), per kWh for energy and per kW for demand. Days of the week are 0 for Monday
to 6 for Sunday (Q128). Times are the wall clock of the site (Q130).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ALL: Final = "ALL"
"""Season or label whose price applies to all (Q131)."""

MINUTES_PER_DAY: Final = 1_440
MINUTES_PER_WEEK: Final = 7 * MINUTES_PER_DAY

Rates = Mapping[str, Mapping[str, int]]
"""Season (or `ALL`) → label (or `ALL`) → price in millionths of the currency."""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the week: the same hours on consecutive days.

    Attributes:
        first_day: First day of the week on which it begins.
        last_day: Last such day, included; before `first_day` when the range includes Sunday and Monday (Q127).
        from_minute: Minute of the day at which it begins, 0 to 1439.
        to_minute: Minute of the day at which it ends, 1 to 1440; at or before `from_minute` if it ends on the next day (Q126).
    """

    first_day: int
    last_day: int
    from_minute: int
    to_minute: int

    @property
    def days(self) -> tuple[int, ...]:
        """The days of the week on which it begins."""
        return tuple((self.first_day + ahead) % 7 for ahead in range((self.last_day - self.first_day) % 7 + 1))

    @property
    def minutes(self) -> int:
        """How long it is on each of these days; the same minute twice is a whole day."""
        return (self.to_minute - self.from_minute - 1) % MINUTES_PER_DAY + 1


@dataclass(frozen=True, slots=True)
class Season:
    """A part of the year with its periods.

    Attributes:
        name: Its name, which has no meaning (Q129).
        first: Month and day on which it begins.
        last: Month and day on which it ends, included; before `first` when it includes the new year.
        periods: Label → parts of the week. None at all means that the season's flat price applies throughout.
    """

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    periods: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)

    def covers(self, month: int, day: int) -> bool:
        """Whether the day of the year is in the season."""
        if self.first <= self.last:
            return self.first <= (month, day) <= self.last
        return (month, day) >= self.first or (month, day) <= self.last


@dataclass(frozen=True, slots=True)
class DailyCharge:
    """A charge for each day, whatever is used.

    Attributes:
        name: Its name.
        amount_micro: Millionths of the currency a day.
    """

    name: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Side:
    """The prices of imported energy (buy) or of exported energy (sell).

    Attributes:
        seasons: The seasons, in the order of the document.
        energy: Prices per kWh.
        demand: Prices per kW of the highest power.
        daily: Charges for each day.
        monthly_micro: Charge for each month.
        minimum_micro: Lowest bill of a month.
        demand_kw: Lowest and highest power to which the demand price applies, in kW; None where there is no bound.
    """

    seasons: tuple[Season, ...] = ()
    energy: Rates = field(default_factory=dict)
    demand: Rates = field(default_factory=dict)
    daily: tuple[DailyCharge, ...] = ()
    monthly_micro: int = 0
    minimum_micro: int = 0
    demand_kw: tuple[float | None, float | None] = (None, None)

    @property
    def has_demand_charge(self) -> bool:
        """Whether some power has a price; the placeholder `ALL: 0`, which every document has, is none (Q131)."""
        return any(price for prices in self.demand.values() for price in prices.values())

    @property
    def daily_micro(self) -> int:
        """All charges for a day together, in millionths of the currency."""
        return sum(charge.amount_micro for charge in self.daily)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff.

    Attributes:
        code: Code of the plan.
        name: Name of the plan.
        utility: Name of the utility.
        currency: ISO 4217 code; empty where the document has none.
        buy: Prices of imported energy.
        sell: Prices of exported energy; None where they are unknown (Q132).
    """

    code: str
    name: str
    utility: str
    currency: str
    buy: Side
    sell: Side | None = None
