"""Who is let in: tokens are issued, rotated, checked and, once spent, recognised (Q29).

The authority knows nothing of HTTP; `oauth` serves it. All of its state is in memory and follows from what was asked, so
the same requests get the same codes and tokens.
"""

import math
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from extract.simulator.access_tokens import signed, verified
from extract.simulator.query import ApiError
from extract.simulator.world import World

DEMO_REFRESH_TOKEN = "wattlog-demo-refresh-token"  # noqa: S105 - opens nothing but the simulator on this machine
"""A refresh token that any client may use, once."""

READ_SCOPE = "energy_device_data"
"""What every GET of an energy site needs. Source: API.md §1.0."""

OWNER_CLIENT = "ownerapi"
"""Client of the Owner API, which knows no energy scopes and lets its tokens read everything."""

CODE_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class OAuthSetup:
    """What an authority is told.

    Attributes:
        expires_in_s: Life of an access token; the real one is eight hours (API.md §1.0).
        refresh_days: Life of a refresh token; the real one is three months (API.md §1.8).
        client_ids: The clients known; none listed means any.
        static_token_s: How long the world's own access token is let in, from the start; None for ever.
    """

    expires_in_s: int = 28_800
    refresh_days: int = 90
    client_ids: tuple[str, ...] = ()
    static_token_s: float | None = None


class RefreshOutcome(StrEnum):
    """What became of a refresh token that was sent."""

    ROTATED = "rotated"
    SPENT = "spent"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token was sent; the log holds its hash alone."""

    token_sha256: str
    outcome: RefreshOutcome
    instant: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """What an authorization request asked for; its code stands for it."""

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
        refresh_token: None when the client did not ask for `offline_access`.
        expires_in_s: Life of the access token.
    """

    access_token: str
    refresh_token: str | None
    expires_in_s: int


@dataclass(slots=True)
class _RefreshToken:
    client_id: str | None
    scopes: tuple[str, ...]
    instant: datetime
    is_spent: bool = False


class OAuthError(Exception):
    """The token endpoint says no: `status`, `error`, and a sentence."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description


class Authority:
    """Issues codes and tokens and checks them.

    Asked by one server's event loop only; `refreshes` may be read from anywhere.

    Args:
        world: The account: its scopes, of which a client gets those that it asks for, its region, and its own token.
        clock: Gives "now", aware.
        setup: How long things live.
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
        """Every refresh token that was sent, in order; a copy."""
        return list(self._refreshes)

    def check_client(self, client_id: str | None) -> str:
        """The client, if it is known.

        Raises:
            OAuthError: 400 `unauthorized_client`.
        """
        if not client_id or (self.setup.client_ids and client_id not in self.setup.client_ids):
            raise OAuthError(400, "unauthorized_client", "client_id is not known here")
        return client_id

    def authorize(self, client_id: str, redirect_uri: str, scopes: tuple[str, ...], challenge: str | None) -> str:
        """The person agreed: a code that is good once, for five minutes."""
        code = self._secret("code")
        granted = tuple(each for each in scopes if each in self._world.scopes)
        self._logins[code] = Login(client_id, redirect_uri, granted, challenge, self._clock())
        return code

    def exchange(self, client_id: str, code: str, redirect_uri: str | None, verifier: str | None) -> Grant:
        """A code becomes tokens, once; a wrong try spends it too.

        Raises:
            OAuthError: 400 naming what does not fit.
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
        """A refresh token becomes a new pair, once (Q29).

        Raises:
            OAuthError: 401 `login_required` when it is spent, unknown or too old.
        """
        held = self._refresh_tokens.get(token)
        outcome = self._outcome(held)
        self._refreshes.append(Refresh(sha256(token.encode()).hexdigest(), outcome, self._clock()))
        if held is None or outcome is not RefreshOutcome.ROTATED:
            raise OAuthError(401, "login_required", "log in again, or the refresh_token has already been used")
        if held.client_id not in {None, client_id}:
            raise OAuthError(400, "unauthorized_client", "the refresh_token belongs to another client")
        held.is_spent = True
        return self._grant(client_id or OWNER_CLIENT, held.scopes)

    def check_token(self, token: str | None, now: datetime) -> None:
        """Let a token read the account.

        Raises:
            ApiError: 401 when it is missing, unknown or expired; 403 when it lacks `READ_SCOPE`.
        """
        if token is None:
            raise ApiError(401, "missing_token")
        expires_s, scopes = self._static() if token == self._world.access_token else _read(token)
        if now.timestamp() >= expires_s:
            raise ApiError(401, "token expired (401)")
        if READ_SCOPE not in scopes:
            raise ApiError(403, "Unauthorized missing scopes")

    def _static(self) -> tuple[float, tuple[str, ...]]:
        life_s = math.inf if self.setup.static_token_s is None else self.setup.static_token_s
        return self._started.timestamp() + life_s, self._world.scopes

    def _outcome(self, held: _RefreshToken | None) -> RefreshOutcome:
        if held is None:
            return RefreshOutcome.UNKNOWN
        if held.is_spent:
            return RefreshOutcome.SPENT
        is_old = self._clock() > held.instant + timedelta(days=self.setup.refresh_days)
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
        """A text that was not given before; it begins with the region, as Tesla's do."""
        self._issued += 1
        return f"{self._world.region.upper()}_{sha256(f'{purpose} {self._issued}'.encode()).hexdigest()}"


def _read(access_token: str) -> tuple[float, tuple[str, ...]]:
    """Expiry and scopes of a token that was issued here; the Owner API's client reads without the scope."""
    claims = verified(access_token)
    if claims is None:
        raise ApiError(401, "invalid bearer token")
    scopes = tuple(claims["scp"])
    return claims["exp"], (*scopes, READ_SCOPE) if claims["azp"] == OWNER_CLIENT else scopes


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
