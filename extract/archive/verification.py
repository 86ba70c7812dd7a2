"""The segments compared with the index: when an archive is opened (`survey`), and byte by byte (`damages`).

Opening is quick: a segment whose indexed records follow one another to the end of the file is not read. Its bytes are checked
by `verify`, and by every reader of a record. A segment that is longer is read from there on. Any other is read whole, and its
records are found by their ids.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from extract.archive import segment
from extract.archive.index import Indexed, shard_of
from extract.archive.losses import Accepted, Damage
from extract.archive.record import SUFFIX, IndexEntry, body_in, chained, entry_of
from extract.archive.segment import CorruptRange, Frame

log = logging.getLogger(__name__)

GONE = "the record is gone"
"""Reason of a loss: the segment does not hold an indexed record."""

OTHER = "it is not the record that was indexed"


# --- opening ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Survey:
    """What an archive holds.

    Attributes:
        entries: Indexed records and records found in segments, those of a segment in the order of its bytes.
        lost: Ids of indexed records that are not in their segment → reason.
        added: Entries of records that were found at the end of segments; the index gets them.
        changed: Shards that must be written again, because their lines are wrong.
        tails: Segment → first byte of its corrupt tail, the beginning of a record that a killed process did not finish.
    """

    entries: list[IndexEntry] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    added: list[IndexEntry] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    tails: dict[str, int] = field(default_factory=dict)

    def unchecked(self, indexed: Indexed) -> tuple[str, ...]:
        """Shards that were made again from segments: losses before that cannot be found.

        A single record that is not indexed is no such case: a killed process leaves one.
        """
        if not self.added and not self.changed:
            return ()
        known = {entry.raw_id for entry in indexed.entries}
        new = Counter(shard_of(entry.segment) for entry in self.entries if entry.raw_id not in known)
        return tuple(
            shard
            for shard, records in sorted(new.items())
            if records > 1 and shard not in indexed.old and shard not in indexed.damaged
        )


def survey(root: Path, indexed: Indexed, sizes: Mapping[str, int], accepted: Accepted) -> Survey:
    """Compare every segment with its index. Changes nothing.

    Args:
        root: The archive's root.
        indexed: The content of the index.
        sizes: Segment → bytes.
        accepted: Ranges of segments whose loss was accepted.
    """
    found = Survey(changed=set(indexed.old | indexed.damaged.keys()))
    by_segment: dict[str, list[IndexEntry]] = {}
    for entry in indexed.entries:
        by_segment.setdefault(entry.segment, []).append(entry)
    reread: set[str] = set()
    lost: list[IndexEntry] = []
    for name in sorted(by_segment.keys() | sizes.keys()):
        known, size = by_segment.get(name, []), sizes.get(name, 0)
        end = -1 if shard_of(name) in indexed.old else _end(known, accepted.ends(name))
        if 0 <= end < size:
            found.added += _chain(_read(root, name, end, accepted, found), known[-1].chain if known else 0)
        elif end != size:
            there = _chain(_read(root, name, 0, accepted, found), 0)
            ids = {entry.raw_id for entry in there}
            gone = [entry for entry in known if entry.raw_id not in ids]
            if _by_id(gone + there) != _by_id(known) or len(gone + there) != len(known):
                found.changed.add(shard_of(name))
            found.entries += gone + there
            lost += gone
            reread.add(name)
    found.entries = [entry for entry in indexed.entries if entry.segment not in reread] + found.entries + found.added
    if lost:
        _note_lost(found, lost, indexed.old)
    return found


def _end(known: Iterable[IndexEntry], accepted: Mapping[int, int]) -> int:
    """The first byte after the records of a segment; -1 if they do not follow one another, apart from accepted losses."""
    end = 0
    for entry in known:
        offset = entry.byte_range.offset
        while offset != end:
            if end not in accepted:
                return -1
            end = accepted[end]
        end = offset + entry.byte_range.length
    while end in accepted:
        end = accepted[end]
    return end


def _by_id(entries: Iterable[IndexEntry]) -> dict[str, IndexEntry]:
    return {entry.raw_id: entry for entry in entries}


def _read(root: Path, name: str, start: int, accepted: Accepted, found: Survey) -> list[tuple[IndexEntry, int]]:
    """The records of a segment from `start` on, each with its checksum. Bytes that cannot be read are logged and left."""
    entries: list[tuple[IndexEntry, int]] = []
    path = root / name
    for part in segment.scan(path, start) if path.exists() else ():
        if accepted.covers(name, part.byte_range):
            continue
        if isinstance(part, CorruptRange) and part.is_tail:
            found.tails[name] = part.byte_range.offset
            continue
        entry = entry_in(part, name) if isinstance(part, Frame) else None
        if isinstance(part, Frame) and entry is not None:
            entries.append((entry, part.checksum))
        else:
            reason = part.reason if isinstance(part, CorruptRange) else "not a record"
            log.warning("%s at byte %d: %s", name, part.byte_range.offset, reason)
    return entries


def _chain(entries: Iterable[tuple[IndexEntry, int]], before: int) -> list[IndexEntry]:
    """Entries in the order of their bytes, with their chained checksums."""
    linked = []
    for entry, checksum in entries:
        before = chained(before, checksum)
        linked.append(entry.chained(before))
    return linked


def _note_lost(found: Survey, lost: list[IndexEntry], old: set[str]) -> None:
    """Note losses. A line without checksum in which a bit changed the place or the id is no loss: its record exists."""
    gone = {id(entry) for entry in lost}
    there = [entry for entry in found.entries if id(entry) not in gone]
    ids, places = {entry.raw_id for entry in there}, {(entry.segment, entry.byte_range) for entry in there}
    misread = {
        id(entry)
        for entry in lost
        if entry.raw_id in ids or (shard_of(entry.segment) in old and (entry.segment, entry.byte_range) in places)
    }
    found.entries = [entry for entry in found.entries if id(entry) not in misread]
    found.lost = {entry.raw_id: GONE for entry in lost if id(entry) not in misread}


def entry_in(frame: Frame, name: str) -> IndexEntry | None:
    """The index entry of the record in a frame; None if the frame holds no record."""
    try:
        return entry_of(orjson.loads(frame.line), name, frame.byte_range)
    except (ValueError, KeyError, TypeError):
        return None


# --- every byte -------------------------------------------------------------------------------------------------------


def damages(root: Path, entries: Sequence[IndexEntry], lost: Mapping[str, str], accepted: Accepted) -> Iterator[Damage]:
    """Read every byte and yield every record that is not as it was written. Changes nothing.

    The corrupt tail of a segment is no damage: its response was never used.

    Args:
        root: The archive's root.
        entries: Everything that is indexed.
        lost: Ids of records that are lost → reason.
        accepted: Ranges of segments whose loss was accepted.
    """
    by_segment: dict[str, list[IndexEntry]] = {}
    for entry in entries:
        by_segment.setdefault(entry.segment, []).append(entry)
    names = {str(path.relative_to(root)) for path in root.glob(f"site_id=*/series=*/month=*{SUFFIX}")}
    damaged: set[str] = set()
    for name in sorted(names | by_segment.keys()):
        for damage in _of_segment(root, name, by_segment.get(name, []), lost, accepted):
            damaged.add(damage.entry.raw_id if damage.entry is not None else "")
            yield damage
    ids = {entry.raw_id for entry in entries}
    for entry in entries:
        is_lost = entry.duplicate_of is not None and (entry.duplicate_of in damaged or entry.duplicate_of not in ids)
        if is_lost and entry.raw_id not in damaged:
            yield Damage(entry.segment, entry.byte_range, f"its body was in record {entry.duplicate_of}", entry)


def _of_segment(
    root: Path, name: str, entries: list[IndexEntry], lost: Mapping[str, str], accepted: Accepted
) -> Iterator[Damage]:
    gone = [entry for entry in entries if lost.get(entry.raw_id) == GONE]
    expected = {entry.byte_range: entry for entry in entries if lost.get(entry.raw_id) != GONE}
    path, previous = root / name, _Previous()
    for part in segment.scan(path) if path.exists() else ():
        if isinstance(part, Frame):
            entry = expected.pop(part.byte_range, None)
            if entry is None and accepted.covers(name, part.byte_range):
                continue
            reason = wrong_with(part, name) or previous.wrong_with(part, entry)
            if reason:
                yield Damage(name, part.byte_range, reason, entry)
            continue
        inside = [byte_range for byte_range in expected if byte_range.overlaps(part.byte_range)]
        for byte_range in inside:
            yield Damage(name, byte_range, part.reason, expected.pop(byte_range))
        is_of_gone = any(entry.byte_range.overlaps(part.byte_range) for entry in gone)  # reported with the record
        if not (inside or part.is_tail or is_of_gone or accepted.covers(name, part.byte_range)):
            yield Damage(name, part.byte_range, part.reason)
    for entry in [*expected.values(), *gone]:
        yield Damage(name, entry.byte_range, GONE, entry)


class _Previous:
    """The end and the chained checksum of the previous record of a segment."""

    def __init__(self) -> None:
        self._end, self._chain = 0, 0

    def wrong_with(self, frame: Frame, entry: IndexEntry | None) -> str:
        """What is wrong with a whole record as the successor of the previous one; empty for nothing."""
        is_next = frame.byte_range.offset == self._end
        expected = chained(self._chain, frame.checksum)
        self._end, self._chain = frame.byte_range.end, expected if entry is None else entry.chain
        return OTHER if entry is not None and is_next and entry.chain != expected else ""


def wrong_with(frame: Frame, name: str) -> str:
    """What is wrong with a record whose frame is whole; empty for nothing."""
    entry = entry_in(frame, name)
    if entry is None:
        return "not a record"
    body = body_in(orjson.loads(frame.line))
    if entry.duplicate_of is None and (body is None or hashlib.sha256(body).hexdigest() != entry.sha256):
        return "the body's checksum fails"
    return ""
