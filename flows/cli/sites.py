"""`wattlog sites`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def sites(
    settings: "Settings",
    *,
    refresh: Annotated[bool, typer.Option("--refresh", help="Request the list from the API first.")] = False,
    as_json: Json = False,
) -> int:
    """List the sites with equipment, time zone, and days stored."""
    from flows.account import discover, known_sites
    from flows.cli.tables.sites import as_dict, print_sites, stored_of
    from flows.console import note, print_json, progress_to_console
    from flows.data_directory import locked
    from flows.errors import exit_code_for
    from flows.fetch_session import FetchSession
    from flows.orchestration.context import new_context

    context, exit_code = new_context(settings), 0
    with locked(settings.data_dir, "sites"):
        archive = context.open_archive()
        if refresh or not archive.site_ids():
            with (
                progress_to_console(is_quiet=as_json) as progress,
                FetchSession(context, archive, progress=progress) as session,
            ):
                asked = discover(session, (), progress=progress)
            for failure in asked.failures:
                note(str(failure.error))
                exit_code = exit_code_for(failure.error)
        found = known_sites(archive, settings.site_timezones)
        stored = {site.site_id: stored_of(archive, site.site_id) for site in found}
    if as_json:
        print_json([as_dict(site, stored[site.site_id]) for site in found])
    else:
        print_sites(found, stored)
    return exit_code
