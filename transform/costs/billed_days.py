"""What the days of a billing cycle cost, and whether that is known exactly."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.amounts import Ints, Mask, nano_of
from transform.costs.charges import ACTUAL, bought_and_sold
from transform.costs.cycles import BillingRules, Cycle
from transform.costs.days import VARIANTS, rows_of
from transform.costs.spans import Basis
from transform.time import Days, days_of

_BOUNDS: Final = ("import_cost_low", "import_cost_high", "export_credit_low", "export_credit_high")


@dataclass(frozen=True, slots=True)
class BilledDays:
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
    def of(cls, daily: pd.DataFrame, hourly: pd.DataFrame, rules: BillingRules) -> "BilledDays":
        """The arrays; where exports are credits of energy, they need no price, but must be known by intervals."""
        is_sold, is_bounded = daily["export_credit"].notna().to_numpy(bool), daily["is_bounded"].to_numpy(bool)
        is_bought = daily["import_cost"].notna().to_numpy(bool)
        if rules.has_energy_credits:
            is_sold = ~is_bounded
        if rules.sells_all:  # what panels give the home needs a price, too
            has_prices = ~np.isin(days_of(daily["local_date"]), _days_without_prices(hourly, rules))
            is_bought, is_sold = is_bought & has_prices, ~is_bounded & has_prices
        low, high, credit_low, credit_high = (daily[name] for name in _BOUNDS)
        return cls(
            days_of(daily["local_date"]),
            is_bought,
            is_sold,
            is_bounded,
            daily[list(_BOUNDS)].notna().all(axis=1).to_numpy(bool),
            (nano_of(low), nano_of(high), nano_of(credit_low), nano_of(credit_high)),
            daily["currency"].astype(object).where(daily["currency"].notna(), None).tolist(),
            daily["tariff_basis"].astype(object).where(daily["tariff_basis"].notna(), None).tolist(),
        )

    def of_cycle(self, cycle: Cycle) -> "BilledDays":
        rows = rows_of(self.days, cycle)
        low, high, credit_low, credit_high = (values[rows] for values in self.bounds)
        return BilledDays(
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


def _days_without_prices(hourly: pd.DataFrame, rules: BillingRules) -> Days:
    """Days of `hourly_costs` on which energy that is bought or sold has no price."""
    names = [f"{name}_{flow}_wh" for name in (ACTUAL, *VARIANTS) for flow in ("import", "export")]
    energy_wh = {name: hourly[name].to_numpy(np.float64) for name in names}
    bought, sold = bought_and_sold(energy_wh, ACTUAL, rules)
    no_buy, no_sell = (hourly[name].isna().to_numpy(bool) for name in ("buy_per_kwh", "sell_per_kwh"))
    days: Days = days_of(hourly["local_date"])[(no_buy & (bought != 0)) | (no_sell & (sold != 0))]
    return days
