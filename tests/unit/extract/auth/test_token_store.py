"""Tokens on disk: complete or not at all, and readable only by their owner."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from extract.auth.token_store import (
    RESERVED_BYTES,
    FileStore,
    KeyringStore,
    StoreKind,
    TokenStore,
    open_store,
    open_stores,
    slot_locked,
)
from extract.auth.tokens import Tokens
from extract.errors import TokenStoreFailed, TransportFailed

SLOT = "tesla"
NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)


class Memory(KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1

    def __init__(self, *, is_locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's
        self.stored: dict[tuple[str, str], str] = {}
        self.is_locked = is_locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        if self.stored.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    monkeypatch.setattr(keyring.core, "_keyring_backend", made)
    return made


@pytest.fixture(params=["file", "keyring"])
def store(request: pytest.FixtureRequest, tmp_path: Path, memory: Memory) -> TokenStore:
    assert memory.stored == {}
    return open_store(StoreKind(request.param), tmp_path)


def test_what_is_written_is_read(store: TokenStore) -> None:
    assert store.read(SLOT) is None
    store.write(SLOT, Tokens("a", "r"))
    store.write(SLOT, Tokens("b", "s"))
    assert store.read(SLOT) == Tokens("b", "s")
    assert store.read("other") is None
    assert store.remove(SLOT)
    assert not store.remove(SLOT)
    assert store.read(SLOT) is None


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    """0600 in 0700, whatever the umask, and a directory that was open before is closed."""
    (tmp_path / "tokens").mkdir(mode=0o755)
    open_store(StoreKind.FILE, tmp_path).write(SLOT, Tokens("a"))
    assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "tokens" / "tesla.json").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is incomplete, and no other file is left."""
    store = FileStore(tmp_path / "tokens")
    store.write(SLOT, Tokens("a"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TokenStoreFailed, match="No space left on device"):
        store.write(SLOT, Tokens("b"))
    assert store.read(SLOT) == Tokens("a")
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["tesla.json"]


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    (tmp_path / ".tesla.json.0123.unfinished").write_text("half a sec")
    (tmp_path / ".tesla-cn.json.0123.unfinished").write_text("another login's")
    store.write(SLOT, Tokens("a"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tesla-cn.json.0123.unfinished", "tesla.json"]


def test_a_reader_sees_the_old_pair_or_the_new_one(tmp_path: Path) -> None:
    store, stop = FileStore(tmp_path), threading.Event()
    store.write(SLOT, Tokens("a" * 5000))
    seen: set[str] = set()

    def read() -> None:
        while not stop.is_set():
            stored = store.read(SLOT)
            assert stored is not None
            seen.add(stored.access_token)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        store.write(SLOT, Tokens("ab"[turn % 2] * 5000))
    stop.set()
    reader.join()
    assert seen <= {"a" * 5000, "b" * 5000}
    assert seen


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"access_token": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """And its content is not."""
    (tmp_path / "tesla.json").write_bytes(content)
    (tmp_path / "tesla.json").chmod(0o600)
    with pytest.raises(TokenStoreFailed, match=r"tesla\.json: not tokens of wattlog"):
        FileStore(tmp_path).read(SLOT)


def test_the_error_of_a_locked_keyring_names_the_settings(tmp_path: Path, memory: Memory) -> None:
    memory.is_locked = True
    store = KeyringStore(tmp_path)
    for act in (lambda: store.read(SLOT), lambda: store.write(SLOT, Tokens("a")), lambda: store.remove(SLOT)):
        with pytest.raises(TokenStoreFailed, match=r"KeyringLocked.*WATTLOG_TOKEN_STORE"):
            act()


def test_the_keyring_is_first_where_there_is_one(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [store.kind for store in open_stores(StoreKind.AUTO, tmp_path)] == [StoreKind.KEYRING, StoreKind.FILE]
    assert memory.stored == {}
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]  # keyring's
    assert [store.kind for store in open_stores(StoreKind.AUTO, tmp_path)] == [StoreKind.FILE]


def test_a_slot_is_locked_by_one_process(tmp_path: Path) -> None:
    with slot_locked(tmp_path, SLOT):
        with slot_locked(tmp_path, "other"):
            pass
        with pytest.raises(TransportFailed, match="another process has locked"), slot_locked(tmp_path, SLOT, 0.05):
            pass
    with slot_locked(tmp_path, SLOT, 0.05):
        pass


def test_new_tokens_are_written_into_the_reserved_space(store: TokenStore) -> None:
    store.write(SLOT, Tokens("a"))
    with store.reserved(SLOT) as keep:
        assert store.read(SLOT) == Tokens("a")
        keep(Tokens("b"))
        assert store.read(SLOT) == Tokens("b")
    assert store.read(SLOT) == Tokens("b")


def test_unused_space_is_released(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "tokens")
    store.write(SLOT, Tokens("a"))
    with pytest.raises(LookupError), store.reserved(SLOT):
        raise LookupError
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["tesla.json"]


def disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no file is made."""
    opening = os.open

    def full(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return opening(path, flags, mode)

    monkeypatch.setattr("os.open", full)


def test_a_full_disk_is_an_error_before_the_refresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "tokens")
    store.write(SLOT, Tokens("a"))
    disk_is_full(monkeypatch)
    with pytest.raises(
        TokenStoreFailed, match=r"no space for new tokens \(No space left on device\), so none were requested"
    ):
        store.reserved(SLOT).__enter__()
    assert store.read(SLOT) == Tokens("a")


def test_a_disk_that_fills_up_meanwhile_takes_the_new_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, fresh = FileStore(tmp_path / "tokens"), Tokens("b" * 5000, "r" * 5000)
    store.write(SLOT, Tokens("a"))
    with store.reserved(SLOT) as keep:
        assert (tmp_path / "tokens" / ".tesla.reserved").stat().st_size == RESERVED_BYTES
        disk_is_full(monkeypatch)
        with pytest.raises(TokenStoreFailed):
            store.write(SLOT, fresh)
        keep(fresh)
    assert store.read(SLOT) == fresh
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["tesla.json"]
    assert (tmp_path / "tokens" / "tesla.json").stat().st_mode & 0o777 == 0o600


def test_an_interrupted_write_is_finished(tmp_path: Path) -> None:
    """The new pair is in the reserved file, followed by zeros, and the note says that a refresh began."""
    store = FileStore(tmp_path)
    fresh = Tokens("b", "next", obtained_at=NOW)
    store.write(SLOT, Tokens("a", "r", refresh_begun_at=NOW))
    (tmp_path / ".tesla.reserved").write_bytes(fresh.to_json().ljust(RESERVED_BYTES, b"\0"))
    store.recover(SLOT)
    assert store.read(SLOT) == fresh
    assert [path.name for path in tmp_path.iterdir()] == ["tesla.json"]


@pytest.mark.parametrize(
    ("stored", "room"),
    [
        (Tokens("a", "r", refresh_begun_at=NOW), b""),
        (Tokens("a", "r", refresh_begun_at=NOW), bytes(RESERVED_BYTES)),
        (Tokens("a", "r", refresh_begun_at=NOW), Tokens("b", "s", obtained_at=NOW).to_json()[:-20]),
        (Tokens("a", "r", refresh_begun_at=NOW), Tokens("b", "s", obtained_at=NOW - timedelta(seconds=1)).to_json()),
        (Tokens("a", "r"), Tokens("b", "s", obtained_at=NOW).to_json()),
    ],
    ids=["empty", "unused", "half", "older", "no refresh had begun"],
)
def test_only_a_newer_pair_replaces_the_stored_one(tmp_path: Path, stored: Tokens, room: bytes) -> None:
    store = FileStore(tmp_path)
    store.write(SLOT, stored)
    (tmp_path / ".tesla.reserved").write_bytes(room)
    store.recover(SLOT)
    assert store.read(SLOT) == stored


@pytest.mark.parametrize("failure", [KeyringLocked("locked meanwhile"), RuntimeError("the bus is gone")])
def test_a_keyring_that_fails_after_the_token_was_spent_loses_nothing(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """The pair is used from a private file until the keyring accepts tokens again."""
    store, taking = KeyringStore(tmp_path), memory.set_password
    store.write(SLOT, Tokens("a"))

    def fails(*_: str) -> None:
        raise failure

    with store.reserved(SLOT) as keep:
        monkeypatch.setattr(memory, "set_password", fails)
        keep(Tokens("b", "next"))
    file = tmp_path / "tokens" / "rescued" / "tesla.json"
    assert KeyringStore(tmp_path).read(SLOT) == Tokens("b", "next")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    monkeypatch.setattr(memory, "set_password", taking)
    store.write(SLOT, Tokens("c"))
    assert not file.exists()
    assert store.read(SLOT) == Tokens("c")


def test_two_accounts_of_one_machine_do_not_share_a_keyring_entry(tmp_path: Path, memory: Memory) -> None:
    """Each configuration directory has locks of its own, so its login is its own, too."""
    mine, yours = KeyringStore(tmp_path / "mine"), KeyringStore(tmp_path / "yours")
    mine.write(SLOT, Tokens("a"))
    yours.write(SLOT, Tokens("b"))
    assert (mine.read(SLOT), yours.read(SLOT)) == (Tokens("a"), Tokens("b"))
    assert yours.remove(SLOT)
    assert mine.read(SLOT) == Tokens("a")
    assert len(memory.stored) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The sentence has the mode and the command; after it the file is read."""
    store = FileStore(tmp_path / "tokens")
    store.write(SLOT, Tokens("access", "refresh"))
    path = tmp_path / "tokens" / f"{SLOT}.json"
    path.chmod(mode)
    with pytest.raises(TokenStoreFailed, match=rf"mode {mode:04o}\); run `chmod 600 {path}`") as raised:
        store.read(SLOT)
    assert "refresh" not in str(raised.value)
    path.chmod(0o600)
    assert store.read(SLOT) == Tokens("access", "refresh")
