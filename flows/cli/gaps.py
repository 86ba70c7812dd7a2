"""`wattlog gaps`."""

from typing import TYPE_CHECKING

from flows.cli.options import Json, SeriesNames, Since, Sites

if TYPE_CHECKING:
    from flows.settings import Settings


def gaps(
    settings: "Settings", *, site: Sites = None, series: SeriesNames = None, since: Since = None, as_json: Json = False
) -> None:
    """Show which rows are missing, and why."""
    from dataclasses import asdict

    from flows.cli.tables.gaps import print_gaps, stored_gaps
    from flows.console import print_json
    from wattlog.names import DataDirectory

    found = stored_gaps(DataDirectory(settings.data_dir).warehouse, site or (), series or (), since)
    if as_json:
        print_json([asdict(gap) for gap in found])
    else:
        print_gaps(found)
