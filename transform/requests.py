"""Every request that was asked, as a table: what the history cost, and what came of it."""

from collections.abc import Iterable
from datetime import date, datetime
from operator import attrgetter
from typing import Final, Protocol

import pandas as pd

from transform.frames import empty_frame, table_frame


class Record(Protocol):
    """An entry of the raw index; it fits by its shape alone.

    `site_id` is None, or 0, which is no site's id, for account-wide requests; `status` is None when no response came.
    """

    @property
    def raw_id(self) -> str: ...
    @property
    def site_id(self) -> int | None: ...
    @property
    def series(self) -> str: ...
    @property
    def window_start(self) -> date | None: ...
    @property
    def window_end(self) -> date | None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def outcome(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def elapsed_ms(self) -> float: ...
    @property
    def size(self) -> int: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def run_id(self) -> str: ...


_COLUMNS: Final[dict[str, str]] = {"attempts": "attempt", "bytes": "size"}
"""Column → attribute, where they differ."""


def requests_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Index entries → table `requests`, one row per request, ordered by `raw_id`."""
    unique = {record.raw_id: record for record in records}
    empty = empty_frame("requests")
    if not unique:
        return empty
    names = list(empty.columns)
    read = attrgetter(*(_COLUMNS.get(name, name) for name in names))
    columns = dict(zip(names, zip(*(read(unique[key]) for key in sorted(unique)), strict=True), strict=True))
    sites = [site_id or None for site_id in columns["site_id"]]
    series = [str(name) for name in columns["series"]]
    return table_frame("requests", {**columns, "site_id": sites, "series": series})
