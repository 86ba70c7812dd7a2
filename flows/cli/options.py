"""The options that commands share: each declared once, so that it means the same wherever it stands."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from extract.series import Series


class EngineName(StrEnum):
    """The values of `--engine`."""

    LOCAL = "local"
    PREFECT = "prefect"


class Format(StrEnum):
    """The values of `sql --format`."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    MARKDOWN = "markdown"


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
    """A calendar day as people write it.

    Raises:
        BadParameter: It is none.
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
SeriesNames = Annotated[list[Series] | None, typer.Option("--series", help="Only this series; repeat for more.")]
Since = Annotated[
    date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="First day, in each site's own calendar.")
]
Until = Annotated[
    date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="Last day, included; today if not given.")
]
IntervalName = Annotated[
    Interval | None,
    typer.Option(help="Energy by quarter hours as well: one more request a day.", show_default=False),
]
Engine = Annotated[
    EngineName | None,
    typer.Option(
        help="What runs the steps; prefect where a Prefect API is configured, else local.", show_default=False
    ),
]
InPlaceViews = Annotated[
    bool,
    typer.Option("--in-place-views", help="Make a warehouse of views over the lake: for fleets too large to copy."),
]
MaxRequests = Annotated[int | None, typer.Option(min=1, help="Ask at most this often.", metavar="N")]
