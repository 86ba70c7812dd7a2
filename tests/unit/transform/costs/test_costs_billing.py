"""Bills by hand: cycles, netting, credits, charges, limits, and tax."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.costs import (
    BATTERY_TO_HOME,
    EXPORTED,
    begin_of,
    billed,
    dated,
    flat_tariff,
    of_days,
    rows,
    sums_of_days,
)
from tests.tariffs import document, flat, period, season, year
from transform.costs.cycles import BillingRules, CreditUnit, Cycle, Netting, TrueUp, cycles
from transform.costs.flows import IMPORTED, Intervals

JANUARY = (date(2025, 1, 1), date(2025, 1, 31))


@pytest.mark.parametrize(
    ("rules", "first", "last", "starts"),
    [
        (BillingRules(), (2025, 1, 5), (2025, 2, 1), [(2025, 1, 1), (2025, 2, 1), (2025, 3, 1)]),
        (BillingRules(cycle_day=14), (2025, 1, 5), (2025, 1, 20), [(2024, 12, 14), (2025, 1, 14), (2025, 2, 14)]),
        (BillingRules(cycle_day=31), (2025, 1, 31), (2025, 3, 1), [(2025, 1, 31), (2025, 2, 28), (2025, 3, 31)]),
        (
            BillingRules(readings=(date(2025, 2, 12), date(2025, 3, 14))),
            (2025, 1, 1),
            (2025, 4, 20),
            [(2024, 12, 12), (2025, 1, 12), (2025, 2, 12), (2025, 3, 14), (2025, 4, 14), (2025, 5, 14)],
        ),
    ],
)
def test_cycles_reach_from_reading_to_reading(
    rules: BillingRules, first: tuple[int, int, int], last: tuple[int, int, int], starts: list[tuple[int, int, int]]
) -> None:
    found = cycles(date(*first), date(*last), rules)
    days = [date(*start) for start in starts]
    assert [cycle.first_day for cycle in found] == days[:-1]
    assert [cycle.last_day.toordinal() + 1 for cycle in found] == [day.toordinal() for day in days[1:]]


def test_a_year_of_credits_begins_with_the_cycle_of_its_month() -> None:
    found = cycles(date(2024, 3, 20), date(2025, 5, 1), BillingRules(cycle_day=15, true_up_month=4))
    assert [cycle.first_day for cycle in found if cycle.begins_year] == [date(2024, 4, 15), date(2025, 4, 15)]
    assert found[0] == Cycle(date(2024, 3, 15), date(2024, 4, 14), begins_year=False)


@pytest.mark.parametrize(
    ("readings", "begins"),
    [
        (((2025, 3, 30), (2025, 5, 1), (2025, 6, 2)), [(2025, 5, 1)]),  # no reading in April
        (((2025, 3, 30), (2025, 4, 1), (2025, 4, 30)), [(2025, 4, 1)]),  # two of them
    ],
)
def test_a_year_of_credits_begins_once_also_without_a_reading_in_its_month(
    readings: tuple[tuple[int, int, int], ...], begins: list[tuple[int, int, int]]
) -> None:
    rules = BillingRules(readings=tuple(date(*day) for day in readings), true_up_month=4)
    found = cycles(date(2025, 2, 1), date(2025, 7, 1), rules)
    assert [cycle.first_day for cycle in found if cycle.begins_year] == [date(*day) for day in begins]


def test_without_netting_imports_are_bought_and_exports_sold() -> None:
    bill = _one(_month(imported=10, exported=4), flat_tariff(0.3, 0.1))
    assert bill["import_cost"] == Decimal("3.0")
    assert bill["export_credit"] == Decimal("0.4")
    assert bill["net_cost"] == Decimal("2.6")


def test_fixed_charges_are_those_of_the_days_and_of_the_month() -> None:
    charges: dict[str, Any] = {"daily_charges": [{"amount": 0.5}], "monthly_charges": 12.0}
    bill = _one(_month(imported=10), flat_tariff(0.3, 0.1, **charges))
    assert bill["fixed_charges"] == Decimal("27.5")
    assert bill["net_cost"] == Decimal("30.5")


def test_a_cycle_that_is_not_over_has_its_share_of_the_monthly_charge() -> None:
    energy = of_days(date(2025, 4, 1), date(2025, 4, 10))
    (bill,) = billed(energy, date(2025, 4, 1), date(2025, 4, 10), flat_tariff(0.3, 0.1, monthly_charges=12.0)).to_dict(
        "records"
    )
    assert bill["fixed_charges"] == Decimal(4)
    assert (bill["days"], bill["priced_days"]) == (30, 10)


def test_two_tariffs_in_a_cycle_share_its_charges_by_days() -> None:
    before = dated(flat(0.3, 0.1, monthly_charges=31.0), None, date(2025, 1, 11))
    after = dated(flat(0.3, 0.1, monthly_charges=62.0), date(2025, 1, 11))
    (bill,) = billed(_month(imported=10), *JANUARY, before, after).to_dict("records")
    assert bill["fixed_charges"] == Decimal(10) + Decimal(42)


def test_the_minimum_is_the_lowest_bill() -> None:
    bill = _one(_month(imported=10), flat_tariff(0.3, 0.1, monthly_minimum_bill=15.0))
    assert bill["minimum_adjustment"] == Decimal(12)
    assert bill["net_cost"] == Decimal(15)


def test_tax_is_on_all_that_is_paid_and_on_nothing_that_is_received() -> None:
    rules = BillingRules(tax_pct=Decimal("8.25"))
    paid = _one(_month(imported=10), flat_tariff(0.3, 0.1, monthly_charges=7.0), rules=rules)
    assert (paid["tax"], paid["net_cost"]) == (Decimal("0.825"), Decimal("10.825"))
    received = _one(_month(exported=10), flat_tariff(0.3, 0.1), rules=rules)
    assert (received["tax"], received["net_cost"]) == (Decimal(0), Decimal(-1))


def test_monthly_netting_takes_exports_off_imports_of_the_same_price() -> None:
    """Night: 5 in, 8 out. Day: 9 in, 2 out. 3 are sold at the price of the night, 7 bought at that of the day."""
    tariff = _night_and_day()
    energy = _night_day_energy(night=(5, 8), day=(9, 2))
    (bill,) = billed(energy, *JANUARY, tariff, rules=BillingRules(netting=Netting.MONTHLY)).to_dict("records")
    assert bill["import_cost"] == Decimal("2.1")
    assert bill["export_credit"] == Decimal("0.06")
    assert bill["net_cost"] == Decimal("2.04")


def test_annual_netting_carries_credits_until_the_true_up() -> None:
    """−1.0 in January, of which February uses 0.6; March has 0.4 left, and it expires in April."""
    found = _four_months(TrueUp.EXPIRES)
    assert found["net_cost"].tolist() == [Decimal(0), Decimal(0), Decimal(0), Decimal("0.9")]
    assert found["credit_used"].tolist() == [Decimal(0), Decimal("0.6"), Decimal(0), Decimal(0)]
    assert found["credit_carried"].tolist() == [Decimal("1.0"), Decimal("0.4"), Decimal("0.4"), Decimal(0)]
    assert found["credit_expired"].tolist() == [Decimal(0)] * 3 + [Decimal("0.4")]


def test_credits_that_are_left_may_be_paid_at_the_true_up() -> None:
    found = _four_months(TrueUp.PAID)
    assert found["net_cost"].tolist() == [Decimal(0), Decimal(0), Decimal(0), Decimal("0.5")]
    assert found["credit_paid"].tolist() == [Decimal(0)] * 3 + [Decimal("0.4")]


@pytest.mark.parametrize(("true_up", "column"), [(TrueUp.PAID, "credit_paid"), (TrueUp.EXPIRES, "credit_expired")])
def test_credits_that_are_left_are_reported_though_the_first_cycle_of_the_year_is_not_exact(
    true_up: TrueUp, column: str
) -> None:
    found = _four_months(true_up, days_of_which_the_sum_is_known=[date(2025, 4, 20)])
    assert pd.isna(found["net_cost"].iloc[3])
    assert found[column].iloc[3] == Decimal("0.4")


@pytest.mark.parametrize(
    ("day", "is_known"),
    [
        (date(2025, 2, 20), [True, False, False, False]),  # what is left of the year before is not known, either
        (date(2025, 4, 20), [True, True, True, False]),
        (None, [True, True, True, True]),
    ],
)
def test_credits_are_not_known_after_a_cycle_that_is_not(day: date | None, is_known: list[bool]) -> None:
    found = _four_months(TrueUp.PAID, days_of_which_the_sum_is_known=[day] if day else [])
    assert found["is_credit_known"].tolist() == is_known


def test_credits_of_the_next_year_are_known_again() -> None:
    found = _four_months(TrueUp.PAID, [date(2025, 1, 20)], {"true_up_month": 3})
    assert found["is_credit_known"].tolist() == [False, False, False, True]


@pytest.mark.parametrize(("true_up", "paid"), [(TrueUp.PAID, "0.32"), (TrueUp.EXPIRES, "0")])
def test_credits_of_energy_pay_for_a_kwh_whatever_it_costs(true_up: TrueUp, paid: str) -> None:
    """January gives 10 kWh, of which February uses 2 that cost 0.3 each; in April 8 kWh expire, or are paid with 0.04 each."""
    in_kwh = {"credit_unit": CreditUnit.KWH, "true_up_per_kwh": Decimal("0.04")}
    found = _four_months(true_up, more_rules=in_kwh)
    assert found["import_cost"].tolist() == [Decimal(0), Decimal("0.6"), Decimal(0), Decimal("0.9")]
    assert found["credit_used"].tolist() == [Decimal(0), Decimal("0.6"), Decimal(0), Decimal(0)]
    assert found["credit_carried_wh"].tolist() == [10_000, 8_000, 8_000, 0]
    assert found["credit_expired_wh"].tolist() == [0, 0, 0, 8_000 if true_up is TrueUp.EXPIRES else 0]
    assert found["credit_paid"].tolist() == [Decimal(0)] * 3 + [Decimal(paid)]
    assert found["net_cost"].tolist() == [Decimal(0)] * 3 + [Decimal("0.9") - Decimal(paid)]
    assert found["credit_carried"].isna().all()


def test_credits_of_energy_are_of_their_label_and_pay_in_another_season() -> None:
    """8 kWh of nights are left in May, at a winter's price; nights of June use 2 of them, and days of June none."""
    periods = {"NIGHT": [period(begin="22:00", end="06:00")], "DAY": [period(begin="06:00", end="22:00")]}
    seasons = {"Warm": season((6, 1), (9, 30), **periods), "Cold": season((10, 1), (5, 31), **periods)}
    tariff = dated(document(seasons, {"Warm": {"NIGHT": 0.2, "DAY": 0.5}, "Cold": {"NIGHT": 0.1, "DAY": 0.3}}))
    imported, exported = np.zeros(61 * 24), np.zeros(61 * 24)
    exported[1] = 8_000
    imported[[40 * 24 + 1, 40 * 24 + 12]] = 2_000, 3_000
    first, last = date(2025, 5, 1), date(2025, 6, 30)
    rules = BillingRules(netting=Netting.ANNUAL, credit_unit=CreditUnit.KWH)
    found = billed(of_days(first, last, {IMPORTED: imported, EXPORTED: exported}), first, last, tariff, rules=rules)
    assert (found["priced_days"] == found["days"]).all()  # no price of exports is needed
    assert found["net_cost"].tolist() == [Decimal(0), Decimal("1.5")]
    assert found["credit_used"].tolist() == [Decimal(0), Decimal("0.4")]
    assert found["credit_carried_wh"].tolist() == [8_000, 6_000]


def test_a_bill_without_the_energy_of_a_day_is_not_exact() -> None:
    """Nothing is known of 10 January, so neither is the bill; what the other days cost is in `daily_costs`."""
    energy = of_days(*JANUARY)
    is_stored = (energy.starts_us < begin_of(date(2025, 1, 10))) | (energy.starts_us >= begin_of(date(2025, 1, 11)))
    kept = Intervals(
        energy.starts_us[is_stored],
        energy.length_s[is_stored],
        {name: values[is_stored] for name, values in energy.flows.items()},
    )
    bill = _one(kept, flat_tariff(0.3, 0.1))
    assert (bill["days"], bill["priced_days"], bill["bounded_days"], bill["missing_days"]) == (31, 30, 0, 1)
    assert all(pd.isna(bill[name]) for name in ("import_cost", "net_cost", "net_cost_low", "net_cost_high"))


def test_credits_pay_for_energy_and_not_for_fixed_charges() -> None:
    found = _four_months(TrueUp.EXPIRES, monthly_charges=2.0)
    assert found["net_cost"].tolist() == [Decimal(2), Decimal(2), Decimal(2), Decimal("2.9")]


def test_exports_beyond_the_limit_give_no_credit() -> None:
    rules = BillingRules(export_limit_kwh=Decimal("2.5"))
    assert _one(_month(exported=10), flat_tariff(0.3, 0.1), rules=rules)["export_credit"] == Decimal("0.25")


def test_demand_is_charged_for_the_highest_import_of_each_label() -> None:
    """3 kW by day at 10, 2 kW by night at 4."""
    tariff = _with_demand({})
    bill = _one(_demand_energy(), tariff)
    assert bill["demand_charges"] == Decimal(38)


def test_one_peak_is_charged_once_whatever_energy_costs_then() -> None:
    """The prices of a kWh that is sold change at noon; the season, the label and the price of demand do not."""
    sold = {"MORNING": [period(end="12:00")], "EVENING": [period(begin="12:00")]}
    sell = document({"Year": year(**sold)}, {"Year": {"MORNING": 0.02, "EVENING": 0.05}})
    always = {"Year": year(ANY=[period()])}
    demand = {"demand_charges": {"Year": {"rates": {"ANY": 10}}}}
    tariff = dated(document(always, {"Year": {"ANY": 0.1}}, sell_tariff=sell) | demand)
    assert _one(_demand_energy(), tariff)["demand_charges"] == Decimal(30)


def test_bounds_of_demand_are_those_of_the_tariff_that_was_in_force() -> None:
    """January is charged with its own bounds, though the tariff of February has others, and one later has no demand charge."""
    bounded = replace(_with_demand({"max_applicable_demand": 2.8}), ends_us=begin_of(date(2025, 2, 1)))
    later = replace(_with_demand({}), begins_us=begin_of(date(2025, 2, 1)), ends_us=begin_of(date(2025, 3, 1)))
    placeholder = dated(flat(0.1, 0.0), date(2025, 3, 1))
    assert _one(_demand_energy(), bounded, later, placeholder)["demand_charges"] == Decimal(36)


def test_what_a_battery_saved_includes_the_demand_charges_that_it_avoided() -> None:
    """2 kW of a quarter hour came from the battery: without it the peak of the day would have been 3 kW, at 10 a kW."""
    flows = {IMPORTED: np.full(31 * 96, 0.0), BATTERY_TO_HOME: np.full(31 * 96, 0.0)}
    flows[IMPORTED][60], flows[BATTERY_TO_HOME][60] = 250, 500
    bill = _one(of_days(*JANUARY, flows, length_s=900), _with_demand({}))
    assert bill["demand_charges"] == Decimal(10)
    assert bill["without_battery_cost"] - bill["net_cost"] == Decimal(20) + Decimal("0.3") / 2
    assert bill["without_solar_cost"] == bill["net_cost"]


def test_bounds_of_demand() -> None:
    """Below 2.5 kW nothing is charged, above 2.8 kW no more."""
    tariff = _with_demand({"min_applicable_demand": 2.5, "max_applicable_demand": 2.8})
    assert _one(_demand_energy(), tariff)["demand_charges"] == Decimal(28)


def test_a_bill_with_a_day_of_which_only_the_sum_is_known_has_bounds() -> None:
    """The other days cost 0.3 × 30 kWh; 2 kWh of the last one cost 0.1 or 0.3 each."""
    energy = rows(begin_of(JANUARY[0]), 86_400, {IMPORTED: [1_000.0] * 30, EXPORTED: [0.0] * 30})
    daily = sums_of_days([JANUARY[1]], [2_000.0], [0.0])
    (bill,) = billed(energy, *JANUARY, _night_and_day(), daily=daily).to_dict("records")
    low, high = bill["net_cost_low"], bill["net_cost_high"]
    assert pd.isna(bill["net_cost"])
    assert pd.isna(bill["import_cost"])
    assert high - low == Decimal("0.4")
    assert (bill["priced_days"], bill["bounded_days"]) == (30, 1)


def test_without_a_price_of_exports_the_imports_still_have_a_cost() -> None:
    bill = _one(_month(imported=10, exported=4), flat_tariff(0.3))
    assert bill["import_cost"] == Decimal("3.0")
    assert pd.isna(bill["export_credit"])
    assert pd.isna(bill["net_cost"])


def test_other_homes_are_billed_by_the_same_rules() -> None:
    """What the home would have paid, its fixed charges included."""
    energy = of_days(*JANUARY)
    (bill,) = billed(energy, *JANUARY, flat_tariff(0.3, 0.1, monthly_charges=5.0)).to_dict("records")
    flows = {name: int(values.sum()) for name, values in energy.flows.items()}
    home = sum(flows[f"consumer_energy_imported_from_{source}_wh"] for source in ("grid", "solar", "battery"))
    assert bill["without_both_cost"] == Decimal(home) * Decimal("0.0003") + 5


def _one(energy: Intervals, *tariffs: Any, rules: BillingRules | None = None) -> dict[Any, Any]:
    (bill,) = billed(energy, *JANUARY, *tariffs, rules=rules).to_dict("records")
    return bill


def _month(imported: float = 0, exported: float = 0) -> Intervals:
    """January, with kWh in its first hour and none later."""
    hours = 31 * 24
    first = np.zeros(hours)
    first[0] = 1_000
    return of_days(*JANUARY, {IMPORTED: first * imported, EXPORTED: first * exported})


def _night_and_day() -> Any:
    periods = year(NIGHT=[period(begin="22:00", end="06:00")], DAY=[period(begin="06:00", end="22:00")])
    sell = document({"Year": periods}, {"Year": {"NIGHT": 0.02, "DAY": 0.05}})
    return dated(document({"Year": periods}, {"Year": {"NIGHT": 0.1, "DAY": 0.3}}, sell_tariff=sell))


def _night_day_energy(night: tuple[int, int], day: tuple[int, int]) -> Intervals:
    imported, exported = np.zeros(31 * 24), np.zeros(31 * 24)
    imported[[1, 25 * 24 + 12]] = night[0] * 1_000, day[0] * 1_000
    exported[[26, 12]] = night[1] * 1_000, day[1] * 1_000
    return of_days(*JANUARY, {IMPORTED: imported, EXPORTED: exported})


def _four_months(
    true_up: TrueUp,
    days_of_which_the_sum_is_known: Sequence[date] = (),
    more_rules: Mapping[str, Any] | None = None,
    **fields: Any,
) -> pd.DataFrame:
    """January gives 10 kWh, February takes 2, and April, with which a new year of credits begins, 3.

    Of some days no interval is stored, and 1 kWh was imported.
    """
    first, last = date(2025, 1, 1), date(2025, 4, 30)
    imported, exported = np.zeros(120 * 24 - 1), np.zeros(120 * 24 - 1)  # the clocks skip an hour in March
    exported[12] = 10_000
    imported[[(date(2025, month, 15) - first).days * 24 for month in (2, 4)]] = 2_000, 3_000
    of_year: dict[str, Any] = {"netting": Netting.ANNUAL, "true_up_month": 4, "true_up": true_up}
    rules = BillingRules(**(of_year | dict(more_rules or {})))
    energy = of_days(first, last, {IMPORTED: imported, EXPORTED: exported})
    is_stored = np.ones(len(energy), bool)
    for day in days_of_which_the_sum_is_known:
        begin_us = begin_of(day)
        is_stored &= (energy.starts_us < begin_us) | (energy.starts_us >= begin_us + 86_400_000_000)
    energy = Intervals(
        energy.starts_us[is_stored],
        energy.length_s[is_stored],
        {name: values[is_stored] for name, values in energy.flows.items()},
    )
    sums = [1_000.0] * len(days_of_which_the_sum_is_known)
    daily = sums_of_days(days_of_which_the_sum_is_known, sums, [0.0] * len(sums)) if sums else None
    return billed(energy, first, last, flat_tariff(0.3, 0.1, **fields), rules=rules, daily=daily)


def _with_demand(bounds: dict[str, float]) -> Any:
    periods = year(NIGHT=[period(begin="22:00", end="06:00")], DAY=[period(begin="06:00", end="22:00")])
    demand = {"demand_charges": {"Year": {"rates": {"NIGHT": 4, "DAY": 10}}}}
    sell = document({"Year": periods}, {"Year": {"NIGHT": 0, "DAY": 0}})
    return dated(document({"Year": periods}, {"Year": {"NIGHT": 0.1, "DAY": 0.3}}, sell_tariff=sell) | demand | bounds)


def _demand_energy() -> Intervals:
    imported = np.full(31 * 96, 100.0)
    imported[[4, 60]] = 500, 750
    return of_days(*JANUARY, {IMPORTED: imported}, length_s=900)
