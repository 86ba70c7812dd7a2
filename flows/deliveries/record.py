"""What was delivered: of each target, site, and month a digest of its content.

It is part of the raw archive, since it cannot be made from anything else: a rebuild makes the same history again, and nothing
of it is sent a second time. A line is written once a target has a month for certain. Of two lines about the same month the
later one counts; a damaged line is left out, and its month is sent again.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from wattlog import checked_lines, durable
from wattlog.names import DELIVERIES

log = logging.getLogger(__name__)

NOTHING: Final = ""
"""The digest of a month that a target has no more."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A month that a target has.

    Attributes:
        target: The key of the target.
        site_id: The site.
        month: `2025-03`.
        digest: SHA-256 of its content; empty where the target has it no more.
        rows: Rows of it.
        extent: Which hours of which columns it has, where that matters to the target.
        delivered_at: When, UTC.
        run_id: The run.
    """

    target: str
    site_id: int
    month: str
    digest: str
    rows: int
    extent: Mapping[str, str]
    delivered_at: datetime
    run_id: str


_NAMES: Final = frozenset(entry.name for entry in fields(Delivered))


@dataclass(slots=True)
class DeliveryRecord:
    """The record of an archive.

    Attributes:
        path: Its file.
    """

    path: Path
    _found: dict[tuple[str, int], dict[str, Delivered]] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Path) -> "DeliveryRecord":
        """The record of the archive in a directory.

        Raises:
            OSError: It cannot be read.
        """
        record = cls(raw / DELIVERIES)
        lines = durable.content(record.path).split(b"\n")[:-1]
        damaged = 0
        for line in lines:
            entry = _entry_of(line)
            if entry is None:
                damaged += 1
            else:
                record._note(entry)
        if damaged:
            log.warning("%s: %d damaged lines; what they are about is sent again", record.path, damaged)
        return record

    def months(self, target: str, site_id: int) -> Mapping[str, Delivered]:
        """The months of a site that a target has."""
        return self._found.get((target, site_id), {})

    def entries(self) -> list[Delivered]:
        """Everything that targets have, by target, site, and month."""
        return [of_site[month] for _, of_site in sorted(self._found.items()) for month in sorted(of_site)]

    def add(self, entries: Iterable[Delivered]) -> None:
        """Note months; they are on disk when this returns.

        Raises:
            OSError: The file cannot be written.
        """
        found = list(entries)
        if found:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            checked_lines.append(self.path, [orjson.dumps(asdict(entry)) for entry in found], is_flushed=True)
            for entry in found:
                self._note(entry)

    def _note(self, entry: Delivered) -> None:
        of_site = self._found.setdefault((entry.target, entry.site_id), {})
        if entry.digest == NOTHING:
            of_site.pop(entry.month, None)
        else:
            of_site[entry.month] = entry


def _entry_of(line: bytes) -> Delivered | None:
    """The entry of a line; None where it is damaged."""
    if not checked_lines.is_whole(line):
        return None
    found: dict[str, Any] = orjson.loads(checked_lines.without_checksum(line))
    if found.keys() != _NAMES:
        return None
    return Delivered(**found | {"delivered_at": datetime.fromisoformat(found["delivered_at"])})
