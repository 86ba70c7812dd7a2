"""What is still to be asked: every window of the wanted range that the archive does not hold settled.

State is the raw index itself. There is no cursor to lose: a window is settled when an answer to it was kept long enough
after its end, data or not, and only settled windows are never asked again (Q12, Q13, Q25).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from extract.archive import Entry
from extract.series import HISTORY, Need, Request, Series, history
from extract.windows import Window, local_today, windows


@dataclass(frozen=True, slots=True)
class Subject:
    """What the planner has to know of a site.

    Attributes:
        site_id: The site.
        zone: The zone, or fixed offset, by which the server cuts its days (Q1, Q7).
        installed_on: Local day of the installation; None when it is not known.
        has_battery: Sites without a battery have no state of energy.
    """

    site_id: int
    zone: tzinfo
    installed_on: date | None
    has_battery: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of work: the open windows of one site × series × month, newest first."""

    site_id: int
    series: Series
    month: str
    requests: tuple[Request, ...]

    def __str__(self) -> str:
        return f"site {self.site_id} {self.series} {self.month}"


def settled(entries: Iterable[Entry], settle_hours: float) -> set[tuple[str, date, date]]:
    """(series, first day, last day) of every window among one site's entries that need not be asked again."""
    wait = timedelta(hours=settle_hours)
    return {
        (entry.series, entry.window_start, entry.window_end)
        for entry in entries
        if entry.is_answer
        and entry.window_start is not None
        and entry.window_end is not None
        and entry.closes_at is not None
        and entry.requested_at >= entry.closes_at + wait
    }


def site_windows(
    subject: Subject, series: Series, *, since: date | None, until: date | None, now: datetime
) -> Iterator[Window]:
    """Every window of a series for a site, oldest first, whether asked before or not.

    The range is the site's own calendar days; without `since` it begins at the installation, without either at today.
    """
    how = HISTORY[series]
    if how.needs is Need.BATTERY and not subject.has_battery:
        return iter(())
    today = local_today(now, subject.zone)
    first = max(filter(None, (since, subject.installed_on)), default=today)
    return windows(how.grain, first, until or today, subject.zone, today=today, installed_on=subject.installed_on)


def plan(
    subject: Subject,
    entries: Iterable[Entry],
    series: Iterable[Series],
    *,
    since: date | None,
    until: date | None,
    now: datetime,
    settle_hours: float,
) -> list[Chunk]:
    """The chunks of unsettled windows for one site, newest month first.

    Args:
        subject: The site.
        entries: The site's index entries.
        series: Series wanted.
        since: First local day, included; None for the installation.
        until: Last local day, included; None for today.
        now: The instant of planning (aware).
        settle_hours: How long after its end an answer counts as final.
    """
    done = settled(entries, settle_hours)
    chunks: dict[tuple[str, Series], list[Request]] = {}
    for each in series:
        for window in site_windows(subject, each, since=since, until=until, now=now):
            if (str(each), window.start, window.end) not in done:
                request = history(subject.site_id, each, window, subject.zone)
                chunks.setdefault((f"{window.start:%Y-%m}", each), []).append(request)
    order = list(HISTORY)
    return [
        Chunk(subject.site_id, each, month, tuple(reversed(requests)))
        for (month, each), requests in sorted(
            chunks.items(), key=lambda item: (item[0][0], -order.index(item[0][1])), reverse=True
        )
    ]
