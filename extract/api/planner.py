"""What to request: every window of a range that is not settled in the archive.

The state is the raw index; there is no cursor. A window is settled when a response to it was kept long enough after its end,
with data or without. A settled window is not requested again (Q12, Q13, Q25), unless rows are missing: see `requested_again`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from extract.api.empty_runs import empty_runs
from extract.api.requested_again import NOTHING, Incomplete, Key, RequestedAgain, Settled, key_of
from extract.api.runs_ahead import runs_ahead
from extract.archive.raw_archive import IndexEntry
from extract.requests import QUARTER_HOUR, Request, history, history_question, week_cross_check, without_window
from extract.windows import ONE_DAY, Window, local_today, period_end, period_start, window, windows
from wattlog.local_days import clock_at_end, first_instant
from wattlog.series import SERIES, is_of_days, planned_series
from wattlog.series_spec import Grain, Need, Series

EMPTY_DAYS = 60
"""The search for older history stops after so many days without energy. Sites were seen to have none before their installation,
or for years after it, so no single date is reliable (Q17). Sixty days are longer than a long outage."""

EARLIEST = date(2010, 1, 1)
"""No response goes back further: solar-only history begins in December 2018 where it was seen (Q17), batteries in 2015."""

_INSTANT = timedelta(microseconds=1)

HoldsEnergy = Callable[[IndexEntry], bool]
"""Whether a kept response has any energy: one with only zeros counts as empty (Q17)."""


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """The facts of a site that the planner needs.

    Attributes:
        site_id: The site.
        zone: The zone, or fixed offset, by which the server cuts its days (Q1, Q7).
        local_zone: The zone of its local days, which may be another one.
        clocks: The zones and offsets by which the server has cut its days, `zone` among them; none where that is not known.
        installed_on: Local day of the installation; None when it is not known.
        has_battery: Sites without a battery have no state of energy and no outages.
        has_wall_connectors: Sites without have no charge sessions.
    """

    site_id: int
    zone: tzinfo
    local_zone: tzinfo
    installed_on: date | None
    has_battery: bool
    has_wall_connectors: bool = False
    clocks: tuple[tzinfo, ...] = ()

    def days_of(self, first: date, last: date) -> tuple[date, date]:
        """The first and the last of the server's days that some local days lie in, so that each of these is whole."""
        begins, ends = first_instant(first, self.local_zone), first_instant(last + ONE_DAY, self.local_zone)
        return local_today(begins, self.zone), local_today(ends - _INSTANT, self.zone)

    def begin_of(self, day: date, settled: Settled) -> datetime:
        """When a settled window of one day began, on the clock at whose midnight it closed."""
        return first_instant(day, clock_at_end(day, settled.first_closes, (self.zone, *self.clocks)))

    def cut(self, entries: Iterable[IndexEntry]) -> list[IndexEntry]:
        """The entries whose windows the server may have cut where the requests ended them: at a midnight of one of its clocks.

        Windows that were requested before its clock was known may end elsewhere, and then they lack hours.
        """
        known = list(entries)
        if not self.clocks or any(isinstance(it, timezone) for it in self.clocks):
            return known
        ends = {(entry.window_end, entry.closes_at) for entry in known}  # of several series, the same for a day
        others = {end for end in ends if not self._is_midnight(*end)}
        return [entry for entry in known if (entry.window_end, entry.closes_at) not in others] if others else known

    def _is_midnight(self, day: date | None, closes_at: datetime | None) -> bool:
        """Whether a day ends at an instant on one of the clocks; also where there is no window."""
        if day is None or closes_at is None:
            return True
        return any(closes_at == first_instant(day + ONE_DAY, clock) for clock in self.clocks)

    def has(self, need: Need) -> bool:
        """Whether the site has what a series needs."""
        return {Need.BATTERY: self.has_battery, Need.WALL_CONNECTORS: self.has_wall_connectors}.get(need, True)


@dataclass(frozen=True, slots=True)
class FetchScope:
    """What to request.

    Attributes:
        series: The series.
        since: First local day, included; None for the installation, or, without one, for all of the history.
        until: Last local day, included; None for today.
        is_named: The series were named by the user: include sites that seem not to have them.
        has_quarter_hours: Energy by quarter hours as well, for every day: before April 2024 only they have more than the day's
            sum (Q10), and since then they are the same energy, sometimes divided differently (Q21).
    """

    series: tuple[Series, ...]
    since: date | None = None
    until: date | None = None
    is_named: bool = False
    has_quarter_hours: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of work: the open windows of one site × series × month, newest first.

    Attributes:
        site_id: The site.
        series: The series.
        month: First month of the windows, `YYYY-MM`.
        requests: The requests.
        again: How many of them are for settled windows that are incomplete.
    """

    site_id: int
    series: Series
    month: str
    requests: tuple[Request, ...]
    again: int = 0

    def __str__(self) -> str:
        return f"site {self.site_id} {self.series} {self.month}"


def settled(entries: Iterable[IndexEntry], settle_hours: float, *, now: datetime | None = None) -> dict[Key, Settled]:
    """Every settled window among the entries of one site, which are in the order of their requests.

    A run of empty responses settles none (`empty_runs`), and a run whose clock was ahead none that was not over before it
    (`runs_ahead`).

    Args:
        entries: The entries.
        settle_hours: How long after its end the response to a window counts as final.
        now: The present instant; None if it is not known.
    """
    wait = timedelta(hours=settle_hours)
    found: dict[Key, Settled] = {}
    known = list(entries)
    of_nothing, ahead = empty_runs(known), runs_ahead(known, now)
    for entry in known:
        closes_at = entry.closes_at
        if entry.window_start is None or entry.window_end is None or closes_at is None or entry.run_id in of_nothing:
            continue
        asked_at = ahead.get(entry.run_id, entry.requested_at)
        if entry.is_conclusive and asked_at >= closes_at + wait:
            key = (entry.series, entry.question, entry.window_start, entry.window_end)
            window = found.get(key)
            if window is None:
                found[key] = Settled(closes_at, closes_at, asked_at, asked_at, None, entry.sha256)
            else:
                window.add(asked_at, entry.sha256, closes_at)
    return found


def first_day(
    subject: PlannedSite,
    entries: Iterable[IndexEntry],
    scope: FetchScope,
    *,
    today: date,
    holds_energy: HoldsEnergy = lambda _: True,
) -> date:
    """The first local day to request now.

    That is `since`, or the installation. If neither is a bound (`since` is before the installation, or there is none), it is
    `EMPTY_DAYS` before the oldest energy in the archive. What is found there moves the bound, and the next planning continues
    from it (Q17).
    """
    since, installed_on = scope.since, subject.installed_on
    if installed_on is not None and (since is None or since >= installed_on):
        return since or max(installed_on, EARLIEST)
    edge = min(installed_on or today, scope.until or today, today)
    older = (
        entry
        for entry in entries
        if is_of_days(entry.series) and entry.outcome == "data" and entry.window_start and entry.window_start < edge
    )
    for entry in sorted(older, key=lambda entry: entry.window_start or edge):
        if holds_energy(entry):
            edge = entry.window_start or edge
            break
    return max(since or EARLIEST, edge - EMPTY_DAYS * ONE_DAY)


def plan(
    subject: PlannedSite,
    entries: Iterable[IndexEntry],
    scope: FetchScope,
    *,
    now: datetime,
    settle_hours: float,
    holds_energy: HoldsEnergy = lambda _: True,
    incomplete: Incomplete = NOTHING,
) -> list[Chunk]:
    """The chunks of unsettled windows for one site, and of settled ones to request again, newest month first.

    Args:
        subject: The site.
        entries: The site's index entries.
        scope: Series and range.
        now: The instant of planning (aware).
        settle_hours: How long after its end the response to a window counts as final.
        holds_energy: Whether a response has energy; used in the search for older history.
        incomplete: What the responses to settled windows lack.
    """
    stored = subject.cut(entries)
    done, today = settled(stored, settle_hours, now=now), local_today(now, subject.zone)
    first = first_day(subject, stored, scope, today=today, holds_energy=holds_energy)
    requested_again = RequestedAgain(stored, done, incomplete, zone=subject.zone, now=now)

    def is_done(key: Key) -> bool:
        """Whether nothing is requested of a window, by its days alone: so it is with nearly all of a long history."""
        series, _, start, end = key
        own = done.get(key)
        if own is None or requested_again.may_be_due(series, start, end):
            return False
        ends = own.first_closes, own.last_closes
        return not is_of_days(series) or ends == (first_instant(end + ONE_DAY, subject.zone),) * 2

    requests, final = list[Request](), list[Request]()
    for series in scope.series:
        for request in _requests(subject, series, scope, first, today, is_done):
            (final if _is_settled(request, done, subject) else requests).append(request)
    again = requested_again.choose(final)
    return _chunks(subject.site_id, [*requests, *again], again, today)


def _chunks(site_id: int, requests: Iterable[Request], again: Collection[Request], today: date) -> list[Chunk]:
    """Requests by month and series, newest first."""
    grouped: dict[tuple[str, Series], list[Request]] = {}
    for request in requests:
        month = f"{today if request.window is None else request.window.start:%Y-%m}"
        grouped.setdefault((month, request.series), []).append(request)
    order = planned_series()
    return [
        Chunk(site_id, series, month, tuple(_newest_first(of_month)), sum(map(again.__contains__, of_month)))
        for (month, series), of_month in sorted(
            grouped.items(), key=lambda item: (item[0][0], -order.index(item[0][1])), reverse=True
        )
    ]


def _newest_first(requests: Iterable[Request]) -> list[Request]:
    """Requests by the beginning of their windows, others in the reverse of their order."""
    return sorted(requests, key=lambda request: request.window.start if request.window else date.min)[::-1]


def _requests(
    subject: PlannedSite, series: Series, scope: FetchScope, first: date, today: date, is_done: Callable[[Key], bool]
) -> Iterator[Request]:
    """The requests of a series for a site, oldest first, whether sent before or not; without those of windows that are done."""
    spec = SERIES[series]
    if spec.grain is None:
        yield from without_window(subject.site_id, series)
        return
    if not (scope.is_named or subject.has(spec.needs)):
        return
    since, until = first, scope.until or today
    if spec.grain is Grain.DAY:
        since, until = subject.days_of(since, until)
        since = since if scope.since is not None else max(since, first)  # nothing is before the installation
    has_quarter_hours = series is Series.ENERGY_INTERVAL and scope.has_quarter_hours
    intervals = (QUARTER_HOUR, None) if has_quarter_hours else (None,)
    questions = [history_question(series, interval) for interval in intervals]
    for requested in windows(
        spec.grain,
        since,
        until,
        subject.zone,
        today=today,
        installed_on=subject.installed_on or EARLIEST,  # one lifetime a site, however far the search went back
        is_left_out=lambda start, end: all(is_done((str(series), question, start, end)) for question in questions),
    ):
        for interval in intervals:
            yield history(subject.site_id, series, requested, subject.zone, interval=interval)


def _is_settled(request: Request, done: Mapping[Key, Settled], subject: PlannedSite) -> bool:
    """Whether a request need not be sent (again).

    Days of a site with a fixed offset have the offset in force at the time of the request (Q7). A day requested in summer ends
    an hour before the next day, requested in winter, begins. Requested again with the offset of winter, the days meet. So do
    the days before and after the server got another zone for a site.
    """
    requested = request.window
    if requested is None:
        return False
    own = done.get(key_of(request, requested.start, requested.end))
    if own is None:
        return False
    if own.first_closes == own.last_closes == requested.closes_at or not is_of_days(request.series):
        return True
    is_first = subject.installed_on is not None and requested.start <= subject.installed_on
    reached = subject.begin_of(requested.start, own) if is_first else requested.start_at
    for day in (requested.start - ONE_DAY, requested.start, requested.start + ONE_DAY):
        settled = done.get(key_of(request, day, day))
        if settled is not None and subject.begin_of(day, settled) <= reached:
            reached = max(reached, settled.last_closes)
    return reached >= requested.closes_at


def cross_check_requests(
    subject: PlannedSite, entries: Iterable[IndexEntry], days: Iterable[date], *, now: datetime, settle_hours: float
) -> list[Request]:
    """The cross-check requests of suspect days (Q19): their week, and the days themselves, unless settled.

    Args:
        subject: The site.
        entries: The site's index entries.
        days: Suspect days, local.
        now: The instant of planning (aware).
        settle_hours: How long after its end the response to a window counts as final.
    """
    today, zone = local_today(now, subject.zone), subject.zone

    def about(day: date, grain: Grain) -> Window:
        return window(period_start(day, grain), period_end(day, grain), zone, today=today)

    suspect = sorted({day for day in days if day <= today}, reverse=True)
    weeks = dict.fromkeys(period_start(day, Grain.WEEK) for day in suspect)
    requests = [week_cross_check(subject.site_id, about(day, Grain.WEEK), zone) for day in weeks]
    requests += [history(subject.site_id, Series.ENERGY_INTERVAL, about(day, Grain.DAY), zone) for day in suspect]
    done = settled(subject.cut(entries), settle_hours, now=now) if requests else {}
    return [request for request in requests if not _is_settled(request, done, subject)]
