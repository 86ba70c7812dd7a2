"""Write a report to a file; the file is complete or not there."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from warehouse.errors import DestinationExists, ExportFailed
from warehouse.query.query import connect
from warehouse.report.page import page
from warehouse.report.queries import report_data
from wattlog import durable

logger = logging.getLogger(__name__)


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
    answers: Path | None = None,
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
        answers: Directory with the last answers of `wattlog what-if`, one file for each site.
        force: Whether an existing file is replaced.

    Raises:
        DestinationExists: The file exists and `force` was not given.
        QueryFailed: See `report_data`.
        ExportFailed: The file cannot be written. No incomplete file is left.
        Unreadable: The warehouse cannot be opened.
    """
    if destination.exists() and not force:
        raise DestinationExists(destination)
    with connect(warehouse) as connection:
        data = report_data(
            connection, made_at=made_at, sites=sites, since=since, until=until, what_if=what_if_answers(answers)
        )
    content = page(data).encode()
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        durable.sweep(destination.parent, name=destination.name)
        with durable.replacing(destination) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ExportFailed(destination, durable.reason(error)) from error
    return Reported(destination, len(data.sites), len(content))


def what_if_answers(answers: Path | None) -> dict[int, Mapping[str, Any]]:
    """Site → the last answer of `wattlog what-if`. One that cannot be read is left out: asking again makes it."""
    found: dict[int, Mapping[str, Any]] = {}
    for path in sorted(answers.glob("*.json")) if answers is not None else ():
        try:
            answer = orjson.loads(path.read_bytes())
            found[int(answer["site_id"])] = answer
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("what_if_unreadable path=%s", path)
    return found
