"""The index of the raw archive on disk: one line a record, with everything except the body. See `raw_archive`.

It is kept in shards, one for each site and year: windows that are fetched together are written together, and a process that
fetches one year of one site is the only one to use that shard. Each line has a checksum (`checked_lines`), the place of its
record, and the segment's chained checksum there.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from extract.archive.record import MONTH, SEGMENT, IndexEntry, day, instant
from extract.archive.segment import ByteRange, unwritable
from wattlog import checked_lines, durable

log = logging.getLogger(__name__)


def shard_of(segment: str) -> str:
    """The shard, below the archive's root, that has a segment's records: `site_id=1001/index-2025.ndjson`."""
    site, _, _ = segment.partition("/")
    return f"{site}/index-{segment[MONTH][:4]}.ndjson"


@dataclass(slots=True)
class Indexed:
    """The content of the shards.

    Attributes:
        entries: Every entry, those of a shard in the order they were written.
        shards: The shards that exist.
        old: Shards with lines that have no checksum, as versions of wattlog before 2026-12 wrote them.
        damaged: Shard → its damaged lines.
    """

    entries: list[IndexEntry] = field(default_factory=list)
    shards: set[str] = field(default_factory=set)
    old: set[str] = field(default_factory=set)
    damaged: dict[str, list[bytes]] = field(default_factory=dict)


class RawIndex:
    """The shards below the archive's root.

    Args:
        root: The archive's root.
        below: Pattern of the sites' directories to read.
    """

    def __init__(self, root: Path, below: str = "site_id=*") -> None:
        self._root = root
        self._below = below

    def read(self) -> Indexed:
        """Read every shard. Changes nothing.

        Raises:
            ArchiveError: A shard cannot be read.
        """
        found = Indexed()
        for path in sorted(self._root.glob(f"{self._below}/index-*.ndjson")):
            shard = str(path.relative_to(self._root))
            found.shards.add(shard)
            lines = checked_lines.split(path.read_bytes())
            # One document of all lines is parsed in a third of the time.
            found.entries += [
                index_entry_from_line(line) for line in orjson.loads(b"[" + b",".join(lines.checked) + b"]")
            ]
            for line in lines.unchecked:
                entry = _unchecked(line, shard)
                if entry is None:
                    found.damaged.setdefault(shard, []).append(line)
                else:
                    found.entries.append(entry)
                    found.old.add(shard)
        if found.old:  # two processes may have found the same record
            found.entries = list({entry.raw_id: entry for entry in found.entries}.values())
        return found

    def append(self, entries: Iterable[IndexEntry]) -> None:
        """Add entries, each to its shard.

        Raises:
            ArchiveError: The file cannot be written.
        """
        for shard, texts in _texts(entries).items():
            path = self._root / shard
            try:
                checked_lines.append(path, texts)
            except OSError as error:
                raise unwritable(path, error) from error

    def write(self, entries: Iterable[IndexEntry], shards: Iterable[str]) -> None:
        """Replace some shards: each gets its own entries, in the order of their bytes.

        Raises:
            ArchiveError: A file cannot be written; the shard before it is unchanged.
        """
        scope = set(shards)
        if not scope:
            return
        of_scope = (entry for entry in entries if shard_of(entry.segment) in scope)
        texts = _texts(sorted(of_scope, key=lambda entry: (entry.segment, entry.byte_range.offset)))
        for shard in sorted(scope):
            path = self._root / shard
            try:
                content = b"".join(map(checked_lines.with_checksum, texts.get(shard, ())))
                durable.replace(path, content)
            except OSError as error:
                raise unwritable(path, error) from error

    def save_damaged(self, damaged: dict[str, list[bytes]]) -> None:
        """Copy damaged lines to files next to their shards, for `verify` to report.

        Raises:
            ArchiveError: A file cannot be written.
        """
        for shard, lines in damaged.items():
            path = self._root / shard
            log.warning(
                "%s: %d damaged lines are removed and made again from the segments; `wattlog verify` reports them",
                path,
                len(lines),
            )
            try:
                checked_lines.save_damaged(path, lines)
            except OSError as error:
                raise unwritable(path, error) from error


def _unchecked(line: bytes, shard: str) -> IndexEntry | None:
    """The entry of a line of a version that wrote no checksums; None if the line is damaged."""
    try:
        entry = entry_from_unchecked(orjson.loads(line))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None
    return entry if shard_of(entry.segment) == shard else None


def _texts(entries: Iterable[IndexEntry]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for entry in entries:
        found.setdefault(shard_of(entry.segment), []).append(orjson.dumps(index_line(entry)))
    return found


# --- lines ------------------------------------------------------------------------------------------------------------


def index_line(entry: IndexEntry) -> list[object]:
    """An entry as the index has it: a list: keys repeated a hundred thousand times would cost half the time of reading."""
    return [
        *(entry.raw_id, entry.run_id, entry.provider, entry.site_id, entry.series, entry.question, entry.elapsed_ms),
        *(
            entry.attempt,
            entry.method,
            entry.path,
            entry.status,
            entry.outcome,
            entry.sha256,
            entry.duplicate_of,
            entry.size,
        ),
        *(entry.window_start, entry.window_end, entry.closes_at, entry.requested_at),
        *(entry.segment, entry.byte_range.offset, entry.byte_range.length, entry.chain),
    ]


def index_entry_from_line(line: list[Any]) -> IndexEntry:
    """The entry of a line of the index whose checksum is right; the checksum itself is its last element.

    Raises:
        ValueError: The line is not of this form.
        TypeError: The line is not of this form.
    """
    *facts, start, end, closes, requested, name, offset, length, chain, _ = line
    days, instants = (day(start), day(end)), (instant(closes), datetime.fromisoformat(requested))
    return _ENTRY(*facts, *days, *instants, name, ByteRange(offset, length), chain)


def entry_from_unchecked(line: list[Any]) -> IndexEntry:
    """The entry of a line without checksum or chain, as versions of wattlog before 2026-12 wrote them.

    Such a line is not protected, so it is used only if its parts are consistent: a record that exists is read again.

    Raises:
        ValueError: The line is not of this form.
        TypeError: The line is not of this form.
        IndexError: The line is not of this form.
    """
    entry = index_entry_from_line([*line, 0, ""])
    is_of_site = SEGMENT.fullmatch(entry.segment) and entry.segment.startswith(
        f"site_id={entry.site_id}/series={entry.series}/"
    )
    is_place = type(entry.byte_range.offset) is type(entry.byte_range.length) is int and entry.byte_range.length > 0
    if not (is_of_site and is_place and entry.byte_range.offset >= 0):
        raise ValueError("the parts of the line do not fit together")
    return entry


_ENTRY: Callable[..., IndexEntry] = IndexEntry
"""By position, in the order of `index_line`."""
