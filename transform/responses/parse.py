"""From the bytes of a response to the columns of its rows, or to the reason why there are none.

A response without data is a response, not an error: the API spells "nothing" in six ways (Q23). Only a body that is not JSON,
or JSON of a shape that is not described, breaks the contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transform.responses.columns import columns_of
from transform.responses.misplaced import RequestedDays, is_misplaced
from transform.responses.raw_response import WHOLE_RESPONSE, RawResponse, Reason, Reject, as_json, reject
from wattlog.api_json import UnreadableJson, read, read_records
from wattlog.series import SERIES
from wattlog.series_spec import Series, SeriesSpec

_EXCERPT = 500
"""Characters of a response that are kept in its quarantine row; all of it is in the raw archive."""

_SNAPSHOTS: Final[dict[str, tuple[type[Any], ...]]] = {
    "products": (list,),
    Series.SNAPSHOT: (list, dict),  # any of the three
    **dict.fromkeys(("site_info", "live_status", "region", Series.TARIFF_RATE), (dict,)),
}
"""Responses that are one object or one list of objects, not a series.

Source: API.md#login, API.md#products, API.md#live-status, API.md#site-info, Q122."""

_OF_ENVELOPE = frozenset(
    {"serial_number", "period", "installation_time_zone", "time_zone_offset", "time_series", "SmartBreakerEnergyLogs"}
    | {"events_count", "total_events", "next_end_date"}
)
"""Keys beside the rows. Any other key with something under it may hold the rows under a new name."""

_RU, _LS = (np.frombuffer(pair, "<u2")[0] for pair in (b"ru", b"ls"))
"""From the middle of `true` and `false`, as one number each."""


class Outcome(StrEnum):
    """What a response with status 200 amounts to."""

    DATA = "data"
    NO_DATA = "no_data"
    NOT_JSON = "not_json"
    CONTRACT = "contract"
    WRONG_WINDOW = "wrong_window"


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What a response is, without its rows.

    Attributes:
        outcome: What the response amounts to.
        rejects: Rows, values of rows, or the response as a whole, that could not be used.
        unknown_columns: Keys of the rows that are not described.
        installation_time_zone: As the envelope gives it; None when it is absent or empty (Q8).
        time_zone_offset: Minutes, of sites without a zone name (Q7).
        period: As the envelope gives it.
        next_end_date: The `end_date` of the next page; None on the last page (Q32).
    """

    outcome: Outcome
    rejects: tuple[Reject, ...] = ()
    unknown_columns: frozenset[str] = frozenset()
    installation_time_zone: str | None = None
    time_zone_offset: float | None = None
    period: str | None = None
    next_end_date: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A response, read as far as that is possible without the site.

    Attributes:
        facts: What the response is.
        rows: The usable rows: `row_number` (int32), `timestamp` (string), then the series' measures (float64) under the
            names of their columns, in the API's order, NULL where the response has no value.
        records: Every row as the API gave it, by row number.
    """

    facts: ResponseFacts
    rows: pa.Table
    records: list[Any]


def outcome(body: bytes, series: str, requested: RequestedDays | None = None) -> Outcome:
    """What the body of a response with status 200 amounts to, before its rows are read.

    Args:
        body: The body.
        series: The series that was asked.
        requested: The days that were asked for; None where there were none to choose.
    """
    document = read_document(body, series)
    if document.outcome is not Outcome.DATA or requested is None:
        return document.outcome
    is_wrong = is_misplaced(series, document.rows, document.envelope, requested)
    return Outcome.WRONG_WINDOW if is_wrong else Outcome.DATA


def holds_energy(response: RawResponse) -> bool:
    """Whether any measure of a response is other than zero: before a site was installed there may be rows of zeros (Q17)."""
    columns = parse(response).rows.drop_columns(["row_number", "timestamp"]).columns
    return any(bool(pc.any(pc.not_equal(column, 0.0)).as_py()) for column in columns)


def parse(response: RawResponse) -> Parsed:
    """Read a response of a history series.

    **Shape**: one response → its rows as columns. **Units**: the API's own (W, Wh, %). Raises nothing: what cannot be used
    is in `rejects`.
    """
    document = read_document(response.body, response.series)
    spec = SERIES.get(response.series)
    measures = {} if spec is None else spec.measures
    if document.outcome is not Outcome.DATA:
        facts = ResponseFacts(document.outcome, tuple(_whole(response, document.outcome)))
        return Parsed(facts, empty_rows(measures), [])
    if spec is not None and not spec.has_timestamps:
        return Parsed(ResponseFacts(document.outcome), empty_rows(measures), document.rows)
    # Arrow takes true for 1: where such values occur, rows are read value by value.
    is_plain = document.is_strict and not has_switches(response.body)
    columns = columns_of(document.rows, measures, is_strict=is_plain)
    rejects = [reject(response, number, reason, document.rows[number]) for number, reason in columns.bad_rows.items()]
    rejects += [
        reject(response, number, Reason.NOT_A_NUMBER, document.rows[number], names)
        for number, names in columns.bad_values.items()
    ]
    return Parsed(facts_of(document, tuple(rejects), columns.unknown), columns.table, document.rows)


def records_of(body: bytes, series: str) -> list[Any]:
    """Every row of a response as the API gave it, by row number."""
    return read_document(body, series).rows


def facts_of(document: "Document", rejects: tuple[Reject, ...], unknown: frozenset[str]) -> ResponseFacts:
    """What a response with data is, by its envelope."""
    zone, offset, period, following = (
        document.envelope.get(name)
        for name in ("installation_time_zone", "time_zone_offset", "period", "next_end_date")
    )
    return ResponseFacts(
        outcome=document.outcome,
        rejects=rejects,
        unknown_columns=unknown,
        installation_time_zone=zone if isinstance(zone, str) and zone else None,
        time_zone_offset=offset if isinstance(offset, int | float) and not isinstance(offset, bool) else None,
        period=period if isinstance(period, str) else None,
        next_end_date=following if isinstance(following, str) and following else None,
    )


def empty_rows(measures: Mapping[str, str]) -> pa.Table:
    """`Parsed.rows` of a response without rows."""
    return columns_of([], measures).table


def response_of(body: bytes) -> Any:
    """The value under `response`.

    Raises:
        UnreadableJson: The body is not JSON, or past the bounds.
        LookupError: It is JSON without a `response`.
    """
    document = read(body)
    if not isinstance(document, dict) or "response" not in document:
        raise LookupError("response")
    return document["response"]


def has_switches(body: bytes) -> bool:
    """Whether `true` or `false` occurs in a body.

    Two letters of each, which no usual key has both together, are looked for first: that takes a quarter of the time.
    """
    pairs = (np.frombuffer(body, "<u2", (len(body) - start) // 2, start) for start in (0, 1) if len(body) > start)
    if not any((pair == _RU).any() or (pair == _LS).any() for pair in pairs):
        return False
    return b"true" in body or b"false" in body


def _whole(response: RawResponse, outcome: Outcome) -> list[Reject]:
    """The quarantine row of a response that holds nothing usable although it should; none of an empty one."""
    if outcome is Outcome.NO_DATA:
        return []
    excerpt = as_json(response.body[:_EXCERPT].decode("utf-8", errors="replace"))
    return [Reject(response.site_id, response.raw_id, WHOLE_RESPONSE, Reason(outcome.value), excerpt)]


@dataclass(frozen=True, slots=True)
class Document:
    """The document of a body, as far as it is understood.

    Attributes:
        outcome: What it amounts to.
        envelope: The keys beside the rows.
        rows: The rows as the API gave them.
        is_strict: Whether it is strictly valid JSON.
    """

    outcome: Outcome
    envelope: dict[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)
    is_strict: bool = True


def read_document(body: bytes, series: str, *, is_depth_checked: bool = True) -> Document:
    """The document of a body. A snapshot is usable as a whole or not; of a series each row is judged alone, NaN or not.

    Args:
        body: The body.
        series: The series.
        is_depth_checked: Whether to limit the depth of the rows; if not, the caller does.
    """
    try:
        if series in _SNAPSHOTS:
            document, is_strict = read(body), True
        else:
            document, is_strict = read_records(body, is_depth_checked=is_depth_checked)
    except UnreadableJson:
        return Document(Outcome.NOT_JSON)
    return _read_document(document, series, is_strict=is_strict)


def _read_document(document: object, series: str, *, is_strict: bool) -> Document:
    if not isinstance(document, dict) or "response" not in document or document.get("error"):
        return Document(Outcome.CONTRACT)
    response = document["response"]
    if response is None or isinstance(response, str):
        return Document(Outcome.NO_DATA)
    if series in _SNAPSHOTS:
        if not isinstance(response, _SNAPSHOTS[series]):
            return Document(Outcome.CONTRACT)
        return Document(Outcome.DATA if response else Outcome.NO_DATA, {}, [response])
    if not isinstance(response, dict):
        return Document(Outcome.CONTRACT)
    return _read_rows(response, SERIES[series], is_strict=is_strict)


def _read_rows(response: dict[str, Any], spec: SeriesSpec, *, is_strict: bool) -> Document:
    present = [response[key] for key in spec.row_keys if response.get(key) is not None]
    if not present:
        renamed = any(
            isinstance(value, list | dict) and value for key, value in response.items() if key not in _OF_ENVELOPE
        )
        return Document(Outcome.CONTRACT if renamed else Outcome.NO_DATA)
    rows = present[0]
    if not isinstance(rows, list):
        return Document(Outcome.CONTRACT)
    if not rows:
        return Document(Outcome.NO_DATA)
    if not any(isinstance(row, dict) and ("timestamp" in row or not spec.has_timestamps) for row in rows):
        return Document(Outcome.CONTRACT)
    return Document(Outcome.DATA, response, rows, is_strict)
