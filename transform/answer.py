"""What the transform needs to know of a raw answer, and what it gives back.

`transform` imports nothing of `extract`: a record of the raw archive fits `Answer` by its shape alone.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

import pandas as pd


class Answer(Protocol):
    """One kept answer of the API, verbatim.

    Attributes:
        raw_id: Identifies the answer in the raw archive.
        run_id: The run that asked.
        site_id: The energy site asked about.
        series: The series asked (`power`, `soe`, `energy_interval`, `energy_day`, …).
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
    def window_start(self) -> date: ...
    @property
    def window_end(self) -> date: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


Tables = Mapping[str, pd.DataFrame]
"""Frames by table name (`warehouse.schema.TABLES`), each with exactly that table's columns. `quarantine` is among them
whenever a row or a whole answer could not be used."""
