"""Series energy_interval in both eras."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    answer,
    checked,
    energy_row,
    reasons,
    slots,
)
from transform import energy_intervals
from warehouse.schema import API_FLOWS, FLOWS

DAY = date(2025, 6, 10)
OLD_DAY = date(2021, 1, 27)


def test_each_flow_goes_to_its_own_column() -> None:
    """Sixteen different numbers, so that no two columns can be swapped."""
    row = {
        "timestamp": slots(DAY, LOS_ANGELES)[3].isoformat(),
        **{name: index + 1 for index, name in enumerate(API_FLOWS)},
    }
    frame = checked(energy_intervals.shape([answer("energy_interval", [row])], BATTERY_SITE))["energy_intervals"]
    assert {name: frame[name][0] for name in FLOWS} == {
        f"{name}_wh": float(index + 1) for index, name in enumerate(API_FLOWS)
    }


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 276), (date(2025, 11, 2), 300), (DAY, 288)])
def test_a_day_of_five_minutes_is_intervals_and_no_period(day: date, rows: int) -> None:
    """Q5, Q10: the row stamped 01:00 among them is an interval like the others, in autumn both of them."""
    given = [energy_row(stamp, solar_energy_exported=3) for stamp in slots(day, LOS_ANGELES)]
    tables = checked(energy_intervals.shape([answer("energy_interval", given, day=day)], BATTERY_SITE))
    assert "energy_periods" not in tables
    assert len(tables["energy_intervals"]) == rows
    assert tables["energy_intervals"]["solar_energy_exported_wh"].sum() == 3 * rows
    assert set(tables["energy_intervals"]["interval_s"]) == {300}


@pytest.mark.parametrize("stamp", ["2021-01-27T01:00:00-08:00", "2021-01-27T09:00:00Z", "2021-01-27T00:00:00-08:00"])
def test_the_one_row_of_the_old_era_stands_for_its_day(stamp: str) -> None:
    """Q9, Q10: stamped 01:00 (00:00 in 2018), it is the day's energy and not an interval."""
    given = answer("energy_interval", [energy_row(stamp, solar_energy_exported=17664.81138909422)], day=OLD_DAY)
    tables = checked(energy_intervals.shape([given], BATTERY_SITE))
    assert len(tables["energy_intervals"]) == 0
    (row,) = tables["energy_periods"].to_dict("records")
    assert (row["granularity"], row["period_start"], row["source"]) == ("day", OLD_DAY, "calendar_history/day")
    assert (row["solar_energy_exported_wh"], row["is_partial"]) == (17664.81138909422, False)


def test_the_old_row_of_today_is_kept_as_partial_although_its_stamp_is_ahead() -> None:
    """Q9, Q11: asked at half past midnight, the row stamped 01:00 stands for the day that has begun."""
    asked = datetime(2021, 1, 27, 8, 30, tzinfo=UTC)
    given = answer(
        "energy_interval", [energy_row("2021-01-27T01:00:00-08:00", grid_energy_imported=9)], day=OLD_DAY, asked=asked
    )
    tables = checked(energy_intervals.shape([given], BATTERY_SITE))
    assert tables["energy_periods"]["is_partial"].tolist() == [True]
    assert reasons(tables) == []


def test_a_day_row_in_two_spellings_is_one_day() -> None:
    """Q18: the same instant twice; the last wins, nothing is added up."""
    rows = [
        energy_row("2021-01-27T01:00:00-08:00", solar_energy_exported=5),
        energy_row("2021-01-27T09:00:00Z", solar_energy_exported=6),
    ]
    tables = checked(energy_intervals.shape([answer("energy_interval", rows, day=OLD_DAY)], BATTERY_SITE))
    assert tables["energy_periods"]["solar_energy_exported_wh"].tolist() == [6.0]


def test_the_first_interval_of_a_day_that_has_just_begun_is_an_interval() -> None:
    """A lone row at midnight is no day row since 2024 (Q10)."""
    asked = datetime(2025, 6, 10, 7, 4, tzinfo=UTC)
    given = answer("energy_interval", [energy_row(slots(DAY, LOS_ANGELES)[0], grid_energy_imported=9)], asked=asked)
    tables = checked(energy_intervals.shape([given], BATTERY_SITE))
    assert "energy_periods" not in tables
    assert tables["energy_intervals"]["interval_s"].tolist() == [300]


def test_both_eras_in_one_call_keep_apart() -> None:
    """Q10: the change of 2024 lies inside a site's history."""
    day = date(2024, 4, 8)
    answers = [
        answer(
            "energy_interval",
            [energy_row("2024-04-07T01:00:00-07:00", solar_energy_exported=30_000)],
            raw_id="a",
            day=date(2024, 4, 7),
        ),
        answer(
            "energy_interval",
            [energy_row(stamp, solar_energy_exported=100) for stamp in slots(day, LOS_ANGELES)],
            raw_id="b",
            day=day,
        ),
    ]
    tables = checked(energy_intervals.shape(answers, BATTERY_SITE))
    assert set(tables["energy_intervals"]["local_date"]) == {day}
    assert tables["energy_periods"]["period_start"].tolist() == [date(2024, 4, 7)]


def test_a_day_row_of_another_day_is_of_a_wrong_window() -> None:
    """Q22 for the old era."""
    given = answer("energy_interval", [energy_row("2021-01-28T01:00:00-08:00", solar_energy_exported=5)], day=OLD_DAY)
    tables = checked(energy_intervals.shape([given], BATTERY_SITE))
    assert (len(tables["energy_periods"]), reasons(tables)) == (0, [(0, "wrong_window")])


def test_quarter_hours_on_request_are_measured_as_such() -> None:
    given = [energy_row(stamp, solar_energy_exported=1) for stamp in slots(DAY, LOS_ANGELES, step_s=900)]
    frame = checked(energy_intervals.shape([answer("energy_interval", given)], BATTERY_SITE))["energy_intervals"]
    assert (len(frame), set(frame["interval_s"])) == (96, {900})


def test_all_answers_of_a_month_are_filed_day_by_day() -> None:
    answers = [
        answer(
            "energy_interval",
            [energy_row(stamp, solar_energy_exported=1) for stamp in slots(day, LOS_ANGELES)],
            day=day,
            raw_id=str(day),
        )
        for day in (DAY + timedelta(days=ahead) for ahead in range(3))
    ]
    frame = checked(energy_intervals.shape(answers, BATTERY_SITE))["energy_intervals"]
    assert frame.groupby("local_date").size().tolist() == [288, 288, 288]
    assert (frame["_raw_id"] == frame["local_date"].astype("str")).all()
