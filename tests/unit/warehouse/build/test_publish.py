"""A warehouse brought up to date by what changed is the one that loading everything gives, table by table."""

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.build.published import assert_as_built_anew, content_of, days_of_power, fill
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import Loading, build
from warehouse.errors import BuildFailed, DuplicateKey
from warehouse.lake.lake import Lake
from warehouse.models import MODELS
from warehouse.schema import DAILY, ENERGY_PERIODS, REQUESTS, SITES, TABLES

pytestmark = pytest.mark.usefixtures("old_files", "without_models")


def test_only_what_changed_is_loaded(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """One month of one site of two years of months: one file is read, and the tables are those of a whole load."""
    fill(lake, frame_of)
    assert build(lake, destination).loading is Loading.WHOLE
    lake.write("power", days_of_power(frame_of, 1, 6, value=7.0, days=3), site_id=1, period="2025-06", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 1)
    assert_as_built_anew(lake, destination, built)
    assert [path.name for path in destination.parent.glob(".*")] == []


def test_models_are_made_of_what_the_tables_hold_now(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...]
) -> None:
    """Also those that are computed at the build: nothing in them is of yesterday."""
    fill(lake, frame_of, months=range(1, 6))
    day = {"site_id": 1, "status": "agreed", "grid_energy_imported_wh": 5_000.0}
    lake.write(
        "daily", frame_of(DAILY, {**day, "local_date": date(2025, 1, 1)}), site_id=1, period="2025-01", digest="a"
    )
    build(lake, destination)
    before = content_of(destination, real_models)
    lake.write(
        "daily", frame_of(DAILY, {**day, "local_date": date(2025, 2, 1)}), site_id=1, period="2025-02", digest="a"
    )
    built = build(lake, destination)
    assert built.loading is Loading.CHANGES
    assert content_of(destination, real_models)["analytics.monthly"] != before["analytics.monthly"]
    assert_as_built_anew(lake, destination, built, real_models)


def test_models_of_tables_that_did_not_change_stay(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], made: set[str]
) -> None:
    """A quiet night adds to `runs` and `requests` alone, which no model reads: none is made again, all are there."""
    fill(lake, frame_of, months=range(1, 4))
    build(lake, destination)
    lake.write("requests", frame_of(REQUESTS, {"raw_id": "a", "site_id": 1}), site_id=1, period="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, made) == (Loading.CHANGES, set())
    assert_as_built_anew(lake, destination, built, real_models)


def test_a_changed_table_makes_its_own_models_again_and_no_others(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], made: set[str]
) -> None:
    """Only `coverage` reads power; the result is as if everything had been made again."""
    fill(lake, frame_of, months=range(1, 6))
    build(lake, destination)
    lake.write("power", days_of_power(frame_of, 1, 3, days=4), site_id=1, period="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, made) == (Loading.CHANGES, {"coverage"})
    assert_as_built_anew(lake, destination, built, real_models)


def test_models_of_a_table_that_changed_are_made_again_and_those_that_read_them(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], made: set[str]
) -> None:
    """Another name of a site is in all models that have it, also those that read it from another model."""
    fill(lake, frame_of, months=range(1, 4))
    day = {"site_id": 1, "status": "agreed", "local_date": date(2025, 1, 1), "grid_energy_imported_wh": 5_000.0}
    lake.write("daily", frame_of(DAILY, day), site_id=1, period="2025-01", digest="a")
    build(lake, destination)
    sites = frame_of(SITES, *({"site_id": site, "site_name": "Anew", "timezone": "UTC"} for site in (1, 2)))
    lake.write("sites", sites, digest="b")
    built = build(lake, destination)
    assert made == {model.name for model in MODELS.values() if model.is_materialised}, "every model reads `sites`"
    assert_as_built_anew(lake, destination, built, real_models)


def test_new_and_vanished_files_are_changes(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A new month, a new site, a month that is gone, one that lost its rows, and a table that got its first file."""
    fill(lake, frame_of, months=range(1, 12))
    build(lake, destination)
    lake.write("power", days_of_power(frame_of, 1, 12), site_id=1, period="2025-12", digest="b")
    lake.write("power", days_of_power(frame_of, 3, 12), site_id=3, period="2025-12", digest="b")
    lake.path("power", 2, "2025-04").unlink()
    lake.write("power", days_of_power(frame_of, 2, 5, days=0), site_id=2, period="2025-05", digest="b")
    day = {"site_id": 1, "local_date": date(2025, 6, 1), "status": "agreed", "solar_energy_exported_wh": 5.0}
    lake.write("daily", frame_of(DAILY, day), site_id=1, period="2025-06", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 4)
    assert_as_built_anew(lake, destination, built)


def test_files_that_cover_the_same_time_are_loaded_together(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The year's response has months whose days are in other files (Q9): all files of that year are loaded, and no others."""

    def periods(year: int, month: int, wh: float) -> Any:
        rows = [{"granularity": "day", "period_start": date(year, month, day)} for day in (1, 28)]
        if month == 1:
            rows += [{"granularity": "month", "period_start": date(year, number, 1)} for number in range(1, 13)]
        return frame_of(ENERGY_PERIODS, *({**row, "solar_energy_exported_wh": wh, "source": "x"} for row in rows))

    for year in range(2016, 2026):
        for month in range(1, 13):
            lake.write(
                "energy_periods", periods(year, month, 1.0), site_id=1001, period=f"{year}-{month:02d}", digest="a"
            )
    build(lake, destination)
    lake.write("energy_periods", periods(2025, 3, 9.0), site_id=1001, period="2025-03", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 12)
    assert_as_built_anew(lake, destination, built)


def test_table_without_site_and_time_in_its_key_is_loaded_whole(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """`requests` is keyed by the raw id alone: the file of a row is not known."""
    fill(lake, frame_of)
    for month in ("2025-01", "2025-02"):
        rows = frame_of(REQUESTS, {"raw_id": month, "site_id": 1})
        lake.write("requests", rows, site_id=1, period=month, digest="a")
    build(lake, destination)
    lake.write("requests", frame_of(REQUESTS, {"raw_id": "b", "site_id": 1}), site_id=1, period="2025-02", digest="b")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 2)
    assert_as_built_anew(lake, destination, built)


def test_same_content_from_other_answers_is_not_loaded_again(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A file is known by its rows: another digest of its source in the footer changes none of them."""
    fill(lake, frame_of)
    build(lake, destination)
    before = destination.stat().st_ino
    lake.write("power", days_of_power(frame_of, 1, 6), site_id=1, period="2025-06", digest="of other responses")
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.NOTHING, 0)
    assert built.rows == {name: {"power": 48, "sites": 2}.get(name, 0) for name in TABLES}
    assert destination.stat().st_ino == before


def test_other_content_of_the_same_length_and_time_is_loaded(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """A file cannot pass for the old one by its size and date."""
    fill(lake, frame_of)
    build(lake, destination)
    path = lake.path("power", 1, "2025-06")
    old = path.stat()
    for value in range(2, 200):  # zstd packs some values into as many bytes as the old ones
        lake.write("power", days_of_power(frame_of, 1, 6, value=float(value)), site_id=1, period="2025-06", digest="a")
        if path.stat().st_size == old.st_size:
            break
    assert path.stat().st_size == old.st_size
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    built = build(lake, destination)
    assert (built.loading, built.files_loaded) == (Loading.CHANGES, 1)
    assert_as_built_anew(lake, destination, built)


def test_young_files_are_read_again(
    lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the file system's clock a change would leave no trace: what is that young is not believed."""
    monkeypatch.setattr("warehouse.build.manifest.RACE_NS", 3_600_000_000_000)
    fill(lake, frame_of, months=[1])
    build(lake, destination)
    with duckdb.connect(destination, read_only=True) as connection:
        assert connection.execute("select count(signature), count(*) from meta.manifest").fetchall() == [(0, 3)]
    assert build(lake, destination).loading is Loading.NOTHING


def test_row_in_two_files_is_refused_when_only_one_of_them_changed(
    lake: Lake, frame_of: FrameOf, destination: Path
) -> None:
    """The new file takes a row that an old one has: the key is named, the old warehouse is unchanged."""
    fill(lake, frame_of)
    build(lake, destination)
    before = destination.read_bytes()
    lake.write("power", days_of_power(frame_of, 1, 6), site_id=1, period="2025-07", digest="b")
    with pytest.raises(DuplicateKey, match=r"power has the key site_id 1, interval_start 2025-06-01 08:00:00\+00:00"):
        build(lake, destination)
    assert destination.read_bytes() == before


def test_rows_of_another_site_are_refused(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The rows of a file copied into another site's directory would be deleted with that site's rows later."""
    lake.write("power", days_of_power(frame_of, 1, 6), site_id=1, period="2025-06", digest="b")
    stray = lake.path("power", 2, "2025-06")
    stray.parent.mkdir(parents=True)
    shutil.copy(lake.path("power", 1, "2025-06"), stray)
    with pytest.raises(BuildFailed, match=r"site_id=2/.* has rows of site 1; delete it, then run `wattlog rebuild`"):
        build(lake, destination)


def test_much_out_of_order_is_loaded_whole_in_order(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """Changed months follow the others until they are a quarter of the table; then the table is put in order."""
    fill(lake, frame_of)
    build(lake, destination)
    for month in range(1, 8):
        for_this = f"2025-{month:02d}"
        lake.write("power", days_of_power(frame_of, 1, month, value=9.0), site_id=1, period=for_this, digest="b")
        assert build(lake, destination).loading is (Loading.CHANGES if month < 7 else Loading.WHOLE)
        with duckdb.connect(destination, read_only=True) as connection:
            starts = connection.execute("select site_id, interval_start from power").fetchall()
        assert (starts == sorted(starts)) == (month == 7)
    assert_as_built_anew(lake, destination, build(lake, destination))
