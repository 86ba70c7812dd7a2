"""The options that several commands share, each declared once."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from wattlog.series_spec import Series


class ExportFormat(StrEnum):
    """The values of `export --format`."""

    CSV = "csv"
    PARQUET = "parquet"


class Interval(StrEnum):
    """The values of `--interval`."""

    QUARTER_HOUR = "15m"


class PartitionBy(StrEnum):
    """The values of `--partition-by`."""

    SITE = "site"
    MONTH = "month"
    YEAR = "year"


class Clock(StrEnum):
    """The values of `--tz`."""

    LOCAL = "local"
    UTC = "utc"


def day(text: str) -> date:
    """A calendar day, as YYYY-MM-DD.

    Raises:
        BadParameter: It is not a day.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:  # ISO 8601 has weeks and days without hyphens, too
        raise typer.BadParameter(f"{text!r} is not a day; write it like 2025-03-30")
    return found


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sites = Annotated[list[int] | None, typer.Option("--site", help="Only this site id; repeat for more.", metavar="ID")]
OneSite = Annotated[int | None, typer.Option("--site", help="The site; needed if there are several.", metavar="ID")]
SeriesNames = Annotated[list[Series] | None, typer.Option("--series", help="Only this series; repeat for more.")]
Since = Annotated[
    date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="First day, in each site's own calendar.")
]
Until = Annotated[
    date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="Last day, included; today if not given.")
]
IntervalName = Annotated[
    Interval | None,
    typer.Option(help="Fetch energy by quarter hours as well: one more request a day.", show_default=False),
]
InPlaceViews = Annotated[
    bool,
    typer.Option("--in-place-views", help="Make a warehouse of views over the lake, for fleets too large to copy."),
]
MaxRequests = Annotated[int | None, typer.Option(min=1, help="Make at most this many requests.", metavar="N")]
QUERY_S = 600.0
"""How long a query may run by default; the longest one that ships takes a few seconds."""

AllowFiles = Annotated[
    bool, typer.Option("--allow-files", help="Let the query read files of this machine (read_csv, read_parquet, …).")
]
Timeout = Annotated[
    float, typer.Option(min=0, help="End the query after this many seconds; 0 for no limit.", metavar="S")
]
