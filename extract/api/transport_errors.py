"""Texts for failed connections: the type of the error and a fixed text, never the error's own text.

A library's text may repeat a request's headers (`Illegal header value b'Bearer …'`) or what a server sent. The texts here are
written to standard error, to the raw archive, and to health checks.
"""

import os
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from wattlog.api_json import MAX_BYTES

_TEXTS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.ReadTimeout, "no response in time"),
    (httpx.WriteTimeout, "the request could not be sent in time"),
    (httpx.PoolTimeout, "no free connection in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.ReadError, "the connection broke before the complete response came"),
    (httpx.WriteError, "the connection broke while the request was sent"),
    (httpx.CloseError, "the connection could not be closed"),
    (httpx.ProxyError, "the proxy refused the connection"),
    (httpx.UnsupportedProtocol, "the address begins with neither http:// nor https://"),
    (httpx.LocalProtocolError, "the request is not valid HTTP"),
    (httpx.RemoteProtocolError, "the response is not valid HTTP, or is incomplete"),
    (httpx.DecodingError, f"the body cannot be unpacked, or is larger than {MAX_BYTES} bytes"),
    (httpx.TooManyRedirects, "too many redirects"),
)
"""The first type that matches gives the text."""


def described(error: Exception) -> str:
    """The text of an error, such as `ConnectError: no connection (Connection refused)`."""
    text = next((text for kind, text in _TEXTS if isinstance(error, kind)), "the request failed")
    reason = next(filter(None, map(_system_reason, _chain(error))), None)
    return f"{type(error).__name__}: {text}" + (f" ({reason})" if reason else "")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _system_reason(error: BaseException) -> str | None:
    """The operating system's text for an error number, or a fixed text for TLS; none of it comes from the network."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the certificate is not valid"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return None
