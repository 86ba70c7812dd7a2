"""Bills: what each billing cycle costs under the rules of a site.

Energy less credits of earlier cycles, then fixed and demand charges, then the monthly minimum, then tax. No line is rounded to
cents: utilities differ in which lines they round, and sums of rounded lines would not add up to a year.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.amounts import NANO_PER_MICRO, Ints, money
from transform.costs.billed_days import BilledDays
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
from transform.costs.demand_gaps import days_with_unknown_demand
from transform.costs.spans import DatedTariff, tariffs_of_days
from transform.frames import empty_frame, table_frame
from transform.tariffs import MICRO
from transform.time import Days, date_column, days_from, days_of
from warehouse.schema import BILLS, Kind

TABLE: Final = "bills"
_MONEY: Final = frozenset(column.name for column in BILLS.fields if column.type is Kind.MONEY)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Charges of a cycle that do not depend on energy, in billionths of the currency.

    Attributes:
        charges: Daily and monthly charges.
        minimum: The lowest bill.
        currencies: Currencies of the tariffs that they are of, and of demand charges.
    """

    charges: int
    minimum: int
    currencies: frozenset[str] = frozenset()


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
        Hours.of(hourly, tariffs, zone, assumes=assumes),
        BilledDays.of(daily, hourly, rules),
        # Of energy that is simulated, what is not stored counts as nothing, as a day without energy does.
        days[:0] if skips_missing else days_with_unknown_demand(hourly, tariffs, zone, assumes=assumes),
        tariffs,
        rules,
        zone,
        assumes,
        skips_missing,
    )
    rows = list(account.bills(found, first_day, last_day))
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
class _Account:
    """What the bills of a site are made from."""

    hours: Hours
    days: BilledDays
    days_with_unknown_demand: Days
    tariffs: Sequence[DatedTariff]
    rules: BillingRules
    zone: tzinfo
    assumes: bool
    skips_missing: bool

    def bills(self, cycles: Iterable[Cycle], first_day: date, last_day: date) -> Iterator[dict[str, object]]:
        """The bill of each cycle."""
        credits = {name: Credits() for name in HOMES}
        is_known = True  # whether all earlier cycles of the year of credits are known exactly
        for cycle in cycles:
            row, is_exact = self._bill(cycle, first_day, last_day, credits)
            begins_year = self.rules.carries and cycle.begins_year
            is_settled = is_known or not begins_year
            is_known = is_exact and (is_known or begins_year)
            yield row | {"is_credit_known": not self.rules.carries or (is_known and is_settled)}

    def _bill(
        self, cycle: Cycle, first_day: date, last_day: date, credits: dict[str, Credits]
    ) -> tuple[dict[str, object], bool]:
        """The bill of one cycle, and whether its energy has an exact cost; `credits`, what earlier cycles left, follows."""
        hours = self.hours.of_cycle(cycle)
        of_days = self.days.of_cycle(cycle)
        counted = days_from(max(cycle.first_day, first_day), min(cycle.last_day, last_day))
        missing_days = len(counted) - len(of_days.days)
        fixed = self._fixed(counted, cycle)
        demand = {name: demand_charges(hours, name, self.rules) for name in HOMES}
        is_least = bool(len(self.days_with_unknown_demand[rows_of(self.days_with_unknown_demand, cycle)]))
        is_one_currency = fixed.currencies <= {of_days.one_currency}
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
            "fixed_charges": fixed.charges if is_one_currency else None,
            "demand_charges": demand[ACTUAL] if is_one_currency else None,
            "is_demand_lower_bound": is_least,
        }
        is_whole = self.skips_missing or not missing_days
        if of_days.is_exact and is_whole and is_one_currency:
            exact = facts | self._exact(hours, fixed, demand, credits, left)
            return (_with_least_cost(exact) if is_least else exact), True
        found: dict[str, object] = dict.fromkeys(_MONEY - {"fixed_charges", "demand_charges"})
        if is_whole and is_one_currency and not self._is_netted and of_days.one_currency is not None:
            found |= self._bounded(hours, of_days, fixed, demand[ACTUAL])
        inexact = _with_least_cost(facts | found) if is_least else facts | found
        return inexact | self._settled(left) | self._carried(credits), False

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

    def _bounded(self, hours: Hours, of_days: BilledDays, fixed: _Fixed, demand: int) -> dict[str, object]:
        """A cycle whose cost is not known: its bounds, where there are any. Credits of earlier cycles stay as they were."""
        charge = energy_charge(hours, ACTUAL, self.rules)
        low, high = self._bounds(of_days, fixed, demand)
        return {
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

    def _bounds(self, of_days: BilledDays, fixed: _Fixed, demand: int) -> tuple[int | None, int | None]:
        """Least and most of a cycle with days of which only the sums are known."""
        if not of_days.has_bounds.all():
            return None, None
        import_low, import_high, export_low, export_high = (int(nano.sum()) for nano in of_days.bounds)
        low, high = import_low - export_high, import_high - export_low
        least, most = (self._total(energy, fixed, demand, 0)["net_cost"] for energy in (low, high))
        return least, most

    def _fixed(self, counted: Days, cycle: Cycle) -> _Fixed:
        """Daily charges of the days that count; monthly ones and the minimum by their share of the cycle's days."""
        charges, minimum, currencies = 0, 0, set[str]()
        position = tariffs_of_days(counted, self.zone, self.tariffs, assumes=self.assumes)
        for place, days in _counts(position):
            if place < 0:
                continue
            side = self.tariffs[place].tariff.buy
            charges += days * side.daily_micro * NANO_PER_MICRO
            charges += _share(side.monthly_micro * NANO_PER_MICRO, days, cycle.days)
            minimum += _share(side.minimum_micro * NANO_PER_MICRO, days, cycle.days)
            if side.daily_micro or side.monthly_micro or side.minimum_micro or side.has_demand_charge:
                currencies.add(self.tariffs[place].tariff.currency)
        return _Fixed(charges, minimum, frozenset(currencies - {""}))


def _with_least_cost(row: dict[str, object]) -> dict[str, object]:
    """A bill whose demand charges may be higher than what is stored shows: only the least that it can be is known."""
    unknown = ("minimum_adjustment", "tax", "net_cost", "net_cost_high", *(f"{name}_cost" for name in VARIANTS))
    return row | dict.fromkeys(unknown)


def _counts(position: Ints) -> Iterator[tuple[int, int]]:
    """Each position, and how often it occurs."""
    places, counts = np.unique(position, return_counts=True)
    yield from zip(places.tolist(), counts.tolist(), strict=True)


def _share(nano: int, days: int, of_days: int) -> int:
    return int((Decimal(nano) * days / of_days).quantize(Decimal(1), ROUND_HALF_EVEN))
