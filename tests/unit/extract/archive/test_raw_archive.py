"""The raw archive keeps every response byte for byte, and survives damaged files."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import pytest
import zstandard

from extract.archive import segment
from extract.archive.raw_archive import IndexEntry, RawArchive, Response
from extract.archive.record import DUPLICATE_KEY
from extract.archive.segment import TAIL_SUFFIX
from extract.errors import ArchiveError, CorruptSegment
from extract.requests import ACCOUNT, PRODUCTS, history
from extract.windows import windows
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

ZONE = Zone("America/Los_Angeles")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)
SHARD = "site_id=1001/index-2025.ndjson"
"""The shard of the index that these tests use."""


def response(day: date = date(2025, 3, 9), body: bytes = b'{"response":1}', outcome: str = "data") -> Response:
    (window,) = windows(Grain.DAY, day, day, ZONE, today=date(2025, 7, 1))
    return Response(
        request=history(1001, Series.POWER, window, ZONE),
        requested_at=NOW + timedelta(seconds=day.toordinal() % 10_000),
        elapsed_ms=12.5,
        attempt=1,
        status=200,
        headers={"content-type": "application/json"},
        body=body,
        outcome=outcome,
    )


def keep(archive: RawArchive, what: Response) -> IndexEntry:
    return archive.keep(what, run_id="run", provider="simulator")


BODIES = [b"", b'{"a": 1}\n', "Zürich, “quoted” \\ \U0001f31e".encode(), b"\xff\xfe\x00broken", b"<html>" * 50_000]


@pytest.mark.parametrize("body", BODIES, ids=["empty", "json", "unicode", "not utf-8", "large"])
def test_a_body_is_read_back_byte_for_byte(tmp_path: Path, body: bytes) -> None:
    entry = keep(RawArchive(tmp_path), response(body=body))
    assert RawArchive(tmp_path).load(entry).body == body
    assert entry.sha256 == hashlib.sha256(body).hexdigest()
    assert entry.size == len(body)


def test_the_index_is_only_a_cache(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    kept = [keep(archive, response(date(2025, month, 9), f"{month}".encode())) for month in range(1, 7)]
    assert RawArchive(tmp_path).entries(1001) == archive.entries(1001)
    (tmp_path / SHARD).unlink()
    rebuilt = RawArchive(tmp_path)
    assert {entry.raw_id: entry for entry in rebuilt.entries(1001)} == {entry.raw_id: entry for entry in kept}
    assert rebuilt.months(1001) == [f"2025-0{month}" for month in range(1, 7)]
    (tmp_path / SHARD).write_bytes(b'{"raw_id": ')
    assert len(RawArchive(tmp_path).entries(1001)) == 6


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_corrupt_tail_is_cut_off_and_the_other_records_stay(tmp_path: Path, cut: int) -> None:
    """A process that is killed while it writes leaves a corrupt tail; a process that only reads changes nothing."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, response(body=b"first")), keep(archive, response(body=b"second"))
    path = tmp_path / second.segment
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    assert [entry.raw_id for entry in reopened.entries(1001)] == [first.raw_id]
    assert path.read_bytes() == torn
    assert list(reopened.verify()) == [], "an answer that was never used is no damage"
    again = keep(reopened, response(body=b"second"))
    assert RawArchive(tmp_path).load(again).body == b"second"
    assert (
        zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True).read().count(b"\n") == 2
    )
    assert path.with_name(path.name + TAIL_SUFFIX).read_bytes() == torn[first.byte_range.end :], (
        "nothing is thrown away"
    )


def test_a_record_that_was_written_but_not_indexed_is_found(tmp_path: Path) -> None:
    """A kill between the record and its index line loses nothing."""
    archive = RawArchive(tmp_path)
    keep(archive, response(body=b"first"))
    index = (tmp_path / SHARD).read_bytes()
    second = keep(archive, response(body=b"second"))
    (tmp_path / SHARD).write_bytes(index)
    reopened = RawArchive(tmp_path)
    assert second in reopened.entries(1001)
    assert RawArchive(tmp_path).entries(1001) == reopened.entries(1001)


def test_an_incomplete_index_line_loses_nothing(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, response(body=b"first"))
    keep(archive, response(body=b"second"))
    (tmp_path / SHARD).write_bytes((tmp_path / SHARD).read_bytes()[:-30])
    reopened = RawArchive(tmp_path)
    assert len(reopened.entries(1001)) == 2
    keep(reopened, response(body=b"third"))
    assert len(RawArchive(tmp_path).entries(1001)) == 3


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    entry = keep(archive, response(body=b"x" * 1000))
    path = tmp_path / entry.segment
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptSegment, match="restore the file from a backup"):
        archive.load(entry)


def damage(tmp_path: Path, entry: IndexEntry, at: int = 20) -> None:
    """Flip a bit of a record."""
    path = tmp_path / entry.segment
    data = bytearray(path.read_bytes())
    data[entry.byte_range.offset + at] ^= 4
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("at", [0, 4, 7, 20, -1], ids=["magic", "descriptor", "block size", "content", "checksum"])
@pytest.mark.parametrize("has_index", [True, False])
def test_damage_in_the_middle_affects_only_its_record(tmp_path: Path, at: int, has_index: bool) -> None:
    """With the index or without, readable records are read, damaged ones stay in place, and both are reported."""
    archive = RawArchive(tmp_path)
    kept = [keep(archive, response(body=f"{number} ".encode() * 40)) for number in range(4)]
    damage(tmp_path, kept[1], at % kept[1].byte_range.length)
    before = (tmp_path / kept[1].segment).read_bytes()
    if not has_index:
        (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    readable = {entry.raw_id: entry for entry in reopened.entries(1001)}
    for number in (0, 2, 3):
        assert reopened.load(readable[kept[number].raw_id]).body == f"{number} ".encode() * 40
    (found,) = reopened.verify()
    assert (found.byte_range, found.entry) == (kept[1].byte_range, kept[1] if has_index else None)
    assert kept[1].segment in str(found)
    keep(reopened, response(body=b"more"))
    assert (tmp_path / kept[1].segment).read_bytes().startswith(before), "nothing was cut off"
    assert [damage.byte_range for damage in RawArchive(tmp_path).verify()] == [kept[1].byte_range]


def test_a_damaged_last_record_is_no_corrupt_tail(tmp_path: Path) -> None:
    """It is indexed, so it is data; without the index its checksum is wrong, so it may be data."""
    archive = RawArchive(tmp_path)
    keep(archive, response(body=b"first"))
    last = keep(archive, response(body=b"x" * 500))
    damage(tmp_path, last, 60)
    before = (tmp_path / last.segment).read_bytes()
    for _ in range(2):
        reopened = RawArchive(tmp_path)
        assert [damage.byte_range for damage in reopened.verify()] == [last.byte_range]
        keep(reopened, response(date(2025, 4, 1)))
        assert (tmp_path / last.segment).read_bytes() == before
        (tmp_path / SHARD).unlink()


def test_verifying_an_undamaged_archive_finds_nothing(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    for body in BODIES:
        keep(archive, response(body=body))
    assert list(archive.verify()) == []


def test_a_changed_body_is_found(tmp_path: Path) -> None:
    """The frame is whole, the body is not what was hashed."""
    archive = RawArchive(tmp_path)
    entry = keep(archive, response(body=b"secret"))
    record = orjson.loads(segment.read(tmp_path / entry.segment, entry.byte_range)) | {"body": "public"}
    (tmp_path / entry.segment).unlink()
    segment.append(tmp_path / entry.segment, orjson.dumps(record))
    (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    (found,) = reopened.verify()
    assert "checksum" in found.reason
    with pytest.raises(CorruptSegment, match="checksum"):
        reopened.load(reopened.entries(1001)[0])


def test_an_equal_response_is_not_stored_twice(tmp_path: Path) -> None:
    """The duplicate has its own id, time and size, and the body of the first."""
    archive, body = RawArchive(tmp_path), bytes(range(32, 127)) * 200
    first, second = keep(archive, response(body=body)), keep(archive, response(body=body))
    assert first.raw_id != second.raw_id
    assert (second.duplicate_of, second.size, second.sha256) == (first.raw_id, len(body), first.sha256)
    assert second.byte_range.length < 600
    for reopened in (archive, RawArchive(tmp_path)):
        assert [reopened.load(entry).body for entry in reopened.entries(1001)] == [body, body]
    (tmp_path / SHARD).unlink()
    assert RawArchive(tmp_path).entries(1001) == [first, second]
    rows = duckdb.execute(
        f"select count(*), count(body), count(distinct coalesce({DUPLICATE_KEY}, raw_id)) from read_json(?)",
        [f"{tmp_path}/site_id=*/series=*/*.ndjson.zst"],
    ).fetchall()
    assert rows == [(2, 1, 1)]


def test_only_an_equal_response_for_the_same_window_is_a_duplicate(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, response(date(2025, 3, 9)))
    others = [
        response(date(2025, 3, 10)),
        response(date(2025, 3, 9), body=b"other"),
        replace(response(date(2025, 3, 9)), status=500, outcome="error"),
    ]
    assert [keep(archive, other).duplicate_of for other in others] == [None, None, None]


def test_no_duplicate_refers_to_a_body_that_cannot_be_read(tmp_path: Path) -> None:
    """An equal response is stored in full; the duplicates of the damaged record are reported too."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, response()), keep(archive, response())
    damage(tmp_path, first, 100)
    third, fourth = keep(archive, response()), keep(archive, response())
    assert (second.duplicate_of, third.duplicate_of, fourth.duplicate_of) == (first.raw_id, None, third.raw_id)
    assert {damage.entry for damage in archive.verify()} == {first, second}
    with pytest.raises(CorruptSegment):
        archive.load(second)
    assert archive.load(fourth).body == response().body


def test_segments_are_plain_files_for_sql(tmp_path: Path) -> None:
    """One `read_json` call over all segments; wattlog is not needed to read it."""
    archive = RawArchive(tmp_path)
    for month in (1, 2, 3):
        for day in (4, 5):
            keep(archive, response(date(2025, month, day), b'{"response": {"time_series": []}}'))
    rows = duckdb.execute(
        """select series, count(*), max(json_extract_string(body, '$.response'))
        from read_json(?, format = 'newline_delimited') group by all""",
        [f"{tmp_path}/site_id=*/series=*/*.ndjson.zst"],
    ).fetchall()
    assert rows == [("power", 6, '{"time_series":[]}')]


def test_responses_for_the_account_have_their_own_segment(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, Response(PRODUCTS, NOW, 1.0, 1, 200, {}, b"{}", "data"))
    keep(archive, response())
    assert [entry.path for entry in archive.entries(ACCOUNT)] == ["/api/1/products"]
    assert archive.site_ids() == [1001]


def test_a_directory_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    (tmp_path / "site_id=1001").write_text("a file where a folder should be")
    with pytest.raises(ArchiveError, match="cannot be written"):
        keep(archive, response())


def test_an_archive_may_open_one_site_only(tmp_path: Path) -> None:
    """For a process that works on one site: the other sites are not read."""
    archive = RawArchive(tmp_path)
    kept = keep(archive, response())
    other = replace(response(), request=replace(response().request, site_id=1002))
    keep(archive, other)
    (tmp_path / "site_id=1002/index-2025.ndjson").write_bytes(b"not an index")
    alone = RawArchive(tmp_path, site_id=1001)
    assert (alone.site_ids(), alone.entries(1001)) == ([1001], [kept])
    assert (tmp_path / "site_id=1002/index-2025.ndjson").read_bytes() == b"not an index"
    assert RawArchive(tmp_path).site_ids() == [1001, 1002]


def test_records_of_other_processes_are_found_after_a_refresh(tmp_path: Path) -> None:
    """Two years of a site, each written by another process: neither loses a record, and a third process reads both."""
    before, last_year, this_year = (RawArchive(tmp_path, site_id=1001) for _ in range(3))
    kept = [
        keep(archive, response(date(year, 3, day)))
        for day in (1, 2)
        for year, archive in ((2024, last_year), (2025, this_year))
    ]
    assert before.entries(1001) == []
    before.refresh()
    assert {entry.raw_id for entry in before.entries(1001)} == {entry.raw_id for entry in kept}
    assert len({entry.raw_id for entry in kept}) == 4
    assert before.months(1001) == ["2024-03", "2025-03"]
    assert before.entries(1001) == RawArchive(tmp_path).entries(1001)
