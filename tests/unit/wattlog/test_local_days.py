"""Where a local day begins, for one day and for columns."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

import numpy as np
import pytest

from wattlog.local_days import first_instant, first_instants_us
from wattlog.zones import Zone

LOS_ANGELES = Zone("America/Los_Angeles")
FIXED = timezone(timedelta(hours=-8))

CASES = [
    (LOS_ANGELES, date(2025, 3, 9), "2025-03-09T08:00", 23.0),
    (LOS_ANGELES, date(2025, 3, 10), "2025-03-10T07:00", 24.0),
    (LOS_ANGELES, date(2025, 11, 2), "2025-11-02T07:00", 25.0),
    (FIXED, date(2025, 3, 10), "2025-03-10T08:00", 24.0),
    (Zone("Australia/Lord_Howe"), date(2025, 4, 6), "2025-04-05T13:00", 24.5),
    (Zone("Australia/Lord_Howe"), date(2025, 10, 5), "2025-10-04T13:30", 23.5),
    (Zone("Australia/Lord_Howe"), date(2025, 10, 6), "2025-10-05T13:00", 24.0),
    (Zone("America/Havana"), date(2025, 11, 2), "2025-11-02T04:00", 25.0),
    (Zone("America/Havana"), date(2025, 3, 9), "2025-03-09T05:00", 23.0),
    (Zone("Asia/Beirut"), date(2025, 3, 30), "2025-03-29T22:00", 23.0),
    (Zone("America/Toronto"), date(1919, 3, 31), "1919-03-31T04:30", 23.5),
    (Zone("Pacific/Apia"), date(2011, 12, 30), "2011-12-30T10:00", 0.0),
]


@pytest.mark.parametrize(("zone", "day", "begins", "hours"), CASES)
def test_a_day_begins_at_its_first_instant_and_is_as_long_as_it_was(
    zone: tzinfo, day: date, begins: str, hours: float
) -> None:
    """Q5, Q37: midnight may come twice (Havana), be skipped (Havana, Beirut, Toronto), or not exist at all (Apia)."""
    first = first_instant(day, zone)
    assert first == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert first.tzinfo is UTC
    assert first_instant(day + timedelta(days=1), zone) - first == timedelta(hours=hours)


def test_a_column_of_days_follows_the_same_rule_in_any_order() -> None:
    days = [date(2025, 3, 10), date(2025, 3, 9), date(2025, 3, 10)]
    found = first_instants_us(np.array(days, dtype="datetime64[D]"), LOS_ANGELES)
    assert found.tolist() == [round(first_instant(day, LOS_ANGELES).timestamp() * 1e6) for day in days]
    assert first_instants_us(np.array([], dtype="datetime64[D]"), LOS_ANGELES).tolist() == []
