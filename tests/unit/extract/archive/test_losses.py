"""The index lists what must exist: a record that is missing is lost, until it is restored or the loss is accepted."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from extract.api.planner import settled
from extract.archive import segment
from extract.archive.losses import losses
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.errors import ArchiveError, CorruptSegment
from tests.unit.extract.responses import NOW, SHARD, SITE, filled, response


def cut(path: Path, kept: list[IndexEntry]) -> None:
    path.write_bytes(path.read_bytes()[: kept[3].byte_range.offset + 9])


def cut_between(path: Path, kept: list[IndexEntry]) -> None:
    path.write_bytes(path.read_bytes()[: kept[3].byte_range.offset])


def zero(path: Path, kept: list[IndexEntry]) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def zero_some(path: Path, kept: list[IndexEntry]) -> None:
    data, first, last = path.read_bytes(), kept[1].byte_range, kept[2].byte_range
    path.write_bytes(data[: first.offset + 3] + bytes(last.end - first.offset - 6) + data[last.end - 3 :])


def flip(path: Path, kept: list[IndexEntry]) -> None:
    data = bytearray(path.read_bytes())
    data[kept[2].byte_range.offset + 30] ^= 8
    path.write_bytes(bytes(data))


def replace_one(path: Path, kept: list[IndexEntry]) -> None:
    """A whole record of the same length that is another one: its own checksum does not show that."""
    data, byte_range = path.read_bytes(), kept[2].byte_range
    record = segment.read(path, byte_range).rstrip(b"\n")
    others = (segment.frame(record.replace(b'"elapsed_ms":12.5', b'"elapsed_ms":%d.5' % ms)) for ms in range(13, 99))
    other = next(frame for frame in others if len(frame) == byte_range.length)
    path.write_bytes(data[: byte_range.offset] + other + data[byte_range.end :])


WAYS: list[tuple[Callable[[Path, list[IndexEntry]], object], set[int]]] = [
    (lambda path, kept: path.unlink(), {0, 1, 2, 3, 4}),
    (lambda path, kept: path.write_bytes(b""), {0, 1, 2, 3, 4}),
    (cut, {3, 4}),
    (cut_between, {3, 4}),
    (zero, {0, 1, 2, 3, 4}),
    (zero_some, {1, 2}),
    (flip, {2}),
    (replace_one, {2}),
]
NAMES = ["deleted", "emptied", "cut", "cut between records", "zeroed", "two zeroed", "flipped", "replaced"]


@pytest.fixture(params=WAYS, ids=NAMES)
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[IndexEntry], set[int], bytes]:
    """An archive of five days with one segment damaged: its root, its entries, which of them are lost, the whole segment."""
    kept, (damage, lost) = filled(tmp_path), request.param
    filled(tmp_path, month=4)
    path = tmp_path / kept[0].segment
    before = path.read_bytes()
    damage(path, kept)
    return tmp_path, kept, lost, before


Damaged = tuple[Path, list[IndexEntry], set[int], bytes]


def test_a_loss_is_found_each_time_until_the_file_is_restored(damaged: Damaged) -> None:
    """Opening the archive does not change that; restoring the file is enough."""
    root, kept, lost, before = damaged
    for _ in range(3):
        archive = RawArchive(root)
        found = list(archive.verify())
        assert {damage.entry.raw_id for damage in found if damage.entry} == {kept[at].raw_id for at in lost}
        (loss,) = losses(found)
        assert (loss.segment, loss.records, loss.series) == (kept[0].segment, len(lost), "power")
        assert (loss.first_day, loss.last_day) == (date(2025, 3, min(lost) + 1), date(2025, 3, max(lost) + 1))
        assert "restore the file from a backup" in str(loss)
        assert "--accept-loss" in str(loss)
        assert len(archive.entries(SITE)) == 10, "what was answered stays settled"
    (root / kept[0].segment).write_bytes(before)
    archive = RawArchive(root)
    assert list(archive.verify()) == []
    assert [archive.load(entry).body for entry in kept] == [
        f'{{"response":{day}}}'.encode() * 20 for day in range(1, 6)
    ]


def test_a_loss_affects_no_other_record(damaged: Damaged) -> None:
    """The other records are read; the lost ones are named by segment; nothing is requested again."""
    root, kept, lost, _ = damaged
    archive = RawArchive(root)
    unread = {at for at, entry in enumerate(kept) if archive.load_or_none(entry) is None}
    assert unread == (set() if _is_replaced(root, kept) else lost)
    assert len(settled(archive.entries(SITE), 48)) == 10
    if unread:
        with pytest.raises(CorruptSegment, match="restore the file"):
            archive.load(kept[min(lost)])
        assert [loss.records for loss in archive.losses()] == [len(lost)]


def _is_replaced(root: Path, kept: list[IndexEntry]) -> bool:
    """Whether every frame is whole: then only `verify`, which reads the chained checksum, finds that one is another."""
    path = root / kept[0].segment
    return path.exists() and sum(isinstance(part, segment.Frame) for part in segment.scan(path)) == len(kept)


def test_an_accepted_loss_is_requested_again_and_no_longer_reported(damaged: Damaged) -> None:
    root, kept, lost, _ = damaged
    before = (root / kept[0].segment).read_bytes() if (root / kept[0].segment).exists() else b""
    (loss,) = RawArchive(root).accept_losses(NOW)
    assert loss.records == len(lost)
    for _ in range(2):
        archive = RawArchive(root)
        assert list(archive.verify()) == []
        assert archive.losses() == []
        assert len(settled(archive.entries(SITE), 48)) == 10 - len(lost)
    for at in sorted(lost):
        archive.keep(response(date(2025, 3, at + 1), b"again"), run_id="next", provider="simulator")
    archive = RawArchive(root)
    assert list(archive.verify()) == []
    assert len(settled(archive.entries(SITE), 48)) == 10
    assert (root / kept[0].segment).read_bytes().startswith(before[: kept[min(lost)].byte_range.offset])
    assert archive.accept_losses(NOW) == [], "nothing is left to be given up"


def test_records_after_a_loss_do_not_hide_it(damaged: Damaged) -> None:
    """New responses are written to the same segment, possibly in the place of lost ones; both are recognised."""
    root, kept, lost, before = damaged
    archive = RawArchive(root)
    new = archive.keep(response(date(2025, 3, 9), b"new" * 40), run_id="next", provider="simulator")
    for _ in range(2):
        archive = RawArchive(root)
        assert {damage.entry.raw_id for damage in archive.verify() if damage.entry} == {kept[at].raw_id for at in lost}
        assert archive.load(new).body == b"new" * 40
    (root / kept[0].segment).write_bytes(before)
    (missed,) = losses(RawArchive(root).verify())
    assert (missed.records, missed.first_day) == (1, date(2025, 3, 9)), "the backup does not have what came after it"
    RawArchive(root).accept_losses(NOW)
    assert list(RawArchive(root).verify()) == []


def test_an_accepted_loss_that_is_restored_is_read(tmp_path: Path) -> None:
    """The accepted bytes are named by their checksum: other bytes are records again."""
    kept = filled(tmp_path)
    path = tmp_path / kept[0].segment
    before = path.read_bytes()
    flip(path, kept)
    RawArchive(tmp_path).accept_losses(NOW)
    assert len(RawArchive(tmp_path).entries(SITE)) == 4
    path.write_bytes(before)
    archive = RawArchive(tmp_path)
    assert list(archive.verify()) == []
    assert {entry.raw_id for entry in archive.entries(SITE)} == {entry.raw_id for entry in kept}


def test_without_the_index_no_record_is_lost_but_earlier_losses_are_not_found(tmp_path: Path) -> None:
    kept = filled(tmp_path)
    filled(tmp_path, month=4)
    (tmp_path / SHARD).unlink()
    (tmp_path / kept[0].segment).unlink()
    archive = RawArchive(tmp_path)
    assert archive.unchecked == (SHARD,)
    assert len(archive.entries(SITE)) == 5
    assert list(archive.verify()) == []
    assert RawArchive(tmp_path).unchecked == ()


@pytest.mark.parametrize("cut_bytes", range(1, 60, 7))
def test_a_kill_between_record_and_index_line_is_no_loss(tmp_path: Path, cut_bytes: int) -> None:
    """The index may lack the last record: its line is missing or incomplete."""
    kept = filled(tmp_path)
    path = tmp_path / SHARD
    path.write_bytes(path.read_bytes()[:-cut_bytes])
    archive = RawArchive(tmp_path)
    assert (archive.entries(SITE), archive.unchecked) == (kept, ())
    assert list(archive.verify()) == []
    assert RawArchive(tmp_path).entries(SITE) == kept


def test_a_line_that_is_missing_in_the_middle_is_added(tmp_path: Path) -> None:
    """A process was killed, and the next one continued in the same segment."""
    kept = filled(tmp_path)
    lines = (tmp_path / SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / SHARD).write_bytes(b"".join(lines[:2] + lines[3:]))
    for _ in range(2):
        archive = RawArchive(tmp_path)
        assert archive.entries(SITE) == kept
        assert list(archive.verify()) == []
    assert (tmp_path / SHARD).read_bytes() == b"".join(lines)


def test_a_process_with_one_site_does_not_change_its_index(tmp_path: Path) -> None:
    """Another process may be writing it."""
    kept = filled(tmp_path)
    lines = (tmp_path / SHARD).read_bytes().splitlines(keepends=True)
    changed = b"".join([*lines[:1], lines[1].replace(b"run", b"ruN"), *lines[2:3]])
    (tmp_path / SHARD).write_bytes(changed)
    assert RawArchive(tmp_path, site_id=SITE).entries(SITE) == kept
    assert (tmp_path / SHARD).read_bytes() == changed


def test_records_are_replaced_and_indexed(tmp_path: Path) -> None:
    """As a redaction does: other bodies under the same ids, everything else unchanged."""
    kept = filled(tmp_path)
    archive, name = RawArchive(tmp_path), kept[0].segment
    records = archive.records(name)
    for record in records:
        record["body"] = record["body"].replace("response", "redacted")
        record |= {"sha256": hashlib.sha256(record["body"].encode()).hexdigest(), "size": len(record["body"])}
    archive.replace_segments({name: records})
    for reopened in (archive, RawArchive(tmp_path)):
        assert list(reopened.verify()) == []
        assert [entry.raw_id for entry in reopened.entries(SITE)] == [entry.raw_id for entry in kept]
        assert b"redacted" in reopened.load(reopened.entries(SITE)[2]).body
    with pytest.raises(ArchiveError, match="not those that it holds"):
        archive.replace_segments({name: records[1:]})
    with pytest.raises(ArchiveError, match="checksum fails"):
        archive.replace_segments({name: [{**records[0], "body": "x"}, *records[1:]]})
    assert len(RawArchive(tmp_path).entries(SITE)) == 5


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("steps", range(8))
def test_a_kill_while_records_are_replaced_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """At every change of a name and every flush."""
    kept = filled(tmp_path)
    archive, name = RawArchive(tmp_path), kept[0].segment
    records = [{**record, "elapsed_ms": 7.25} for record in archive.records(name)]
    left, real = [steps], Path.replace

    def replace(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        done = real(path, target)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with suppress(Killed):
            archive.replace_segments({name: records})
    archive = RawArchive(tmp_path)
    assert list(archive.verify()) == []
    assert {entry.raw_id for entry in archive.entries(SITE)} == {entry.raw_id for entry in kept}
    assert {entry.elapsed_ms for entry in archive.entries(SITE)} in ({12.5}, {7.25})
