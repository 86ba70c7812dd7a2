"""A data directory is locked by one run, is private, and each obstacle has its own sentence."""

import errno
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows import ledger
from flows.data_directory import locked
from flows.errors import DataDirectoryBusy, UsageError
from wattlog.names import DataDirectory

NOW = datetime(2026, 7, 20, tzinfo=UTC)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "data"


def test_a_new_directory_and_its_files_are_private(root: Path) -> None:
    """Whatever the umask: energy by the minute shows when a home was empty."""
    before = os.umask(0o022)
    try:
        with locked(root, "sync"):
            ledger.begin(root / "raw", "20260720T000000", "sync", "simulator", NOW)
    finally:
        os.umask(before)
    assert mode(root) == 0o700
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {path.name: mode(path) for path in files} == dict.fromkeys((".lock", ".holder.json", "runs.ndjson"), 0o600)


def test_a_second_run_is_refused_with_the_first_ones_name(root: Path) -> None:
    with locked(root, "sync"), pytest.raises(DataDirectoryBusy, match="sync, process "), locked(root, "backfill"):
        pass


def test_the_note_of_the_run_is_not_written_through_a_link(root: Path, tmp_path: Path) -> None:
    root.mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("untouched")
    DataDirectory(root).lock_owner.symlink_to(target)
    with locked(root, "sync"):
        assert not DataDirectory(root).lock_owner.is_symlink()
    assert target.read_text() == "untouched"


def test_the_ledger_is_not_written_through_a_link(root: Path, tmp_path: Path) -> None:
    (root / "raw").mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("untouched\n")
    (root / "raw" / ledger.LEDGER).symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        ledger.begin(root / "raw", "20260720T000000", "sync", "simulator", NOW)
    assert target.read_text() == "untouched\n"
    assert [path.name for path in (root / "raw").iterdir()] == [ledger.LEDGER]


def test_the_lock_is_not_taken_through_a_link(root: Path, tmp_path: Path) -> None:
    root.mkdir(parents=True)
    (root / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="a symbolic link is where a file belongs: remove it"), locked(root, "sync"):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", [".lock", ".holder.json"])
def test_a_directory_where_a_file_belongs_is_named(root: Path, name: str) -> None:
    (root / name).mkdir(parents=True)
    with (
        pytest.raises(UsageError, match=rf"{name}.*; a directory is where a file belongs: move it away"),
        locked(root, ""),
    ):
        pass


def test_a_file_where_the_directory_belongs_is_named(root: Path) -> None:
    root.parent.mkdir()
    root.write_text("a file")
    with pytest.raises(UsageError, match="a file is where a directory belongs: move it away"), locked(root, "sync"):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_not_another_run(root: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):
        with (
            pytest.raises(UsageError, match=r"cannot be locked .*the file system has no file locks: use"),
            locked(root, "sync"),
        ):
            pass
