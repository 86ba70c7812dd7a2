"""`wattlog report`."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Since, Sites, Until

if TYPE_CHECKING:
    from flows.settings import Settings


def report(
    settings: "Settings",
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write.", metavar="FILE.html", show_default="report.html in the data directory"),
    ] = None,
    site: Sites = None,
    year: Annotated[
        int | None,
        typer.Option(min=2000, max=9999, help="Only this calendar year.", metavar="YYYY", show_default=False),
    ] = None,
    since: Since = None,
    until: Until = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Write one HTML page with the history of every site. It needs a browser and no network."""
    from extract.api.client import utc_now
    from flows.console import note, print_json
    from flows.errors import UsageError
    from warehouse.report import write_report
    from wattlog.names import DataDirectory

    if year is not None:
        if since is not None or until is not None:
            raise UsageError("--year cannot be used with --since or --until; give one or the other")
        since, until = date(year, 1, 1), date(year, 12, 31)
    if out is None and settings.shown_data_dir != str(settings.data_dir):
        raise UsageError(f"{settings.shown_data_dir} is a store and has no report; name a file with --out FILE.html")
    directory = DataDirectory(settings.data_dir)
    written = write_report(
        directory.warehouse,
        directory.report if out is None else out,
        made_at=utc_now(),
        sites=site or None,
        since=since,
        until=until,
        answers=directory.what_if,
        force=force or out is None,  # at its default place it is replaced: it can be made again from the warehouse
    )
    if as_json:
        print_json({"path": str(written.path), "sites": written.sites, "bytes": written.bytes})
    else:
        sites_shown = "1 site" if written.sites == 1 else f"{written.sites} sites"
        note(f"{sites_shown}, {written.bytes / 1e6:.1f} MB in {written.path}; open it in a browser")
