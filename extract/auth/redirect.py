"""The redirect after a login: a page on this machine, or an address that the user pastes."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from extract.auth.oauth import LOGIN
from extract.errors import AuthExpired

PATH = "/callback"

LOOPBACK = frozenset({"localhost", "127.0.0.1"})
"""Names of this machine. A browser on another machine can only show the address, and the user pastes it."""

REQUEST_TIMEOUT_S = 5.0
"""A browser on this machine sends its request at once."""

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>wattlog</title></head><body><p>{}</p></body></html>
"""


def is_loopback(redirect_uri: str) -> bool:
    """Whether a page on this machine can have that address."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def code_in(redirected: str, state: str) -> str:
    """The code in the address that a browser was sent to.

    Args:
        redirected: The whole address, as the browser shows it.
        state: The `state` of this login.

    Raises:
        AuthExpired: The user refused, or the address belongs to another login.
    """
    fields = {name: values[0] for name, values in parse_qs(urlsplit(redirected.strip()).query).items()}
    if fields.get("state") != state:
        raise AuthExpired(
            LOGIN, "that address does not belong to this login; paste all of it, or run `wattlog login` again"
        )
    if "error" in fields:
        raise AuthExpired(LOGIN, f"login refused: {fields.get('error_description') or fields['error']}"[:200])
    if not fields.get("code"):
        raise AuthExpired(LOGIN, "the address has no code; run `wattlog login` again")
    return fields["code"]


@dataclass(slots=True)
class _Expected:
    """The redirect that is expected, and the one that came."""

    path: str
    state: str
    redirected: str | None = None
    came: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str) -> bool:
        """Take the address of a request if it is the redirect of this login, and the first one; returns whether it is."""
        parts = urlsplit(path)
        is_ours = bool(self.state) and parse_qs(parts.query).get("state") == [self.state]
        with self._lock:
            if parts.path != self.path or not is_ours or self.came.is_set():
                return False
            self.redirected = path
            self.came.set()
            return True


class RedirectListener:
    """Waits on a loopback port for the browser's redirect; to be used in a `with` block.

    Any request other than the first redirect of this login gets a 404; until that comes, the wait continues.

    Args:
        redirect_uri: A loopback address to listen at; a free port when not given.
    """

    def __init__(self, redirect_uri: str | None = None) -> None:
        parts = urlsplit(redirect_uri or f"http://localhost:0{PATH}")
        self._expected = _Expected(parts.path or "/", "")
        expected = self._expected

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_TIMEOUT_S

            def do_GET(self) -> None:
                _answer(self, expected)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing: the request line has the code."""

        # Browsers open connections in advance, on which nothing comes; each has its own thread.
        self._server = ThreadingHTTPServer(("127.0.0.1", parts.port if parts.port is not None else 80), Handler)
        self.redirect_uri = redirect_uri or f"http://localhost:{self._server.server_port}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="redirect", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def expect(self, state: str) -> None:
        """Begin to wait for the redirect of the login with this `state`."""
        self._expected.state = state

    def wait(self, timeout_s: float) -> str:
        """The address of the redirect.

        Raises:
            AuthExpired: None came in time.
        """
        until = time.monotonic() + timeout_s
        # In short waits, so that Ctrl-C ends them at once.
        while not self._expected.came.wait(0.2):
            if time.monotonic() > until:
                raise AuthExpired(LOGIN, f"no redirect came within {timeout_s:.0f} s; --paste needs no browser here")
        return self._expected.redirected or ""


def _answer(request: BaseHTTPRequestHandler, expected: _Expected) -> None:
    if expected.take(request.path):
        _send_page(request, 200, "Go back to wattlog; this page can be closed.")
    else:
        _send_page(request, 404, "This page only receives logins to wattlog.")


def _send_page(request: BaseHTTPRequestHandler, status: int, text: str) -> None:
    body = _PAGE.format(text).encode()
    request.send_response(status)
    for name, value in (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("Connection", "close"),
    ):
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
