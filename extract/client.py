"""One HTTP client for every provider: asks once, and reports whatever came.

It neither retries nor judges (`fetch` does both); it never raises for an answer or for the lack of one, because both are
kept. What it knows of bodies it is told: `classify` says whether JSON of a series holds data.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

import httpx

from extract.archive import Exchange
from extract.redact import redacted
from extract.series import Request

Clock = Callable[[], datetime]
Classify = Callable[[bytes, Request], str]
"""(body, request) → outcome: `data`, `no_data`, `wrong_window`, `not_json` or `contract`."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)
"""A year of a slow site may take most of a minute to come; a connection that takes ten seconds will not come at all."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""A five-minute day is about 0.2 MB, a lifetime far less; past this the answer is a fault, and memory is worth more."""

KEPT_HEADERS = (
    "content-type",
    "date",
    "retry-after",
    "x-txid",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
)
"""Headers that explain an answer later. None of them carries a secret."""


def utc_now() -> datetime:
    """The system's clock, aware."""
    return datetime.now(UTC)


class Client:
    """A connection pool to one provider.

    Args:
        base_url: Scheme and host of the provider; `move` changes it.
        token: Gives the access token when a request is sent.
        user_agent: Sent with each request.
        classify: Says what a body with status 200 holds.
        clock: Gives the instant of each request.
        transport: Replaces the network in tests.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        *,
        user_agent: str,
        classify: Classify,
        clock: Clock = utc_now,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._token = token
        self._classify = classify
        self._clock = clock
        self._http = httpx.Client(
            base_url=base_url.rstrip("/"),
            timeout=TIMEOUT,
            transport=transport,
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def base_url(self) -> str:
        """The address that is asked, without a slash at the end."""
        return str(self._http.base_url).rstrip("/")

    def move(self, base_url: str) -> None:
        """Ask another address from now on: the account lives in another region."""
        self._http.base_url = base_url.rstrip("/")

    def token(self) -> str:
        """The access token to send now."""
        return self._token()

    def send(self, request: Request, *, token: str | None = None, attempt: int = 1) -> Exchange:
        """Ask once. A broken connection is an exchange too, with status None and outcome `transport`.

        Args:
            request: What to ask.
            token: The access token to send, for callers that want to know which one was refused.
            attempt: Recorded with the exchange.
        """
        token = token or self.token()
        requested_at, began = self._clock(), time.perf_counter()
        status: int | None = None
        headers: dict[str, str] = {}
        try:
            with self._http.stream(
                "GET",
                request.path,
                params=dict(request.params),
                headers={"Authorization": f"Bearer {token}"},
            ) as response:
                body = _whole_body(response)
            status = response.status_code
            headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            outcome = self._classify(body, request) if status == 200 else "error"
            body = redacted(request.path, body)
        except httpx.HTTPError as error:
            body, outcome = f"{type(error).__name__}: {error}".encode(), "transport"
        return Exchange(
            request=request,
            requested_at=requested_at,
            elapsed_ms=(time.perf_counter() - began) * 1000,
            attempt=attempt,
            status=status,
            headers=headers,
            body=body,
            outcome=outcome,
        )


def _whole_body(response: httpx.Response) -> bytes:
    """The body, all of it, within `MAX_BODY_BYTES`."""
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise httpx.DecodingError(f"the body is larger than {MAX_BODY_BYTES} bytes", request=response.request)
        parts.append(part)
    return b"".join(parts)
