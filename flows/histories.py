"""Importing the histories of other tools: find the files, recognise them, show what they have, keep them, take them out."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

import numpy as np

from extract.archive.imported import IMPORTED, histories_in_force, keep_part, label_of, take_out
from extract.archive.raw_archive import RawArchive
from flows import ledger
from flows.errors import ExitCode, UsageError
from flows.run_context import RunContext
from transform.imports.batches import UnreadableFile
from transform.imports.files import SAMPLE_BYTES, Format, HistoryFile, Sample
from transform.imports.formats import FORMATS, recognised
from transform.imports.mapping import Mapping
from transform.imports.owners_mapping import BadMapping, parse_mapping
from transform.imports.parts import day_frame, source_of
from transform.imports.reading import Content, Reject
from transform.imports.records import MAPPING_FILE
from transform.sites import Site
from wattlog.imported_paths import ImportedPath
from wattlog.series_spec import Series

PART_BYTES: Final = 8 * 2**20
"""A record has about as much of a file: no step has more of it in memory."""

_SUFFIXES: Final = (".csv", ".parquet", ".db", ".sqlite", ".sqlite3")
_SQLITE: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What one table of a file has: shown before anything is stored.

    Attributes:
        source: The source that its rows will be.
        rows: Rows that can be used.
        first_day: First local day.
        last_day: Last local day.
        days: Local days with a row.
        partial_days: How many of them are not whole, and give no day.
        step_s: Distance between rows.
        columns: Columns that are used, and what they are.
        unit: The unit, and why.
        zone: The zone, and why.
    """

    source: str
    rows: int
    first_day: date | None
    last_day: date | None
    days: int
    partial_days: int
    step_s: int | None
    columns: tuple[str, ...]
    unit: str
    zone: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that will be kept, and what it has.

    Attributes:
        name: Its path below the folder.
        path: Where it is.
        format: Its format.
        tables: What it has.
        rejects: Rows that cannot be used.
        is_kept: The archive has the same bytes already.
    """

    name: str
    path: Path
    format: Format
    tables: tuple[FoundTable, ...]
    rejects: tuple[Reject, ...]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a path has.

    Attributes:
        origin: Name of the file or folder.
        files: Files of the format, in the order of their names.
        refused: Other files: name → why.
        mapping: The bytes of the owner's mapping; None without one.
    """

    origin: str
    files: tuple[FoundFile, ...]
    refused: dict[str, str]
    mapping: bytes | None

    @property
    def format(self) -> Format:
        """The one format of its files."""
        return self.files[0].format

    @property
    def is_short(self) -> bool:
        """Whether a file that should have a history has none that can be used; pages about the others are none."""
        return any(name.lower().endswith(_SUFFIXES) for name in self.refused)

    @property
    def new(self) -> tuple[FoundFile, ...]:
        """The files that the archive does not have."""
        return tuple(file for file in self.files if not file.is_kept)

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last local day; None without a row."""
        first = [table.first_day for file in self.files for table in file.tables if table.first_day is not None]
        last = [table.last_day for file in self.files for table in file.tables if table.last_day is not None]
        return (min(first), max(last)) if first and last else None


def format_named(name: str) -> Series | None:
    """The series of a format, by the name that `--format` takes; None for `auto`.

    Raises:
        UsageError: There is none of that name.
    """
    if name == "auto":
        return None
    found = [series for series in FORMATS if series.partition(":")[2] == name]
    if not found:
        names = ", ".join(series.partition(":")[2] for series in FORMATS)
        raise UsageError(f"--format {name} is no format; there are auto, {names}")
    return found[0]


def read_mapping(path: Path | None) -> tuple[bytes, Mapping] | None:
    """The owner's mapping, its bytes and what they mean; None without one.

    Raises:
        UsageError: It cannot be read, or is none.
    """
    if path is None:
        return None
    try:
        content = path.read_bytes()
        return content, parse_mapping(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except BadMapping as error:
        raise UsageError(f"{path.name} is no mapping: {error}") from None


def inspect(
    path: Path,
    site: Site,
    archive: RawArchive,
    *,
    series: Series | None,
    mapping: tuple[bytes, Mapping] | None,
    origin: str | None = None,
) -> Inspection:
    """Recognise the files of a path and read them; nothing is stored.

    Args:
        path: A file or a folder.
        site: The site that they are about.
        archive: The archive, which may have some of them already.
        series: The format; None to recognise it.
        mapping: The owner's mapping, which says that the format is the one with a mapping.
        origin: What the path is called, where it is not by its own name: a server whose answers it has.

    Raises:
        UsageError: There is no file that can be used, or files of several formats.
    """
    wanted = Series.IMPORT_MAPPED if mapping is not None and series is None else series
    if wanted is Series.IMPORT_MAPPED and mapping is None:
        raise UsageError("format mapped needs --mapping FILE, which says what the columns are")
    kept = _contents_kept(archive, site.site_id, None if mapping is None else mapping[0])
    found, refused = list[FoundFile](), dict[str, str]()
    for name, file in _files_below(path):
        form = _format_of(file, wanted)
        if form is None:
            refused[name] = "its content is of no format that is known"
            continue
        try:
            found.append(_read(name, file, form, site, kept, None if mapping is None else mapping[1]))
        except UnreadableFile as error:
            refused[name] = str(error)
    _refuse_nothing(origin or str(path), found, refused)
    return Inspection(origin or path.resolve().name, tuple(found), refused, None if mapping is None else mapping[0])


def _refuse_nothing(path: str, found: Sequence[FoundFile], refused: dict[str, str]) -> None:
    if not found:
        if not refused:
            raise UsageError(f"{path} has no files")
        name, reason = next(iter(refused.items()))
        others = f", and {len(refused) - 1:,} other files" if len(refused) > 1 else ""
        raise UsageError(f"{name}{others} cannot be imported: {reason}")
    formats = sorted({file.format.series.partition(":")[2] for file in found})
    if len(formats) > 1:
        raise UsageError(f"{path} has files of several formats; choose one with --format: {', '.join(formats)}")


def _files_below(path: Path) -> list[tuple[str, Path]]:
    """The files of a path by their names below it, in the order of their names.

    Raises:
        UsageError: The path is not there, or cannot be read.
    """
    try:
        if path.is_file():
            return [(path.name, path)]
        if not path.is_dir():
            raise UsageError(f"{path} is neither a file nor a folder")
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return [
        (str(file.relative_to(path)), file)
        for file in files
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def _format_of(path: Path, wanted: Series | None) -> Format | None:
    try:
        with path.open("rb") as stream:
            head = stream.read(SAMPLE_BYTES)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    sample = Sample(head, _tables_of(path) if head.startswith(_SQLITE) else frozenset())
    if wanted is None or (wanted is Series.IMPORT_MAPPED and head.startswith(_SQLITE)):
        return recognised(sample)  # a mapping of a database says which of its statistics is what
    return FORMATS[wanted] if FORMATS[wanted].recognises(sample) else None


def _tables_of(path: Path) -> frozenset[str]:
    """The tables of an SQLite database; none where it is damaged."""
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return frozenset()
    return frozenset(str(name) for (name,) in rows)


def _read(
    name: str, path: Path, form: Format, site: Site, kept: frozenset[tuple[str, ...]], mapping: Mapping | None
) -> FoundFile:
    def open_file() -> BinaryIO:
        return path.open("rb")

    contents = list(form.contents(HistoryFile(name, open_file), site.timezone, mapping))
    tables = tuple(_table(form.series, content, site) for content in contents)
    rejects = tuple(reject for content in contents for reject in content.rejects)
    return FoundFile(name, path, form, tables, rejects, _sums_of(path) in kept)


def _table(series: Series, content: Content, site: Site) -> FoundTable:
    frame = day_frame(content, site)
    days = np.unique(np.concatenate([frame.days, frame.days_of_buckets]))
    first = content.first_day if content.first_day is not None else (days[0] if len(days) else None)
    last = content.last_day if content.last_day is not None else (days[-1] if len(days) else None)
    zone = content.mapping.zone or site.timezone
    why = "the times have an offset, or are instants" if content.has_offsets else "the times have no offset"
    return FoundTable(
        source_of(series, content),
        content.rows,
        None if first is None else first.item(),
        None if last is None else last.item(),
        len(days),
        int(frame.is_partial.sum()) if frame.has_energy else 0,
        content.step_s,
        tuple(
            f"{column.name} → {column.target if column.device is None else f'reading of {column.device}'}"
            for column in content.mapping.columns
        ),
        content.mapping.evidence,
        f"{'days' if content.days is not None else zone}: {_zone_reason(content, why)}",
    )


def _zone_reason(content: Content, why: str) -> str:
    return "a row is a local day, as its date says" if content.days is not None else why


# --- keeping ----------------------------------------------------------------------------------------------------------


def parts_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file in parts that end with a line, where it has lines.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            is_text = not stream.read(len(_SQLITE)).startswith((_SQLITE, b"PAR1"))
            stream.seek(0)
            while part := stream.read(PART_BYTES):
                yield part + stream.readline() if is_text and not part.endswith(b"\n") else part
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _sums_of(path: Path) -> tuple[str, ...]:
    return tuple(hashlib.sha256(part).hexdigest() for part in parts_of(path))


def _contents_kept(archive: RawArchive, site_id: int, mapping: bytes | None) -> frozenset[tuple[str, ...]]:
    """The files that count already, each by the sums of its parts; those with a mapping only by the same mapping."""
    files: dict[tuple[str, str], list[str]] = {}
    for entry in histories_in_force(archive.histories(site_id)):
        files.setdefault((entry.run_id, ImportedPath.parse(entry.path).file), []).append(entry.sha256)
    mapping_sum = None if mapping is None else hashlib.sha256(mapping).hexdigest()
    found = set()
    for (import_id, name), sums in files.items():
        given = files.get((import_id, MAPPING_FILE))
        if name != MAPPING_FILE and (None if given is None else given[0]) == mapping_sum:
            found.add(tuple(sums))
    return frozenset(found)


def keep(archive: RawArchive, found: Inspection, site: Site, context: RunContext) -> str:
    """Keep the new files of an inspection in the raw archive, verbatim; returns the id of the import.

    Raises:
        ArchiveError: A file cannot be written.
        UsageError: A file cannot be read any more.
    """
    run = ledger.begin(archive.root, context.run_id, "import", IMPORTED, context.clock())
    series = found.format.series

    def keep_one(name: str, parts: Iterable[bytes], count: int, days: tuple[date, date] | None) -> None:
        for number, part in enumerate(parts, start=1):
            keep_part(
                archive,
                ImportedPath(series, found.origin, name, number, count),
                part,
                days,
                site_id=site.site_id,
                zone=site.zone,
                now=context.clock(),
                run_id=context.run_id,
            )

    if found.mapping is not None:
        keep_one(MAPPING_FILE, [found.mapping], 1, found.days)
    for file in found.new:
        count = sum(1 for _ in parts_of(file.path))
        first = [table.first_day for table in file.tables if table.first_day is not None]
        last = [table.last_day for table in file.tables if table.last_day is not None]
        keep_one(file.name, parts_of(file.path), count, (min(first), max(last)) if first and last else None)
    ledger.end(archive.root, run, exit_code=ExitCode.OK, requests=0, rows_written=0, now=context.clock())
    return context.run_id


def undo(archive: RawArchive, import_id: str, context: RunContext) -> int:
    """Take an import out, and return its site; its files stay in the archive.

    Raises:
        UsageError: There is no such import, or it was taken out already.
        ArchiveError: The archive cannot be written.
    """
    for site_id in archive.site_ids():
        entries = archive.histories(site_id)
        if any(entry.run_id == import_id for entry in histories_in_force(entries)):
            run = ledger.begin(archive.root, context.run_id, "import", IMPORTED, context.clock())
            take_out(archive, site_id, import_id, now=context.clock(), run_id=context.run_id)
            ledger.end(archive.root, run, exit_code=ExitCode.OK, requests=0, rows_written=0, now=context.clock())
            return site_id
        if any(entry.series == Series.IMPORT_UNDO and label_of(entry.path) == import_id for entry in entries):
            raise UsageError(f"import {import_id} was taken out already")
    raise UsageError(f"there is no import {import_id}; `wattlog import --list` shows them")
