"""Series history: the old endpoint that counts everything back from now (API.md#legacy)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    KeptAnswer,
    answer,
    checked,
    cut_by,
    energy_row,
    instants,
    power_row,
    reasons,
    records,
    shuffled,
    slots,
)
from transform.history import of_period, shape_history, without
from transform.intervals import shape_power
from transform.sites import Site

NOW = datetime(2025, 6, 10, 20, tzinfo=UTC)
"""One in the afternoon of a Tuesday in Los Angeles."""


def reported(period: str | None, rows: list[Any], *, asked: datetime = NOW, raw_id: str = "r") -> KeptAnswer:
    """A response as the archive keeps it: its window is the UTC day of the request, and it names no zone."""
    envelope = {} if period is None else {"period": period}
    return answer("history", rows, day=asked.date(), asked=asked, raw_id=raw_id, envelope=envelope)


def at(day: date | str) -> str:
    return f"{day}T01:00:00-07:00"


def energy(responses: list[KeptAnswer], site: Site = BATTERY_SITE) -> list[dict[str, Any]]:
    return records(checked(shape_history(responses, site))["energy_periods"])


@pytest.mark.parametrize(
    ("period", "stamps", "granularity", "starts", "is_partial"),
    [
        ("day", ["2025-06-09", "2025-06-10"], "day", ["2025-06-09", "2025-06-10"], [False, True]),
        ("week", ["2025-06-03", "2025-06-09"], "day", ["2025-06-03", "2025-06-09"], [False, False]),
        ("month", ["2025-05-17", "2025-06-07"], "week", ["2025-05-11", "2025-06-01"], [False, False]),
        ("year", ["2024-06-01", "2025-05-01"], "month", ["2024-06-01", "2025-05-01"], [False, False]),
    ],
)
def test_each_period_has_its_grain_and_source(
    period: str, stamps: list[str], granularity: str, starts: list[str], is_partial: list[bool]
) -> None:
    """Q9: of a stamp the day counts; weeks are named by their Saturday and begin on Sunday."""
    rows = [energy_row(at(stamp), solar_energy_exported=100 + index) for index, stamp in enumerate(stamps)]
    found = energy([reported(period, rows)])
    assert [row["period_start"].isoformat() for row in found] == starts
    assert {(row["granularity"], row["source"]) for row in found} == {(granularity, f"history/{period}")}
    assert [row["is_partial"] for row in found] == is_partial
    assert [row["solar_energy_exported_wh"] for row in found] == [100, 101]


@pytest.mark.parametrize("day", [date(2025, 6, 1) + timedelta(days=ahead) for ahead in range(7)])
def test_a_week_begins_on_the_sunday_before_whatever_day_it_is_named_by(day: date) -> None:
    assert [row["period_start"] for row in energy([reported("month", [energy_row(at(day))])])] == [date(2025, 6, 1)]


def test_power_runs_from_yesterday_to_now() -> None:
    """Q11: what is stamped after the asking and zero is dropped; the home is worked out as for calendar_history."""
    stamps = [*slots(date(2025, 6, 9), LOS_ANGELES), *slots(date(2025, 6, 10), LOS_ANGELES)]
    rows = [power_row(stamp, *((300, -100, 50) if stamp < NOW else (0, 0, 0))) for stamp in stamps]
    tables = checked(shape_history([reported(None, rows)], BATTERY_SITE))
    power = tables["power"]
    assert instants(power)[0] == "2025-06-09 07:00"
    assert instants(power)[-1] == "2025-06-10 19:55"
    assert set(power["home_w"]) == {250.0}
    assert len(tables["energy_periods"]) == len(tables["quarantine"]) == 0


def test_the_last_fetched_wins_and_what_it_changed_is_remembered_in_whatever_order_responses_come() -> None:
    """Q12: the ninth was over when it was first reported; the tenth was not, and grew."""
    first = reported(
        "day", [energy_row(at("2025-06-09"), solar_energy_exported=90), energy_row(at("2025-06-10"))], raw_id="b"
    )
    later = reported(
        "day",
        [
            energy_row(at("2025-06-09"), solar_energy_exported=95),
            energy_row(at("2025-06-10"), solar_energy_exported=60),
        ],
        asked=NOW + timedelta(hours=3),
        raw_id="a",
    )
    for responses in ([first, later], shuffled([first, later])):
        tables = checked(shape_history(responses, BATTERY_SITE))
        assert tables["energy_periods"]["solar_energy_exported_wh"].tolist() == [95, 60]
        (change,) = records(tables["revisions"])
        assert (change["series"], change["measure"]) == ("history/day", "solar_energy_exported_wh")
        assert (change["old_value"], change["new_value"]) == (90, 95)


def test_the_same_day_in_two_periods_is_two_rows_and_no_revision() -> None:
    """Day and week are sources of their own."""
    responses = [
        reported("day", [energy_row(at("2025-06-09"), solar_energy_exported=90)], raw_id="d"),
        reported("week", [energy_row(at("2025-06-09"), solar_energy_exported=95)], raw_id="w"),
    ]
    tables = shape_history(responses, BATTERY_SITE)
    assert tables["energy_periods"]["solar_energy_exported_wh"].tolist() == [90, 95]
    assert len(tables["energy_periods"]["source"].unique()) == 2
    assert "revisions" not in tables


def test_a_response_without_a_known_period_is_quarantined_and_the_rest_is_kept() -> None:
    """Without a period it is not known what a row stands for."""
    responses = [
        reported(None, [energy_row(at("2025-06-09"))], raw_id="a"),
        reported("decade", [energy_row(at("2025-06-08")), energy_row(at("2025-06-09"))], raw_id="b"),
        reported("week", [energy_row(at("2025-06-07"), solar_energy_exported=7)], raw_id="c"),
    ]
    tables = checked(shape_history(responses, BATTERY_SITE))
    assert tables["energy_periods"]["_raw_id"].tolist() == ["c"]
    assert tables["energy_periods"]["solar_energy_exported_wh"].tolist() == [7]
    assert reasons(tables) == [(0, "contract"), (0, "contract"), (1, "contract")]


@pytest.mark.parametrize(
    ("period", "stamp", "reason"),
    [
        ("day", "2025-06-07", "wrong_window"),
        ("week", "2025-05-30", "wrong_window"),
        ("month", "2025-05-03", "wrong_window"),
        ("year", "2024-04-01", "wrong_window"),
        ("week", "2025-06-13", "wrong_window"),
        ("week", "2025-06-11", "future_value"),
    ],
)
def test_rows_that_a_response_cannot_contain_are_quarantined(period: str, stamp: str, reason: str) -> None:
    """Q22: what reaches further back than from now, or after it, is filed nowhere."""
    tables = checked(shape_history([reported(period, [energy_row(at(stamp), solar_energy_exported=9)])], BATTERY_SITE))
    assert len(tables["energy_periods"]) == 0
    assert reasons(tables) == [(0, reason)]


def test_values_that_cannot_be_are_quarantined_one_by_one() -> None:
    stamps = slots(date(2025, 6, 9), LOS_ANGELES)
    rows = [power_row(stamp, solar=900 if index else 1e7) for index, stamp in enumerate(stamps)]
    days = [energy_row(at("2025-06-09"), solar_energy_exported=-5), None, energy_row(at("2025-06-08"))]
    tables = checked(
        shape_history([reported(None, rows, raw_id="p"), reported("week", days, raw_id="w")], BATTERY_SITE)
    )
    assert tables["power"]["solar_w"].isna().tolist() == [True] + [False] * 287
    assert tables["power"]["solar_w"].tolist()[1:] == [900] * 287
    assert tables["power"]["home_w"].isna().tolist() == [True] + [False] * 287
    assert [row.isoformat() for row in tables["energy_periods"]["period_start"]] == ["2025-06-08", "2025-06-09"]
    assert tables["energy_periods"]["solar_energy_exported_wh"].isna().tolist() == [False, True]
    found = tables["quarantine"]
    assert list(zip(found["raw_id"], found["row_number"], found["reason"], strict=True)) == [
        ("p", 0, "out_of_range"),
        ("w", 0, "out_of_range"),
        ("w", 1, "null_row"),
    ]


def test_empty_responses_are_no_rows() -> None:
    """Q23: a response without rows is a response."""
    tables = checked(shape_history([reported("day", []), reported(None, [])], BATTERY_SITE))
    assert [len(frame) for frame in tables.values()] == [0, 0, 0]


def test_a_fixed_offset_site_has_its_own_clock() -> None:
    """Q7: at 23:30 by the offset, half past midnight by the zone, today is still today, and not over."""
    site = cut_by(BATTERY_SITE, "UTC-08:00")
    asked = datetime(2025, 6, 11, 7, 30, tzinfo=UTC)
    rows = [energy_row("2025-06-10T01:00:00-08:00", solar_energy_exported=5)]
    for subject, is_partial in ((site, True), (BATTERY_SITE, False)):
        (row,) = energy([reported("day", rows, asked=asked)], subject)
        assert (row["period_start"], row["is_partial"]) == (date(2025, 6, 10), is_partial)


def test_rows_lie_in_the_month_that_they_report() -> None:
    """An evening in May, the week that begins in May, a revision of May: none of it in June."""
    asked = datetime(2025, 6, 1, 20, tzinfo=UTC)
    changed = reported(
        "day", [energy_row(at("2025-05-31"), solar_energy_exported=3)], asked=asked + timedelta(hours=1), raw_id="z"
    )
    responses = [
        reported(None, [power_row("2025-05-31T23:55:00-07:00"), power_row("2025-06-01T00:00:00-07:00")], asked=asked),
        reported("month", [energy_row(at("2025-05-31"))], asked=asked, raw_id="m"),
        reported("day", [energy_row(at("2025-05-31"))], asked=asked, raw_id="d"),
        changed,
    ]
    tables = shape_history(responses, BATTERY_SITE)
    for name, may, june in (("power", 1, 1), ("energy_periods", 2, 0), ("revisions", 1, 0)):
        rows = [len(of_period(tables[name], month, BATTERY_SITE)) for month in ("2025-05", "2025-06")]
        assert rows == [may, june], name


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (["10:00", "10:05"], ["10:10"]),
        (["10:05"], ["10:00", "10:10"]),
        (["09:00"], ["10:00", "10:05", "10:10"]),
        ([], ["10:00", "10:05", "10:10"]),
        (["09:00", "11:00"], ["10:00", "10:05", "10:10"]),
    ],
)
def test_calendar_history_wins_where_both_cover_the_same_time(stored: list[str], kept: list[str]) -> None:
    def rows(times: list[str], solar: float) -> list[dict[str, Any]]:
        return [power_row(f"2025-06-09T{stamp}:00-07:00", solar=solar) for stamp in times]

    legacy = shape_history([reported(None, rows(["10:00", "10:05", "10:10"], 1))], BATTERY_SITE)["power"]
    given = answer("power", rows(stored, 2), day=date(2025, 6, 9))
    calendar = shape_power([given], BATTERY_SITE)["power"]
    left = without(legacy, calendar)
    assert [f"{stamp:%H:%M}" for stamp in left["interval_start"].dt.tz_convert(LOS_ANGELES)] == kept


def test_a_longer_interval_of_calendar_history_covers_the_shorter_ones_within_it() -> None:
    """PD #183: quarter hours on older sites, five minutes of the same time; 10:00 to 10:15 is covered already."""
    stamps = [f"2025-06-09T10:{minute:02d}:00-07:00" for minute in range(0, 30, 5)]
    legacy = shape_history([reported(None, [power_row(stamp) for stamp in stamps])], BATTERY_SITE)["power"]
    quarter = legacy.iloc[:1].assign(interval_s=pd.Series([900], dtype=legacy["interval_s"].dtype))
    assert instants(without(legacy, quarter)) == ["2025-06-09 17:15", "2025-06-09 17:20", "2025-06-09 17:25"]
    five = legacy.iloc[1:2]
    assert len(without(quarter, five)) == 0
