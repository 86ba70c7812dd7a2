"""What later responses changed, and what is no change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, answer, checked, energy_row, power_row, records
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods

DAY = date(2025, 6, 10)
MIDNIGHT = datetime(2025, 6, 10, 7, tzinfo=UTC)


def reported(number: int, rows: list[object], *, asked: datetime | None = None, series: str = "power") -> KeptAnswer:
    instant = asked or datetime(2025, 6, 12 + number, tzinfo=UTC)
    return answer(series, rows, day=DAY, asked=instant, raw_id=f"raw-{number}")


def at(minutes: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=minutes)


def test_each_changed_value_is_a_row_with_old_and_new() -> None:
    """Q12: three responses; up, down, and one measure that stays."""
    responses = [
        reported(number, [power_row(at(0), solar, grid=7), power_row(at(5), 1)])
        for number, solar in enumerate((5, 9, 8))
    ]
    found = checked(shape_power(responses, BATTERY_SITE))["revisions"]
    changed = found[found["measure"] == "solar_w"]
    assert changed["old_value"].tolist() == [5.0, 9.0]
    assert changed["new_value"].tolist() == [9.0, 8.0]
    assert set(found["measure"]) == {"solar_w", "home_w"}, "the home follows"
    first = records(changed)[0]
    assert (first["site_id"], first["series"], first["interval_start"]) == (101, "power", MIDNIGHT)
    assert first["seen_at"] == datetime(2025, 6, 13, tzinfo=UTC)


def test_the_order_of_responses_means_nothing_and_one_response_given_twice_is_one() -> None:
    responses = [reported(number, [power_row(at(0), number)]) for number in range(3)]
    once = shape_power(responses, BATTERY_SITE)["revisions"]
    again = shape_power([*responses[::-1], responses[0]], BATTERY_SITE)["revisions"]
    assert records(once) == records(again)


def test_the_same_response_again_changes_nothing() -> None:
    responses = [reported(number, [power_row(at(0), 5), power_row(at(5), 6)]) for number in range(3)]
    assert "revisions" not in shape_power(responses, BATTERY_SITE)


def test_two_rows_of_one_response_are_no_revision() -> None:
    """Q18: of an instant that comes twice the last row counts, and no other value was reported before."""
    assert "revisions" not in shape_power([reported(0, [power_row(at(0), 0), power_row(at(0), 5)])], BATTERY_SITE)
    responses = [
        reported(0, [power_row(at(0), 0), power_row(at(0), 5)]),
        reported(1, [power_row(at(0), 1), power_row(at(0), 5)]),
    ]
    assert "revisions" not in shape_power(responses, BATTERY_SITE)


@pytest.mark.parametrize(("seconds", "is_revised"), [(299, False), (300, True)])
def test_the_running_interval_grows_and_is_not_revised(seconds: int, is_revised: bool) -> None:
    """Q11: asked a second before the end of its five minutes, or at the end."""
    early = reported(0, [power_row(at(0), 1)], asked=MIDNIGHT + timedelta(seconds=seconds))
    tables = shape_power([early, reported(1, [power_row(at(0), 9)])], BATTERY_SITE)
    assert ("revisions" in tables) is is_revised


def test_a_value_that_appears_is_a_change_from_null() -> None:
    """Q24: a column that an early response did not have."""
    responses = [reported(0, [power_row(at(0), 1)]), reported(1, [{**power_row(at(0), 1), "generator_power": 5}])]
    found = checked(shape_power(responses, BATTERY_SITE))["revisions"]
    by_measure = found.set_index("measure")
    assert by_measure["old_value"].isna().to_dict() == {"generator_w": True, "home_w": False}
    assert by_measure.loc["generator_w", "new_value"] == 5.0


def test_energy_intervals_are_followed_too() -> None:
    rows = [[energy_row(at(0), solar_energy_exported=wh)] for wh in (20, 18)]
    responses = [reported(number, list(row), series="energy_interval") for number, row in enumerate(rows)]
    (row,) = records(shape_energy_intervals(responses, BATTERY_SITE)["revisions"])
    assert (row["measure"], row["old_value"], row["new_value"]) == ("solar_energy_exported_wh", 20.0, 18.0)


def test_a_period_that_was_over_is_revised_and_one_that_ran_is_not() -> None:
    """Q13: the month's rows of 10 June, asked on the 10th, the 12th and the 13th."""
    stamp = "2025-06-10T01:00:00-07:00"
    asked = [MIDNIGHT + timedelta(hours=12), datetime(2025, 6, 12, tzinfo=UTC), datetime(2025, 6, 13, tzinfo=UTC)]
    responses = [
        reported(number, [energy_row(stamp, grid_energy_imported=wh)], asked=instant, series="energy_day")
        for number, (wh, instant) in enumerate(zip((100, 900, 880), asked, strict=True))
    ]
    (row,) = records(checked(shape_periods(responses, BATTERY_SITE))["revisions"])
    assert (row["series"], row["interval_start"], row["old_value"], row["new_value"]) == (
        "energy_day",
        MIDNIGHT,
        900.0,
        880.0,
    )


def test_a_period_that_still_ran_in_every_response_is_not_revised() -> None:
    """Q13: no value of it was ever final."""
    responses = [
        reported(
            number,
            [energy_row("2025-06-10T01:00:00-07:00")],
            asked=MIDNIGHT + timedelta(hours=number),
            series="energy_day",
        )
        for number in (3, 4)
    ]
    assert "revisions" not in shape_periods(responses, BATTERY_SITE)


def late(number: int, rows: list[Any]) -> KeptAnswer:
    """A response of a run of its own, two days and more after the end of the day."""
    asked = datetime(2025, 6, 14 + number, tzinfo=UTC)
    return replace(reported(number, rows, asked=asked), run_id=f"run-{number}")


def test_a_row_that_comes_with_a_later_run_is_a_change_from_null() -> None:
    """Q14: the first response was final, with a row missing, or with none."""
    both = [power_row(at(0), 1), power_row(at(5), 2)]
    for first in (both[:1], []):
        found = checked(shape_power([late(0, first), late(1, both), late(2, both)], BATTERY_SITE))["revisions"]
        assert found["old_value"].isna().all()
        assert set(found["interval_start"]) == {at(5), *([] if first else [MIDNIGHT])}
        assert set(found["seen_at"]) == {late(1, both).requested_at}


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(replace(late(0, []), run_id="run-1"), id="the same run requested it twice"),
        pytest.param(
            replace(late(0, []), requested_at=MIDNIGHT + timedelta(hours=71)), id="the window was not settled"
        ),
        pytest.param(late(0, [power_row(MIDNIGHT - timedelta(days=1), 1)]), id="the rows were of another day"),
    ],
)
def test_a_row_that_was_not_missing_from_a_final_response_is_no_revision(first: KeptAnswer) -> None:
    assert "revisions" not in shape_power([first, late(1, [power_row(at(0), 1)])], BATTERY_SITE)
