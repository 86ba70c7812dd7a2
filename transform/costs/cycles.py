"""Billing cycles: from one reading of the meter to the next, and the years in which credits are settled."""

from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

_ONE_DAY: Final = timedelta(days=1)


class Netting(StrEnum):
    """What exports are set against."""

    NONE = "none"
    """Each interval's import and export have their own price."""
    MONTHLY = "monthly"
    """Exports are taken off imports of the same price within a cycle."""
    ANNUAL = "annual"
    """The same, and credits are carried to later cycles until the true-up."""
    BUY_ALL_SELL_ALL = "buy_all_sell_all"
    """All that the panels generate is sold, and all that the home uses is bought."""


class TrueUp(StrEnum):
    """What happens to the credits that are left at the end of a year."""

    PAID = "paid"
    EXPIRES = "expires"


class CreditUnit(StrEnum):
    """What a credit is counted in."""

    MONEY = "money"
    """Exports that are left after netting are sold, and the amount is the credit."""
    KWH = "kwh"
    """They are energy, which later pays for imports of the same label, whatever these cost then."""


@dataclass(frozen=True, slots=True)
class BillingRules:
    """How a site is billed.

    Attributes:
        cycle_day: Day of the month on which cycles begin; the last day of shorter months.
        readings: First days of cycles, where they are known. Before the first and after the last, cycles begin on their day
            of the month.
        netting: What exports are set against.
        carry_credits: Whether a credit is carried to later cycles, and not paid; always, where netting is annual.
        true_up_month: Month, 1 to 12: the first cycle that begins in it, or after it, begins a new year of credits.
        true_up: What happens to the credits that are left then.
        credit_unit: Whether credits are money or energy; energy only where netting is annual.
        true_up_per_kwh: What a kWh of credit is paid with then.
        export_limit_kwh: Exports of a cycle beyond it give no credit; None for no limit.
        tax_pct: Tax on all that is to be paid.
    """

    cycle_day: int = 1
    readings: tuple[date, ...] = ()
    netting: Netting = Netting.NONE
    carry_credits: bool = False
    true_up_month: int = 1
    true_up: TrueUp = TrueUp.EXPIRES
    credit_unit: CreditUnit = CreditUnit.MONEY
    true_up_per_kwh: Decimal = field(default_factory=lambda: Decimal(0))
    export_limit_kwh: Decimal | None = None
    tax_pct: Decimal = field(default_factory=lambda: Decimal(0))

    @property
    def has_energy_credits(self) -> bool:
        """Whether credits are energy."""
        return self.credit_unit is CreditUnit.KWH

    @property
    def sells_all(self) -> bool:
        """Whether all generation is sold and all use bought, whatever the grid's meter shows."""
        return self.netting is Netting.BUY_ALL_SELL_ALL

    @property
    def carries(self) -> bool:
        """Whether credits are carried until the true-up."""
        return self.carry_credits or self.netting is Netting.ANNUAL


@dataclass(frozen=True, slots=True)
class Cycle:
    """One billing cycle.

    Attributes:
        first_day: First local day.
        last_day: Last local day.
        begins_year: Whether it begins a new year of credits.
    """

    first_day: date
    last_day: date
    begins_year: bool

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day) // _ONE_DAY + 1


def cycles(first_day: date, last_day: date, rules: BillingRules) -> list[Cycle]:
    """The cycles that have a day from `first_day` to `last_day`, whole ones also at both ends."""
    starts = _starts(first_day, last_day, rules)
    years = [_credit_year(start, rules) for start in [_in_month(starts[0], -1, starts[0].day), *starts]]
    return [
        Cycle(start, after - _ONE_DAY, begins_year=year != year_before)
        for (start, after), (year_before, year) in zip(pairwise(starts), pairwise(years), strict=False)
    ]


def _credit_year(start: date, rules: BillingRules) -> int:
    """The year of credits of a cycle: the calendar year in which it began.

    The first cycle that begins in the month of the true-up, or after a month without a reading, begins a new one.
    """
    return start.year if start.month >= rules.true_up_month else start.year - 1


def _starts(first_day: date, last_day: date, rules: BillingRules) -> list[date]:
    """First days of cycles, from the one with `first_day` to the one after that with `last_day`."""
    known = sorted(set(rules.readings))
    if not known:
        starts = [_in_month(first_day, -1, rules.cycle_day)]
        return _onward(starts, last_day, rules.cycle_day)[_first_index(starts, first_day) :]
    starts = [known[0]]
    while starts[0] > first_day:
        starts.insert(0, _in_month(starts[0], -1, known[0].day))
    starts += known[1:]
    starts = _onward(starts, last_day, known[-1].day)
    return starts[_first_index(starts, first_day) : bisect_right(starts, last_day) + 1]


def _first_index(starts: list[date], first_day: date) -> int:
    return max(bisect_right(starts, first_day) - 1, 0)


def _onward(starts: list[date], last_day: date, day: int) -> list[date]:
    """With the following ones, by a day of the month, up to the first one after `last_day`."""
    while starts[-1] <= last_day:
        starts.append(_in_month(starts[-1], 1, day))
    return starts


def _in_month(day: date, ahead: int, day_of_month: int) -> date:
    """A day of the month that many months ahead; the month's last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + ahead, 12)
    return date(year, month + 1, min(day_of_month, monthrange(year, month + 1)[1]))
