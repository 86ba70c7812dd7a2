"""How long intervals are, and which of overlapping ones counts."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, slots
from transform.interval_lengths import is_counted_once, measure_interval_s
from transform.intervals import shape_energy_intervals
from wattlog.zones import Zone

DAY = date(2025, 6, 10)


def measured(stamps: list[datetime], responses: list[int] | None = None, default_s: int = 300) -> list[int]:
    instants = pd.Series(pd.DatetimeIndex([stamp.astimezone(UTC) for stamp in stamps]).as_unit("us"))
    owners = np.array(responses or [0] * len(stamps), dtype=np.int64)
    return [int(length) for length in measure_interval_s(instants, owners, default_s=default_s)]


@pytest.mark.parametrize("step_s", [300, 900, 1800, 3600])
@pytest.mark.parametrize(
    ("zone", "day"), [("America/Los_Angeles", date(2025, 3, 9)), ("Australia/Lord_Howe", date(2025, 4, 6))]
)
def test_the_length_is_measured_on_days_when_the_clocks_change(zone: str, day: date, step_s: int) -> None:
    """Q5, Q10, Q37: nothing is assumed of the length, and a skipped hour is no gap."""
    assert set(measured(slots(day, Zone(zone), step_s=step_s), default_s=60)) == {step_s}


def test_gaps_do_not_lengthen_the_intervals_next_to_them() -> None:
    """Q14, Q15: rows are missing here and there, and a whole morning is."""
    day = slots(date(2025, 6, 10), UTC)
    assert set(measured([*day[:40], *day[41:50], *day[52:60], *day[150:]])) == {300}


def test_the_order_of_rows_and_the_other_responses_mean_nothing() -> None:
    """A five-minute and a quarter-hour response side by side each keep their own length."""
    fine, coarse = slots(date(2025, 6, 10), UTC), slots(date(2025, 6, 11), UTC, step_s=900)
    stamps = [*reversed(fine), *coarse[::2], *coarse[1::2]]
    assert measured(stamps, [0] * len(fine) + [1] * len(coarse)) == [300] * len(fine) + [900] * len(coarse)


def test_a_response_with_too_few_rows_takes_the_usual_length() -> None:
    """Two rows around a gap are a quarter of an hour apart; its siblings say what the series is."""
    full = slots(date(2025, 6, 10), UTC)
    few = [datetime(2025, 6, 11, 0, 0, tzinfo=UTC), datetime(2025, 6, 11, 0, 15, tzinfo=UTC)]
    assert measured([*full, *few], [0] * len(full) + [1, 1])[-2:] == [300, 300]


def test_a_single_row_takes_the_default_of_its_series() -> None:
    assert measured([datetime(2025, 6, 10, tzinfo=UTC)], default_s=900) == [900]


def test_rows_of_different_responses_are_not_adjacent() -> None:
    """Each response's last row and the next one's first show no length."""
    stamps = [datetime(2025, 6, 10, 0, 15 * index, tzinfo=UTC) for index in range(4)]
    assert measured(stamps, [0, 1, 2, 3], default_s=300) == [300] * 4


def test_no_rows_have_no_lengths() -> None:
    assert measured([]) == []


def test_a_response_that_mixes_lengths_is_split() -> None:
    """Q10: quarter hours until noon, five minutes from then on, and the other way round."""
    coarse, fine = slots(DAY, UTC, step_s=900), slots(DAY, UTC)
    assert measured([*coarse[:48], *fine[144:]]) == [900] * 48 + [300] * 144
    assert measured([*fine[:144], *coarse[48:]]) == [300] * 144 + [900] * 48


def test_no_interval_reaches_into_the_next_row_of_its_response() -> None:
    """A stray row in the middle of a quarter hour ends it."""
    coarse = slots(DAY, UTC, step_s=900)
    stray = datetime(2025, 6, 10, 6, 5, tzinfo=UTC)
    lengths = dict(zip([*coarse, stray], measured([*coarse, stray]), strict=True))
    assert (lengths[datetime(2025, 6, 10, 6, 0, tzinfo=UTC)], lengths[stray]) == (300, 600)
    assert sum(lengths.values()) == 86_400


def test_one_wide_step_is_a_gap_and_four_are_a_change() -> None:
    """Q14: three quarter hours amid five minutes are rows that are missing."""
    fine = slots(DAY, UTC)
    for steps, expected in ((3, 300), (4, 900)):
        stretch = fine[100 : 100 + 3 * steps : 3]
        lengths = measured([*fine[:100], *stretch, *fine[100 + 3 * steps :]])
        assert set(lengths[100 : 100 + steps]) == {expected}, steps


@pytest.mark.parametrize(
    ("fine", "over", "kept_fine", "kept_coarse"),
    [
        ([0, 300, 600], [True] * 3, [0, 300, 600], [900]),
        ([0, 600], [True] * 2, [], [0, 900]),
        ([0, 300, 600], [True, True, False], [], [0, 900]),
        ([600, 900, 1200, 1500], [True] * 4, [900, 1200, 1500], [0]),
        ([1800], [True], [1800], [0, 900]),
        ([], [], [], [0, 900]),
    ],
    ids=["filled", "one missing", "not over", "half of one, all of the other", "adjacent", "none"],
)
def test_the_finer_counts_where_it_is_whole_and_the_coarser_where_it_is_not(
    fine: list[int], over: list[bool], kept_fine: list[int], kept_coarse: list[int]
) -> None:
    """Q21: half an hour in quarter hours, and five minutes of it."""
    starts = np.array([*fine, 0, 900], dtype=np.int64)
    lengths = np.array([300] * len(fine) + [900] * 2, dtype=np.int64)
    kept = is_counted_once(starts, lengths, np.array([*over, True, True]))
    assert starts[kept & (lengths == 300)].tolist() == kept_fine
    assert starts[kept & (lengths == 900)].tolist() == kept_coarse


def test_a_day_in_both_lengths_is_summed_once() -> None:
    """Q21: `interval=15m` and five minutes of the same day; the morning only in the coarser, noon only in the finer."""
    fine = [energy_row(stamp, solar_energy_exported=1) for stamp in slots(DAY, UTC)]
    coarse = [energy_row(stamp, solar_energy_exported=3) for stamp in slots(DAY, UTC, step_s=900)]
    responses = [
        answer("energy_interval", fine[96:], day=DAY, raw_id="five", envelope={}),
        answer("energy_interval", [*coarse[:48], *coarse[60:]], day=DAY, raw_id="fifteen", envelope={}),
    ]
    site = replace(BATTERY_SITE, timezone="UTC+00:00")
    frame = checked(shape_energy_intervals(responses, site))["energy_intervals"]
    assert frame["solar_energy_exported_wh"].sum() == 288
    assert frame["interval_s"].tolist() == [900] * 32 + [300] * 192


@pytest.mark.parametrize(("hour", "is_later"), [(2, True), (2, False), (14, True), (14, False)])
def test_later_quarter_hours_with_the_energy_that_zeros_lack_count(hour: int, is_later: bool) -> None:
    """Q14, Q21: five minutes of an outage were zeros; the settled response has quarter hours with all of the energy."""
    energy = {stamp: 0 if stamp.hour < 6 else 4 for stamp in slots(DAY, LOS_ANGELES)}
    fine = [
        energy_row(stamp, solar_energy_exported=0 if hour <= stamp.hour < hour + 2 else wh)
        for stamp, wh in energy.items()
    ]
    coarse = [
        energy_row(stamp, solar_energy_exported=3 * energy[stamp]) for stamp in slots(DAY, LOS_ANGELES, step_s=900)
    ]
    asked = datetime(2025, 6, 11, 8, tzinfo=UTC), datetime(2025, 6, 14, 8, tzinfo=UTC)
    responses = [
        answer("energy_interval", fine, raw_id="fine", asked=asked[0 if is_later else 1]),
        answer("energy_interval", coarse, raw_id="coarse", asked=asked[1 if is_later else 0]),
    ]
    frame = checked(shape_energy_intervals(responses, BATTERY_SITE))["energy_intervals"]
    quarters = frame[frame["interval_s"] == 900]
    lacks = 8 * 12 if hour == 14 else 0
    assert frame["solar_energy_exported_wh"].sum() == 4 * 18 * 12 - (0 if is_later else lacks)
    assert len(quarters) == (8 if is_later and lacks else 0)


def test_quarter_hours_that_are_rounded_otherwise_do_not_count() -> None:
    """Up to a Wh of each row is rounding, and at dawn some rows are zero."""
    fine = [energy_row(stamp, solar_energy_exported=index % 3) for index, stamp in enumerate(slots(DAY, LOS_ANGELES))]
    coarse = [energy_row(stamp, solar_energy_exported=6) for stamp in slots(DAY, LOS_ANGELES, step_s=900)]
    responses = [
        answer("energy_interval", rows, raw_id=name, asked=datetime(2025, 6, day, tzinfo=UTC))
        for rows, name, day in ((fine, "fine", 13), (coarse, "coarse", 14))
    ]
    frame = checked(shape_energy_intervals(responses, BATTERY_SITE))["energy_intervals"]
    assert set(frame["interval_s"]) == {300}
