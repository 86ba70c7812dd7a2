"""A record that the disk has no room for leaves the archive as it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from extract.archive import segment
from extract.archive.raw_archive import RawArchive
from extract.errors import ArchiveError
from tests.full_disk import full_after
from tests.unit.extract.responses import NOW, filled, response


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_an_archive_on_a_full_disk_is_sound_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """At whatever byte of the record the disk is full: one clear error, nothing for `verify` to find, and it goes on."""
    kept, what = filled(tmp_path), response(NOW.date(), bytes(range(256)) * 4)
    archive = RawArchive(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("os.write", full_after(int(kept[0].byte_range.length * share)))
        with pytest.raises(ArchiveError, match="free space"):
            archive.keep(what, run_id="run", provider="simulator")
    for reopened in (archive, RawArchive(tmp_path)):
        assert list(reopened.verify()) == []
        assert len(reopened.entries(1001)) == len(kept)
    archive.keep(what, run_id="run", provider="simulator")
    assert list(RawArchive(tmp_path).verify()) == []
    assert len(RawArchive(tmp_path).entries(1001)) == len(kept) + 1


APPEND = """
import resource, sys
from pathlib import Path
from extract.archive import segment
from extract.errors import ArchiveError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    segment.append(Path(sys.argv[1]), b"abcdefghij" * 9)
except ArchiveError as error:
    sys.exit(str(error))
"""


def test_the_systems_own_limit_on_a_file(tmp_path: Path) -> None:
    """The system itself writes some of the bytes and refuses the rest."""
    path = tmp_path / "month=2025-03.ndjson.zst"
    before = segment.frame(b'{"a":1}')
    record = len(segment.frame(b"abcdefghij" * 9))
    for room in range(record):
        path.write_bytes(before)
        if room % 5 == 0:
            limit = str(len(before) + room)
            done = subprocess.run(
                [sys.executable, "-c", APPEND, str(path), limit], capture_output=True, text=True, check=False
            )
            assert "cannot be written (File too large)" in done.stderr
            assert path.read_bytes() == before, f"room for {room} of {record} bytes"
