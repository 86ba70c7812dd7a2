"""Runs whose clock was ahead: by their own instants, windows were over that were not.

With `server_time` no such response is kept, if the server sends the time. Archives may have older ones, and a server may not
send it. The index shows them: no response was requested after one that was kept later, nor after the present.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from extract.api.server_time import TOLERANCE
from extract.archive.raw_archive import IndexEntry

LONGEST_PAUSE: Final = timedelta(days=30)
"""How long before the next run a first run was at most, where no run before it shows when it was."""


def runs_ahead(entries: Sequence[IndexEntry], now: datetime | None) -> dict[str, datetime]:
    """Run whose clock was ahead → an instant before it: that of the newest response that was kept before it.

    Args:
        entries: The index entries of one site, in the order of their requests.
        now: The present instant; None if it is not known.
    """
    latest = _latest_instants(entries, now)
    found = {}
    for run_id, instant in latest.items():
        before = (
            entry.requested_at for entry in entries if entry.run_id not in latest and entry.requested_at < instant
        )
        found[run_id] = max(before, default=instant - LONGEST_PAUSE)
    return found


def _latest_instants(entries: Sequence[IndexEntry], now: datetime | None) -> dict[str, datetime]:
    """Run whose clock was ahead → an instant after it: the present, or that of a response that was kept later."""
    found: dict[str, datetime] = {}
    if now is not None and entries and entries[-1].requested_at > now + TOLERANCE:
        for entry in entries:
            _note(found, entry, now)
    for segment in _out_of_order(entries):
        earliest: datetime | None = None
        for entry in sorted(segment, key=lambda entry: entry.byte_range.offset, reverse=True):
            if earliest is not None:
                _note(found, entry, earliest)
            earliest = entry.requested_at if earliest is None else min(earliest, entry.requested_at)
    return found


def _note(found: dict[str, datetime], entry: IndexEntry, latest: datetime) -> None:
    if entry.requested_at > latest + TOLERANCE:
        found[entry.run_id] = min(latest, found.get(entry.run_id, latest))


def _out_of_order(entries: Sequence[IndexEntry]) -> list[list[IndexEntry]]:
    """The entries of each segment in which the order of the records is not that of their requests."""
    last: dict[str, int] = {}
    names = set[str]()
    for entry in entries:
        if entry.byte_range.offset < last.get(entry.segment, 0):
            names.add(entry.segment)
        last[entry.segment] = entry.byte_range.offset
    return [[entry for entry in entries if entry.segment == name] for name in names]
