"""What is still to be asked: every window of the wanted range that the archive does not hold settled.

State is the raw index itself. There is no cursor to lose: a window is settled when an answer to it was kept long enough
after its end, data or not, and only settled windows are never asked again (Q12, Q13, Q25).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from extract.archive import Entry
from extract.series import (
    DAY_SERIES,
    HISTORY,
    ORDER,
    QUARTER_HOUR,
    Need,
    Request,
    Series,
    history,
    legacy_history,
    question_of,
    week_witness,
)
from extract.windows import ONE_DAY, Grain, Window, local_today, period_end, period_start, window, windows

EMPTY_DAYS = 60
"""Walking back beyond the known stops after so many days without energy: sites were seen to have nothing before their
installation, or for years after it, so that no date alone can be trusted (Q17). Sixty days outlast a long outage."""

EARLIEST = date(2010, 1, 1)
"""No answer goes back further: solar-only history begins in December 2018 where it was seen (Q17), batteries in 2015."""

HoldsEnergy = Callable[[Entry], bool]
"""Whether a kept answer tells of any energy at all: an answer of zeros is as empty as none (Q17)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the planner has to know of a site.

    Attributes:
        site_id: The site.
        zone: The zone, or fixed offset, by which the server cuts its days (Q1, Q7).
        installed_on: Local day of the installation; None when it is not known.
        has_battery: Sites without a battery have no state of energy and no outages.
        has_wall_connectors: Sites without have no charge sessions.
    """

    site_id: int
    zone: tzinfo
    installed_on: date | None
    has_battery: bool
    has_wall_connectors: bool = False

    def has(self, need: Need) -> bool:
        """Whether the site has what a series needs."""
        return {Need.BATTERY: self.has_battery, Need.WALL_CONNECTORS: self.has_wall_connectors}.get(need, True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be asked for.

    Attributes:
        series: The series.
        since: First local day, included; None for the installation, or for all there is where that is not known.
        until: Last local day, included; None for today.
        is_named: The series were named by a person: ask sites that seem not to have them, too.
        has_quarter_hours: Energy by quarter hours as well, of every day: before April 2024 they alone tell more than the day's
            sum (Q10), since then they are the same energy, told once more and sometimes split otherwise (Q21).
    """

    series: tuple[Series, ...]
    since: date | None = None
    until: date | None = None
    is_named: bool = False
    has_quarter_hours: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of work: the open windows of one site × series × month, newest first."""

    site_id: int
    series: Series
    month: str
    requests: tuple[Request, ...]

    def __str__(self) -> str:
        return f"site {self.site_id} {self.series} {self.month}"


Key = tuple[str, str, date, date]
"""Series, question, first day, last day: what an answer settles."""


Ends = tuple[datetime, datetime]
"""Where the answers to a window end, the first and the last of them: they differ where the server's clock did (Q7)."""


def settled(entries: Iterable[Entry], settle_hours: float) -> dict[Key, Ends]:
    """Every window among one site's entries that need not be asked again → where its answers end (UTC)."""
    wait = timedelta(hours=settle_hours)
    found: dict[Key, Ends] = {}
    for entry in entries:
        if entry.window_start is None or entry.window_end is None or entry.closes_at is None:
            continue
        if entry.is_answer and entry.requested_at >= entry.closes_at + wait:
            key = (entry.series, entry.question, entry.window_start, entry.window_end)
            first, last = found.get(key, (entry.closes_at, entry.closes_at))
            found[key] = min(first, entry.closes_at), max(last, entry.closes_at)
    return found


def first_day(
    subject: Subject,
    entries: Iterable[Entry],
    wanted: Wanted,
    *,
    today: date,
    holds_energy: HoldsEnergy = lambda _: True,
) -> date:
    """The first local day that is to be asked for now.

    That is `since`, or the installation. Where neither is a known bound (`since` lies before the installation, or it is not
    known), the walk back goes `EMPTY_DAYS` beyond the oldest energy held: what is found there moves the bound, and planning
    again goes on from it (Q17).
    """
    since, installed_on = wanted.since, subject.installed_on
    if installed_on is not None and (since is None or since >= installed_on):
        return since or installed_on
    edge = min(installed_on or today, wanted.until or today, today)
    older = (
        entry
        for entry in entries
        if entry.series in DAY_SERIES and entry.outcome == "data" and entry.window_start and entry.window_start < edge
    )
    for entry in sorted(older, key=lambda entry: entry.window_start or edge):
        if holds_energy(entry):
            edge = entry.window_start or edge
            break
    return max(since or EARLIEST, edge - EMPTY_DAYS * ONE_DAY)


def plan(
    subject: Subject,
    entries: Iterable[Entry],
    wanted: Wanted,
    *,
    now: datetime,
    settle_hours: float,
    holds_energy: HoldsEnergy = lambda _: True,
) -> list[Chunk]:
    """The chunks of unsettled windows for one site, newest month first.

    Args:
        subject: The site.
        entries: The site's index entries.
        wanted: Series and range.
        now: The instant of planning (aware).
        settle_hours: How long after its end an answer counts as final.
        holds_energy: Looks into an answer, where the walk back depends on it.
    """
    held = list(entries)
    done, today = settled(held, settle_hours), local_today(now, subject.zone)
    first = first_day(subject, held, wanted, today=today, holds_energy=holds_energy)
    chunks: dict[tuple[str, Series], list[Request]] = {}
    for series in wanted.series:
        for request in _requests(subject, series, wanted, first, today):
            if not _is_settled(request, done, subject.zone):
                month = f"{today if request.window is None else request.window.start:%Y-%m}"
                chunks.setdefault((month, series), []).append(request)
    return [
        Chunk(subject.site_id, series, month, tuple(reversed(requests)))
        for (month, series), requests in sorted(
            chunks.items(), key=lambda item: (item[0][0], -ORDER.index(item[0][1])), reverse=True
        )
    ]


def _requests(subject: Subject, series: Series, wanted: Wanted, first: date, today: date) -> Iterator[Request]:
    """Every request of a series for a site, oldest first, whether asked before or not."""
    if series is Series.HISTORY:
        yield from legacy_history(subject.site_id)
        return
    how = HISTORY[series]
    if not (wanted.is_named or subject.has(how.needs)):
        return
    for each in windows(
        how.grain,
        first,
        wanted.until or today,
        subject.zone,
        today=today,
        installed_on=subject.installed_on or EARLIEST,  # one lifetime a site, however far the walk back has come
    ):
        if series is Series.ENERGY_INTERVAL and wanted.has_quarter_hours:
            yield history(subject.site_id, series, each, subject.zone, interval=QUARTER_HOUR)
        yield history(subject.site_id, series, each, subject.zone)


def _key(request: Request, start: date, end: date) -> Key:
    return str(request.series), question_of(dict(request.params)), start, end


def _is_settled(request: Request, done: Mapping[Key, Ends], zone: tzinfo) -> bool:
    """Whether a request need not be asked (again).

    A fixed-offset site is cut by the offset in force when it was asked (Q7). A day asked in summer, followed by one asked in
    winter, ends an hour before that begins: asked once more by the offset of winter, the two meet.
    """
    asked = request.window
    if asked is None:
        return False
    held = done.get(_key(request, asked.start, asked.end))
    if held is None:
        return False
    if not isinstance(zone, timezone) or request.series not in DAY_SERIES:
        return True
    following = done.get(_key(request, asked.start + ONE_DAY, asked.end + ONE_DAY))
    next_begins = asked.closes_at if following is None else following[0] - ONE_DAY
    return held[1] >= next_begins or asked.closes_at < next_begins


def witnesses(
    subject: Subject, entries: Iterable[Entry], days: Iterable[date], *, now: datetime, settle_hours: float
) -> list[Request]:
    """What to ask for days that a month dropped or contradicts (Q19): their week, and themselves, unless settled.

    Args:
        subject: The site.
        entries: The site's index entries.
        days: Local days in doubt.
        now: The instant of planning (aware).
        settle_hours: How long after its end an answer counts as final.
    """
    done, today, zone = settled(entries, settle_hours), local_today(now, subject.zone), subject.zone

    def about(day: date, grain: Grain) -> Window:
        return window(period_start(day, grain), period_end(day, grain), zone, today=today)

    doubted = sorted({day for day in days if day <= today}, reverse=True)
    weeks = dict.fromkeys(period_start(day, Grain.WEEK) for day in doubted)
    asked = [week_witness(subject.site_id, about(day, Grain.WEEK), zone) for day in weeks]
    asked += [history(subject.site_id, Series.ENERGY_INTERVAL, about(day, Grain.DAY), zone) for day in doubted]
    return [request for request in asked if not _is_settled(request, done, zone)]
