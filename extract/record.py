"""What the archive keeps of a request: the exchange as it happened, the record as it is written, the entry of the index.

A record is one flat JSON object, so that SQL can read segments without a schema of wattlog's. Of an answer that was seen
before, to the byte and for the same window, the record says so (`body_of`) and holds no body again.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from extract.segment import Extent
from extract.series import Request, question_of

SUFFIX = ".ndjson.zst"
MONTH = slice(-len("YYYY-MM" + SUFFIX), -len(SUFFIX))

ANSWERS = frozenset({"data", "no_data"})
"""Outcomes that answer the question. Everything else is kept too, and asked again."""


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
        outcome: `data`, `no_data`, `wrong_window`, `not_json`, `contract`, `error`, or `transport` when no answer came.
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


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index knows of a record: all but the body.

    Attributes:
        question: What was asked beside site and dates: `kind=energy&period=day`.
        body_of: The record that holds the body, where this one saw it again; None where it holds it itself.
        size: Bytes of the body as it came.
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
    body_of: str | None
    size: int
    window_start: date | None
    window_end: date | None
    closes_at: datetime | None
    requested_at: datetime
    segment: str
    extent: Extent

    @property
    def is_answer(self) -> bool:
        """Whether the server gave what was asked, be it data or none."""
        return self.outcome in ANSWERS

    @property
    def month(self) -> str:
        """Month of the segment, `YYYY-MM`."""
        return self.segment[MONTH]

    @property
    def content(self) -> tuple[object, ...]:
        """What makes an answer the same answer: its place, its window, its bytes."""
        return self.segment, self.path, self.window_start, self.window_end, self.sha256


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


def segment_name(exchange: Exchange) -> str:
    """The segment of an exchange, below the archive's root: its window's first month, or that of the asking."""
    window = exchange.request.window
    first = exchange.requested_at.astimezone(UTC).date() if window is None else window.start
    return f"site_id={exchange.request.site_id}/series={exchange.request.series}/month={first:%Y-%m}{SUFFIX}"


def record_of(exchange: Exchange, *, run_id: str, provider: str, number: int = 0) -> dict[str, Any]:
    """The record of an exchange, with its body.

    Args:
        exchange: What happened.
        run_id: The run that asked.
        provider: Who answered.
        number: Tells records apart that are otherwise the same, down to the microsecond.
    """
    request, window = exchange.request, exchange.request.window
    digest = hashlib.sha256(exchange.body).hexdigest()
    instant = exchange.requested_at.astimezone(UTC)
    named = f"{request.site_id}|{request.series}|{request.path}|{request.params}|{exchange.attempt}|{digest}|{number}"
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
        "size": len(exchange.body),
        "body_of": None,
    }
    try:
        record["body"] = exchange.body.decode()
    except UnicodeDecodeError:
        record["body_hex"] = exchange.body.hex()
    return record


def seen_again(record: Mapping[str, Any], holder: Entry) -> dict[str, Any]:
    """The record of an answer whose body another record holds."""
    return {**record, "body": None, "body_of": holder.raw_id}


def body_of(record: Mapping[str, Any]) -> bytes | None:
    """The body that a record holds; None where it points to another."""
    if record.get("body_hex") is not None:
        return bytes.fromhex(record["body_hex"])
    return None if record.get("body") is None else str(record["body"]).encode()


def entry_of(record: Mapping[str, Any], name: str, extent: Extent) -> Entry:
    """The entry of a record that stands in segment `name`.

    Raises:
        KeyError: Something is missing.
        ValueError: Something is not what it should be.
    """
    size = record.get("size")
    return Entry(
        **{key: record[key] for key in _PLAIN},
        question=question_of(record["params"]),
        body_of=record.get("body_of"),
        size=len(body_of(record) or b"") if size is None else size,
        window_start=_day(record["window_start"]),
        window_end=_day(record["window_end"]),
        closes_at=_instant(record["closes_at"]),
        requested_at=datetime.fromisoformat(record["requested_at"]),
        segment=name,
        extent=extent,
    )


_PLAIN = (
    *("raw_id", "run_id", "provider", "site_id", "series", "elapsed_ms", "attempt", "method", "path", "status"),
    *("outcome", "sha256"),
)


def index_line(entry: Entry) -> list[object]:
    """An entry as the index has it: a list, since names repeated a hundred thousand times cost half the reading."""
    return [
        *(entry.raw_id, entry.run_id, entry.provider, entry.site_id, entry.series, entry.question, entry.elapsed_ms),
        *(
            entry.attempt,
            entry.method,
            entry.path,
            entry.status,
            entry.outcome,
            entry.sha256,
            entry.body_of,
            entry.size,
        ),
        *(entry.window_start, entry.window_end, entry.closes_at, entry.requested_at),
        *(entry.segment, entry.extent.offset, entry.extent.length),
    ]


def entry_from_index(line: list[Any]) -> Entry:
    """The entry behind a line of the index.

    Raises:
        ValueError: It is not such a line.
        TypeError: It is not such a line.
    """
    *facts, start, end, closes, requested, name, offset, length = line
    days, instants = (_day(start), _day(end)), (_instant(closes), datetime.fromisoformat(requested))
    return _ENTRY(*facts, *days, *instants, name, Extent(offset, length))


_ENTRY: Callable[..., Entry] = Entry
"""By position, in the order of `index_line`."""


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
