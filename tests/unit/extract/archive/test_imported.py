"""Files in the raw archive: verbatim, with their site, day and label, and no request."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.archive.imported import IMPORTED, ImportedFile, imported, keep_file, label_of
from extract.archive.raw_archive import RawArchive, Response
from extract.requests import site_info
from wattlog.series_spec import Series
from wattlog.zones import Zone

NOW = datetime(2026, 1, 15, 20, tzinfo=UTC)
SYDNEY = Zone("Australia/Sydney")


def keep(archive: RawArchive, content: bytes, *, since: date | None = date(2025, 4, 6), days: int = 0) -> None:
    file = ImportedFile(7, Series.TARIFF_FILE, content, "toml", since)
    keep_file(archive, file, zone=SYDNEY, now=NOW + timedelta(days=days), run_id="run")


@pytest.mark.parametrize("content", [b"", b"a = 1\r\n", "café".encode(), b"PAR1\x00\xff\xfe"])
def test_the_bytes_are_kept_and_found_again(tmp_path: Path, content: bytes) -> None:
    keep(RawArchive(tmp_path), content)
    archive = RawArchive(tmp_path)
    (entry,) = imported(archive, 7, Series.TARIFF_FILE)
    record = archive.load(entry)
    assert record.body == content
    assert (entry.window_start, entry.provider, label_of(record.path)) == (date(2025, 4, 6), IMPORTED, "toml")
    assert imported(archive, 7, Series.PRICE_FILE) == imported(archive, 8, Series.TARIFF_FILE) == []


def test_files_are_in_the_order_of_their_import(tmp_path: Path) -> None:
    """Also if one is the same as an earlier one, and if their days are in another order, or in the future."""
    archive = RawArchive(tmp_path)
    for number, (content, since) in enumerate([(b"a", date(2027, 1, 1)), (b"b", None), (b"a", date(2027, 1, 1))]):
        keep(archive, content, since=since, days=number)
    bodies = [archive.load(entry).body for entry in imported(RawArchive(tmp_path), 7, Series.TARIFF_FILE)]
    assert bodies == [b"a", b"b", b"a"]


def test_an_import_is_no_request(tmp_path: Path) -> None:
    """A year is closed by later requests: a file that is imported must not close one."""
    archive = RawArchive(tmp_path)
    assert archive.newest_request(7) is None
    archive.keep(Response(site_info(7), NOW, 1.0, 1, 200, {}, b"{}", "data"), run_id="run", provider="simulator")
    keep(archive, b"a", days=400)
    assert archive.newest_request(7) == NOW
