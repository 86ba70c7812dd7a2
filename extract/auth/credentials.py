"""The bearer token of a request: given, or stored by a login and renewed when it is due.

Only `renewal` changes tokens. This module only reads the store, so every token that it returns is on disk.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from extract.auth.renewal import Renewal, renew_detached
from extract.auth.token_store import TokenStore
from extract.auth.tokens import Tokens, digest
from extract.errors import AuthExpired, LoginEnded, Retryable, TokenStoreFailed
from wattlog.providers import Authority
from wattlog.secret_text import protect

log = logging.getLogger(__name__)

TRY_AGAIN_S = 60.0
"""After a refresh that failed while the old token still works, the next try waits this long."""

Renew = Callable[[Renewal], None]


class Credentials(Protocol):
    """Gives the bearer token."""

    def token(self) -> str:
        """The token to send now.

        Raises:
            AuthExpired: There is none, and a new one needs a login.
            Retryable: There is none now; another attempt may succeed.
        """

    def renew(self, rejected: str) -> bool:
        """Replace the token `rejected`, if that is still the one in use; returns whether `token` now gives another.

        Raises:
            AuthExpired: A new token needs a login.
            Retryable: There is none now; another attempt may succeed.
        """

    def tokens(self) -> Tokens:
        """The token with its times and scopes.

        Raises:
            AuthExpired: There is none.
        """

    @property
    def place(self) -> str:
        """Where the tokens come from, as text."""


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token from the environment or standard input; it is used until the API refuses it."""

    access_token: str = field(repr=False)
    place: str

    def __post_init__(self) -> None:
        protect(self.access_token)

    def token(self) -> str:
        """See `Credentials`."""
        return self.access_token

    def renew(self, rejected: str) -> bool:
        """See `Credentials`."""
        return self.access_token != rejected

    def tokens(self) -> Tokens:
        """See `Credentials`."""
        return Tokens.of(self.access_token)


@dataclass(slots=True)
class Login:
    """Tokens from the store, renewed when they are due or refused. Thread-safe.

    Attributes:
        store: The store of the tokens.
        slot: The login's name in the store.
        authority: The service that renews it.
        client_id: The application, if the stored tokens have none.
        config_dir: Where locks are.
        clock: Gives the instant.
        seed: Tokens from the environment, used while the slot is empty.
        how: Function that renews; tests replace it.
    """

    store: TokenStore
    slot: str
    authority: Authority
    client_id: str
    config_dir: Path
    clock: Callable[[], datetime]
    seed: Tokens | None = field(default=None, repr=False)
    how: Renew = renew_detached
    _cached: Tokens | None = field(default=None, init=False, repr=False)
    _not_before: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def token(self) -> str:
        """See `Credentials`."""
        with self._lock:
            stored, now = self._cached or self._read(), self.clock()
            if stored.is_expiring(now) and stored.refresh_token is not None and self._is_time(now):
                stored = self._read()  # another process may have renewed it
                stored = self._renewed_if_possible(stored, now) if stored.is_expiring(now) else stored
            if not stored.access_token:
                raise self._ended(stored.ended_because or "there is no access token")
            return stored.access_token

    def renew(self, rejected: str) -> bool:
        """See `Credentials`. One refresh serves all callers whose common token was refused."""
        with self._lock:
            stored = self._read()
            if stored.access_token == rejected:
                stored = self._renewed(stored)
            return stored.access_token != rejected

    def tokens(self) -> Tokens:
        """See `Credentials`."""
        with self._lock:
            return self._cached or self._read()

    @property
    def place(self) -> str:
        """See `Credentials`."""
        stored = self.store.place(self.slot)
        return stored if self.seed is None else f"environment (WATTLOG_REFRESH_TOKEN), renewed in {stored}"

    def _read(self) -> Tokens:
        stored = self.store.read(self.slot) or self.seed
        if stored is None:
            raise AuthExpired("account", "no tokens are stored and none is set")
        self._cached = stored
        return stored

    def _is_time(self, now: datetime) -> bool:
        return self._not_before is None or now >= self._not_before

    def _renewed_if_possible(self, stored: Tokens, now: datetime) -> Tokens:
        """The renewed tokens; if that fails and the old token is still valid, the old one."""
        try:
            return self._renewed(stored)
        except (Retryable, AuthExpired, TokenStoreFailed) as error:
            if stored.is_expired(now):
                raise
            log.warning("token not renewed, the old one is still valid until=%s: %s", stored.expires_at, error)
            self._not_before = now + timedelta(seconds=TRY_AGAIN_S)
            return stored

    def _renewed(self, stored: Tokens) -> Tokens:
        if stored.refresh_token is None:
            if stored.ended_because is not None:
                raise self._ended(stored.ended_because)
            return stored
        renewal = Renewal(
            store=self.store.kind,
            config_dir=self.config_dir,
            slot=self.slot,
            token_url=self.authority.token_url,
            client_id=self.client_id,
            retry_grace_s=self.authority.retry_grace_s,
            rejected_sha256=digest(stored.access_token),
            now=self.clock(),
            seed=None if self.seed is None else self.seed.refresh_token,
        )
        try:
            self.how(renewal)
        except LoginEnded as error:
            raise self._ended(error.detail) from None
        return self._read()

    def _ended(self, detail: str) -> LoginEnded:
        """The error of an ended login; with a seed, it says that the seed would be preferred to a new login."""
        if self.seed is not None:
            detail += "; WATTLOG_REFRESH_TOKEN is used up: unset or replace it"
        return LoginEnded("account", detail)


def login_in(stores: Sequence[TokenStore], slot: str) -> TokenStore | None:
    """The first store that has the slot."""
    return next((store for store in stores if store.read(slot) is not None), None)
