"""Queries of a warehouse of views give the same rows as of tables, also after the data directory was moved."""

import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import Loading, build
from warehouse.checks.sql_checks import run_checks
from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake.lake import Lake
from warehouse.models import MODELS
from warehouse.query.query import connect
from warehouse.schema import DAILY, ENERGY_INTERVALS, POWER, SITES, TABLES


@pytest.fixture
def root(tmp_path: Path, frame_of: FrameOf) -> Path:
    """A data directory with characters of glob patterns in its name."""
    root = tmp_path / "it's [my] data*"
    lake = Lake(root / "lake")
    lake.write("sites", frame_of(SITES, {"timezone": "America/Los_Angeles"}), digest="a")
    for site in (1001, 1002):
        for month in (3, 4):
            at = {"site_id": site, "interval_start": datetime(2025, month, 2, 8, tzinfo=UTC)}
            power = frame_of(POWER, {**at, "local_date": date(2025, month, 2), "solar_w": float(month)})
            energy = frame_of(
                ENERGY_INTERVALS, {**at, "local_date": date(2025, month, 2), "grid_energy_imported_wh": 9.0}
            )
            day = {"site_id": site, "local_date": date(2025, month, 2), "grid_energy_imported_wh": 9.0}
            name = f"2025-{month:02d}"
            lake.write("power", power, site_id=site, period=name, digest="a")
            lake.write("energy_intervals", energy, site_id=site, period=name, digest="a")
            lake.write(
                "daily", frame_of(DAILY, {**day, "status": "single_source"}), site_id=site, period=name, digest="a"
            )
    return root


def _views(root: Path) -> Path:
    return build(Lake(root / "lake"), root / "warehouse.duckdb", in_place_views=True).path


def _responses(path: Path) -> dict[str, object]:
    """Everything a reader may ask for: columns with comments, rows of every table and model."""
    with connect(path) as connection:
        relations = [f"main.{name}" for name in TABLES] + [f"analytics.{name}" for name in MODELS]
        found: dict[str, object] = {
            relation: sorted(connection.execute(f"from {relation}").fetchall(), key=repr) for relation in relations
        }
        found["columns"] = connection.execute(
            "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() "
            "where schema_name in ('main', 'analytics') and not internal order by all"
        ).fetchall()
        found["comments"] = sorted(
            connection.execute(
                "select table_name, comment from duckdb_tables() where schema_name in ('main', 'analytics') union all "
                "select view_name, comment from duckdb_views() where schema_name in ('main', 'analytics') and not internal"
            ).fetchall()
        )
        found["checks"] = run_checks(connection)
    return found


def test_views_answer_as_tables_do(root: Path) -> None:
    """Tables, models, comments and checks; a table without files has its columns and no rows."""
    built = build(Lake(root / "lake"), root / "warehouse.duckdb", in_place_views=True)
    tables = build(Lake(root / "lake"), root / "tables.duckdb")
    assert _responses(built.path) == _responses(tables.path)
    assert built.rows == tables.rows
    assert (built.loading, built.files_loaded) == (Loading.VIEWS, 0)
    with duckdb.connect(built.path, read_only=True) as connection:
        stored = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
    assert stored == [("meta", "build"), ("meta", "lake"), ("meta", "manifest"), ("meta", "zone_offsets")]


def test_views_are_never_older_than_the_lake(root: Path, frame_of: FrameOf) -> None:
    """A month written after the build is there without another one."""
    path = _views(root)
    row = {"interval_start": datetime(2025, 5, 2, tzinfo=UTC), "solar_w": 5.0}
    Lake(root / "lake").write("power", frame_of(POWER, row), site_id=1001, period="2025-05", digest="a")
    with connect(path) as connection:
        assert connection.execute("select max(solar_w) from power").fetchall() == [(5.0,)]


def test_a_file_that_is_replaced_between_two_queries_is_read_again(root: Path, frame_of: FrameOf) -> None:
    """DuckDB keeps the footers of files; the new file has as many bytes, and was written within the same second."""
    lake, at = Lake(root / "lake"), {"site_id": 1001, "interval_start": datetime(2025, 4, 2, 8, tzinfo=UTC)}
    with connect(_views(root)) as connection:
        query = "select solar_w from main.power where site_id = 1001 and local_date = date '2025-04-02'"
        for solar_w in (4.0, 5.0, 6.0):
            power = frame_of(POWER, {**at, "local_date": date(2025, 4, 2), "solar_w": solar_w})
            lake.write("power", power, site_id=1001, period="2025-04", digest="a")
            assert connection.execute(query).fetchall() == [(solar_w,)]
            assert connection.execute(f"{query} and solar_w = {solar_w}").fetchall() == [(solar_w,)]
        rows = [
            frame_of(POWER, {**at, "local_date": date(2025, 4, 2), "solar_w": 7.0}),
            frame_of(
                POWER,
                {
                    "site_id": 1001,
                    "interval_start": datetime(2025, 4, 2, 9, tzinfo=UTC),
                    "local_date": date(2025, 4, 2),
                    "solar_w": 8.0,
                },
            ),
        ]
        lake.write("power", pd.concat(rows, ignore_index=True), site_id=1001, period="2025-04", digest="a")
        assert connection.execute(f"{query} order by 1").fetchall() == [(7.0,), (8.0,)]


def test_moved_data_directory_goes_on_working(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved, copied, opened by a relative path from elsewhere: the views read the lake beside their own warehouse."""
    _views(root)
    moved = tmp_path / "elsewhere" / "data"
    shutil.copytree(root, moved)
    Lake(root / "lake").path("power", 1001, "2025-03").unlink()  # the old place is still there, and is another now
    with connect(moved / "warehouse.duckdb") as connection:
        assert connection.execute("select count(*) from power").fetchall() == [(4,)]
    shutil.rmtree(root)
    monkeypatch.chdir(tmp_path)
    with connect(Path("elsewhere/data/warehouse.duckdb")) as connection:
        assert connection.execute("select count(*) from power where site_id = 1002").fetchall() == [(2,)]


def test_any_program_finds_the_lake(root: Path, tmp_path: Path) -> None:
    """Opened by DuckDB alone the views read the place they were built over; elsewhere a variable names the new one."""
    _views(root)
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)\n"
    program += "if len(sys.argv) > 2: c.execute('set variable wattlog_lake = ?', [sys.argv[2]])\n"
    program += "print(c.execute('select count(*) from analytics.daily').fetchall())"
    moved = tmp_path / "moved"
    counts = []
    for arguments in ([root / "warehouse.duckdb"], [moved / "warehouse.duckdb", moved / "lake"]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
        counts.append(done.stdout)
        if not moved.exists():
            root.rename(moved)
    assert counts == ["[(4,)]\n"] * 2


def test_rows_that_tables_refuse_are_refused_in_views(root: Path, frame_of: FrameOf) -> None:
    """Nothing is counted twice since nothing was loaded, and no site is given another one's rows."""
    lake = Lake(root / "lake")
    twice = frame_of(POWER, {"interval_start": datetime(2025, 4, 2, 8, tzinfo=UTC)})
    path = lake.write("power", twice, site_id=1001, period="2025-05", digest="a").path
    with pytest.raises(
        DuplicateKey, match=r"power has the key site_id 1001, interval_start 2025-04-02 08:00:00\+00:00"
    ):
        _views(root)
    path.unlink()
    shutil.copy(lake.path("power", 1001, "2025-03"), lake.path("power", 1002, "2025-04"))
    with pytest.raises(BuildFailed, match="has rows of site 1001"):
        _views(root)


def test_views_and_tables_take_turns(root: Path) -> None:
    """Either is made over the other; a warehouse of views has nothing to be brought up to date."""
    path = _views(root)
    assert build(Lake(root / "lake"), path).loading is Loading.WHOLE
    assert build(Lake(root / "lake"), path).loading is Loading.NOTHING
    assert build(Lake(root / "lake"), path, in_place_views=True).loading is Loading.VIEWS
