"""A file is the old one or the new one, never a part of one."""

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
