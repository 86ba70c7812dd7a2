"""A key is in one file of a table, whichever periods were requested.

`conform` allows no file to repeat a key. Two files may still have the same one: a row is in the file of the requested period,
and its key may be of another one. Which row stays is declared with the table (`Keep`).
"""

import logging
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from warehouse.errors import LakeFailed
from warehouse.lake.conform import declared
from warehouse.lake.lake import Lake, Partition
from warehouse.lake.parquet_file import LOCAL_DATE, RACE_NS
from warehouse.schema import Keep, Table
from wattlog import durable
from wattlog.lake_periods import within

logger = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]

FETCHED_AT: Final = "_fetched_at"
GAP_END: Final = "gap_end"
PERIOD_START: Final = "period_start"

_COMPARED: Final = (FETCHED_AT, GAP_END, LOCAL_DATE)
"""Columns other than those of the key by which one row is preferred to another."""

_FILE: Final = "file"
"""Name of the column with the number of a row's file, while rows of several are compared."""

_DIGEST: Final = "rows of another file"
"""Not used: `Lake.amend` keeps the digest of a file that exists, and all of these do."""


def drop_repeated(lake: Lake, table: Table | str, site_id: int, *, published_ns: int | None = None) -> int:
    """Leave each key of a site in one file of a table.

    Only files whose keys cover the same time are read. A file from which rows are dropped keeps its digest: its
    source is the same, so it is not made again.

    Args:
        lake: The lake.
        table: The declaration of a table by site and period, or its name.
        site_id: The site.
        published_ns: When the lake was last published, nanoseconds since 1970: publishing refuses repeated keys, so there are
            none among older files. None where that is not known.

    Returns:
        How many rows were dropped.

    Raises:
        LakeFailed: A file is damaged, or cannot be written.
    """
    table = declared(table)
    time = table.time_column
    if time is None:
        return 0
    files = lake.partitions(table, site_id=site_id)
    young = {part for part in files if published_ns is None or _changed_ns(part) > published_ns - RACE_NS}
    if not young or len(files) < 2:
        return 0
    dropped = _drop_repeated_of(lake, table, _in_the_time_of(lake, files, young, time))
    if dropped:
        logger.info("repeated_rows_dropped table=%s site_id=%s rows=%d", table.name, site_id, dropped)
    return dropped


def _changed_ns(part: Partition) -> int:
    try:
        return part.path.stat().st_mtime_ns
    except OSError as error:
        raise LakeFailed(part.path, durable.reason(error)) from error


def _in_the_time_of(lake: Lake, files: list[Partition], young: set[Partition], time: str) -> list[Partition]:
    """The files whose keys overlap in time with those of another one, where either is young."""
    spans = {part: span for part in files if (span := lake.span(part, time)) is not None}
    found: set[Partition] = set()
    for part in young & spans.keys():
        first, last = spans[part]
        others = {other for other, (begin, end) in spans.items() if other != part and begin <= last and first <= end}
        found |= others | {part} if others else set()
    return sorted(found)


def _drop_repeated_of(lake: Lake, table: Table, files: list[Partition]) -> int:
    """Drop rows of some files whose key another of them has; returns how many."""
    if not files:
        return 0
    key = list(table.primary_key)
    looked_at = [*key, *(name for name in _COMPARED if name in table.columns and name not in key)]
    parts = [lake.read_partition(part, table, looked_at) for part in files]
    rows = pd.concat([part.assign(**{_FILE: number}) for number, part in enumerate(parts)], ignore_index=True)
    repeated = rows[rows.duplicated(key, keep=False)]
    if repeated.empty:
        return 0
    ordered = repeated.iloc[np.lexsort(_preference(repeated, table, files))]
    losing = ordered[ordered.duplicated(key, keep="last")]
    is_kept = np.ones(len(rows), dtype=bool)
    is_kept[losing.index.to_numpy()] = False
    number = rows[_FILE].to_numpy()
    for position in np.unique(number[~is_kept]).tolist():
        part = files[position]
        frame = lake.read_partition(part, table)[is_kept[number == position]]
        lake.amend(table, frame, site_id=part.site_id, period=part.period, digest=_DIGEST)
    return len(losing)


def _preference(rows: pd.DataFrame, table: Table, files: list[Partition]) -> tuple[Ints, Ints, Ints]:
    """Sort keys, the most significant one last, by which the row that stays is last; of equal rows that of the latest file."""
    number = rows[_FILE].to_numpy(dtype=np.int64)
    is_home = np.zeros(len(rows), dtype=np.int64)
    if table.keep is Keep.OWN_MONTH:
        days = rows[LOCAL_DATE if LOCAL_DATE in rows.columns else PERIOD_START].to_numpy(dtype="datetime64[D]")
        for position, part in enumerate(files):
            is_home += (number == position) & within(days, part.period or "")
    by = GAP_END if table.keep is Keep.LONGEST else FETCHED_AT
    rank_us = np.zeros(len(rows), dtype=np.int64)
    if by in rows.columns:
        rank_us += rows[by].to_numpy(dtype="datetime64[us]").view(np.int64)
    sign = -1 if table.keep is Keep.FIRST_FETCHED else 1
    return sign * number, sign * rank_us, is_home
