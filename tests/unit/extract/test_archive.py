"""The raw archive keeps every answer to the byte, and survives what happens to files."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from extract.archive import INDEX, Entry, Exchange, RawArchive
from extract.errors import ArchiveError, CorruptSegment
from extract.series import ACCOUNT, PRODUCTS, Series, history
from extract.windows import Grain, windows

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def exchange(day: date = date(2025, 3, 9), body: bytes = b'{"response":1}', outcome: str = "data") -> Exchange:
    (window,) = windows(Grain.DAY, day, day, ZONE, today=date(2025, 7, 1))
    return Exchange(
        request=history(1001, Series.POWER, window, ZONE),
        requested_at=NOW + timedelta(seconds=day.toordinal() % 10_000),
        elapsed_ms=12.5,
        attempt=1,
        status=200,
        headers={"content-type": "application/json"},
        body=body,
        outcome=outcome,
    )


def keep(archive: RawArchive, what: Exchange) -> Entry:
    return archive.keep(what, run_id="run", provider="simulator")


BODIES = [b"", b'{"a": 1}\n', "Zürich, “quoted” \\ \U0001f31e".encode(), b"\xff\xfe\x00broken", b"<html>" * 50_000]


@pytest.mark.parametrize("body", BODIES, ids=["empty", "json", "unicode", "not utf-8", "large"])
def test_a_body_comes_back_to_the_byte(tmp_path: Path, body: bytes) -> None:
    entry = keep(RawArchive(tmp_path), exchange(body=body))
    assert RawArchive(tmp_path).answer(entry).body == body
    assert entry.sha256 == hashlib.sha256(body).hexdigest()
    assert entry.size == len(body)


def test_the_index_is_only_a_cache(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    kept = [keep(archive, exchange(date(2025, month, 9), f"{month}".encode())) for month in range(1, 7)]
    assert RawArchive(tmp_path).entries(1001) == archive.entries(1001)
    (tmp_path / INDEX).unlink()
    rebuilt = RawArchive(tmp_path)
    assert {entry.raw_id: entry for entry in rebuilt.entries(1001)} == {entry.raw_id: entry for entry in kept}
    assert rebuilt.months(1001) == [f"2025-0{month}" for month in range(1, 7)]
    (tmp_path / INDEX).write_bytes(b'{"raw_id": ')
    assert len(RawArchive(tmp_path).entries(1001)) == 6


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_torn_last_record_is_cut_off_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    """What a kill in the middle of a write leaves behind."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, exchange(body=b"first")), keep(archive, exchange(body=b"second"))
    path = tmp_path / second.segment
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    (tmp_path / INDEX).unlink()
    reopened = RawArchive(tmp_path)
    assert [entry.raw_id for entry in reopened.entries(1001)] == [first.raw_id]
    assert path.stat().st_size == first.extent.end
    again = keep(reopened, exchange(body=b"second"))
    assert RawArchive(tmp_path).answer(again).body == b"second"


def test_a_record_that_was_written_but_not_indexed_is_found(tmp_path: Path) -> None:
    """A kill between the record and its index line loses nothing."""
    archive = RawArchive(tmp_path)
    keep(archive, exchange(body=b"first"))
    index = (tmp_path / INDEX).read_bytes()
    second = keep(archive, exchange(body=b"second"))
    (tmp_path / INDEX).write_bytes(index)
    reopened = RawArchive(tmp_path)
    assert second in reopened.entries(1001)
    assert RawArchive(tmp_path).entries(1001) == reopened.entries(1001)


def test_a_half_written_index_line_costs_nothing(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, exchange(body=b"first"))
    keep(archive, exchange(body=b"second"))
    (tmp_path / INDEX).write_bytes((tmp_path / INDEX).read_bytes()[:-30])
    reopened = RawArchive(tmp_path)
    assert len(reopened.entries(1001)) == 2
    keep(reopened, exchange(body=b"third"))
    assert len(RawArchive(tmp_path).entries(1001)) == 3


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    entry = keep(archive, exchange(body=b"x" * 1000))
    path = tmp_path / entry.segment
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptSegment, match="restore the file from a backup"):
        archive.answer(entry)


def test_segments_are_plain_files_for_sql(tmp_path: Path) -> None:
    """One `read_json` call over all segments; no wattlog needed to read what was paid for."""
    archive = RawArchive(tmp_path)
    for month in (1, 2, 3):
        for day in (4, 5):
            keep(archive, exchange(date(2025, month, day), b'{"response": {"time_series": []}}'))
    rows = duckdb.execute(
        """select series, count(*), max(json_extract_string(body, '$.response'))
        from read_json(?, format = 'newline_delimited') group by all""",
        [f"{tmp_path}/site_id=*/series=*/*.ndjson.zst"],
    ).fetchall()
    assert rows == [("power", 6, '{"time_series":[]}')]


def test_account_wide_answers_have_a_place_of_their_own(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, Exchange(PRODUCTS, NOW, 1.0, 1, 200, {}, b"{}", "data"))
    keep(archive, exchange())
    assert [entry.path for entry in archive.entries(ACCOUNT)] == ["/api/1/products"]
    assert archive.site_ids() == [1001]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    (tmp_path / "site_id=1001").write_text("a file where a folder should be")
    with pytest.raises(ArchiveError, match="cannot be written"):
        keep(archive, exchange())
