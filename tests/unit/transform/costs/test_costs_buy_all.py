"""Bills where all generation is sold and all use is bought, by hand and against SQL that was written independently."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tests.costs import (
    BATTERY_TO_HOME,
    EXPORTED,
    GRID_TO_BATTERY,
    GRID_TO_HOME,
    LOS_ANGELES,
    SITE,
    SOLAR_TO_BATTERY,
    SOLAR_TO_HOME,
    amounts,
    begin_of,
    billed,
    dated,
    flat_tariff,
    of_days,
)
from tests.tariffs import flat, two_seasons
from transform.costs.cycles import BillingRules, Netting
from transform.costs.dispatch import Battery
from transform.costs.flows import FLOWS, IMPORTED, Intervals
from transform.costs.what_if import Equipment, History, outcomes, plan_of
from transform.time import instants_of
from warehouse.connection import connect

JANUARY = (date(2025, 1, 1), date(2025, 1, 31))
SELL_ALL = BillingRules(netting=Netting.BUY_ALL_SELL_ALL)
YEAR = (date(2025, 1, 1), date(2025, 12, 31))

ORACLE = """
select
    month(wall) as month,
    sum((import_wh - export_wh + solar_wh)::decimal(18, 0) * price.buy::decimal(9, 6)) / 1000
        - sum(solar_wh::decimal(18, 0) * price.sell::decimal(9, 6)) / 1000 as net_cost
from (
    select
        *,
        timezone('America/Los_Angeles', interval_start) as wall,
        case
            when month(wall) between 6 and 9 and hour(wall) between 16 and 20 then {'buy': 0.30572, 'sell': 0.0813}
            when month(wall) between 6 and 9 then {'buy': 0.21, 'sell': 0.05}
            when isodow(wall) <= 5 and hour(wall) between 7 and 21 then {'buy': 0.27, 'sell': 0.06}
            else {'buy': 0.18, 'sell': 0.04}
        end as price
    from intervals
)
group by all
order by all
"""
"""What the grid's meter and the meter of the panels show together is what is used."""


def _one_hour(**more: float) -> Intervals:
    """An hour of noon in January: 3 kWh of the panels, of which the home uses 2 and the grid takes 1; nothing else flows."""
    flows = {SOLAR_TO_HOME: 2_000.0, EXPORTED: 1_000.0} | more
    hours = {name: np.zeros(31 * 24) for name in (IMPORTED, *flows)}
    for name, value in flows.items():
        hours[name][12] = value
    return of_days(*JANUARY, hours)


def _bill(energy: Intervals, *tariffs: Any, rules: BillingRules = SELL_ALL) -> dict[Any, Any]:
    (bill,) = billed(energy, *JANUARY, *tariffs, rules=rules).to_dict("records")
    return bill


def test_all_use_is_bought_and_all_generation_sold() -> None:
    """2 kWh are bought at 0.3, 3 kWh sold at 0.2; the meter of the grid shows 1 kWh of export."""
    bill = _bill(_one_hour(), flat_tariff(0.3, 0.2))
    assert (bill["import_cost"], bill["export_credit"]) == (Decimal("0.6"), Decimal("0.6"))
    assert (bill["grid_import_wh"], bill["grid_export_wh"]) == (0, 1_000)
    assert bill["net_cost"] == 0
    assert bill["without_solar_cost"] == Decimal("0.6")


def test_a_battery_counts_as_use_while_it_charges_and_less_use_while_it_gives() -> None:
    """1 kWh goes into the battery; later it gives the home 0.8 kWh: 2.8 + 1 − 0.8 are bought, and 4 kWh are sold."""
    energy = _one_hour(**{SOLAR_TO_BATTERY: 1_000.0})
    energy.flows[BATTERY_TO_HOME][20] = 800.0
    bill = _bill(energy, flat_tariff(0.3, 0.2))
    assert bill["import_cost"] == Decimal("0.9")
    assert bill["export_credit"] == Decimal("0.8")
    assert bill["without_battery_cost"] == Decimal("0.3") * Decimal("2.8") - Decimal("0.8")


def test_credits_may_be_carried_and_limited() -> None:
    rules = BillingRules(netting=Netting.BUY_ALL_SELL_ALL, carry_credits=True, export_limit_kwh=Decimal("2.5"))
    bill = _bill(_one_hour(), flat_tariff(0.1, 0.2), rules=rules)
    assert bill["export_credit"] == Decimal("0.5")
    assert (bill["net_cost"], bill["credit_carried"]) == (Decimal(0), Decimal("0.3"))


def test_generation_without_a_price_is_not_sold_for_nothing() -> None:
    """Nothing is exported, so the day has a cost by the grid's meter, but what the panels gave the home has no price."""
    energy = _one_hour(**{EXPORTED: 0.0})
    bill = _bill(energy, flat_tariff(0.3))
    assert pd.isna(bill["net_cost"])
    assert bill["priced_days"] == 30
    assert _bill(energy, flat_tariff(0.3), rules=BillingRules())["net_cost"] == 0


def test_demand_is_that_of_all_use() -> None:
    """The home uses 2 kW for an hour, all of it from the panels: 2 kW at 5 each."""
    demand = {"demand_charges": {"Year": {"rates": {"ALL": 5}}, "ALL": {"rates": {"ALL": 5}}}}
    tariff = dated(flat(0.3, 0.2) | demand)
    assert _bill(_one_hour(), tariff)["demand_charges"] == Decimal(10)
    assert _bill(_one_hour(), tariff, rules=BillingRules())["demand_charges"] == 0


def test_a_year_equals_the_oracle() -> None:
    """Five-minute rows of a year with both changes of the clocks, of a home with panels and battery."""
    energy = of_days(*YEAR, length_s=300)
    flows = {**energy.flows, **{name: np.zeros(len(energy)) for name in FLOWS if "generator" in name}}
    solar = flows[SOLAR_TO_HOME] + flows[SOLAR_TO_BATTERY] + flows[EXPORTED]
    exported = sum(flows[name] for name in FLOWS if name.startswith("grid_energy_exported"))
    intervals = pd.DataFrame(
        {
            "interval_start": instants_of(energy.starts_us),
            "import_wh": flows[GRID_TO_HOME] + flows[GRID_TO_BATTERY],
            "export_wh": exported,
            "solar_wh": solar,
        }
    )
    with connect() as connection:
        connection.register("intervals", intervals)
        oracle = connection.sql(ORACLE).fetchall()
    found = billed(Intervals(energy.starts_us, energy.length_s, flows), *YEAR, dated(two_seasons()), rules=SELL_ALL)
    ours = [round(float(cost or 0), 6) for cost in amounts(found["net_cost"])]
    assert ours == [round(float(cost), 6) for _, cost in oracle]


def test_a_simulated_battery_is_billed_in_the_same_way() -> None:
    """Panels and home stay as they are, so without a battery the bill is that of all use and all generation."""
    first, last = date(2025, 7, 1), date(2025, 7, 7)
    energy = of_days(first, last)
    history = History(SITE, energy, LOS_ANGELES, begin_of(first), begin_of(date(2025, 7, 8)), SELL_ALL)
    solar = sum(float(energy.flows[name].sum()) for name in (SOLAR_TO_HOME, SOLAR_TO_BATTERY, EXPORTED))
    home = sum(float(energy.flows[name].sum()) for name in (GRID_TO_HOME, SOLAR_TO_HOME, BATTERY_TO_HOME))
    plan = plan_of("flat", [dated(flat(0.3, 0.1))])
    none, *_ = outcomes(history, [plan], [Equipment("no battery")])
    assert none.cost_nano == round(home * 300_000 - solar * 100_000)
    lossless = Battery(5_000, 3_000, 1.0)
    (same, *_) = outcomes(history, [plan], [Equipment("battery", lossless)])
    left_wh = (same.cost_nano or 0) - none.cost_nano  # only what is left in the battery was bought in addition
    assert 0 <= left_wh <= 5_000 * 300_000
