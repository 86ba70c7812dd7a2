"""The raw archive: every response of the API, verbatim, kept before it is used.

Responses cannot be made again: requests cost money, and the API deletes old data. A record is on disk when `keep` returns; a
process that is killed loses at most the response that it was receiving.

    raw/site_id=ID/series=NAME/month=YYYY-MM.ndjson.zst     the records (see `segment`), by the first month of their windows
    raw/site_id=ID/index-YYYY.ndjson                        the index of a year's segments: everything except the bodies
    raw/accepted-losses.ndjson                              losses that an operator has accepted (see `losses`)

The index lists the records that must exist: the place of each, and the segment's checksum up to there. When the archive is
opened, the index is compared with the segments (`verification.survey`). Records that are not indexed are added. Records that
are indexed and not in their segment are lost, until they are restored or `accept_losses` is called. If the index is deleted,
it is made again from the segments and no record is lost, but earlier losses are no longer found.

One process at a time writes the segments of a site's year and their index, so several processes can fill one archive with
different years or sites. A process that needs one site opens only that, and does not change the index when it opens it.
"""

import gc
import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson

from extract.archive import segment
from extract.archive.index import RawIndex, shard_of
from extract.archive.losses import Damage, Loss, accept, drop_damaged, losses, read_accepted
from extract.archive.record import (
    CONCLUSIVE,
    SUFFIX,
    ArchiveRecord,
    IndexEntry,
    Response,
    body_in,
    chained,
    content_of,
    duplicate_record,
    entry_of,
    record_of,
    segment_name,
)
from extract.archive.rewriting import records_of, replace_records, without_lost
from extract.archive.segment import ByteRange
from extract.archive.verification import Survey, damages, survey
from extract.errors import CorruptSegment
from extract.requests import ACCOUNT
from wattlog.series import is_imported, old_histories
from wattlog.series_spec import Series

__all__ = ["CONCLUSIVE", "ArchiveRecord", "Damage", "IndexEntry", "Loss", "RawArchive", "Response"]

log = logging.getLogger(__name__)

_HISTORIES: Final = frozenset((*old_histories(), Series.IMPORT_UNDO))
"""Series of imported histories: their files, and what took them out."""


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the cycle collector, which would examine a hundred thousand new entries repeatedly, none of them in a cycle.

    Reading the index takes less than half the time without it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class RawArchive:
    """The archive below one directory. Thread-safe.

    One run at a time writes (the data directory is locked), and only one of its processes writes a year of a site (the
    executor assigns them).

    Args:
        root: The directory.
        site_id: Open only this site, and change its index only by what is kept.

    Attributes:
        unchecked: Shards of the index that were made again from segments: losses before that cannot be found.
    """

    def __init__(self, root: Path, *, site_id: int | None = None) -> None:
        self.root = root
        self._below = "site_id=*" if site_id is None else f"site_id={site_id}"
        self._is_whole = site_id is None
        self._index = RawIndex(root, self._below)
        self.unchecked: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._by_site: dict[int, list[IndexEntry]] = {}
        self._by_month: dict[int, dict[str, list[IndexEntry]]] = {}
        self._legacy: dict[int, list[IndexEntry]] = {}
        self._histories: dict[int, list[IndexEntry]] = {}
        self._by_id: dict[str, IndexEntry] = {}
        self._holders: dict[tuple[object, ...], IndexEntry] = {}
        self._tails: dict[str, int] = {}
        self._lost: dict[str, str] = {}
        self._chains: dict[str, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Open the archive again: other processes of the run may have added records."""
        with self._lock, _without_collector():
            found = self._open()
            by_site = (self._by_site, self._by_month, self._legacy, self._histories)
            for mapping in (*by_site, self._by_id, self._holders, self._chains):
                mapping.clear()
            self._tails, self._lost = found.tails, dict(found.lost)
            self._chains = {entry.segment: entry.chain for entry in found.entries if entry.raw_id not in found.lost}
            for entry in sorted(found.entries, key=lambda entry: entry.requested_at):
                self._place(entry)

    # --- writing ------------------------------------------------------------------------------------------------------

    def keep(self, response: Response, *, run_id: str, provider: str) -> IndexEntry:
        """Write one response and return once it is on disk.

        A response that the archive has already, byte for byte and for the same window, is recorded as a duplicate.

        Raises:
            ArchiveError: It cannot be written.
        """
        name = segment_name(response)
        with self._lock:
            record = self._new_record(response, run_id=run_id, provider=provider)
            holder = self._holders.get(content_of(record, name)) if response.status == 200 else None
            if holder is not None and self._is_readable(holder):
                record = duplicate_record(record, holder)
            self._cut_corrupt_tail(name)
            frame = segment.frame(orjson.dumps(record))
            byte_range = segment.append_frame(self.root / name, frame)
            chain = chained(self._chains.get(name, 0), segment.checksum_of(frame))
            entry = entry_of(record, name, byte_range, chain)
            self._chains[name] = chain
            self._place(entry)
            self._index.append([entry])
        return entry

    def _new_record(self, response: Response, *, run_id: str, provider: str) -> dict[str, Any]:
        """The record with an id of its own, even if an equal response came in the same microsecond."""
        number = 0
        record = record_of(response, run_id=run_id, provider=provider)
        while record["raw_id"] in self._by_id:
            number += 1
            record = record_of(response, run_id=run_id, provider=provider, number=number)
        return record

    def _is_readable(self, holder: IndexEntry) -> bool:
        """Whether the record can be read: no duplicate may refer to one that cannot."""
        try:
            self.load(holder)
        except CorruptSegment as error:
            log.warning("%s", error)
            return False
        return True

    def _cut_corrupt_tail(self, name: str) -> None:
        """Called just before a record is appended, since a process that only reads must not change anything."""
        end = self._tails.pop(name, None)
        if end is not None:
            size = segment.cut_corrupt_tail(self.root / name, end)
            log.info("corrupt tail cut off segment=%s bytes=%d", name, size)

    def _place(self, entry: IndexEntry) -> None:
        self._by_site.setdefault(entry.site_id, []).append(entry)
        self._by_month.setdefault(entry.site_id, {}).setdefault(entry.month, []).append(entry)
        self._by_id[entry.raw_id] = entry
        if entry.series == Series.HISTORY:
            self._legacy.setdefault(entry.site_id, []).append(entry)
        if entry.series in _HISTORIES:
            self._histories.setdefault(entry.site_id, []).append(entry)
        if entry.duplicate_of is None and entry.status == 200:
            self._holders[entry.content] = entry

    # --- reading ------------------------------------------------------------------------------------------------------

    def entries(self, site_id: int, month: str | None = None) -> list[IndexEntry]:
        """Index entries of a site, or of one of its months (`YYYY-MM`), in the order of their requests.

        Entries of the same microsecond are in the order in which they were kept, within a month, and after the archive was
        opened again within a year. The entries of a run have its `run_id`.
        """
        with self._lock:
            if month is not None:
                return list(self._by_month.get(site_id, {}).get(month, ()))
            return list(self._by_site.get(site_id, ()))

    def legacy(self, site_id: int) -> list[IndexEntry]:
        """Entries of a site's series `history`, in the order they were kept: their rows may be of other months."""
        with self._lock:
            return [entry for entry in self._legacy.get(site_id, ()) if entry.raw_id in self._by_id]

    def histories(self, site_id: int) -> list[IndexEntry]:
        """Entries of a site's imported histories, those that were taken out among them, and what took them out."""
        with self._lock:
            return list(self._histories.get(site_id, ()))

    def months(self, site_id: int) -> list[str]:
        """The months of a site that have records, oldest first."""
        with self._lock:
            return sorted(self._by_month.get(site_id, ()))

    def newest_request(self, site_id: int) -> datetime | None:
        """When the newest response of a site was requested; None without one. A file that was imported is no response."""
        with self._lock:
            entries = (entry for entry in self._by_site.get(site_id, ()) if not is_imported(entry.series))
            return max((entry.requested_at for entry in entries), default=None)

    def site_ids(self) -> list[int]:
        """Every site that has records; `ACCOUNT` is not included."""
        with self._lock:
            return sorted(self._by_site.keys() - {ACCOUNT})

    def providers(self) -> set[str]:
        """The provider of each record."""
        with self._lock:
            return {entry.provider for entry in self._all_entries()}

    def _all_entries(self) -> Iterator[IndexEntry]:
        return chain.from_iterable(self._by_site.values())

    def load(self, entry: IndexEntry, contents: dict[str, bytes] | None = None) -> ArchiveRecord:
        """The record of an index entry; a duplicate gets its body from the record that it duplicates.

        Args:
            entry: The entry.
            contents: Segments that were read already, by name; others are read whole and added. None reads the record alone.

        Raises:
            CorruptSegment: The record is not as it was written.
        """
        for raw_id in (entry.raw_id, entry.duplicate_of):
            if raw_id in self._lost:
                raise self._corrupt(entry, self._lost[raw_id])
        holder = entry if entry.duplicate_of is None else self._by_id.get(entry.duplicate_of)
        if holder is None:
            raise self._corrupt(entry, f"its body is in record {entry.duplicate_of}, which is gone")
        body = body_in(orjson.loads(self._line(holder, contents)))
        if body is None or hashlib.sha256(body).hexdigest() != entry.sha256:
            raise self._corrupt(holder, "the body's checksum fails")
        day = entry.requested_at.astimezone(UTC).date()
        return ArchiveRecord(
            raw_id=entry.raw_id,
            run_id=entry.run_id,
            site_id=entry.site_id,
            series=entry.series,
            path=entry.path,
            window_start=entry.window_start or day,
            window_end=entry.window_end or day,
            requested_at=entry.requested_at,
            status=entry.status or 0,
            body=body,
        )

    def _line(self, entry: IndexEntry, contents: dict[str, bytes] | None) -> bytes:
        path = self.root / entry.segment
        if contents is None:
            return segment.read(path, entry.byte_range)
        if entry.segment not in contents:
            contents[entry.segment] = segment.read_file(path)
        return segment.read_from(path, contents[entry.segment], entry.byte_range)

    def load_all(self, entries: Iterable[IndexEntry]) -> Iterator[ArchiveRecord]:
        """The records of some index entries, each segment read once; lost ones are left out, logged and noted."""
        contents: dict[str, bytes] = {}
        for entry in entries:
            record = self.load_or_none(entry, contents)
            if record is not None:
                yield record

    def load_or_none(self, entry: IndexEntry, contents: dict[str, bytes] | None = None) -> ArchiveRecord | None:
        """The record of an index entry; None if it is lost, which is logged and noted.

        The window of a lost record stays settled: a backup may have it, and another request costs money.
        """
        try:
            return self.load(entry, contents)
        except CorruptSegment as error:
            if not self.is_lost(entry):
                log.warning("a response is lost: %s", error)
            self.note_lost({entry.duplicate_of or entry.raw_id: error.reason})
            return None

    def is_lost(self, entry: IndexEntry) -> bool:
        """Whether a record, or the one that it duplicates, is known to be lost."""
        return entry.raw_id in self._lost or entry.duplicate_of in self._lost

    def note_lost(self, found: Mapping[str, str]) -> None:
        """Count records as lost until the archive is opened again: id → reason."""
        with self._lock:
            self._lost = {**found, **self._lost}

    def lost(self, entries: Iterable[IndexEntry]) -> dict[str, str]:
        """The lost records among some: id → reason."""
        return {
            raw_id: self._lost[raw_id]
            for entry in entries
            for raw_id in (entry.raw_id, entry.duplicate_of)
            if raw_id is not None and raw_id in self._lost
        }

    def losses(self) -> list[Loss]:
        """Losses found so far, when the archive was opened and when records were read, by segment."""
        with self._lock:
            lost = [(self._by_id[raw_id], reason) for raw_id, reason in self._lost.items() if raw_id in self._by_id]
        return losses(Damage(entry.segment, entry.byte_range, reason, entry) for entry, reason in lost)

    def _corrupt(self, entry: IndexEntry, reason: str) -> CorruptSegment:
        return CorruptSegment(str(self.root / entry.segment), entry.byte_range.offset, reason)

    # --- opening ------------------------------------------------------------------------------------------------------

    def _open(self) -> Survey:
        """Compare the index with the segments, and index the records that it does not have."""
        indexed, accepted = self._index.read(), read_accepted(self.root)
        sizes = {str(path.relative_to(self.root)): path.stat().st_size for path in self._segments()}
        found = survey(self.root, indexed, sizes, accepted)
        self.unchecked = found.unchecked(indexed)
        if self._is_whole:
            drop_damaged(self.root, accepted)
            self._index.save_damaged(indexed.damaged)
            self._index.append(entry for entry in found.added if shard_of(entry.segment) not in found.changed)
            self._index.write(found.entries, found.changed)
        return found

    def _segments(self) -> Iterator[Path]:
        return self.root.glob(f"{self._below}/series=*/month=*{SUFFIX}")

    # --- verifying and changing ---------------------------------------------------------------------------------------

    def verify(self) -> Iterator[Damage]:
        """Read every byte and yield every record that is not as it was written. Changes nothing.

        The corrupt tail of a segment is no damage: its response was never used.
        """
        with self._lock:
            entries, lost = list(self._all_entries()), dict(self._lost)
        yield from damages(self.root, entries, lost, read_accepted(self.root))

    def accept_losses(self, now: datetime) -> list[Loss]:
        """Remove lost records from the index, so that their windows are requested again.

        Bytes that are no record stay in their segments, and are not reported again.

        Returns:
            What was lost, by segment.

        Raises:
            ArchiveError: The archive cannot be written.
        """
        found = list(self.verify())
        names = {damage.segment for damage in found}
        dropped = {damage.entry.raw_id for damage in found if damage.entry is not None}
        with self._lock:
            kept = [entry for entry in self._all_entries() if entry.raw_id not in dropped]
            rest = [entry for entry in kept if entry.segment not in names]
            ranges: dict[str, list[ByteRange]] = {}
            for name in names:
                of_segment = [entry for entry in kept if entry.segment == name]
                whole, ranges[name] = without_lost(self.root / name, of_segment)
                rest += whole
            accept(self.root, ranges, now)
            self._index.write(rest, {shard_of(name) for name in names})
        self.refresh()
        return losses(found)

    def replace_segments(self, changed: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Replace the records of segments, and index them: the only way to change a record.

        If the process is killed, each segment is either unchanged or completely replaced, and no record is lost.

        Args:
            changed: Segment, as in `IndexEntry.segment` → all of its records, in their order, each with its `raw_id`;
                `records` gives them as they are. With a body, `sha256` and `size` must be changed, and `sha256` of its
                duplicates in the same segment.

        Raises:
            ArchiveError: A segment has lost records, the new records are not those of the segment, or it cannot be written.
        """
        for name, records in changed.items():
            with self._lock:
                self._cut_corrupt_tail(name)
                others = [entry for entry in self._all_entries() if entry.segment != name]
                replace_records(self.root, name, records, self._index, others)
        self.refresh()

    def records(self, name: str) -> list[dict[str, Any]]:
        """The records of a segment, as they are written, for `replace_segments`."""
        return records_of(self.root / name)
