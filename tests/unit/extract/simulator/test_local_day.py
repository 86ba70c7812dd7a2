"""Local days, their slots and timestamps."""

from datetime import date

import numpy as np
import pytest

from extract.simulator.local_day import SLOT_S, day_bounds, offset_text, offsets_s, stamps
from wattlog.zones import Zone


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        ("America/Los_Angeles", date(2025, 3, 9), 276),
        ("America/Los_Angeles", date(2025, 11, 2), 300),
        ("America/Los_Angeles", date(2025, 7, 1), 288),
        ("Australia/Sydney", date(2023, 4, 2), 300),
        ("Australia/Sydney", date(2025, 10, 5), 276),
        ("Europe/London", date(2025, 3, 30), 276),
        ("Australia/Lord_Howe", date(2025, 10, 5), 282),
        ("Australia/Lord_Howe", date(2025, 4, 6), 294),
        ("Pacific/Chatham", date(2025, 9, 28), 276),
        ("America/St_Johns", date(2025, 11, 2), 300),
        ("Asia/Kolkata", date(2025, 11, 2), 288),
        ("America/Phoenix", date(2025, 3, 9), 288),
        ("America/Havana", date(2025, 3, 9), 276),
    ],
)
def test_the_number_of_slots_of_a_day(zone: str, day: date, slots: int) -> None:
    """Q5, Q37: 288, on DST days 276 or 300, at Lord Howe 282 or 294; in Havana midnight itself is skipped."""
    start_s, end_s = day_bounds(Zone(zone), day)
    assert (end_s - start_s) // SLOT_S == slots


def test_timestamps_have_the_offset_in_force() -> None:
    """Q5: on the autumn day 01:55 comes twice, first with -07:00, then with -08:00."""
    zone = Zone("America/Los_Angeles")
    start_s, end_s = day_bounds(zone, date(2025, 11, 2))
    texts = stamps(zone, np.arange(start_s, end_s, SLOT_S, dtype=np.int64))
    assert texts[23:25] == ["2025-11-02T01:55:00-07:00", "2025-11-02T01:00:00-08:00"]
    assert texts[0] == "2025-11-02T00:00:00-07:00"
    assert texts[-1] == "2025-11-02T23:55:00-08:00"


def test_offsets_of_months() -> None:
    """A year of months includes both DST changes."""
    zone = Zone("Europe/London")
    firsts = np.array([day_bounds(zone, date(2025, month, 1))[0] for month in range(1, 13)], np.int64)
    assert (offsets_s(zone, firsts) // 3600).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(("seconds", "text"), [(0, "+00:00"), (45900, "+12:45"), (-12600, "-03:30"), (19800, "+05:30")])
def test_offsets_are_written_with_sign_hours_and_minutes(seconds: int, text: str) -> None:
    """Q36: also quarter and half hours."""
    assert offset_text(seconds) == text
