"""The raw archive keeps every answer to the byte, and survives what happens to files."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import orjson
import pytest
import zstandard

from extract import segment
from extract.archive import Entry, Exchange, RawArchive
from extract.errors import ArchiveError, CorruptSegment
from extract.segment import TORN
from extract.series import ACCOUNT, PRODUCTS, Series, history
from extract.windows import Grain, windows

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)
SHARD = "site_id=1001/index-2025.ndjson"
"""Where the index of what these tests ask for stands."""


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
    (tmp_path / SHARD).unlink()
    rebuilt = RawArchive(tmp_path)
    assert {entry.raw_id: entry for entry in rebuilt.entries(1001)} == {entry.raw_id: entry for entry in kept}
    assert rebuilt.months(1001) == [f"2025-0{month}" for month in range(1, 7)]
    (tmp_path / SHARD).write_bytes(b'{"raw_id": ')
    assert len(RawArchive(tmp_path).entries(1001)) == 6


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_torn_last_record_is_set_aside_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    """What a kill in the middle of a write leaves behind; whoever only reads changes nothing."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, exchange(body=b"first")), keep(archive, exchange(body=b"second"))
    path = tmp_path / second.segment
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    assert [entry.raw_id for entry in reopened.entries(1001)] == [first.raw_id]
    assert path.read_bytes() == torn
    assert list(reopened.verify()) == [], "an answer that was never used is no damage"
    again = keep(reopened, exchange(body=b"second"))
    assert RawArchive(tmp_path).answer(again).body == b"second"
    assert (
        zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True).read().count(b"\n") == 2
    )
    assert path.with_name(path.name + TORN).read_bytes() == torn[first.extent.end :], "nothing is thrown away"


def test_a_record_that_was_written_but_not_indexed_is_found(tmp_path: Path) -> None:
    """A kill between the record and its index line loses nothing."""
    archive = RawArchive(tmp_path)
    keep(archive, exchange(body=b"first"))
    index = (tmp_path / SHARD).read_bytes()
    second = keep(archive, exchange(body=b"second"))
    (tmp_path / SHARD).write_bytes(index)
    reopened = RawArchive(tmp_path)
    assert second in reopened.entries(1001)
    assert RawArchive(tmp_path).entries(1001) == reopened.entries(1001)


def test_a_half_written_index_line_costs_nothing(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, exchange(body=b"first"))
    keep(archive, exchange(body=b"second"))
    (tmp_path / SHARD).write_bytes((tmp_path / SHARD).read_bytes()[:-30])
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


def damage(tmp_path: Path, entry: Entry, at: int = 20) -> None:
    """Flip a bit of a record."""
    path = tmp_path / entry.segment
    data = bytearray(path.read_bytes())
    data[entry.extent.offset + at] ^= 4
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("at", [0, 4, 7, 20, -1], ids=["magic", "descriptor", "block size", "content", "checksum"])
@pytest.mark.parametrize("has_index", [True, False])
def test_damage_in_the_middle_costs_its_record_alone(tmp_path: Path, at: int, has_index: bool) -> None:
    """With the index or without, what can be read stays readable, what cannot stays where it is, and both are told."""
    archive = RawArchive(tmp_path)
    kept = [keep(archive, exchange(body=f"{number} ".encode() * 40)) for number in range(4)]
    damage(tmp_path, kept[1], at % kept[1].extent.length)
    before = (tmp_path / kept[1].segment).read_bytes()
    if not has_index:
        (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    readable = {entry.raw_id: entry for entry in reopened.entries(1001)}
    for number in (0, 2, 3):
        assert reopened.answer(readable[kept[number].raw_id]).body == f"{number} ".encode() * 40
    (found,) = reopened.verify()
    assert (found.extent, found.entry) == (kept[1].extent, kept[1] if has_index else None)
    assert kept[1].segment in str(found)
    keep(reopened, exchange(body=b"more"))
    assert (tmp_path / kept[1].segment).read_bytes().startswith(before), "nothing was cut off"
    assert [each.extent for each in RawArchive(tmp_path).verify()] == [kept[1].extent]


def test_a_damaged_last_record_is_not_taken_for_a_torn_one(tmp_path: Path) -> None:
    """The index covers it, so it is data; and without the index its checksum fails, so it may be data."""
    archive = RawArchive(tmp_path)
    keep(archive, exchange(body=b"first"))
    last = keep(archive, exchange(body=b"x" * 500))
    damage(tmp_path, last, 60)
    before = (tmp_path / last.segment).read_bytes()
    for _ in range(2):
        reopened = RawArchive(tmp_path)
        assert [each.extent for each in reopened.verify()] == [last.extent]
        keep(reopened, exchange(date(2025, 4, 1)))
        assert (tmp_path / last.segment).read_bytes() == before
        (tmp_path / SHARD).unlink()


def test_a_segment_that_lost_its_end_is_asked_for_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Records that are gone are in no index any more, so their windows are open again, and it is said."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, exchange(body=b"first")), keep(archive, exchange(body=b"second"))
    path = tmp_path / first.segment
    path.write_bytes(path.read_bytes()[: second.extent.offset + 10])
    assert [each.entry for each in archive.verify()] == [second]
    reopened = RawArchive(tmp_path)
    assert "records_lost=1" in caplog.text
    assert reopened.entries(1001) == [first]
    assert RawArchive(tmp_path).entries(1001) == [first]


def test_verifying_a_sound_archive_finds_nothing(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    for body in BODIES:
        keep(archive, exchange(body=body))
    assert list(archive.verify()) == []


def test_a_body_that_was_tampered_with_is_found(tmp_path: Path) -> None:
    """The frame is whole, the body is not what was hashed."""
    archive = RawArchive(tmp_path)
    entry = keep(archive, exchange(body=b"secret"))
    record = orjson.loads(segment.read(tmp_path / entry.segment, entry.extent)) | {"body": "public"}
    (tmp_path / entry.segment).unlink()
    segment.append(tmp_path / entry.segment, orjson.dumps(record))
    (tmp_path / SHARD).unlink()
    reopened = RawArchive(tmp_path)
    (found,) = reopened.verify()
    assert "checksum" in found.reason
    with pytest.raises(CorruptSegment, match="checksum"):
        reopened.answer(reopened.entries(1001)[0])


def test_an_answer_that_was_seen_before_is_not_stored_twice(tmp_path: Path) -> None:
    """The second sight has its own id, time and size, and the body of the first."""
    archive, body = RawArchive(tmp_path), bytes(range(32, 127)) * 200
    first, second = keep(archive, exchange(body=body)), keep(archive, exchange(body=body))
    assert first.raw_id != second.raw_id
    assert (second.body_of, second.size, second.sha256) == (first.raw_id, len(body), first.sha256)
    assert second.extent.length < 600
    for reopened in (archive, RawArchive(tmp_path)):
        assert [reopened.answer(each).body for each in reopened.entries(1001)] == [body, body]
    (tmp_path / SHARD).unlink()
    assert RawArchive(tmp_path).entries(1001) == [first, second]
    rows = duckdb.execute(
        """select count(*), count(body), count(distinct coalesce(body_of, raw_id)) from read_json(?)""",
        [f"{tmp_path}/site_id=*/series=*/*.ndjson.zst"],
    ).fetchall()
    assert rows == [(2, 1, 1)]


def test_only_the_same_answer_for_the_same_window_is_the_same(tmp_path: Path) -> None:
    archive = RawArchive(tmp_path)
    keep(archive, exchange(date(2025, 3, 9)))
    others = [
        exchange(date(2025, 3, 10)),
        exchange(date(2025, 3, 9), body=b"other"),
        replace(exchange(date(2025, 3, 9)), status=500, outcome="error"),
    ]
    assert [keep(archive, each).body_of for each in others] == [None, None, None]


def test_nothing_points_to_a_body_that_cannot_be_read(tmp_path: Path) -> None:
    """An answer that comes again heals the archive; what pointed to the damaged one is named, too."""
    archive = RawArchive(tmp_path)
    first, second = keep(archive, exchange()), keep(archive, exchange())
    damage(tmp_path, first, 100)
    third, fourth = keep(archive, exchange()), keep(archive, exchange())
    assert (second.body_of, third.body_of, fourth.body_of) == (first.raw_id, None, third.raw_id)
    assert {each.entry for each in archive.verify()} == {first, second}
    with pytest.raises(CorruptSegment):
        archive.answer(second)
    assert archive.answer(fourth).body == exchange().body


def test_what_is_forgotten_stays_forgotten_and_the_others_stay(tmp_path: Path) -> None:
    """A damaged record goes with what points to it, so that their windows are open again; the segment is untouched."""
    archive = RawArchive(tmp_path)
    first, second, other = keep(archive, exchange()), keep(archive, exchange()), keep(archive, exchange(body=b"other"))
    damage(tmp_path, first, 100)
    before = (tmp_path / first.segment).read_bytes()
    archive.forget(second)
    assert archive.entries(1001) == archive.entries(1001, "2025-03") == [other]
    reopened = RawArchive(tmp_path)
    assert reopened.entries(1001) == [other]
    assert reopened.answer(other).body == b"other"
    assert (tmp_path / first.segment).read_bytes() == before


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


def test_an_archive_may_look_at_one_site_alone(tmp_path: Path) -> None:
    """What a process needs that works on one site: the other sites are not even read."""
    archive = RawArchive(tmp_path)
    kept = keep(archive, exchange())
    other = replace(exchange(), request=replace(exchange().request, site_id=1002))
    keep(archive, other)
    (tmp_path / "site_id=1002/index-2025.ndjson").write_bytes(b"not an index")
    alone = RawArchive(tmp_path, site_id=1001)
    assert (alone.site_ids(), alone.entries(1001)) == ([1001], [kept])
    assert (tmp_path / "site_id=1002/index-2025.ndjson").read_bytes() == b"not an index"
    assert RawArchive(tmp_path).site_ids() == [1001, 1002]


def test_what_others_kept_is_seen_when_looked_for(tmp_path: Path) -> None:
    """Two years of a site, each filled by somebody else: neither loses a record, and a third sees both."""
    before, last_year, this_year = (RawArchive(tmp_path, site_id=1001) for _ in range(3))
    kept = [
        keep(archive, exchange(date(year, 3, day)))
        for day in (1, 2)
        for year, archive in ((2024, last_year), (2025, this_year))
    ]
    assert before.entries(1001) == []
    before.refresh()
    assert {entry.raw_id for entry in before.entries(1001)} == {entry.raw_id for entry in kept}
    assert len({entry.raw_id for entry in kept}) == 4
    assert before.months(1001) == ["2024-03", "2025-03"]
    assert before.entries(1001) == RawArchive(tmp_path).entries(1001)
