"""The raw archive: every answer of the API, verbatim, kept before it is used.

Answers are the one thing that cannot be made again: requests cost money and the API forgets. A record is on disk when
`keep` returns; a kill at any instant loses at most the answer in flight.

    raw/site_id=ID/series=NAME/month=YYYY-MM.ndjson.zst     the records (see `segment`); the month is the window's first
    raw/index.ndjson                                        what each segment holds, without the bodies

The index is a cache. It is compared with the sizes of the segments whenever the archive is opened, and what it does not
cover is read from the segments; deleting it costs a scan and nothing else.
"""

import gc
import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import orjson

from extract import segment
from extract.errors import CorruptSegment
from extract.raw_index import INDEX, RawIndex
from extract.record import (
    ANSWERS,
    SUFFIX,
    Entry,
    Exchange,
    RawAnswer,
    body_of,
    entry_of,
    record_of,
    seen_again,
    segment_name,
)
from extract.segment import Extent, Frame, Hole
from extract.series import ACCOUNT, Series

__all__ = ["ANSWERS", "INDEX", "Damage", "Entry", "Exchange", "RawAnswer", "RawArchive"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the archive that is not what was written.

    Attributes:
        segment: The segment, below the archive's root.
        extent: Where in it.
        reason: What is wrong.
        entry: The record that is lost, as far as the index knows it.
    """

    segment: str
    extent: Extent
    reason: str
    entry: Entry | None = None

    def __str__(self) -> str:
        lost = "" if self.entry is None else f" (record {self.entry.raw_id})"
        return f"{self.segment} at byte {self.extent.offset}: {self.reason}{lost}"


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the cycle collector: it would look at a hundred thousand new entries again and again, and none is a cycle.

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
    """The archive below one directory. Thread-safe; one process at a time writes (the run lock sees to that)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = RawIndex(root)
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._by_month: dict[tuple[int, str], list[Entry]] = {}
        self._legacy: dict[int, list[Entry]] = {}
        self._by_id: dict[str, Entry] = {}
        self._holders: dict[tuple[object, ...], Entry] = {}
        self._torn: dict[str, int] = {}
        with _without_collector():
            for entry in self._open():
                self._place(entry)

    # --- writing ------------------------------------------------------------------------------------------------------

    def keep(self, exchange: Exchange, *, run_id: str, provider: str) -> Entry:
        """Write one exchange and return once it is on disk.

        An answer that stands in the archive already, to the byte and for the same window, is recorded as seen again.

        Raises:
            ArchiveError: It cannot be written.
        """
        name = segment_name(exchange)
        with self._lock:
            record = self._named(exchange, run_id=run_id, provider=provider)
            entry = entry_of(record, name, Extent(0, 0))
            holder = self._holders.get(entry.content) if exchange.status == 200 else None
            if holder is not None and self._is_readable(holder):
                record = seen_again(record, holder)
            self._set_torn_tail_aside(name)
            entry = entry_of(record, name, segment.append(self.root / name, orjson.dumps(record)))
            self._index.append([entry])
            self._place(entry)
        return entry

    def _named(self, exchange: Exchange, *, run_id: str, provider: str) -> dict[str, Any]:
        """The record under an id that no other has, though the same was asked and answered in the same microsecond."""
        number = 0
        record = record_of(exchange, run_id=run_id, provider=provider)
        while record["raw_id"] in self._by_id:
            number += 1
            record = record_of(exchange, run_id=run_id, provider=provider, number=number)
        return record

    def _is_readable(self, holder: Entry) -> bool:
        """Whether a body can be relied upon: nothing points to one that cannot be read now."""
        try:
            self.answer(holder)
        except CorruptSegment as error:
            log.warning("%s", error)
            return False
        return True

    def _set_torn_tail_aside(self, name: str) -> None:
        """Before anything is appended, and not sooner: whoever only reads changes nothing."""
        end = self._torn.pop(name, None)
        if end is not None:
            size = segment.set_tail_aside(self.root / name, end)
            log.info("set an unfinished record aside segment=%s bytes=%d", name, size)

    def _place(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._by_month.setdefault((entry.site_id, entry.month), []).append(entry)
        self._by_id[entry.raw_id] = entry
        if entry.series == Series.HISTORY:
            self._legacy.setdefault(entry.site_id, []).append(entry)
        if entry.body_of is None and entry.status == 200:
            self._holders[entry.content] = entry

    # --- reading ------------------------------------------------------------------------------------------------------

    def entries(self, site_id: int, month: str | None = None) -> list[Entry]:
        """Index entries of a site, or of one of its months (`YYYY-MM`), in the order they were kept."""
        with self._lock:
            if month is not None:
                return list(self._by_month.get((site_id, month), ()))
            return [entry for entry in self._entries if entry.site_id == site_id]

    def legacy(self, site_id: int) -> list[Entry]:
        """Entries of a site's series `history`, in the order they were kept: they may tell of other months than their own."""
        with self._lock:
            return [each for each in self._legacy.get(site_id, ()) if each.raw_id in self._by_id]

    def months(self, site_id: int) -> list[str]:
        """The months of a site that hold anything, oldest first."""
        with self._lock:
            return sorted(month for site, month in self._by_month if site == site_id)

    def site_ids(self) -> list[int]:
        """Every site that holds anything; `ACCOUNT` is not among them."""
        with self._lock:
            return sorted({site for site, _ in self._by_month} - {ACCOUNT})

    def providers(self) -> set[str]:
        """Every provider that an answer came from."""
        with self._lock:
            return {entry.provider for entry in self._entries}

    def answer(self, entry: Entry) -> RawAnswer:
        """The answer behind an index entry; where it was only seen again, with the body that stands elsewhere.

        Raises:
            CorruptSegment: The record is not what was written.
        """
        holder = entry if entry.body_of is None else self._by_id.get(entry.body_of)
        if holder is None:
            raise self._corrupt(entry, f"its body stands in record {entry.body_of}, which is gone")
        body = body_of(orjson.loads(segment.read(self.root / holder.segment, holder.extent)))
        if body is None or hashlib.sha256(body).hexdigest() != entry.sha256:
            raise self._corrupt(holder, "the body's checksum fails")
        day = entry.requested_at.astimezone(UTC).date()
        return RawAnswer(
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

    def forget(self, entry: Entry) -> None:
        """Leave a record out that cannot be read, with all that points to its body: what they answered is asked again.

        The segment stays as it is. Restored from a backup, it counts again once the index is deleted.

        Raises:
            ArchiveError: The index cannot be written.
        """
        holder = entry.body_of or entry.raw_id
        with self._lock:
            lost = {each.raw_id for each in self._entries if holder in (each.raw_id, each.body_of)}
            self._entries = [each for each in self._entries if each.raw_id not in lost]
            for key, entries in self._by_month.items():
                self._by_month[key] = [each for each in entries if each.raw_id not in lost]
            self._holders = {key: each for key, each in self._holders.items() if each.raw_id not in lost}
            for raw_id in lost:  # one by one: others read this without the lock
                self._by_id.pop(raw_id, None)
            self._index.write(self._entries)

    def _corrupt(self, entry: Entry, reason: str) -> CorruptSegment:
        return CorruptSegment(str(self.root / entry.segment), entry.extent.offset, reason)

    # --- opening ------------------------------------------------------------------------------------------------------

    def _open(self) -> list[Entry]:
        """Read the index, then whatever segments hold beyond it."""
        indexed = self._index.read()
        sizes = {str(path.relative_to(self.root)): path.stat().st_size for path in self._segments()}
        kept = [entry for entry in indexed if entry.extent.end <= sizes.get(entry.segment, 0)]
        covered: dict[str, int] = {}
        for entry in kept:
            covered[entry.segment] = max(covered.get(entry.segment, 0), entry.extent.end)
        found = [
            entry
            for name, size in sorted(sizes.items())
            if size > covered.get(name, 0)
            for entry in self._scan(name, covered.get(name, 0))
        ]
        everything = sorted(kept + found, key=lambda entry: entry.requested_at)
        if len(kept) < len(indexed):
            log.warning("segments end before their index does records_lost=%d", len(indexed) - len(kept))
            self._index.write(everything)
        elif found:
            self._index.append(found)
        return everything

    def _segments(self) -> Iterator[Path]:
        return self.root.glob(f"site_id=*/series=*/month=*{SUFFIX}")

    def _scan(self, name: str, start: int) -> Iterator[Entry]:
        """The records from `start` on; what cannot be read is said and left where it is."""
        for each in segment.scan(self.root / name, start):
            if isinstance(each, Hole) and each.is_torn:
                self._torn[name] = each.extent.offset
                continue
            entry = None if isinstance(each, Hole) else _understood(each, name)
            if entry is not None:
                yield entry
            else:
                reason = each.reason if isinstance(each, Hole) else "not a record"
                log.warning("%s", Damage(name, each.extent, reason))

    # --- verifying ----------------------------------------------------------------------------------------------------

    def verify(self) -> Iterator[Damage]:
        """Read every byte and name every record that is not what was written. Changes nothing.

        A torn tail is no damage: it is an answer that was never used.
        """
        lost: set[str] = set()
        with self._lock:
            entries, by_segment = list(self._entries), dict[str, list[Entry]]()
        for entry in entries:
            by_segment.setdefault(entry.segment, []).append(entry)
        names = {str(path.relative_to(self.root)) for path in self._segments()}
        for name in sorted(names | by_segment.keys()):
            for damage in self._verify_segment(name, by_segment.get(name, [])):
                lost.add(damage.entry.raw_id if damage.entry is not None else "")
                yield damage
        for entry in entries:
            if entry.body_of is not None and (entry.body_of in lost or entry.body_of not in self._by_id):
                yield Damage(entry.segment, entry.extent, f"its body stood in record {entry.body_of}", entry)

    def _verify_segment(self, name: str, entries: list[Entry]) -> Iterator[Damage]:
        waiting = {entry.extent: entry for entry in entries}
        path = self.root / name
        for each in segment.scan(path) if path.exists() else ():
            if isinstance(each, Frame):
                reason = _wrong_with(each, name)
                entry = waiting.pop(each.extent, None)
                if reason:
                    yield Damage(name, each.extent, reason, entry)
                continue
            inside = [one for one in waiting if one.offset < each.extent.end and one.end > each.extent.offset]
            for one in inside:
                yield Damage(name, one, each.reason, waiting.pop(one))
            if not inside and not each.is_torn:
                yield Damage(name, each.extent, each.reason)
        for extent, entry in waiting.items():
            yield Damage(name, extent, "the record is gone", entry)


def _understood(frame: Frame, name: str) -> Entry | None:
    try:
        return entry_of(orjson.loads(frame.line), name, frame.extent)
    except (ValueError, KeyError, TypeError):
        return None


def _wrong_with(frame: Frame, name: str) -> str:
    """What is wrong with a record whose frame is whole; nothing, mostly."""
    entry = _understood(frame, name)
    if entry is None:
        return "not a record"
    body = body_of(orjson.loads(frame.line))
    if entry.body_of is None and (body is None or hashlib.sha256(body).hexdigest() != entry.sha256):
        return "the body's checksum fails"
    return ""
