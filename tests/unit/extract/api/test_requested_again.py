"""Which settled windows are requested again, when, and how many of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from extract.api import requested_again
from extract.api.planner import FetchScope, PlannedSite, plan
from extract.api.requested_again import AFTER_DAYS, MOST_A_NIGHT, Incomplete, Span
from extract.archive.raw_archive import IndexEntry
from extract.requests import Request
from extract.windows import Window
from tests.property.test_planner import entry, window_of
from wattlog.local_days import first_instant
from wattlog.series_spec import Series
from wattlog.zones import Zone

ZONE = Zone("America/Los_Angeles")
SITE = PlannedSite(1001, ZONE, ZONE, date(2026, 1, 1), has_battery=True)
FIRST = datetime(2026, 1, 2, 11, 30, tzinfo=UTC)
"""03:30 in California."""


def day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def span(first: int, last: int | None = None) -> Span:
    """Whole days of January."""
    end = first if last is None else last
    return first_instant(day(first), ZONE), first_instant(day(end + 1), ZONE)


@dataclass
class Nights:
    """A site that is planned and answered night by night.

    Attributes:
        empty: Days of which no response has rows.
        incomplete: What the planner is given.
        series: The series.
        entries: The index.
        changes_at: From this night on, responses to incomplete windows have data.
    """

    empty: frozenset[date] = frozenset()
    incomplete: Incomplete = field(default_factory=Incomplete)
    series: Sequence[Series] = (Series.POWER,)
    entries: list[IndexEntry] = field(default_factory=list)
    changes_at: int = 10_000

    def planned(self, night: int) -> list[Request]:
        chunks = plan(
            SITE,
            self.entries,
            FetchScope(tuple(self.series)),
            now=FIRST + timedelta(days=night),
            settle_hours=48,
            incomplete=self.incomplete,
        )
        for chunk in chunks:
            assert chunk.again <= len(chunk.requests)
        self.again = sum(chunk.again for chunk in chunks)
        return [request for chunk in chunks for request in chunk.requests]

    def pass_nights(self, nights: Iterable[int]) -> dict[int, list[tuple[Series, date]]]:
        """The windows requested again, by night."""
        found = {}
        for night in nights:
            requests = self.planned(night)
            now, again = FIRST + timedelta(days=night), []
            for request in requests:
                window = window_of(request)
                if self._is_final(window, request.series, now):
                    again.append((request.series, window.start))
                is_empty = window.start in self.empty and window.start == window.end and night < self.changes_at
                outcome = "no_data" if is_empty else "data"
                self.entries.append(replace(entry(request, window, now, outcome), sha256=outcome))
            assert len(again) == self.again
            if again:
                found[night] = again
        return found

    def _is_final(self, window: Window, series: Series, now: datetime) -> bool:
        return any(
            known.series == series
            and (known.window_start, known.window_end) == (window.start, window.end)
            and known.requested_at >= window.closes_at + timedelta(hours=48)
            for known in self.entries
        )


def test_a_site_that_lacks_nothing_is_asked_for_unsettled_windows_alone() -> None:
    nights = Nights()
    assert nights.pass_nights(range(60)) == {}
    assert len(nights.planned(60)) == 4, "today and three days before it"


def test_an_empty_window_is_requested_again_on_the_points_of_the_schedule() -> None:
    """Day 10 is settled on night 12, two days after its end."""
    nights = Nights(frozenset({day(10)}), Incomplete({"power": [span(10)]}))
    assert nights.pass_nights(range(80)) == {12 + after: [(Series.POWER, day(10))] for after in AFTER_DAYS}


def test_a_window_with_some_rows_is_requested_again_as_well() -> None:
    start, end = span(10)
    nights = Nights(frozenset(), Incomplete({"power": [(start + timedelta(hours=3), end - timedelta(hours=20))]}))
    assert list(nights.pass_nights(range(80))) == [12 + after for after in AFTER_DAYS]


@pytest.mark.parametrize("is_in_month_series", [False, True])
def test_the_last_window_with_data_is_requested_again_only_if_the_month_series_has_energy(
    is_in_month_series: bool,
) -> None:
    """A gateway that is still offline: nothing shows that there are data, unless the month series has them."""
    empty = frozenset(day(number) for number in range(10, 200))
    energy = frozenset({day(10)} if is_in_month_series else ())
    nights = Nights(empty, Incomplete({"power": [span(10, 199)]}, energy))
    expected = [12 + after for after in AFTER_DAYS] if is_in_month_series else []
    again = nights.pass_nights(range(80))
    assert list(again) == expected
    assert {window for of_night in again.values() for window in of_night} <= {(Series.POWER, day(10))}


def test_windows_before_the_first_data_are_not_requested_again() -> None:
    nights = Nights(frozenset({day(0), day(1)}), Incomplete({"power": [span(0, 1)]}))
    assert nights.pass_nights(range(80)) == {}


def test_the_state_of_energy_is_not_missing_because_the_site_had_energy() -> None:
    """A battery that was added later: the month series has energy of the days before."""
    days = [day(number) for number in range(5)]
    incomplete = Incomplete({"soe": [span(0, 4)]}, frozenset(days))
    assert Nights(frozenset(days), incomplete, (Series.SOE,)).pass_nights(range(80)) == {}


SETTLED_AFTER = 2
"""Nights from a day to the one on which its window is settled."""

BEGUN_ANEW = 18
"""The first day whose schedule had not ended when the data after the outage came; those before it have a new one."""


def test_an_outage_longer_than_the_schedule_begins_it_anew() -> None:
    """Forty days: the first of them are settled a month before the data after them show that they may come."""
    missing = [day(number) for number in range(10, 50)]
    nights = Nights(frozenset(missing), Incomplete({"power": [span(10, 49)]}))
    again = nights.pass_nights(range(120))
    first = [night for night, windows in again.items() if (Series.POWER, day(10)) in windows]
    assert first[0] in range(51, 60)
    assert len(first) >= 3
    assert all(len(windows) <= MOST_A_NIGHT for windows in again.values())
    for number in range(10, 50):
        times = [night for night, windows in again.items() if (Series.POWER, day(number)) in windows]
        assert times[0] in {51, 52}, "when data are on both sides, within the budget of two nights"
        due = [number + SETTLED_AFTER + after for after in AFTER_DAYS]
        later = len(AFTER_DAYS) - 1 if number < BEGUN_ANEW else sum(night > times[0] for night in due)
        assert len(times) == 1 + later, number


def test_the_budget_of_a_day_counts_what_was_requested_before_on_the_day() -> None:
    """A second run on the same day has what the first one left, and every window has its turn."""
    missing = [day(number) for number in range(5, 35)]
    nights = Nights(frozenset(missing), Incomplete({"power": [span(5, 34)]}))
    before = nights.pass_nights(range(36))
    assert not before, "no data on the other side"
    counts = [len(nights.pass_nights([night]).get(night, [])) for night in (37, 37, 38, 38)]
    assert counts[0] == MOST_A_NIGHT
    assert counts[1] == 0
    assert counts[2] > 0
    assert (
        set(missing)
        - {known.window_start for known in nights.entries if known.requested_at >= FIRST + timedelta(days=37)}
        == set()
    )


def test_failed_requests_do_not_count_as_answers() -> None:
    nights = Nights(frozenset({day(10)}), Incomplete({"power": [span(10)]}))
    nights.pass_nights(range(13))
    due = [request for request in nights.planned(13) if window_of(request).start == day(10)]
    assert len(due) == 1
    nights.entries.append(entry(due[0], window_of(due[0]), FIRST + timedelta(days=13), "error"))
    assert due[0] in nights.planned(14)


def test_a_month_is_requested_again_after_one_of_its_days_has_changed() -> None:
    """Data of 30 January come on a night after January was settled; the month's row of the day was zero, which is no gap."""
    nights = Nights(
        frozenset({day(29)}), Incomplete({"power": [span(29)]}), (Series.POWER, Series.ENERGY_DAY), changes_at=38
    )
    assert nights.pass_nights(range(39)) == {31 + after: [(Series.POWER, day(29))] for after in AFTER_DAYS[:3]}
    nights.incomplete = Incomplete()
    assert nights.pass_nights(range(39, 80)) == {39: [(Series.ENERGY_DAY, day(0))]}


def test_a_month_of_changed_days_comes_before_all_other_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sums are wrong until then, also where rows of the month itself are missing and a point of its schedule has come."""
    missing = Incomplete({"power": [span(5, 30)], "energy_day": [span(29)]})
    nights = Nights(frozenset(map(day, range(5, 31))), missing, (Series.POWER, Series.ENERGY_DAY), changes_at=38)
    assert nights.pass_nights(range(39))[38]
    monkeypatch.setattr(requested_again, "MOST_A_NIGHT", 1)
    assert nights.pass_nights([39]) == {39: [(Series.ENERGY_DAY, day(0))]}
