"""Series energy_interval in both eras."""

from dataclasses import replace
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
from transform.intervals import shape_energy_intervals, shape_soe
from warehouse.schema import API_FLOWS, FLOWS

DAY = date(2025, 6, 10)
OLD_DAY = date(2021, 1, 27)


def test_each_flow_goes_to_its_own_column() -> None:
    """Sixteen different numbers, so that no two columns can be swapped."""
    row = {
        "timestamp": slots(DAY, LOS_ANGELES)[3].isoformat(),
        **{name: index + 1 for index, name in enumerate(API_FLOWS)},
    }
    frame = checked(shape_energy_intervals([answer("energy_interval", [row])], BATTERY_SITE))["energy_intervals"]
    assert {name: frame[name][0] for name in FLOWS} == {
        f"{name}_wh": float(index + 1) for index, name in enumerate(API_FLOWS)
    }


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 276), (date(2025, 11, 2), 300), (DAY, 288)])
def test_a_day_of_five_minutes_is_intervals_and_no_period(day: date, rows: int) -> None:
    """Q5, Q10: the row stamped 01:00 among them is an interval like the others, in autumn both of them."""
    given = [energy_row(stamp, solar_energy_exported=3) for stamp in slots(day, LOS_ANGELES)]
    tables = checked(shape_energy_intervals([answer("energy_interval", given, day=day)], BATTERY_SITE))
    assert "energy_periods" not in tables
    assert len(tables["energy_intervals"]) == rows
    assert tables["energy_intervals"]["solar_energy_exported_wh"].sum() == 3 * rows
    assert set(tables["energy_intervals"]["interval_s"]) == {300}


@pytest.mark.parametrize("stamp", ["2021-01-27T01:00:00-08:00", "2021-01-27T09:00:00Z", "2021-01-27T00:00:00-08:00"])
def test_the_one_row_of_the_old_era_stands_for_its_day(stamp: str) -> None:
    """Q9, Q10: stamped 01:00 (00:00 in 2018), it is the day's energy and not an interval."""
    given = answer("energy_interval", [energy_row(stamp, solar_energy_exported=17664.81138909422)], day=OLD_DAY)
    tables = checked(shape_energy_intervals([given], BATTERY_SITE))
    assert len(tables["energy_intervals"]) == 0
    (row,) = tables["energy_periods"].to_dict("records")
    assert (row["granularity"], row["period_start"], row["source"]) == ("day", OLD_DAY, "calendar_history/day")
    assert (row["solar_energy_exported_wh"], row["is_partial"]) == (17664.81138909422, False)


def test_the_one_row_of_a_day_is_a_day_whatever_its_minute() -> None:
    """Q5, Q9: London has no 01:00 on the day on which its clocks change, and the row says 02:00; so do the days around it."""
    site, day = replace(BATTERY_SITE, timezone="Europe/London"), date(2021, 3, 28)
    stamps = {date(2021, 3, 27): "2021-03-27T01:00:00+00:00", day: "2021-03-28T02:00:00+01:00"}
    responses = [
        answer("energy_interval", [energy_row(stamp, solar_energy_exported=9)], day=of, raw_id=str(of), envelope={})
        for of, stamp in stamps.items()
    ]
    for given in (responses, responses[1:]):
        tables = checked(shape_energy_intervals(given, site))
        assert len(tables["energy_intervals"]) == 0
        assert tables["energy_periods"]["period_start"].tolist() == [
            of for of in stamps if len(given) == 2 or of == day
        ]


@pytest.mark.parametrize("is_first_answer_of_days", [True, False])
def test_days_around_show_whether_a_lone_row_is_a_day(is_first_answer_of_days: bool) -> None:
    """Q10: the eras change "about" a day, and another day at each site; a dark day may leave one interval of 288."""
    lone, around = (date(2024, 6, 10), date(2024, 6, 9)) if is_first_answer_of_days else (DAY, DAY - timedelta(days=1))
    rows = (
        [energy_row(f"{around}T01:00:00-07:00", solar_energy_exported=9)]
        if is_first_answer_of_days
        else [energy_row(stamp, solar_energy_exported=9) for stamp in slots(around, LOS_ANGELES)]
    )
    responses = [
        answer("energy_interval", rows, day=around, raw_id="around"),
        answer(
            "energy_interval", [energy_row(f"{lone}T14:35:00-07:00", solar_energy_exported=7)], day=lone, raw_id="lone"
        ),
    ]
    tables = checked(shape_energy_intervals(responses, BATTERY_SITE))
    if is_first_answer_of_days:
        assert tables["energy_periods"]["period_start"].tolist() == [around, lone]
    else:
        assert "energy_periods" not in tables
        assert (tables["energy_intervals"]["local_date"] == lone).sum() == 1


def test_quarter_hours_of_an_old_day_do_not_make_its_row_an_interval() -> None:
    """Q10, Q21: asked for, they come in a response of their own; its row of the next midnight is no day."""
    site, day = replace(BATTERY_SITE, timezone="Europe/London"), date(2021, 3, 28)
    quarters = [*slots(day, site.zone, step_s=900), slots(day + timedelta(days=1), site.zone)[0]]
    responses = [
        answer("energy_interval", [energy_row("2021-03-28T02:00:00+01:00")], day=day, raw_id="day", envelope={}),
        answer(
            "energy_interval",
            [energy_row(stamp, solar_energy_exported=1) for stamp in quarters],
            day=day,
            raw_id="quarters",
            envelope={},
        ),
    ]
    tables = checked(shape_energy_intervals(responses, site))
    assert tables["energy_periods"]["period_start"].tolist() == [day]
    assert (tables["energy_intervals"]["local_date"] == day).sum() == 92


def test_the_old_row_of_today_is_kept_as_partial_although_its_stamp_is_ahead() -> None:
    """Q9, Q11: asked at half past midnight, the row stamped 01:00 stands for the day that has begun."""
    asked = datetime(2021, 1, 27, 8, 30, tzinfo=UTC)
    given = answer(
        "energy_interval", [energy_row("2021-01-27T01:00:00-08:00", grid_energy_imported=9)], day=OLD_DAY, asked=asked
    )
    tables = checked(shape_energy_intervals([given], BATTERY_SITE))
    assert tables["energy_periods"]["is_partial"].tolist() == [True]
    assert reasons(tables) == []


def test_a_day_row_in_two_spellings_is_one_day() -> None:
    """Q18: the same instant twice; the last wins, nothing is added up."""
    rows = [
        energy_row("2021-01-27T01:00:00-08:00", solar_energy_exported=5),
        energy_row("2021-01-27T09:00:00Z", solar_energy_exported=6),
    ]
    tables = checked(shape_energy_intervals([answer("energy_interval", rows, day=OLD_DAY)], BATTERY_SITE))
    assert tables["energy_periods"]["solar_energy_exported_wh"].tolist() == [6.0]


def test_the_first_interval_of_a_day_that_has_just_begun_is_an_interval() -> None:
    """A lone row at midnight is no day row since 2024 (Q10)."""
    asked = datetime(2025, 6, 10, 7, 4, tzinfo=UTC)
    given = answer("energy_interval", [energy_row(slots(DAY, LOS_ANGELES)[0], grid_energy_imported=9)], asked=asked)
    tables = checked(shape_energy_intervals([given], BATTERY_SITE))
    assert "energy_periods" not in tables
    assert tables["energy_intervals"]["interval_s"].tolist() == [300]


def test_both_eras_in_one_call_keep_apart() -> None:
    """Q10: the change of 2024 lies inside a site's history."""
    day = date(2024, 4, 8)
    responses = [
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
    tables = checked(shape_energy_intervals(responses, BATTERY_SITE))
    assert set(tables["energy_intervals"]["local_date"]) == {day}
    assert tables["energy_periods"]["period_start"].tolist() == [date(2024, 4, 7)]


def test_a_day_row_of_another_day_is_of_a_wrong_window() -> None:
    """Q22 for the old era."""
    given = answer("energy_interval", [energy_row("2021-01-28T01:00:00-08:00", solar_energy_exported=5)], day=OLD_DAY)
    tables = checked(shape_energy_intervals([given], BATTERY_SITE))
    assert (len(tables["energy_periods"]), reasons(tables)) == (0, [(0, "wrong_window")])


def test_quarter_hours_on_request_are_measured_as_such() -> None:
    given = [energy_row(stamp, solar_energy_exported=1) for stamp in slots(DAY, LOS_ANGELES, step_s=900)]
    frame = checked(shape_energy_intervals([answer("energy_interval", given)], BATTERY_SITE))["energy_intervals"]
    assert (len(frame), set(frame["interval_s"])) == (96, {900})


def test_all_responses_of_a_month_are_filed_day_by_day() -> None:
    responses = [
        answer(
            "energy_interval",
            [energy_row(stamp, solar_energy_exported=1) for stamp in slots(day, LOS_ANGELES)],
            day=day,
            raw_id=str(day),
        )
        for day in (DAY + timedelta(days=ahead) for ahead in range(3))
    ]
    frame = checked(shape_energy_intervals(responses, BATTERY_SITE))["energy_intervals"]
    assert frame.groupby("local_date").size().tolist() == [288, 288, 288]
    assert (frame["_raw_id"] == frame["local_date"].astype("str")).all()


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 92), (date(2025, 11, 2), 100), (date(2025, 6, 10), 96)])
def test_quarter_hours_of_a_day(day: date, rows: int) -> None:
    """Q5: 92 and 100 rows when the clocks change."""
    stamps = slots(day, LOS_ANGELES, step_s=900)
    given = [{"timestamp": stamp.isoformat(), "soe": index} for index, stamp in enumerate(stamps)]
    frame = checked(shape_soe([answer("soe", given, day=day)], BATTERY_SITE))["state_of_energy"]
    assert frame["soe_pct"].tolist() == [float(index) for index in range(rows)]
    assert set(frame["interval_s"]) == {900}
    assert set(frame["local_date"]) == {day}


def test_days_asked_newest_first_stand_in_order_of_time() -> None:
    """A backfill asks the newest day first; nothing else is sorted, since no row comes twice."""
    days = [date(2025, 6, 11), date(2025, 6, 10), date(2025, 6, 9)]
    responses = []
    for number, day in enumerate(days):
        given = [{"timestamp": stamp.isoformat(), "soe": day.day} for stamp in slots(day, LOS_ANGELES, step_s=900)]
        asked = datetime(2026, 1, 1, number, tzinfo=UTC)
        responses.append(answer("soe", given, day=day, asked=asked, raw_id=f"raw-{number}"))
    frame = checked(shape_soe(responses, BATTERY_SITE))["state_of_energy"]
    assert frame["interval_start"].is_monotonic_increasing
    assert frame["soe_pct"].tolist() == [9.0] * 96 + [10.0] * 96 + [11.0] * 96
    assert frame["_raw_id"].tolist() == ["raw-2"] * 96 + ["raw-1"] * 96 + ["raw-0"] * 96


def test_a_single_row_is_a_quarter_of_an_hour() -> None:
    row = {"timestamp": "2025-06-10T00:00:00-07:00", "soe": 12}
    assert shape_soe([answer("soe", [row])], BATTERY_SITE)["state_of_energy"]["interval_s"].tolist() == [900]
