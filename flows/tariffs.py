"""Tariffs and prices of a site: from what the archive has to the tables, and from a file into the archive."""

import logging
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from extract.archive.imported import imported, label_of
from extract.archive.raw_archive import RawArchive
from flows.errors import UsageError
from transform.responses import response_of
from transform.sites import Site
from transform.tariffs.files import FileFormat, UnreadableTariff, parse_tariff_file
from transform.tariffs.validity import tariffs_frame
from warehouse.lake.lake import Lake
from wattlog.lake_periods import LIFETIME
from wattlog.series_spec import Series

log = logging.getLogger(__name__)


def tariffs_of(
    archive: RawArchive, lake: Lake, site: Site, seen: Iterable[tuple[datetime, datetime, object]]
) -> pd.DataFrame:
    """Table `tariffs` of a site.

    Args:
        archive: The archive, which has the imported files.
        lake: The lake, which has the prices by interval.
        site: The site.
        seen: The tariffs that site_info had; see `tariffs_frame`. If it never had one, those of `tariff_rate` count.
    """
    observed = list(seen)
    if all(document is None for _, _, document in observed):
        observed = list(_rates_seen(archive, site.site_id)) or observed
    prices = lake.read("prices", site_id=site.site_id, periods=[LIFETIME])
    return tariffs_frame(site.site_id, site.zone, seen=observed, files=_files(archive, site.site_id), prices=prices)


def _rates_seen(archive: RawArchive, site_id: int) -> Iterator[tuple[datetime, datetime, object]]:
    """When each tariff_rate was requested, first and last, and what it was; of equal ones only one is read."""
    entries = [
        entry for entry in archive.entries(site_id) if entry.series == Series.TARIFF_RATE and entry.is_conclusive
    ]
    for _, alike in groupby(entries, key=lambda entry: entry.sha256):
        first, *others = alike
        record = archive.load_or_none(first)
        if record is not None:
            yield first.requested_at, (others or [first])[-1].requested_at, response_of(record.body)


def _files(archive: RawArchive, site_id: int) -> Iterator[tuple[date, Any]]:
    """The imported tariffs of a site with their first days, in the order in which they were imported."""
    for entry in imported(archive, site_id, Series.TARIFF_FILE):
        record = archive.load_or_none(entry)
        if record is None or entry.window_start is None:
            continue
        try:
            yield entry.window_start, parse_tariff_file(record.body, FileFormat(label_of(record.path)))
        except ValueError as error:  # it was readable when it was imported
            log.warning("an imported tariff cannot be used raw_id=%s reason=%s", entry.raw_id, error)


def read_file(path: Path) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def read_tariff_file(path: Path) -> tuple[bytes, FileFormat, Any]:
    """The bytes, the format and the document of a tariff file.

    Raises:
        UsageError: It cannot be read, or its name does not end with .json or .toml.
    """
    try:
        form = FileFormat(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise UsageError(f"{path.name} is no tariff file: the name must end with .json or .toml") from None
    content = read_file(path)
    try:
        return content, form, parse_tariff_file(content, form)
    except UnreadableTariff as error:
        raise UsageError(f"{path.name} cannot be read: {error}") from None
