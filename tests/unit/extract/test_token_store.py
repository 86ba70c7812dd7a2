"""Tokens on disk: whole or not at all, and nobody else's to read."""

import threading
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from extract.errors import TokenStoreFailed, TransportFailed
from extract.token_store import FileStore, KeyringStore, StoreKind, TokenStore, open_store, open_stores, slot_locked
from extract.tokens import Tokens

SLOT = "tesla"


class Memory(KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1

    def __init__(self, *, is_locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's
        self.held: dict[tuple[str, str], str] = {}
        self.is_locked = is_locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.is_locked:
            raise KeyringLocked("the words of a backend")
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    monkeypatch.setattr(keyring.core, "_keyring_backend", made)
    return made


@pytest.fixture(params=["file", "keyring"])
def store(request: pytest.FixtureRequest, tmp_path: Path, memory: Memory) -> TokenStore:
    assert memory.held == {}
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
    """Nothing is half written, and nothing lies about."""
    store = FileStore(tmp_path / "tokens")
    store.write(SLOT, Tokens("a"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TokenStoreFailed, match="No space left on device"):
        store.write(SLOT, Tokens("b"))
    assert store.read(SLOT) == Tokens("a")
    assert [each.name for each in (tmp_path / "tokens").iterdir()] == ["tesla.json"]


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    (tmp_path / ".tesla.json.0123").write_text("half a sec")
    (tmp_path / ".tesla-cn.json.0123").write_text("another login's")
    store.write(SLOT, Tokens("a"))
    assert sorted(each.name for each in tmp_path.iterdir()) == [".tesla-cn.json.0123", "tesla.json"]


def test_a_reader_sees_the_old_pair_or_the_new_one(tmp_path: Path) -> None:
    store, stop = FileStore(tmp_path), threading.Event()
    store.write(SLOT, Tokens("a" * 5000))
    seen: set[str] = set()

    def read() -> None:
        while not stop.is_set():
            held = store.read(SLOT)
            assert held is not None
            seen.add(held.access_token)

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
    with pytest.raises(TokenStoreFailed, match=r"tesla\.json: not tokens of wattlog"):
        FileStore(tmp_path).read(SLOT)


def test_a_locked_keyring_says_how_to_do_without(memory: Memory) -> None:
    memory.is_locked = True
    store = KeyringStore()
    for act in (lambda: store.read(SLOT), lambda: store.write(SLOT, Tokens("a")), lambda: store.remove(SLOT)):
        with pytest.raises(TokenStoreFailed, match=r"KeyringLocked.*WATTLOG_TOKEN_STORE"):
            act()


def test_the_keyring_is_first_where_there_is_one(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [each.kind for each in open_stores(StoreKind.AUTO, tmp_path)] == [StoreKind.KEYRING, StoreKind.FILE]
    assert memory.held == {}
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]  # keyring's
    assert [each.kind for each in open_stores(StoreKind.AUTO, tmp_path)] == [StoreKind.FILE]


def test_a_slot_is_held_by_one(tmp_path: Path) -> None:
    with slot_locked(tmp_path, SLOT):
        with slot_locked(tmp_path, "other"):
            pass
        with pytest.raises(TransportFailed, match="another process has held"), slot_locked(tmp_path, SLOT, 0.05):
            pass
    with slot_locked(tmp_path, SLOT, 0.05):
        pass
