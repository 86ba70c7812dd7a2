"""A file is the old one or the new one, never a part of one, and it is on disk."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.full_disk import FULL, full_after
from wattlog import durable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a content."""
    made = tmp_path / "file"
    made.write_bytes(b"before")
    return made


def names(directory: Path) -> list[str]:
    return sorted(found.name for found in directory.iterdir())


# --- replacing --------------------------------------------------------------------------------------------------------


def test_block_that_ends_well_becomes_the_file(path: Path) -> None:
    """The new content is the only one afterwards."""
    with durable.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file"]


def test_reader_of_the_old_file_goes_on(path: Path) -> None:
    """The old content is not overwritten in place: a program that has it open reads it to its end."""
    with path.open("rb") as reader:
        durable.replace(path, b"new")
        assert reader.read() == b"before"


@pytest.mark.parametrize("is_block", [True, False])
def test_content_is_on_disk_before_the_name(path: Path, monkeypatch: pytest.MonkeyPatch, is_block: bool) -> None:
    """File flushed, renamed, directory flushed: after a power cut the name is never that of missing content."""
    events: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def flushing(descriptor: int) -> None:
        events.append("flush directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "flush file")
        fsync(descriptor)

    def renaming(self: Path, target: Path) -> Path:
        events.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(Path, "replace", renaming)
    if is_block:
        with durable.replacing(path) as temporary:
            temporary.write_bytes(b"new")
    else:
        durable.replace(path, b"new")
    assert events[-3:] == ["flush file", "rename", "flush directory"]
    assert events.count("rename") == 1


def test_block_that_fails_leaves_the_old_file_alone(path: Path) -> None:
    """No part of the new content is left either."""

    def fail_halfway() -> None:
        with durable.replacing(path) as temporary:
            temporary.write_bytes(b"ne")
            raise FULL

    with pytest.raises(OSError, match="No space left"):
        fail_halfway()
    assert path.read_bytes() == b"before"
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize("left", range(0, 40, 7))
def test_a_failed_replacement_leaves_the_old_content_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr("os.write", full_after(left))
    with pytest.raises(OSError, match="No space left"):
        durable.replace(path, b"x" * 40)
    assert names(path.parent) == ["file"]
    assert path.read_bytes() == b"before"


def test_a_file_is_private_from_its_first_byte_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the mode of the file that it replaces."""
    modes: set[int] = set()
    write = os.write

    def writing(descriptor: int, data: bytes) -> int:
        modes.add(os.fstat(descriptor).st_mode & 0o777)
        return write(descriptor, data)

    path.chmod(0o644)
    monkeypatch.setattr("os.write", writing)
    durable.replace(path, b"secret")
    durable.create(path.with_name("other"), b"secret")
    durable.append(path.with_name("third"), b"secret")
    assert modes == {durable.PRIVATE}
    assert path.stat().st_mode & 0o777 == durable.PRIVATE


# --- directories ------------------------------------------------------------------------------------------------------


def test_a_directory_takes_the_place_of_another(tmp_path: Path) -> None:
    old, new = tmp_path / "lake", tmp_path / ".lake.rebuilding"
    for directory in (old, new):
        directory.mkdir()
        (directory / directory.name).touch()
    durable.publish_directory(new, old)
    assert names(tmp_path) == ["lake"]
    assert names(old) == [".lake.rebuilding"]


def test_a_directory_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    """The old one was renamed already when the new one is found missing."""
    old = tmp_path / "lake"
    old.mkdir()
    (old / "part").touch()
    with pytest.raises(FileNotFoundError):
        durable.publish_directory(tmp_path / "missing", old)
    assert names(tmp_path) == ["lake"]
    assert names(old) == ["part"]


# --- changes in place -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", range(40))
def test_a_failed_append_leaves_no_byte(path: Path, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.write", full_after(left))
        with pytest.raises(OSError, match="No space left"):
            durable.append(path, b"x" * 40)
    assert path.read_bytes() == b"before"
    assert durable.append(path, b"after") == 6
    assert path.read_bytes() == b"beforeafter"


def test_a_failed_flush_leaves_no_byte(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems report only now that the disk is full."""

    def fsync(_: int) -> None:
        raise FULL

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        durable.append(path, b"x" * 40)
    assert path.read_bytes() == b"before"


def test_a_file_is_overwritten_in_its_own_room(path: Path) -> None:
    """A longer file is shortened to the new content; it stays the same file."""
    inode = path.stat().st_ino
    durable.overwrite(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_ino == inode


# --- sweeping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a[1].csv", "*.csv"])
def test_sweep_removes_leftovers_of_that_name_only(tmp_path: Path, name: str) -> None:
    """Temporary files of another writer stay, whatever characters the name has."""
    own, other, real = (tmp_path / found for found in (f".{name}.12ab.unfinished", ".b.csv.12ab.unfinished", name))
    for file in (own, other, real):
        file.touch()
    assert durable.sweep(tmp_path, name=name) == 1
    assert sorted(tmp_path.iterdir()) == sorted([other, real])


def test_a_replacement_removes_what_a_killed_one_left(path: Path) -> None:
    path.with_name(".file.12ab.unfinished").write_bytes(b"ne")
    durable.replace(path, b"new")
    assert names(path.parent) == ["file"]


def test_sweep_of_a_directory_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    """The first run has nothing to sweep."""
    assert durable.sweep(tmp_path / "new", recursive=True) == 0


# --- modes, links and advice ------------------------------------------------------------------------------------------


def test_a_published_file_is_private_but_for_exports(path: Path) -> None:
    for is_private, mode in ((True, 0o600), (False, 0o640)):
        with durable.replacing(path, is_private=is_private) as temporary:
            temporary.write_bytes(b"new")
            temporary.chmod(0o640)
        assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "change",
    [
        lambda path: durable.append(path, b"x"),
        lambda path: durable.cut(path, 0),
        lambda path: durable.overwrite(path, b"x"),
    ],
    ids=["append", "cut", "overwrite"],
)
def test_a_link_is_not_followed(path: Path, change: Callable[[Path], object]) -> None:
    """It could lead to any file of the user; the sentence says what to do."""
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic link") as raised:
        change(link)
    assert "a symbolic link is where a file belongs: remove it" in durable.reason(raised.value)
    assert path.read_bytes() == b"before"


def test_a_link_is_replaced(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    durable.replace(link, b"new")
    assert (link.is_symlink(), link.read_bytes(), path.read_bytes()) == (False, b"new", b"before")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EISDIR, "a directory is where a file belongs: move it away"),
        (errno.ENOTDIR, "a file is where a directory belongs: move it away"),
        (errno.ENOSPC, "free space there"),
        (errno.EACCES, "fix the permissions there"),
        (errno.EROFS, "the disk is read-only: use another one"),
        (errno.ENOSYS, "the file system has no file locks: use a directory on another one"),
        (errno.EIO, "free space or fix the permissions there"),
    ],
)
def test_the_advice_fits_the_error(code: int, advice: str) -> None:
    text = os.strerror(code)
    assert durable.reason(OSError(code, text)) == f"{text}; {advice}, then run the command again"


def test_a_directory_in_the_place_of_a_file(path: Path) -> None:
    directory = path.with_name("directory")
    directory.mkdir()
    with pytest.raises(OSError, match="directory") as raised:
        durable.replace(directory, b"new")
    assert "a directory is where a file belongs" in durable.reason(raised.value)
