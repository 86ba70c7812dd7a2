"""Changes of segments that are already written: records replaced by others, and lost records dropped from the index."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from extract.archive import segment
from extract.archive.index import RawIndex, shard_of
from extract.archive.record import IndexEntry, chained, entry_of
from extract.archive.segment import ByteRange, Frame
from extract.archive.verification import wrong_with
from extract.errors import ArchiveError
from wattlog import durable


def records_of(path: Path) -> list[dict[str, Any]]:
    """The records of a segment, as they are written."""
    return [orjson.loads(part.line) for part in segment.scan(path) if isinstance(part, Frame)]


def replace_records(
    root: Path, name: str, records: Sequence[Mapping[str, Any]], index: RawIndex, others: Sequence[IndexEntry]
) -> None:
    """Write a segment with other records, and its lines of the index.

    The old lines are removed first: if the process is killed, the next opening indexes the segment as it is.

    Args:
        root: The archive's root.
        name: The segment.
        records: All of its records, in their order.
        index: The archive's index.
        others: The entries of all other segments.

    Raises:
        ArchiveError: The segment has lost records, these are not its records, or it cannot be written.
    """
    path, shard = root / name, shard_of(name)
    before = list(segment.scan(path)) if path.exists() else []
    if any(not isinstance(part, Frame) or wrong_with(part, name) for part in before):
        raise ArchiveError(str(path), "has damaged records; run `wattlog verify` first")
    if [record["raw_id"] for record in records] != [record["raw_id"] for record in records_of(path)]:
        raise ArchiveError(str(path), "is not replaced: the new records are not those that it holds")
    content, entries, chain = b"", list[IndexEntry](), 0
    for record in records:
        frame = segment.frame(orjson.dumps(record))
        byte_range, checksum = ByteRange(len(content), len(frame)), segment.checksum_of(frame)
        wrong = wrong_with(Frame(byte_range, orjson.dumps(record), checksum), name)
        if wrong:
            raise ArchiveError(str(path), f"is not replaced: {wrong} in record {record['raw_id']}")
        chain = chained(chain, checksum)
        entries.append(entry_of(record, name, byte_range).chained(chain))
        content += frame
    index.write(others, {shard})
    try:
        durable.replace(path, content)
    except OSError as error:
        raise segment.unwritable(path, error) from error
    index.append(entries)


def without_lost(path: Path, entries: Sequence[IndexEntry]) -> tuple[list[IndexEntry], list[ByteRange]]:
    """The index of a segment with some of its records only.

    Args:
        path: The segment.
        entries: The entries of the records to keep.

    Returns:
        The entries with new chained checksums, and the ranges of all other bytes except a corrupt tail.
    """
    by_range = {entry.byte_range: entry for entry in entries}
    rest, ranges, chain = list[IndexEntry](), list[ByteRange](), 0
    for part in segment.scan(path) if path.exists() else ():
        entry = by_range.get(part.byte_range)
        if isinstance(part, Frame) and entry is not None:
            chain = chained(chain, part.checksum)
            rest.append(entry.chained(chain))
        elif isinstance(part, Frame) or not part.is_tail:
            ranges.append(part.byte_range)
    return rest, ranges
