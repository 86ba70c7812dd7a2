"""A file is the old one or the new one, never a part of one."""

import os
import stat
from pathlib import Path

import pytest

from warehouse import atomic


def test_block_that_ends_well_becomes_the_file(tmp_path: Path) -> None:
    """The new content stands alone afterwards."""
    path = tmp_path / "part.parquet"
    path.write_text("old")
    with atomic.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_reader_of_the_old_file_goes_on(tmp_path: Path) -> None:
    """The old content is not overwritten in place: who has it open reads it to its end."""
    path = tmp_path / "part.parquet"
    path.write_text("old")
    with path.open() as reader:
        with atomic.replacing(path) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"


def test_content_is_on_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File flushed, renamed, directory flushed: after a power cut the name never stands for missing content."""
    path = tmp_path / "part.parquet"
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushing(descriptor: int) -> None:
        events.append("flush directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "flush file")
        fsync(descriptor)

    def renaming(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(Path, "replace", renaming)
    with atomic.replacing(path) as temporary:
        temporary.write_text("new")
    assert events == ["flush file", "rename", "flush directory"]


def test_block_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """Nothing half-written is left behind either."""
    path = tmp_path / "part.parquet"
    path.write_text("old")

    def fail_halfway() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_text("ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_sweep_removes_leftovers_of_that_name_only(tmp_path: Path) -> None:
    """Another file's writer is none of our business."""
    mine, other, real = (tmp_path / name for name in (".a.csv.12ab.unfinished", ".b.csv.12ab.unfinished", "a.csv"))
    for each in (mine, other, real):
        each.touch()
    assert atomic.sweep(tmp_path, name="a.csv") == 1
    assert sorted(tmp_path.iterdir()) == sorted([other, real])


def test_sweep_of_a_directory_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    """The first run has nothing to sweep."""
    assert atomic.sweep(tmp_path / "new", recursive=True) == 0
