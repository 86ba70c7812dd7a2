"""Files that a person imports, kept in the raw archive like responses: verbatim, before they are used.

A record of a file has no request: its path is `/import/…`, and its provider is `IMPORTED`. Whatever else is particular to a
file is in its path and its window, which the index has.

The files of an imported history have the `run_id` of their run, which is the id of the import. An import is taken out by
another record, since the archive only grows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.archive.record import Response
from extract.requests import Request
from extract.windows import ONE_DAY, Window, last_second
from wattlog.imported_paths import ImportedPath
from wattlog.local_days import first_instant
from wattlog.series import is_old_history
from wattlog.series_spec import Series

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


def keep_part(
    archive: RawArchive,
    path: ImportedPath,
    content: bytes,
    days: tuple[date, date] | None,
    *,
    site_id: int,
    zone: tzinfo,
    now: datetime,
    run_id: str,
) -> IndexEntry:
    """Keep a part of a file of an imported history; returns once it is on disk.

    Args:
        archive: The archive.
        path: Which part of which file it is.
        content: Its bytes.
        days: First and last local day of the file; None where it has no rows.
        site_id: The site it is about.
        zone: The zone of the site.
        now: The present instant.
        run_id: The id of the import.

    Raises:
        ArchiveError: It cannot be written.
    """
    window = None if days is None else _days(*days, zone)
    request = Request(site_id, Series(path.series), str(path), window=window)
    return archive.keep(Response(request, now, 0.0, 1, 200, {}, content, "data"), run_id=run_id, provider=IMPORTED)


def take_out(archive: RawArchive, site_id: int, import_id: str, *, now: datetime, run_id: str) -> IndexEntry:
    """Note that an import no longer counts; its files stay in the archive.

    Raises:
        ArchiveError: It cannot be written.
    """
    request = Request(site_id, Series.IMPORT_UNDO, f"{_FOLDER}/{Series.IMPORT_UNDO}/{import_id}")
    return archive.keep(Response(request, now, 0.0, 1, 200, {}, b"", "data"), run_id=run_id, provider=IMPORTED)


def histories_in_force(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """The entries of imported histories that were not taken out, in the order of imports, files, and parts.

    Args:
        entries: Those of a site (`RawArchive.histories`).
    """
    found, taken_out = [], set()
    for entry in entries:
        if entry.series == Series.IMPORT_UNDO:
            taken_out.add(label_of(entry.path))
        elif is_old_history(entry.series):
            found.append(entry)
    return sorted(
        (entry for entry in found if entry.run_id not in taken_out), key=lambda entry: (entry.run_id, entry.path)
    )


def label_of(path: str) -> str:
    """What `ImportedFile.label` was, from the path of a record."""
    return path.rsplit("/", 1)[-1]


def imported(archive: RawArchive, site_id: int, series: Series) -> list[IndexEntry]:
    """The imported files of a site, in the order in which they were imported."""
    return [entry for entry in archive.entries(site_id) if entry.series == series]


def _day(day: date, zone: tzinfo) -> Window:
    """The window of a single day, which may be in the future: a plan that begins next month."""
    return _days(day, day, zone)


def _days(first: date, last: date, zone: tzinfo) -> Window:
    begin = first_instant(first, zone).astimezone(zone)
    return Window(first, last, begin, last_second(last, zone), first_instant(last + ONE_DAY, zone))
