"""Exports to hive directories, read back whole by the tools that people read them with."""

import csv
import errno
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest

from tests.unit.warehouse.conftest import Publish, Row
from warehouse.errors import DestinationExists, ExportFailed, QueryFailed
from warehouse.export import partitioned
from warehouse.export.export import export
from warehouse.export.partitioned import NOWHERE, Partitioning
from warehouse.localtime import Clock
from warehouse.query.output_format import Format

SITE, MONTH, YEAR = Partitioning.SITE, Partitioning.MONTH, Partitioning.YEAR


@pytest.fixture
def path(publish: Publish) -> Path:
    """Two sites over a year's end; a snapshot at each, of which one is in December by its own clock alone."""
    days = [date(2025, 12, 30) + timedelta(days=number) for number in range(4)]
    power: list[Row] = [
        {
            "site_id": site,
            "local_date": day,
            "interval_start": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            "solar_w": 1.0,
        }
        for site in (1001, 1002)
        for day in days
    ]
    snapshots: list[Row] = [
        {"site_id": site, "observed_at": datetime(2026, 1, 1, 3, tzinfo=UTC), "solar_w": 5.0} for site in (1001, 1002)
    ]
    sites: list[Row] = [{"timezone": "America/Los_Angeles"}, {"site_id": 1002, "timezone": "Asia/Kathmandu"}]
    return publish({"sites": sites, "power": power, "live_status": snapshots})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "power"


def _files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("by", "files"),
    [
        ([SITE], ["site=1001/part.csv", "site=1002/part.csv"]),
        ([MONTH], ["month=2025-12/part.csv", "month=2026-01/part.csv"]),
        ([YEAR, SITE], [f"year={year}/site={site}/part.csv" for year in (2025, 2026) for site in (1001, 1002)]),
    ],
)
def test_each_part_has_a_directory(path: Path, out: Path, by: Sequence[Partitioning], files: list[str]) -> None:
    """The levels are in the given order; every row is in one file, with its header and in the order of the query."""
    done = export(path, "power", out, Format.CSV, partition_by=by)
    assert _files(out) == files
    assert (done.rows, done.files) == (8, len(files))
    assert done.bytes == sum((out / path).stat().st_size for path in files)
    within = [[(row["site_id"], row["local_date"]) for row in _rows(out / path)] for path in files]
    assert all(keys == sorted(keys) for keys in within)
    assert len({key for keys in within for key in keys}) == sum(map(len, within)) == 8


def test_month_of_an_instant_is_the_sites_own(path: Path, out: Path) -> None:
    """It is still December in California and January in Kathmandu (Q36), with any clock of the cells."""
    for clock in Clock:
        export(path, "live_status", out, Format.CSV, tz=clock, partition_by=[MONTH], force=True)
        found = {path: _rows(out / path)[0]["site_id"] for path in _files(out)}
        assert found == {"month=2025-12/part.csv": "1001", "month=2026-01/part.csv": "1002"}


def test_directory_is_read_whole_by_pyarrow_pandas_and_duckdb(path: Path, out: Path) -> None:
    """Directories' words clash with no column, so each tool gives all rows, all columns, and the levels beside them."""
    export(path, "power", out, Format.PARQUET, partition_by=[SITE, MONTH])
    table = ds.dataset(out, partitioning="hive").to_table(filter=ds.field("month") == "2025-12")
    assert table.num_rows == 4
    assert set(table["site_id"].to_pylist()) == {1001, 1002}
    assert table.schema.field("solar_w").metadata[b"unit"] == b"W"
    frame = pd.read_parquet(out)
    assert len(frame) == 8
    assert (frame["site"].astype("int64") == frame["site_id"]).all()
    with duckdb.connect() as connection:
        pattern = str(out / "**" / "*.parquet")
        query = "select site, month, count(*) from read_parquet(?, hive_partitioning = true) group by all order by all"
        found = connection.execute(query, [pattern]).fetchall()
    assert found == [(site, month, 2) for site in (1001, 1002) for month in ("2025-12", "2026-01")]


def test_rows_without_a_date_are_not_dropped(path: Path, out: Path) -> None:
    """NULL has a directory of hive's name for it."""
    query = "select 7 as site_id, null::date as local_date union all select null, date '2025-03-01' order by 1"
    assert export(path, query, out, Format.CSV, partition_by=[SITE, MONTH]).rows == 2
    assert _files(out) == [f"site=7/month={NOWHERE}/part.csv", f"site={NOWHERE}/month=2025-03/part.csv"]


def test_partition_that_comes_again_goes_on_in_a_second_file(
    path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many files are open; none is written over."""
    monkeypatch.setattr(partitioned, "OPEN_FILES", 1)
    done = export(path, "power", out, Format.PARQUET, partition_by=[MONTH])
    assert done.rows == 8
    assert pd.read_parquet(out)["site_id"].tolist().count(1001) == 4
    monkeypatch.setattr("warehouse.export.row_filter.BATCH_ROWS", 1)
    query = "from power order by interval_start desc, site_id"
    done = export(path, f"select * {query}", out, Format.CSV, partition_by=[SITE], force=True)
    assert _files(out) == [f"site={site}/part{n}.csv" for site in (1001, 1002) for n in ("-1", "-2", "-3", "")]
    assert done.rows == 8


@pytest.mark.parametrize(
    ("relation", "by", "reason"),
    [
        ("sites", MONTH, "no date: they cannot be partitioned by month"),
        ("runs", SITE, "no site_id: they cannot be partitioned by site"),
        ("analytics.coverage", MONTH, "a column month of their own"),
    ],
)
def test_rows_that_cannot_be_cut_are_refused(
    path: Path, out: Path, relation: str, by: Partitioning, reason: str
) -> None:
    """In one line, with nothing written."""
    with pytest.raises(QueryFailed, match=reason):
        export(path, relation, out, Format.PARQUET, partition_by=[by])
    assert not out.exists()
    assert list(out.parent.iterdir()) == []


def test_only_an_earlier_export_is_replaced(path: Path, out: Path) -> None:
    """`--force` removes what an export made, and no directory that has anything else in it."""
    export(path, "power", out, Format.CSV, partition_by=[SITE])
    with pytest.raises(DestinationExists, match="add --force"):
        export(path, "power", out, Format.CSV, partition_by=[SITE])
    export(path, "power", out, Format.CSV, partition_by=[YEAR], force=True)
    assert _files(out) == ["year=2025/part.csv", "year=2026/part.csv"]
    (out / "thesis.txt").write_text("mine")
    for by in ([], [SITE]):
        with pytest.raises(ExportFailed, match="it is a directory with other things in it"):
            export(path, "power", out, Format.CSV, partition_by=by, force=True)
    assert _files(out) == ["thesis.txt", "year=2025/part.csv", "year=2026/part.csv"]


def test_failure_halfway_leaves_the_old_directory(path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that fails on a row, or a disk that is full: the old export is unchanged, and no temporary file is left."""
    export(path, "power", out, Format.CSV, partition_by=[SITE])
    before = _files(out)
    query = (
        "select i as site_id, case when i = 70000 then error('too far') end as e from range(80000) t(i) where i > 69990"
    )
    with pytest.raises(QueryFailed, match="too far"):
        export(path, query, out, Format.PARQUET, partition_by=[SITE], force=True)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("warehouse.export.partitioned.writer_of", full)
    with pytest.raises(ExportFailed, match=r"cannot export to .*power: No space left on device; free space"):
        export(path, "power", out, Format.CSV, partition_by=[SITE], force=True)
    assert _files(out) == before
    assert list(out.parent.iterdir()) == [out]
