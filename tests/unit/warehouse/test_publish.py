"""A warehouse brought up to date by what changed is the one that loading everything gives, table by table."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse import build as building
from warehouse.build import STORAGE_VERSION, Built, Loading, build
from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake import Lake
from warehouse.load import TableChange, apply
from warehouse.manifest import survey
from warehouse.models import MODELS, Model, create_models
from warehouse.schema import DAILY, ENERGY_PERIODS, POWER, REQUESTS, SITES, TABLES
from warehouse.verify import verify_warehouse

Content = dict[str, list[tuple[object, ...]]]
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "warehouse.duckdb"


@pytest.fixture(autouse=True)
def _old_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are seconds old; what they are known by is believed all the same."""
    monkeypatch.setattr("warehouse.manifest.RACE_NS", 0)


def _without_models(connection: duckdb.DuckDBPyConnection, _: object) -> None:
    connection.execute("create schema if not exists analytics")


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models take most of a small build's time; some tests look at them."""
    if "real_models" not in request.fixturenames:
        monkeypatch.setattr(building, "create_models", _without_models)


@pytest.fixture
def real_models() -> tuple[str, ...]:
    """The models' names, for a test that looks at them."""
    return tuple(MODELS)


def _content(path: Path, models: Sequence[str] = ()) -> Content:
    """Every table, the models named, and every comment; rows in the order of the key."""
    found: Content = {}
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in TABLES.values():
            key = ", ".join(f'"{name}"' for name in table.primary_key)
            found[table.name] = connection.execute(f'select * from main."{table.name}" order by {key}').fetchall()
        for name in models:
            rows = connection.execute(f'select * from analytics."{name}"').fetchall()
            found[f"analytics.{name}"] = sorted(rows, key=repr)
        found["comments"] = connection.execute(
            "select schema_name, table_name, column_name, comment from duckdb_columns() where not internal order by all"
        ).fetchall()
        manifest = "select table_name, site_id, month, digest, rows from meta.manifest order by all"
        found["manifest"] = connection.execute(manifest).fetchall()
    return found


def _days(frame_of: FrameOf, site: int, month: int, *, value: float = 1.0, days: int = 2) -> Any:
    start = datetime(2025, month, 1, 8, tzinfo=UTC)
    return frame_of(
        POWER,
        *(
            {"site_id": site, "interval_start": start + timedelta(days=day), "solar_w": value + day}
            for day in range(days)
        ),
    )


def _fill(lake: Lake, frame_of: FrameOf, months: Sequence[int] = range(1, 13), sites: Sequence[int] = (1, 2)) -> None:
    for site in sites:
        for month in months:
            lake.write("power", _days(frame_of, site, month), site_id=site, month=f"2025-{month:02d}", digest="a")
    lake.write("sites", frame_of(SITES, *({"site_id": site, "timezone": "UTC"} for site in sites)), digest="a")


def _is_as_built_anew(lake: Lake, destination: Path, built: Built, models: Sequence[str] = ()) -> None:
    whole = build(lake, destination.with_name("whole.duckdb"), anew=True)
    assert _content(destination, models) == _content(whole.path, models)
    assert built.rows == whole.rows
    assert list(verify_warehouse(lake, destination)) == []


def test_only_what_changed_is_loaded(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """One month of one site of two years of months: one file is read, and the tables are those of a whole load."""
    _fill(lake, frame_of)
    assert build(lake, destination).loading is Loading.WHOLE
    lake.write("power", _days(frame_of, 1, 6, value=7.0, days=3), site_id=1, month="2025-06", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 1)
    _is_as_built_anew(lake, destination, built)
    assert [each.name for each in destination.parent.glob(".*")] == []


def test_models_are_made_of_what_the_tables_hold_now(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...]
) -> None:
    """Also those that are computed at the build: nothing in them is of yesterday."""
    _fill(lake, frame_of, months=range(1, 6))
    day = {"site_id": 1, "status": "agreed", "grid_energy_imported_wh": 5_000.0}
    lake.write(
        "daily", frame_of(DAILY, {**day, "local_date": date(2025, 1, 1)}), site_id=1, month="2025-01", digest="a"
    )
    build(lake, destination)
    before = _content(destination, real_models)
    lake.write(
        "daily", frame_of(DAILY, {**day, "local_date": date(2025, 2, 1)}), site_id=1, month="2025-02", digest="a"
    )
    built = build(lake, destination)
    assert built.loading is Loading.CHANGES
    assert _content(destination, real_models)["analytics.monthly"] != before["analytics.monthly"]
    _is_as_built_anew(lake, destination, built, real_models)


def test_models_of_tables_that_did_not_change_stay(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet night adds to `runs` and `requests` alone, of which no model tells: none is made again, all are there."""
    _fill(lake, frame_of, months=range(1, 4))
    build(lake, destination)
    made: list[str] = []
    monkeypatch.setattr(building, "create_models", _noted(made))
    lake.write("requests", frame_of(REQUESTS, {"raw_id": "a", "site_id": 1}), site_id=1, month="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, made) == (Loading.CHANGES, [])
    _is_as_built_anew(lake, destination, built, real_models)


def test_a_changed_table_makes_its_own_models_again_and_no_others(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of power only `coverage` tells; it is as if everything had been made again."""
    _fill(lake, frame_of, months=range(1, 6))
    build(lake, destination)
    made: list[str] = []
    monkeypatch.setattr(building, "create_models", _noted(made))
    lake.write("power", _days(frame_of, 1, 3, days=4), site_id=1, month="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, made) == (Loading.CHANGES, ["coverage"])
    _is_as_built_anew(lake, destination, built, real_models)


def test_models_of_a_table_that_changed_are_made_again_and_those_that_read_them(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another name of a site is in all models that tell it, even if they ask another model for it."""
    _fill(lake, frame_of, months=range(1, 4))
    day = {"site_id": 1, "status": "agreed", "local_date": date(2025, 1, 1), "grid_energy_imported_wh": 5_000.0}
    lake.write("daily", frame_of(DAILY, day), site_id=1, month="2025-01", digest="a")
    build(lake, destination)
    made: list[str] = []
    monkeypatch.setattr(building, "create_models", _noted(made))
    sites = frame_of(SITES, *({"site_id": site, "site_name": "Anew", "timezone": "UTC"} for site in (1, 2)))
    lake.write("sites", sites, digest="b")
    built = build(lake, destination)
    assert set(made) == set(real_models), "every model asks `sites` for something"
    _is_as_built_anew(lake, destination, built, real_models)


def _noted(made: list[str]) -> Callable[[duckdb.DuckDBPyConnection, Iterable[Model]], None]:
    """What makes models, and notes which."""

    def make(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
        chosen = tuple(models)
        made.extend(each.name for each in chosen)
        create_models(connection, chosen)

    return make


def test_new_and_vanished_files_are_changes(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A new month, a new site, a month that is gone, one that lost its rows, and a table that got its first file."""
    _fill(lake, frame_of, months=range(1, 12))
    build(lake, destination)
    lake.write("power", _days(frame_of, 1, 12), site_id=1, month="2025-12", digest="b")
    lake.write("power", _days(frame_of, 3, 12), site_id=3, month="2025-12", digest="b")
    lake.path("power", 2, "2025-04").unlink()
    lake.write("power", _days(frame_of, 2, 5, days=0), site_id=2, month="2025-05", digest="b")
    day = {"site_id": 1, "local_date": date(2025, 6, 1), "status": "agreed", "solar_energy_exported_wh": 5.0}
    lake.write("daily", frame_of(DAILY, day), site_id=1, month="2025-06", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 4)
    _is_as_built_anew(lake, destination, built)


def test_files_that_cover_the_same_time_are_loaded_together(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The year's answer holds months that other files hold days of (Q9): all of that year's files are loaded, no other's."""

    def periods(year: int, month: int, wh: float) -> Any:
        rows = [{"granularity": "day", "period_start": date(year, month, day)} for day in (1, 28)]
        if month == 1:
            rows += [{"granularity": "month", "period_start": date(year, each, 1)} for each in range(1, 13)]
        return frame_of(ENERGY_PERIODS, *({**row, "solar_energy_exported_wh": wh, "source": "x"} for row in rows))

    for year in range(2016, 2026):
        for month in range(1, 13):
            lake.write(
                "energy_periods", periods(year, month, 1.0), site_id=1001, month=f"{year}-{month:02d}", digest="a"
            )
    build(lake, destination)
    lake.write("energy_periods", periods(2025, 3, 9.0), site_id=1001, month="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 12)
    _is_as_built_anew(lake, destination, built)


def test_table_without_site_and_time_in_its_key_is_loaded_whole(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """`requests` is keyed by the raw id alone: nothing tells which of its rows came from a file."""
    _fill(lake, frame_of)
    for month in ("2025-01", "2025-02"):
        rows = frame_of(REQUESTS, {"raw_id": month, "site_id": 1})
        lake.write("requests", rows, site_id=1, month=month, digest="a")
    build(lake, destination)
    lake.write("requests", frame_of(REQUESTS, {"raw_id": "b", "site_id": 1}), site_id=1, month="2025-02", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 2)
    _is_as_built_anew(lake, destination, built)


def test_same_content_from_other_answers_is_not_loaded_again(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A file is known by its rows: another digest of its source in the footer changes none of them."""
    _fill(lake, frame_of)
    build(lake, destination)
    before = destination.stat().st_ino
    lake.write("power", _days(frame_of, 1, 6), site_id=1, month="2025-06", digest="of other answers")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.NOTHING, 0)
    assert built.rows == {name: {"power": 48, "sites": 2}.get(name, 0) for name in TABLES}
    assert destination.stat().st_ino == before


def test_other_content_of_the_same_length_and_time_is_loaded(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A file cannot pass for the old one by its size and date."""
    _fill(lake, frame_of)
    build(lake, destination)
    path = lake.path("power", 1, "2025-06")
    old = path.stat()
    for value in range(2, 200):  # zstd packs some values into as many bytes as the old ones
        lake.write("power", _days(frame_of, 1, 6, value=float(value)), site_id=1, month="2025-06", digest="a")
        if path.stat().st_size == old.st_size:
            break
    assert path.stat().st_size == old.st_size
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 1)
    _is_as_built_anew(lake, destination, built)


def test_young_files_are_read_again(
    lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the file system's clock a change would leave no trace: what is that young is not believed."""
    monkeypatch.setattr("warehouse.manifest.RACE_NS", 3_600_000_000_000)
    _fill(lake, frame_of, months=[1])
    build(lake, destination)
    with duckdb.connect(destination, read_only=True) as connection:
        assert connection.execute("select count(signature), count(*) from meta.manifest").fetchall() == [(0, 3)]
    assert build(lake, destination).loading is Loading.NOTHING


def test_row_in_two_files_is_refused_when_only_one_of_them_changed(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """The new file takes a row that an old one has: the key is named, the old warehouse stands."""
    _fill(lake, frame_of)
    build(lake, destination)
    before = destination.read_bytes()
    lake.write("power", _days(frame_of, 1, 6), site_id=1, month="2025-07", digest="b")
    with pytest.raises(DuplicateKey, match=r"power holds the key site_id 1, interval_start 2025-06-01 08:00:00\+00:00"):
        build(lake, destination)
    assert destination.read_bytes() == before


def test_rows_of_another_site_are_refused(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A file that somebody copied into another site's place would be deleted with that site's rows later."""
    lake.write("power", _days(frame_of, 1, 6), site_id=1, month="2025-06", digest="b")
    stray = lake.path("power", 2, "2025-06")
    stray.parent.mkdir(parents=True)
    shutil.copy(lake.path("power", 1, "2025-06"), stray)
    with pytest.raises(BuildFailed, match=r"site_id=2/.* holds rows of site 1; delete it, then run `wattlog rebuild`"):
        build(lake, destination)


def test_much_out_of_order_is_loaded_whole_in_order(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """Changed months stand behind the others until they are a quarter of the table; then it is in order again."""
    _fill(lake, frame_of)
    build(lake, destination)
    for month in range(1, 8):
        for_this = f"2025-{month:02d}"
        lake.write("power", _days(frame_of, 1, month, value=9.0), site_id=1, month=for_this, digest="b")
        assert build(lake, destination).loading is (Loading.CHANGES if month < 7 else Loading.WHOLE)
        with duckdb.connect(destination, read_only=True) as connection:
            starts = connection.execute("select site_id, interval_start from power").fetchall()
        assert (starts == sorted(starts)) == (month == 7)
    _is_as_built_anew(lake, destination, build(lake, destination))


def _other_version(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("update meta.build set schema_version = schema_version - 1")


def _other_definition(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("update meta.build set definition = 'another'")
    _date_as_built(path)


def _date_as_built(path: Path) -> None:
    with duckdb.connect(path, read_only=True) as connection:
        ((stamp,),) = connection.execute("select epoch_us(built_at) from meta.build").fetchall()
    os.utime(path, ns=(stamp * 1000, stamp * 1000))


def _without_manifest(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("drop table meta.manifest")
    _date_as_built(path)


def _written_to(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("update power set solar_w = 0 where site_id = 2")


def _overwritten(path: Path) -> None:
    path.write_bytes(b"not a database")


def _damaged_inside(path: Path) -> None:
    """The head is whole and the date is right; the rows are not."""
    content = bytearray(path.read_bytes())
    content[3 * 4096 + 64 : -4096] = os.urandom(len(content) - 4 * 4096 - 64)
    path.write_bytes(content)
    _date_as_built(path) if _opens(path) else None


def _opens(path: Path) -> bool:
    try:
        duckdb.connect(path, read_only=True).close()
    except duckdb.Error:
        return False
    return True


@pytest.mark.parametrize(
    "spoil", [_other_version, _other_definition, _without_manifest, _written_to, _overwritten, _damaged_inside]
)
def test_file_that_is_not_as_it_was_built_is_made_anew(
    lake: Lake, frame_of: FrameOf, destination: Path, spoil: Any
) -> None:
    """Another version, definition or hand, or damage: everything is loaded without asking, and nothing is taken over."""
    _fill(lake, frame_of, months=[1, 2])
    expected = _content(build(lake, destination).path)
    spoil(destination)
    built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    assert _content(destination) == expected


def test_file_that_somebody_writes_to_is_not_copied(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """An analyst's open connection may change the file under the copy: everything is loaded instead."""
    _fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", _days(frame_of, 1, 6, value=7.0), site_id=1, month="2025-06", digest="b")
    with duckdb.connect(destination) as writer:
        writer.execute("create table mine as select 1")
        built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    _is_as_built_anew(lake, destination, built)


def test_file_brought_up_to_date_is_of_the_previous_storage_version(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """Changing a copy does not lift it to this DuckDB's format."""
    _fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", _days(frame_of, 1, 6, value=7.0), site_id=1, month="2025-06", digest="b")
    assert build(lake, destination).loading is Loading.CHANGES
    with duckdb.connect(destination, read_only=True) as connection:
        ((version,),) = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'warehouse'"
        ).fetchall()
    assert str(version).startswith(STORAGE_VERSION)


_DIES_AT = """
import sys, time
from importlib import import_module
from pathlib import Path
from warehouse import build as building
from warehouse.lake import Lake

building.create_models = lambda connection, models: connection.execute("create schema if not exists analytics")
module, name = sys.argv[3].split(":")
owner = import_module(module)
*outer, name = name.split(".")
for each in outer:
    owner = getattr(owner, each)
real, moment = getattr(owner, name), sys.argv[4]

def stops(*arguments, **named):
    result = real(*arguments, **named) if moment == "after" else None
    print("there", flush=True)
    time.sleep(60)
    return result

setattr(owner, name, stops)
building.build(Lake(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("point", "moment", "is_published"),
    [
        ("shutil:copyfile", "after", False),
        ("warehouse.provenance:note", "after", False),
        ("warehouse.atomic:_flush", "before", False),
        ("pathlib:Path.replace", "after", True),
    ],
)
def test_builder_killed_at_any_instant_leaves_a_whole_warehouse(
    lake: Lake, frame_of: FrameOf, destination: Path, point: str, moment: str, is_published: bool
) -> None:
    """SIGKILL before, between and after the steps of publishing: old or new, and the next build cleans up."""
    _fill(lake, frame_of, months=range(1, 6))
    old = _content(build(lake, destination).path)
    lake.write("power", _days(frame_of, 1, 3, value=7.0), site_id=1, month="2025-03", digest="b")
    command = [sys.executable, "-c", _DIES_AT, str(lake.root), str(destination), point, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "there\n"
        builder.kill()
        assert builder.wait(30) == -signal.SIGKILL
    assert (_content(destination) == old) is not is_published
    built = build(lake, destination)
    assert built.loading is (Loading.NOTHING if is_published else Loading.CHANGES)
    assert list(destination.parent.glob(".*")) == []
    _is_as_built_anew(lake, destination, built)


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from warehouse.build import build
from warehouse.errors import BuildFailed
from warehouse.lake import Lake

lake, destination, anew = Lake(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3] == "anew"
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
try:
    build(lake, destination, anew=anew)
except BuildFailed as error:
    print(error)
"""


@pytest.mark.parametrize("how", ["anew", "changes"])
def test_full_disk_is_one_sentence_and_the_old_warehouse_stands(
    lake: Lake, frame_of: FrameOf, destination: Path, how: str
) -> None:
    """The system refuses to write further, really: nothing is published, nothing is left."""
    _fill(lake, frame_of, months=range(1, 6))
    build(lake, destination)
    before = destination.read_bytes()
    lake.write("power", _days(frame_of, 1, 3, value=7.0), site_id=1, month="2025-03", digest="b")
    limit = str(len(before) // 2)
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(lake.root), str(destination), how, limit]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=60, check=True)
    assert done.stdout.startswith(f"cannot build {destination}: ")
    assert done.stdout.endswith("; the warehouse published before is unchanged\n")
    assert done.stdout.count("\n") == 1
    assert destination.read_bytes() == before
    assert list(destination.parent.iterdir()) == [destination]


def test_changes_that_fail_are_not_half_made(
    lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage that shows when the copy is changed costs time, not truth: everything is loaded."""
    _fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", _days(frame_of, 1, 6, value=7.0), site_id=1, month="2025-06", digest="b")

    def fails_on_copies(connection: duckdb.DuckDBPyConnection, change: TableChange, *rest: Any) -> None:
        apply(connection, change, *rest)
        if change.stale:
            raise duckdb.IOException("Corrupt database file")

    monkeypatch.setattr(building, "apply", fails_on_copies)
    built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    _is_as_built_anew(lake, destination, built)


def test_survey_of_a_moved_lake_knows_its_files_by_content(
    lake: Lake, frame_of: FrameOf, destination: Path, tmp_path: Path
) -> None:
    """A data directory that was copied elsewhere has other inodes and times, and the same rows."""
    _fill(lake, frame_of, months=[1, 2])
    build(lake, destination)
    moved = tmp_path / "moved"
    shutil.copytree(lake.root, moved / "lake")
    shutil.copy2(destination, moved)
    assert build(Lake(moved / "lake"), moved / "warehouse.duckdb").loading is Loading.NOTHING
    assert len(survey(Lake(moved / "lake")).changed) == 5
