"""Demand charges beside prices by interval, and where the highest import may not be stored."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.costs import EXPORTED, begin_of, billed, dated, of_days, sums_of_days
from tests.tariffs import document, flat, period, year
from transform.costs.flows import IMPORTED, Intervals
from transform.costs.spans import DatedPrices, DatedTariff

JANUARY = (date(2025, 1, 1), date(2025, 1, 31))
QUARTERS = 31 * 96
_QUARTER_US = 900 * 1_000_000


def _with_demand(night: float = 4, day: float = 10, **fields: Any) -> DatedTariff:
    """Demand of the day and of the night; energy at 0.1 and 0.3, exports at 0."""
    periods = year(NIGHT=[period(begin="22:00", end="06:00")], DAY=[period(begin="06:00", end="22:00")])
    demand = {"demand_charges": {"Year": {"rates": {"NIGHT": night, "DAY": day}}}}
    sell = document({"Year": periods}, {"Year": {"NIGHT": 0, "DAY": 0}})
    return dated(document({"Year": periods}, {"Year": {"NIGHT": 0.1, "DAY": 0.3}}, sell_tariff=sell) | demand | fields)


def _energy() -> Intervals:
    """2 kW in a quarter hour of the night of the first day, 3 kW in one of its afternoon, and 400 W at all other times."""
    imported = np.full(QUARTERS, 100.0)
    imported[[4, 60]] = 500, 750
    return of_days(*JANUARY, {IMPORTED: imported}, length_s=900)


def _without(energy: Intervals, quarters: Sequence[int]) -> Intervals:
    """The same without some quarter hours."""
    kept = np.delete(np.arange(len(energy)), quarters)
    flows = {name: values[kept] for name, values in energy.flows.items()}
    return Intervals(energy.starts_us[kept], energy.length_s[kept], flows)


def _prices(currency: str = "USD") -> DatedPrices:
    """A price for each half hour of January, two different ones in turn."""
    starts_us = begin_of(JANUARY[0]) + np.arange(QUARTERS // 2, dtype=np.int64) * 2 * _QUARTER_US
    buy = np.where(np.arange(len(starts_us)) % 2, 200_000, 100_000)
    return DatedPrices(
        starts_us, starts_us + 2 * _QUARTER_US, buy, buy, np.ones(len(buy), bool), np.full(len(buy), currency, object)
    )


def _bill(energy: Intervals, tariff: DatedTariff, **more: Any) -> dict[Any, Any]:
    (bill,) = billed(energy, *JANUARY, tariff, **more).to_dict("records")
    return bill


def test_demand_is_charged_by_the_tariff_in_force_where_energy_is_priced_by_interval() -> None:
    """3 kW by day at 10 and 2 kW by night at 4; energy costs what its intervals cost."""
    bill = _bill(_energy(), _with_demand(), prices=_prices())
    assert bill["demand_charges"] == Decimal(38)
    assert bill["net_cost"] == bill["import_cost"] + 38
    assert bill["import_cost"] == Decimal("0.15") * Decimal("297.6") + Decimal("0.04") + Decimal("0.065")


def test_labels_with_the_same_price_are_charged_one_by_one_beside_prices_by_interval() -> None:
    bill = _bill(_energy(), _with_demand(night=10), prices=_prices())
    assert bill["demand_charges"] == Decimal(50)
    assert _bill(_energy(), _with_demand(night=10))["demand_charges"] == Decimal(50)


def test_charges_in_another_currency_than_prices_by_interval_make_a_bill_unknown() -> None:
    bill = _bill(_energy(), _with_demand(), prices=_prices("AUD"))
    assert bill["currency"] == "AUD"
    assert all(pd.isna(bill[name]) for name in ("fixed_charges", "demand_charges", "net_cost", "net_cost_low"))
    without_charges = dated(flat(0.3, 0.0))
    assert _bill(_energy(), without_charges, prices=_prices("AUD"))["net_cost"] > 0


@pytest.mark.parametrize("quarter", [61, 1_000])
def test_a_quarter_hour_that_is_not_stored_makes_demand_a_lower_bound(quarter: int) -> None:
    """It may have had the highest import, so only the least that is to be paid is known."""
    whole, part = _bill(_energy(), _with_demand()), _bill(_without(_energy(), [quarter]), _with_demand())
    assert not whole["is_demand_lower_bound"]
    assert whole["net_cost_low"] == whole["net_cost"] == whole["net_cost_high"]
    assert part["is_demand_lower_bound"]
    assert part["demand_charges"] == Decimal(38)
    assert part["net_cost_low"] == part["import_cost"] + 38
    unknown = ("net_cost", "net_cost_high", "tax", "minimum_adjustment", "without_battery_cost")
    assert all(pd.isna(part[name]) for name in unknown)


def test_an_hour_of_which_nothing_is_stored_is_missing_as_well() -> None:
    assert _bill(_without(_energy(), range(100, 112)), _with_demand())["is_demand_lower_bound"]


def test_a_gap_in_time_without_a_demand_charge_leaves_the_peak_known() -> None:
    """At night nothing is charged for demand."""
    bill = _bill(_without(_energy(), [100]), _with_demand(night=0))
    assert not bill["is_demand_lower_bound"]
    assert bill["net_cost"] == bill["net_cost_low"]


def test_the_time_before_the_first_and_after_the_last_stored_row_is_not_missing() -> None:
    energy = _without(_energy(), [*range(41), *range(QUARTERS - 30, QUARTERS)])
    assert not _bill(energy, _with_demand())["is_demand_lower_bound"]


def test_other_cycles_of_the_site_are_as_they_were() -> None:
    """A quarter hour of February is missing; the bill of January is known."""
    first, last = date(2025, 1, 1), date(2025, 2, 28)
    energy = of_days(first, last, {IMPORTED: np.full(59 * 96, 100.0)}, length_s=900)
    found = billed(_without(energy, [QUARTERS + 50]), first, last, _with_demand())
    assert found["is_demand_lower_bound"].tolist() == [False, True]
    assert found["net_cost"].notna().tolist() == [True, False]


def test_a_day_of_which_only_the_sum_is_known_has_a_least_cost_with_demand() -> None:
    """The last day imported 2 kWh at some time: they cost at least 0.1 each, and what its peak was is not known."""
    energy = replace(_energy(), flows={**_energy().flows, EXPORTED: np.zeros(QUARTERS)})
    lacking = _without(energy, range(QUARTERS - 96, QUARTERS - 4))
    bill = _bill(lacking, _with_demand(), daily=sums_of_days([JANUARY[1]], [2_400.0], [0.0]))
    assert bill["bounded_days"] == 1
    assert bill["is_demand_lower_bound"]
    assert pd.isna(bill["net_cost_high"])
    assert bill["net_cost_low"] > 38
