"""A run of empty responses settles nothing, unless the site had nothing to give."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from extract.api.empty_runs import empty_runs
from extract.api.planner import FetchScope, PlannedSite, plan
from extract.archive.raw_archive import IndexEntry
from tests.property.test_planner import entry, window_of
from wattlog.series_spec import Series
from wattlog.zones import Zone

SITE = PlannedSite(1001, Zone("Europe/London"), Zone("Europe/London"), date(2026, 1, 1), has_battery=True)
SERIES = (Series.POWER, Series.ENERGY_DAY, Series.ENERGY_YEAR)
FIRST = datetime(2026, 1, 6, 3, 30, tzinfo=UTC)


def night(
    known: list[IndexEntry], number: int, *, empty: Iterable[Series] = (), until: date | None = None
) -> list[date]:
    """Plan and answer one night; returns the days of power that were requested."""
    now = FIRST + timedelta(days=number)
    chunks = plan(SITE, known, FetchScope(SERIES, until=until), now=now, settle_hours=48)
    requests = [request for chunk in chunks for request in chunk.requests]
    without = set(empty)
    known += [
        replace(
            entry(request, window_of(request), now, "no_data" if request.series in without else "data"),
            run_id=f"night-{number}",
        )
        for request in requests
    ]
    return [window_of(request).start for request in requests if request.series is Series.POWER]


def test_what_a_run_of_empty_responses_asked_is_asked_again() -> None:
    known: list[IndexEntry] = []
    for number in range(3):
        night(known, number)
    asked = night(known, 3, empty=SERIES)
    assert empty_runs(known) == {"night-3"}
    assert set(asked) < set(night(known, 4)), "and the new day"
    assert len(night(known, 5)) == 4


def test_an_offline_gateway_is_no_empty_run() -> None:
    """Days are empty, but the lifetime is not: they are settled."""
    known: list[IndexEntry] = []
    night(known, 0)
    for number in range(1, 10):
        night(known, number, empty=[Series.POWER])
    assert not empty_runs(known)
    assert len(night(known, 10)) == 4


def test_a_site_that_never_had_data_is_no_failure() -> None:
    known: list[IndexEntry] = []
    for number in range(3):
        night(known, number, empty=SERIES)
    assert not empty_runs(known)


def test_a_first_run_of_empty_responses_is_asked_again_when_there_are_data() -> None:
    """Whether it was the token shows only later."""
    known: list[IndexEntry] = []
    first = night(known, 0, empty=SERIES)
    assert len(night(known, 1)) < len(first), "so far the empty responses are final"
    assert empty_runs(known) == {"night-0"}
    assert set(night(known, 2)) > set(first) - {date(2026, 1, 4)}, "which was settled by the night before"
    assert len(night(known, 3)) == 4


@pytest.mark.parametrize("outcome", ["error", "transport", "wrong_window"])
def test_failed_requests_are_no_empty_responses(outcome: str) -> None:
    known: list[IndexEntry] = []
    night(known, 0)
    night(known, 1, empty=SERIES)
    failed = [replace(item, outcome=outcome) if item.run_id == "night-1" else item for item in known]
    assert not empty_runs(failed)
