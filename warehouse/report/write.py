"""Writing a report to a file, whole or not at all."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from warehouse import atomic
from warehouse.errors import DestinationExists, ExportFailed
from warehouse.query import connect
from warehouse.report.page import page
from warehouse.report.queries import report_data


@dataclass(frozen=True, slots=True)
class Reported:
    """A finished report.

    Attributes:
        path: The file.
        sites: How many sites it shows.
        bytes: Its size.
    """

    path: Path
    sites: int
    bytes: int


def write_report(
    warehouse: Path,
    destination: Path,
    *,
    made_at: datetime,
    sites: Collection[int] | None = None,
    since: date | None = None,
    until: date | None = None,
    force: bool = False,
) -> Reported:
    """Make a report of a warehouse.

    Args:
        warehouse: The published warehouse.
        destination: The file; written under a temporary name and renamed.
        made_at: The present.
        sites: See `report_data`.
        since: See `report_data`.
        until: See `report_data`.
        force: Whether an existing file is replaced.

    Raises:
        DestinationExists: The file exists and `force` was not given.
        QueryFailed: See `report_data`.
        ExportFailed: The file cannot be written. Nothing half-written is left.
        Unreadable: The warehouse cannot be opened.
    """
    if destination.exists() and not force:
        raise DestinationExists(destination)
    with connect(warehouse) as connection:
        data = report_data(connection, made_at=made_at, sites=sites, since=since, until=until)
    content = page(data).encode()
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        atomic.sweep(destination.parent, name=destination.name)
        with atomic.replacing(destination) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ExportFailed(destination, atomic.reason(error)) from error
    return Reported(destination, len(data.sites), len(content))
