"""The warehouse is published whole: old or new, never half, and never with a row twice."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.patience import PATIENCE_S
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import STORAGE_VERSION, build
from warehouse.errors import BuildFailed, DuplicateKey, LakeDamaged
from warehouse.lake.lake import Lake
from warehouse.lake.parquet_file import VERSION_KEY
from warehouse.models import MODELS
from warehouse.schema import POWER, SCHEMA_VERSION, TABLES

START = datetime(2025, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_rows_of_all_partitions_are_there_sorted_by_key(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """Every file is loaded, and a scan meets the rows in the order of the key."""
    for site in (2, 1):
        rows = [{"site_id": site, "interval_start": START + timedelta(days=day), "solar_w": day} for day in range(40)]
        lake.write("power", frame_of(POWER, *rows[31:]), site_id=site, period="2025-04", digest="d")
        lake.write("power", frame_of(POWER, *rows[:31]), site_id=site, period="2025-03", digest="d")
    built = build(lake, destination)
    assert built.path == destination
    assert built.rows == {name: 80 if name == "power" else 0 for name in TABLES}
    found = _read(destination, "select site_id, solar_w from power")
    assert found == [(site, float(day)) for site in (1, 2) for day in range(40)]
    assert [path.name for path in destination.parent.iterdir() if path != lake.root] == [destination.name]


def test_empty_lake_gives_every_table_and_model(lake: Lake, destination: Path) -> None:
    """Queries never meet a missing table, however young the data is; comments are there."""
    build(lake, destination)
    tables = _read(
        destination, "select table_name, comment from duckdb_tables() where schema_name = 'main' order by all"
    )
    assert tables == sorted((table.name, table.grain) for table in TABLES.values())
    models = _read(
        destination,
        "select view_name, comment from duckdb_views() where schema_name = 'analytics' "
        "union all select table_name, comment from duckdb_tables() where schema_name = 'analytics'",
    )
    assert sorted(models) == sorted((model.name, model.grain) for model in MODELS.values())
    columns = _read(
        destination,
        "select table_name, column_name from duckdb_columns() "
        "where schema_name in ('main', 'analytics') and database_name = current_database() and comment is null",
    )
    assert columns == []


def test_file_is_of_the_previous_storage_version(lake: Lake, destination: Path) -> None:
    """The previous major version of DuckDB opens it."""
    build(lake, destination)
    (tags,) = _read(
        destination, "select tags['storage_version'] from duckdb_databases() where database_name = 'warehouse'"
    )
    assert str(tags[0]).startswith(STORAGE_VERSION)


def test_month_of_the_path_is_no_column(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The warehouse has the declared columns, not hive's."""
    lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="d")
    build(lake, destination)
    assert [name for (name,) in _read(destination, "select column_name from (describe power)")] == list(POWER.columns)


def test_row_in_two_files_is_refused_with_its_key(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A duplicate across files is found at the build, and the old warehouse is unchanged."""
    lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="d")
    build(lake, destination)
    lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-04", digest="d")
    with pytest.raises(
        DuplicateKey, match=r"power has the key site_id 1001, interval_start 2025-03-01 08:00:00\+00:00"
    ):
        build(lake, destination)
    assert _read(destination, "select solar_w from power") == [(1.0,)]
    assert not list(destination.parent.glob(".*"))


def test_reader_with_the_old_file_open_goes_on(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """Publishing waits for no reader; a new connection sees the new rows."""
    lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="d")
    build(lake, destination)
    reading = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)\n"
    reading += "for _ in sys.stdin: print(c.execute('select solar_w from power').fetchall(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", reading, str(destination)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "[(1.0,)]\n"
        lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-03", digest="e")
        build(lake, destination)
        rest, _ = reader.communicate("\n", timeout=PATIENCE_S)
    assert rest == "[(1.0,)]\n"
    assert _read(destination, "select solar_w from power") == [(2.0,)]


_DIES_WHILE_BUILDING = """
import sys, time
from pathlib import Path
from warehouse.build import build as building
from warehouse.lake.lake import Lake

def never_ends(connection, models):
    print("loaded", flush=True)
    time.sleep(60)

building.create_models = never_ends
building.build(Lake(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_builder_killed_halfway_leaves_the_old_warehouse(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """kill -9 after the load: the published file is untouched, and the next build sweeps what lies about."""
    lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="d")
    build(lake, destination)
    lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-03", digest="e")
    before = destination.read_bytes()
    command = [sys.executable, "-c", _DIES_WHILE_BUILDING, str(lake.root), str(destination)]
    project = Path(__file__).parents[4]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=project) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "loaded\n"
        builder.kill()
        assert builder.wait(PATIENCE_S) == -signal.SIGKILL
    assert destination.read_bytes() == before
    assert len(list(destination.parent.glob(".warehouse.duckdb.*.building"))) == 1
    build(lake, destination)
    assert _read(destination, "select solar_w from power") == [(2.0,)]
    assert not list(destination.parent.glob(".*"))


def test_log_of_a_dead_writer_is_not_replayed(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A program wrote to the old file and was killed: its log does not change the new one."""
    build(lake, destination)
    writing = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table mine as select 1')\n"
    subprocess.run([sys.executable, "-c", writing + "os._exit(9)", str(destination)], check=False)
    log = destination.with_name("warehouse.duckdb.wal")
    assert log.exists()
    lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-03", digest="e")
    build(lake, destination)
    assert not log.exists()
    assert _read(destination, "select solar_w from power") == [(2.0,)]


def test_lake_file_of_another_schema_version_is_refused(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """Columns of the same name may have meant something else: nothing is loaded on trust."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="d").path
    content = pq.ParquetFile(path).read()
    pq.write_table(content.replace_schema_metadata({VERSION_KEY: b"0"}), path)
    with pytest.raises(
        BuildFailed, match=f"has schema version 0, this wattlog writes {SCHEMA_VERSION}; run `wattlog rebuild`"
    ):
        build(lake, destination)
    pq.write_table(content.replace_schema_metadata(None), path)
    with pytest.raises(BuildFailed, match="has schema version none"):
        build(lake, destination)
    assert not destination.exists()


def test_damaged_lake_file_is_one_sentence(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The file is named, nothing is published."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="d").path
    path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(LakeDamaged, match=r"lake file .*part.parquet: is damaged; run `wattlog rebuild`") as caught:
        build(lake, destination)
    assert "\n" not in str(caught.value)
    assert not destination.exists()


def test_place_that_cannot_be_written_is_one_sentence(lake: Lake, tmp_path: Path) -> None:
    """A file where the directory should be, for instance."""
    (tmp_path / "data").touch()
    with pytest.raises(
        BuildFailed, match=r"cannot build .*: (Not a directory|File exists); a file is where a directory belongs"
    ):
        build(lake, tmp_path / "data" / "warehouse.duckdb")


def test_path_with_a_quote_is_a_path(lake: Lake, tmp_path: Path) -> None:
    """An apostrophe in a directory's name ends no SQL literal."""
    destination = tmp_path / "it's mine" / "warehouse.duckdb"
    assert build(lake, destination).path == destination
    assert _read(destination, "select count(*) from power") == [(0,)]
