"""Responses of the API, read: their outcome, their rows by column, and the rows that cannot be used."""

from transform.responses.batch import Batch, parse_all
from transform.responses.misplaced import RequestedDays, clock_of
from transform.responses.parse import (
    Outcome,
    Parsed,
    ResponseFacts,
    holds_energy,
    outcome,
    parse,
    records_of,
    response_of,
)
from transform.responses.raw_response import (
    WHOLE_RESPONSE,
    RawResponse,
    Reason,
    Reject,
    Tables,
    as_json,
    quarantine_frame,
    reject,
)

__all__ = [
    "WHOLE_RESPONSE",
    "Batch",
    "Outcome",
    "Parsed",
    "RawResponse",
    "Reason",
    "Reject",
    "RequestedDays",
    "ResponseFacts",
    "Tables",
    "as_json",
    "clock_of",
    "holds_energy",
    "outcome",
    "parse",
    "parse_all",
    "quarantine_frame",
    "records_of",
    "reject",
    "response_of",
]
