"""From the bytes of an answer to the columns of its time series, or to the reason why there are none.

An answer without data is an answer, not an error: the API spells "nothing" in six ways (Q23). Only a body that is no JSON,
or JSON of a shape that nobody has described, is out of order.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from transform.answer import Answer
from transform.columns import MEASURES, columns_of
from transform.quarantine import WHOLE_ANSWER, Reason, Reject, as_json, reject

_BOM = b"\xef\xbb\xbf"
"""Dumps made by Windows tools begin with it (Q35)."""

_EXCERPT = 500
"""Characters of an answer that are kept in its quarantine row; the whole of it is in raw."""

_ROW_KEYS: Final[dict[str, tuple[str, ...]]] = {"backup": ("events",), "charge": ("charge_history", "time_series")}
"""Where a series keeps its rows; everywhere else it is `time_series`. Source: API.md §1.2, §1.3."""

_WITHOUT_TIMESTAMP = frozenset({"charge"})
"""Series whose rows tell the time in a way of their own (API.md §1.3); their module reads `records`."""

_SNAPSHOTS = frozenset({"snapshot", "products", "site_info", "live_status"})
"""Answers that are one object or one list of objects, not a series."""

_OF_THEIR_WINDOW = frozenset({"power", "soe", "energy_interval", "energy_day", "energy_month", "self_consumption"})
"""Series whose rows are stamped within the window asked. A lifetime's first year may be stamped before the installation, and
what began before a window may be told in it (sessions, outages)."""

_RU, _LS = (np.frombuffer(each, "<u2")[0] for each in (b"ru", b"ls"))
"""From the middle of `true` and `false`, as one number each."""

_ONE_DAY = timedelta(days=1)

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
    WRONG_WINDOW = "wrong_window"


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


def outcome(body: bytes, series: str, window: tuple[date, date] | None = None) -> Outcome:
    """What the body of an answer with status 200 amounts to, before anything is made of its rows.

    Args:
        body: The body.
        series: The series that was asked.
        window: First and last local day that were asked for; None where there was no window to choose. An answer none of
            whose rows is of these days, by its own stamps, is of the wrong window (Q22).
    """
    reading = _read(body, series)
    is_misplaced = window is not None and series in _OF_THEIR_WINDOW and not _has_rows_of(reading.rows, *window)
    return Outcome.WRONG_WINDOW if reading.outcome is Outcome.DATA and is_misplaced else reading.outcome


def _has_rows_of(rows: list[Any], first: date, last: date) -> bool:
    """Whether any row is stamped with a day from `first` to `last`.

    Stamps carry the clock by which the server cut the answer, so their text tells the day it picked: an answer that holds
    the last hour of the day asked and calls it the first of the next is wrong (Q1). Stamps in UTC (Q18) may be a day off.
    """
    within = first.isoformat(), last.isoformat()
    around = (first - _ONE_DAY).isoformat(), (last + _ONE_DAY).isoformat()
    stamps = (row.get("timestamp") for row in rows if isinstance(row, dict))
    texts = (text for text in stamps if isinstance(text, str))
    return any((days := around if text.endswith("Z") else within)[0] <= text[:10] <= days[1] for text in texts)


def holds_energy(answer: Answer) -> bool:
    """Whether any measure of an answer is other than zero: before a site was installed there may be rows, of zeros (Q17)."""
    columns = parse(answer).rows.drop_columns(["row_number", "timestamp"]).columns
    return any(bool(pc.any(pc.not_equal(each, 0.0)).as_py()) for each in columns)


def parse(answer: Answer) -> Parsed:
    """Read an answer of a history series.

    **Shape**: one answer → its rows as columns. **Units**: the API's own (W, Wh, %). Raises nothing: what cannot be used
    is in `rejects`.
    """
    reading = _read(answer.body, answer.series)
    measures = MEASURES.get(answer.series, {})
    if reading.outcome is not Outcome.DATA:
        return Parsed(reading.outcome, columns_of([], measures).table, [], tuple(_whole(answer, reading.outcome)))
    if answer.series in _WITHOUT_TIMESTAMP:
        return Parsed(reading.outcome, columns_of([], measures).table, reading.rows)
    # Arrow takes true for 1: where such words are about, values are looked at one by one.
    is_plain = reading.is_strict and not _has_switches(answer.body)
    columns = columns_of(reading.rows, measures, is_strict=is_plain)
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


def _has_switches(body: bytes) -> bool:
    """Whether `true` or `false` stands in a body.

    Two letters of each, of which no usual name has both together, are looked for first: that takes a quarter of the time.
    """
    pairs = (np.frombuffer(body, "<u2", (len(body) - start) // 2, start) for start in (0, 1) if len(body) > start)
    if not any((each == _RU).any() or (each == _LS).any() for each in pairs):
        return False
    return b"true" in body or b"false" in body


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
