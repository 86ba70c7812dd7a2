"""`wattlog plan`."""

from typing import TYPE_CHECKING

from flows.cli.options import IntervalName, Json, SeriesNames, Since, Sites, Until

if TYPE_CHECKING:
    from extract.api.client import Clock
    from flows.pipeline import BackfillRequest
    from flows.settings import Settings


def plan(
    settings: "Settings",
    *,
    site: Sites = None,
    series: SeriesNames = None,
    since: Since = None,
    until: Until = None,
    interval: IntervalName = None,
    as_json: Json = False,
) -> int:
    """Show how many requests a backfill makes, and their cost. No history is requested."""
    from flows.pipeline import BackfillRequest

    request = BackfillRequest(
        tuple(site or ()), tuple(series or ()), since, until, has_quarter_hours=interval is not None
    )
    return show_plan(settings, request, as_json=as_json)


def show_plan(settings: "Settings", request: "BackfillRequest", *, as_json: bool, clock: "Clock | None" = None) -> int:
    """Print what a backfill would request; returns the exit code.

    Only if the archive has no site yet, the API is asked for the sites.
    """
    from extract.api.client import utc_now
    from extract.pricing import estimate
    from flows.account import choose, discover, known_sites
    from flows.cli.tables.plan import as_dict, lines_of, lines_of_cars, print_plan
    from flows.console import note, print_json, progress_to_console
    from flows.data_directory import locked
    from flows.errors import exit_code_for
    from flows.fetch_session import FetchSession
    from flows.orchestration.context import new_context
    from flows.pipeline import cars_series
    from flows.planning import chunks_for
    from transform.sites import SiteStatus

    context, exit_code = new_context(settings, clock=clock or utc_now), 0
    provider = settings.resolved_provider
    with locked(settings.data_dir, "plan"):
        archive = context.open_archive()
        if not archive.site_ids():
            note("the archive has no site yet: requesting the account's products and each site's site_info")
            with progress_to_console() as progress, FetchSession(context, archive, progress=progress) as session:
                asked = discover(session, request.sites, has_live_status=False, progress=progress)
            for failure in asked.failures:
                note(str(failure.error))
                exit_code = exit_code_for(failure.error)
        sites = [
            site
            for site in choose(known_sites(archive, settings.site_timezones), request.sites)
            if site.status == SiteStatus.OK
        ]
        scope, newest_first = request.scope(provider), request.newest_first
        chunks = chunks_for(context, archive, sites, scope, now=context.clock(), newest_first=newest_first)
    of_cars = lines_of_cars(cars_series(scope, settings))
    lines = [*lines_of(sites, chunks), *of_cars]
    if of_cars:
        note(
            "of cars the first requests are counted: each car that is awake, and each further page of sessions, is one more"
        )
    cost = estimate(sum(line.requests for line in lines), provider)
    if as_json:
        print_json(as_dict(lines, cost, provider.requests_per_minute))
    else:
        print_plan(lines, cost, {site.site_id: site for site in sites}, provider.requests_per_minute)
    return exit_code
