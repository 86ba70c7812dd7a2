"""Where tokens are kept: the system's keyring where there is one, else a file that nobody else may read.

A slot is the name of one login. A file is replaced as a whole: written beside, flushed, renamed, the directory flushed; its
mode is 0600 in a directory of 0700 from its first byte on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from filelock import FileLock, Timeout

from extract.errors import TokenStoreFailed, TransportFailed
from extract.tokens import Tokens

SERVICE = "wattlog"
"""Under this name the keyring lists what wattlog stores."""

LOCK_WAIT_S = 180.0
"""Longer than any refresh can take (`oauth.TIMEOUT`): who still waits then waits for something else."""


class StoreKind(StrEnum):
    """Values of WATTLOG_TOKEN_STORE."""

    AUTO = "auto"
    KEYRING = "keyring"
    FILE = "file"


class TokenStore(Protocol):
    """Holds tokens by slot."""

    kind: StoreKind

    def read(self, slot: str) -> Tokens | None:
        """What the slot holds; None when it is empty."""

    def write(self, slot: str, tokens: Tokens) -> None:
        """Replace what the slot holds; it is kept when this returns."""

    def remove(self, slot: str) -> bool:
        """Empty the slot; returns whether it held anything."""

    def place(self, slot: str) -> str:
        """Where the slot is, in words."""


class FileStore:
    """Tokens as files of one directory, made when something is written."""

    kind = StoreKind.FILE

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, slot: str) -> Tokens | None:
        """See `TokenStore`."""
        path = self._path(slot)
        try:
            return Tokens.from_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenStoreFailed(str(path), f"cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise TokenStoreFailed(str(path), str(error)) from None

    def write(self, slot: str, tokens: Tokens) -> None:
        """See `TokenStore`."""
        path = self._path(slot)
        try:
            private_directory(self._directory)
            _replace(path, tokens.to_json())
        except OSError as error:
            raise TokenStoreFailed(str(path), f"cannot be written ({error.strerror})") from None

    def remove(self, slot: str) -> bool:
        """See `TokenStore`."""
        path = self._path(slot)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise TokenStoreFailed(str(path), f"cannot be removed ({error.strerror})") from None
        return True

    def place(self, slot: str) -> str:
        """See `TokenStore`."""
        return f"file {self._path(slot)}"

    def _path(self, slot: str) -> Path:
        return self._directory / f"{slot}.json"


class KeyringStore:
    """Tokens in the system's keyring (Secret Service, KWallet, macOS Keychain)."""

    kind = StoreKind.KEYRING

    def read(self, slot: str) -> Tokens | None:
        """See `TokenStore`."""
        import keyring  # a quarter of a second, which a run with a token from the environment need not pay
        from keyring.errors import KeyringError

        try:
            stored = keyring.get_password(SERVICE, slot)
            return None if stored is None else Tokens.from_json(stored)
        except (KeyringError, ValueError) as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None

    def write(self, slot: str, tokens: Tokens) -> None:
        """See `TokenStore`."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, slot, tokens.to_json().decode())
        except KeyringError as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None

    def remove(self, slot: str) -> bool:
        """See `TokenStore`."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, slot)
        except PasswordDeleteError:
            return False
        except KeyringError as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None
        return True

    def place(self, slot: str) -> str:
        """See `TokenStore`."""
        return f"system keyring, service {SERVICE}, name {slot}"


def _reason(error: Exception) -> str:
    """A keyring's errors are many; their class says more than their text, and the text may be anything."""
    return f"cannot be used ({type(error).__name__})"


def keyring_is_usable() -> bool:
    """Whether this session has a keyring that keeps what it is given."""
    import keyring

    found = keyring.get_keyring()
    # Backends without a keeper behind them (`fail`, `null`) have priorities of zero and below.
    return float(found.priority) > 0


def open_stores(kind: StoreKind, config_dir: Path) -> list[TokenStore]:
    """The stores to look into, the one for new logins first."""
    file = FileStore(config_dir / "tokens")
    if kind is StoreKind.FILE:
        return [file]
    if kind is StoreKind.KEYRING:
        return [KeyringStore()]
    return [KeyringStore(), file] if keyring_is_usable() else [file]


def open_store(kind: StoreKind, config_dir: Path) -> TokenStore:
    """The one store of a kind other than `auto`."""
    return open_stores(kind, config_dir)[0]


@contextmanager
def slot_locked(config_dir: Path, slot: str, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold a slot against every other process, wherever its tokens are kept; dropped by the system when its holder dies.

    Raises:
        TransportFailed: Another process held it for `wait_s`.
        TokenStoreFailed: The lock file cannot be made.
    """
    path = config_dir / "tokens" / f"{slot}.lock"
    try:
        private_directory(path.parent)
        lock = FileLock(path, timeout=wait_s, mode=0o600)
        lock.acquire()
    except Timeout:
        raise TransportFailed("token refresh", f"another process has held {path} for {wait_s:.0f} s") from None
    except OSError as error:
        raise TokenStoreFailed(str(path), f"cannot be locked ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def private_directory(path: Path) -> None:
    """Make a directory that only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


def _replace(path: Path, content: bytes) -> None:
    """Make `content` the file's, whole or not at all. Writers hold the slot, so leftovers beside it are a killed one's."""
    for leftover in path.parent.glob(f".{path.name}.*"):
        leftover.unlink(missing_ok=True)
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _flush_directory(path.parent)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
