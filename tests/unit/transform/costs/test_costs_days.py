"""A day costs an exact amount where its intervals are stored; else it lies between two bounds, or is not known."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tests.costs import (
    EXPORTED,
    SITE,
    amounts,
    begin_of,
    dated,
    flat_tariff,
    local_dates,
    no_days,
    of_days,
    rows,
    spans,
    sums_of_days,
    total,
)
from tests.tariffs import flat, two_seasons
from transform.costs.days import daily_costs
from transform.costs.flows import IMPORTED, Intervals
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedPrices, DatedTariff

DAY = date(2025, 7, 1)  # a Tuesday in summer: 0.21 and, from 16:00 to 21:00, 0.30572


def _costs(energy: Intervals, daily: pd.DataFrame, *tariffs: DatedTariff, until: date = DAY) -> pd.DataFrame:
    cut = spans(DAY, until, *tariffs)
    return daily_costs(SITE, hourly_costs(SITE, energy, cut), daily, cut, tariffs)


def test_a_day_is_the_sum_of_its_hours() -> None:
    cut = spans(DAY, DAY, dated(two_seasons()))
    hourly = hourly_costs(SITE, of_days(DAY, DAY), cut)
    found = daily_costs(SITE, hourly, no_days(), cut, ())
    for name in ("import_cost", "export_credit", "battery_import_cost", "ev_import_cost"):
        assert amounts(found[name]) == [total(hourly[name])]
    assert amounts(found["import_cost_low"]) == amounts(found["import_cost_high"]) == amounts(found["import_cost"])
    assert found["is_bounded"].tolist() == [False]


def test_the_cost_of_a_known_sum_lies_between_the_prices_of_the_hours_that_are_missing() -> None:
    """Stored until 12:00 with 2.4 kWh; the day has 3.4 kWh, so 1 kWh flowed at 0.21 or 0.30572."""
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [200.0] * 12})
    (found,) = _costs(energy, sums_of_days([DAY], [3_400.0], [0.0]), dated(two_seasons())).to_dict("records")
    assert found["is_bounded"] is True
    assert pd.isna(found["import_cost"])
    assert found["import_cost_low"] == Decimal("0.504") + Decimal("0.21")
    assert found["import_cost_high"] == Decimal("0.504") + Decimal("0.30572")
    assert found["export_credit"] == 0
    assert pd.isna(found["without_both_cost"])


def test_the_bounds_are_prices_of_what_is_missing_only() -> None:
    """All but 17:00 to 18:00 is stored, so there is one price left, and the bounds meet."""
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [100.0] * 24})
    kept = np.arange(24) != 17
    energy = Intervals(energy.starts_us[kept], energy.length_s[kept], {k: v[kept] for k, v in energy.flows.items()})
    (found,) = _costs(energy, sums_of_days([DAY], [3_300.0], [0.0]), dated(two_seasons())).to_dict("records")
    assert found["import_cost_low"] == found["import_cost_high"] != 0


def test_a_day_without_intervals_has_bounds_of_all_its_prices() -> None:
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: np.zeros(0)})
    (found,) = _costs(energy, sums_of_days([DAY], [1_000.0], [500.0]), dated(two_seasons())).to_dict("records")
    assert (found["import_cost_low"], found["import_cost_high"]) == (Decimal("0.21"), Decimal("0.30572"))
    assert (found["export_credit_low"], found["export_credit_high"]) == (Decimal("0.025"), Decimal("0.04065"))


def test_sums_that_agree_with_the_intervals_leave_nothing_open() -> None:
    """Rounding is no energy: each row may be off by 1 Wh."""
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [100.0] * 12})
    (found,) = _costs(energy, sums_of_days([DAY], [1_209.0], [0.0]), flat_tariff(0.2, 0.1)).to_dict("records")
    assert found["is_bounded"] is False
    assert found["import_cost"] == Decimal("0.24")


def test_a_day_of_which_nothing_is_known_has_no_row() -> None:
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [100.0] * 24})
    daily = sums_of_days([DAY, date(2025, 7, 2)], [2_400.0, np.nan], [0.0, np.nan])
    assert local_dates(_costs(energy, daily, flat_tariff(0.2, 0.1), until=date(2025, 7, 2))) == [DAY]


def test_a_day_on_which_a_tariff_began_has_no_cost() -> None:
    """The hours before it have no price, and the others alone are not the day."""
    later = dated(flat(0.2, 0.1))
    tariff = DatedTariff(later.tariff, begin_of(DAY) + 6 * 3_600_000_000)
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [100.0] * 24})
    (found,) = _costs(energy, no_days(), tariff).to_dict("records")
    assert pd.isna(found["import_cost"])
    assert pd.isna(found["import_cost_low"])
    assert pd.isna(found["tariff_basis"])


def test_no_energy_costs_nothing_even_where_no_price_is_known() -> None:
    """A home that exports nothing needs no price of exports."""
    energy = rows(begin_of(DAY), 3_600, {IMPORTED: [100.0] * 24, EXPORTED: [0.0] * 24})
    (found,) = _costs(energy, no_days(), flat_tariff(0.2)).to_dict("records")
    assert found["export_credit"] == 0
    assert found["import_cost"] == Decimal("0.48")


def test_daily_charges_are_those_of_the_tariff_in_force_when_the_day_begins() -> None:
    charges: dict[str, Any] = {"daily_charges": [{"name": "Supply", "amount": 0.31}, {"name": "Meter", "amount": 0.04}]}
    until = date(2025, 7, 2)
    energy = of_days(DAY, until)
    found = _costs(energy, no_days(), dated(flat(0.2, **charges), date(2025, 7, 2)), until=until)
    assert amounts(found["daily_charges"]) == [None, Decimal("0.35")]


def test_daily_charges_are_the_tariffs_also_where_energy_is_priced_by_interval() -> None:
    tariff = flat_tariff(0.2, 0.1, daily_charges=[{"name": "Supply", "amount": 0.31}])
    begins = np.array([begin_of(DAY)])
    micro = np.array([90_000])
    day_us = 86_400_000_000
    spot = DatedPrices(begins, begins + day_us, micro, micro, np.ones(1, bool), np.array(["USD"], object))
    cut = spans(DAY, DAY, tariff, prices=spot)
    energy = of_days(DAY, DAY)
    found = daily_costs(SITE, hourly_costs(SITE, energy, cut), no_days(), cut, [tariff])
    assert amounts(found["import_cost"]) == [Decimal(int(energy.flows[IMPORTED].sum())) * Decimal("0.00009")]
    assert amounts(found["daily_charges"]) == [Decimal("0.31")]
