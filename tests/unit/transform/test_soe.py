"""Series soe."""

from datetime import UTC, date, datetime

import pytest

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, slots
from transform import soe


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 92), (date(2025, 11, 2), 100), (date(2025, 6, 10), 96)])
def test_quarter_hours_of_a_day(day: date, rows: int) -> None:
    """Q5: 92 and 100 rows when the clocks change."""
    stamps = slots(day, LOS_ANGELES, step_s=900)
    given = [{"timestamp": stamp.isoformat(), "soe": index} for index, stamp in enumerate(stamps)]
    frame = checked(soe.shape([answer("soe", given, day=day)], BATTERY_SITE))["state_of_energy"]
    assert frame["soe_pct"].tolist() == [float(index) for index in range(rows)]
    assert set(frame["interval_s"]) == {900}
    assert set(frame["local_date"]) == {day}


def test_days_asked_newest_first_stand_in_order_of_time() -> None:
    """A backfill asks the newest day first; nothing else is sorted, since no row comes twice."""
    days = [date(2025, 6, 11), date(2025, 6, 10), date(2025, 6, 9)]
    answers = []
    for number, day in enumerate(days):
        given = [{"timestamp": each.isoformat(), "soe": day.day} for each in slots(day, LOS_ANGELES, step_s=900)]
        asked = datetime(2026, 1, 1, number, tzinfo=UTC)
        answers.append(answer("soe", given, day=day, asked=asked, raw_id=f"raw-{number}"))
    frame = checked(soe.shape(answers, BATTERY_SITE))["state_of_energy"]
    assert frame["interval_start"].is_monotonic_increasing
    assert frame["soe_pct"].tolist() == [9.0] * 96 + [10.0] * 96 + [11.0] * 96
    assert frame["_raw_id"].tolist() == ["raw-2"] * 96 + ["raw-1"] * 96 + ["raw-0"] * 96


def test_a_single_row_is_a_quarter_of_an_hour() -> None:
    row = {"timestamp": "2025-06-10T00:00:00-07:00", "soe": 12}
    assert soe.shape([answer("soe", [row])], BATTERY_SITE)["state_of_energy"]["interval_s"].tolist() == [900]
