"""The tables that belong to no site: what the account's responses give, and the requests themselves."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import pandas as pd

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.requests import ACCOUNT
from flows.tasks.partition import MARKER, digest_of, losses_among
from transform.car_commands import shape_car_commands
from transform.frames import empty_frame
from transform.requests import requests_frame
from transform.responses import Tables
from transform.shapers import ACCOUNT_SHAPERS
from warehouse.lake.lake import Lake
from wattlog.commands.intent import is_intent
from wattlog.series import SERIES
from wattlog.series_spec import Series

_QUARANTINE = "quarantine"


def write_account_tables(archive: RawArchive, lake: Lake) -> int:
    """Write the tables of the account; returns their rows. A file that was made from the same responses is left as it is."""
    shaped = [_Shaped(archive, series) for series in ACCOUNT_SHAPERS]
    rows = sum(_write_series(archive, lake, of_series) for of_series in shaped)
    return rows + sum(_write_month(archive, lake, month, shaped) for month in archive.months(ACCOUNT))


class _Shaped:
    """The tables of one series of the account: made when they are needed, from all of its responses."""

    def __init__(self, archive: RawArchive, series: str) -> None:
        self._archive = archive
        self._series = series
        self.entries = [entry for entry in archive.entries(ACCOUNT) if _is_of(entry, series) and entry.status == 200]

    @property
    def table(self) -> str:
        """The name of its table."""
        return SERIES[self._series].tables[0]

    @cached_property
    def frames(self) -> Tables:
        """Its tables."""
        return ACCOUNT_SHAPERS[self._series](list(self._archive.load_all(self.entries)))


def _is_of(entry: IndexEntry, series: str) -> bool:
    """Whether a response is one of a series; a car that is read after a command is read as any other."""
    is_reading = series == Series.VEHICLE_STATE and entry.path.endswith(f"/{SERIES[series].endpoint}")
    return entry.series == series or (entry.series == Series.COMMAND and is_reading)


def _write_series(archive: RawArchive, lake: Lake, shaped: _Shaped) -> int:
    """The one file of a series: a session may be on the pages of any run."""
    digest = digest_of(shaped.entries, *losses_among(archive, shaped.entries))
    if lake.digest_of(shaped.table) == digest:
        return 0
    return lake.write(shaped.table, shaped.frames[shaped.table], digest=digest).rows


def _write_month(archive: RawArchive, lake: Lake, month: str, shaped: Sequence[_Shaped]) -> int:
    """The requests of a month, commands to cars, and what of its responses cannot be used."""
    entries = archive.entries(ACCOUNT, month)
    digest = digest_of(entries, *losses_among(archive, entries))
    if lake.digest_of(MARKER, ACCOUNT, month) == digest:
        return 0
    raw_ids = {entry.raw_id for entry in entries}
    bad = [of_series.frames[_QUARANTINE] for of_series in shaped if raw_ids & {it.raw_id for it in of_series.entries}]
    of_commands = (entry for entry in entries if entry.series == Series.COMMAND)
    commands = shape_car_commands(list(archive.load_all(of_commands)))
    frames = {
        "commands": commands["commands"],
        _QUARANTINE: _together([*(rows[rows["raw_id"].isin(raw_ids)] for rows in bad), commands[_QUARANTINE]]),
        MARKER: requests_frame(entry for entry in entries if not is_intent(entry.path)),
    }
    return _write(lake, frames, month, digest)


def _write(lake: Lake, frames: Mapping[str, pd.DataFrame], month: str, digest: str) -> int:
    """Write the tables of a month, the marker last; one without rows has no file."""
    rows = 0
    for name, frame in frames.items():
        if frame.empty and name != MARKER:
            lake.discard(name, ACCOUNT, month)
        else:
            rows += lake.write(name, frame, site_id=ACCOUNT, period=month, digest=digest).rows
    return rows


def _together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [rows for rows in parts if len(rows)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame(_QUARANTINE)
