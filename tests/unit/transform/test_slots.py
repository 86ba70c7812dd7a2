"""The rules that every history series shares: what is filed, what is set aside, what replaces what."""

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
from transform import energy_intervals, power, soe

DAY = date(2025, 6, 10)
FULL_DAY = slots(DAY, LOS_ANGELES)


def soe_rows(*stamps: str) -> list[dict[str, Any]]:
    return [{"timestamp": stamp, "soe": 40 + index} for index, stamp in enumerate(stamps)]


def test_zero_rows_of_the_rest_of_today_are_no_measurements() -> None:
    """Q11: asked at 12:02, the slot of 12:00 is kept (a later answer replaces it), 12:05 and later are not."""
    rows = [power_row(stamp, solar=100 if stamp.hour < 12 else 0) for stamp in FULL_DAY]
    asked = datetime(2025, 6, 10, 12, 2, tzinfo=LOS_ANGELES).astimezone(UTC)
    tables = checked(power.shape([answer("power", rows, asked=asked)], BATTERY_SITE))
    assert len(tables["power"]) == 12 * 12 + 1
    assert instants(tables["power"])[-1] == "2025-06-10 19:00"
    assert reasons(tables) == []


def test_a_row_at_the_very_instant_of_asking_is_of_the_future() -> None:
    """Q11: at or after."""
    asked = datetime(2025, 6, 10, 7, 5, tzinfo=UTC)
    rows = [power_row(stamp) for stamp in FULL_DAY[:3]]
    assert instants(power.shape([answer("power", rows, asked=asked)], BATTERY_SITE)["power"]) == ["2025-06-10 07:00"]


def test_a_value_of_the_future_is_neither_filed_nor_dropped_in_silence() -> None:
    asked = datetime(2025, 6, 10, 8, 0, tzinfo=UTC)
    rows = [power_row(FULL_DAY[0], solar=1), power_row(FULL_DAY[20], solar=5), power_row(FULL_DAY[21])]
    tables = checked(power.shape([answer("power", rows, asked=asked)], BATTERY_SITE))
    assert len(tables["power"]) == 1
    assert reasons(tables) == [(1, "future_value")]


def test_rows_of_another_day_are_of_a_wrong_window() -> None:
    """Q22: the server answered for the day after; nothing is filed under the day that was asked."""
    rows = [power_row(stamp, solar=7) for stamp in slots(DAY + timedelta(days=1), LOS_ANGELES)[:12]]
    tables = checked(power.shape([answer("power", rows)], BATTERY_SITE))
    assert len(tables["power"]) == 0
    assert reasons(tables) == [(number, "wrong_window") for number in range(12)]
    assert orjson.loads(tables["quarantine"]["payload"][0]) == rows[0]


def test_a_wrong_window_is_reported_even_where_it_is_all_zeros_to_come() -> None:
    """Q11, Q22: asked today for yesterday, the server answered for today; its empty evening shows that too."""
    asked = datetime(2025, 6, 10, 8, 0, tzinfo=UTC)
    rows = [power_row(FULL_DAY[0], solar=5), power_row(FULL_DAY[-1])]
    tables = checked(power.shape([answer("power", rows, day=DAY - timedelta(days=1), asked=asked)], BATTERY_SITE))
    assert reasons(tables) == [(0, "wrong_window"), (1, "wrong_window")]


def test_the_rows_of_the_right_day_stay_when_others_are_of_the_wrong_one() -> None:
    """Q22."""
    rows = [power_row(FULL_DAY[-1], solar=1), power_row(FULL_DAY[-1] + timedelta(minutes=5), solar=2)]
    tables = checked(power.shape([answer("power", rows)], BATTERY_SITE))
    assert tables["power"]["solar_w"].tolist() == [1.0]
    assert reasons(tables) == [(1, "wrong_window")]


def test_windows_of_a_fixed_offset_answer_are_days_of_that_offset() -> None:
    """Q7: asked in winter, a summer day runs from 01:00 to 01:00 of the real clock; every row is kept, dated by that clock."""
    site = replace(BATTERY_SITE, timezone_source="setting")
    winter = timezone(timedelta(hours=-8))
    rows = [power_row(stamp, solar=9) for stamp in slots(DAY, winter)]
    tables = checked(power.shape([answer("power", rows, envelope={"time_zone_offset": -480})], site))
    assert reasons(tables) == []
    assert tables["power"]["local_date"].value_counts().to_dict() == {DAY: 276, DAY + timedelta(days=1): 12}


def test_the_clock_of_one_answer_is_not_that_of_another() -> None:
    """Q7: two answers of one call, the one cut by a fixed offset, the other by the zone."""
    fixed = [power_row(slots(DAY, timezone(timedelta(hours=-8)))[-1], solar=1)]
    named = [power_row(slots(DAY, LOS_ANGELES)[-1] + timedelta(minutes=5), solar=2)]
    tables = checked(
        power.shape(
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
    tables = checked(power.shape([answer("power", rows, envelope={"time_zone_offset": offset})], site))
    assert (len(tables["power"]), reasons(tables)) == (288, [])


def test_of_several_answers_the_last_fetched_wins_slot_by_slot() -> None:
    """Q12: values are revised; a slot that only the earlier answer has stays."""
    early = answer("soe", soe_rows("2025-06-10T00:00:00-07:00", "2025-06-10T00:15:00-07:00"), raw_id="b")
    late = replace(
        answer("soe", [{"timestamp": "2025-06-10T00:15:00-07:00", "soe": 90}], raw_id="a"),
        requested_at=early.requested_at + timedelta(hours=1),
        run_id="run-2",
    )
    frame = checked(soe.shape([late, early], BATTERY_SITE))["state_of_energy"]
    assert frame["soe_pct"].tolist() == [40.0, 90.0]
    assert frame["_raw_id"].tolist() == ["b", "a"]
    assert frame["_run_id"].tolist() == ["run-1", "run-2"]
    assert frame["_fetched_at"].tolist() == [early.requested_at, late.requested_at]


def test_one_instant_in_two_spellings_is_one_row_and_the_last_of_them() -> None:
    """Q18: `Z` and the offset form of the same instant."""
    frame = checked(
        soe.shape([answer("soe", soe_rows("2025-06-10T00:00:00-07:00", "2025-06-10T07:00:00Z"))], BATTERY_SITE)
    )
    assert frame["state_of_energy"]["soe_pct"].tolist() == [41.0]
    assert reasons(frame) == []


def test_an_answer_given_twice_counts_once() -> None:
    bad = answer("soe", [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": 140}])
    assert reasons(checked(soe.shape([bad, bad], BATTERY_SITE))) == [(0, "out_of_range")]


def test_a_stamp_that_names_no_instant_costs_its_row_only() -> None:
    tables = checked(
        soe.shape([answer("soe", soe_rows("2025-06-10T00:00:00", "2025-06-10T00:15:00-07:00"))], BATTERY_SITE)
    )
    assert tables["state_of_energy"]["soe_pct"].tolist() == [41.0]
    assert reasons(tables) == [(0, "bad_timestamp")]


@pytest.mark.parametrize("value", [140, -0.5, 1e400])
def test_a_state_of_energy_outside_0_to_100_is_set_aside(value: float) -> None:
    body = b'{"response": {"time_series": [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": %s}]}}'
    text = b"1e400" if value == float("inf") else str(value).encode()
    tables = checked(soe.shape([replace(answer("soe", []), body=body % text)], BATTERY_SITE))
    assert len(tables["state_of_energy"]) == 0
    assert len(reasons(tables)) == 1


@pytest.mark.parametrize("flow", [-1, 2e9])
def test_a_flow_below_zero_or_beyond_all_measure_is_set_aside(flow: float) -> None:
    rows = [energy_row(FULL_DAY[0], solar_energy_exported=flow), energy_row(FULL_DAY[1], solar_energy_exported=5)]
    tables = checked(energy_intervals.shape([answer("energy_interval", rows)], BATTERY_SITE))
    assert tables["energy_intervals"]["solar_energy_exported_wh"].tolist() == [5.0]
    assert reasons(tables) == [(0, "out_of_range")]


@pytest.mark.parametrize("value", [1_000_000_000, -1_000_000_000])
def test_the_no_limit_sentinel_is_not_a_power(value: int) -> None:
    """Q38."""
    tables = checked(power.shape([answer("power", [power_row(FULL_DAY[0], grid=value)])], BATTERY_SITE))
    assert reasons(tables) == [(0, "out_of_range")]


def test_a_row_without_any_value_is_set_aside() -> None:
    tables = checked(
        soe.shape([answer("soe", [{"timestamp": "2025-06-10T00:00:00-07:00", "soe": None}])], BATTERY_SITE)
    )
    assert reasons(tables) == [(0, "no_value")]


def test_answers_that_hold_nothing_leave_empty_tables() -> None:
    """Q23."""
    tables = checked(power.shape([answer("power", None), answer("power", [], raw_id="raw-2")], BATTERY_SITE))
    assert (len(tables["power"]), reasons(tables)) == (0, [])


def test_an_error_status_has_no_rows_and_is_no_news_for_quarantine() -> None:
    failed = replace(answer("power", [power_row(FULL_DAY[0])]), status=500)
    tables = checked(power.shape([failed], BATTERY_SITE))
    assert (len(tables["power"]), reasons(tables)) == (0, [])


def test_a_whole_answer_that_cannot_be_read_is_one_row_of_quarantine() -> None:
    tables = checked(power.shape([replace(answer("power", []), body=b"<html>")], BATTERY_SITE))
    assert reasons(tables) == [(-1, "not_json")]
    assert orjson.loads(tables["quarantine"]["payload"][0]) == "<html>"


@pytest.mark.parametrize("given", [answer("power", [], site_id=5), answer("soe", [])], ids=["site", "series"])
def test_an_answer_of_another_site_or_series_is_the_callers_mistake(given: Any) -> None:
    with pytest.raises(ValueError, match="expected site 101, series power"):
        power.shape([given], BATTERY_SITE)


def test_an_unknown_column_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing new of the API goes by unnoticed, and nothing is said twice."""
    rows = [{**power_row(stamp), "heat_pump_power": 4} for stamp in FULL_DAY[:2]]
    with caplog.at_level(logging.WARNING, logger="transform"):
        for raw_id in ("a", "b"):
            power.shape([answer("power", rows, raw_id=raw_id)], BATTERY_SITE)
    assert [record.getMessage() for record in caplog.records] == ["unknown column series=power column=heat_pump_power"]
