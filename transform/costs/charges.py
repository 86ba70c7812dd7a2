"""The charges of a cycle that depend on its energy, and tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.amounts import NANO_PER_MICRO, Floats, Ints, micro_of, nano_of, priced
from transform.costs.cycles import BillingRules, Cycle, Netting
from transform.costs.days import VARIANTS, rows_of
from transform.costs.spans import DatedTariff
from transform.time import Days, days_of

ACTUAL: Final = "grid"
"""The first word of the columns with the energy that did flow, as `without_solar` is for that of another home."""

_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class EnergyCharge:
    """What the energy of a cycle costs before credits, in billionths of the currency."""

    import_cost: int
    export_credit: int

    @property
    def net(self) -> int:
        """The first less the second."""
        return self.import_cost - self.export_credit


@dataclass(frozen=True, slots=True)
class Hours:
    """Rows of `hourly_costs` of one site in order of time, as arrays.

    Attributes:
        days: Local day of each.
        price: Equal where season, label, currency and both prices are.
        buy_micro: Price of imports; 0 where there is none.
        sell_micro: Price of exports; 0 where there is none.
        peak_w: Highest import; NaN where there is no demand charge.
        demand_micro: Price of demand; 0 where there is none.
        energy_wh: Column → energy.
    """

    days: Days
    price: Ints
    buy_micro: Ints
    sell_micro: Ints
    peak_w: Floats
    demand_micro: Ints
    energy_wh: Mapping[str, Floats]

    @classmethod
    def of(cls, hourly: pd.DataFrame) -> "Hours":
        """The arrays of rows that are sorted by `starts_at`."""
        buy, sell = micro_of(hourly["buy_per_kwh"]), micro_of(hourly["sell_per_kwh"])
        demand = nano_of(hourly["demand_price"]) // NANO_PER_MICRO
        price = np.zeros(len(hourly), np.int64)
        for column in (*(hourly[name].array for name in ("season", "label", "currency")), buy, sell):
            code, distinct = pd.factorize(column, use_na_sentinel=False)
            price = pd.factorize(price * len(distinct) + code)[0]
        energies = [f"{name}_{flow}_wh" for name in (ACTUAL, *VARIANTS) for flow in ("import", "export")]
        return cls(
            days_of(hourly["local_date"]),
            price,
            buy,
            sell,
            hourly["peak_import_w"].to_numpy(np.float64),
            demand,
            {name: hourly[name].to_numpy(np.float64) for name in energies},
        )

    def of_cycle(self, cycle: Cycle) -> "Hours":
        """Those of a cycle."""
        rows = rows_of(self.days, cycle)
        energies = {name: values[rows] for name, values in self.energy_wh.items()}
        return Hours(
            self.days[rows],
            self.price[rows],
            self.buy_micro[rows],
            self.sell_micro[rows],
            self.peak_w[rows],
            self.demand_micro[rows],
            energies,
        )


def energy_charge(hours: Hours, name: str, rules: BillingRules) -> EnergyCharge:
    """What the energy of a cycle costs.

    Without netting, each row's import is bought and each row's export sold. With it, the energies of the same season, label and
    prices are added up first, and what is left is bought or sold.

    Args:
        hours: Those of one cycle.
        name: `ACTUAL`, or one of `VARIANTS`.
        rules: How the site is billed.
    """
    imported = hours.energy_wh[f"{name}_import_wh"]
    exported = _credited(hours.energy_wh[f"{name}_export_wh"], rules.export_limit_kwh)
    buy, sell = hours.buy_micro, hours.sell_micro
    if rules.netting is not Netting.NONE and len(buy):
        _, first, group = np.unique(hours.price, return_index=True, return_inverse=True)
        net = np.bincount(group, weights=imported) - np.bincount(group, weights=exported)
        imported, exported, buy, sell = np.maximum(net, 0), np.maximum(-net, 0), buy[first], sell[first]
    return EnergyCharge(int(priced(imported, buy).sum()), int(priced(exported, sell).sum()))


def _credited(exported_wh: Floats, limit_kwh: Decimal | None) -> Floats:
    """Exports up to a limit, in order of time."""
    if limit_kwh is None:
        return exported_wh
    limit_wh = float(limit_kwh * 1_000)
    return np.diff(np.minimum(np.cumsum(exported_wh), limit_wh), prepend=0.0)


def demand_charges(hours: Hours, tariffs: Sequence[DatedTariff]) -> int:
    """The highest import of each price with a demand charge, at that charge.

    A tariff's bounds apply to its own highest import: below the lower one nothing is charged, above the upper one no more.
    """
    at = np.flatnonzero((hours.demand_micro > 0) & ~np.isnan(hours.peak_w))
    if not len(at):
        return 0
    _, first, group = np.unique(hours.price[at], return_index=True, return_inverse=True)
    peak_w = np.zeros(len(first))
    np.maximum.at(peak_w, group, hours.peak_w[at])
    bounds = (dated.tariff.buy.demand_kw for dated in reversed(tariffs) if any(dated.tariff.buy.demand.values()))
    lower, upper = next(bounds, (None, None))
    peak_w = np.where(peak_w < (lower or 0) * 1_000, 0.0, peak_w)
    peak_w = peak_w if upper is None else np.minimum(peak_w, upper * 1_000)
    return int(priced(peak_w, hours.demand_micro[at][first]).sum())


def tax_of(nano: int, tax_pct: Decimal) -> int:
    """Tax on an amount, rounded half to even; none on what is received."""
    if nano <= 0 or not tax_pct:
        return 0
    return int((nano * tax_pct / _HUNDRED).quantize(Decimal(1), ROUND_HALF_EVEN))
