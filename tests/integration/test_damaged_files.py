"""Every kind of file in a data directory × every damage: `verify` names the file, and a run, a rebuild or a backup heals it."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from extract.api.shared_limits import SharedLimits
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.simulator import KilowattHours
from flows import ledger
from flows.data_directory import locked
from tests.torture.damages import Damage, damaged
from tests.torture.stored import FileKind, Stored, differing, kind_of, used
from warehouse.checks.consistency import verify_lake
from warehouse.errors import WarehouseMissing
from warehouse.lake.frames import empty_frame
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import TABLES
from wattlog import checked_lines
from wattlog.lake_periods import LIFETIME
from wattlog.names import DataDirectory

pytestmark = pytest.mark.slow

PLACES_OF_TESTS = {"root", "raw", "lake", "unfinished_lake", "warehouse", "report", "lock", "lock_owner", "what_if"} | {
    "task_locks",
    "shared_limits",
    "replaced_tariffs",
}
"""What `DataDirectory` names: each is a kind of file below, or is made anew from these: the report, what it shows of the last
questions, an unfinished lake."""

PLACES = [0, 1, 7, 12, 31, 100, *range(150, 4000, 350), -1, -2, -8, -9, -40]
"""Positions in a file: heads, contents, and tails; the remainder by the length counts."""


Positions = Callable[[int], Iterable[int]]
"""From the length of a file to the positions that are damaged."""


def exhaustive(value: object) -> ParameterSet:
    return pytest.param(value, marks=pytest.mark.exhaustive)


@pytest.fixture(params=["some", exhaustive("all")])
def positions(request: pytest.FixtureRequest) -> Positions:
    """Some positions of a file, or every one."""
    return range if request.param == "all" else lambda length: sorted({place % length for place in PLACES})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return used(tmp_path_factory.mktemp("original") / "data")


@pytest.fixture(scope="module")
def in_kwh(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The month is reported in kWh: shaping and the comparison of roll-ups have differences to store, too."""
    march = KilowattHours(date(2026, 3, 1), date(2026, 3, 31))
    return used(tmp_path_factory.mktemp("in_kwh") / "data", march)


@pytest.fixture
def stored(original: Stored, tmp_path: Path) -> Stored:
    return original.copy(tmp_path / "data")


def damage_file(path: Path, damage: Damage, place: int = 1_000_003) -> None:
    content = damaged(path.read_bytes(), damage, place)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def report(stored: Stored, *, has_warehouse: bool = True) -> set[str]:
    """The places that `verify` names, and mark them as reported, as the command does."""
    found = {problem.where for problem in stored.verify(has_warehouse=has_warehouse)}
    for path, _ in list(checked_lines.unreported(stored.directory.raw)):
        checked_lines.mark_reported(path)
    return found


def test_every_file_is_of_a_kind_that_is_damaged_here(original: Stored) -> None:
    """A new kind of file fails here until it has a test below."""
    paths = [path for path in original.directory.root.rglob("*") if path.is_file()]
    assert [path for path in paths if kind_of(original.directory, path) is None] == []
    kinds = {kind_of(original.directory, path) for path in paths}
    assert kinds == set(FileKind) - {FileKind.WITHOUT_CONTENT}, "locks are made by the command line"
    properties = {name for name, _ in inspect.getmembers(DataDirectory, lambda member: isinstance(member, property))}
    assert properties | {"root"} == PLACES_OF_TESTS


# --- the raw archive --------------------------------------------------------------------------------------------------


def in_raw(stored: Stored, path: Path) -> str:
    return str(path.relative_to(stored.directory.raw))


def test_damaged_segments_are_named_and_come_back_from_a_backup_or_the_api(stored: Stored) -> None:
    """Each segment with another damage; what is accepted as lost is requested again."""
    segments = stored.files(FileKind.SEGMENT)
    segments = [path for path in segments if "snapshot" not in str(path)]
    before = {path: path.read_bytes() for path in segments}
    tables = stored.tables()
    for path, damage in zip(segments, [*Damage, *Damage], strict=False):
        damage_file(path, damage, len(before[path]) // 3)
    named = report(stored, has_warehouse=False)
    assert named == {in_raw(stored, path) for path in segments}
    for path, content in before.items():
        path.write_bytes(content)
    assert report(stored, has_warehouse=False) == set()
    for path, damage in zip(segments, [*Damage, *Damage], strict=False):
        damage_file(path, damage, len(before[path]) // 3)
    archive = stored.context().open_archive()
    list(archive.verify())
    assert {loss.segment for loss in archive.accept_losses(stored.api.now)} == named
    assert stored.backfill() == 0
    assert report(stored, has_warehouse=False) == set()
    changed = differing(tables, stored.tables(), but=("site_settings", "live_status", "revisions"))
    assert changed == []


def entries(stored: Stored) -> dict[str, IndexEntry]:
    """The content of the index, opened anew."""
    return {entry.raw_id: entry for entry in RawArchive(stored.directory.raw).entries(71)}


def test_a_segment_in_the_place_of_another_is_named(stored: Stored) -> None:
    first, second = stored.files(FileKind.SEGMENT)[-2:]
    first.write_bytes(second.read_bytes())
    assert report(stored, has_warehouse=False) == {in_raw(stored, first)}


@pytest.mark.parametrize("series", ["backup", "energy_year"])
def test_a_flipped_bit_anywhere_in_a_segment_is_named(stored: Stored, series: str, positions: Positions) -> None:
    (path,) = (path for path in stored.files(FileKind.SEGMENT) if f"series={series}" in str(path))
    content = path.read_bytes()
    archive = RawArchive(stored.directory.raw)
    for place in positions(len(content)):
        path.write_bytes(damaged(content, Damage.FLIPPED_BIT, place) or b"")
        assert [damage.segment for damage in archive.verify()] != [], place
    path.write_bytes(content)
    assert list(archive.verify()) == []


@pytest.mark.parametrize("damage", Damage)
def test_a_damaged_index_is_named_and_made_again(stored: Stored, damage: Damage) -> None:
    path = stored.files(FileKind.INDEX)[-1]
    before = entries(stored)
    damage_file(path, damage, path.stat().st_size // 2)
    assert report(stored, has_warehouse=False) == {in_raw(stored, path)}
    assert entries(stored) == before
    assert report(stored, has_warehouse=False) == set()


def test_an_index_in_the_place_of_another_is_named_and_made_again(stored: Stored) -> None:
    first, second = stored.files(FileKind.INDEX)
    before = entries(stored)
    second.write_bytes(first.read_bytes())
    assert report(stored, has_warehouse=False) == {in_raw(stored, second)}
    assert entries(stored) == before
    assert report(stored, has_warehouse=False) == set()


def test_a_flipped_bit_anywhere_in_the_index_changes_no_entry(stored: Stored, positions: Positions) -> None:
    path = stored.files(FileKind.INDEX)[-1]
    before, content = entries(stored), path.read_bytes()
    for place in positions(len(content)):
        path.write_bytes(damaged(content, Damage.FLIPPED_BIT, place) or b"")
        assert entries(stored) == before, place
        assert list(checked_lines.unreported(stored.directory.raw)) != [], place


@pytest.mark.parametrize("damage", Damage)
def test_a_damaged_ledger_is_named_and_the_next_run_goes_on(stored: Stored, damage: Damage) -> None:
    path = stored.directory.raw / ledger.LEDGER
    damage_file(path, damage, path.stat().st_size // 2)
    assert report(stored, has_warehouse=False) == {ledger.LEDGER}
    if damage is Damage.DELETED:
        assert stored.reconcile() == 0
        assert report(stored) == set()


def test_a_flipped_bit_anywhere_in_the_ledger_is_named(stored: Stored, positions: Positions) -> None:
    path = stored.directory.raw / ledger.LEDGER
    content, runs = path.read_bytes(), ledger.runs(stored.directory.raw)
    for place in positions(len(content)):
        path.write_bytes(damaged(content, Damage.FLIPPED_BIT, place) or b"")
        assert set(map(repr, ledger.runs(stored.directory.raw))) <= {*map(repr, runs), *_unfinished(runs)}, place
        assert list(checked_lines.unreported(stored.directory.raw)) != [], place


def _unfinished(runs: list[ledger.Run]) -> set[str]:
    """The runs as they are if the line of their end is lost."""
    return {repr(replace(run, finished_at=None, exit_code=None, requests=0, rows_written=0)) for run in runs}


@pytest.mark.parametrize("damage", Damage)
def test_damaged_accepted_losses_are_reported_again_as_losses(stored: Stored, damage: Damage) -> None:
    (path,) = stored.files(FileKind.ACCEPTED_LOSSES)
    damage_file(path, damage, path.stat().st_size // 2)
    named = report(stored, has_warehouse=False)
    assert named
    assert all(place == path.name or "series=soe" in place for place in named)
    assert stored.context().open_archive().accept_losses(stored.api.now) or damage is Damage.APPENDED
    assert report(stored, has_warehouse=False) == set()


# --- the lake ---------------------------------------------------------------------------------------------------------


def tables_of_periods(stored: Stored) -> list[Path]:
    return [path for path in stored.files(FileKind.LAKE) if "month=" in str(path) and "site_id=0" not in str(path)]


@pytest.mark.parametrize("damage", [Damage.FLIPPED_BIT, *map(exhaustive, sorted(set(Damage) - {Damage.FLIPPED_BIT}))])
def test_damaged_files_of_the_lake_are_named_and_made_again_by_the_next_run(
    original: Stored, stored: Stored, damage: Damage
) -> None:
    paths = tables_of_periods(stored)
    for number, path in enumerate(paths):
        damage_file(path, damage, number * 977)
    named = report(stored)
    tables = {path.relative_to(stored.directory.lake).parts[0].removeprefix("table=") for path in paths}
    places = {str(path.relative_to(stored.directory.lake)) for path in paths}
    empty = {name for name in tables if original.tables().get(name) is not None and original.tables()[name].empty}
    assert named >= (tables - empty if damage is Damage.DELETED else places)
    assert stored.reconcile() == 0
    assert differing(original.tables(), stored.tables()) == []
    assert report(stored) == set()


@pytest.mark.parametrize(
    "name", ["power", exhaustive("gaps"), exhaustive("energy_periods"), exhaustive("reconciliation")]
)
def test_one_deleted_file_of_the_lake_is_made_again_by_the_next_run(
    original: Stored, stored: Stored, name: str
) -> None:
    """Its marker is there, and so are all other files of its period."""
    path = max(
        path for path in tables_of_periods(stored) if f"table={name}/" in str(path) and LIFETIME not in str(path)
    )
    path.unlink()
    assert name in report(stored)
    assert stored.reconcile() == 0
    assert differing(original.tables(), stored.tables()) == []


def test_deleted_differences_are_made_again_by_the_next_run(in_kwh: Stored, tmp_path: Path) -> None:
    """Those about units, too, which are found while the values are still as they were reported."""
    stored, before = in_kwh.copy(tmp_path / "data"), in_kwh.tables()
    of_units = before["reconciliation"][before["reconciliation"]["cause"] == "unit_mismatch"]
    assert set(of_units["granularity"]) >= {"day", "month"}
    for path in stored.files(FileKind.LAKE):
        if "table=reconciliation/" in str(path):
            path.unlink()
    assert "reconciliation" in report(stored)
    assert stored.reconcile() == 0
    assert differing(before, stored.tables()) == []
    assert report(stored) == set()


def test_a_file_of_the_lake_in_the_place_of_another_is_named_until_a_rebuild(original: Stored, stored: Stored) -> None:
    """Also after a run has published it."""
    first, second = (path for path in tables_of_periods(stored) if "table=gaps/" in str(path))
    second.write_bytes(first.read_bytes())
    where = str(second.relative_to(stored.directory.lake))
    assert where in report(stored)
    assert stored.reconcile() == 0
    assert where in report(stored)
    assert stored.rebuild() == 0
    assert differing(original.tables(), stored.tables()) == []
    assert report(stored) == set()


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_files_whose_damage_is_named(name: str, tmp_path: Path, positions: Positions) -> None:
    lake, table = Lake(tmp_path), TABLES[name]
    place = (None, None) if table.partition == "account" else (71, "2026-03")
    path = lake.write(table, empty_frame(table), site_id=place[0], period=place[1], digest="d" * 64).path
    content = path.read_bytes()
    for damage in set(Damage) - {Damage.DELETED, Damage.FLIPPED_BIT}:
        damage_file(path, damage)
        assert [mismatch.where for mismatch in verify_lake(lake)] == [str(path.relative_to(tmp_path))], damage
        path.write_bytes(content)
    for at in positions(len(content)):
        path.write_bytes(damaged(content, Damage.FLIPPED_BIT, at) or b"")
        assert lake.digest_of(table, *place) is None, at


# --- the warehouse, and files without content -------------------------------------------------------------------------


def rows_of_everything(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    with connect(warehouse) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(f'select hash(t) from "{schema}"."{name}" t order by all').fetchall()
            for schema, name in names
        }


@pytest.mark.parametrize(
    "damage", [Damage.CUT, *map(exhaustive, sorted(set(Damage) - {Damage.CUT, Damage.FLIPPED_BIT, Damage.APPENDED}))]
)
def test_a_damaged_warehouse_is_named_and_made_again(stored: Stored, damage: Damage) -> None:
    path, before = stored.directory.warehouse, rows_of_everything(stored.directory.warehouse)
    damage_file(path, damage, path.stat().st_size // 2)
    if damage is Damage.DELETED:
        with pytest.raises(WarehouseMissing):
            stored.verify()
    else:
        assert report(stored) == {path.name}
    assert stored.reconcile() == 0
    assert rows_of_everything(path).keys() == before.keys()
    assert report(stored) == set()


@pytest.mark.parametrize("number", [0, 1, *map(exhaustive, range(2, 120))])
def test_a_flipped_bit_in_the_warehouse_is_named_or_changes_nothing(stored: Stored, number: int) -> None:
    """DuckDB has checksums of its blocks; some bytes of a file are not used."""
    path = stored.directory.warehouse
    before = rows_of_everything(path)
    damage_file(path, Damage.FLIPPED_BIT, 4096 * 3 + number * 52_163 + number)
    if report(stored) == set():
        assert rows_of_everything(path) == before


@pytest.mark.parametrize("damage", [Damage.GARBAGE, Damage.EMPTIED])
def test_files_without_content_may_have_any(stored: Stored, damage: Damage) -> None:
    directory = stored.directory
    directory.task_locks.mkdir()
    for path in (directory.lock, directory.lock_owner, directory.shared_limits, directory.task_locks / "71-2026.lock"):
        path.write_bytes(damaged(b"content" * 9, damage, 5) or b"")
    with locked(directory.root, "verify"):
        assert report(stored) == set()
    limits = SharedLimits(directory.shared_limits)
    limits.begin()
    limits.end()
