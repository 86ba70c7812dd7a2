"""A response of the API as the raw archive keeps it, and the rows of it that cannot be used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import pandas as pd

from transform.frames import table_frame
from wattlog.api_json import write

Tables = Mapping[str, pd.DataFrame]
"""Frames by table name (`warehouse.schema.TABLES`), each with exactly that table's columns. `quarantine` is among them
whenever a row or a whole response could not be used."""

WHOLE_RESPONSE = -1
"""`row_number` of a response that could not be used at all."""


class RawResponse(Protocol):
    """One response of the API as the raw archive keeps it; `extract`'s archive record fits by its shape alone.

    Attributes:
        raw_id: Identifies the response in the raw archive.
        run_id: The run that sent the request.
        site_id: The energy site asked about.
        series: The series asked (`power`, `soe`, `energy_interval`, `energy_day`, …).
        path: Path of the request; `/import/…` of a file, `/intent/…` of a command.
        window_start: First local day asked.
        window_end: Last local day asked, included.
        requested_at: When it was asked; aware, UTC. Rows at or after this instant are not measurements (Q11).
        status: HTTP status.
        body: The body, byte for byte.
    """

    @property
    def raw_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def site_id(self) -> int: ...
    @property
    def series(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def window_start(self) -> date: ...
    @property
    def window_end(self) -> date: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Reason(StrEnum):
    """Why a row, or a whole response, is quarantined."""

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
    OTHER_SITE = "other_site"
    NO_CURRENCY = "no_currency"
    NO_LENGTH = "no_length"
    OVERLAP = "overlap"
    WRONG_NUMBER_OF_VALUES = "wrong_number_of_values"
    LOST_PART = "lost_part"


@dataclass(frozen=True, slots=True)
class Reject:
    """One quarantined row, or some values of a row whose others can be used.

    Attributes:
        site_id: The site asked about.
        raw_id: The response that holds it.
        row_number: Its position there, from 0; `WHOLE_RESPONSE` for the response as a whole.
        reason: Why.
        payload: The row as JSON.
        measures: The columns that cannot be used, if the rest of the row can; empty if nothing of it can.
    """

    site_id: int
    raw_id: str
    row_number: int
    reason: Reason
    payload: str
    measures: tuple[str, ...] = ()


def reject(
    response: RawResponse, row_number: int, reason: Reason, row: object, measures: tuple[str, ...] = ()
) -> Reject:
    """A row of a response that is to be quarantined, or those of its values that are in `measures`."""
    return Reject(response.site_id, response.raw_id, row_number, reason, as_json(row), measures)


def as_json(value: object) -> str:
    """A value of a response as JSON again; what JSON cannot hold (NaN, Infinity) is spelt as the response spelt it."""
    return write(value).decode()


def quarantine_frame(rejects: Iterable[Reject]) -> pd.DataFrame:
    """The rejects as a frame of table `quarantine`, one row per row of a response, ordered by key.

    A reject of a row as a whole counts more than one of its values.
    """
    of_values_first = sorted(rejects, key=lambda reject: not reject.measures)
    of_rows = {(reject.raw_id, reject.row_number): reject for reject in of_values_first}
    ordered = [of_rows[key] for key in sorted(of_rows)]
    return table_frame(
        "quarantine",
        {
            "site_id": [reject.site_id for reject in ordered],
            "raw_id": [reject.raw_id for reject in ordered],
            "row_number": [reject.row_number for reject in ordered],
            "reason": [reject.reason.value for reject in ordered],
            "payload": [reject.payload for reject in ordered],
        },
    )
