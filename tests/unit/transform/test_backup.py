"""Outages: milliseconds, pages, duplicates."""

from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, reasons
from transform import backup
from transform.backup import unit_of_durations_us

EVENTS = [
    {"timestamp": "2022-07-12T06:56:55+10:00", "duration": 38_773},
    {"timestamp": "2022-07-12T05:10:00+10:00", "duration": 3_600_000},
    {"timestamp": "2021-01-27T23:59:30Z", "duration": 86_400_123},
]


def page(events: object, *, number: int = 0, **more: object) -> KeptAnswer:
    body = orjson.dumps({"response": {"events": events, "events_count": 0, "total_events": 0, **more}})
    asked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    day = asked.date()
    return KeptAnswer(f"raw-{number}", "backup", day, day, asked, body)


def test_durations_are_milliseconds_and_an_event_ends_when_it_ends() -> None:
    """Q32: whatever the page says."""
    frame = checked(backup.shape([page(EVENTS)], BATTERY_SITE))["backup_events"]
    assert frame["duration_s"].tolist() == [86_400.123, 3600.0, 38.773]
    assert frame["started_at"].iloc[2] == datetime(2022, 7, 11, 20, 56, 55, tzinfo=UTC)
    assert (frame["ended_at"] - frame["started_at"]).dt.total_seconds().tolist() == frame["duration_s"].tolist()


def test_pages_that_overlap_and_answers_asked_again_make_one_row_an_event() -> None:
    """Q32: the last fetched counts, in whatever order pages come."""
    newer = [{**EVENTS[0], "duration": 40_000}, EVENTS[1]]
    pages = [
        page(newer, number=2),
        page(EVENTS, number=1),
        page(EVENTS[1:], number=0, next_end_date="2022-07-12T05:00:00Z"),
    ]
    frame = checked(backup.shape(pages, BATTERY_SITE))["backup_events"]
    assert frame["duration_s"].tolist() == [86_400.123, 3600.0, 40.0]


def test_bad_events_go_to_quarantine_and_the_others_stay() -> None:
    events = [EVENTS[0], None, {"duration": 5}, {"timestamp": "2022-01-01T00:00:00Z"}, {**EVENTS[1], "duration": -1}]
    tables = checked(backup.shape([page(events)], BATTERY_SITE))
    assert len(tables["backup_events"]) == 1
    assert reasons(tables) == [(1, "null_row"), (2, "no_timestamp"), (3, "no_value"), (4, "out_of_range")]


@pytest.mark.parametrize("response", [{"events": []}, {"events": None}, {}])
def test_a_site_without_outages_has_no_rows(response: dict[str, object]) -> None:
    """Q23."""
    tables = checked(backup.shape([page(response.get("events"))], BATTERY_SITE))
    assert len(tables["backup_events"]) == len(tables["quarantine"]) == 0


@pytest.mark.parametrize(
    ("starts_s", "durations", "unit_us"),
    [
        ([0, 100_000, 200_000], [38_773, 60_000, 45_000], 1000),
        ([0, 100_000, 200_000], [45, 600, 3_600], 1_000_000),
        ([0, 300, 200_000], [45, 600, 3_600], 1_000_000),
        ([0, 300, 600], [45, 600, 29_000], 1000),
        ([0, 100_000], [45, 600], 1000),
        ([], [], 1000),
    ],
    ids=["real", "seconds", "seconds, close", "overlap as seconds", "too few", "none"],
)
def test_the_unit_is_what_the_events_allow(starts_s: list[int], durations: list[float], unit_us: int) -> None:
    """Q32: seconds only where no event reaches into the next and milliseconds would make all shorter than any seen."""
    starts = np.array(starts_s, dtype=np.int64) * 1_000_000
    assert unit_of_durations_us(starts, np.array(durations, dtype=np.float64)) == unit_us
