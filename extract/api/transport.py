"""The network below httpx, for responses of any server: bounded in time and in size.

httpx limits single reads, not a request, and unpacks a whole piece of a body at once, so a few kilobytes may become gigabytes.
Here a request has a deadline (`Patience`), and a body is unpacked in pieces and counted while it is read.
"""

import ssl
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from extract.api.patience import Patience
from extract.api.sockets import PatientBackend
from wattlog.api_json import MAX_BYTES

ACCEPTED: Final = {"Accept-Encoding": "gzip"}
"""Header to send: the one encoding that `BoundedTransport` unpacks. A body in another one is passed on as it came."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 64 * 1024
"""So much is unpacked at a time."""

_ERRORS: Final[dict[type[Exception], type[httpx.RequestError]]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


class BoundedTransport(httpx.BaseTransport):
    """Sends requests. Thread-safe. Proxies and certificates are those of the environment, as with httpx itself.

    Args:
        patience: Limits the time of each request.
        max_bytes: The largest body, unpacked.
        ssl_context: Which certificates are accepted; by default those of the environment.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._max_bytes = max_bytes
        self._ssl_context = ssl_context
        self._proxies = getproxies()
        self._pools: dict[tuple[bool, str | None], httpcore.ConnectionPool] = {}
        self._making = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. The body of the response is read by its reader, in the same thread."""
        self._patience.begin()
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _mapped():
            response = self._pool(url).handle_request(sent)
        headers = httpx.Headers(response.headers)
        encodings = [name.strip().lower() for name in headers.pop("content-encoding", "").split(",") if name.strip()]
        return httpx.Response(
            response.status,
            headers=headers,
            stream=_Body(response, encodings, self._max_bytes),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        with self._making:
            for pool in self._pools.values():
                pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        is_secure, proxy = url.scheme == "https", self._proxy_for(url)
        with self._making:
            pool = self._pools.get((is_secure, proxy))
            if pool is None:
                pool = self._pools[is_secure, proxy] = httpcore.ConnectionPool(
                    # Loading the certificates takes longer than a request to this machine.
                    ssl_context=(self._ssl_context or httpx.create_ssl_context()) if is_secure else None,
                    proxy=None if proxy is None else _proxy(proxy),
                    max_connections=None,
                    max_keepalive_connections=64,
                    keepalive_expiry=5.0,
                    network_backend=PatientBackend(self._patience),
                )
            return pool

    def _proxy_for(self, url: httpx.URL) -> str | None:
        if not self._proxies or proxy_bypass(url.host):
            return None
        found = self._proxies.get(url.scheme) or self._proxies.get("all")
        return f"http://{found}" if found and "://" not in found else found


def _proxy(address: str) -> httpcore.Proxy:
    proxy = httpx.Proxy(address)
    url = httpcore.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    return httpcore.Proxy(url, auth=proxy.raw_auth)


class _Body(httpx.SyncByteStream):
    """A body, unpacked while it is read.

    Raises:
        httpx.DecodingError: It cannot be unpacked, or is too large.
    """

    def __init__(self, response: httpcore.Response, encodings: list[str], max_bytes: int) -> None:
        self._response = response
        self._encodings = encodings
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        stream: Any = self._response.stream
        parts: Iterable[bytes] = stream
        if all(name in _GZIP for name in self._encodings):
            for _ in self._encodings:
                parts = unpacked(limited(parts, self._max_bytes))
        with _mapped():
            yield from limited(parts, self._max_bytes)

    def close(self) -> None:
        self._response.close()


def limited(parts: Iterable[bytes], max_bytes: int = MAX_BYTES) -> Iterator[bytes]:
    """The parts of a body, as long as they are no larger in sum than `max_bytes`.

    Raises:
        httpx.DecodingError: They are.
    """
    size = 0
    for part in parts:
        size += len(part)
        if size > max_bytes:
            raise httpx.DecodingError(f"the body is larger than {max_bytes} bytes")
        yield part


def unpacked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a body that is packed with gzip.

    Raises:
        httpx.DecodingError: It is not, or it is incomplete.
    """
    inflate, is_empty = zlib.decompressobj(_GZIP_BITS), True
    for part in parts:
        is_empty = is_empty and not part
        rest = part
        while rest and not inflate.eof:
            try:
                yield inflate.decompress(rest, _PIECE)
            except zlib.error:
                raise httpx.DecodingError("the body is not gzip") from None
            rest = inflate.unconsumed_tail
    yield inflate.flush()
    if not is_empty and not inflate.eof:
        raise httpx.DecodingError("the body is incomplete gzip")


@contextmanager
def _mapped() -> Iterator[None]:
    """Errors of httpcore as those of httpx."""
    try:
        yield
    except tuple(_ERRORS) as error:
        raise _ERRORS[type(error)](str(error)) from error
