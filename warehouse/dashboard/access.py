"""Who may use the dashboard, and what a page of it may do: one ASGI layer around the application.

A page is read-only and needs no login on the machine itself. Other dangers remain there: a website that a browser has open can
send requests to loopback addresses, and by DNS rebinding even read the answers. So a request must name a host that is this
machine's, and a request with a body must come from one of our own pages. On any other address a token is needed as well.
"""

import hmac
import ipaddress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_PARAMETER = "token"  # noqa: S105 - the name of a parameter
MAX_BODY_BYTES = 100_000

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only files of this server, and nothing inline but style attributes: the charts' SVG has some."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the dashboard.

    Attributes:
        hosts: Names of this machine that a request may be addressed to, besides addresses in numbers and `localhost`.
        token: What a browser must have shown once; None where everyone on the address may look.
        cookie: Name of the cookie that then holds it. Cookies are the same for all ports, so the name has the port.
    """

    hosts: frozenset[str] = frozenset()
    token: str | None = None
    cookie: str = "wattlog_dashboard"

    def is_known_host(self, header: str | None) -> bool:
        """Whether a request's `Host` is this machine: DNS rebinding needs a name, which then is in the header."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def is_token(self, given: str | None) -> bool:
        """Whether a text is the token, compared in constant time."""
        return self.token is not None and given is not None and hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """ASGI layer that refuses what `Access` does not allow, and adds the headers of every response."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = self._refused(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        """The response to a request that is not passed on; None for all others."""
        headers = Headers(scope=scope)
        host = headers.get("host")
        if not self._access.is_known_host(host):
            return PlainTextResponse("this is not an address of the dashboard\n", 421)
        if self._access.token is not None and not self._access.is_token(self._of_cookie(headers)):
            return self._admitted(scope)
        if scope["method"] in _READS:
            return None
        if scope["method"] != "POST":
            return PlainTextResponse("the dashboard is read-only\n", 405, {"allow": "GET, HEAD, POST"})
        return _refused_body(headers, host)

    def _admitted(self, scope: Scope) -> Response:
        """The first visit: the token moves from the address to a cookie, so that it is in no history and no log."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == TOKEN_PARAMETER), None)
        if scope["method"] not in _READS or not self._access.is_token(given):
            return PlainTextResponse("open the address with the token that `wattlog dashboard` printed\n", 401)
        rest = urlencode([(name, value) for name, value in query if name != TOKEN_PARAMETER])
        response = RedirectResponse(f"/?{rest}" if rest else "/", 303)
        response.set_cookie(self._access.cookie, str(self._access.token), httponly=True, samesite="lax", path="/")
        return response

    def _of_cookie(self, headers: Headers) -> str | None:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self._access.cookie)
        except CookieError:
            return None
        return None if morsel is None else morsel.value


def _refused_body(headers: Headers, host: str | None) -> Response | None:
    """The refusal of a request with a body that is no statement from a page of this dashboard.

    Browsers name the page's origin, and pages cannot change it.
    """
    if urlsplit(headers.get("origin", "")).netloc != host:
        return PlainTextResponse("only the dashboard's own pages may send this\n", 403)
    if headers.get("content-type", "").split(";")[0].strip() != "application/json":
        return PlainTextResponse("send JSON\n", 415)
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return PlainTextResponse(f"at most {MAX_BODY_BYTES:,} bytes can be sent\n", 413)
    return None
