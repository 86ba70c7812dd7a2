"""What an archive has lost, one line a segment, and the losses that an operator has accepted.

A segment only grows, so the bytes of a damaged record stay where they are. A line of `accepted-losses.ndjson` names such a
range with the checksum of its bytes: once they differ, as after a restore from a backup, the line has no effect.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import orjson

from extract.archive.record import IndexEntry
from extract.archive.segment import ByteRange, unwritable
from wattlog import checked_lines, durable

log = logging.getLogger(__name__)

REMEDY = (
    "restore the file from a backup, or accept the loss with `wattlog verify --accept-loss`, "
    "and the next backfill asks for it again"
)
"""What to do about a loss."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of the archive that are not as they were written.

    Attributes:
        segment: The segment, below the archive's root.
        byte_range: Its bytes.
        reason: What is wrong.
        entry: The lost record, if it is indexed.
    """

    segment: str
    byte_range: ByteRange
    reason: str
    entry: IndexEntry | None = None

    def __str__(self) -> str:
        lost = "" if self.entry is None else f" (record {self.entry.raw_id})"
        return f"{self.segment} at byte {self.byte_range.offset}: {self.reason}{lost}"


@dataclass(frozen=True, slots=True)
class Loss:
    """The losses of one segment.

    Attributes:
        segment: The segment, below the archive's root.
        records: How many indexed records are lost.
        series: Their series.
        first_day: First day of their windows; None if they have none, or are not indexed.
        last_day: Last day.
        reason: What is wrong, at the first place.
    """

    segment: str
    records: int
    series: str
    first_day: date | None
    last_day: date | None
    reason: str

    @property
    def what(self) -> str:
        """The segment, and what it has lost."""
        days = (
            ""
            if self.first_day is None
            else f" of {self.first_day}"
            if self.first_day == self.last_day
            else f" of {self.first_day} to {self.last_day}"
        )
        count = "1 record" if self.records == 1 else f"{self.records:,} records"
        what = f"{count} lost, {self.series}{days}" if self.records else "bytes that are no record"
        return f"{self.segment}: {what} ({self.reason})"

    def __str__(self) -> str:
        return f"{self.what}; {REMEDY}"


def losses(damages: Iterable[Damage]) -> list[Loss]:
    """Damages grouped by segment."""
    by_segment: dict[str, list[Damage]] = {}
    for damage in damages:
        by_segment.setdefault(damage.segment, []).append(damage)
    return [_loss(name, of_segment) for name, of_segment in sorted(by_segment.items())]


def _loss(name: str, damages: list[Damage]) -> Loss:
    entries = {damage.entry.raw_id: damage.entry for damage in damages if damage.entry is not None}
    first = min((entry.window_start for entry in entries.values() if entry.window_start), default=None)
    last = max((entry.window_end for entry in entries.values() if entry.window_end), default=None)
    series = next((entry.series for entry in entries.values()), "")
    return Loss(name, len(entries), series, first, last, damages[0].reason)


# --- accepted losses --------------------------------------------------------------------------------------------------

ACCEPTED_LOSSES = "accepted-losses.ndjson"


@dataclass(slots=True)
class Accepted:
    """The ranges whose loss was accepted, if their bytes are unchanged since then.

    Attributes:
        ranges: Segment → first byte of a range → first byte after it.
        damaged: Damaged lines of the file: the losses that they accepted are reported again.
    """

    ranges: dict[str, dict[int, int]] = field(default_factory=dict)
    damaged: list[bytes] = field(default_factory=list)

    def ends(self, segment: str) -> Mapping[int, int]:
        """The ranges of one segment."""
        return self.ranges.get(segment, {})

    def covers(self, segment: str, byte_range: ByteRange) -> bool:
        """Whether a range was accepted as lost."""
        return self.ends(segment).get(byte_range.offset) == byte_range.end


def read_accepted(root: Path) -> Accepted:
    """The accepted ranges of an archive. Changes nothing."""
    found, path = Accepted(), root / ACCEPTED_LOSSES
    if not path.exists():
        return found
    lines = checked_lines.split(path.read_bytes())
    found.damaged = lines.unchecked
    for line in map(orjson.loads, lines.checked):
        byte_range = ByteRange(line["offset"], line["length"])
        if _sha256(root / line["segment"], byte_range) == line["sha256"]:
            found.ranges.setdefault(line["segment"], {})[byte_range.offset] = byte_range.end
    return found


def accept(root: Path, lost: Mapping[str, Iterable[ByteRange]], now: datetime) -> None:
    """Note ranges as lost for good.

    Args:
        root: The archive's root.
        lost: Segment → its ranges.
        now: When the loss was accepted.

    Raises:
        ArchiveError: The file cannot be written.
    """
    texts = [
        orjson.dumps(
            {
                "segment": name,
                "offset": byte_range.offset,
                "length": byte_range.length,
                "sha256": _sha256(root / name, byte_range),
                "accepted_at": now,
            }
        )
        for name, byte_ranges in sorted(lost.items())
        for byte_range in byte_ranges
    ]
    path = root / ACCEPTED_LOSSES
    try:
        checked_lines.append(path, texts, is_flushed=True)
    except OSError as error:
        raise unwritable(path, error) from error


def drop_damaged(root: Path, accepted: Accepted) -> None:
    """Move damaged lines out of the file, for `verify` to report.

    Raises:
        ArchiveError: A file cannot be written.
    """
    if not accepted.damaged:
        return
    path = root / ACCEPTED_LOSSES
    log.warning("%s: %d damaged lines are removed; `wattlog verify` reports them", path, len(accepted.damaged))
    try:
        checked_lines.save_damaged(path, accepted.damaged)
        whole = checked_lines.split(path.read_bytes()).checked
        durable.replace(path, b"".join(line + b"\n" for line in whole))
    except OSError as error:
        raise unwritable(path, error) from error


def _sha256(path: Path, byte_range: ByteRange) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(byte_range.offset)
        return hashlib.sha256(file.read(byte_range.length)).hexdigest()
