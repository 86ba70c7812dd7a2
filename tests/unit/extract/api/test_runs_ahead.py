"""What was settled by a clock in the future is requested again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from extract.api.planner import FetchScope, PlannedSite, plan
from extract.api.runs_ahead import runs_ahead
from extract.archive.raw_archive import IndexEntry
from extract.archive.segment import ByteRange
from extract.windows import ONE_DAY
from tests.property.test_planner import entry, window_of
from wattlog.series_spec import Series
from wattlog.zones import Zone

SITE = PlannedSite(1001, Zone("Europe/London"), Zone("Europe/London"), date(2026, 1, 1), has_battery=True)
FIRST = datetime(2026, 1, 10, 3, 30, tzinfo=UTC)


def night(
    known: list[IndexEntry], number: int, *, ahead: timedelta = timedelta(), subject: PlannedSite = SITE
) -> list[date]:
    """Plan and answer one night by a clock; returns the days that were requested. The archive sorts by the instants."""
    now = FIRST + number * ONE_DAY + ahead
    chunks = plan(subject, known, FetchScope((Series.POWER,)), now=now, settle_hours=48)
    requests = [request for chunk in chunks for request in chunk.requests]
    for request in requests:
        place = ByteRange(100 * len(known), 100)
        known.append(
            replace(
                entry(request, window_of(request), now), run_id=f"night-{number}", byte_range=place, segment="power"
            )
        )
    known.sort(key=lambda item: item.requested_at)
    return [window_of(request).start for request in requests]


def test_what_a_clock_in_the_future_settled_is_asked_again_when_it_is_set_right() -> None:
    known: list[IndexEntry] = []
    night(known, 0)
    night(known, 1, ahead=10 * ONE_DAY)
    assert runs_ahead(known, FIRST + 2 * ONE_DAY) == {"night-1": FIRST}
    assert night(known, 2) == [date(2026, 1, day) for day in (12, 11, 10, 9, 8)]
    assert len(night(known, 3)) == 4


def test_and_also_after_its_instants_have_passed() -> None:
    """By the order in which the responses were kept."""
    known: list[IndexEntry] = []
    night(known, 0)
    night(known, 1, ahead=10 * ONE_DAY)
    night(known, 2)
    assert runs_ahead(known, FIRST + 30 * ONE_DAY) == {"night-1": FIRST}
    asked = night(known, 20)
    assert asked == [date(2026, 1, 30) - number * ONE_DAY for number in range(len(asked))]
    assert min(asked) == date(2026, 1, 10), "the first day that was not over for two days on night 2"
    assert len(night(known, 21)) == 4


def test_a_first_run_with_its_clock_ahead_settles_only_what_is_long_over() -> None:
    known: list[IndexEntry] = []
    subject = replace(SITE, installed_on=date(2025, 6, 1))
    night(known, 0, ahead=10 * ONE_DAY, subject=subject)
    asked = night(known, 3, subject=subject)
    assert asked[0] == date(2026, 1, 13)
    assert asked[-1] == date(2025, 12, 12), "thirty days and two before it"


def test_responses_that_are_in_order_are_left_alone() -> None:
    known: list[IndexEntry] = []
    for number in range(5):
        night(known, number)
    assert runs_ahead(known, FIRST + 4 * ONE_DAY) == {}
    assert runs_ahead([], FIRST) == {}


def test_a_clock_that_was_behind_once_costs_no_old_window() -> None:
    """What was requested before is bounded by that run's instants: windows of these days are requested again, no others."""
    known: list[IndexEntry] = []
    night(known, 0)
    night(known, 5)
    night(known, 6, ahead=-2 * ONE_DAY)
    assert min(night(known, 7)) >= date(2026, 1, 11)
