"""Many responses of one series, read together: their rows become columns in a few steps instead of one step for each response.

Consecutive responses whose rows are all as usual are read at once. Of others each response is read alone by `parse`,
which gives a reason for every row that cannot be used; both ways give the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from transform.responses.columns import columns_of
from transform.responses.parse import (
    Document,
    Outcome,
    ResponseFacts,
    empty_rows,
    facts_of,
    has_switches,
    parse,
    read_document,
)
from transform.responses.raw_response import RawResponse
from wattlog.api_json import MAX_DEPTH, too_deep
from wattlog.series import SERIES

_ROWS: Final = 20_000
"""Rows that are read together. As Python objects they take 40 MB, and a larger number is no quicker."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several responses of one series.

    Attributes:
        facts: What each response is, in the order of the responses.
        rows: All usable rows in this order: `response` (position), `row_number`, `timestamp`, then the measures.
    """

    facts: list[ResponseFacts]
    rows: pa.Table


def parse_all(responses: Sequence[RawResponse], series: str) -> Batch:
    """Read some responses of one series, or of several that have the same measures.

    **Shape**: responses in any order → their rows as columns, in this order. **Units**: the API's own (W, Wh, %). Raises
    nothing: what cannot be used is in the facts' `rejects`.
    """
    facts: list[ResponseFacts] = []
    tables: list[pa.Table] = []
    for first, documents in _parts(responses):
        part = responses[first : first + len(documents)]
        found = _together(part, documents, SERIES[series].measures) or _one_by_one(part)
        facts += found.facts
        tables.append(found.rows.set_column(0, "response", pa.array(found.rows["response"].to_numpy() + first)))
    return Batch(facts, pa.concat_tables(tables) if tables else _numbered(empty_rows(SERIES[series].measures), 0))


def _parts(responses: Sequence[RawResponse]) -> Iterator[tuple[int, list[Document]]]:
    """Consecutive responses with some thousands of rows: the position of the first, and the documents."""
    first, documents, rows = 0, list[Document](), 0
    for position, response in enumerate(responses):
        documents.append(read_document(response.body, response.series, is_depth_checked=False))
        rows += len(documents[-1].rows)
        if rows >= _ROWS:
            yield first, documents
            first, documents, rows = position + 1, [], 0
    if documents:
        yield first, documents


def _together(
    responses: Sequence[RawResponse], documents: Sequence[Document], measures: Mapping[str, str]
) -> Batch | None:
    """Read consecutive responses at once; None where a response or a row of them is not as usual."""
    if not all(_is_usual(response, document) for response, document in zip(responses, documents, strict=True)):
        return None
    rows = [row for document in documents for row in document.rows]
    if set(map(type, rows)) != {dict}:
        return None
    columns = columns_of(rows, measures)
    if columns.bad_rows or columns.is_by_value:
        return None
    counts = [len(document.rows) for document in documents]
    ends = np.cumsum(counts)
    numbers = np.arange(len(rows), dtype=np.int32) - np.repeat(ends - counts, counts).astype(np.int32)
    table = columns.table.set_column(0, "row_number", pa.array(numbers, pa.int32()))
    facts = [facts_of(document, (), columns.unknown) for document in documents]
    return Batch(facts, table.add_column(0, "response", pa.array(np.repeat(np.arange(len(counts)), counts))))


def _is_usual(response: RawResponse, document: Document) -> bool:
    return (
        document.outcome is Outcome.DATA
        and document.is_strict
        and SERIES[response.series].has_timestamps
        and not has_switches(response.body)
        and not _may_be_deep(response.body, document)
    )


def _may_be_deep(body: bytes, document: Document) -> bool:
    """Whether a document may have more levels than are allowed, by the number of its arrays and objects.

    No two rows are on the same path from the root, so all rows but one do not count.
    """
    containers = body.count(b"{") + body.count(b"[") - max(len(document.rows) - 1, 0)
    return containers > MAX_DEPTH and any(too_deep(value) for value in (document.envelope, document.rows))


def _one_by_one(responses: Sequence[RawResponse]) -> Batch:
    parsed = [parse(response) for response in responses]
    tables = [_numbered(found.rows, position) for position, found in enumerate(parsed)]
    return Batch([found.facts for found in parsed], pa.concat_tables(tables))


def _numbered(rows: pa.Table, position: int) -> pa.Table:
    """Rows of one response with its position."""
    return rows.add_column(0, "response", pa.array(np.full(rows.num_rows, position, dtype=np.int64)))
