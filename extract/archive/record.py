"""A response as it came, the record that is kept of it, and the record's entry in the index.

A record is one flat JSON object, so SQL can read segments without a schema from wattlog. A response that is equal to an
earlier one, byte for byte and for the same window, is recorded as its duplicate (`DUPLICATE_KEY`), without the body.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zlib import crc32

from extract.archive.segment import ByteRange
from extract.requests import Request, question_of

SUFFIX = ".ndjson.zst"
SEGMENT = re.compile(r"site_id=-?\d+/series=[a-z0-9_:]+/month=\d{4}-\d{2}\.ndjson\.zst", re.ASCII)
"""A segment's name, below the archive's root."""

MONTH = slice(-len("YYYY-MM" + SUFFIX), -len(SUFFIX))

CONCLUSIVE = frozenset({"data", "no_data"})
"""Outcomes that answer the request, with data or without. Any other response is kept too, and its request is sent again."""

DUPLICATE_KEY: Final = "body_of"
"""Key of a record for the id of the record that it duplicates. Every version of wattlog has written this key."""


@dataclass(frozen=True, slots=True)
class Response:
    """One request and what came back, as the client received it.

    Attributes:
        request: The request.
        requested_at: When it was sent (aware, UTC).
        elapsed_ms: Time from sending the request to the end of the response.
        attempt: Which attempt at the same request this was, from 1.
        status: HTTP status; None when no response came.
        headers: The response headers that matter.
        body: The body as it is to be kept.
        outcome: `data`, `no_data`, `wrong_window`, `not_json`, `contract`, `error`, or `transport` when no response came.
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
    def is_conclusive(self) -> bool:
        """Whether the server answered the request, with data or without: such a window becomes settled."""
        return self.outcome in CONCLUSIVE


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What the index has of a record: everything except the body.

    Attributes:
        question: The parameters other than site and dates: `kind=energy&period=day`.
        duplicate_of: Id of the record that holds the body; None if this record holds it.
        size: Bytes of the body of the response.
        chain: Checksum over this record and all before it in the segment, as they were written; see `chained`.
    """

    raw_id: str
    run_id: str
    provider: str
    site_id: int
    series: str
    question: str
    elapsed_ms: float
    attempt: int
    method: str
    path: str
    status: int | None
    outcome: str
    sha256: str
    duplicate_of: str | None
    size: int
    window_start: date | None
    window_end: date | None
    closes_at: datetime | None
    requested_at: datetime
    segment: str
    byte_range: ByteRange
    chain: int = 0

    @property
    def is_conclusive(self) -> bool:
        """Whether the server answered the request, with data or without."""
        return self.outcome in CONCLUSIVE

    def chained(self, chain: int) -> "IndexEntry":
        """The same with its chained checksum."""
        return replace(self, chain=chain)

    @property
    def month(self) -> str:
        """Month of the segment, `YYYY-MM`."""
        return self.segment[MONTH]

    @property
    def content(self) -> tuple[object, ...]:
        """Two responses are equal if this is: segment, path, window, and bytes."""
        return self.segment, self.path, self.window_start, self.window_end, self.sha256


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """A kept response with its body: what `transform` reads.

    `window_start` and `window_end` of a snapshot are the UTC day of the request.
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


def segment_name(response: Response) -> str:
    """The segment of a response, below the archive's root: by the first month of its window, else by that of the request."""
    window = response.request.window
    first = response.requested_at.astimezone(UTC).date() if window is None else window.start
    return f"site_id={response.request.site_id}/series={response.request.series}/month={first:%Y-%m}{SUFFIX}"


def record_of(response: Response, *, run_id: str, provider: str, number: int = 0) -> dict[str, Any]:
    """The record of a response, with its body.

    Args:
        response: The response.
        run_id: The run that sent the request.
        provider: Name of the provider.
        number: Distinguishes records that are otherwise equal, to the microsecond.
    """
    request, window = response.request, response.request.window
    digest = hashlib.sha256(response.body).hexdigest()
    requested_at = response.requested_at.astimezone(UTC)
    named = f"{request.site_id}|{request.series}|{request.path}|{request.params}|{response.attempt}|{digest}|{number}"
    record: dict[str, Any] = {
        "raw_id": f"{requested_at:%Y%m%dT%H%M%S%f}-{hashlib.sha256(named.encode()).hexdigest()[:8]}",
        "run_id": run_id,
        "provider": provider,
        "site_id": request.site_id,
        "series": str(request.series),
        "window_start": None if window is None else window.start.isoformat(),
        "window_end": None if window is None else window.end.isoformat(),
        "closes_at": None if window is None else window.closes_at.isoformat(),
        "requested_at": requested_at.isoformat(),
        "elapsed_ms": round(response.elapsed_ms, 3),
        "attempt": response.attempt,
        "method": request.method,
        "path": request.path,
        "params": dict(request.params),
        "status": response.status,
        "headers": dict(response.headers),
        "outcome": response.outcome,
        "sha256": digest,
        "size": len(response.body),
        DUPLICATE_KEY: None,
    }
    try:
        record["body"] = response.body.decode()
    except UnicodeDecodeError:
        record["body_hex"] = response.body.hex()
    return record


def content_of(record: Mapping[str, Any], name: str) -> tuple[object, ...]:
    """`IndexEntry.content` of a record in segment `name`."""
    return name, record["path"], day(record["window_start"]), day(record["window_end"]), record["sha256"]


def duplicate_record(record: Mapping[str, Any], holder: IndexEntry) -> dict[str, Any]:
    """The record of a response whose body another record holds."""
    return {**record, "body": None, DUPLICATE_KEY: holder.raw_id}


def body_in(record: Mapping[str, Any]) -> bytes | None:
    """The body that a record holds; None if it is a duplicate of another."""
    if record.get("body_hex") is not None:
        return bytes.fromhex(record["body_hex"])
    return None if record.get("body") is None else str(record["body"]).encode()


def chained(before: int, checksum: int) -> int:
    """The chained checksum of a record.

    Args:
        before: That of the record before it in the segment; 0 for the first.
        checksum: Of the record's own frame.
    """
    return crc32(checksum.to_bytes(4), before)


def entry_of(record: Mapping[str, Any], name: str, byte_range: ByteRange, chain: int = 0) -> IndexEntry:
    """The index entry of a record in segment `name`; its chained checksum may follow later.

    Raises:
        KeyError: A key is missing.
        ValueError: A value is not valid.
    """
    size = record.get("size")
    return IndexEntry(
        raw_id=record["raw_id"],
        run_id=record["run_id"],
        provider=record["provider"],
        site_id=record["site_id"],
        series=record["series"],
        question=question_of(record["params"]),
        elapsed_ms=record["elapsed_ms"],
        attempt=record["attempt"],
        method=record["method"],
        path=record["path"],
        status=record["status"],
        outcome=record["outcome"],
        sha256=record["sha256"],
        duplicate_of=record.get(DUPLICATE_KEY),
        size=len(body_in(record) or b"") if size is None else size,
        window_start=day(record["window_start"]),
        window_end=day(record["window_end"]),
        closes_at=instant(record["closes_at"]),
        requested_at=datetime.fromisoformat(record["requested_at"]),
        segment=name,
        byte_range=byte_range,
        chain=chain,
    )


def day(text: str | None) -> date | None:
    """An ISO date; None for none."""
    return None if text is None else date.fromisoformat(text)


def instant(text: str | None) -> datetime | None:
    """An ISO time; None for none."""
    return None if text is None else datetime.fromisoformat(text)
