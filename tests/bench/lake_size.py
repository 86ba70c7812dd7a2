"""Measure 9: how many files a year of a site is in the lake once the year is over, and how large beside text."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from tests.bench.account import FIRST_SITE, LAST_DAY
from tests.bench.histories import Histories
from tests.bench.result import Limit, Result
from wattlog.names import DataDirectory

INTERVALS = ("power", "state_of_energy", "energy_intervals")


def measure(histories: Histories) -> Iterator[Result]:
    """The last year of the site, whether the lake stores it by month or by year."""
    lake = DataDirectory(histories.rebuilt(histories.sizes.compared[0])).lake
    files = _files(lake, "*")
    tables = len({path.relative_to(lake).parts[0] for path in files})
    yield Result(9, "lake files of a closed site-year", len(files), "", Limit(20, 12), {"tables count": tables})
    text = histories.directory / "intervals"
    text.mkdir(exist_ok=True)
    of_intervals = [path for table in INTERVALS for path in _files(lake, table)]
    parquet = sum(path.stat().st_size for path in of_intervals)
    gzip = sum(_as_text(_files(lake, table), text / f"{table}.csv.gz") for table in INTERVALS)
    parts: dict[str, float | str] = {"Parquet bytes": parquet, "gzip CSV bytes": gzip}
    yield Result(9, "  bytes of its intervals / as gzip CSV", parquet / gzip, "×", Limit(0.6), parts)


def _files(lake: Path, table: str) -> list[Path]:
    """The files of the year: `month=2025` or `month=2025-01` and so on."""
    return sorted(lake.glob(f"table={table}/site_id={FIRST_SITE}/month={LAST_DAY.year}*/*.parquet"))


def _as_text(files: list[Path], destination: Path) -> int:
    """The size of the same rows and columns as compressed text."""
    duckdb.execute(
        f"copy (select * from read_parquet({[str(path) for path in files]}, hive_partitioning = false)) "
        f"to '{destination}' (format csv, compression gzip)"
    )
    return destination.stat().st_size
