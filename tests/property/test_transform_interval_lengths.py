"""Whatever mixture of interval lengths answers a day, its energy counts once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, answer, checked, energy_row, slots
from transform.interval_lengths import is_counted_once
from transform.intervals import shape_energy_intervals
from wattlog.zones import Zone

DAYS = [date(2025, 3, 9), date(2025, 6, 10), date(2025, 11, 2)]


@examples(200)
@given(
    fine=st.lists(st.booleans(), min_size=36, max_size=36),
    coarse=st.lists(st.booleans(), min_size=12, max_size=12),
    hours=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_no_time_is_counted_twice_and_none_that_is_reported_is_lost(
    fine: list[bool], coarse: list[bool], hours: list[bool]
) -> None:
    """Three hours in 5, 15 and 60 minutes, any of them missing: what is kept covers each reported second exactly once (Q21)."""
    rows = [
        (index * length, length)
        for length, present in ((300, fine), (900, coarse), (3600, hours))
        for index, is_present in enumerate(present)
        if is_present
    ]
    starts = np.array([start for start, _ in rows], dtype=np.int64)
    lengths = np.array([length for _, length in rows], dtype=np.int64)
    kept = is_counted_once(starts, lengths, np.ones(len(rows), dtype=bool))
    reported, counted = np.zeros(10_800, dtype=int), np.zeros(10_800, dtype=int)
    for (start, length), is_kept in zip(rows, kept.tolist(), strict=True):
        reported[start : start + length] += 1
        counted[start : start + length] += is_kept
    assert counted.tolist() == np.minimum(reported, 1).tolist()


def _rows(day: date, values: np.ndarray, step_s: int) -> list[dict[str, object]]:
    sums = values.reshape(-1, step_s // 300).sum(axis=1)
    stamps = slots(day, Zone("America/Los_Angeles"), step_s=step_s)
    return [energy_row(stamp, grid_energy_imported=wh) for stamp, wh in zip(stamps, sums.tolist(), strict=True)]


@examples(25)
@given(
    day=st.sampled_from(DAYS),
    seed=st.integers(0, 2**32 - 1),
    hole=st.tuples(st.integers(0, 20), st.integers(0, 3)),
    is_split=st.booleans(),
    order=st.permutations([0, 1]),
)
def test_the_days_energy_is_whole_whichever_responses_report_it(
    day: date, seed: int, hole: tuple[int, int], is_split: bool, order: list[int]
) -> None:
    """Q5, Q10, Q21: five-minute rows with a hole of some hours beside whole quarter hours, or one response of both lengths;
    asked in either order. Σ Wh is the day's."""
    count = len(slots(day, Zone("America/Los_Angeles")))
    values = np.random.default_rng(seed).integers(0, 50_000, count)
    fine, coarse = _rows(day, values, 300), _rows(day, values, 900)
    if is_split:
        noon = count // 6 * 3
        answers = [_response([*fine[:noon], *coarse[noon // 3 :]], day, 0)]
    else:
        first, hours = hole
        holed = [*fine[: first * 12], *fine[(first + hours) * 12 :]]
        answers = [_response(holed, day, order[0]), _response(coarse, day, order[1])]
    site = replace(BATTERY_SITE, timezone="America/Los_Angeles")
    frame = checked(shape_energy_intervals(answers, site))["energy_intervals"]
    assert frame["grid_energy_imported_wh"].sum() == values.sum()
    assert frame["interval_s"].sum() == count * 300


def _response(rows: list[dict[str, object]], day: date, number: int) -> KeptAnswer:
    asked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return answer("energy_interval", rows, day=day, raw_id=f"raw-{number}", asked=asked)
