"""A published file that is damaged or written to, a killed build, a full disk: old or new, and never half of it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.patience import PATIENCE_S
from tests.unit.warehouse.build.published import PROJECT, assert_as_built_anew, content_of, days_of_power, fill
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build import build as building
from warehouse.build.build import STORAGE_VERSION, Loading, build
from warehouse.build.load import TableChange, apply
from warehouse.build.manifest import survey
from warehouse.lake.lake import Lake

pytestmark = pytest.mark.usefixtures("old_files", "without_models")


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
    fill(lake, frame_of, months=[1, 2])
    expected = content_of(build(lake, destination).path)
    spoil(destination)
    built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    assert content_of(destination) == expected


def test_file_that_another_program_writes_to_is_not_copied(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """An analyst's open connection may change the file under the copy: everything is loaded instead."""
    fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", days_of_power(frame_of, 1, 6, value=7.0), site_id=1, period="2025-06", digest="b")
    with duckdb.connect(destination) as writer:
        writer.execute("create table mine as select 1")
        built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    assert_as_built_anew(lake, destination, built)


def test_file_brought_up_to_date_is_of_the_previous_storage_version(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """Changing a copy does not lift it to this DuckDB's format."""
    fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", days_of_power(frame_of, 1, 6, value=7.0), site_id=1, period="2025-06", digest="b")
    assert build(lake, destination).loading is Loading.CHANGES
    with duckdb.connect(destination, read_only=True) as connection:
        ((version,),) = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'warehouse'"
        ).fetchall()
    assert str(version).startswith(STORAGE_VERSION)


_DIES_AT = """
import sys, time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from warehouse.build import build as building
from warehouse.build import stale_models
from warehouse.lake.lake import Lake

building.create_models = lambda connection, models: connection.execute("create schema if not exists analytics")
building.updated_models = lambda *_: nullcontext()
module, name = sys.argv[3].split(":")
owner = import_module(module)
*outer, name = name.split(".")
for part in outer:
    owner = getattr(owner, part)
real, moment = getattr(owner, name), sys.argv[4]

def stops(*arguments, **named):
    result = real(*arguments, **named) if moment == "after" else None
    print("there", flush=True)
    time.sleep(60)
    return result

setattr(owner, name, stops)
building.build(Lake(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "moment", "is_published"),
    [
        ("shutil:copyfile", "after", False),
        ("warehouse.build.provenance:note", "after", False),
        ("wattlog.durable:_flush", "before", False),
        ("pathlib:Path.replace", "after", True),
    ],
)
def test_builder_killed_at_any_instant_leaves_a_whole_warehouse(
    lake: Lake, frame_of: FrameOf, destination: Path, point: str, moment: str, is_published: bool
) -> None:
    """SIGKILL before, between and after the steps of publishing: old or new, and the next build cleans up."""
    fill(lake, frame_of, months=range(1, 6))
    old = content_of(build(lake, destination).path)
    lake.write("power", days_of_power(frame_of, 1, 3, value=7.0), site_id=1, period="2025-03", digest="b")
    command = [sys.executable, "-c", _DIES_AT, str(lake.root), str(destination), point, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "there\n"
        builder.kill()
        assert builder.wait(PATIENCE_S) == -signal.SIGKILL
    assert (content_of(destination) == old) is not is_published
    built = build(lake, destination)
    assert built.loading is (Loading.NOTHING if is_published else Loading.CHANGES)
    assert list(destination.parent.glob(".*")) == []
    assert_as_built_anew(lake, destination, built)


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from warehouse.build.build import build
from warehouse.errors import BuildFailed
from warehouse.lake.lake import Lake

lake, destination, anew = Lake(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3] == "anew"
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
try:
    build(lake, destination, anew=anew)
except BuildFailed as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["anew", "changes"])
def test_full_disk_is_one_sentence_and_the_old_warehouse_stands(
    lake: Lake, frame_of: FrameOf, destination: Path, how: str
) -> None:
    """The system refuses to write further, really: nothing is published, nothing is left."""
    fill(lake, frame_of, months=range(1, 6))
    build(lake, destination)
    before = destination.read_bytes()
    lake.write("power", days_of_power(frame_of, 1, 3, value=7.0), site_id=1, period="2025-03", digest="b")
    limit = str(len(before) // 2)
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(lake.root), str(destination), how, limit]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=PATIENCE_S, check=True)
    assert done.stdout.startswith(f"cannot build {destination}: ")
    assert done.stdout.endswith("; the warehouse published before is unchanged\n")
    assert done.stdout.count("\n") == 1
    assert destination.read_bytes() == before
    assert list(destination.parent.iterdir()) == [destination]


def test_changes_that_fail_are_not_half_made(
    lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage that shows when the copy is changed costs time, not truth: everything is loaded."""
    fill(lake, frame_of)
    build(lake, destination)
    lake.write("power", days_of_power(frame_of, 1, 6, value=7.0), site_id=1, period="2025-06", digest="b")

    def fails_on_copies(connection: duckdb.DuckDBPyConnection, change: TableChange, *rest: Any) -> None:
        apply(connection, change, *rest)
        if change.stale:
            raise duckdb.IOException("Corrupt database file")

    monkeypatch.setattr(building, "apply", fails_on_copies)
    built = build(lake, destination)
    assert built.loading is Loading.WHOLE
    assert_as_built_anew(lake, destination, built)


def test_survey_of_a_moved_lake_identifies_files_by_content(
    lake: Lake, frame_of: FrameOf, destination: Path, tmp_path: Path
) -> None:
    """A data directory that was copied elsewhere has other inodes and times, and the same rows."""
    fill(lake, frame_of, months=[1, 2])
    build(lake, destination)
    moved = tmp_path / "moved"
    shutil.copytree(lake.root, moved / "lake")
    shutil.copy2(destination, moved)
    assert build(Lake(moved / "lake"), moved / "warehouse.duckdb").loading is Loading.NOTHING
    assert len(survey(Lake(moved / "lake")).changed) == 5


@pytest.mark.parametrize("has_old", [False, True], ids=["everything", "changes"])
def test_a_warehouse_that_needs_more_memory_is_made_all_the_same(
    has_old: bool, lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is limited by the rows; where that does not suffice, the warehouse is made in DuckDB's own limit."""
    fill(lake, frame_of)
    if has_old:
        build(lake, destination)
        fill(lake, frame_of, months=[12], sites=[3])
    anew, tried = building._load_anew, list[bool]()

    def counted(task: Any, *, is_limited: bool) -> Any:
        tried.append(is_limited)
        return anew(task, is_limited=is_limited)

    monkeypatch.setattr(building, "_load_anew", counted)
    monkeypatch.setattr(building, "_LEAST_MEMORY_MB", 1)
    built = build(lake, destination)
    assert tried == [True, False]
    monkeypatch.undo()
    assert content_of(destination)["power"]
    assert built.rows["power"] == len(content_of(destination)["power"])
