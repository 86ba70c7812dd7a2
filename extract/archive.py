"""The raw archive: every answer of the API, verbatim, kept before it is used.

Answers are the one thing that cannot be made again: requests cost money and the API forgets. A record is on disk when
`keep` returns; a kill at any instant loses at most the answer in flight.

    raw/site_id=ID/series=NAME/month=YYYY-MM.ndjson.zst     the records (see `segment`); the month is the window's first
    raw/site_id=ID/index-YYYY.ndjson                        what the segments of a year hold, without the bodies

The index is a cache. It is compared with the sizes of the segments whenever the archive is opened, and what it does not
cover is read from the segments; deleting it costs a scan and nothing else.

Whoever asks for a year of a site owns its segments and their index, so that several processes may fill one archive, each
other years or other sites. One that needs a single site opens that alone.
"""

import gc
import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from extract import segment
from extract.errors import CorruptSegment
from extract.raw_index import RawIndex, shard_of
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

__all__ = ["ANSWERS", "Damage", "Entry", "Exchange", "RawAnswer", "RawArchive"]

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
    """The archive below one directory. Thread-safe.

    One run at a time writes (the lock of the data directory sees to that), and of its processes one at a time a year of a
    site (its engine sees to that).

    Args:
        root: The directory.
        site_id: Look at nothing but this site.
    """

    def __init__(self, root: Path, *, site_id: int | None = None) -> None:
        self.root = root
        self._below = "site_id=*" if site_id is None else f"site_id={site_id}"
        self._index = RawIndex(root, self._below)
        self._lock = threading.Lock()
        self._by_site: dict[int, list[Entry]] = {}
        self._by_month: dict[int, dict[str, list[Entry]]] = {}
        self._legacy: dict[int, list[Entry]] = {}
        self._by_id: dict[str, Entry] = {}
        self._holders: dict[tuple[object, ...], Entry] = {}
        self._torn: dict[str, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look again at what there is: other processes of the run may have added to it."""
        with self._lock, _without_collector():
            for each in (self._by_site, self._by_month, self._legacy, self._by_id, self._holders, self._torn):
                each.clear()
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
        self._by_site.setdefault(entry.site_id, []).append(entry)
        self._by_month.setdefault(entry.site_id, {}).setdefault(entry.month, []).append(entry)
        self._by_id[entry.raw_id] = entry
        if entry.series == Series.HISTORY:
            self._legacy.setdefault(entry.site_id, []).append(entry)
        if entry.body_of is None and entry.status == 200:
            self._holders[entry.content] = entry

    # --- reading ------------------------------------------------------------------------------------------------------

    def entries(self, site_id: int, month: str | None = None) -> list[Entry]:
        """Index entries of a site, or of one of its months (`YYYY-MM`), in the order they were asked.

        Of those asked in the same microsecond, a month's are in the order they were kept; a site's are so year by year, once
        the archive was opened again. Who wants those of a run asks for its `run_id`.
        """
        with self._lock:
            if month is not None:
                return list(self._by_month.get(site_id, {}).get(month, ()))
            return list(self._by_site.get(site_id, ()))

    def legacy(self, site_id: int) -> list[Entry]:
        """Entries of a site's series `history`, in the order they were kept: they may tell of other months than their own."""
        with self._lock:
            return [each for each in self._legacy.get(site_id, ()) if each.raw_id in self._by_id]

    def months(self, site_id: int) -> list[str]:
        """The months of a site that hold anything, oldest first."""
        with self._lock:
            return sorted(self._by_month.get(site_id, ()))

    def site_ids(self) -> list[int]:
        """Every site that holds anything; `ACCOUNT` is not among them."""
        with self._lock:
            return sorted(self._by_site.keys() - {ACCOUNT})

    def providers(self) -> set[str]:
        """Every provider that an answer came from."""
        with self._lock:
            return {entry.provider for entry in self._everything()}

    def _everything(self) -> Iterator[Entry]:
        return chain.from_iterable(self._by_site.values())

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
            entries, months = self._by_site.get(entry.site_id, []), self._by_month.get(entry.site_id, {})
            lost = {each.raw_id for each in entries if holder in (each.raw_id, each.body_of)}
            self._by_site[entry.site_id] = [each for each in entries if each.raw_id not in lost]
            months[entry.month] = [each for each in months.get(entry.month, ()) if each.raw_id not in lost]
            self._holders = {key: each for key, each in self._holders.items() if each.raw_id not in lost}
            for raw_id in lost:  # one by one: others read this without the lock
                self._by_id.pop(raw_id, None)
            self._index.write(self._by_site[entry.site_id], {shard_of(entry.segment)})

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
            cut = {entry.segment for entry in indexed if entry.extent.end > sizes.get(entry.segment, 0)}
            self._index.write(everything, {shard_of(name) for name in cut | {entry.segment for entry in found}})
        elif found:
            self._index.append(found)
        return everything

    def _segments(self) -> Iterator[Path]:
        return self.root.glob(f"{self._below}/series=*/month=*{SUFFIX}")

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
            entries, by_segment = list(self._everything()), dict[str, list[Entry]]()
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
