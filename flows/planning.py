"""From the sites of the account to the requests of a run: what `plan` shows and `backfill` sends.

The planner reads neither responses nor settings; here it is given what the archive holds about a site's clock and about days
without energy.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from itertools import groupby

from extract.api.planner import Chunk, FetchScope, PlannedSite, cross_check_requests, plan
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.requests import Request, question_of
from flows.incomplete import incomplete_of
from flows.run_context import RunContext
from transform.reconciliation.suspect_days import CHECKS, VERDICTS, suspect_days
from transform.responses import holds_energy
from transform.sites import Site
from warehouse.lake.lake import Lake
from wattlog.series import SERIES
from wattlog.series_spec import Series
from wattlog.zones import zone_named

Asked = tuple[int, str, str, date | None, date | None]
"""Site, series, question, first and last day: the window of a request, whenever it was planned."""


def chunks_for(
    context: RunContext,
    archive: RawArchive,
    sites: Sequence[Site],
    scope: FetchScope,
    *,
    now: datetime,
    newest_first: bool,
) -> list[Chunk]:
    """The open windows of some sites as chunks, ordered by month over all sites, so that all sites advance together."""
    lake = context.open_lake()
    found = [
        chunk
        for site in sites
        for chunk in plan(
            subject(site, now),
            archive.entries(site.site_id),
            scope,
            now=now,
            settle_hours=context.settings.settle_hours,
            holds_energy=partial(_holds_energy, archive),
            incomplete=incomplete_of(lake, site),
        )
    ]
    return sorted(found, key=lambda chunk: chunk.month, reverse=newest_first)


def _holds_energy(archive: RawArchive, entry: IndexEntry) -> bool:
    """Whether a kept response holds any energy; a lost one counts as one without."""
    response = archive.load_or_none(entry)
    return response is not None and holds_energy(response)


def further_chunks(
    context: RunContext,
    archive: RawArchive,
    sites: Sequence[Site],
    scope: FetchScope,
    asked: Collection[Asked],
    again: Collection[int],
    *,
    now: datetime,
    newest_first: bool,
) -> list[Chunk]:
    """Windows that the responses since the last planning open up, and that were not requested in this run.

    They are further back than any that was requested, for sites whose history has no known beginning (Q17; see
    `extract.api.planner.first_day`), or they are the months and years of days of which data have arrived late: their sums
    have changed with these days.

    Args:
        context: The run.
        archive: The responses so far.
        sites: The sites.
        scope: The series and days to fetch.
        asked: The windows that were requested in this run.
        again: The sites of which settled windows were requested again.
        now: The present instant.
        newest_first: Whether the newest windows are fetched first.
    """
    open_sites = [site for site in sites if site.site_id in again or not _is_bounded(site, scope)]
    return not_asked(chunks_for(context, archive, open_sites, scope, now=now, newest_first=newest_first), asked)


def not_asked(chunks: Iterable[Chunk], asked: Collection[Asked]) -> list[Chunk]:
    """The chunks without the windows that were requested."""
    found = []
    for chunk in chunks:
        fresh = tuple(request for request in chunk.requests if about(request) not in asked)
        if fresh:
            found.append(Chunk(chunk.site_id, chunk.series, chunk.month, fresh))
    return found


def cross_check_chunks(
    context: RunContext,
    archive: RawArchive,
    lake: Lake,
    sites: Sequence[Site],
    scope: FetchScope,
    *,
    now: datetime,
) -> list[Chunk]:
    """The week and the day itself, for each suspect day (Q19), newest month first.

    Only days in the scope, and only where both series that are compared are in the scope.
    """
    if not set(scope.series) >= {spec.name for spec in SERIES.values() if spec.is_cross_checked}:
        return []
    found = list[Chunk]()
    for site in sites:
        rows = lake.read("reconciliation", site_id=site.site_id, where={"check_name": CHECKS, "verdict": VERDICTS})
        days = [
            day
            for day in suspect_days(rows)
            if (scope.since is None or day >= scope.since) and (scope.until is None or day <= scope.until)
        ]
        requests = cross_check_requests(
            subject(site, now),
            archive.entries(site.site_id),
            days,
            now=now,
            settle_hours=context.settings.settle_hours,
        )
        for (month, series), of_month in groupby(sorted(requests, key=_month_and_series), key=_month_and_series):
            found.append(Chunk(site.site_id, series, month, tuple(of_month)))
    return sorted(found, key=lambda chunk: chunk.month, reverse=True)


def _month_and_series(request: Request) -> tuple[str, Series]:
    if request.window is None:
        raise ValueError(f"a cross-check request without a window: {request.what}")
    return f"{request.window.start:%Y-%m}", request.series


def about(request: Request) -> Asked:
    """The window of a request."""
    start, end = (None, None) if request.window is None else (request.window.start, request.window.end)
    return request.site_id, request.series, question_of(dict(request.params)), start, end


def _is_bounded(site: Site, scope: FetchScope) -> bool:
    return site.installed_on is not None and (scope.since is None or scope.since >= site.installed_on)


def subject(site: Site, now: datetime) -> PlannedSite:
    """What the planner needs of a site: its days are requested by the clock by which the server cuts them (Q7)."""
    names = dict.fromkeys(clock.timezone for clock in site.server_clocks)
    clock = site.clock_now(now)
    return PlannedSite(
        site_id=site.site_id,
        zone=clock,
        local_zone=site.zone,
        clocks=tuple(zone for zone in map(zone_named, names) if zone is not None),
        installed_on=None if site.installed_at is None else site.installed_at.astimezone(clock).date(),
        has_battery=bool(site.has_battery),
        has_wall_connectors=bool(site.wall_connectors),
    )
