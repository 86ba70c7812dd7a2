"""Bills: what each billing cycle costs under the rules of a site.

Energy less credits of earlier cycles, then fixed and demand charges, then the monthly minimum, then tax. No line is rounded to
cents: utilities differ in which lines they round, and sums of rounded lines would not add up to a year.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.amounts import NANO_PER_MICRO, Ints, Mask, money, nano_of
from transform.costs.charges import (
    ACTUAL,
    HOMES,
    EnergyCharge,
    Hours,
    demand_charges,
    energy_charge,
    energy_credit,
    tax_of,
)
from transform.costs.cycles import BillingRules, Cycle, Netting, TrueUp, cycles
from transform.costs.days import VARIANTS, rows_of
from transform.costs.spans import Basis, DatedTariff, tariffs_of_days
from transform.frames import empty_frame, table_frame
from transform.tariffs import MICRO
from transform.time import Days, date_column, days_from, days_of
from warehouse.schema import BILLS, Kind

TABLE: Final = "bills"
_BOUNDS: Final = ("import_cost_low", "import_cost_high", "export_credit_low", "export_credit_high")
_MONEY: Final = frozenset(column.name for column in BILLS.fields if column.type is Kind.MONEY)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Charges of a cycle that do not depend on energy, in billionths of the currency.

    Attributes:
        charges: Daily and monthly charges.
        minimum: The lowest bill.
    """

    charges: int
    minimum: int


@dataclass(frozen=True, slots=True)
class _Left:
    """Credit that is left at a true-up.

    Attributes:
        nano: What it is worth, in billionths of the currency.
        energy_wh: Its energy, where credits are energy.
    """

    nano: int
    energy_wh: float


@dataclass(slots=True)
class Credits:
    """Credits of energy that are carried from cycle to cycle.

    Attributes:
        balance: Credit in billionths of the currency.
        balance_wh: Label → credit as energy, where credits are energy.
    """

    balance: int = 0
    balance_wh: dict[str, float] = field(default_factory=dict)

    def settle(self, net: int, *, carries: bool) -> tuple[int, int]:
        """What is left to pay of the energy of a cycle, and how much credit of earlier cycles it used."""
        if not carries:
            return net, 0
        used = min(self.balance, max(net, 0))
        self.balance += max(-net, 0) - used
        return max(net, 0) - used, used


def bills(
    site_id: int,
    hourly: pd.DataFrame,
    daily: pd.DataFrame,
    tariffs: Sequence[DatedTariff],
    rules: BillingRules,
    zone: tzinfo,
    *,
    assumes: bool = False,
    skips_missing: bool = False,
) -> pd.DataFrame:
    """The bill of each cycle that has a day with energy.

    **Shape**: rows of `hourly_costs` and `daily_costs` of one site → rows of `bills`.

    Args:
        site_id: The site.
        hourly: What each span cost.
        daily: What each day cost.
        tariffs: The tariffs, for their fixed charges.
        rules: How the site is billed.
        zone: The site's zone.
        assumes: Whether the nearest tariff counts where none was in force.
        skips_missing: Whether days without energy cost nothing but fixed charges. Otherwise a cycle with one between the first
            and the last day has no exact bill.
    """
    days = days_of(daily["local_date"])
    if not len(days):
        return empty_frame(TABLE)
    first_day, last_day = days.min().item(), days.max().item()
    found = cycles(first_day, last_day, rules)
    account = _Account(
        Hours.of(hourly, tariffs, assumes=assumes),
        _DayCosts.of(daily, sells=not rules.has_energy_credits),
        tariffs,
        rules,
        zone,
        assumes,
        skips_missing,
    )
    credits = {name: Credits() for name in HOMES}
    rows = [account.bill(cycle, first_day, last_day, credits) for cycle in found]
    frame = {name: [row[name] for row in rows] for name in rows[0]}
    columns = {name: _column(name, values) for name, values in frame.items()}
    return table_frame(TABLE, {"site_id": site_id, **columns})


def _column(name: str, values: list[object]) -> object:
    if name.startswith("cycle_"):
        return date_column(np.array(values, "datetime64[D]"))
    if name in _MONEY:
        is_null = np.array([value is None for value in values])
        return money(np.array([value or 0 for value in values], np.int64), is_null)
    if name.endswith("_wh"):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return values


@dataclass(frozen=True, slots=True)
class _DayCosts:
    """Rows of `daily_costs` of one site in order of time, as arrays.

    Attributes:
        days: The local day of each.
        is_bought: Whether the cost of its imports is known exactly.
        is_sold: Whether the credit for its exports is, as far as they are sold.
        is_bounded: Whether a part of its energy is known as a sum only.
        has_bounds: Whether all four bounds are known.
        bounds: Import, least and most, and export, least and most.
        currency: Currency, None where there is none.
        basis: Basis of the price, None where there is none.
    """

    days: Days
    is_bought: Mask
    is_sold: Mask
    is_bounded: Mask
    has_bounds: Mask
    bounds: tuple[Ints, Ints, Ints, Ints]
    currency: list[str | None]
    basis: list[str | None]

    @classmethod
    def of(cls, daily: pd.DataFrame, *, sells: bool) -> "_DayCosts":
        """The arrays; where exports are not sold, they need no price, but all of a day's must be known by intervals."""
        is_sold, is_bounded = daily["export_credit"].notna().to_numpy(bool), daily["is_bounded"].to_numpy(bool)
        low, high, credit_low, credit_high = (daily[name] for name in _BOUNDS)
        return cls(
            days_of(daily["local_date"]),
            daily["import_cost"].notna().to_numpy(bool),
            is_sold if sells else ~is_bounded,
            is_bounded,
            daily[list(_BOUNDS)].notna().all(axis=1).to_numpy(bool),
            (nano_of(low), nano_of(high), nano_of(credit_low), nano_of(credit_high)),
            daily["currency"].astype(object).where(daily["currency"].notna(), None).tolist(),
            daily["tariff_basis"].astype(object).where(daily["tariff_basis"].notna(), None).tolist(),
        )

    def of_cycle(self, cycle: Cycle) -> "_DayCosts":
        rows = rows_of(self.days, cycle)
        low, high, credit_low, credit_high = (values[rows] for values in self.bounds)
        return _DayCosts(
            self.days[rows],
            self.is_bought[rows],
            self.is_sold[rows],
            self.is_bounded[rows],
            self.has_bounds[rows],
            (low, high, credit_low, credit_high),
            self.currency[rows],
            self.basis[rows],
        )

    @property
    def one_currency(self) -> str | None:
        """The currency of all days that have one; None where there is none, or several."""
        found = {name for name in self.currency if name is not None}
        return found.pop() if len(found) == 1 else None

    @property
    def is_exact(self) -> bool:
        """Whether the energy of all days has a known cost."""
        return bool(len(self.days) and (self.is_bought & self.is_sold).all()) and self.one_currency is not None

    @property
    def least_basis(self) -> str | None:
        """The basis of the least certain day."""
        if not self.basis or None in self.basis:
            return None
        return Basis.ASSUMED.value if Basis.ASSUMED in self.basis else Basis.IN_FORCE.value


@dataclass(frozen=True, slots=True)
class _Account:
    """What the bills of a site are made from."""

    hours: Hours
    days: _DayCosts
    tariffs: Sequence[DatedTariff]
    rules: BillingRules
    zone: tzinfo
    assumes: bool
    skips_missing: bool

    def bill(self, cycle: Cycle, first_day: date, last_day: date, credits: dict[str, Credits]) -> dict[str, object]:
        """The bill of one cycle; `credits` has what earlier cycles left, and follows."""
        hours = self.hours.of_cycle(cycle)
        of_days = self.days.of_cycle(cycle)
        counted = days_from(max(cycle.first_day, first_day), min(cycle.last_day, last_day))
        missing_days = len(counted) - len(of_days.days)
        fixed = self._fixed(counted, cycle)
        demand = {name: demand_charges(hours, name) for name in HOMES}
        left = {name: self._true_up(cycle, of_home) for name, of_home in credits.items()}
        facts: dict[str, object] = {
            "cycle_start": cycle.first_day,
            "cycle_end": cycle.last_day,
            "days": cycle.days,
            "priced_days": int((of_days.is_bought & of_days.is_sold).sum()),
            "bounded_days": int(of_days.is_bounded.sum()),
            "missing_days": missing_days,
            "currency": of_days.one_currency,
            "tariff_basis": of_days.least_basis,
            "netting": self.rules.netting.value,
            "grid_import_wh": float(hours.energy_wh["grid_import_wh"].sum()),
            "grid_export_wh": float(hours.energy_wh["grid_export_wh"].sum()),
            "fixed_charges": fixed.charges,
            "demand_charges": demand[ACTUAL],
        }
        is_whole = self.skips_missing or not missing_days
        if of_days.is_exact and is_whole:
            return facts | self._exact(hours, fixed, demand, credits, left)
        inexact = self._inexact(hours, of_days, fixed, demand[ACTUAL], is_whole=is_whole)
        return facts | inexact | self._settled(left) | self._carried(credits)

    def _exact(
        self, hours: Hours, fixed: _Fixed, demand: dict[str, int], credits: dict[str, Credits], left: dict[str, _Left]
    ) -> dict[str, object]:
        charges, totals = {}, {}
        for name, of_home in credits.items():
            if self.rules.has_energy_credits:
                cost, used = energy_credit(hours, name, self.rules, of_home.balance_wh)
                charge, to_pay = EnergyCharge(cost, 0), cost - used
            else:
                charge = energy_charge(hours, name, self.rules)
                to_pay, used = of_home.settle(charge.net, carries=self.rules.carries)
            charges[name] = charge
            paid_out = left[name].nano if self.rules.true_up is TrueUp.PAID else 0
            totals[name] = {"credit_used": used, **self._total(to_pay, fixed, demand[name], paid_out)}
        total, charge = totals[ACTUAL], charges[ACTUAL]
        return {
            "import_cost": charge.import_cost,
            "export_credit": charge.export_credit,
            **total,
            **self._settled(left),
            **self._carried(credits),
            "net_cost_low": total["net_cost"],
            "net_cost_high": total["net_cost"],
            **{f"{name}_cost": totals[name]["net_cost"] for name in VARIANTS},
        }

    def _inexact(
        self, hours: Hours, of_days: _DayCosts, fixed: _Fixed, demand: int, *, is_whole: bool
    ) -> dict[str, object]:
        """A cycle whose cost is not known: bounds where there are any. Credits of earlier cycles stay as they were.

        Args:
            hours: Its hours.
            of_days: Its days.
            fixed: Its charges that do not depend on energy.
            demand: Its demand charges.
            is_whole: Whether each of its days has energy; without it nothing bounds the cost.
        """
        found: dict[str, object] = dict.fromkeys(_MONEY - {"fixed_charges", "demand_charges"})
        if not is_whole or self._is_netted or of_days.one_currency is None:
            return found
        charge = energy_charge(hours, ACTUAL, self.rules)
        low, high = self._bounds(of_days, fixed, demand)
        return found | {
            "import_cost": charge.import_cost if of_days.is_bought.all() else None,
            "export_credit": charge.export_credit if of_days.is_sold.all() else None,
            "net_cost_low": low,
            "net_cost_high": high,
        }

    def _settled(self, left: dict[str, _Left]) -> dict[str, object]:
        """What happens to the credit that is left where a new year begins: it is that of earlier cycles alone."""
        is_paid, of_home = self.rules.true_up is TrueUp.PAID, left[ACTUAL]
        expired_wh = 0.0 if is_paid else of_home.energy_wh
        return {
            "credit_paid": of_home.nano if is_paid else 0,
            "credit_expired": None if self.rules.has_energy_credits else 0 if is_paid else of_home.nano,
            "credit_expired_wh": expired_wh if self.rules.has_energy_credits else None,
        }

    def _carried(self, credits: dict[str, Credits]) -> dict[str, object]:
        """The credit that the next cycle has, in its unit."""
        of_home, is_energy = credits[ACTUAL], self.rules.has_energy_credits
        return {
            "credit_carried": None if is_energy else of_home.balance,
            "credit_carried_wh": sum(of_home.balance_wh.values()) if is_energy else None,
        }

    @property
    def _is_netted(self) -> bool:
        """Whether the cost of a cycle is no sum of the costs of its days."""
        return self.rules.netting is not Netting.NONE or self.rules.carries or self.rules.export_limit_kwh is not None

    def _true_up(self, cycle: Cycle, credits: Credits) -> _Left:
        """The credit that is left where a new year begins; the balance is empty then."""
        if not self.rules.carries or not cycle.begins_year:
            return _Left(0, 0.0)
        energy_wh = sum(credits.balance_wh.values())
        nano, credits.balance, credits.balance_wh = credits.balance, 0, {}
        if self.rules.has_energy_credits:
            nano = int((Decimal(energy_wh) * self.rules.true_up_per_kwh * MICRO).quantize(Decimal(1), ROUND_HALF_EVEN))
        return _Left(nano, energy_wh)

    def _total(self, to_pay: int, fixed: _Fixed, demand: int, paid_out: int) -> dict[str, int]:
        before_minimum = to_pay + fixed.charges + demand
        adjustment = max(fixed.minimum - before_minimum, 0) if fixed.minimum else 0
        tax = tax_of(before_minimum + adjustment, self.rules.tax_pct)
        return {
            "minimum_adjustment": adjustment,
            "tax": tax,
            "net_cost": before_minimum + adjustment + tax - paid_out,
        }

    def _bounds(self, of_days: _DayCosts, fixed: _Fixed, demand: int) -> tuple[int | None, int | None]:
        """Least and most of a cycle with days of which only the sums are known; none where demand is charged."""
        if not of_days.has_bounds.all() or demand:
            return None, None
        import_low, import_high, export_low, export_high = (int(nano.sum()) for nano in of_days.bounds)
        low, high = import_low - export_high, import_high - export_low
        least, most = (self._total(energy, fixed, 0, 0)["net_cost"] for energy in (low, high))
        return least, most

    def _fixed(self, counted: Days, cycle: Cycle) -> _Fixed:
        """Daily charges of the days that count; monthly ones and the minimum by their share of the cycle's days."""
        charges, minimum = 0, 0
        position = tariffs_of_days(counted, self.zone, self.tariffs, assumes=self.assumes)
        for place, days in _counts(position):
            if place < 0:
                continue
            side = self.tariffs[place].tariff.buy
            charges += days * side.daily_micro * NANO_PER_MICRO
            charges += _share(side.monthly_micro * NANO_PER_MICRO, days, cycle.days)
            minimum += _share(side.minimum_micro * NANO_PER_MICRO, days, cycle.days)
        return _Fixed(charges, minimum)


def _counts(position: Ints) -> Iterator[tuple[int, int]]:
    """Each position, and how often it occurs."""
    places, counts = np.unique(position, return_counts=True)
    yield from zip(places.tolist(), counts.tolist(), strict=True)


def _share(nano: int, days: int, of_days: int) -> int:
    return int((Decimal(nano) * days / of_days).quantize(Decimal(1), ROUND_HALF_EVEN))
