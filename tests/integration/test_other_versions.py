"""What an older wattlog left behind is made again without asking, and what is wrong is shown with its first rows."""

import json
import os
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from flows.cli import run
from tests.simulated import account
from warehouse.lake.lake import Lake
from warehouse.lake.parquet_file import VERSION_KEY
from warehouse.query.query import connect
from warehouse.schema import SCHEMA_VERSION, TABLES

pytestmark = pytest.mark.slow

DAY = date(2026, 1, 13)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a day of everything."""
    data_dir = tmp_path_factory.mktemp("fetched")
    with account() as served:
        assert served.backfill(data_dir, DAY, until=DAY).exit_code == 0
    return data_dir


@pytest.fixture
def data_dir(fetched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fetched, tmp_path / "data"))


def _age_lake(lake: Lake) -> int:
    """Write each file as an older version would have: with its number, and a column that meant something else."""
    parts = [part for table in TABLES.values() for part in lake.partitions(table)]
    for part in parts:
        content = pq.ParquetFile(part.path).read()
        metadata = {**content.schema.metadata, VERSION_KEY: str(SCHEMA_VERSION - 1).encode()}
        renamed = content.rename_columns([*content.column_names[:-1], "of_old"])
        pq.write_table(renamed.replace_schema_metadata(metadata), part.path)
    return len(parts)


def _age_warehouse(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("update meta.build set schema_version = schema_version - 1")


def _rows(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the tables hold, except for the ledgers of runs and for which of several like responses a row is taken from."""
    with connect(data_dir / "warehouse.duckdb") as connection:
        names = [name for name in TABLES if name not in ("runs", "requests", "live_status", "site_settings")]
        return {
            name: connection.execute(f"select columns('^[^_]') from \"{name}\" order by all").fetchall()
            for name in names
        }


def test_old_warehouse_says_what_to_do_in_one_line(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading is refused, whatever reads: columns of the same name may have meant something else."""
    _age_warehouse(data_dir / "warehouse.duckdb")
    for command in (["sql", "select 1"], ["export", "power", "--out", str(data_dir / "power.csv")]):
        assert run(["--data-dir", str(data_dir), *command]) != 0
        said = capsys.readouterr().err.strip()
        assert f"it has schema version {SCHEMA_VERSION - 1}, this wattlog reads {SCHEMA_VERSION}" in said
        assert said.endswith("run `wattlog rebuild`")
        assert "\n" not in said
    assert run(["--data-dir", str(data_dir), "verify", "--json"]) == 1
    assert f"schema version {SCHEMA_VERSION - 1}" in capsys.readouterr().out


def test_old_lake_and_warehouse_are_made_again_by_the_next_run(data_dir: Path) -> None:
    """Every file of every table, account tables too, from raw and without a request for anything stored."""
    before = _rows(data_dir)
    lake = Lake(data_dir / "lake")
    assert _age_lake(lake) > len(TABLES)
    _age_warehouse(data_dir / "warehouse.duckdb")
    with account() as served:
        assert served.backfill(data_dir, DAY, until=DAY).exit_code == 0
        asked = {(parameters["kind"], parameters["end_date"][:10]) for _, parameters in served.asked_history()}
    assert ("power", str(DAY)) not in asked
    stale = [
        part.path
        for table in TABLES.values()
        for part in lake.partitions(table)
        if lake.digest_of(table, part.site_id, part.period) is None
    ]
    assert stale == []
    assert _rows(data_dir) == before
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


def test_verify_shows_the_first_rows_that_offend(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An interval under another day: which check, how many, which rows; as JSON and as a table."""
    path = data_dir / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "update power set local_date = date '2020-02-29' where site_id = (select min(site_id) from power)"
        )
    assert run(["--data-dir", str(data_dir), "verify", "--json"]) == 1
    differences = {problem["where"]: problem for problem in json.loads(capsys.readouterr().out)["findings"]}
    found = differences["intervals_match_local_date"]
    assert found["what"].startswith("288 rows violate this: ")
    assert len(found["first_rows"]) == 5
    assert found["first_rows"][0]["local_date"] == "2020-02-29"
    assert "has other values" in differences["power"]["what"]
    assert run(["--data-dir", str(data_dir), "verify"]) == 1
    assert "2020-02-29" in capsys.readouterr().out


def test_damaged_warehouse_is_reported_and_the_next_run_builds_it_again(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its date is that of its build, its content is not: verify reports it, the pipeline loads all of it again."""
    path = data_dir / "warehouse.duckdb"
    date_of_build = path.stat().st_mtime_ns
    path.write_bytes(os.urandom(path.stat().st_size))
    os.utime(path, ns=(date_of_build, date_of_build))
    assert run(["--data-dir", str(data_dir), "verify", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["part"], found["where"]) == ("warehouse", "warehouse.duckdb")
    assert "it is damaged or no DuckDB file" in found["what"]
    with account() as served:
        assert served.backfill(data_dir, DAY, until=DAY).exit_code == 0
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
