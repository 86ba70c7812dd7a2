"""From the bytes of an answer to the columns of its time series, or to the reason why there are none.

An answer without data is an answer, not an error: the API spells "nothing" in six ways (Q23). Only a body that is no JSON,
or JSON of a shape that nobody has described, is out of order.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
import pyarrow as pa

from transform.answer import Answer
from transform.columns import MEASURES, columns_of
from transform.quarantine import WHOLE_ANSWER, Reason, Reject, as_json, reject

_BOM = b"\xef\xbb\xbf"
"""Dumps made by Windows tools begin with it (Q35)."""

_EXCERPT = 500
"""Characters of an answer that are kept in its quarantine row; the whole of it is in raw."""

_ROW_KEYS: Final[dict[str, tuple[str, ...]]] = {"backup": ("events",), "charge": ("charge_history", "time_series")}
"""Where a series keeps its rows; everywhere else it is `time_series`. Source: API.md §1.2, §1.3."""

_SNAPSHOTS = frozenset({"snapshot", "products", "site_info", "live_status"})
"""Answers that are one object or one list of objects, not a series."""

_ENVELOPE = frozenset(
    {"serial_number", "period", "installation_time_zone", "time_zone_offset", "time_series", "SmartBreakerEnergyLogs"}
    | {"events_count", "total_events", "next_end_date"}
)
"""What stands beside the rows. Anything else that holds something may be the rows under a new name."""


class Outcome(StrEnum):
    """What an answer with status 200 amounts to."""

    DATA = "data"
    NO_DATA = "no_data"
    NOT_JSON = "not_json"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer, understood as far as it can be without knowing the site.

    Attributes:
        outcome: What the answer amounts to.
        rows: The usable rows: `row_number` (int32), `timestamp` (string), then the series' measures (float64) under the
            names of the lake, still in the API's order, NULL where the answer has no value.
        records: Every row as the API gave it, by row number.
        rejects: Rows, or the answer as a whole, that could not be used.
        unknown_columns: Names in the rows that nothing here knows.
        installation_time_zone: As the envelope gives it; None when it is absent or empty (Q8).
        time_zone_offset: Minutes, of sites without a zone name (Q7).
        period: As the envelope gives it.
    """

    outcome: Outcome
    rows: pa.Table
    records: list[Any]
    rejects: tuple[Reject, ...] = ()
    unknown_columns: frozenset[str] = frozenset()
    installation_time_zone: str | None = None
    time_zone_offset: float | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    outcome: Outcome
    envelope: dict[str, Any]
    rows: list[Any]
    is_strict: bool = True


def outcome(body: bytes, series: str) -> Outcome:
    """What the body of an answer with status 200 amounts to, before anything is made of its rows."""
    return _read(body, series).outcome


def parse(answer: Answer) -> Parsed:
    """Read an answer of a history series.

    **Shape**: one answer → its rows as columns. **Units**: the API's own (W, Wh, %). Raises nothing: what cannot be used
    is in `rejects`.
    """
    reading = _read(answer.body, answer.series)
    measures = MEASURES.get(answer.series, {})
    if reading.outcome is not Outcome.DATA:
        return Parsed(reading.outcome, columns_of([], measures).table, [], tuple(_whole(answer, reading.outcome)))
    columns = columns_of(reading.rows, measures, is_strict=reading.is_strict)
    zone, offset = (reading.envelope.get(name) for name in ("installation_time_zone", "time_zone_offset"))
    period = reading.envelope.get("period")
    return Parsed(
        outcome=reading.outcome,
        rows=columns.table,
        records=reading.rows,
        rejects=tuple(
            reject(answer, number, reason, reading.rows[number]) for number, reason in columns.bad_rows.items()
        ),
        unknown_columns=columns.unknown,
        installation_time_zone=zone if isinstance(zone, str) and zone else None,
        time_zone_offset=offset if isinstance(offset, int | float) and not isinstance(offset, bool) else None,
        period=period if isinstance(period, str) else None,
    )


def _whole(answer: Answer, outcome: Outcome) -> list[Reject]:
    """The quarantine row of an answer that holds nothing usable although it should; none of an empty one."""
    if outcome is Outcome.NO_DATA:
        return []
    excerpt = as_json(answer.body[:_EXCERPT].decode("utf-8", errors="replace"))
    return [Reject(answer.site_id, answer.raw_id, WHOLE_ANSWER, Reason(outcome.value), excerpt)]


def response_of(body: bytes) -> Any:
    """What stands under `response`.

    Raises:
        ValueError: The body is not JSON.
        LookupError: It is JSON without a `response`.
    """
    document, _ = _load(body)
    if not isinstance(document, dict) or "response" not in document:
        raise LookupError("response")
    return document["response"]


def _load(body: bytes) -> tuple[Any, bool]:
    """The document, and whether it is JSON by the book: `NaN` is not, but Python programs write it."""
    text = body.removeprefix(_BOM)
    try:
        return orjson.loads(text), True
    except orjson.JSONDecodeError:
        if b"NaN" not in text and b"Infinity" not in text:
            raise
    try:
        return json.loads(text), False
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _read(body: bytes, series: str) -> _Reading:
    try:
        document, is_strict = _load(body)
    except ValueError:
        return _Reading(Outcome.NOT_JSON, {}, [])
    if not isinstance(document, dict) or "response" not in document or document.get("error"):
        return _Reading(Outcome.CONTRACT, {}, [])
    response = document["response"]
    if response is None or isinstance(response, str):
        return _Reading(Outcome.NO_DATA, {}, [])
    if series in _SNAPSHOTS and isinstance(response, dict | list):
        return _Reading(Outcome.DATA if response else Outcome.NO_DATA, {}, [response], is_strict)
    if not isinstance(response, dict):
        return _Reading(Outcome.CONTRACT, {}, [])
    return _read_rows(response, series, is_strict)


def _read_rows(response: dict[str, Any], series: str, is_strict: bool) -> _Reading:
    keys = _ROW_KEYS.get(series, ("time_series",))
    present = [response[key] for key in keys if response.get(key) is not None]
    if not present:
        renamed = any(
            isinstance(value, list | dict) and value for key, value in response.items() if key not in _ENVELOPE
        )
        return _Reading(Outcome.CONTRACT if renamed else Outcome.NO_DATA, {}, [])
    rows = present[0]
    if not isinstance(rows, list):
        return _Reading(Outcome.CONTRACT, {}, [])
    if not rows:
        return _Reading(Outcome.NO_DATA, {}, [])
    if not any(isinstance(row, dict) and (series == "charge" or "timestamp" in row) for row in rows):
        return _Reading(Outcome.CONTRACT, {}, [])
    return _Reading(Outcome.DATA, response, rows, is_strict)
