"""Outages: milliseconds, pages, duplicates."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import orjson
import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, reasons, records
from transform.events import shape_backup, unit_of_durations_us
from transform.frames import empty_frame

EVENTS = [
    {"timestamp": "2022-07-12T06:56:55+10:00", "duration": 38_773},
    {"timestamp": "2022-07-12T05:10:00+10:00", "duration": 3_600_000},
    {"timestamp": "2021-01-27T23:59:30Z", "duration": 86_400_123},
]


FIRST_DAY = date(2020, 1, 1)


def page(events: object, *, number: int = 0, run_id: str = "run-1", **more: object) -> KeptAnswer:
    """A page of the lifetime's events, requested so many hours after midnight."""
    body = orjson.dumps({"response": {"events": events, "events_count": 0, "total_events": 0, **more}})
    asked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return KeptAnswer(f"raw-{number}", "backup", FIRST_DAY, asked.date(), asked, body, run_id=run_id)


def event(hour: int, minutes: float, *, day: int = 1) -> dict[str, object]:
    """An event in December 2025 by its hour in UTC."""
    return {"timestamp": f"2025-12-{day:02d}T{hour:02d}:00:00Z", "duration": round(minutes * 60_000)}


def lists(*responses: KeptAnswer) -> tuple[list[tuple[str, float]], list[tuple[str, float, float]]]:
    """(beginning, minutes) of each event, and (beginning, old minutes, new minutes) of each revision; -1 for none."""
    tables = checked(shape_backup(responses, BATTERY_SITE))
    events = [(f"{row['started_at']:%d-%H}", row["duration_s"] / 60) for row in records(tables["backup_events"])]
    revisions = tables.get("revisions", empty_frame("revisions"))
    assert set(zip(revisions["series"], revisions["measure"], strict=True)) <= {("backup", "duration_s")}
    values = revisions[["old_value", "new_value"]].fillna(-60.0) / 60
    starts = revisions["interval_start"].dt.strftime("%d-%H")
    return events, list(zip(starts, values["old_value"], values["new_value"], strict=True))


def test_events_that_a_later_list_merges_are_replaced_by_it() -> None:
    """Q12, Q32: two outages become one that begins a little before them; each change is a revision."""
    before = page([event(12, 15, day=3), event(11, 5, day=3), event(4, 1)], number=0, run_id="run-1")
    after = page([event(10, 180, day=3), event(4, 1)], number=24, run_id="run-2")
    assert lists(after, before) == (
        [("01-04", 1.0), ("03-10", 180.0)],
        [("03-10", -1, 180.0), ("03-11", 5.0, -1), ("03-12", 15.0, -1)],
    )


def test_a_duration_that_a_later_list_changes_is_a_revision() -> None:
    assert lists(page([event(11, 5)], number=0), page([event(11, 7)], number=24, run_id="run-2")) == (
        [("01-11", 7.0)],
        [("01-11", 5.0, 7.0)],
    )


def test_an_event_after_the_earlier_list_is_new_and_no_revision() -> None:
    """Also one that was not over when the earlier list was requested: the API lists what is over."""
    midnight = {"timestamp": "2025-12-31T23:50:00Z", "duration": 20 * 60_000}
    later = {"timestamp": "2026-01-01T05:00:00Z", "duration": 60_000}
    events, revisions = lists(page([event(11, 5)]), page([later, midnight, event(11, 5)], number=24, run_id="run-2"))
    assert [name for name, _ in events] == ["01-11", "31-23", "01-05"]
    assert revisions == []


def test_a_page_replaces_only_what_it_covers() -> None:
    """Q32: the second page of the later list was not requested, or is lost; its events stay."""
    before = page([event(hour, 1) for hour in (9, 8, 7, 6)])
    after = page([event(9, 1), event(7, 1)], number=24, run_id="run-2", next_end_date="2025-12-01T06:59:59Z")
    assert lists(before, after) == ([("01-06", 1.0), ("01-07", 1.0), ("01-09", 1.0)], [("01-08", 1.0, -1)])


def test_a_second_page_says_nothing_of_the_time_of_the_first() -> None:
    """Q32: an event between two pages is gone, one that the first page lists is not."""
    before = page([event(hour, 1) for hour in (9, 8, 7, 6)])
    first = page([event(9, 1)], number=24, run_id="run-2", next_end_date="2025-12-01T08:59:59Z")
    second = page([event(6, 1)], number=25, run_id="run-2")
    assert lists(before, first, second)[0] == [("01-06", 1.0), ("01-09", 1.0)]
    at_once = [replace(response, requested_at=first.requested_at) for response in (second, first)]
    assert lists(before, *at_once)[0] == [("01-06", 1.0), ("01-09", 1.0)]


@pytest.mark.parametrize("events", [[], None, [event(9, 1), None], [event(9, 1), event(8, -1)]])
def test_a_list_that_is_empty_or_has_a_bad_entry_withdraws_nothing(events: object) -> None:
    """Q23: the missing events may be what could not be read."""
    before = page([event(hour, 1) for hour in (9, 8, 7)])
    assert lists(before, page(events, number=24, run_id="run-2"))[0] == [("01-07", 1.0), ("01-08", 1.0), ("01-09", 1.0)]


@pytest.mark.parametrize("following", ["2025-12-01T08:00:00Z", "2025-12-01T07:59:59Z"])
@pytest.mark.parametrize("is_repeated", [False, True])
def test_an_event_at_the_edge_of_two_pages_stays(following: str, *, is_repeated: bool) -> None:
    """Q32: whether the next page ends with the oldest event of this one or before it."""
    before = page([event(hour, 1) for hour in (9, 8, 7)])
    first = page([event(9, 1), event(8, 1)], number=24, run_id="run-2", next_end_date=following)
    second = page([event(8, 1)] * is_repeated + [event(7, 1)], number=25, run_id="run-2")
    assert lists(before, first, second) == ([("01-07", 1.0), ("01-08", 1.0), ("01-09", 1.0)], [])


def test_a_next_page_that_is_no_instant_leaves_earlier_events() -> None:
    before = page([event(9, 1), event(8, 1)])
    assert len(lists(before, page([event(9, 1)], number=24, run_id="run-2", next_end_date="later"))[0]) == 2
    assert len(shape_backup([], BATTERY_SITE)["backup_events"]) == 0


def test_an_event_before_the_window_of_a_later_list_stays() -> None:
    """Q17: the installation is later now, and the window begins with it."""
    before = page([event(9, 1), {"timestamp": "2019-12-01T00:00:00Z", "duration": 60_000}])
    assert [name for name, _ in lists(before, page([event(9, 1)], number=24, run_id="run-2"))[0]] == ["01-00", "01-09"]


def test_an_event_that_comes_back_has_both_changes() -> None:
    pages = [
        page([event(9, 1), *([event(8, 2)] if number != 1 else [])], number=24 * number, run_id=f"run-{number}")
        for number in range(3)
    ]
    assert lists(*pages) == ([("01-08", 2.0), ("01-09", 1.0)], [("01-08", 2.0, -1), ("01-08", -1, 2.0)])


def test_durations_are_milliseconds_and_an_event_ends_when_it_ends() -> None:
    """Q32: although the page says seconds."""
    frame = checked(shape_backup([page(EVENTS)], BATTERY_SITE))["backup_events"]
    assert frame["duration_s"].tolist() == [86_400.123, 3600.0, 38.773]
    assert frame["started_at"].iloc[2] == datetime(2022, 7, 11, 20, 56, 55, tzinfo=UTC)
    assert (frame["ended_at"] - frame["started_at"]).dt.total_seconds().tolist() == frame["duration_s"].tolist()


def test_pages_that_overlap_and_responses_asked_again_make_one_row_an_event() -> None:
    """Q32: the last fetched counts, in whatever order pages come."""
    newer = [{**EVENTS[0], "duration": 40_000}, EVENTS[1]]
    pages = [
        page(newer, number=2, run_id="run-2", next_end_date="2022-07-11T19:09:59Z"),
        page(EVENTS, number=1),
        page(EVENTS[1:], number=0, next_end_date="2022-07-12T05:00:00Z"),
    ]
    frame = checked(shape_backup(pages, BATTERY_SITE))["backup_events"]
    assert frame["duration_s"].tolist() == [86_400.123, 3600.0, 40.0]


def test_bad_events_go_to_quarantine_and_the_others_stay() -> None:
    events = [EVENTS[0], None, {"duration": 5}, {"timestamp": "2022-01-01T00:00:00Z"}, {**EVENTS[1], "duration": -1}]
    tables = checked(shape_backup([page(events)], BATTERY_SITE))
    assert len(tables["backup_events"]) == 1
    assert reasons(tables) == [(1, "null_row"), (2, "no_timestamp"), (3, "no_value"), (4, "out_of_range")]


@pytest.mark.parametrize("response", [{"events": []}, {"events": None}, {}])
def test_a_site_without_outages_has_no_rows(response: dict[str, object]) -> None:
    """Q23."""
    tables = checked(shape_backup([page(response.get("events"))], BATTERY_SITE))
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
