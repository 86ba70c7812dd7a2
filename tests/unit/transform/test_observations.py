"""The rules that every history series shares: what is stored, what is quarantined, what replaces what."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    SOLAR_SITE,
    answer,
    checked,
    energy_row,
    instants,
    power_row,
    reasons,
    slots,
)
from transform.intervals import shape_energy_intervals, shape_power, shape_soe

DAY = date(2025, 6, 10)
FULL_DAY = slots(DAY, LOS_ANGELES)


def soe_rows(*stamps: str) -> list[dict[str, Any]]:
    return [{"timestamp": stamp, "soe": 40 + index} for index, stamp in enumerate(stamps)]


def test_zero_rows_of_the_rest_of_today_are_no_measurements() -> None:
    """Q11: asked at 12:02, the slot of 12:00 is kept (a later response replaces it), 12:05 and later are not."""
    rows = [power_row(stamp, solar=100 if stamp.hour < 12 else 0) for stamp in FULL_DAY]
    asked = datetime(2025, 6, 10, 12, 2, tzinfo=LOS_ANGELES).astimezone(UTC)
    tables = checked(shape_power([answer("power", rows, asked=asked)], BATTERY_SITE))
    assert len(tables["power"]) == 12 * 12 + 1
    assert instants(tables["power"])[-1] == "2025-06-10 19:00"
    assert reasons(tables) == []


def test_a_row_at_the_very_instant_of_asking_is_of_the_future() -> None:
    """Q11: at or after."""
    asked = datetime(2025, 6, 10, 7, 5, tzinfo=UTC)
    rows = [power_row(stamp) for stamp in FULL_DAY[:3]]
    assert instants(shape_power([answer("power", rows, asked=asked)], BATTERY_SITE)["power"]) == ["2025-06-10 07:00"]


def test_a_value_of_the_future_is_neither_filed_nor_dropped_in_silence() -> None:
    asked = datetime(2025, 6, 10, 8, 0, tzinfo=UTC)
    rows = [power_row(FULL_DAY[0], solar=1), power_row(FULL_DAY[20], solar=5), power_row(FULL_DAY[21])]
    tables = checked(shape_power([answer("power", rows, asked=asked)], BATTERY_SITE))
    assert len(tables["power"]) == 1
    assert reasons(tables) == [(1, "future_value")]


def test_rows_of_another_day_are_of_a_wrong_window() -> None:
    """Q22: the server answered for the day after; nothing is filed under the day that was asked."""
    rows = [power_row(stamp, solar=7) for stamp in slots(DAY + timedelta(days=1), LOS_ANGELES)[:12]]
    tables = checked(shape_power([answer("power", rows)], BATTERY_SITE))
    assert len(tables["power"]) == 0
    assert reasons(tables) == [(number, "wrong_window") for number in range(12)]
    assert orjson.loads(tables["quarantine"]["payload"][0]) == rows[0]


def test_a_wrong_window_is_reported_even_where_it_is_all_zeros_to_come() -> None:
    """Q11, Q22: asked today for yesterday, the server answered for today; its empty evening shows that too."""
    asked = datetime(2025, 6, 10, 8, 0, tzinfo=UTC)
    rows = [power_row(FULL_DAY[0], solar=5), power_row(FULL_DAY[-1])]
    tables = checked(shape_power([answer("power", rows, day=DAY - timedelta(days=1), asked=asked)], BATTERY_SITE))
    assert reasons(tables) == [(0, "wrong_window"), (1, "wrong_window")]


def test_the_rows_of_the_right_day_stay_when_others_are_of_the_wrong_one() -> None:
    """Q22."""
    rows = [power_row(FULL_DAY[-1], solar=1), power_row(FULL_DAY[-1] + timedelta(minutes=5), solar=2)]
    tables = checked(shape_power([answer("power", rows)], BATTERY_SITE))
    assert tables["power"]["solar_w"].tolist() == [1.0]
    assert reasons(tables) == [(1, "wrong_window")]


def test_days_around_the_one_asked_for_count_for_themselves() -> None:
    """A response of three days, and one of the day before: of each day the response for it is better, though older."""
    day = timedelta(days=1)
    three = [stamp for ahead in (-1, 0, 1) for stamp in slots(DAY + ahead * day, LOS_ANGELES)]
    responses = [
        answer(
            "power", [power_row(stamp, solar=1) for stamp in slots(DAY - day, LOS_ANGELES)], day=DAY - day, raw_id="one"
        ),
        answer(
            "power",
            [power_row(stamp, solar=3) for stamp in three],
            raw_id="three",
            asked=datetime(2026, 1, 2, tzinfo=UTC),
        ),
    ]
    tables = checked(shape_power(responses, BATTERY_SITE))
    sums = tables["power"].groupby("local_date")["solar_w"].sum().to_dict()
    assert sums == {DAY - day: 288.0, DAY: 3 * 288.0, DAY + day: 3 * 288.0}
    assert reasons(tables) == []
    assert "revisions" not in tables


def test_windows_of_a_fixed_offset_response_are_days_of_that_offset() -> None:
    """Q7: asked in winter, a summer day runs from 01:00 to 01:00 of the real clock; every row is kept, dated by that clock."""
    site = replace(BATTERY_SITE, timezone_source="setting")
    winter = timezone(timedelta(hours=-8))
    rows = [power_row(stamp, solar=9) for stamp in slots(DAY, winter)]
    tables = checked(shape_power([answer("power", rows, envelope={"time_zone_offset": -480})], site))
    assert reasons(tables) == []
    assert tables["power"]["local_date"].value_counts().to_dict() == {DAY: 276, DAY + timedelta(days=1): 12}


def test_the_clock_of_one_response_is_not_that_of_another() -> None:
    """Q7: two responses of one call, the one cut by a fixed offset, the other by the zone."""
    fixed = [power_row(slots(DAY, timezone(timedelta(hours=-8)))[-1], solar=1)]
    named = [power_row(slots(DAY, LOS_ANGELES)[-1] + timedelta(minutes=5), solar=2)]
    tables = checked(
        shape_power(
            [
                answer("power", fixed, raw_id="fixed", envelope={"time_zone_offset": -480}),
                answer("power", named, raw_id="named"),
            ],
            BATTERY_SITE,
        )
    )
    assert tables["power"]["_raw_id"].tolist() == ["fixed"]
    assert tables["quarantine"]["raw_id"].tolist() == ["named"]


@pytest.mark.parametrize("offset", [99999, 0.5])
def test_an_offset_that_no_clock_has_is_ignored(offset: float) -> None:
    rows = [power_row(stamp, solar=9) for stamp in slots(DAY, timezone(timedelta(hours=-7)))]
    site = replace(SOLAR_SITE, site_id=101)
    tables = checked(shape_power([answer("power", rows, envelope={"time_zone_offset": offset})], site))
    assert (len(tables["power"]), reasons(tables)) == (288, [])


def test_of_several_responses_the_last_fetched_wins_slot_by_slot() -> None:
    """Q12: values are revised; a slot that only the earlier response has stays."""
    early = answer("soe", soe_rows("2025-06-10T00:00:00-07:00", "2025-06-10T00:15:00-07:00"), raw_id="b")
    late = replace(
        answer("soe", [{"timestamp": "2025-06-10T00:15:00-07:00", "soe": 90}], raw_id="a"),
        requested_at=early.requested_at + timedelta(hours=1),
        run_id="run-2",
    )
    frame = checked(shape_soe([late, early], BATTERY_SITE))["state_of_energy"]
    assert frame["soe_pct"].tolist() == [40.0, 90.0]
    assert frame["_raw_id"].tolist() == ["b", "a"]
    assert frame["_run_id"].tolist() == ["run-1", "run-2"]
    assert frame["_fetched_at"].tolist() == [early.requested_at, late.requested_at]


def test_one_instant_in_two_spellings_is_one_row_and_the_last_of_them() -> None:
    """Q18: `Z` and the offset form of the same instant."""
    frame = checked(
        shape_soe([answer("soe", soe_rows("2025-06-10T00:00:00-07:00", "2025-06-10T07:00:00Z"))], BATTERY_SITE)
    )
    assert frame["state_of_energy"]["soe_pct"].tolist() == [41.0]
    assert reasons(frame) == []


def test_a_response_given_twice_counts_once() -> None:
    bad = answer("soe", [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": 140}])
    assert reasons(checked(shape_soe([bad, bad], BATTERY_SITE))) == [(0, "out_of_range")]


def test_a_stamp_that_names_no_instant_costs_its_row_only() -> None:
    tables = checked(
        shape_soe([answer("soe", soe_rows("2025-06-10T00:00:00", "2025-06-10T00:15:00-07:00"))], BATTERY_SITE)
    )
    assert tables["state_of_energy"]["soe_pct"].tolist() == [41.0]
    assert reasons(tables) == [(0, "bad_timestamp")]


@pytest.mark.parametrize("value", [140, -0.5, 1e400])
def test_a_state_of_energy_outside_0_to_100_is_quarantined(value: float) -> None:
    body = b'{"response": {"time_series": [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": %s}]}}'
    text = b"1e400" if value == float("inf") else str(value).encode()
    tables = checked(shape_soe([replace(answer("soe", []), body=body % text)], BATTERY_SITE))
    assert len(tables["state_of_energy"]) == 0
    assert len(reasons(tables)) == 1


@pytest.mark.parametrize(
    ("flow", "reason"), [(-5, "out_of_range"), (2e9, "out_of_range"), ("much", "not_a_number"), (True, "not_a_number")]
)
def test_a_flow_that_cannot_be_is_quarantined_and_costs_the_others_of_its_row_nothing(flow: Any, reason: str) -> None:
    odd = energy_row(FULL_DAY[0], solar_energy_exported=flow, grid_energy_imported=7)
    rows = [odd, energy_row(FULL_DAY[1], solar_energy_exported=5)]
    tables = checked(shape_energy_intervals([answer("energy_interval", rows)], BATTERY_SITE))
    solar, grid = (
        tables["energy_intervals"][f"{name}_wh"] for name in ("solar_energy_exported", "grid_energy_imported")
    )
    assert (solar.isna().tolist(), solar[1]) == ([True, False], 5.0)
    assert grid.tolist() == [7.0, 0.0]
    assert tables["energy_intervals"]["interval_s"].tolist() == [300, 300]
    assert reasons(tables) == [(0, reason)]
    assert orjson.loads(tables["quarantine"]["payload"][0])["solar_energy_exported"] == flow


@pytest.mark.parametrize("flow", [-1, -0.4])
def test_energy_barely_below_zero_is_the_offset_of_a_meter(flow: float) -> None:
    """A solar meter shows −1 Wh in five minutes of the night; that is zero, and costs its row nothing."""
    rows = [energy_row(stamp, solar_energy_exported=flow, grid_energy_imported=7) for stamp in FULL_DAY[:3]]
    tables = checked(shape_energy_intervals([answer("energy_interval", rows)], BATTERY_SITE))
    assert tables["energy_intervals"]["solar_energy_exported_wh"].tolist() == [0.0] * 3
    assert tables["energy_intervals"]["grid_energy_imported_wh"].tolist() == [7.0] * 3
    assert reasons(tables) == []


@pytest.mark.parametrize("is_odd_first", [True, False])
def test_a_row_without_odd_values_is_better_whichever_was_fetched_last(is_odd_first: bool) -> None:
    """Neither the odd value nor its absence is a revision."""
    odd, usual = (energy_row(FULL_DAY[0], solar_energy_exported=flow) for flow in (-5, 5))
    responses = [
        answer("energy_interval", [row], raw_id=name, asked=datetime(2026, 1, day, tzinfo=UTC))
        for row, name, day in ((odd, "odd", 1 if is_odd_first else 2), (usual, "usual", 2 if is_odd_first else 1))
    ]
    tables = checked(shape_energy_intervals(responses, BATTERY_SITE))
    assert tables["energy_intervals"]["solar_energy_exported_wh"].tolist() == [5.0]
    assert tables["energy_intervals"]["_raw_id"].tolist() == ["usual"]
    assert "revisions" not in tables


def test_five_minutes_with_an_odd_value_do_not_supersede_their_quarter_hour() -> None:
    """Q21: the quarter hour has the energy that they lack."""
    fine = [energy_row(stamp, solar_energy_exported="?" if index == 1 else 5) for index, stamp in enumerate(FULL_DAY)]
    coarse = [energy_row(stamp, solar_energy_exported=15) for stamp in slots(DAY, LOS_ANGELES, step_s=900)]
    responses = [answer("energy_interval", rows, raw_id=name) for name, rows in (("fine", fine), ("coarse", coarse))]
    frame = checked(shape_energy_intervals(responses, BATTERY_SITE))["energy_intervals"]
    assert frame["interval_s"].tolist()[:2] == [900, 300]
    assert frame["solar_energy_exported_wh"].sum() == 5 * 288


def test_a_row_with_an_odd_value_of_another_day_is_of_a_wrong_window() -> None:
    """A row has one reason; what concerns the whole of it counts most."""
    rows = [energy_row("2025-06-11T00:00:00-07:00", solar_energy_exported="?"), energy_row(FULL_DAY[-1])]
    assert reasons(checked(shape_energy_intervals([answer("energy_interval", rows)], BATTERY_SITE))) == [
        (0, "wrong_window")
    ]


@pytest.mark.parametrize("value", [1_000_000_000, -1_000_000_000])
def test_the_no_limit_sentinel_is_not_a_power(value: int) -> None:
    """Q38."""
    tables = checked(shape_power([answer("power", [power_row(FULL_DAY[0], grid=value)])], BATTERY_SITE))
    assert reasons(tables) == [(0, "out_of_range")]


def test_a_row_without_any_value_is_quarantined() -> None:
    tables = checked(
        shape_soe([answer("soe", [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": None}])], BATTERY_SITE)
    )
    assert reasons(tables) == [(0, "no_value")]


def test_responses_that_hold_nothing_leave_empty_tables() -> None:
    """Q23."""
    tables = checked(shape_power([answer("power", None), answer("power", [], raw_id="raw-2")], BATTERY_SITE))
    assert (len(tables["power"]), reasons(tables)) == (0, [])


def test_an_error_status_has_no_rows_and_is_no_news_for_quarantine() -> None:
    failed = replace(answer("power", [power_row(FULL_DAY[0])]), status=500)
    tables = checked(shape_power([failed], BATTERY_SITE))
    assert (len(tables["power"]), reasons(tables)) == (0, [])


def test_a_whole_response_that_cannot_be_read_is_one_row_of_quarantine() -> None:
    tables = checked(shape_power([replace(answer("power", []), body=b"<html>")], BATTERY_SITE))
    assert reasons(tables) == [(-1, "not_json")]
    assert orjson.loads(tables["quarantine"]["payload"][0]) == "<html>"


@pytest.mark.parametrize("given", [answer("power", [], site_id=5), answer("soe", [])], ids=["site", "series"])
def test_a_response_of_another_site_or_series_is_an_error_of_the_caller(given: Any) -> None:
    with pytest.raises(ValueError, match="expected site 101, series power"):
        shape_power([given], BATTERY_SITE)


def test_an_unknown_column_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown column of the API is logged, and logged once."""
    rows = [{**power_row(stamp), "heat_pump_power": 4} for stamp in FULL_DAY[:2]]
    with caplog.at_level(logging.WARNING, logger="transform"):
        for raw_id in ("a", "b"):
            shape_power([answer("power", rows, raw_id=raw_id)], BATTERY_SITE)
    assert [record.getMessage() for record in caplog.records] == ["unknown column series=power column=heat_pump_power"]


def test_a_gap_at_midnight_makes_no_wrong_window_of_a_response_with_the_day_before() -> None:
    """Q22: its rows end with its day; one of a wrong window ends before it."""
    before, own = slots(DAY - timedelta(days=1), LOS_ANGELES)[:200], FULL_DAY[60:]
    response = answer("energy_interval", [energy_row(stamp, solar_energy_exported=5) for stamp in (*before, *own)])
    assert len(checked(shape_energy_intervals([response], BATTERY_SITE))["energy_intervals"]) == len(before) + len(own)
    early = answer("energy_interval", [energy_row(stamp) for stamp in (*before[-72:], *FULL_DAY[:216])])
    assert len(checked(shape_energy_intervals([early], BATTERY_SITE))["energy_intervals"]) == 216
