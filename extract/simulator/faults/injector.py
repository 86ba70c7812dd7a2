"""Injects the faults of a plan into HTTP responses and their connections."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extract.simulator.faults.plan import (
    ConnectionReset,
    EmptyForm,
    EmptyResponse,
    ErrorResponse,
    Fault,
    FaultScript,
    HtmlResponse,
    IncomingRequest,
    Latency,
    SlowBody,
    TruncatedBody,
)

FAULTS_KEY = "simulator.faults"
"""Key of a request's scope under which its faults are recorded, for the log."""

TRANSPORT_KEY = "transport"
"""Key of the connection's state under which its asyncio transport is, which a reset needs."""

POLL_S = 0.02
"""Interval at which a delayed response checks whether its client is still connected."""

SERIES_KEYS = ("time_series", "events", "charge_history")
"""Keys of the rows in responses with history."""

Headers = list[tuple[bytes, bytes]]

_JSON: Headers = [(b"content-type", b"application/json")]
_HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body>The service will be back soon.</body></html>"
)


@dataclass(slots=True)
class BufferedResponse:
    """A complete response that has not been sent."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    async def append(self, message: Message) -> None:
        """Append a message; used in the place of the connection."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def with_length(self, length: int) -> Headers:
        """The headers, with this Content-Length."""
        rest = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return [*rest, (b"content-length", str(length).encode())]


class FaultInjector:
    """ASGI middleware that applies to each request the faults that the script decides.

    Args:
        app: Application that responds if there is no fault.
        script: Decides about faults; several applications may share one script.
    """

    def __init__(self, app: ASGIApp, script: FaultScript) -> None:
        self._app = app
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        faults = self._script.decide(_incoming_request(scope)) if scope["type"] == "http" else ()
        if not faults:
            await self._app(scope, receive, send)
            return
        record_faults(scope, faults)
        for fault in faults:
            if isinstance(fault, Latency):
                await _pause(fault.delay_s, scope)
        last = faults[-1]
        match last:
            case ErrorResponse():
                await send_error(last, send)
            case HtmlResponse():
                await _send(BufferedResponse(200, [(b"content-type", b"text/html; charset=utf-8")], _HTML_PAGE), send)
            case ConnectionReset(share=None):
                await _reset(scope, receive)
            case Latency():
                await self._app(scope, receive, send)
            case _:
                response = BufferedResponse()
                await self._app(scope, receive, response.append)
                await _send_damaged(last, response, scope, receive, send)


def record_faults(scope: Scope, faults: Iterable[Fault]) -> None:
    """Record faults in the scope, for the request log."""
    scope.setdefault(FAULTS_KEY, []).extend(faults)


async def send_error(error: ErrorResponse, send: Send) -> None:
    """Send an error response; its envelope is described in API.md#login."""
    extra: Headers = [(name.encode(), value.encode()) for name, value in error.headers]
    if error.error is None:
        await _send(BufferedResponse(error.status, extra), send)
        return
    envelope = {"response": None, "error": error.error, "error_description": ""}
    await _send(BufferedResponse(error.status, [*_JSON, *extra], orjson.dumps(envelope)), send)


def emptied(body: bytes, form: EmptyForm) -> bytes:
    """The body of a response without its rows, in one of the six forms (Q23). Fields of the site and its zone stay."""
    response = orjson.loads(body).get("response")
    head = response if isinstance(response, dict) else {}
    series = next((name for name in SERIES_KEYS if name in head), SERIES_KEYS[0])
    forms: dict[EmptyForm, object] = {
        EmptyForm.NULL: None,
        EmptyForm.EMPTY_STRING: "",
        EmptyForm.OTHER_STRING: "upstream internal error",
        EmptyForm.WITHOUT_SERIES: {"serial_number": ""} | {name: head[name] for name in ("period",) if name in head},
        EmptyForm.NULL_SERIES: head | {series: None},
        EmptyForm.NO_ROWS: head | {series: []},
    }
    return orjson.dumps({"response": forms[form]})


async def _send_damaged(fault: Fault, response: BufferedResponse, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a complete response with a fault applied to it."""
    match fault:
        case EmptyResponse(form=form):
            if response.status == 200:
                response.body = emptied(response.body, form)
            await _send(response, send)
        case SlowBody(pieces=pieces, pause_s=pause_s):
            await _send_slowly(response, pieces, pause_s, scope, send)
        case TruncatedBody(share=share, is_length_whole=is_length_whole):
            part = response.body[: int(len(response.body) * share)]
            length = len(response.body) if is_length_whole else len(part)
            await _send_part(response, part, length, send)
            if len(part) < length:
                await _close(scope, receive)
        case ConnectionReset(share=share):
            await _send_part(
                response, response.body[: int(len(response.body) * (share or 0))], len(response.body), send
            )
            await _reset(scope, receive)


async def _send(response: BufferedResponse, send: Send) -> None:
    await _send_part(response, response.body, len(response.body), send)


async def _send_part(response: BufferedResponse, part: bytes, length: int, send: Send) -> None:
    """Send headers with a length, and a part of the body; if the part is shorter, the response stays incomplete."""
    await send({"type": "http.response.start", "status": response.status, "headers": response.with_length(length)})
    await send({"type": "http.response.body", "body": part, "more_body": len(part) < length})


async def _send_slowly(response: BufferedResponse, pieces: int, pause_s: float, scope: Scope, send: Send) -> None:
    headers = response.with_length(len(response.body))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    step = max(1, -(-len(response.body) // pieces))
    for begin in range(0, len(response.body), step):
        await _pause(pause_s, scope)
        await send({"type": "http.response.body", "body": response.body[begin : begin + step], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _pause(seconds: float, scope: Scope) -> None:
    """Wait, but not after the client has disconnected. So a test that kills the client can use a delay of an hour."""
    loop, transport = asyncio.get_running_loop(), _transport(scope)
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0 and not transport.is_closing():
        await asyncio.sleep(min(left, POLL_S))


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection after everything sent is delivered."""
    _transport(scope).close()
    await _wait_for_disconnect(receive)


async def _reset(scope: Scope, receive: Receive) -> None:
    """Abort the connection so that the client gets a reset."""
    transport = _transport(scope)
    connection = transport.get_extra_info("socket")
    # With a linger of zero seconds the system sends RST instead of FIN and discards what was not delivered.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _wait_for_disconnect(receive)


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["state"][TRANSPORT_KEY]
    return transport


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the server has noticed the disconnect; before that it treats an incomplete response as an error."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _incoming_request(scope: Scope) -> IncomingRequest:
    return IncomingRequest(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
