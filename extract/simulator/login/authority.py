"""Authorization: tokens are issued, rotated, and checked; a refresh token works once (Q29).

This module has no HTTP; `oauth` serves it. Its state is in memory and depends only on the requests so far, so the same
requests get the same codes and tokens.
"""

import math
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from extract.simulator.endpoints.query import ApiError
from extract.simulator.login.access_tokens import signed, verified
from extract.simulator.worlds.world import World
from wattlog.providers import COMMAND_SCOPE, READ_SCOPE, VEHICLE_SCOPES

DEMO_REFRESH_TOKEN = "wattlog-demo-refresh-token"  # noqa: S105 - valid for the simulator only
"""A refresh token that every client may use once."""

OWNER_CLIENT = "ownerapi"
"""Client id of the Owner API, which has no energy scopes: its tokens may read everything."""

CODE_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class OAuthSetup:
    """Lifetimes of tokens, and the known clients.

    Attributes:
        expires_in_s: Lifetime of an access token; eight hours in the real API (API.md#login).
        refresh_days: Lifetime of a refresh token; three months in the real API (API.md#login).
        client_ids: The known clients; empty means that all clients are accepted.
        static_token_s: For how long the world's own access token is accepted, from the start; None: without end.
    """

    expires_in_s: int = 28_800
    refresh_days: int = 90
    client_ids: tuple[str, ...] = ()
    static_token_s: float | None = None


class RefreshOutcome(StrEnum):
    """Outcome of a request with a refresh token."""

    ROTATED = "rotated"
    REUSED = "reused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A request with a refresh token; only the hash of the token is kept."""

    token_sha256: str
    outcome: RefreshOutcome
    instant: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """An authorization request, identified by the code that was issued for it."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    instant: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens.

    Attributes:
        access_token: A JWT.
        refresh_token: None if the client did not request the scope `offline_access`.
        expires_in_s: Lifetime of the access token.
    """

    access_token: str
    refresh_token: str | None
    expires_in_s: int


@dataclass(slots=True)
class _RefreshToken:
    client_id: str | None
    scopes: tuple[str, ...]
    instant: datetime
    is_used: bool = False


class OAuthError(Exception):
    """An error of the token endpoint: `status`, `error`, and a sentence."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description


class Authority:
    """Issues and checks codes and tokens.

    Only for the event loop of one server; `refreshes` may be read from any thread.

    Args:
        world: The account: its scopes, of which a client gets the requested ones, its region, and its own token.
        clock: Returns the current instant, aware.
        setup: Lifetimes of tokens, and the known clients.
    """

    def __init__(self, world: World, clock: Callable[[], datetime], setup: OAuthSetup | None = None) -> None:
        self.setup = setup or OAuthSetup()
        self._world = world
        self._clock = clock
        self._started = clock()
        self._issued = 0
        self._logins: dict[str, Login] = {}
        self._refreshes: list[Refresh] = []
        self._refresh_tokens = {DEMO_REFRESH_TOKEN: _RefreshToken(None, world.scopes, self._started)}

    @property
    def refreshes(self) -> list[Refresh]:
        """Every request with a refresh token, in order; a copy."""
        return list(self._refreshes)

    def check_client(self, client_id: str | None) -> str:
        """The client id, if it is known.

        Raises:
            OAuthError: 400 `unauthorized_client`.
        """
        if not client_id or (self.setup.client_ids and client_id not in self.setup.client_ids):
            raise OAuthError(400, "unauthorized_client", "client_id is not known here")
        return client_id

    def authorize(self, client_id: str, redirect_uri: str, scopes: tuple[str, ...], challenge: str | None) -> str:
        """The owner agreed: returns a code that can be used once, within five minutes."""
        code = self._secret("code")
        granted = tuple(scope for scope in scopes if scope in self._world.offered_scopes)
        self._logins[code] = Login(client_id, redirect_uri, granted, challenge, self._clock())
        return code

    def exchange(self, client_id: str, code: str, redirect_uri: str | None, verifier: str | None) -> Grant:
        """Issue tokens for a code. A code works once; a failed attempt uses it up, too.

        Raises:
            OAuthError: 400, with the parameter that does not match.
        """
        login = self._logins.pop(code, None)
        if login is None or self._clock() > login.instant + timedelta(seconds=CODE_LIFE_S):
            raise OAuthError(400, "invalid_auth_code", "the code is unknown, used or too old; log in again")
        if client_id != login.client_id:
            raise OAuthError(400, "unauthorized_client", "the code was given to another client")
        if redirect_uri != login.redirect_uri:
            raise OAuthError(400, "invalid_redirect_url", "redirect_uri is not the one of the authorization request")
        if login.challenge is not None and (verifier is None or challenge_of(verifier) != login.challenge):
            raise OAuthError(400, "invalid_grant", "code_verifier does not fit code_challenge")
        return self._grant(login.client_id, login.scopes)

    def refresh(self, client_id: str | None, token: str) -> Grant:
        """Issue a new pair of tokens for a refresh token, which works once (Q29).

        Raises:
            OAuthError: 401 `login_required` if it is already used, unknown, or expired.
        """
        known = self._refresh_tokens.get(token)
        outcome = self._outcome(known)
        self._refreshes.append(Refresh(sha256(token.encode()).hexdigest(), outcome, self._clock()))
        if known is None or outcome is not RefreshOutcome.ROTATED:
            raise OAuthError(401, "login_required", "log in again, or the refresh_token has already been used")
        if known.client_id not in {None, client_id}:
            raise OAuthError(400, "unauthorized_client", "the refresh_token belongs to another client")
        known.is_used = True
        return self._grant(client_id or OWNER_CLIENT, known.scopes)

    def check_token(self, token: str | None, now: datetime, scope: str = READ_SCOPE) -> None:
        """Check that a token has a scope.

        Raises:
            ApiError: 401, the token is missing, unknown, or expired; 403, it does not have the scope.
        """
        if token is None:
            raise ApiError(401, "missing_token")
        expires_s, scopes = self._static() if token == self._world.access_token else _read(token)
        if now.timestamp() >= expires_s:
            raise ApiError(401, "token expired (401)")
        if scope not in scopes:
            raise ApiError(403, "Unauthorized missing scopes")

    def _static(self) -> tuple[float, tuple[str, ...]]:
        life_s = math.inf if self.setup.static_token_s is None else self.setup.static_token_s
        return self._started.timestamp() + life_s, self._world.scopes

    def _outcome(self, known: _RefreshToken | None) -> RefreshOutcome:
        if known is None:
            return RefreshOutcome.UNKNOWN
        if known.is_used:
            return RefreshOutcome.REUSED
        is_old = self._clock() > known.instant + timedelta(days=self.setup.refresh_days)
        return RefreshOutcome.EXPIRED if is_old else RefreshOutcome.ROTATED

    def _grant(self, client_id: str, scopes: tuple[str, ...]) -> Grant:
        now_s = int(self._clock().timestamp())
        access_token = signed(
            {
                "iss": "simulator",
                "azp": client_id,
                "sub": "0f5f6a3e-simulated-account",
                "scp": list(scopes),
                "ou_code": self._world.region.upper(),
                "iat": now_s,
                "exp": now_s + self.setup.expires_in_s,
                "jti": self._secret("access"),
            }
        )
        refresh_token = None
        if "offline_access" in scopes:
            refresh_token = self._secret("refresh")
            self._refresh_tokens[refresh_token] = _RefreshToken(client_id, scopes, self._clock())
        return Grant(access_token, refresh_token, self.setup.expires_in_s)

    def _secret(self, purpose: str) -> str:
        """A new code or token; it begins with the region, as Tesla's do."""
        self._issued += 1
        return f"{self._world.region.upper()}_{sha256(f'{purpose} {self._issued}'.encode()).hexdigest()}"


def _read(access_token: str) -> tuple[float, tuple[str, ...]]:
    """Expiry and scopes of an issued token; tokens of the Owner API's client need no scope."""
    claims = verified(access_token)
    if claims is None:
        raise ApiError(401, "invalid bearer token")
    scopes = tuple(claims["scp"])
    return claims["exp"], (*scopes, READ_SCOPE, COMMAND_SCOPE, *VEHICLE_SCOPES) if claims[
        "azp"
    ] == OWNER_CLIENT else scopes


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
