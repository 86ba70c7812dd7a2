"""A flipped bit in any list of the archive is reported, changes no fact, and raises no error."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from extract.archive.index import index_line
from extract.archive.losses import ACCEPTED_LOSSES
from extract.archive.raw_archive import IndexEntry, RawArchive
from tests.unit.extract.responses import NOW, SHARD, SITE, filled
from wattlog import checked_lines

FLIPS = (200, pytest.param(3000, marks=pytest.mark.exhaustive))


def flipped(content: bytes, count: int) -> list[bytes]:
    """The content with one bit flipped, at places drawn with a seed; every bit of a short content."""
    bits = range(len(content) * 8)
    found = []
    for bit in (
        bits if len(bits) <= count else np.random.default_rng(30).choice(len(bits), count, replace=False).tolist()
    ):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        found.append(bytes(changed))
    return found


def open_archive(root: Path, kept: list[IndexEntry]) -> tuple[RawArchive, bool]:
    """The archive, after a check of its facts, and whether damage is to be reported."""
    archive = RawArchive(root)
    assert archive.entries(SITE) == kept
    reports = [path for path, _ in checked_lines.unreported(root)]
    for path in reports:
        path.unlink()
    return archive, bool(reports)


@pytest.mark.parametrize("flips", FLIPS)
def test_in_the_index(tmp_path: Path, flips: int) -> None:
    """Each line is made again from the segments and reported, except a line without its newline."""
    kept = filled(tmp_path)
    path = tmp_path / SHARD
    content = path.read_bytes()
    unreported = 0
    for changed in flipped(content, flips):
        path.write_bytes(changed)
        archive, is_reported = open_archive(tmp_path, kept)
        unreported += not is_reported
        assert list(archive.verify()) == []
        assert path.read_bytes() == content, "it is healed"
    assert unreported <= 8, "a bit of the last newline: the same as a line that was cut short"


@pytest.mark.parametrize("flips", FLIPS)
def test_in_the_index_of_a_version_that_wrote_no_checksums(tmp_path: Path, flips: int) -> None:
    """The records are read from the segments."""
    kept = filled(tmp_path)
    path = tmp_path / SHARD
    content = b"".join(orjson.dumps(index_line(entry)[:-1]) + b"\n" for entry in kept)
    for changed in [content, *flipped(content, flips)]:
        path.write_bytes(changed)
        archive, _ = open_archive(tmp_path, kept)
        assert list(archive.verify()) == []
        assert all(map(checked_lines.is_whole, path.read_bytes().splitlines()))


@pytest.mark.parametrize("flips", FLIPS)
def test_in_the_list_of_accepted_losses(tmp_path: Path, flips: int) -> None:
    """A loss counts as accepted, or is reported again, and the damaged line is reported."""
    kept = filled(tmp_path)
    segment = tmp_path / kept[0].segment
    damaged = bytearray(segment.read_bytes())
    damaged[kept[2].byte_range.offset + 40] ^= 1
    segment.write_bytes(bytes(damaged))
    RawArchive(tmp_path).accept_losses(NOW)
    path, rest = tmp_path / ACCEPTED_LOSSES, RawArchive(tmp_path).entries(SITE)
    assert len(rest) == len(kept) - 1
    content, index = path.read_bytes(), (tmp_path / SHARD).read_bytes()
    for changed in flipped(content, flips):
        path.write_bytes(changed)
        archive, is_reported = open_archive(tmp_path, rest)
        found = list(archive.verify())
        assert not found if changed[-1:] == b"\n" and not is_reported else len(found) == 1
        (tmp_path / SHARD).write_bytes(index)
