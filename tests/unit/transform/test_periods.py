"""Series energy_day, energy_month, energy_year."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, answer, checked, energy_row, reasons, records
from transform.periods import first_days, last_days, shape_periods

LONG_AGO = replace(BATTERY_SITE, installed_at=datetime(2017, 10, 15, 1, tzinfo=UTC))
JUNE = (date(2025, 6, 1), date(2025, 6, 30))


def month(rows: list[dict[str, Any]], **facts: Any) -> KeptAnswer:
    return answer("energy_day", rows, day=JUNE[0], until=JUNE[1], **facts)


def year(rows: list[dict[str, Any]], number: int = 2025, **facts: Any) -> KeptAnswer:
    return answer("energy_month", rows, day=date(number, 1, 1), until=date(number, 12, 31), **facts)


def lifetime(rows: list[dict[str, Any]], **facts: Any) -> KeptAnswer:
    return answer("energy_year", rows, day=date(2017, 10, 14), until=date(9999, 12, 30), **facts)


def rows_of(responses: list[KeptAnswer], site: Any = BATTERY_SITE) -> list[dict[str, Any]]:
    return records(checked(shape_periods(responses, site))["energy_periods"])


@pytest.mark.parametrize(
    ("given", "granularity", "source", "start"),
    [
        (month([energy_row("2025-06-10T01:00:00-07:00")]), "day", "calendar_history/month", date(2025, 6, 10)),
        (year([energy_row("2025-06-01T01:00:00-07:00")]), "month", "calendar_history/year", date(2025, 6, 1)),
        (lifetime([energy_row("2025-01-01T01:00:00-08:00")]), "year", "calendar_history/lifetime", date(2025, 1, 1)),
    ],
)
def test_each_series_has_its_granularity_and_source(
    given: KeptAnswer, granularity: str, source: str, start: date
) -> None:
    """Q9: of the stamp only the day means anything."""
    (row,) = rows_of([given], LONG_AGO)
    assert (row["granularity"], row["source"], row["period_start"]) == (granularity, source, start)


@pytest.mark.parametrize("period", ["week", "day", "month"])
def test_cross_checks_of_a_day_differ_by_the_period_they_name(period: str) -> None:
    """Q19: week and day are asked where the month drops a day."""
    given = month([energy_row("2025-06-10T01:00:00-07:00")], envelope={"period": period})
    assert [row["source"] for row in rows_of([given])] == [f"calendar_history/{period}"]


@pytest.mark.parametrize("stamp", ["2025-06-10T01:00:00-07:00", "2025-06-10T00:00:00-07:00", "2025-06-10T08:00:00Z"])
def test_the_day_of_a_stamp_is_that_of_its_own_offset(stamp: str) -> None:
    """Q9, Q18: 01:00, the 00:00 of the 2018 vintage, and `Z`, which is read on the site's clock."""
    assert [row["period_start"] for row in rows_of([month([energy_row(stamp)])])] == [date(2025, 6, 10)]


def test_a_stamp_in_utc_east_of_greenwich_is_of_the_next_local_day() -> None:
    """Q18: 15:00 Z is 01:00 in Sydney, a day later."""
    site = replace(BATTERY_SITE, timezone="Australia/Sydney")
    given = month([energy_row("2025-06-09T15:00:00Z")], envelope={"installation_time_zone": site.timezone})
    assert [row["period_start"] for row in rows_of([given], site)] == [date(2025, 6, 10)]


def test_the_first_period_begins_with_its_calendar_period_and_is_partial() -> None:
    """A year series may begin in the middle of the day of installation."""
    stamp = "2017-10-14T18:00:00-07:00"
    for given, start in (
        (year([energy_row(stamp)], 2017), date(2017, 10, 1)),
        (lifetime([energy_row(stamp)]), date(2017, 1, 1)),
    ):
        (row,) = rows_of([given], LONG_AGO)
        assert (row["period_start"], row["is_partial"]) == (start, True)


@pytest.mark.parametrize(
    ("asked", "is_partial"),
    [
        (datetime(2025, 6, 11, 6, 59, tzinfo=UTC), True),
        (datetime(2025, 6, 11, 7, 0, tzinfo=UTC), False),
    ],
)
def test_a_day_is_partial_until_its_last_local_minute_is_over(asked: datetime, is_partial: bool) -> None:
    (row,) = rows_of([month([energy_row("2025-06-10T01:00:00-07:00")], asked=asked)])
    assert row["is_partial"] is is_partial


@pytest.mark.parametrize(
    ("asked", "is_partial"), [(datetime(2025, 7, 1, 6, tzinfo=UTC), True), (datetime(2025, 7, 1, 8, tzinfo=UTC), False)]
)
def test_a_month_is_partial_until_it_is_over(asked: datetime, is_partial: bool) -> None:
    (row,) = rows_of([year([energy_row("2025-06-01T01:00:00-07:00")], asked=asked)])
    assert row["is_partial"] is is_partial


@pytest.mark.parametrize(
    ("installed", "is_partial"),
    [
        (datetime(2025, 6, 10, 7, 0, tzinfo=UTC), False),
        (datetime(2025, 6, 10, 7, 1, tzinfo=UTC), True),
        (datetime(2025, 6, 11, 6, 59, tzinfo=UTC), True),
        (datetime(2025, 6, 11, 7, 0, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_the_day_of_installation_is_partial_unless_it_was_whole(installed: datetime | None, is_partial: bool) -> None:
    (row,) = rows_of([month([energy_row("2025-06-10T01:00:00-07:00")])], replace(BATTERY_SITE, installed_at=installed))
    assert row["is_partial"] is is_partial


def test_rows_finer_than_the_period_are_added_up_by_local_day() -> None:
    """Q10: since 2024 week and month may come by the hour; an absent measure stays NULL."""
    rows = [energy_row(f"2025-06-10T{hour:02d}:00:00-07:00", solar_energy_exported=hour) for hour in range(24)]
    for row in rows:
        del row["generator_energy_exported"]
    (row,) = rows_of([month([*rows, energy_row("2025-06-10T12:00:00-07:00", solar_energy_exported=12)])])
    assert row["solar_energy_exported_wh"] == sum(range(24))
    assert row["generator_energy_exported_wh"] == 0.0  # the duplicate of 12:00 has it; the others have none
    (row,) = rows_of([month(rows)])
    assert pd.isna(row["generator_energy_exported_wh"])


def test_a_sum_beyond_all_measure_is_quarantined() -> None:
    """Each row is within bounds; what they add up to is no energy of any site."""
    rows = [energy_row(f"2025-06-10T{hour:02d}:00:00-07:00", solar_energy_exported=9e8) for hour in (2, 3)]
    tables = checked(shape_periods([month(rows)], BATTERY_SITE))
    (row,) = records(tables["energy_periods"])
    assert pd.isna(row["solar_energy_exported_wh"])
    assert row["grid_energy_imported_wh"] == 0.0
    assert reasons(tables) == [(0, "out_of_range")]


def test_a_sum_of_which_a_value_cannot_be_used_is_unknown() -> None:
    """Of the other measures the sum is whole."""
    rows = [
        energy_row(
            f"2025-06-10T{hour:02d}:00:00-07:00", solar_energy_exported="?" if hour == 5 else 9, grid_energy_imported=1
        )
        for hour in range(24)
    ]
    tables = checked(shape_periods([month(rows)], BATTERY_SITE))
    (row,) = records(tables["energy_periods"])
    assert pd.isna(row["solar_energy_exported_wh"])
    assert row["grid_energy_imported_wh"] == 24.0
    assert reasons(tables) == [(5, "not_a_number")]


def test_a_day_that_has_not_begun_is_not_a_measurement() -> None:
    """Q11 for periods: tomorrow's zero goes nowhere, tomorrow's energy to quarantine."""
    asked = datetime(2025, 6, 10, 20, tzinfo=UTC)
    rows = [
        energy_row("2025-06-10T01:00:00-07:00", solar_energy_exported=1),
        energy_row("2025-06-11T01:00:00-07:00"),
        energy_row("2025-06-12T01:00:00-07:00", solar_energy_exported=1),
    ]
    tables = checked(shape_periods([month(rows, asked=asked)], BATTERY_SITE))
    assert tables["energy_periods"]["period_start"].tolist() == [date(2025, 6, 10)]
    assert reasons(tables) == [(2, "future_value")]


def test_a_month_without_any_of_its_days_is_of_a_wrong_window() -> None:
    """Q22, Q27: asked with a spring offset, all of March came back as the first of April."""
    tables = checked(shape_periods([month([energy_row("2025-07-01T01:00:00-07:00")])], BATTERY_SITE))
    assert len(tables["energy_periods"]) == 0
    assert reasons(tables) == [(0, "wrong_window")]


def test_days_beside_those_asked_for_count_for_themselves() -> None:
    """Some servers give every day since the installation; the response for a day's own month is better, though older."""
    since = [date(2025, 5, 30) + timedelta(days=ahead) for ahead in range(40)]
    given = {
        name: [energy_row(f"{day}T01:00:00-07:00", solar_energy_exported=wh) for day in since]
        for name, wh in (("may", 5), ("june", 6), ("odd", "?"))
    }
    del given["may"][1], given["june"][2]
    given["june"][3] = given["odd"][4]
    may = answer(
        "energy_day",
        given["may"],
        day=date(2025, 5, 1),
        until=date(2025, 5, 31),
        raw_id="may",
        asked=datetime(2026, 1, 2, tzinfo=UTC),
    )
    tables = checked(shape_periods([month(given["june"], raw_id="june"), may], BATTERY_SITE))
    found = {row["period_start"]: row["_raw_id"] for row in records(tables["energy_periods"])}
    own = {day: "june" if day.month == 6 else "may" for day in since}
    assert found == own | {since[1]: "june", since[2]: "may", since[4]: "may"}
    assert reasons(tables) == [(3, "not_a_number")]


def test_of_several_responses_the_last_fetched_wins_per_source() -> None:
    """Q12: the week's word does not replace the month's."""
    stamp = "2025-06-10T01:00:00-07:00"
    early = month([energy_row(stamp, solar_energy_exported=1)], raw_id="a")
    late = replace(
        month([energy_row(stamp, solar_energy_exported=2)], raw_id="b"), requested_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    week = month([energy_row(stamp, solar_energy_exported=3)], raw_id="c", envelope={"period": "week"})
    assert {row["source"]: row["solar_energy_exported_wh"] for row in rows_of([late, week, early])} == {
        "calendar_history/month": 2.0,
        "calendar_history/week": 3.0,
    }


def test_three_series_in_one_call_keep_apart() -> None:
    """The first of January is a day, a month and a year."""
    stamp = "2025-01-01T01:00:00-08:00"
    given = [
        replace(month([energy_row(stamp, solar_energy_exported=1)], raw_id="a"), window_start=date(2025, 1, 1)),
        year([energy_row(stamp, solar_energy_exported=2)], raw_id="b"),
        lifetime([energy_row(stamp, solar_energy_exported=3)], raw_id="c"),
    ]
    assert {row["granularity"]: row["solar_energy_exported_wh"] for row in rows_of(given)} == {
        "day": 1,
        "month": 2,
        "year": 3,
    }


@pytest.mark.parametrize(
    ("granularity", "day", "first", "last"),
    [
        ("day", "2024-02-29", "2024-02-29", "2024-02-29"),
        ("week", "2024-02-29", "2024-02-25", "2024-03-02"),
        ("week", "2024-02-25", "2024-02-25", "2024-03-02"),
        ("week", "1969-12-31", "1969-12-28", "1970-01-03"),
        ("month", "2024-02-10", "2024-02-01", "2024-02-29"),
        ("year", "2024-02-10", "2024-01-01", "2024-12-31"),
    ],
)
def test_each_period_is_a_calendar_period_and_weeks_run_from_sunday_to_saturday(
    granularity: str, day: str, first: str, last: str
) -> None:
    """API.md#legacy; leap day, and weeks before the day that machines count from."""
    names = np.array([granularity])
    starts = first_days(np.array([day], dtype="datetime64[D]"), names)
    assert (str(starts[0]), str(last_days(starts, names)[0])) == (first, last)


def sums_of_weeks(*, is_mixed: bool) -> list[dict[str, Any]]:
    """June 2025 as in 2018: a Sunday has the sum of its week; the other days are there, too, or not at all."""
    days = {date(2025, 6, 1) + timedelta(days=ahead): 7000 + 37 * ahead for ahead in range(30)}
    weeks = {day: sum(days.get(day + timedelta(days=ahead), 0) for ahead in range(7)) for day in days}
    return [
        energy_row(f"{day}T00:00:00-07:00", solar_energy_exported=weeks[day] if day.weekday() == 6 else wh)
        for day, wh in days.items()
        if is_mixed or day.weekday() == 6
    ]


@pytest.mark.parametrize("is_mixed", [True, False])
def test_a_row_of_a_month_that_is_the_sum_of_its_week_is_no_day(is_mixed: bool) -> None:
    """Q10: the whole month shows it; the last Sunday, whose week has not ended, is a week like the others."""
    found = rows_of([month(sums_of_weeks(is_mixed=is_mixed))])
    by_grain = {
        grain: [row["period_start"] for row in found if row["granularity"] == grain] for grain in ("day", "week")
    }
    sundays = [date(2025, 6, day) for day in (1, 8, 15, 22, 29)]
    assert by_grain["week"] == sundays
    assert len(by_grain["day"]) == (25 if is_mixed else 0)
    assert {row["source"] for row in found} == {"calendar_history/month"}


@pytest.mark.parametrize("factor", [1, 5, 30])
def test_busy_sundays_are_days(factor: int) -> None:
    """A home that is used on Sundays has most of its energy there; what a Sunday has beyond the other days is no day's."""
    rows = [
        energy_row(
            f"{day}T01:00:00-07:00",
            solar_energy_exported=9000,
            grid_energy_imported=900 * (factor if day.weekday() == 6 else 1),
        )
        for day in (date(2025, 6, 1) + timedelta(days=ahead) for ahead in range(30))
    ]
    assert {row["granularity"] for row in rows_of([month(rows)])} == {"day"}
