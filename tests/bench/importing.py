"""What it costs to read ten years of minutes of another tool, in the time in which DuckDB reads the same file."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from tests.bench.child import module, quickest, run
from tests.bench.histories import Histories
from tests.bench.result import Limit, Result

ROWS_PER_YEAR: Final = 525_600


def measure_ratio(histories: Histories) -> Iterator[Result]:
    """Measure 15: the export of Powerwall-Dashboard, read and summed by quarter hours, against `read_csv` into a table.

    Both on one core. The rate is rows for each second of the processor; the memory is that of the whole process.
    """
    path, rows = histories.directory / "export.csv", ROWS_PER_YEAR * histories.sizes.years
    _write(path, rows)
    of_duckdb = min(_duckdb_s(path) for _ in range(histories.sizes.rounds))
    child = quickest(run(module("read_minutes", path)) for _ in range(histories.sizes.rounds))
    parts: dict[str, float | str] = {"read": child.cpu_s, "DuckDB": of_duckdb, "rows": float(rows)}
    size = f"{histories.sizes.years} y of minutes"
    yield Result(15, f"import {size} / read_csv of the same file", child.cpu_s / of_duckdb, "×", Limit(12, 6), parts)
    yield Result(15, "  rows a second on one core", rows / child.cpu_s, "", Limit(200_000, is_least=True), parts)
    yield Result(15, "  peak memory", child.peak_mb, "MB", Limit(600, 400), parts)
    path.unlink()


def _write(path: Path, rows: int) -> None:
    """The file, a part of it at a time."""
    random, begin, part = np.random.default_rng(1), datetime(2015, 1, 1, 8, tzinfo=UTC), 100_000
    with path.open("w") as file:
        file.write("TimeStamp,Solar,Powerwall,Home,Grid,Charge\n")
        for first in range(0, rows, part):
            count = min(part, rows - first)
            start = np.datetime64((begin + timedelta(minutes=first)).replace(tzinfo=None), "s")
            stamps = np.datetime_as_string(start + np.arange(count) * np.timedelta64(60, "s"))
            watts = random.integers(-5_000, 9_000, (count, 4))
            watts[:, (0, 2)] = np.abs(watts[:, (0, 2)])
            text = io.StringIO()
            for stamp, values in zip(stamps.tolist(), watts.tolist(), strict=True):
                text.write(f"{stamp}Z,{values[0]},{values[1]},{values[2]},{values[3]},52.5\n")
            file.write(text.getvalue())


def _duckdb_s(path: Path) -> float:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        began = time.process_time()
        connection.execute("create table minutes as select * from read_csv(?)", [str(path)])
        return time.process_time() - began
