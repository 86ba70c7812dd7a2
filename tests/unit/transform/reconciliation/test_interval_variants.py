"""Superseded intervals are compared with those that replaced them: what differs, why, and since when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, records, slots
from transform.intervals import SUPERSEDED, shape_energy_intervals
from transform.reconciliation import compare_interval_variants, in_unit_of
from transform.units import scaled
from warehouse.schema import FLOWS

DAY = date(2025, 6, 10)
NEXT = DAY + timedelta(days=1)
LATER = datetime(2026, 1, 10, tzinfo=UTC)

FIVE = {
    "solar_energy_exported": 100,
    "grid_energy_imported": 20,
    "consumer_energy_imported_from_solar": 40,
    "consumer_energy_imported_from_grid": 20,
    "battery_energy_imported_from_solar": 60,
}
"""Of every five minutes: 28,800 Wh of solar a day, 17,280 Wh for the home, 17,280 Wh into the battery."""

QUARTER = {name: 3 * wh for name, wh in FIVE.items()}
SHIFTED = {
    **QUARTER,
    "consumer_energy_imported_from_solar": 150,
    "consumer_energy_imported_from_grid": 30,
    "battery_energy_imported_from_solar": 150,
    "battery_energy_imported_from_grid": 30,
}
"""A quarter hour with 30 Wh more from solar to the home and 30 Wh more from the grid to the battery: all totals are equal."""

TOTALS = {
    "solar_energy_exported_wh": 28_800.0,
    "grid_energy_imported_wh": 5_760.0,
    "home_wh": 17_280.0,
    "battery_charge_wh": 17_280.0,
}
SPLITS = {
    "consumer_energy_imported_from_solar_wh": 30,
    "consumer_energy_imported_from_grid_wh": -30,
    "battery_energy_imported_from_solar_wh": -30,
    "battery_energy_imported_from_grid_wh": 30,
}

Rows = list[dict[str, Any]]


def fives(day: date = DAY) -> Rows:
    """Every five minutes of a day."""
    return [energy_row(stamp, **FIVE) for stamp in slots(day, LOS_ANGELES)]


def quarters(first_shifted: int = 96, *, day: date = DAY) -> Rows:
    """Every quarter hour of a day, shifted from `first_shifted` on."""
    stamps = slots(day, LOS_ANGELES, step_s=900)
    return [energy_row(stamp, **(QUARTER if at < first_shifted else SHIFTED)) for at, stamp in enumerate(stamps)]


def shaped(fine: Rows, *coarse: Rows, day: date = DAY, asked: datetime = LATER) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The superseded intervals, and those in the lake."""
    answers = [
        answer("energy_interval", rows, raw_id=str(number), day=day, asked=asked)
        for number, rows in enumerate((fine, *coarse))
    ]
    tables = shape_energy_intervals(answers, BATTERY_SITE)
    return tables.get(SUPERSEDED, tables["energy_intervals"][:0]), tables["energy_intervals"]


def compared(variants: tuple[pd.DataFrame, pd.DataFrame]) -> list[dict[str, Any]]:
    """The rows of the comparison, which conform to the schema."""
    rows = compare_interval_variants(*variants, BATTERY_SITE, 48.0)
    checked({"reconciliation": rows})
    return records(rows)


def off(rows: list[dict[str, Any]]) -> dict[str, tuple[float, str, str]]:
    """Measure → difference, cause, and the local time from which on the two differ."""
    return {
        row["measure"]: (row["difference_wh"], row["cause"], f"{row['diverges_at'].astimezone(LOS_ANGELES):%H:%M}")
        for row in rows
        if row["verdict"] == "differs"
    }


def causes(rows: list[dict[str, Any]]) -> set[str]:
    """Causes of everything that differs."""
    return {cause for _, cause, _ in off(rows).values()}


def test_quarter_hours_with_the_same_energy_agree_in_every_total() -> None:
    """Superseded intervals are not summed, but they are compared."""
    rows = compared(shaped(fives(), quarters()))
    assert {row["measure"]: row["left_wh"] for row in rows} == TOTALS
    assert {row["measure"]: row["right_wh"] for row in rows} == TOTALS
    assert {row["verdict"] for row in rows} == {"agree"}
    assert {(row["left_source"], row["right_source"]) for row in rows} == {
        ("energy_intervals/15m", "energy_intervals/5m")
    }
    assert all(pd.isna(row["diverges_at"]) for row in rows)


def test_another_split_from_noon_on_is_a_shift_since_noon_and_totals_match() -> None:
    """Q21: 48 quarter hours of 30 Wh."""
    rows = compared(shaped(fives(), quarters(48)))
    assert off(rows) == {name: (48.0 * wh, "allocation_shift", "12:00") for name, wh in SPLITS.items()}
    assert {row["measure"]: row["left_wh"] for row in rows if row["verdict"] == "agree"} == TOTALS


def test_one_quarter_hour_of_thirty_watt_hours_is_enough() -> None:
    """96 rows may be 96 Wh off by rounding; the other 95 slots show that they are not."""
    found = off(compared(shaped(fives(), quarters(95))))
    assert found == {name: (wh, "allocation_shift", "23:45") for name, wh in SPLITS.items()}


@pytest.mark.parametrize(
    ("day", "first", "diverges_at"),
    [
        (date(2025, 3, 9), 8, datetime(2025, 3, 9, 10, tzinfo=UTC)),
        (date(2025, 11, 2), 8, datetime(2025, 11, 2, 9, tzinfo=UTC)),
    ],
    ids=["03:00 in spring", "the second 01:00 in autumn"],
)
def test_days_of_other_lengths_are_compared_by_instants(day: date, first: int, diverges_at: datetime) -> None:
    """Q5: 92 and 100 quarter hours; the ninth of them begins two hours after midnight, on any clock."""
    rows = compared(shaped(fives(day), quarters(first, day=day), day=day))
    assert {row["diverges_at"] for row in rows if row["verdict"] == "differs"} == {diverges_at}


def test_a_difference_within_the_rounding_of_rows_is_none() -> None:
    """Three rows of whole Wh may be 3 Wh off: 2 Wh in the morning are no difference of slot or day."""
    early = quarters(48)
    for row in early[:48]:
        row["consumer_energy_imported_from_solar"] += 2
        row["consumer_energy_imported_from_grid"] -= 2
    assert off(compared(shaped(fives(), early)))["consumer_energy_imported_from_solar_wh"] == (
        48 * 30.0 + 48 * 2.0,
        "allocation_shift",
        "12:00",
    )
    assert off(compared(shaped(fives(), early[:48]))) == {}


def test_time_that_one_variant_lacks_is_not_compared() -> None:
    """Without 5-minute intervals from 10:00 to 12:00 the quarter hours count there; both variants cover the other 22 hours."""
    superseded, intervals = shaped([row for at, row in enumerate(fives()) if not 120 <= at < 144], quarters(48))
    assert (len(superseded), len(intervals)) == (88, 264 + 8)
    rows = compared((superseded, intervals))
    assert {row["left_wh"] for row in rows if row["measure"] == "solar_energy_exported_wh"} == {28_800.0 * 22 / 24}
    assert off(rows)["battery_energy_imported_from_grid_wh"] == (1_440.0, "allocation_shift", "12:00")


def test_finer_rows_with_gaps_are_superseded_and_not_compared() -> None:
    """Every third 5-minute interval is missing: the quarter hours count, and no slot has all of its rows."""
    superseded, intervals = shaped([row for at, row in enumerate(fives()) if at % 3], quarters(48))
    assert (set(superseded["interval_s"]), set(intervals["interval_s"])) == ({300}, {900})
    assert compared((superseded, intervals)) == []


def test_of_several_grids_the_finest_is_compared() -> None:
    """Hours of old equipment, quarter hours and 5-minute intervals."""
    hours = [
        energy_row(stamp, **{name: 13 * wh for name, wh in FIVE.items()})
        for stamp in slots(DAY, LOS_ANGELES, step_s=3600)
    ]
    superseded, intervals = shaped(fives(), quarters(48), hours)
    assert set(superseded["interval_s"]) == {900, 3600}
    rows = compared((superseded, intervals))
    assert {row["left_source"] for row in rows} == {"energy_intervals/15m"}
    assert causes(rows) == {"allocation_shift"}


def test_hours_of_zeros_are_missing_intervals() -> None:
    """Q14: the quarter hours have no energy from 08:00 to 10:00."""
    rows = quarters()
    rows[32:40] = [energy_row(row["timestamp"]) for row in rows[32:40]]
    found = off(compared(shaped(fives(), rows)))
    assert set(found.values()) == {(-8 * 3.0 * wh, "missing_intervals", "08:00") for wh in (20, 40, 60, 100)}


def test_zeros_that_do_not_account_for_the_difference_explain_nothing() -> None:
    """An hour of zeros, and another difference of 900 Wh of solar."""
    rows = quarters()
    rows[32:36] = [energy_row(row["timestamp"]) for row in rows[32:36]]
    for row in rows[40:46]:
        row["solar_energy_exported"] -= 150
    found = off(compared(shaped(fives(), rows)))
    assert found["solar_energy_exported_wh"] == (-2_100.0, "unexplained", "08:00")


def test_a_thousandth_is_another_unit() -> None:
    """API.md#units: quarter hours in kWh and 5-minute intervals in Wh."""
    in_kwh = [row | {name: row[name] / 1000 for name in FIVE} for row in quarters()]
    assert causes(compared(shaped(fives(), in_kwh))) == {"unit_mismatch"}


def test_a_day_that_had_not_settled_is_revised() -> None:
    """Q12: both were requested in the evening of the day; a month later the same difference is unexplained."""
    less = [row | {"solar_energy_exported": row["solar_energy_exported"] - 10} for row in quarters()]
    evening = datetime(2025, 6, 11, 5, tzinfo=UTC)
    assert causes(compared(shaped(fives(), less, asked=evening))) == {"revised"}
    assert causes(compared(shaped(fives(), less))) == {"unexplained"}


def test_rows_that_were_not_over_at_the_request_are_not_compared() -> None:
    """Q12: requested at 21:05 by the site's clock; the quarter hour from 21:00 on is incomplete in both."""
    asked = datetime(2025, 6, 11, 4, 5, tzinfo=UTC)
    rows = compared(shaped(fives()[:253], quarters()[:85], asked=asked))
    assert {row["right_wh"] for row in rows if row["measure"] == "home_wh"} == {60.0 * 252}


def test_whole_kilowatt_hours_are_rounding() -> None:
    """24 kWh and 24,480 Wh: more than the rounding of rows, less than half a kWh."""
    flows = ("solar_energy_exported", "consumer_energy_imported_from_solar")
    fine = [energy_row(stamp, **dict.fromkeys(flows, 85)) for stamp in slots(DAY, LOS_ANGELES)]
    coarse = [energy_row(stamp, **dict.fromkeys(flows, 250)) for stamp in slots(DAY, LOS_ANGELES, step_s=900)]
    found = off(compared(shaped(fine, coarse)))
    assert found["solar_energy_exported_wh"] == (-480.0, "rounding", "00:00")


def test_without_superseded_intervals_nothing_is_compared() -> None:
    assert compared(shaped(fives())) == []
    assert len(compared(shaped(fives()[:144], quarters()[48:]))) == 0


def test_superseded_intervals_are_scaled_like_those_of_their_day() -> None:
    """Both variants have the 10th in kWh and the 11th in Wh; the 5-minute intervals of the 10th were scaled to Wh."""
    tenth, eleventh = shaped(fives(), quarters(48)), shaped(fives(NEXT), quarters(48, day=NEXT), day=NEXT)
    (superseded, intervals), (others, in_wh) = tenth, eleventh
    in_kwh = (scaled(rows, np.full(len(rows), 3)) for rows in tenth)
    superseded_kwh, intervals_kwh = (pd.concat(pair) for pair in zip(in_kwh, eleventh, strict=True))
    followed = in_unit_of(superseded_kwh, intervals_kwh, pd.concat([intervals, in_wh]))
    assert followed[list(FLOWS)].to_numpy().tolist() == pd.concat([superseded, others])[list(FLOWS)].to_numpy().tolist()


def test_in_one_unit_nothing_is_scaled() -> None:
    superseded, intervals = shaped(fives(), quarters())
    assert in_unit_of(superseded, intervals, intervals) is superseded
    assert in_unit_of(superseded[:0], intervals, intervals.copy()).empty
