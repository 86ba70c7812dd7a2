"""The charges of a cycle that depend on its energy, and tax."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.costs.amounts import NANO_PER_MICRO, Floats, Ints, micro_of, nano_of, priced
from transform.costs.cycles import BillingRules, Cycle, Netting
from transform.costs.days import VARIANTS, rows_of
from transform.costs.spans import DatedTariff, Texts, tariffs_at
from transform.tariffs import resolve
from transform.time import Days, days_of, epoch_us, instants_of

Places = npt.NDArray[np.intp]

ACTUAL: Final = "grid"
"""The first word of the columns with the energy that did flow, as `without_solar` is for that of another home."""

HOMES: Final = (ACTUAL, *VARIANTS)
"""The home as it is, and others."""

WITHOUT_SOLAR: Final = {
    ACTUAL: VARIANTS[0],
    VARIANTS[0]: VARIANTS[0],
    VARIANTS[1]: VARIANTS[2],
    VARIANTS[2]: VARIANTS[2],
}
"""Home → the same home without panels: its import is all that is used where all generation is sold."""

PEAKS: Final = {ACTUAL: "peak_import_w"} | {name: f"{name}_peak_w" for name in VARIANTS}
"""Home → the column with its highest import."""

_HUNDRED: Final = Decimal(100)
_W_PER_KW: Final = 1_000


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
        label: Label of each.
        buy_micro: Price of imports; 0 where there is none.
        sell_micro: Price of exports; 0 where there is none.
        demand: Equal where one demand charge applies: where season and label of the tariff, currency, its price and its bounds
            are.
        demand_micro: Price of demand; 0 where there is none.
        demand_from_w: Below it nothing is charged; 0 for no bound.
        demand_to_w: Above it no more is charged; infinite for no bound.
        peak_w: Home → highest import; NaN where there is no demand charge.
        energy_wh: Column → energy.
    """

    days: Days
    price: Ints
    label: Texts
    buy_micro: Ints
    sell_micro: Ints
    demand: Ints
    demand_micro: Ints
    demand_from_w: Floats
    demand_to_w: Floats
    peak_w: Mapping[str, Floats]
    energy_wh: Mapping[str, Floats]

    @classmethod
    def of(cls, hourly: pd.DataFrame, tariffs: Sequence[DatedTariff], zone: tzinfo, *, assumes: bool) -> "Hours":
        """The arrays of rows that are sorted by `starts_at`.

        Args:
            hourly: The rows.
            tariffs: The tariffs that they were priced by, for demand charges.
            zone: The site's zone.
            assumes: Whether the nearest tariff counts where none was in force.
        """
        buy, sell = micro_of(hourly["buy_per_kwh"]), micro_of(hourly["sell_per_kwh"])
        demand = nano_of(hourly["demand_price"]) // NANO_PER_MICRO
        group, lower_w, upper_w = _demands(hourly, demand, tariffs, zone, assumes=assumes)
        names = [hourly[name].array for name in ("season", "label", "currency")]
        energies = [f"{name}_{flow}_wh" for name in HOMES for flow in ("import", "export")]
        return cls(
            days_of(hourly["local_date"]),
            _codes(*names, buy, sell),
            hourly["label"].to_numpy(object),
            buy,
            sell,
            _codes(hourly["currency"].array, demand, group, lower_w, upper_w),
            demand,
            lower_w,
            upper_w,
            {name: hourly[PEAKS[name]].to_numpy(np.float64) for name in HOMES},
            {name: hourly[name].to_numpy(np.float64) for name in energies},
        )

    def of_cycle(self, cycle: Cycle) -> "Hours":
        """Those of a cycle."""
        rows = rows_of(self.days, cycle)
        return Hours(
            self.days[rows],
            self.price[rows],
            self.label[rows],
            self.buy_micro[rows],
            self.sell_micro[rows],
            self.demand[rows],
            self.demand_micro[rows],
            self.demand_from_w[rows],
            self.demand_to_w[rows],
            {name: values[rows] for name, values in self.peak_w.items()},
            {name: values[rows] for name, values in self.energy_wh.items()},
        )


def _codes(*columns: Any) -> Ints:
    """A number for each row, equal where all columns are."""
    found = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        code, distinct = pd.factorize(column, use_na_sentinel=False)
        found = pd.factorize(found * len(distinct) + code)[0]
    return found


def _demands(
    hourly: pd.DataFrame, demand_micro: Ints, tariffs: Sequence[DatedTariff], zone: tzinfo, *, assumes: bool
) -> tuple[Ints, Floats, Floats]:
    """What the demand charge of each row is for.

    Returns:
        A number for season and label of the tariff, which are not those of the row where energy is priced by interval, and the
        lowest and highest power to which its price applies: 0 and infinite for no bound.
    """
    group, lowest, highest = np.zeros(len(hourly), np.int64), np.zeros(len(hourly)), np.full(len(hourly), np.inf)
    at = np.flatnonzero(demand_micro > 0)
    starts_us = epoch_us(hourly["starts_at"])[at]
    position = tariffs_at(starts_us, tariffs, assumes=assumes)[0]
    numbers: dict[tuple[str, str], int] = {}
    for place in np.unique(position[position >= 0]).tolist():
        tariff, rows = tariffs[place].tariff, np.flatnonzero(position == place)
        resolved = resolve(tariff, pd.DatetimeIndex(instants_of(starts_us[rows])), zone)
        labels = zip(resolved["season"].astype(object), resolved["buy_label"].astype(object), strict=True)
        group[at[rows]] = [numbers.setdefault((str(season), str(label)), len(numbers)) for season, label in labels]
        lower_kw, upper_kw = tariff.buy.demand_kw
        lowest[at[rows]] = (lower_kw or 0) * _W_PER_KW
        highest[at[rows]] = np.inf if upper_kw is None else upper_kw * _W_PER_KW
    return group, lowest, highest


def energy_charge(hours: Hours, name: str, rules: BillingRules) -> EnergyCharge:
    """What the energy of a cycle costs.

    Without netting, each row's import is bought and each row's export sold; with `BUY_ALL_SELL_ALL`, all use and all generation
    of each row. With netting, the energies of the same season, label and prices are added up first, and what is left is bought
    or sold.

    Args:
        hours: Those of one cycle.
        name: `ACTUAL`, or one of `VARIANTS`.
        rules: How the site is billed.
    """
    buy, sell = hours.buy_micro, hours.sell_micro
    if rules.netting in (Netting.NONE, Netting.BUY_ALL_SELL_ALL):
        imported, exported = _energy(hours, name, rules)
    else:
        net_wh, first = _net(hours, name, rules)
        imported, exported, buy, sell = np.maximum(net_wh, 0), np.maximum(-net_wh, 0), buy[first], sell[first]
    return EnergyCharge(int(priced(imported, buy).sum()), int(priced(exported, sell).sum()))


def energy_credit(hours: Hours, name: str, rules: BillingRules, balance_wh: dict[str, float]) -> tuple[int, int]:
    """What the energy of a cycle costs where credits are energy, and how much of that earlier exports pay for.

    What is left of exports after netting is credit of its label; what is left of imports is taken off that credit, in order of
    time. It pays for a kWh whatever that costs.

    Args:
        hours: Those of one cycle.
        name: `ACTUAL`, or one of `VARIANTS`.
        rules: How the site is billed.
        balance_wh: Label → credit of earlier cycles, which follows.

    Returns:
        The cost of imports before credits, and the credit that is used, in billionths of the currency.
    """
    net_wh, first = _net(hours, name, rules)
    cost = used = 0
    for energy_wh, label, micro in zip(net_wh, hours.label[first].tolist(), hours.buy_micro[first], strict=True):
        credit_wh = min(balance_wh.get(label, 0.0), max(float(energy_wh), 0.0))
        balance_wh[label] = balance_wh.get(label, 0.0) - credit_wh + max(-float(energy_wh), 0.0)
        bought, paid = priced(np.array([max(energy_wh, 0.0), credit_wh]), np.array([micro, micro])).tolist()
        cost, used = cost + bought, used + paid
    return cost, used


def _energy(hours: Hours, name: str, rules: BillingRules) -> tuple[Floats, Floats]:
    """Energy that is bought, and energy that gives credit."""
    bought, sold = bought_and_sold(hours.energy_wh, name, rules)
    return bought, _credited(sold, rules.export_limit_kwh)


def bought_and_sold(energy_wh: Mapping[str, Floats], name: str, rules: BillingRules) -> tuple[Floats, Floats]:
    """Energy of each row that is bought, and energy that is sold.

    Where all generation is sold, what is bought is the import of the same home without panels, less what its battery gives to
    the grid: all that the home uses, and what the battery takes less what it gives.

    Args:
        energy_wh: Column of `hourly_costs` → energy.
        name: `ACTUAL`, or one of `VARIANTS`.
        rules: How the site is billed.
    """
    imported, exported = (energy_wh[f"{name}_{flow}_wh"] for flow in ("import", "export"))
    if not rules.sells_all:
        return imported, exported
    used, given = (energy_wh[f"{WITHOUT_SOLAR[name]}_{flow}_wh"] for flow in ("import", "export"))
    return used - given, used - imported + exported - given


def _net(hours: Hours, name: str, rules: BillingRules) -> tuple[Floats, Places]:
    """Imports less exports of each price, in the order in which the prices begin, and the row of its beginning."""
    imported, exported = _energy(hours, name, rules)
    if not len(imported):
        return np.zeros(0), np.zeros(0, np.intp)
    _, first, group = np.unique(hours.price, return_index=True, return_inverse=True)
    net_wh = np.bincount(group, weights=imported - exported).astype(np.float64)
    order = np.argsort(first)
    return net_wh[order], first[order]


def _credited(exported_wh: Floats, limit_kwh: Decimal | None) -> Floats:
    """Exports up to a limit, in order of time."""
    if limit_kwh is None:
        return exported_wh
    limit_wh = float(limit_kwh * 1_000)
    return np.diff(np.minimum(np.cumsum(exported_wh), limit_wh), prepend=0.0)


def demand_charges(hours: Hours, name: str, rules: BillingRules) -> int:
    """The highest import to which each demand charge applies, at its price. Prices of energy may change within it.

    A tariff's bounds apply to its own highest import: below the lower one nothing is charged, above the upper one no more.

    Args:
        hours: Those of one cycle.
        name: `ACTUAL`, or one of `VARIANTS`.
        rules: How the site is billed: where all use is bought, the peak is that of the use.
    """
    highest_w = hours.peak_w[WITHOUT_SOLAR[name] if rules.sells_all else name]
    at = np.flatnonzero((hours.demand_micro > 0) & ~np.isnan(highest_w))
    if not len(at):
        return 0
    _, first, group = np.unique(hours.demand[at], return_index=True, return_inverse=True)
    peak_w = np.zeros(len(first))
    np.maximum.at(peak_w, group, highest_w[at])
    first = at[first]
    peak_w = np.where(peak_w < hours.demand_from_w[first], 0.0, np.minimum(peak_w, hours.demand_to_w[first]))
    return int(priced(peak_w, hours.demand_micro[first]).sum())


def tax_of(nano: int, tax_pct: Decimal) -> int:
    """Tax on an amount, rounded half to even; none on what is received."""
    if nano <= 0 or not tax_pct:
        return 0
    return int((nano * tax_pct / _HUNDRED).quantize(Decimal(1), ROUND_HALF_EVEN))
