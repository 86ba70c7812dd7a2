"""What could not be used, why, and what it was: nothing is dropped in silence."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import orjson
import pandas as pd

from transform.answer import Answer
from transform.frames import table_frame

WHOLE_ANSWER = -1
"""`row_number` of an answer that could not be used at all."""


class Reason(StrEnum):
    """Why a row, or a whole answer, was set aside."""

    NOT_JSON = "not_json"
    CONTRACT = "contract"
    NULL_ROW = "null_row"
    NOT_AN_OBJECT = "not_an_object"
    NO_TIMESTAMP = "no_timestamp"
    BAD_TIMESTAMP = "bad_timestamp"
    NOT_A_NUMBER = "not_a_number"
    NO_VALUE = "no_value"
    OUT_OF_RANGE = "out_of_range"
    WRONG_WINDOW = "wrong_window"
    FUTURE_VALUE = "future_value"


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was set aside.

    Attributes:
        site_id: The site asked about.
        raw_id: The answer it stands in.
        row_number: Its position there, from 0; `WHOLE_ANSWER` for the answer as a whole.
        reason: Why.
        payload: What it was, as JSON.
    """

    site_id: int
    raw_id: str
    row_number: int
    reason: Reason
    payload: str


def reject(answer: Answer, row_number: int, reason: Reason, row: object) -> Reject:
    """A row of an answer that is set aside."""
    return Reject(answer.site_id, answer.raw_id, row_number, reason, as_json(row))


def as_json(value: object) -> str:
    """A value of an answer as JSON again; what JSON cannot hold (NaN, Infinity) is spelt as the answer spelt it."""
    if isinstance(value, dict) and any(isinstance(each, float) and not math.isfinite(each) for each in value.values()):
        return json.dumps(value, ensure_ascii=False)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer past 64 bits
        return json.dumps(value, ensure_ascii=False)


def quarantine_frame(rejects: Iterable[Reject]) -> pd.DataFrame:
    """The rejects as a frame of table `quarantine`, one row per row that was set aside, ordered by key."""
    ordered = sorted(rejects, key=lambda each: (each.raw_id, each.row_number))
    return table_frame(
        "quarantine",
        {
            "site_id": [each.site_id for each in ordered],
            "raw_id": [each.raw_id for each in ordered],
            "row_number": [each.row_number for each in ordered],
            "reason": [each.reason.value for each in ordered],
            "payload": [each.payload for each in ordered],
        },
    )
