"""Intervals that gave way beside those in their place: what differs, why, and from when on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, records, slots
from transform import energy_intervals
from transform.energy_intervals import BESIDE
from transform.reconciliation import compare_tellings, in_unit_of
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
"""Of every five minutes: 28,800 Wh of sun a day, 17,280 Wh for the home, 17,280 Wh into the battery."""

QUARTER = {name: 3 * wh for name, wh in FIVE.items()}
SHIFTED = {
    **QUARTER,
    "consumer_energy_imported_from_solar": 150,
    "consumer_energy_imported_from_grid": 30,
    "battery_energy_imported_from_solar": 150,
    "battery_energy_imported_from_grid": 30,
}
"""A quarter hour in which the home took 30 Wh more of the sun and the battery as much of the grid: every total is the same."""

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
    return [energy_row(each, **FIVE) for each in slots(day, LOS_ANGELES)]


def quarters(first_shifted: int = 96, *, day: date = DAY) -> Rows:
    """Every quarter hour of a day, shifted from one of them on."""
    stamps = slots(day, LOS_ANGELES, step_s=900)
    return [energy_row(each, **(QUARTER if at < first_shifted else SHIFTED)) for at, each in enumerate(stamps)]


def shaped(fine: Rows, *coarse: Rows, day: date = DAY, asked: datetime = LATER) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What gave way, and what is in the lake."""
    answers = [
        answer("energy_interval", rows, raw_id=str(number), day=day, asked=asked)
        for number, rows in enumerate((fine, *coarse))
    ]
    tables = energy_intervals.shape(answers, BATTERY_SITE)
    return tables.get(BESIDE, tables["energy_intervals"][:0]), tables["energy_intervals"]


def compared(tellings: tuple[pd.DataFrame, pd.DataFrame]) -> list[dict[str, Any]]:
    """The rows that this makes, all of which the lake would take."""
    rows = compare_tellings(*tellings, BATTERY_SITE, 48.0)
    checked({"reconciliation": rows})
    return records(rows)


def off(rows: list[dict[str, Any]]) -> dict[str, tuple[float, str, str]]:
    """Measure → difference, cause, and the local time from which on the two differ."""
    return {
        row["measure"]: (row["difference_wh"], row["cause"], f"{row['parts_at'].astimezone(LOS_ANGELES):%H:%M}")
        for row in rows
        if row["verdict"] == "differs"
    }


def causes(rows: list[dict[str, Any]]) -> set[str]:
    """Causes of everything that differs."""
    return {cause for _, cause, _ in off(rows).values()}


def test_quarter_hours_that_say_the_same_agree_in_every_total() -> None:
    """What gives way is not summed, but what it says is kept beside what took its place."""
    rows = compared(shaped(fives(), quarters()))
    assert {row["measure"]: row["left_wh"] for row in rows} == TOTALS
    assert {row["measure"]: row["right_wh"] for row in rows} == TOTALS
    assert {row["verdict"] for row in rows} == {"agree"}
    assert {(row["left_source"], row["right_source"]) for row in rows} == {
        ("energy_intervals/15m", "energy_intervals/5m")
    }
    assert all(pd.isna(row["parts_at"]) for row in rows)


def test_another_split_from_noon_on_is_a_shift_from_noon_on_and_totals_match() -> None:
    """Q21: 48 quarter hours of 30 Wh."""
    rows = compared(shaped(fives(), quarters(48)))
    assert off(rows) == {name: (48.0 * wh, "allocation_shift", "12:00") for name, wh in SPLITS.items()}
    assert {row["measure"]: row["left_wh"] for row in rows if row["verdict"] == "agree"} == TOTALS


def test_one_quarter_hour_of_thirty_watt_hours_is_enough() -> None:
    """96 rows could be 96 Wh off by rounding alone: the other 95 slots say that they are not."""
    found = off(compared(shaped(fives(), quarters(95))))
    assert found == {name: (wh, "allocation_shift", "23:45") for name, wh in SPLITS.items()}


@pytest.mark.parametrize(
    ("day", "first", "parts_at"),
    [
        (date(2025, 3, 9), 8, datetime(2025, 3, 9, 10, tzinfo=UTC)),
        (date(2025, 11, 2), 8, datetime(2025, 11, 2, 9, tzinfo=UTC)),
    ],
    ids=["03:00 in spring", "the second 01:00 in autumn"],
)
def test_days_of_other_lengths_are_compared_by_instants(day: date, first: int, parts_at: datetime) -> None:
    """Q5: 92 and 100 quarter hours; the ninth of them begins two hours after midnight, whatever the clock shows then."""
    rows = compared(shaped(fives(day), quarters(first, day=day), day=day))
    assert {row["parts_at"] for row in rows if row["verdict"] == "differs"} == {parts_at}


def test_a_difference_within_the_rounding_of_rows_is_none() -> None:
    """Three rows of whole Wh may be 3 Wh off: 2 Wh in the morning are no beginning, and no difference of the day."""
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


def test_time_that_one_of_the_two_does_not_tell_is_not_compared() -> None:
    """Without the five minutes from 10:00 to 12:00 the quarter hours stand there; both tell of the other 22 hours."""
    beside, intervals = shaped([row for at, row in enumerate(fives()) if not 120 <= at < 144], quarters(48))
    assert (len(beside), len(intervals)) == (88, 264 + 8)
    rows = compared((beside, intervals))
    assert {row["left_wh"] for row in rows if row["measure"] == "solar_energy_exported_wh"} == {28_800.0 * 22 / 24}
    assert off(rows)["battery_energy_imported_from_grid_wh"] == (1_440.0, "allocation_shift", "12:00")


def test_finer_rows_with_holes_give_way_and_are_not_compared() -> None:
    """Every third five minutes is missing: the quarter hours stand, and two rows say nothing of three."""
    beside, intervals = shaped([row for at, row in enumerate(fives()) if at % 3], quarters(48))
    assert (set(beside["interval_s"]), set(intervals["interval_s"])) == ({300}, {900})
    assert compared((beside, intervals)) == []


def test_of_several_grids_the_finest_is_compared() -> None:
    """An hour of the old equipment beside quarter hours beside five minutes."""
    hours = [
        energy_row(each, **{name: 13 * wh for name, wh in FIVE.items()})
        for each in slots(DAY, LOS_ANGELES, step_s=3600)
    ]
    beside, intervals = shaped(fives(), quarters(48), hours)
    assert set(beside["interval_s"]) == {900, 3600}
    rows = compared((beside, intervals))
    assert {row["left_source"] for row in rows} == {"energy_intervals/15m"}
    assert causes(rows) == {"allocation_shift"}


def test_hours_of_zeros_are_missing_intervals() -> None:
    """Q14: the quarter hours have no energy from 08:00 to 10:00."""
    rows = quarters()
    rows[32:40] = [energy_row(row["timestamp"]) for row in rows[32:40]]
    found = off(compared(shaped(fives(), rows)))
    assert set(found.values()) == {(-8 * 3.0 * wh, "missing_intervals", "08:00") for wh in (20, 40, 60, 100)}


def test_zeros_that_do_not_account_for_the_difference_explain_nothing() -> None:
    """An hour of zeros, and another 900 Wh of sun besides."""
    rows = quarters()
    rows[32:36] = [energy_row(row["timestamp"]) for row in rows[32:36]]
    for row in rows[40:46]:
        row["solar_energy_exported"] -= 150
    found = off(compared(shaped(fives(), rows)))
    assert found["solar_energy_exported_wh"] == (-2_100.0, "unexplained", "08:00")


def test_a_thousandth_is_another_unit() -> None:
    """Fact 1: quarter hours in kWh beside five minutes in Wh."""
    told = [row | {name: row[name] / 1000 for name in FIVE} for row in quarters()]
    assert causes(compared(shaped(fives(), told))) == {"unit_mismatch"}


def test_what_had_not_settled_is_revised() -> None:
    """Q12: both were asked in the evening of the day; the same difference a month later has no cause."""
    less = [row | {"solar_energy_exported": row["solar_energy_exported"] - 10} for row in quarters()]
    evening = datetime(2025, 6, 11, 5, tzinfo=UTC)
    assert causes(compared(shaped(fives(), less, asked=evening))) == {"revised"}
    assert causes(compared(shaped(fives(), less))) == {"unexplained"}


def test_rows_that_were_not_over_when_they_were_asked_are_not_compared() -> None:
    """Q12: asked at 21:05 by the site's clock, the quarter hour from 21:00 on is not whole in either."""
    asked = datetime(2025, 6, 11, 4, 5, tzinfo=UTC)
    rows = compared(shaped(fives()[:253], quarters()[:85], asked=asked))
    assert {row["right_wh"] for row in rows if row["measure"] == "home_wh"} == {60.0 * 252}


def test_whole_kilowatt_hours_are_rounding() -> None:
    """24 kWh to the kWh beside 24,480 Wh: more than rows round to, less than half a kWh."""
    flows = ("solar_energy_exported", "consumer_energy_imported_from_solar")
    fine = [energy_row(each, **dict.fromkeys(flows, 85)) for each in slots(DAY, LOS_ANGELES)]
    told = [energy_row(each, **dict.fromkeys(flows, 250)) for each in slots(DAY, LOS_ANGELES, step_s=900)]
    found = off(compared(shaped(fine, told)))
    assert found["solar_energy_exported_wh"] == (-480.0, "rounding", "00:00")


def test_nothing_gave_way_and_nothing_is_compared() -> None:
    assert compared(shaped(fives())) == []
    assert len(compared(shaped(fives()[:144], quarters()[48:]))) == 0


def test_what_gave_way_follows_its_day_into_another_unit() -> None:
    """Both tell of the 10th in kWh and of the 11th in Wh; the five minutes of the 10th were put into Wh."""
    tenth, eleventh = shaped(fives(), quarters(48)), shaped(fives(NEXT), quarters(48, day=NEXT), day=NEXT)
    (beside, intervals), (others, in_wh) = tenth, eleventh
    told = (scaled(each, np.full(len(each), 3)) for each in tenth)
    beside_kwh, intervals_kwh = (pd.concat([each, other]) for each, other in zip(told, eleventh, strict=True))
    followed = in_unit_of(beside_kwh, intervals_kwh, pd.concat([intervals, in_wh]))
    assert followed[list(FLOWS)].to_numpy().tolist() == pd.concat([beside, others])[list(FLOWS)].to_numpy().tolist()


def test_in_one_unit_nothing_is_scaled() -> None:
    beside, intervals = shaped(fives(), quarters())
    assert in_unit_of(beside, intervals, intervals) is beside
    assert in_unit_of(beside[:0], intervals, intervals.copy()).empty
