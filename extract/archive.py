"""The raw archive: every answer of the API, verbatim, kept before it is used.

Answers are the one thing that cannot be made again: requests cost money and the API forgets. A record is on disk when
`keep` returns; a kill at any instant loses at most the answer in flight.

    raw/site_id=ID/series=NAME/month=YYYY-MM.ndjson.zst     the records (see `segment`); the month is the window's first
    raw/index.ndjson                                        what each segment holds, without the bodies

The index is a cache. It is compared with the sizes of the segments whenever the archive is opened, and what it does not
cover is read from the segments; deleting it costs a scan and nothing else.
"""

import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from extract import segment
from extract.errors import ArchiveError, CorruptSegment
from extract.segment import Extent
from extract.series import ACCOUNT, Request

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back, as the client saw it.

    Attributes:
        request: What was asked.
        requested_at: When (aware, UTC).
        elapsed_ms: Time from asking to the whole answer.
        attempt: Which attempt at the same request this was, from 1.
        status: HTTP status; None when no answer came.
        headers: The response headers that matter.
        body: The body as it is to be kept.
        outcome: `data`, `no_data`, `not_json`, `contract`, `error`, or `transport` when no answer came.
    """

    request: Request
    requested_at: datetime
    elapsed_ms: float
    attempt: int
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    outcome: str

    @property
    def is_answer(self) -> bool:
        """Whether the server gave what was asked, be it data or none: such a window settles."""
        return self.outcome in ANSWERS


ANSWERS = frozenset({"data", "no_data"})
"""Outcomes that answer the question. Everything else is kept too, and asked again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index knows of a record: all but the body."""

    raw_id: str
    run_id: str
    provider: str
    site_id: int
    series: str
    window_start: date | None
    window_end: date | None
    closes_at: datetime | None
    requested_at: datetime
    elapsed_ms: float
    attempt: int
    method: str
    path: str
    status: int | None
    outcome: str
    sha256: str
    size: int
    segment: str
    extent: Extent

    @property
    def is_answer(self) -> bool:
        """Whether the server gave what was asked, be it data or none."""
        return self.outcome in ANSWERS

    @property
    def month(self) -> str:
        """Month of the segment, `YYYY-MM`."""
        return Path(self.segment).name.removeprefix("month=").removesuffix(SUFFIX)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A kept answer with its body: what `transform` reads.

    `window_start` and `window_end` of a snapshot are the UTC day on which it was taken.
    """

    raw_id: str
    run_id: str
    site_id: int
    series: str
    path: str
    window_start: date
    window_end: date
    requested_at: datetime
    status: int
    body: bytes


SUFFIX = ".ndjson.zst"
INDEX = "index.ndjson"


class RawArchive:
    """The archive below one directory. Thread-safe; one process at a time writes (the run lock sees to that)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._by_month: dict[tuple[int, str], list[Entry]] = {}
        self._open()
        for entry in self._entries:
            self._place(entry)

    # --- writing ------------------------------------------------------------------------------------------------------

    def keep(self, exchange: Exchange, *, run_id: str, provider: str) -> Entry:
        """Write one exchange and return once it is on disk.

        Raises:
            ArchiveError: It cannot be written.
        """
        record = _record(exchange, run_id=run_id, provider=provider)
        name = _segment_name(exchange)
        with self._lock:
            extent = segment.append(self.root / name, orjson.dumps(record))
            entry = _entry(record, len(exchange.body), name, extent)
            self._append_index([entry])
            self._entries.append(entry)
            self._place(entry)
        return entry

    def _place(self, entry: Entry) -> None:
        self._by_month.setdefault((entry.site_id, entry.month), []).append(entry)

    # --- reading ------------------------------------------------------------------------------------------------------

    def entries(self, site_id: int, month: str | None = None) -> list[Entry]:
        """Index entries of a site, or of one of its months (`YYYY-MM`), in the order they were kept."""
        with self._lock:
            if month is not None:
                return list(self._by_month.get((site_id, month), ()))
            return [entry for entry in self._entries if entry.site_id == site_id]

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
        """The answer behind an index entry.

        Raises:
            CorruptSegment: The record is not what was written.
        """
        record = orjson.loads(segment.read(self.root / entry.segment, entry.extent))
        body = record["body"].encode() if "body" in record else bytes.fromhex(record["body_hex"])
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise CorruptSegment(str(self.root / entry.segment), entry.extent.offset, "the body's checksum fails")
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

    # --- the index ----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Read the index, then whatever segments hold beyond it."""
        indexed = self._read_index()
        covered: dict[str, int] = {}
        for entry in indexed:
            covered[entry.segment] = max(covered.get(entry.segment, 0), entry.extent.end)
        sizes = {str(path.relative_to(self.root)): path.stat().st_size for path in self._segments()}
        damaged = [name for name, end in covered.items() if sizes.get(name, 0) < end]
        for name in damaged:
            log.warning("segment shorter than its index segment=%s", name)
            covered.pop(name)
        self._entries = [entry for entry in indexed if entry.segment not in damaged]
        found = [
            entry
            for name, size in sorted(sizes.items())
            if size > covered.get(name, 0)
            for entry in self._scan(name, covered.get(name, 0))
        ]
        self._entries = sorted(self._entries + found, key=lambda entry: (entry.requested_at, entry.raw_id))
        if damaged:
            self._write_index()
        elif found:
            self._append_index(found)

    def _segments(self) -> Iterator[Path]:
        return self.root.glob(f"site_id=*/series=*/month=*{SUFFIX}")

    def _scan(self, name: str, start: int) -> Iterator[Entry]:
        path, end = self.root / name, start
        for extent, line in segment.scan(path, start):
            record = orjson.loads(line)
            size = len(record["body"].encode()) if "body" in record else len(record["body_hex"]) // 2
            end = extent.end
            yield _entry(record, size, name, extent)
        torn = segment.cut_torn_tail(path, end)
        if torn:
            log.warning("cut an unfinished record segment=%s bytes=%d", name, torn)

    def _read_index(self) -> list[Entry]:
        path = self.root / INDEX
        if not path.exists():
            return []
        try:
            return [_entry_from_index(orjson.loads(line)) for line in path.read_bytes().splitlines()]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            log.warning("index unreadable, reading the segments instead path=%s", path)
            path.unlink()
            return []

    def _append_index(self, entries: Iterable[Entry]) -> None:
        lines = b"".join(orjson.dumps(_index_line(entry)) + b"\n" for entry in entries)
        try:
            with (self.root / INDEX).open("ab") as file:
                file.write(lines)
        except OSError as error:
            raise ArchiveError(str(self.root / INDEX), f"cannot be written ({error.strerror})") from error

    def _write_index(self) -> None:
        beside = self.root / f"{INDEX}.new"
        beside.write_bytes(b"".join(orjson.dumps(_index_line(entry)) + b"\n" for entry in self._entries))
        beside.replace(self.root / INDEX)


def _segment_name(exchange: Exchange) -> str:
    window = exchange.request.window
    first = exchange.requested_at.astimezone(UTC).date() if window is None else window.start
    return f"site_id={exchange.request.site_id}/series={exchange.request.series}/month={first:%Y-%m}{SUFFIX}"


def _record(exchange: Exchange, *, run_id: str, provider: str) -> dict[str, Any]:
    """The record as it is written: one flat JSON object, so that SQL can read segments without a schema of wattlog's."""
    request, window = exchange.request, exchange.request.window
    digest = hashlib.sha256(exchange.body).hexdigest()
    instant = exchange.requested_at.astimezone(UTC)
    named = f"{request.site_id}|{request.series}|{request.path}|{request.params}|{exchange.attempt}|{digest}"
    record: dict[str, Any] = {
        "raw_id": f"{instant:%Y%m%dT%H%M%S%f}-{hashlib.sha256(named.encode()).hexdigest()[:8]}",
        "run_id": run_id,
        "provider": provider,
        "site_id": request.site_id,
        "series": str(request.series),
        "window_start": None if window is None else window.start.isoformat(),
        "window_end": None if window is None else window.end.isoformat(),
        "closes_at": None if window is None else window.closes_at.isoformat(),
        "requested_at": instant.isoformat(),
        "elapsed_ms": round(exchange.elapsed_ms, 3),
        "attempt": exchange.attempt,
        "method": "GET",
        "path": request.path,
        "params": dict(request.params),
        "status": exchange.status,
        "headers": dict(exchange.headers),
        "outcome": exchange.outcome,
        "sha256": digest,
    }
    try:
        record["body"] = exchange.body.decode()
    except UnicodeDecodeError:
        record["body_hex"] = exchange.body.hex()
    return record


_INDEXED = (
    "raw_id",
    "run_id",
    "provider",
    "site_id",
    "series",
    "elapsed_ms",
    "attempt",
    "method",
    "path",
    "status",
    "outcome",
    "sha256",
)


def _entry(record: Mapping[str, Any], size: int, name: str, extent: Extent) -> Entry:
    start, end, closes = record["window_start"], record["window_end"], record["closes_at"]
    return Entry(
        **{key: record[key] for key in _INDEXED},
        window_start=None if start is None else date.fromisoformat(start),
        window_end=None if end is None else date.fromisoformat(end),
        closes_at=None if closes is None else datetime.fromisoformat(closes),
        requested_at=datetime.fromisoformat(record["requested_at"]),
        size=size,
        segment=name,
        extent=extent,
    )


def _index_line(entry: Entry) -> dict[str, Any]:
    line: dict[str, Any] = {key: getattr(entry, key) for key in _INDEXED}
    line |= {
        "window_start": entry.window_start,
        "window_end": entry.window_end,
        "closes_at": entry.closes_at,
        "requested_at": entry.requested_at,
        "size": entry.size,
        "segment": entry.segment,
        "offset": entry.extent.offset,
        "length": entry.extent.length,
    }
    return line


def _entry_from_index(line: Mapping[str, Any]) -> Entry:
    return _entry(line, line["size"], line["segment"], Extent(line["offset"], line["length"]))
