"""A year of bills against NREL's PySAM, which computes them on its own: to a cent in each month.

PySAM has hours without changes of the clock, and a year that begins with a Monday and has no 29 February, as 2018 has.
"""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.costs import EXPORTED, SITE, SOLAR_TO_HOME, begin_of, rows
from tests.tariffs import document, period, season
from transform.costs.amounts import NANO, nano_of
from transform.costs.billing import bills
from transform.costs.cycles import BillingRules, CreditUnit, Netting
from transform.costs.days import daily_costs
from transform.costs.flows import IMPORTED
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedTariff, spans_of
from transform.frames import empty_frame
from transform.tariffs import read_tariff
from wattlog.zones import zone_named

pytestmark = pytest.mark.slow

FIRST, LAST = date(2018, 1, 1), date(2018, 12, 31)
HOURS = 8_760
ZONE = zone_named("UTC-08:00")
NET_METERING, NET_METERING_WITH_CREDITS, NET_BILLING, NET_BILLING_WITH_CARRYOVER, BUY_ALL_SELL_ALL = range(5)
"""PySAM's `ur_metering_option`."""

BUY = {"Warm": {"OFF_PEAK": 0.21, "ON_PEAK": 0.45}, "Cold": {"OFF_PEAK": 0.18, "ON_PEAK": 0.27}}
SELL = {"Warm": {"OFF_PEAK": 0.05, "ON_PEAK": 0.09}, "Cold": {"OFF_PEAK": 0.04, "ON_PEAK": 0.06}}
FIXED, MINIMUM = 11.5, 20.0
NUMBERS = {("Warm", "OFF_PEAK"): 1, ("Warm", "ON_PEAK"): 2, ("Cold", "OFF_PEAK"): 3, ("Cold", "ON_PEAK"): 4}


def _tariff(**fields: Any) -> DatedTariff:
    labels = {
        "ON_PEAK": [period((0, 4), "16:00", "21:00")],
        "OFF_PEAK": [period((0, 4), "00:00", "16:00"), period((0, 4), "21:00"), period((5, 6))],
    }
    seasons = {"Warm": season((6, 1), (9, 30), **labels), "Cold": season((10, 1), (5, 31), **labels)}
    sold = document(seasons, SELL)
    charges = {"monthly_charges": FIXED, "sell_tariff": sold} | fields
    return DatedTariff(read_tariff(document(seasons, BUY, **charges)), 0)


def _schedule(is_weekend: bool) -> list[list[int]]:
    numbers = np.empty((12, 24), int)
    for month in range(12):
        name = "Warm" if 5 <= month <= 8 else "Cold"
        numbers[month] = NUMBERS[name, "OFF_PEAK"]
        if not is_weekend:
            numbers[month, 16:21] = NUMBERS[name, "ON_PEAK"]
    found: list[list[int]] = numbers.tolist()
    return found


def _energy(seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Home and panels by hour in whole Wh: more is used in winter, more is generated in summer."""
    chance = np.random.default_rng(seed)
    day = np.arange(HOURS) // 24
    summer = 1 + np.cos((day - 172) / 365 * 2 * np.pi)
    home = chance.integers(100, 2_000, HOURS) * (2.2 - summer * 0.9)
    solar = chance.integers(0, 4_000, HOURS) * summer * (np.abs(np.arange(HOURS) % 24 - 12) < 6)
    return np.rint(home), np.rint(solar)


def _of_pysam(
    home: npt.NDArray[np.float64], solar: npt.NDArray[np.float64], option: int, minimum: float
) -> list[float]:
    from PySAM import Utilityrate5  # takes half a second, which the collection of other tests does not need

    prices = [[number, 1, 9.9e37, 0, BUY[name][label], SELL[name][label]] for (name, label), number in NUMBERS.items()]
    model = Utilityrate5.new()
    model.assign(
        {
            "Lifetime": {"analysis_period": 1, "system_use_lifetime_output": 0, "inflation_rate": 0},
            "SystemOutput": {"degradation": [0], "gen": (solar / 1_000).tolist()},
            "Load": {"load": (home / 1_000).tolist(), "load_escalation": [0]},
            "ElectricityRates": {
                "en_electricity_rates": 1,
                "rate_escalation": [0],
                "ur_metering_option": option,
                "ur_monthly_fixed_charge": FIXED,
                "ur_monthly_min_charge": minimum,
                "ur_annual_min_charge": 0,
                "ur_nm_yearend_sell_rate": 0,
                "ur_nm_credit_month": 11,
                "ur_nm_credit_rollover": 0,
                "ur_nb_apply_credit_current_month": 1,
                "ur_en_ts_buy_rate": 0,
                "ur_en_ts_sell_rate": 0,
                "ur_ec_sched_weekday": _schedule(is_weekend=False),
                "ur_ec_sched_weekend": _schedule(is_weekend=True),
                "ur_ec_tou_mat": prices,
                "ur_dc_enable": 0,
            },
        }
    )
    model.execute()
    return list(model.Outputs.year1_monthly_utility_bill_w_sys)


def _ours(
    home: npt.NDArray[np.float64], solar: npt.NDArray[np.float64], rules: BillingRules, tariff: DatedTariff
) -> npt.NDArray[np.float64]:
    assert ZONE is not None
    flows = {
        IMPORTED: np.maximum(home - solar, 0),
        EXPORTED: np.maximum(solar - home, 0),
        SOLAR_TO_HOME: np.minimum(home, solar),
    }
    energy = rows(begin_of(FIRST, ZONE), 3_600, flows)
    cut = spans_of(begin_of(FIRST, ZONE), begin_of(date(2019, 1, 1), ZONE), ZONE, [tariff])
    hourly = hourly_costs(SITE, energy, cut)
    daily = daily_costs(SITE, hourly, empty_frame("daily"), cut, [tariff])
    return nano_of(bills(SITE, hourly, daily, [tariff], rules, ZONE)["net_cost"]) / NANO


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("option", "rules"),
    [
        (NET_METERING, BillingRules(netting=Netting.ANNUAL, credit_unit=CreditUnit.KWH)),
        (NET_METERING_WITH_CREDITS, BillingRules(netting=Netting.ANNUAL)),
        (NET_BILLING, BillingRules()),
        (NET_BILLING_WITH_CARRYOVER, BillingRules(carry_credits=True)),
    ],
)
def test_each_month_is_the_same_to_a_cent(option: int, rules: BillingRules, seed: int) -> None:
    """Months of import and months of export, with two seasons, weekends, and a fixed charge."""
    home, solar = _energy(seed)
    theirs = _of_pysam(home, solar, option, 0.0)
    ours = _ours(home, solar, rules, _tariff())
    assert min(theirs) <= FIXED < max(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_where_all_generation_is_sold_each_month_is_the_same_to_a_cent(seed: int) -> None:
    home, solar = _energy(seed)
    theirs = _of_pysam(home, solar, BUY_ALL_SELL_ALL, 0.0)
    ours = _ours(home, solar, BillingRules(netting=Netting.BUY_ALL_SELL_ALL), _tariff())
    assert max(theirs) > 10 * min(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.005)


def test_the_monthly_minimum_is_the_same() -> None:
    """Where little is to be paid for energy, the minimum takes the place of the bill."""
    home, solar = _energy(5)
    theirs = _of_pysam(home, solar, NET_METERING_WITH_CREDITS, MINIMUM)
    ours = _ours(home, solar, BillingRules(netting=Netting.ANNUAL), _tariff(monthly_minimum_bill=MINIMUM))
    assert theirs.count(MINIMUM) >= 2
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.005)
