"""One HTTP client for every provider. It sends a request once and returns the response.

Retries and decisions are the task of `fetch`. No status and no failed connection is an exception here, because every response
is kept. `classify` decides whether the JSON of a series has data.
"""

import ssl
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple, Self
from urllib.parse import urlencode

import httpx

from extract.api.patience import DEADLINE_S, Patience
from extract.api.server_time import ServerTime
from extract.api.transport import ACCEPTED, BoundedTransport, limited
from extract.api.transport_errors import described
from extract.archive.personal_data import redacted, shared_ends_in
from extract.archive.raw_archive import Response
from extract.errors import AuthExpired
from extract.requests import PRODUCTS, Request
from wattlog.commands.answers import judge
from wattlog.secret_text import NotSendable, masked, masked_bytes, sendable

Clock = Callable[[], datetime]
Classify = Callable[[bytes, Request], str]
"""(body, request) → outcome: `data`, `no_data`, `wrong_window`, `not_json` or `contract`."""

TIMEOUT = httpx.Timeout(DEADLINE_S, connect=10.0, pool=None)
"""A connection that takes ten seconds will not be made."""

KEPT_HEADERS: Final = (
    "content-type",
    "date",
    "retry-after",
    "x-txid",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
)
"""Headers that explain a response later. None of them has a secret."""


def utc_now() -> datetime:
    """The system's clock, aware."""
    return datetime.now(UTC)


class Client:
    """A connection pool to one provider.

    Args:
        base_url: Scheme and host of the provider; `move` changes it.
        token: Gives the access token when a request is sent.
        user_agent: Sent with each request.
        classify: Returns the outcome of a body with status 200.
        clock: Gives the instant of each request; corrected where it is ahead of the server's.
        is_interrupted: Whether requests in flight are to end.
        transport: Replaces the network in tests.
        ssl_context: Which certificates are accepted; by default those of the environment.
        shared_vin_ends: The ends of VINs that several cars of the account have, where they are known already.

    Attributes:
        time: The present instant.
        shared_vin_ends: The same, by the newest list of products: responses name these cars by longer short forms.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        *,
        user_agent: str,
        classify: Classify,
        clock: Clock = utc_now,
        is_interrupted: Callable[[], bool] = lambda: False,
        transport: httpx.BaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
        shared_vin_ends: frozenset[str] = frozenset(),
    ) -> None:
        self._token = token
        self._classify = classify
        self.time = ServerTime(clock)
        self.shared_vin_ends = shared_vin_ends
        self._base_url = _normalized(base_url)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            transport=transport or BoundedTransport(Patience(is_interrupted=is_interrupted), ssl_context=ssl_context),
            headers={"User-Agent": user_agent, "Accept": "application/json", **ACCEPTED},
            follow_redirects=False,
        )
        self._headers = _Headers("", self._http.headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def base_url(self) -> str:
        """The address that requests go to, without a slash at the end."""
        return self._base_url

    def move(self, base_url: str) -> None:
        """Send requests to another address from now on, that of the account's region."""
        self._base_url = _normalized(base_url)

    def token(self) -> str:
        """The access token to send now."""
        return self._token()

    def send(self, request: Request, *, token: str | None = None, attempt: int = 1) -> Response:
        """Send a request once. A broken connection gives a response too, with status None and outcome `transport`.

        Args:
            request: The request.
            token: The access token to send; callers pass it if they need it when it is refused.
            attempt: Recorded with the response.

        Raises:
            AuthExpired: No header can carry the access token.
        """
        token = _sendable(token or self.token())
        asked_at, began = self.time.clock(), time.perf_counter()
        status: int | None = None
        headers: dict[str, str] = {}
        try:
            with closing(self._http.send(self._http_request(request, token), stream=True)) as response:
                body = b"".join(limited(response.iter_bytes()))
            status, received = response.status_code, dict(response.headers)
            self.time.note(received, asked_at)
            headers = {name: masked(received[name]) for name in KEPT_HEADERS if name in received}
            if request.path == PRODUCTS.path and status == HTTPStatus.OK:
                self.shared_vin_ends = shared_ends_in(body)
            # The outcome is that of the body that is kept, so reading the archive later gives the same.
            if request.is_kept:
                body = masked_bytes(redacted(request.path, body, self.shared_vin_ends))
            outcome = self._outcome(status, body, request)
        except httpx.HTTPError as error:
            body, outcome = described(error).encode(), "transport"
        return Response(
            request=request,
            requested_at=self.time.bounded(asked_at),
            elapsed_ms=(time.perf_counter() - began) * 1000,
            attempt=attempt,
            status=status,
            headers=headers,
            body=body,
            outcome=outcome,
        )

    def _outcome(self, status: int, body: bytes, request: Request) -> str:
        """The outcome of a response. What an answer to a command means does not depend on its status alone (Q53, Q62)."""
        if request.is_command:
            return judge(status, body).verdict
        return self._classify(body, request) if status == 200 else "error"

    def _http_request(self, request: Request, token: str) -> httpx.Request:
        """The request as httpx sends it. Its own `build_request` reads and writes the URL three times."""
        url = self.base_url + request.path
        if request.params:
            url += f"?{urlencode(request.params)}"
        headers = self._headers
        if headers.token != token:
            sent = httpx.Headers(self._http.headers)
            sent["Authorization"] = f"Bearer {token}"
            headers = self._headers = _Headers(token, sent)
        if request.body is None:
            return httpx.Request(request.method, url, headers=headers.sent, cookies=self._http.cookies)
        sent = httpx.Headers({**headers.sent, "Content-Type": "application/json"})
        return httpx.Request(request.method, url, headers=sent, cookies=self._http.cookies, content=request.body)


class _Headers(NamedTuple):
    """The headers of a request, made once for a token."""

    token: str
    sent: httpx.Headers


def _normalized(base_url: str) -> str:
    """An address as httpx writes it, without a slash at the end."""
    return str(httpx.URL(base_url)).rstrip("/")


def _sendable(token: str) -> str:
    """The token, if a header can carry it. Tokens are checked when they enter; this is the last check before they are sent."""
    try:
        return sendable(token)
    except NotSendable as error:
        raise AuthExpired("account", f"the access token cannot be sent: {error}") from None
