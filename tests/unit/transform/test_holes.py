"""Energy that is missing from the intervals of a day, and rows of days that the server cut by another clock, which show it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from tests.unit.transform.answers import BATTERY_SITE, records
from tests.unit.transform.test_daily import DAY, FLOWS, LATER, SETTLE_HOURS, frames
from transform.daily import daily

DAYS = [DAY + timedelta(days=ahead) for ahead in range(-1, 3)]
BY_HONOLULU = "Pacific/Honolulu"
"""Its days begin three hours after those of Los Angeles."""

NOON = datetime(2025, 6, 10, 19, tzinfo=UTC)
"""12:00 in Los Angeles on `DAY`."""

Change = Callable[[pd.DataFrame], pd.DataFrame]


def without(begin: datetime, hours: float) -> Change:
    """Intervals that lack some hours."""
    return lambda rows: rows[~_is_between(rows, begin, hours)].reset_index(drop=True)


def zero(begin: datetime, hours: float) -> Change:
    """Intervals that are zero for some hours."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        names = [name for name in rows.columns if str(name).endswith("_wh")]
        rows.loc[_is_between(rows, begin, hours), names] = 0.0
        return rows

    return change


def _is_between(rows: pd.DataFrame, begin: datetime, hours: float) -> np.ndarray:
    starts = rows["interval_start"]
    return ((starts >= begin) & (starts < begin + timedelta(hours=hours))).to_numpy(dtype=bool)


def estimates(*changes: Change, asked: datetime = LATER, more_wh: float = 0.0) -> dict[date, dict[str, Any]]:
    """The days, with intervals of Los Angeles and the month's rows of Honolulu."""
    whole = {name: 288 * wh for name, wh in FLOWS.items()}
    intervals, periods, power = frames(intervals=dict.fromkeys(DAYS, FLOWS), month=dict.fromkeys(DAYS, whole))
    for change in changes:
        intervals = change(intervals)
    periods = periods.assign(timezone=BY_HONOLULU, _fetched_at=pd.Timestamp(asked))
    periods.loc[periods["period_start"] == DAY, "solar_energy_exported_wh"] += more_wh
    found = daily(intervals, periods, power, BATTERY_SITE, DAYS[0], DAYS[-1], LATER, SETTLE_HOURS)
    return {row["local_date"]: row for row in records(found)}


def solar(row: dict[str, Any]) -> tuple[str, str, float, float]:
    return row["status"], row["source"], row["solar_energy_exported_wh"], row["home_wh"]


def test_a_hole_of_zeros_is_filled_from_the_row_of_another_clock() -> None:
    found = estimates(zero(NOON, 3))
    assert solar(found[DAY]) == ("filled", "energy_intervals", 3456.0, 2016.0)
    assert solar(found[DAYS[0]])[1:] == ("energy_intervals", 3456.0, 2016.0), "a day without a hole is its intervals"


def test_missing_rows_are_filled_as_zeros_are() -> None:
    """With eight hours missing the intervals alone would be no source, and the row of other hours would be taken."""
    found = estimates(without(NOON, 8))
    assert solar(found[DAY]) == ("filled", "energy_intervals", 3456.0, 2016.0)


def test_two_rows_fill_a_hole_that_both_have_a_part_of() -> None:
    """Honolulu's day begins at 03:00 in Los Angeles: the hole is from 01:00 to 05:00."""
    found = estimates(zero(NOON - timedelta(hours=11), 4))
    assert solar(found[DAY])[2:] == (3456.0, 2016.0)


def test_a_hole_over_midnight_is_not_split() -> None:
    """One row has the energy of the hours before and after midnight; how much of it is whose is not known."""
    found = estimates(zero(NOON + timedelta(hours=9), 6))
    assert solar(found[DAY])[2] == 3456.0 - 36 * 12
    assert found[DAY]["status"] == "adjusted"


def test_a_row_that_is_less_than_its_intervals_fills_nothing() -> None:
    found = estimates(zero(NOON, 1), more_wh=-200.0)
    assert solar(found[DAY])[2] == 3456.0 - 12 * 12


def test_a_row_that_was_not_final_fills_nothing() -> None:
    found = estimates(zero(NOON, 1), asked=datetime(2025, 6, 11, 12, tzinfo=UTC))
    assert solar(found[DAY])[2] == 3456.0 - 12 * 12
