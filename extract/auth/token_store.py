"""Where tokens are stored: the system's keyring if there is one, else a file that only its owner can read.

A slot is the name of one login. A file is replaced as a whole: a new file is written, flushed, and renamed, and the directory
is flushed. Its mode is 0600, in a directory of 0700, from its first byte on.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from filelock import Timeout

from extract.auth.tokens import Tokens, digest
from extract.errors import TokenStoreFailed, TransportFailed
from wattlog import durable
from wattlog.file_locks import file_lock

log = logging.getLogger(__name__)

SERVICE = "wattlog"
"""The keyring lists wattlog's entries under this name."""

LOCK_WAIT_S = 180.0
"""Longer than any refresh can take (`oauth.TIMEOUT`)."""


RESERVED_BYTES = 16 * 1024
"""Space for new tokens, reserved before a refresh token is spent: several times the size of a stored login."""

OTHERS = 0o077
"""Bits of a mode that give rights to others than the owner."""

Keep = Callable[[Tokens], None]
"""Writes tokens into the reserved space."""


class StoreKind(StrEnum):
    """Values of WATTLOG_TOKEN_STORE."""

    AUTO = "auto"
    KEYRING = "keyring"
    FILE = "file"


class TokenStore(Protocol):
    """Stores tokens by slot."""

    kind: StoreKind

    def read(self, slot: str) -> Tokens | None:
        """The tokens of the slot; None if it is empty."""

    def write(self, slot: str, tokens: Tokens) -> None:
        """Replace the tokens of the slot; they are stored when this returns."""

    def reserved(self, slot: str) -> AbstractContextManager[Keep]:
        """Reserve space for the slot's next tokens, and yield the function that writes them, even to a full disk.

        Raises:
            TokenStoreFailed: There is no space.
        """

    def recover(self, slot: str) -> None:
        """Finish a write of new tokens that was interrupted, if there was one."""

    def remove(self, slot: str) -> bool:
        """Empty the slot; returns whether it had tokens."""

    def place(self, slot: str) -> str:
        """Where the slot is, as text."""


class FileStore:
    """Tokens as files of one directory, made when something is written."""

    kind = StoreKind.FILE

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, slot: str) -> Tokens | None:
        """See `TokenStore`."""
        path = self._path(slot)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                stored = file.read()
            if mode & OTHERS:
                raise TokenStoreFailed(
                    str(path), f"others can read it (mode {mode & 0o777:04o}); run `chmod 600 {path}`"
                )
            return Tokens.from_json(stored)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenStoreFailed(str(path), f"cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise TokenStoreFailed(str(path), f"{error}; {_LOG_IN_AGAIN}") from None

    def write(self, slot: str, tokens: Tokens) -> None:
        """See `TokenStore`."""
        path = self._path(slot)
        try:
            private_directory(self._directory)
            durable.replace(path, tokens.to_json())
        except OSError as error:
            raise TokenStoreFailed(str(path), f"cannot be written ({error.strerror})") from None

    @contextmanager
    def reserved(self, slot: str) -> Iterator[Keep]:
        """See `TokenStore`."""
        path, room, is_kept = self._path(slot), self._room(slot), False
        try:
            private_directory(self._directory)
            durable.create(room, bytes(RESERVED_BYTES))
        except OSError as error:
            with suppress(OSError):
                room.unlink(missing_ok=True)
            because = f"has no space for new tokens ({error.strerror}), so none were requested"
            raise TokenStoreFailed(str(path), because) from None

        def keep(tokens: Tokens) -> None:
            nonlocal is_kept
            is_kept = True  # from here on, the reserved file may have the only copy
            self._keep(slot, tokens)

        try:
            yield keep
        finally:
            if not is_kept:
                with suppress(OSError):
                    room.unlink(missing_ok=True)

    def recover(self, slot: str) -> None:
        """See `TokenStore`."""
        try:
            found = Tokens.from_json(self._room(slot).read_bytes().rstrip(b"\0"))
        except (OSError, ValueError):
            return  # there is no file, or an incomplete one
        stored = self.read(slot)
        begun_at = None if stored is None else stored.refresh_begun_at
        if begun_at is None or found.obtained_at is None or found.obtained_at < begun_at:
            return
        self._keep(slot, found)

    def _keep(self, slot: str, tokens: Tokens) -> None:
        """Write tokens into the reserved file, and replace the slot's file by it."""
        path, room = self._path(slot), self._room(slot)
        try:
            durable.overwrite(room, tokens.to_json())
            durable.publish(room, path)
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

    def _room(self, slot: str) -> Path:
        return self._directory / f".{slot}.reserved"


class KeyringStore:
    """Tokens in the system's keyring (Secret Service, KWallet, macOS Keychain).

    A keyring may be locked between the moment at which a refresh token is spent and the moment at which the new pair is
    written. The pair is then written to a private file, which is used until the keyring accepts it.

    Args:
        config_dir: Where files and locks are. Another directory has other locks, so its login is another one.
    """

    kind = StoreKind.KEYRING

    def __init__(self, config_dir: Path) -> None:
        self._rescued = FileStore(config_dir / "tokens" / "rescued")
        self._owner = digest(str(config_dir.resolve()))[:8]

    def read(self, slot: str) -> Tokens | None:
        """See `TokenStore`."""
        rescued = self._rescued.read(slot)
        if rescued is not None:
            return rescued
        import keyring  # takes a quarter of a second, which a run with a token from the environment does not need
        from keyring.errors import KeyringError

        try:
            stored = keyring.get_password(SERVICE, self._name(slot))
            return None if stored is None else Tokens.from_json(stored)
        except ValueError as error:
            raise TokenStoreFailed(self.place(slot), f"{error}; {_LOG_IN_AGAIN}") from None
        except KeyringError as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None

    def write(self, slot: str, tokens: Tokens) -> None:
        """See `TokenStore`."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, self._name(slot), tokens.to_json().decode())
        except KeyringError as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None
        self._rescued.remove(slot)

    @contextmanager
    def reserved(self, slot: str) -> Iterator[Keep]:
        """See `TokenStore`."""
        with self._rescued.reserved(slot) as keep_in_file:

            def keep(tokens: Tokens) -> None:
                try:
                    self.write(slot, tokens)
                except Exception as error:  # noqa: BLE001 - backends raise any error, and the pair must not be lost
                    log.warning("the keyring failed error=%s kept=%s", type(error).__name__, self._rescued.place(slot))
                    keep_in_file(tokens)

            yield keep

    def recover(self, slot: str) -> None:
        """See `TokenStore`."""
        self._rescued.recover(slot)

    def remove(self, slot: str) -> bool:
        """See `TokenStore`."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, self._name(slot))
        except PasswordDeleteError:
            return self._rescued.remove(slot)
        except KeyringError as error:
            raise TokenStoreFailed(self.place(slot), _reason(error)) from None
        self._rescued.remove(slot)
        return True

    def place(self, slot: str) -> str:
        """See `TokenStore`."""
        return f"system keyring, service {SERVICE}, name {self._name(slot)}"

    def _name(self, slot: str) -> str:
        return f"{slot}-{self._owner}"


_LOG_IN_AGAIN = "run `wattlog logout` and then `wattlog login`"


def _reason(error: Exception) -> str:
    """Only the class of a keyring's error: its text may be anything."""
    return f"cannot be used ({type(error).__name__})"


def keyring_is_usable() -> bool:
    """Whether this session has a keyring that stores what it is given."""
    import keyring

    found = keyring.get_keyring()
    # Backends that store nothing (`fail`, `null`) have priorities of zero and below.
    return float(found.priority) > 0


def open_stores(kind: StoreKind, config_dir: Path) -> list[TokenStore]:
    """The stores to read, the one for new logins first."""
    file = FileStore(config_dir / "tokens")
    if kind is StoreKind.FILE:
        return [file]
    if kind is StoreKind.KEYRING:
        return [KeyringStore(config_dir)]
    return [KeyringStore(config_dir), file] if keyring_is_usable() else [file]


def open_store(kind: StoreKind, config_dir: Path) -> TokenStore:
    """The one store of a kind other than `auto`."""
    return open_stores(kind, config_dir)[0]


@contextmanager
def slot_locked(config_dir: Path, slot: str, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Lock a slot against all other processes; the system releases the lock if the process ends.

    Raises:
        TransportFailed: Another process had the lock for `wait_s`.
        TokenStoreFailed: The lock file cannot be made.
    """
    path = config_dir / "tokens" / f"{slot}.lock"
    try:
        private_directory(path.parent)
        lock = file_lock(path, timeout_s=wait_s)
        lock.acquire()
    except Timeout:
        raise TransportFailed("token refresh", f"another process has locked {path} for {wait_s:.0f} s") from None
    except OSError as error:
        raise TokenStoreFailed(str(path), f"cannot be locked ({error.strerror}); {durable.advice(error)}") from None
    try:
        yield
    finally:
        lock.release()


def private_directory(path: Path) -> None:
    """Make a directory that only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & OTHERS:
        path.chmod(durable.PRIVATE_DIRECTORY)
