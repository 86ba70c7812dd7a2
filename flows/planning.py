"""From the sites of the account to the requests of a run: what `plan` shows and `backfill` asks.

The planner itself knows neither answers nor settings; here it is told what the archive says of a site's clock and of days
without energy.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, tzinfo
from itertools import groupby

from extract.planner import Chunk, Subject, Wanted, plan, witnesses
from extract.series import DAY_SERIES, Request, Series, question_of
from flows.workspace import Workspace
from transform.parse import holds_energy, parse
from transform.reconciliation import doubtful_days
from transform.site_zone import ZoneSource
from transform.sites import Site
from transform.zones import iana_zone, server_clock

WITNESSED = frozenset({Series.ENERGY_DAY, Series.ENERGY_INTERVAL})
"""Series that contradict one another, and answer for one another."""

Asked = tuple[int, str, str, date | None, date | None]
"""Site, series, question, first and last day: which window a request is about, whenever it was planned."""


def chunks_for(workspace: Workspace, sites: Sequence[Site], wanted: Wanted, *, newest_first: bool) -> list[Chunk]:
    """The open windows of some sites as chunks: by month over all sites, so that no site waits for another's past."""
    now = workspace.clock()
    found = [
        chunk
        for site in sites
        for chunk in plan(
            subject(workspace, site, now),
            workspace.archive.entries(site.site_id),
            wanted,
            now=now,
            settle_hours=workspace.settings.settle_hours,
            holds_energy=lambda entry: holds_energy(workspace.archive.answer(entry)),
        )
    ]
    return sorted(found, key=lambda chunk: chunk.month, reverse=newest_first)


def deeper_chunks(
    workspace: Workspace, sites: Sequence[Site], wanted: Wanted, asked: Collection[Asked], *, newest_first: bool
) -> list[Chunk]:
    """What the answers since the last planning open up: windows further back than any that was asked (Q17).

    Only sites whose history has no known beginning have any; see `extract.planner.first_day`.
    """
    unbounded = [site for site in sites if not _is_bounded(site, wanted)]
    found = []
    for chunk in chunks_for(workspace, unbounded, wanted, newest_first=newest_first):
        fresh = tuple(request for request in chunk.requests if about(request) not in asked)
        if fresh:
            found.append(Chunk(chunk.site_id, chunk.series, chunk.month, fresh))
    return found


def witness_chunks(workspace: Workspace, sites: Sequence[Site], wanted: Wanted) -> list[Chunk]:
    """The week and the day itself, for each day that the month dropped or contradicts (Q19), newest month first.

    Only days that were wanted, and only where the series that could contradict one another were.
    """
    if not set(wanted.series) >= WITNESSED:
        return []
    now, found = workspace.clock(), list[Chunk]()
    for site in sites:
        rows = workspace.lake.read("reconciliation", site_id=site.site_id)
        days = [
            day
            for day in doubtful_days(rows)
            if (wanted.since is None or day >= wanted.since) and (wanted.until is None or day <= wanted.until)
        ]
        requests = witnesses(
            subject(workspace, site, now),
            workspace.archive.entries(site.site_id),
            days,
            now=now,
            settle_hours=workspace.settings.settle_hours,
        )
        for (month, series), each in groupby(sorted(requests, key=_month_and_series), key=_month_and_series):
            found.append(Chunk(site.site_id, series, month, tuple(each)))
    return sorted(found, key=lambda chunk: chunk.month, reverse=True)


def _month_and_series(request: Request) -> tuple[str, Series]:
    if request.window is None:
        raise ValueError(f"a witness without a window: {request.what}")
    return f"{request.window.start:%Y-%m}", request.series


def about(request: Request) -> Asked:
    """Which window a request is about."""
    start, end = (None, None) if request.window is None else (request.window.start, request.window.end)
    return request.site_id, request.series, question_of(dict(request.params)), start, end


def _is_bounded(site: Site, wanted: Wanted) -> bool:
    return site.installed_on is not None and (wanted.since is None or wanted.since >= site.installed_on)


def subject(workspace: Workspace, site: Site, now: datetime) -> Subject:
    """What the planner has to know of a site: its days are asked by the clock that the server cuts them by (Q7)."""
    clock = site.clock
    if site.clock_offset_minutes is None and site.timezone_source != ZoneSource.INSTALLATION_TIME_ZONE:
        clock = _clock_of_answers(workspace, site, now)
    return Subject(
        site_id=site.site_id,
        zone=clock,
        installed_on=None if site.installed_at is None else site.installed_at.astimezone(clock).date(),
        has_battery=bool(site.has_battery),
        has_wall_connectors=bool(site.wall_connectors),
    )


def _clock_of_answers(workspace: Workspace, site: Site, now: datetime) -> tzinfo:
    """The server's clock for a site whose site_info says nothing of it: the newest day of its history does (Q7, Q8)."""
    days = (each for each in workspace.archive.entries(site.site_id) if each.series in DAY_SERIES)
    newest = max((each for each in days if each.outcome == "data"), key=lambda each: each.requested_at, default=None)
    if newest is None:
        return site.clock
    parsed = parse(workspace.archive.answer(newest))
    told = None if iana_zone(parsed.installation_time_zone or "") else parsed.time_zone_offset
    return server_clock(site.clock, told, newest.requested_at, now)
