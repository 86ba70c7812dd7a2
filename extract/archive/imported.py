"""Files that a person imports, kept in the raw archive like responses: verbatim, before they are used.

A record of a file has no request: its path is `/import/…`, and its provider is `IMPORTED`. Whatever else is particular to a
file is in its path and its window, which the index has.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.archive.record import Response
from extract.requests import Request
from extract.windows import ONE_DAY, Window, last_second
from wattlog.local_days import first_instant
from wattlog.series import Series

IMPORTED: Final = "import"
"""The provider of a record that was imported."""

_FOLDER: Final = "/import"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file to keep.

    Attributes:
        site_id: The site it is about.
        series: `TARIFF_FILE` or `PRICE_FILE`.
        content: Its bytes.
        label: What the path has after the kind of file: a format, a currency.
        since: First local day that it is about; None where its rows have instants.
    """

    site_id: int
    series: Series
    content: bytes
    label: str
    since: date | None = None

    @property
    def path(self) -> str:
        """The path of its record."""
        return f"{_FOLDER}/{self.series}/{self.label}"


def keep_file(archive: RawArchive, file: ImportedFile, *, zone: tzinfo, now: datetime, run_id: str) -> IndexEntry:
    """Keep a file in the raw archive; returns once it is on disk.

    Args:
        archive: The archive.
        file: The file.
        zone: The zone of the site.
        now: The present instant.
        run_id: The run that imports it.

    Raises:
        ArchiveError: It cannot be written.
    """
    window = None if file.since is None else _day(file.since, zone)
    request = Request(file.site_id, file.series, file.path, window=window)
    response = Response(request, now, 0.0, 1, 200, {}, file.content, "data")
    return archive.keep(response, run_id=run_id, provider=IMPORTED)


def label_of(path: str) -> str:
    """What `ImportedFile.label` was, from the path of a record."""
    return path.rsplit("/", 1)[-1]


def imported(archive: RawArchive, site_id: int, series: Series) -> list[IndexEntry]:
    """The imported files of a site, in the order in which they were imported."""
    return [entry for entry in archive.entries(site_id) if entry.series == series]


def _day(day: date, zone: tzinfo) -> Window:
    """The window of a single day, which may be in the future: a plan that begins next month."""
    begin = first_instant(day, zone).astimezone(zone)
    return Window(day, day, begin, last_second(day, zone), first_instant(day + ONE_DAY, zone))
