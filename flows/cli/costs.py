"""`wattlog costs`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Sites

if TYPE_CHECKING:
    from flows.settings import Settings


def costs(
    settings: "Settings",
    *,
    site: Sites = None,
    month: Annotated[
        str | None,
        typer.Option(help="The days of this calendar month.", metavar="YYYY-MM", show_default=False),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option(min=2000, max=9999, help="Only this calendar year.", metavar="YYYY", show_default=False),
    ] = None,
    cycle: Annotated[
        bool, typer.Option("--cycle", help="Bills by billing cycle, all charges and tax included, instead of months.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what energy cost, and what panels and battery saved."""
    from datetime import date

    from flows.cli.tables import costs as tables
    from flows.console import print_json
    from flows.errors import UsageError
    from wattlog.names import DataDirectory

    if month is not None and year is not None:
        raise UsageError("--month cannot be used with --year; give one or the other")
    first, last = date.min, date.max
    if month is not None:
        days = tables.month_of(month)
        if days is None:
            raise UsageError(f"--month {month} is not a month; write it like 2025-03")
        first, last = days
    if year is not None:
        first, last = date(year, 1, 1), date(year, 12, 31)
    grain = tables.Grain.CYCLE if cycle else tables.Grain.DAY if month is not None else tables.Grain.MONTH
    found = tables.stored_costs(DataDirectory(settings.data_dir).warehouse, grain, site or (), first, last)
    if as_json:
        print_json(tables.as_json(found))
    else:
        tables.print_costs(found)
