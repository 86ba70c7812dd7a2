"""Where a browser is sent after a login: a page on this machine, or an address that a person brings back."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from extract.errors import AuthExpired
from extract.oauth import LOGIN

PATH = "/callback"

LOOPBACK = frozenset({"localhost", "127.0.0.1"})
"""Names of this machine. A browser elsewhere can only show the address; a person has to bring it back."""

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>wattlog</title></head><body><p>{}</p></body></html>
"""


def is_loopback(redirect_uri: str) -> bool:
    """Whether a browser on this machine can be received at that address."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def code_in(redirected: str, state: str) -> str:
    """The code in the address that a browser was sent to.

    Args:
        redirected: The whole address, as it stands in the browser.
        state: What this login was begun with.

    Raises:
        AuthExpired: The person said no, or the address is not the answer to this login.
    """
    asked = {name: values[0] for name, values in parse_qs(urlsplit(redirected.strip()).query).items()}
    if asked.get("state") != state:
        raise AuthExpired(LOGIN, "that address is not the answer to this login; paste the whole address, or begin anew")
    if "error" in asked:
        raise AuthExpired(LOGIN, f"login refused: {asked.get('error_description') or asked['error']}"[:200])
    if not asked.get("code"):
        raise AuthExpired(LOGIN, "the address holds no code; begin anew")
    return asked["code"]


@dataclass(slots=True)
class _Expected:
    """What a browser has to bring, and what it brought."""

    path: str
    state: str
    redirected: str | None = None
    came: threading.Event = field(default_factory=threading.Event)


class RedirectListener:
    """Waits on a loopback port for the browser to come back; to be used in a `with` block.

    Only the answer to this very login counts: whoever else knocks gets a 404, and the wait goes on.

    Args:
        redirect_uri: A loopback address to listen at; a free port when not given.
    """

    def __init__(self, redirect_uri: str | None = None) -> None:
        parts = urlsplit(redirect_uri or f"http://localhost:0{PATH}")
        self._expected = _Expected(parts.path or "/", "")
        expected = self._expected

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _answer(self, expected)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the request line holds the code."""

        self._server = HTTPServer(("127.0.0.1", parts.port if parts.port is not None else 80), Handler)
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
        """Begin to wait for the answer to the login with this `state`."""
        self._expected.state = state

    def wait(self, timeout_s: float) -> str:
        """The address that the browser came to.

        Raises:
            AuthExpired: Nobody came in time.
        """
        until = time.monotonic() + timeout_s
        # In short waits, so that Ctrl-C is heard at once.
        while not self._expected.came.wait(0.2):
            if time.monotonic() > until:
                raise AuthExpired(LOGIN, f"no browser came back within {timeout_s:.0f} s; --paste needs none here")
        return self._expected.redirected or ""


def _answer(request: BaseHTTPRequestHandler, expected: _Expected) -> None:
    parts = urlsplit(request.path)
    came = bool(expected.state) and parse_qs(parts.query).get("state") == [expected.state]
    if parts.path != expected.path or not came:
        _say(request, 404, "This page waits for a login to wattlog and for nothing else.")
        return
    _say(request, 200, "Back to wattlog: this page can be closed.")
    expected.redirected = request.path
    expected.came.set()


def _say(request: BaseHTTPRequestHandler, status: int, words: str) -> None:
    body = _PAGE.format(words).encode()
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
