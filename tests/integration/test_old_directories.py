"""A data directory that the version before made, whole and broken, is opened and healed by this one."""

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from extract.archive.raw_archive import RawArchive
from flows.cli import run
from tests.old_directories import DIRECTORIES, NOW, SITE, unpacked, world
from tests.simulated import account
from warehouse.query.query import connect
from warehouse.schema import TABLES
from wattlog import checked_lines

pytestmark = pytest.mark.slow

POWER = f"raw/site_id={SITE}/series=power/month=2025-12.ndjson.zst"
INDEX = f"raw/site_id={SITE}/index-2025.ndjson"
LEDGER = "raw/runs.ndjson"


def tables(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the warehouse."""
    with connect(data_dir / "warehouse.duckdb") as connection:
        return {name: connection.execute(f'select * from main."{name}" order by all').fetchall() for name in TABLES}


def days(data_dir: Path) -> list[list[object]]:
    """What the healthy directory's `healthy.json` has for each day."""
    query = "select local_date, solar_energy_exported_wh, home_wh, coverage_pct from main.daily order by local_date"
    with connect(data_dir / "warehouse.duckdb") as connection:
        return [[str(row[0]), *row[1:]] for row in connection.execute(query).fetchall()]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The healthy directory, rebuilt by this version."""
    data_dir = unpacked(tmp_path_factory.mktemp("healthy"))
    assert run(["--data-dir", str(data_dir), "rebuild"]) == 0
    return data_dir


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def test_a_healthy_one_gives_the_days_that_it_gave(healthy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is said of it: what it holds is written down at first opening, checksums and all."""
    assert days(healthy) == json.loads((DIRECTORIES / "healthy.json").read_text())
    assert run(["--data-dir", str(healthy), "verify"]) == 0
    assert "are sound" in capsys.readouterr().err
    for path in (*(healthy / "raw").glob("site_id=*/index-*.ndjson"), healthy / LEDGER):
        assert all(map(checked_lines.is_whole, path.read_bytes().splitlines())), path


def test_a_healthy_one_is_asked_for_what_is_not_settled(healthy: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    shutil.copytree(healthy, data_dir)
    with account(world(), now=lambda: NOW + timedelta(hours=3)) as served:
        assert served.backfill(data_dir, date(2025, 12, 30)).exit_code == 0
        asked = [params["end_date"][:10] for _, params in served.asked_history() if params["kind"] == "power"]
    assert sorted(set(asked)) == ["2026-01-01", "2026-01-02", "2026-01-03"], "the days of 2025 are settled"
    assert days(data_dir)[:4] == days(healthy)[:4]


def lose(data_dir: Path) -> None:
    (data_dir / POWER).unlink()


def empty(data_dir: Path) -> None:
    (data_dir / POWER).write_bytes(b"")


def cut_off(data_dir: Path) -> None:
    content = (data_dir / POWER).read_bytes()
    (data_dir / POWER).write_bytes(content[: len(content) // 3])


@pytest.mark.parametrize("way", [lose, empty, cut_off])
def test_one_with_a_lost_segment(
    healthy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: Callable[[Path], None]
) -> None:
    """The old index has what the segment contained: reported until accepted, then requested again, then all is as it was."""
    data_dir = unpacked(tmp_path / "data")
    way(data_dir)
    for _ in range(2):
        assert run(["--data-dir", str(data_dir), "rebuild"]) == 1
        said = capsys.readouterr().err
        assert "series=power/month=2025-12" in said
        assert "2025-12-30 to 2025-12-31" in said
        assert run(["--data-dir", str(data_dir), "verify", "--json"]) == 1
        (found,) = json.loads(capsys.readouterr().out)["findings"]
        assert "2 records lost, power of 2025-12-30 to 2025-12-31" in found["what"]
        assert "restore the file from a backup" in found["what"]
    assert len(tables(data_dir)["energy_intervals"]) == len(tables(healthy)["energy_intervals"]), "the rest is loaded"
    assert run(["--data-dir", str(data_dir), "verify", "--accept-loss"]) == 0
    assert "accepted as lost" in capsys.readouterr().err
    with account(world(), now=lambda: NOW + timedelta(hours=3)) as served:
        summary = served.backfill(data_dir, date(2025, 12, 30), until=date(2025, 12, 31))
        asked = {params["end_date"][:10] for _, params in served.asked_history() if params["kind"] == "power"}
    assert summary.exit_code == 0
    assert asked == {"2025-12-30", "2025-12-31"}
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
    assert days(data_dir) == days(healthy)


def test_a_lost_segment_that_is_restored(healthy: Path, tmp_path: Path) -> None:
    """Nothing has to be accepted or asked: the tables are those of before."""
    data_dir = unpacked(tmp_path / "data")
    content = (data_dir / POWER).read_bytes()
    lose(data_dir)
    assert run(["--data-dir", str(data_dir), "rebuild"]) == 1
    (data_dir / POWER).write_bytes(content)
    with account(world(), now=lambda: NOW + timedelta(hours=3)) as served:
        assert served.backfill(data_dir, date(2025, 12, 30), until=date(2025, 12, 30)).exit_code == 0
        assert not [params for _, params in served.asked_history() if params["kind"] == "power"]
    for name in ("power", "energy_intervals", "daily", "gaps"):
        assert tables(data_dir)[name] == tables(healthy)[name], name


def test_what_is_published_stays_while_its_responses_are_lost(
    healthy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Months for which nothing new came keep the rows that were made of the lost responses."""
    data_dir = tmp_path / "data"
    shutil.copytree(healthy, data_dir)
    lose(data_dir)
    assert run(["--data-dir", str(data_dir), "reconcile"]) == 1
    assert "series=power/month=2025-12" in capsys.readouterr().err
    assert tables(data_dir) == tables(healthy)


@pytest.mark.parametrize("name", [INDEX, LEDGER])
def test_one_with_a_flipped_bit(healthy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Any of some bits: the tables are those of the healthy one, except for a run that may be missing."""
    for bit in np.random.default_rng(7).integers(0, 8 * 790, 2).tolist():
        data_dir = unpacked(tmp_path / f"{bit}")
        flip(data_dir / name, bit)
        assert run(["--data-dir", str(data_dir), "rebuild"]) == 0
        found, expected = tables(data_dir), tables(healthy)
        assert found | {"runs": []} == expected | {"runs": []}
        verified = run(["--data-dir", str(data_dir), "verify"])
        assert verified == (1 if "damaged line" in capsys.readouterr().out else 0)
        assert run(["--data-dir", str(data_dir), "verify"]) == 0, "it is reported once"


@pytest.mark.parametrize("name", ["repeated_live_status", "site_info_with_nan", "site_info_of_year_1"])
def test_one_broken_by_a_response_is_healed_by_the_next_run(healthy: Path, tmp_path: Path, name: str) -> None:
    """The version before ended every rebuild of these with 1; now a rebuild, and a sync after it, end with 0."""
    data_dir = unpacked(tmp_path, name)
    archive = RawArchive(data_dir / "raw")
    assert list(archive.verify()) == []
    extra = len(archive.entries(SITE)) - len(RawArchive(healthy / "raw").entries(SITE))
    assert extra == (2 if name == "repeated_live_status" else 1)
    assert run(["--data-dir", str(data_dir), "rebuild"]) == 0
    # Without an installation date the days of December before it are rows without energy.
    assert [row for row in days(data_dir) if row[1] is not None] == days(healthy)
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
    with account(world(), now=lambda: NOW + timedelta(hours=3)) as served:
        assert served.backfill(data_dir, date(2025, 12, 30)).exit_code == 0
    assert days(data_dir)[:4] == days(healthy)[:4]
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


@pytest.mark.parametrize("table", ["energy_intervals", "daily", "requests"])
def test_a_damaged_lake_file_is_made_again_before_anything_of_it_is_published(
    healthy: Path, tmp_path: Path, table: str
) -> None:
    """`verify` names it; a reconcile, which reads it or is about to load it, makes it again from raw."""
    data_dir = tmp_path / "data"
    shutil.copytree(healthy, data_dir)
    damaged = data_dir / f"lake/table={table}/site_id={SITE}/month=2026-01/part.parquet"
    flip(damaged, 8 * 300)
    assert run(["--data-dir", str(data_dir), "verify"]) == 1
    (data_dir / "warehouse.duckdb").unlink()
    assert run(["--data-dir", str(data_dir), "reconcile"]) == 0
    assert tables(data_dir) == tables(healthy)
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
