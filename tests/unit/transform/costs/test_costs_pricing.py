"""Energy and cost by span: exact amounts, shares of intervals, the parts of an import, and other homes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd

from tests.costs import (
    BATTERY_TO_HOME,
    EXPORTED,
    GRID_TO_BATTERY,
    GRID_TO_HOME,
    SITE,
    SOLAR_TO_BATTERY,
    SOLAR_TO_HOME,
    amounts,
    begin_of,
    dated,
    flat_tariff,
    of_days,
    rows,
    spans,
    total,
)
from tests.tariffs import document, period, two_seasons, year
from transform.costs.amounts import money, nano_of, priced
from transform.costs.flows import IMPORTED, Intervals, intervals_of
from transform.costs.pricing import hourly_costs
from transform.frames import table_frame
from transform.time import date_column, instants_of

DAY = date(2025, 7, 1)


def test_an_amount_is_energy_times_price_without_rounding() -> None:
    """0.30572 a kWh for 7 Wh is 0.00214004, which no double is."""
    assert amounts(pd.Series(money(priced(np.array([7.0]), np.array([305_720]))))) == [Decimal("0.002140040")]


def test_amounts_survive_the_column() -> None:
    nano = np.array([0, 1, -1, 2**62, -(2**62), 5])
    is_null = np.array([False] * 5 + [True])
    column = pd.Series(money(nano, is_null))
    assert amounts(column)[:3] == [Decimal(0), Decimal("0.000000001"), Decimal("-0.000000001")]
    assert nano_of(column).tolist() == [0, 1, -1, 2**62, -(2**62), 0]
    assert nano_of(column[2:4]).tolist() == [-1, 2**62]


def test_each_hour_is_priced_once_on_days_on_which_the_clocks_change() -> None:
    """One kWh in each hour: 23, 24 and 25 of them, at the price of the clock's hour."""
    for day, off_peak, on_peak in ((date(2025, 3, 8), 24, 0), (date(2025, 3, 9), 21, 2), (date(2025, 11, 2), 23, 2)):
        cut = spans(day, day, dated(two_seasons()))
        hours = len(cut)
        energy = rows(begin_of(day), 300, {IMPORTED: [100.0] * hours * 12})
        found = hourly_costs(SITE, energy, cut)
        assert len(found) == hours
        of_label = found.groupby("label")["grid_import_wh"].sum() / 1_200
        # Sunday is off-peak until 22:00; then its rest is uncovered, since Monday's night begins at 22:00 on Sunday.
        assert of_label.to_dict() == {"OFF_PEAK": float(off_peak + on_peak)}
        assert total(found["import_cost"]) == Decimal("0.18") * Decimal("1.2") * hours


def test_an_interval_over_a_change_of_price_is_shared_by_minutes() -> None:
    """An hour from 05:00 with 60 Wh: half at the price of the night, half at that of the day."""
    tariff = dated(
        document(
            {"Year": year(NIGHT=[period(begin="23:30", end="05:30")], DAY=[period(begin="05:30", end="23:30")])},
            {"Year": {"NIGHT": 0.1, "DAY": 0.3}},
        )
    )
    begin_us = begin_of(DAY) + 5 * 3_600_000_000
    found = hourly_costs(SITE, rows(begin_us, 3_600, {IMPORTED: [60.0]}), spans(DAY, DAY, tariff))
    assert found["label"].tolist() == ["NIGHT", "DAY"]
    assert found["grid_import_wh"].tolist() == [30.0, 30.0]
    assert found["stored_s"].tolist() == [1_800, 1_800]
    assert amounts(found["import_cost"]) == [Decimal("0.003"), Decimal("0.009")]


def test_an_interval_over_the_end_of_an_hour_is_shared_as_well() -> None:
    begin_us = begin_of(DAY) + 50 * 60_000_000
    found = hourly_costs(SITE, rows(begin_us, 1_200, {IMPORTED: [90.0]}), spans(DAY, DAY, flat_tariff(0.2)))
    assert found["grid_import_wh"].tolist() == [45.0, 45.0]


def test_nothing_is_priced_without_a_tariff() -> None:
    found = hourly_costs(SITE, of_days(DAY, DAY), spans(DAY, DAY))
    assert len(found) == 24
    assert found["import_cost"].isna().all()
    assert found["export_credit"].isna().all()
    assert found["tariff_basis"].isna().all()
    assert found["grid_import_wh"].notna().all()


def test_a_tariff_without_a_sell_side_gives_no_credit_and_not_zero() -> None:
    """What exports are worth is not known then (Q132)."""
    found = hourly_costs(SITE, of_days(DAY, DAY), spans(DAY, DAY, flat_tariff(0.2)))
    assert found["import_cost"].notna().all()
    assert found["export_credit"].isna().all()


def test_spans_without_intervals_have_no_row() -> None:
    energy = rows(begin_of(DAY) + 3_600_000_000, 900, {IMPORTED: [5.0]})
    found = hourly_costs(SITE, energy, spans(DAY, DAY, flat_tariff(0.2)))
    assert found["stored_s"].tolist() == [900]
    assert found["starts_at"].tolist() == [pd.Timestamp("2025-07-01 01:00", tz="America/Los_Angeles")]


def test_the_import_is_split_into_home_battery_and_cars() -> None:
    """A car that took half of the home's energy took half of what the home had from the grid."""
    energy = _intervals(
        {IMPORTED: [900.0], GRID_TO_HOME: [600.0], GRID_TO_BATTERY: [300.0], SOLAR_TO_HOME: [400.0]}, 500.0
    )
    found = hourly_costs(SITE, energy, spans(DAY, DAY, flat_tariff(0.2)))
    assert amounts(found["import_cost"]) == [Decimal("0.18")]
    assert amounts(found["battery_import_cost"]) == [Decimal("0.06")]
    assert amounts(found["ev_import_cost"]) == [Decimal("0.06")]


def test_a_car_takes_no_more_from_the_grid_than_the_home_did() -> None:
    energy = _intervals({IMPORTED: [100.0], GRID_TO_HOME: [100.0]}, 5_000.0)
    assert amounts(hourly_costs(SITE, energy, spans(DAY, DAY, flat_tariff(0.2)))["ev_import_cost"]) == [Decimal("0.02")]


def test_a_home_without_its_panels_or_battery() -> None:
    energy = rows(
        begin_of(DAY),
        3_600,
        {
            IMPORTED: [1_000.0],
            GRID_TO_HOME: [700.0],
            GRID_TO_BATTERY: [300.0],
            SOLAR_TO_HOME: [250.0],
            SOLAR_TO_BATTERY: [120.0],
            EXPORTED: [80.0],
            BATTERY_TO_HOME: [60.0],
        },
    )
    (found,) = hourly_costs(SITE, energy, spans(DAY, DAY, flat_tariff(0.2, 0.1))).to_dict("records")
    assert (found["without_solar_import_wh"], found["without_solar_export_wh"]) == (1_370.0, 0.0)
    assert (found["without_battery_import_wh"], found["without_battery_export_wh"]) == (760.0, 200.0)
    assert (found["without_both_import_wh"], found["without_both_export_wh"]) == (1_010.0, 0.0)


def test_days_that_are_not_metered_are_left_out() -> None:
    """On a site without battery a day of zeros is a day without a meter at the grid (Q43); with one it is a day of zeros."""
    frame = _frame([0.0, 0.0])
    assert len(intervals_of(frame, has_battery=np.zeros(2, bool))) == 0
    assert len(intervals_of(frame)) == 2
    assert len(intervals_of(_frame([0.0, 7.0]), has_battery=np.zeros(2, bool))) == 2


def test_intervals_whose_import_is_not_known_are_left_out() -> None:
    found = intervals_of(_frame([np.nan, 7.0]))
    assert found.flows[IMPORTED].tolist() == [7.0]


def test_demand_is_the_highest_quarter_hour_that_is_stored_whole() -> None:
    """5 minutes at 24 kW alone are no quarter hour; the next one has 3.6 kW."""
    prices = {"Year": {"rates": {"DAY": 12.5}}}
    tariff = dated(document({"Year": year(DAY=[period()])}, {"Year": {"DAY": 0.1}}) | {"demand_charges": prices})
    energy = rows(begin_of(DAY) + 600_000_000, 300, {IMPORTED: [2_000.0, 300.0, 300.0, 300.0]})
    (found,) = hourly_costs(SITE, energy, spans(DAY, DAY, tariff)).to_dict("records")
    assert found["peak_import_w"] == 3_600.0
    assert found["demand_price"] == Decimal("12.5")


def _frame(imported: list[float]) -> pd.DataFrame:
    count = len(imported)
    starts = begin_of(DAY) + np.arange(count) * 3_600_000_000
    return table_frame(
        "energy_intervals",
        {
            "site_id": SITE,
            "interval_start": instants_of(starts),
            "interval_s": 3_600,
            "local_date": date_column(np.full(count, np.datetime64(DAY))),
            IMPORTED: np.array(imported),
            "_fetched_at": pd.Timestamp(datetime(2025, 8, 1, tzinfo=UTC)),
            "_raw_id": "x",
            "_run_id": "x",
        },
    )


def _intervals(flows: dict[str, list[float]], car_wh: float) -> Intervals:
    frame = _frame([0.0]).assign(**{name: np.array(values) for name, values in flows.items()})
    begins = pd.Timestamp(begin_of(DAY), unit="us", tz="UTC")
    sessions = pd.DataFrame(
        {
            "started_at": pd.Series([begins]).astype("datetime64[us, UTC]"),
            "ended_at": pd.Series([begins + pd.Timedelta(hours=1)]).astype("datetime64[us, UTC]"),
            "energy_added_wh": [car_wh],
        }
    )
    return intervals_of(frame, sessions)
