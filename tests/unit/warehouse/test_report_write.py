"""A report is a complete file or none, and replaces another file only with `--force`."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.unit.warehouse.conftest import Publish
from warehouse.errors import DestinationExists, ExportFailed, WarehouseMissing
from warehouse.report import write_report

MADE_AT = datetime(2025, 7, 1, tzinfo=UTC)
ROWS = {"daily": [{"local_date": date(2025, 3, 1), "home_wh": 12_345.0}]}


def test_report_of_a_published_warehouse(publish: Publish, tmp_path: Path) -> None:
    """Folders are made; the data is in the page; nothing else is left behind."""
    written = write_report(publish(ROWS), tmp_path / "out" / "r.html", made_at=MADE_AT)
    content = written.path.read_bytes()
    assert (written.sites, written.bytes) == (1, len(content))
    assert b'"home":[12345]' in content
    assert [path.name for path in written.path.parent.iterdir()] == ["r.html"]


def test_same_warehouse_same_report(publish: Publish, tmp_path: Path) -> None:
    """To the byte: two reports of one moment can be compared."""
    warehouse = publish(ROWS)
    one, other = (write_report(warehouse, tmp_path / name, made_at=MADE_AT).path for name in ("1.html", "2.html"))
    assert one.read_bytes() == other.read_bytes()


def test_existing_file_stays_unless_forced(publish: Publish, tmp_path: Path) -> None:
    """The check that protects a file of the owner's."""
    path = tmp_path / "mine.html"
    path.write_text("mine")
    with pytest.raises(DestinationExists, match="--force"):
        write_report(publish(ROWS), path, made_at=MADE_AT)
    assert path.read_text() == "mine"
    write_report(publish(ROWS), path, made_at=MADE_AT, force=True)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_place_that_cannot_be_written_is_named(publish: Publish, tmp_path: Path) -> None:
    """One sentence, no half file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportFailed, match=r"cannot export to .*r\.html"):
        write_report(publish(ROWS), tmp_path / "file" / "r.html", made_at=MADE_AT)


def test_no_warehouse_no_report(tmp_path: Path) -> None:
    """What to do first is said."""
    with pytest.raises(WarehouseMissing, match="wattlog backfill"):
        write_report(tmp_path / "warehouse.duckdb", tmp_path / "r.html", made_at=MADE_AT)
    assert list(tmp_path.iterdir()) == []
