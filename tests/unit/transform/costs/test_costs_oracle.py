"""Months by hand, and a year against SQL that was written independently, with DuckDB's own time zones."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tests.costs import SITE, amounts, begin_of, billed, dated, no_days, of_days, rows, spans
from tests.tariffs import two_seasons
from transform.costs.days import daily_costs
from transform.costs.flows import FLOWS, IMPORTED
from transform.costs.pricing import hourly_costs
from transform.time import instants_of
from warehouse.connection import connect

YEAR = (date(2025, 1, 1), date(2025, 12, 31))

ORACLE = """
with priced as (
    select
        *,
        timezone('America/Los_Angeles', interval_start) as wall,
        month(wall) * 100 + day(wall) between 601 and 930 as is_warm,
        isodow(wall) <= 5 as is_weekday,
        hour(wall) as clock_hour,
        case
            when is_warm and clock_hour in (16, 17, 18, 19, 20) then {'buy': 0.30572, 'sell': 0.0813, 'label': 'ON_PEAK'}
            when is_warm then {'buy': 0.21, 'sell': 0.05, 'label': 'OFF_PEAK'}
            when is_weekday and clock_hour between 7 and 21 then {'buy': 0.27, 'sell': 0.06, 'label': 'ON_PEAK'}
            else {'buy': 0.18, 'sell': 0.04, 'label': 'OFF_PEAK'}
        end as price
    from intervals
)
select
    wall::date as local_date,
    price.label as label,
    sum(import_wh::decimal(18, 0) * price.buy::decimal(9, 6)) / 1000 as import_cost,
    sum(export_wh::decimal(18, 0) * price.sell::decimal(9, 6)) / 1000 as export_credit
from priced
group by all
order by all
"""


@pytest.mark.parametrize(
    ("month", "hours", "on_peak", "cost"),
    [
        # 21 weekdays of 15 hours at 0.27, the rest at 0.18; the clocks skip an hour of a Sunday.
        (3, 743, 315, "162.09"),
        # 30 days of 5 hours at 0.30572, the rest at 0.21.
        (6, 720, 150, "165.558"),
        # 20 weekdays of 15 hours at 0.27, the rest at 0.18; the clocks repeat an hour of a Sunday.
        (11, 721, 300, "156.78"),
    ],
)
def test_a_month_by_hand(month: int, hours: int, on_peak: int, cost: str) -> None:
    """One kWh in each hour."""
    first = date(2025, month, 1)
    last = date.fromordinal(date(2025, month + 1, 1).toordinal() - 1)
    energy = rows(begin_of(first), 3_600, {IMPORTED: [1_000.0] * hours})
    hourly = hourly_costs(SITE, energy, spans(first, last, dated(two_seasons())))
    assert int((hourly["label"] == "ON_PEAK").sum()) == on_peak
    (bill,) = billed(energy, first, last, dated(two_seasons())).to_dict("records")
    assert bill["grid_import_wh"] == hours * 1_000
    assert bill["net_cost"] == Decimal(cost)


def test_a_year_equals_the_oracle_exactly() -> None:
    """Five-minute rows of a year with both changes of the clocks; each day, each label, and the twelve bills."""
    energy = of_days(*YEAR, length_s=300)
    cut = spans(*YEAR, dated(two_seasons()))
    hourly = hourly_costs(SITE, energy, cut)
    daily = daily_costs(SITE, hourly, no_days(), cut, ())
    exports = sum(energy.flows[name] for name in FLOWS if name.startswith("grid_energy_exported"))
    intervals = pd.DataFrame(
        {"interval_start": instants_of(energy.starts_us), "import_wh": energy.flows[IMPORTED], "export_wh": exports}
    )
    with connect() as connection:
        connection.register("intervals", intervals)
        oracle = connection.sql(ORACLE).fetchall()
    by_label = hourly.groupby(["local_date", "label"], sort=True)[["import_cost", "export_credit"]].sum().reset_index()
    ours = list(
        zip(
            by_label["local_date"].tolist(),
            by_label["label"].tolist(),
            amounts(by_label["import_cost"]),
            amounts(by_label["export_credit"]),
            strict=True,
        )
    )
    assert ours == [(day, label, _decimal(cost), _decimal(credit)) for day, label, cost, credit in oracle]
    of_days_ = dict.fromkeys((day for day, *_ in oracle), Decimal(0))
    for day, _, cost, credit in oracle:
        of_days_[day] += _decimal(cost) - _decimal(credit)
    assert amounts(daily["import_cost"] - daily["export_credit"]) == list(of_days_.values())
    bills = billed(energy, *YEAR, dated(two_seasons()))
    months = np.array([day.month for day in of_days_])
    assert amounts(bills["net_cost"]) == [
        sum((cost for cost, of in zip(of_days_.values(), months, strict=True) if of == month), Decimal(0))
        for month in range(1, 13)
    ]


def _decimal(value: float | Decimal) -> Decimal:
    """DuckDB divides decimals as doubles: the quotient has nine decimals."""
    return Decimal(value).quantize(Decimal("1e-9"))
