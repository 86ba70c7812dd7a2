"""`wattlog report`: where the page goes, what is chosen, what is said."""

from datetime import date
from pathlib import Path

import orjson
import pytest

from flows.cli import run
from flows.errors import ExitCode
from tests.unit.warehouse.conftest import Publish

ROWS = {"daily": [{"local_date": date(2025, 3, 1), "home_wh": 12_345.0}]}


@pytest.fixture
def data_dir(publish: Publish) -> Path:
    """A data directory with a warehouse of one day."""
    return publish(ROWS).parent


def test_page_is_written_to_the_data_directory_and_renewed(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second report replaces the first at the default place, since it is made from the warehouse only."""
    for _ in range(2):
        assert run(["--data-dir", str(data_dir), "report", "--json"]) == ExitCode.OK
        said = orjson.loads(capsys.readouterr().out)
        assert said["path"] == str(data_dir / "report.html")
        assert (said["sites"], said["bytes"]) == (1, (data_dir / "report.html").stat().st_size)


def test_named_file_is_never_replaced_unasked(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a line that says --force; with it the file is written, and the line says where it is."""
    mine = data_dir / "mine.html"
    mine.write_text("mine")
    assert run(["--data-dir", str(data_dir), "report", "--out", str(mine)]) == ExitCode.USAGE
    assert "--force" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert run(["--data-dir", str(data_dir), "report", "--out", str(mine), "--force"]) == ExitCode.OK
    assert f"in {mine}" in capsys.readouterr().err


def test_year_is_a_choice_of_days(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A year without a day has no site to show; a year and a first day together are rejected."""
    for year, sites in (("2025", 1), ("2024", 0)):
        assert run(["--data-dir", str(data_dir), "report", "--year", year, "--json"]) == ExitCode.OK
        assert orjson.loads(capsys.readouterr().out)["sites"] == sites
    assert run(["--data-dir", str(data_dir), "report", "--year", "2025", "--since", "2025-02-01"]) == ExitCode.USAGE
    assert "--year" in capsys.readouterr().err


def test_site_that_is_not_there_and_no_warehouse_are_said(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, exit code 2."""
    assert run(["--data-dir", str(data_dir), "report", "--site", "7"]) == ExitCode.USAGE
    assert "no site 7" in capsys.readouterr().err
    assert run(["--data-dir", str(tmp_path_factory.mktemp("new")), "report"]) == ExitCode.USAGE
    assert "wattlog backfill" in capsys.readouterr().err
