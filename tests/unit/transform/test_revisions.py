"""What later answers changed, and what is no change."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, answer, checked, energy_row, power_row, records
from transform import energy_intervals, energy_periods, power

DAY = date(2025, 6, 10)
MIDNIGHT = datetime(2025, 6, 10, 7, tzinfo=UTC)


def told(number: int, rows: list[object], *, asked: datetime | None = None, series: str = "power") -> KeptAnswer:
    instant = asked or datetime(2025, 6, 12 + number, tzinfo=UTC)
    return answer(series, rows, day=DAY, asked=instant, raw_id=f"raw-{number}")


def at(minutes: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=minutes)


def test_each_changed_value_is_a_row_with_old_and_new() -> None:
    """Q12: three answers; up, down, and one measure that stays."""
    answers = [
        told(each, [power_row(at(0), solar, grid=7), power_row(at(5), 1)]) for each, solar in enumerate((5, 9, 8))
    ]
    found = checked(power.shape(answers, BATTERY_SITE))["revisions"]
    changed = found[found["measure"] == "solar_w"]
    assert changed["old_value"].tolist() == [5.0, 9.0]
    assert changed["new_value"].tolist() == [9.0, 8.0]
    assert set(found["measure"]) == {"solar_w", "home_w"}, "the home follows"
    first = records(changed)[0]
    assert (first["site_id"], first["series"], first["interval_start"]) == (101, "power", MIDNIGHT)
    assert first["seen_at"] == datetime(2025, 6, 13, tzinfo=UTC)


def test_the_order_of_answers_means_nothing_and_one_answer_given_twice_is_one() -> None:
    answers = [told(each, [power_row(at(0), each)]) for each in range(3)]
    once = power.shape(answers, BATTERY_SITE)["revisions"]
    again = power.shape([*answers[::-1], answers[0]], BATTERY_SITE)["revisions"]
    assert records(once) == records(again)


def test_the_same_answer_again_changes_nothing() -> None:
    answers = [told(each, [power_row(at(0), 5), power_row(at(5), 6)]) for each in range(3)]
    assert "revisions" not in power.shape(answers, BATTERY_SITE)


def test_two_rows_of_one_answer_are_no_revision() -> None:
    """Q18: of an instant that comes twice the last row counts, and nobody was told otherwise before."""
    assert "revisions" not in power.shape([told(0, [power_row(at(0), 0), power_row(at(0), 5)])], BATTERY_SITE)
    answers = [told(0, [power_row(at(0), 0), power_row(at(0), 5)]), told(1, [power_row(at(0), 1), power_row(at(0), 5)])]
    assert "revisions" not in power.shape(answers, BATTERY_SITE)


@pytest.mark.parametrize(("seconds", "is_revised"), [(299, False), (300, True)])
def test_the_running_interval_grows_and_is_not_revised(seconds: int, is_revised: bool) -> None:
    """Q11: asked a second before the end of its five minutes, or at the end."""
    early = told(0, [power_row(at(0), 1)], asked=MIDNIGHT + timedelta(seconds=seconds))
    tables = power.shape([early, told(1, [power_row(at(0), 9)])], BATTERY_SITE)
    assert ("revisions" in tables) is is_revised


def test_a_value_that_appears_is_a_change_from_null() -> None:
    """Q24: a column that an early answer did not have."""
    answers = [told(0, [power_row(at(0), 1)]), told(1, [{**power_row(at(0), 1), "generator_power": 5}])]
    found = checked(power.shape(answers, BATTERY_SITE))["revisions"]
    by_measure = found.set_index("measure")
    assert by_measure["old_value"].isna().to_dict() == {"generator_w": True, "home_w": False}
    assert by_measure.loc["generator_w", "new_value"] == 5.0


def test_energy_intervals_are_followed_too() -> None:
    rows = [[energy_row(at(0), solar_energy_exported=wh)] for wh in (20, 18)]
    answers = [told(each, list(row), series="energy_interval") for each, row in enumerate(rows)]
    (row,) = records(energy_intervals.shape(answers, BATTERY_SITE)["revisions"])
    assert (row["measure"], row["old_value"], row["new_value"]) == ("solar_energy_exported_wh", 20.0, 18.0)


def test_a_period_that_was_over_is_revised_and_one_that_ran_is_not() -> None:
    """Q13: the month's rows of 10 June, asked on the 10th, the 12th and the 13th."""
    stamp = "2025-06-10T01:00:00-07:00"
    asked = [MIDNIGHT + timedelta(hours=12), datetime(2025, 6, 12, tzinfo=UTC), datetime(2025, 6, 13, tzinfo=UTC)]
    answers = [
        told(number, [energy_row(stamp, grid_energy_imported=wh)], asked=instant, series="energy_day")
        for number, (wh, instant) in enumerate(zip((100, 900, 880), asked, strict=True))
    ]
    (row,) = records(checked(energy_periods.shape(answers, BATTERY_SITE))["revisions"])
    assert (row["series"], row["interval_start"], row["old_value"], row["new_value"]) == (
        "energy_day",
        MIDNIGHT,
        900.0,
        880.0,
    )


def test_a_period_that_still_ran_in_every_answer_is_not_revised() -> None:
    """Q13: nothing that was told of it was ever final."""
    answers = [
        told(
            number,
            [energy_row("2025-06-10T01:00:00-07:00")],
            asked=MIDNIGHT + timedelta(hours=number),
            series="energy_day",
        )
        for number in (3, 4)
    ]
    assert "revisions" not in energy_periods.shape(answers, BATTERY_SITE)
