"""The OAuth endpoints of an authority: authorization code with PKCE, and refresh. The protocol is Authlib's.

What matters about a refresh that failed is whether its token was spent (Q29), so each failure says so by its type:

* `TransportFailed`, `RateLimited`, `UpstreamFailed`: it was not; the same token is good for another try
* `LoginEnded`: it is of no use any more
* `RefreshInDoubt`: it was sent and no answer came, or none that can be read
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import orjson

from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshInDoubt,
    TransportFailed,
    UpstreamFailed,
)
from extract.tokens import Tokens, claims

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Patience is cheap here: giving up on an answer leaves a refresh token in doubt."""

REFRESH: Final = "token refresh"
LOGIN: Final = "login"

GATEWAY_STATUSES: Final = frozenset({502, 504})
"""A gateway speaks for a server of which it does not know what it did."""

FINAL_ERRORS: Final = frozenset({"invalid_grant", "login_required"})
"""`error` of a refresh token that is spent, expired or withdrawn (API.md §1.0, §1.7). Others name a wrong setting."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_NO_AUTH = httpx.Auth()
"""The endpoints want the client's id and secret in the form, not in a header."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application at an authority.

    Attributes:
        token_url: Where codes and refresh tokens become tokens.
        client_id: The application.
        authorize_url: Where a person agrees.
        client_secret: Sent with a code; Tesla's refresh does without.
        transport: Replaces the network in tests.
    """

    token_url: str
    client_id: str
    authorize_url: str = ""
    client_secret: str | None = field(default=None, repr=False)
    transport: httpx.BaseTransport | None = None

    def authorization_url(self, redirect_uri: str, scopes: str, verifier: str) -> tuple[str, str]:
        """Where to send a person, and the `state` that comes back with them.

        Args:
            redirect_uri: Where the person is sent afterwards.
            scopes: What to ask for, separated by blanks.
            verifier: The PKCE secret of this login (RFC 7636); its S256 hash goes along.
        """
        with httpx.Client() as http:
            url, state = _authlib(http, self.client_id).create_authorization_url(
                self.authorize_url, code_verifier=verifier, redirect_uri=redirect_uri, scope=scopes
            )
        return str(url), str(state)

    def exchange(self, code: str, redirect_uri: str, verifier: str, audience: str, now: datetime) -> Tokens:
        """The tokens for the code that a person came back with.

        Raises:
            AuthExpired: The authority does not take the code, or the application.
            Retryable: No answer; the login has to be begun anew, since a code is good once.
        """

        def ask(client: Any) -> Any:
            return client.fetch_token(
                self.token_url,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
                audience=audience,
                client_id=self.client_id,
                client_secret=self.client_secret,
                auth=_NO_AUTH,
            )

        return self._tokens(LOGIN, ask, (code, verifier, self.client_secret or ""), now)

    def refresh(self, refresh_token: str, now: datetime) -> Tokens:
        """The next pair for a refresh token, which is spent by it (Q29). See the module for what the errors mean."""

        def ask(client: Any) -> Any:
            return client.refresh_token(
                self.token_url, refresh_token=refresh_token, client_id=self.client_id, auth=_NO_AUTH
            )

        return self._tokens(REFRESH, ask, (refresh_token,), now)

    def _tokens(self, what: str, ask: Callable[[Any], Any], secrets: tuple[str, ...], now: datetime) -> Tokens:
        def check(response: httpx.Response) -> httpx.Response:
            error = _judge(what, response, secrets)
            if error is not None:
                raise error
            return response

        try:
            with httpx.Client(timeout=TIMEOUT, transport=self.transport, follow_redirects=False) as http:
                client = _authlib(http, self.client_id)
                client.register_compliance_hook("access_token_response", check)
                client.register_compliance_hook("refresh_token_response", check)
                granted = ask(client)
        except _UNSENT as error:
            raise TransportFailed(what, type(error).__name__) from None
        except (httpx.HTTPError, ValueError) as error:
            raise RefreshInDoubt(what, f"no answer that can be read ({type(error).__name__})") from None
        if not isinstance(granted.get("access_token"), str):
            raise RefreshInDoubt(what, "an answer without tokens")
        return self._named(granted, now)

    def _named(self, granted: Any, now: datetime) -> Tokens:
        """The answer as tokens; an expiry that the answer does not give is the token's own."""
        access_token = granted["access_token"]
        life_s = granted.get("expires_in")
        if isinstance(life_s, bool) or not isinstance(life_s, int | float):
            expires_at = Tokens.of(access_token).expires_at
        else:
            expires_at = now + timedelta(seconds=life_s)
        scopes = () if claims(access_token).get("scp") else tuple(str(granted.get("scope") or "").split())
        return Tokens(
            access_token,
            granted.get("refresh_token"),
            obtained_at=now,
            expires_at=expires_at,
            client_id=self.client_id,
            scopes=scopes,
        )


def _authlib(http: httpx.Client, client_id: str) -> Any:
    """Authlib's protocol over our httpx client; its own httpx integration is deprecated in favour of httpx2."""
    from authlib.oauth2.client import OAuth2Client  # a tenth of a second, needed about once in eight hours

    return OAuth2Client(http, client_id=client_id, code_challenge_method="S256")


def _judge(what: str, response: httpx.Response, secrets: tuple[str, ...]) -> ExtractError | None:
    """The error that an answer of the token endpoint stands for; None for tokens."""
    status = response.status_code
    key, detail = _error_of(response)
    if status == 200 and not key:
        return None
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "…")
    detail = detail[:200]
    if status == 429:
        return RateLimited(what, _seconds(response.headers.get("retry-after")))
    if status in GATEWAY_STATUSES:
        return RefreshInDoubt(what, f"status {status}")
    if status >= 500 or status == 408:
        return UpstreamFailed(what, status, detail)
    return (LoginEnded if key in FINAL_ERRORS else AuthExpired)(what, f"{what}: {detail}")


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """`error`, and it with its description."""
    try:
        told = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not told.get("error"):
        return "", f"status {response.status_code}"
    key, description = str(told["error"]), str(told.get("error_description") or "")
    return key, f"{key}, {description}" if description else key


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else float(header)
    except ValueError:
        return None
