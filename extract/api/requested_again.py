"""Settled windows that are requested again: data may reach the server days after a response was final.

A gateway that was offline sends what it measured when it is back. So a settled window without rows, or with rows missing, is
requested again after `AFTER_DAYS`, if the site's data show that it should have had more. No window is requested again outside
of this schedule, and no more than `MOST_A_NIGHT` of a site on one local day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Final

from extract.archive.raw_archive import IndexEntry
from extract.requests import Request, question_of
from extract.windows import ONE_DAY, Window, local_today
from wattlog.series import SERIES
from wattlog.series_spec import Grain

AFTER_DAYS: Final = (1, 3, 7, 14, 30)
"""Local days after a window was settled. A point that has passed without a request is made up for by the next one."""

MOST_A_NIGHT: Final = 20
"""So many requests of a site on one local day, however many windows are incomplete."""

NO_DATA_DAYS: Final = 60
"""How long before the first data of a series energy in the month series still shows that the series is incomplete."""

Key = tuple[str, str, date, date]
"""Series, question, first day, last day: the window that a response settles."""


def key_of(request: Request, start: date, end: date) -> Key:
    """The key of a request for the days `start` to `end`."""
    return str(request.series), question_of(dict(request.params)), start, end


Span = tuple[datetime, datetime]
"""First instant of a stretch of missing rows, and the first instant after it."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """What the responses to a site's settled windows lack.

    Attributes:
        gaps: Series → stretches in which rows are missing for no reason but that the server had none, in order of time.
        days_with_energy: Local days for which the month series has energy.
    """

    gaps: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    days_with_energy: frozenset[date] = frozenset()


NOTHING: Final = Incomplete()


@dataclass(slots=True)
class Settled:
    """The responses that settle a window.

    Attributes:
        first_closes: The first end of the window by these responses (UTC).
        last_closes: The last one: it differs if the server's clock did (Q7).
        settled_at: When the first of them was requested.
        requested_at: When the last of them was requested.
        changed_at: When the last of them was requested that differs from the one before it; None where all are alike.
        sha256: Digest of the last one.
    """

    first_closes: datetime
    last_closes: datetime
    settled_at: datetime
    requested_at: datetime
    changed_at: datetime | None
    sha256: str

    def add(self, requested_at: datetime, sha256: str, closes_at: datetime) -> None:
        """Take account of one more response; they come in the order of their requests."""
        if closes_at == self.last_closes and sha256 != self.sha256:
            self.changed_at = requested_at
        self.first_closes = min(self.first_closes, closes_at)
        self.last_closes = max(self.last_closes, closes_at)
        self.requested_at = max(self.requested_at, requested_at)
        self.sha256 = sha256


class _DataDays:
    """The windows of some series whose response had data after they were over, by their days.

    Only these: the response to a day that is not over has zeros for the rest of it, whether there are data or not (Q11).
    """

    def __init__(self, entries: Iterable[IndexEntry], series: frozenset[str]) -> None:
        found: dict[date, datetime] = {}
        for entry in entries:
            if (
                entry.series in series
                and entry.outcome == "data"
                and entry.window_start is not None
                and entry.window_start == entry.window_end
                and entry.closes_at is not None
                and entry.requested_at >= entry.closes_at
            ):
                first = found.get(entry.window_start, entry.requested_at)
                found[entry.window_start] = min(first, entry.requested_at)
        self._days = sorted(found)
        of_days = [found[day] for day in self._days]
        self._appeared = list(accumulate(reversed(of_days), min))[::-1]

    def is_near(self, day: date) -> bool:
        """Whether a day is after the first day with data, or not long before it."""
        return bool(self._days) and self._days[0] - NO_DATA_DAYS * ONE_DAY <= day

    def has_before(self, day: date) -> bool:
        """Whether an earlier day has data."""
        return bool(self._days) and self._days[0] < day

    def appeared_after(self, day: date) -> datetime | None:
        """When data of a later day were first seen; None without any."""
        at = bisect_right(self._days, day)
        return self._appeared[at] if at < len(self._days) else None


class RequestedAgain:
    """Which settled windows of a site to request again now.

    Args:
        entries: The site's index entries, in the order of their requests.
        settled: Its settled windows.
        incomplete: What their responses lack.
        zone: The clock of the site's days.
        now: The instant of planning (aware).
    """

    def __init__(
        self,
        entries: Sequence[IndexEntry],
        settled: Mapping[Key, Settled],
        incomplete: Incomplete,
        *,
        zone: tzinfo,
        now: datetime,
    ) -> None:
        self._entries = entries
        self._settled = settled
        self._incomplete = incomplete
        self._zone = zone
        self._today = local_today(now, zone)
        self._changes = _changes(settled)
        self._data_days: dict[frozenset[str], _DataDays] = {}

    def choose(self, requests: Iterable[Request]) -> list[Request]:
        """Those of some requests for settled windows that are due, within the budget: first the months and years of days that
        have changed, whose sums are wrong until then, then the windows that were requested again least often, and of these
        the newest."""
        due: list[tuple[int, int, int, Request]] = []
        for request in requests:
            window = request.window
            if window is None or not self.may_be_due(request.series, window.start, window.end):
                continue
            settled = self._settled[key_of(request, window.start, window.end)]
            if self._has_changed_days(request, window, settled):
                due.append((-1, -window.start.toordinal(), len(due), request))
                continue
            begins = self._schedule_begins(request, window, settled)
            if begins is not None and self._is_due(begins, settled):
                due.append((self._points_passed(begins, settled), -window.start.toordinal(), len(due), request))
        return [request for *_, request in sorted(due)[: self._budget()]] if due else []

    def may_be_due(self, series: str, start: date, end: date) -> bool:
        """Whether a settled window of these days need be looked at: in most of them, nothing is missing."""
        if self._changes and SERIES[series].grain is not Grain.DAY:
            return True
        gaps = self._incomplete.gaps.get(series, ())
        # A local day and the day of UTC differ by one at most.
        at = bisect_left(gaps, start - ONE_DAY, key=lambda span: span[1].date())
        return at < len(gaps) and gaps[at][0].date() <= end + ONE_DAY

    def _budget(self) -> int:
        """The requests that are left for this local day."""
        sent = 0
        for entry in self._entries:
            if entry.window_start is None or entry.window_end is None or entry.attempt > 1:
                continue
            settled = self._settled.get((entry.series, entry.question, entry.window_start, entry.window_end))
            if settled is not None and entry.requested_at > settled.settled_at:
                sent += local_today(entry.requested_at, self._zone) == self._today
        return max(MOST_A_NIGHT - sent, 0)

    def _is_due(self, begins: datetime, settled: Settled) -> bool:
        """Whether a point of the schedule has come since the last response."""
        first_day = local_today(begins, self._zone)
        last_day = max(first_day, local_today(settled.requested_at, self._zone))
        return any(last_day < first_day + days * ONE_DAY <= self._today for days in AFTER_DAYS)

    def _points_passed(self, begins: datetime, settled: Settled) -> int:
        """The points of the schedule before the last response."""
        first_day = local_today(begins, self._zone)
        last_day = local_today(settled.requested_at, self._zone)
        return sum(first_day + days * ONE_DAY <= last_day for days in AFTER_DAYS)

    def _schedule_begins(self, request: Request, window: Window, settled: Settled) -> datetime | None:
        """When the schedule of a window begins; None if it is complete, or if nothing shows that more data exist.

        It begins when the window is settled. Where data after the window appear only after the schedule has ended, as after an
        outage of more than a month, it begins with them.
        """
        shown_at = [
            instant
            for first_day, last_day in self._missing_days(str(request.series), window)
            for instant in self._shown_at(request, first_day, last_day, settled)
        ]
        if not shown_at:
            return None
        newest, ends = max(shown_at), local_today(settled.settled_at, self._zone) + AFTER_DAYS[-1] * ONE_DAY
        return newest if local_today(newest, self._zone) > ends else settled.settled_at

    def _missing_days(self, series: str, window: Window) -> list[tuple[date, date]]:
        """First and last local day of each stretch of missing rows within a window."""
        spans = self._incomplete.gaps.get(series, ())
        start, end = window.start_at.astimezone(UTC), window.closes_at
        at = bisect_right(spans, start, key=lambda span: span[1])
        found = []
        for first, last in spans[at : bisect_left(spans, end, key=lambda span: span[0])]:
            days = local_today(max(first, start), self._zone), local_today(min(last, end) - _INSTANT, self._zone)
            found.append(days)
        return found

    def _shown_at(self, request: Request, first_day: date, last_day: date, settled: Settled) -> Iterator[datetime]:
        """When the archive first showed that there are data for missing rows: in the month series, or by data on both sides."""
        spec = SERIES[request.series]
        of_days = frozenset({str(spec.name)}) if spec.grain is Grain.DAY else _OF_ENERGY
        if of_days not in self._data_days:
            self._data_days[of_days] = _DataDays(self._entries, of_days)
        data_days = self._data_days[of_days]
        if spec.name in _OF_ENERGY and data_days.is_near(last_day):
            days = (first_day + number * ONE_DAY for number in range((last_day - first_day).days + 1))
            if not self._incomplete.days_with_energy.isdisjoint(days):
                yield settled.settled_at
        appeared = data_days.appeared_after(last_day)
        if appeared is not None and data_days.has_before(first_day):
            yield appeared

    def _has_changed_days(self, request: Request, window: Window, settled: Settled) -> bool:
        """Whether a day of a longer window has changed since the window was requested: its sums have changed, too."""
        spec = SERIES[request.series]
        if spec.grain is Grain.DAY or spec.granularity is None:
            return False
        return any(
            window.start <= day <= window.end and changed_at > settled.requested_at
            for day, changed_at in self._changes.items()
        )


_INSTANT: Final = timedelta(microseconds=1)

_OF_ENERGY: Final = frozenset(
    str(spec.name) for spec in SERIES.values() if spec.grain is Grain.DAY and spec.day_sources
)
"""The series of days whose data show that longer windows should have data of these days, too."""


def _changes(settled: Mapping[Key, Settled]) -> dict[date, datetime]:
    """Days whose settled response was followed by another one with other content, and when that was requested."""
    found: dict[date, datetime] = {}
    for (series, _, start, end), window in settled.items():
        if window.changed_at is not None and series in _OF_ENERGY and start == end:
            found[start] = max(window.changed_at, found.get(start, window.changed_at))
    return found
