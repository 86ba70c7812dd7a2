"""`wattlog report`: one HTML file with the history of every site."""

from datetime import date
from pathlib import Path

from extract.client import utc_now
from flows.cli.query import WAREHOUSE
from flows.console import note, print_json
from flows.errors import UsageError
from flows.settings import Settings
from warehouse.report import write_report

DEFAULT_NAME = "report.html"
"""Beside the warehouse, where nothing was said."""


def report(
    settings: Settings,
    *,
    out: Path | None,
    sites: list[int],
    year: int | None,
    since: date | None,
    until: date | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write the report and say where it is.

    A report at its default place is replaced without asking: it is made of the warehouse and nothing else.
    """
    if year is not None:
        if since is not None or until is not None:
            raise UsageError("--year is --since and --until in one: give either")
        since, until = date(year, 1, 1), date(year, 12, 31)
    if out is None and settings.shown_data_dir != str(settings.data_dir):
        raise UsageError(f"{settings.shown_data_dir} takes no report; say where with --out FILE.html")
    written = write_report(
        settings.data_dir / WAREHOUSE,
        settings.data_dir / DEFAULT_NAME if out is None else out,
        made_at=utc_now(),
        sites=sites or None,
        since=since,
        until=until,
        force=force or out is None,
    )
    if as_json:
        print_json({"path": str(written.path), "sites": written.sites, "bytes": written.bytes})
    else:
        sites_shown = "1 site" if written.sites == 1 else f"{written.sites} sites"
        note(f"{sites_shown}, {written.bytes / 1e6:.1f} MB in {written.path}; open it in a browser")
