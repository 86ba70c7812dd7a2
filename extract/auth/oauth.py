"""The OAuth endpoints of an authority: authorization code with PKCE, and refresh. The protocol is Authlib's.

After a refresh that failed, its token may be spent (Q29). The type of the error says whether it is:

* `TransportFailed`, `RateLimited`, `UpstreamFailed`: it is not; the same token can be sent again
* `LoginEnded`: it is no longer valid
* `RefreshUncertain`: it was sent, and no response came, or none that can be read
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from extract.api.patience import DEADLINE_S
from extract.api.transport import ACCEPTED, BoundedTransport
from extract.auth.tokens import USUAL_LIFE, Tokens, claims
from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshUncertain,
    TransportFailed,
    UpstreamFailed,
)
from wattlog.api_json import UnreadableJson, read_records
from wattlog.secret_text import NotSendable, masked, protect, sendable

TIMEOUT = httpx.Timeout(DEADLINE_S, connect=10.0)
"""Long, because after a timeout it is unknown whether the refresh token is spent."""

MAX_BYTES: Final = 1024 * 1024
"""Tokens and their envelope are a few kilobytes."""

REFRESH: Final = "token refresh"
LOGIN: Final = "login"

GATEWAY_STATUSES: Final = frozenset({502, 504})
"""With these a gateway reports that the server behind it failed; the server may have spent the token."""

FINAL_ERRORS: Final = frozenset({"invalid_grant", "login_required"})
"""`error` of a refresh token that is spent, expired or withdrawn (Q29, API.md#status-codes). Others mean wrong settings."""

LONGEST_LIFE_S: Final = 366 * 86_400.0
"""No access token is valid for longer; a larger number is an error of the response."""

_WHOLE_STRING = re.compile(r'"(?P<name>access_token|refresh_token)"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*")')

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_NO_AUTH = httpx.Auth()
"""The endpoints take the client's id and secret from the form, not from a header."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application at an authority.

    Attributes:
        token_url: Where codes and refresh tokens are exchanged for tokens.
        client_id: The application.
        authorize_url: Page where the user agrees.
        client_secret: Sent with a code; Tesla's refresh does not need it.
        transport: Replaces the network in tests.
    """

    token_url: str
    client_id: str
    authorize_url: str = ""
    client_secret: str | None = field(default=None, repr=False)
    transport: httpx.BaseTransport | None = None

    def authorization_url(self, redirect_uri: str, scopes: str, verifier: str) -> tuple[str, str]:
        """The address to open in a browser, and the `state` that its redirect must have.

        Args:
            redirect_uri: Where the browser is sent afterwards.
            scopes: The scopes to request, separated by blanks.
            verifier: The PKCE secret of this login (RFC 7636); its S256 hash is sent.
        """
        with httpx.Client() as http:
            url, state = _authlib(http, self.client_id).create_authorization_url(
                self.authorize_url, code_verifier=verifier, redirect_uri=redirect_uri, scope=scopes
            )
        return str(url), str(state)

    def exchange(self, code: str, redirect_uri: str, verifier: str, audience: str, now: datetime) -> Tokens:
        """The tokens for the code of a redirect.

        Raises:
            AuthExpired: The authority refuses the code or the application.
            Retryable: No response; the login must be started again, since a code can be used once.
        """

        def send(client: Any) -> Any:
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

        return self._tokens(LOGIN, send, (code, verifier, self.client_secret or ""), now)

    def refresh(self, refresh_token: str, now: datetime) -> Tokens:
        """The next pair for a refresh token, which is spent by it (Q29). The module's docstring explains the errors.

        After a response without a refresh token the old one stays valid (RFC 6749, section 6).
        """

        def send(client: Any) -> Any:
            return client.refresh_token(
                self.token_url, refresh_token=refresh_token, client_id=self.client_id, auth=_NO_AUTH
            )

        tokens = self._tokens(REFRESH, send, (refresh_token,), now)
        return tokens if tokens.refresh_token is not None else replace(tokens, refresh_token=refresh_token)

    def _tokens(self, what: str, send: Callable[[Any], Any], secrets: tuple[str, ...], now: datetime) -> Tokens:
        granted: dict[str, Any] = {}

        def check(response: httpx.Response) -> httpx.Response:
            """Read the tokens. Authlib, which may fail on other parts of the response, gets a simple one."""
            error = _judge(what, response, secrets)
            if error is not None:
                raise error
            granted.update(_granted(response.content))
            return httpx.Response(200, json={"access_token": "taken", "token_type": "Bearer"})

        try:
            transport = self.transport or BoundedTransport(max_bytes=MAX_BYTES)
            with httpx.Client(timeout=TIMEOUT, transport=transport, headers=ACCEPTED, follow_redirects=False) as http:
                client = _authlib(http, self.client_id)
                client.register_compliance_hook("access_token_response", check)
                client.register_compliance_hook("refresh_token_response", check)
                send(client)
        except _UNSENT as error:
            raise TransportFailed(what, type(error).__name__) from None
        except (httpx.HTTPError, ValueError) as error:
            raise RefreshUncertain(what, f"no response that can be read ({type(error).__name__})") from None
        access_token, refresh_token = _text(granted.get("access_token")), _text(granted.get("refresh_token"))
        if access_token is None and refresh_token is None:
            raise RefreshUncertain(what, "a response without tokens")
        _require_sendable(what, access_token, refresh_token)
        scopes = () if claims(access_token or "").get("scp") else tuple((_text(granted.get("scope")) or "").split())
        return Tokens(
            access_token or "",  # the next use of the refresh token gives one
            refresh_token,
            obtained_at=now,
            expires_at=_expiry(access_token or "", granted.get("expires_in"), now),
            client_id=self.client_id,
            scopes=scopes,
        )


def _granted(body: bytes) -> dict[str, Any]:
    """What a token endpoint granted, as far as it can be read; the refresh token that was sent is spent in any case.

    Of an incomplete body, complete tokens are used, but only with a refresh token: the old one is no longer valid, since the
    response would have had another.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        payload = json.loads(text)  # unlike orjson, it reads NaN and numbers that are too large
    except (ValueError, RecursionError):
        payload = {found["name"]: json.loads(found["value"], strict=False) for found in _WHOLE_STRING.finditer(text)}
        return payload if "refresh_token" in payload else {}
    return payload if isinstance(payload, dict) else {}


def _require_sendable(what: str, access_token: str | None, refresh_token: str | None) -> None:
    """Refuse tokens that no HTTP header can carry, and mask them from here on.

    Raises:
        AuthExpired: A token cannot be sent.
    """
    for name, token in (("access token", access_token), ("refresh token", refresh_token)):
        if token is None:
            continue
        protect(token)
        try:
            sendable(token)
        except NotSendable as error:
            raise AuthExpired(what, f"{what}: the token endpoint gave a wrong {name}: {error}") from None


def _text(value: object) -> str | None:
    """A text that is not empty and can be stored; None for anything else."""
    try:
        return value if isinstance(value, str) and value.encode() else None
    except UnicodeEncodeError:
        return None


def _expiry(access_token: str, life_s: object, now: datetime) -> datetime:
    """When an access token expires: by the response, else by its own claim, else after the usual life."""
    if isinstance(life_s, int | float) and not isinstance(life_s, bool) and 0 < life_s <= LONGEST_LIFE_S:
        return now + timedelta(seconds=life_s)
    return Tokens.of(access_token).expires_at or now + USUAL_LIFE


def _authlib(http: httpx.Client, client_id: str) -> Any:
    """Authlib's protocol over our httpx client; its own httpx integration is deprecated in favour of httpx2."""
    from authlib.oauth2.client import OAuth2Client  # a tenth of a second, needed about once in eight hours

    return OAuth2Client(http, client_id=client_id, code_challenge_method="S256")


def _judge(what: str, response: httpx.Response, secrets: tuple[str, ...]) -> ExtractError | None:
    """The error that a response of the token endpoint stands for; None for tokens."""
    status = response.status_code
    key, detail = _error_of(response)
    if status == 200 and not key:
        return None
    detail = masked(detail, secrets)[:200]
    if status == 429:
        return RateLimited(what, _seconds(response.headers.get("retry-after")))
    if status in GATEWAY_STATUSES:
        return RefreshUncertain(what, f"status {status}")
    if status >= 500 or status == 408:
        return UpstreamFailed(what, status, detail)
    return (LoginEnded if key in FINAL_ERRORS else AuthExpired)(what, f"{what}: {detail}")


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """The key `error`, and its text with the description."""
    try:
        payload, _ = read_records(response.content)
    except UnreadableJson:
        payload = None
    if not isinstance(payload, dict) or not payload.get("error"):
        return "", f"status {response.status_code}"
    key, description = str(payload["error"]), str(payload.get("error_description") or "")
    return key, f"{key}, {description}" if description else key


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else float(header)
    except ValueError:
        return None
