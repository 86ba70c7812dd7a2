"""The bearer token of a request: given, or kept from a login and renewed when it is due.

Everything that changes tokens goes through `renewal`; this module only reads the store, so it never holds a token that is
not on disk.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from extract.errors import AuthExpired, LoginEnded, Retryable
from extract.providers import Authority
from extract.renewal import Renewal, renew_detached
from extract.token_store import TokenStore
from extract.tokens import Tokens, digest

log = logging.getLogger(__name__)

TRY_AGAIN_S = 60.0
"""After a refresh that failed while the old token still works, the next try waits this long."""

Renew = Callable[[Renewal], None]


class Credentials(Protocol):
    """Gives the bearer token."""

    def token(self) -> str:
        """The token to send now.

        Raises:
            AuthExpired: There is none, and none can be had without a person.
            Retryable: None could be had this time.
        """

    def renew(self, rejected: str) -> bool:
        """See to it that `token` gives another one than `rejected`; returns whether it does.

        Raises:
            AuthExpired: None can be had without a person.
            Retryable: None could be had this time.
        """

    def tokens(self) -> Tokens:
        """What is known of the token.

        Raises:
            AuthExpired: There is none.
        """

    @property
    def place(self) -> str:
        """Where the tokens come from, in words."""


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token that somebody handed over; it is used until the API refuses it."""

    access_token: str = field(repr=False)
    place: str

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
        store: Holds the tokens.
        slot: The login's name in the store.
        authority: Who renews it.
        client_id: The application, where the stored tokens name none.
        config_dir: Where locks are.
        clock: Gives the instant.
        seed: What to begin with when the slot is empty: tokens from the environment.
        how: Does a renewal; tests replace it.
    """

    store: TokenStore
    slot: str
    authority: Authority
    client_id: str
    config_dir: Path
    clock: Callable[[], datetime]
    seed: Tokens | None = field(default=None, repr=False)
    how: Renew = renew_detached
    _held: Tokens | None = field(default=None, init=False, repr=False)
    _not_before: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def token(self) -> str:
        """See `Credentials`."""
        with self._lock:
            held, now = self._held or self._read(), self.clock()
            if held.is_expiring(now) and held.refresh_token is not None and self._is_time(now):
                held = self._read()  # another process may have been there already
                held = self._renewed_if_possible(held, now) if held.is_expiring(now) else held
            if not held.access_token:
                raise self._over(held.ended_because or "there is no access token")
            return held.access_token

    def renew(self, rejected: str) -> bool:
        """See `Credentials`. Callers that were refused the same token are served by one refresh."""
        with self._lock:
            held = self._read()
            if held.access_token == rejected:
                held = self._renewed(held)
            return held.access_token != rejected

    def tokens(self) -> Tokens:
        """See `Credentials`."""
        with self._lock:
            return self._held or self._read()

    @property
    def place(self) -> str:
        """See `Credentials`."""
        stored = self.store.place(self.slot)
        return stored if self.seed is None else f"environment (WATTLOG_REFRESH_TOKEN), renewed in {stored}"

    def _read(self) -> Tokens:
        held = self.store.read(self.slot) or self.seed
        if held is None:
            raise AuthExpired("account", "no tokens are stored and none is set")
        self._held = held
        return held

    def _is_time(self, now: datetime) -> bool:
        return self._not_before is None or now >= self._not_before

    def _renewed_if_possible(self, held: Tokens, now: datetime) -> Tokens:
        """Renewed ahead of time; when that fails and the old token still works, the old one."""
        try:
            return self._renewed(held)
        except (Retryable, AuthExpired) as error:
            if held.is_expired(now):
                raise
            log.warning("token not renewed, the old one is still good until=%s: %s", held.expires_at, error)
            self._not_before = now + timedelta(seconds=TRY_AGAIN_S)
            return held

    def _renewed(self, held: Tokens) -> Tokens:
        if held.refresh_token is None:
            if held.ended_because is not None:
                raise self._over(held.ended_because)
            return held
        renewal = Renewal(
            store=self.store.kind,
            config_dir=self.config_dir,
            slot=self.slot,
            token_url=self.authority.token_url,
            client_id=self.client_id,
            retry_grace_s=self.authority.retry_grace_s,
            rejected_sha256=digest(held.access_token),
            now=self.clock(),
            seed=None if self.seed is None else self.seed.refresh_token,
        )
        try:
            self.how(renewal)
        except LoginEnded as error:
            raise self._over(error.detail) from None
        return self._read()

    def _over(self, detail: str) -> LoginEnded:
        """The end of the login; of a seed it says, too, that a new login would stand in its shadow."""
        if self.seed is not None:
            detail += "; WATTLOG_REFRESH_TOKEN is used up: unset or replace it"
        return LoginEnded("account", detail)


def login_in(stores: Sequence[TokenStore], slot: str) -> TokenStore | None:
    """The first store that holds the slot."""
    return next((store for store in stores if store.read(slot) is not None), None)
