"""Does on the wire what a fault plan decides: real bytes, real closes, real resets."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extract.simulator.faults import (
    Arrival,
    ConnectionReset,
    EmptyAnswer,
    EmptySpelling,
    ErrorAnswer,
    Fault,
    FaultScript,
    HtmlAnswer,
    Latency,
    SlowBody,
    TruncatedBody,
)

FAULTS_KEY = "simulator.faults"
"""Where a request's scope holds the faults that it met, for the log."""

TRANSPORT_KEY = "transport"
"""Where the connection's state holds its asyncio transport, which a reset needs."""

SERIES_KEYS = ("time_series", "events", "charge_history")
"""Names under which history answers hold their rows."""

Headers = list[tuple[bytes, bytes]]

_JSON: Headers = [(b"content-type", b"application/json")]
_HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body>The service will be back soon.</body></html>"
)


@dataclass(slots=True)
class Answer:
    """A whole answer that has not been sent."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Stand in for the connection."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def with_length(self, length: int) -> Headers:
        """The headers, with this length announced."""
        rest = [each for each in self.headers if each[0].lower() != b"content-length"]
        return [*rest, (b"content-length", str(length).encode())]


class FaultInjector:
    """ASGI middleware that lets each request meet what the script decides for it.

    Args:
        app: What answers without a fault.
        script: Decides; one script may stand behind several applications.
    """

    def __init__(self, app: ASGIApp, script: FaultScript) -> None:
        self._app = app
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        faults = self._script.decide(_arrival(scope)) if scope["type"] == "http" else ()
        if not faults:
            await self._app(scope, receive, send)
            return
        note_faults(scope, faults)
        for each in faults:
            if isinstance(each, Latency):
                await asyncio.sleep(each.delay_s)
        last = faults[-1]
        match last:
            case ErrorAnswer():
                await send_error(last, send)
            case HtmlAnswer():
                await _send(Answer(200, [(b"content-type", b"text/html; charset=utf-8")], _HTML_PAGE), send)
            case ConnectionReset(share=None):
                await _reset(scope, receive)
            case Latency():
                await self._app(scope, receive, send)
            case _:
                answer = Answer()
                await self._app(scope, receive, answer.take)
                await _spoil(last, answer, scope, receive, send)


def note_faults(scope: Scope, faults: Iterable[Fault]) -> None:
    """Have the request log know."""
    scope.setdefault(FAULTS_KEY, []).extend(faults)


async def send_error(error: ErrorAnswer, send: Send) -> None:
    """Answer with an error; its envelope is that of API.md §1.0."""
    extra: Headers = [(name.encode(), value.encode()) for name, value in error.headers]
    if error.error is None:
        await _send(Answer(error.status, extra), send)
        return
    envelope = {"response": None, "error": error.error, "error_description": ""}
    await _send(Answer(error.status, [*_JSON, *extra], orjson.dumps(envelope)), send)


def emptied(body: bytes, spelling: EmptySpelling) -> bytes:
    """An answer's body without its rows, in one of the six ways (Q23). What names the site and its zone stays."""
    response = orjson.loads(body).get("response")
    head = response if isinstance(response, dict) else {}
    series = next((name for name in SERIES_KEYS if name in head), SERIES_KEYS[0])
    spelled: dict[EmptySpelling, object] = {
        EmptySpelling.NULL: None,
        EmptySpelling.EMPTY_STRING: "",
        EmptySpelling.OTHER_STRING: "upstream internal error",
        EmptySpelling.WITHOUT_SERIES: {"serial_number": ""}
        | {name: head[name] for name in ("period",) if name in head},
        EmptySpelling.NULL_SERIES: head | {series: None},
        EmptySpelling.NO_ROWS: head | {series: []},
    }
    return orjson.dumps({"response": spelled[spelling]})


async def _spoil(fault: Fault, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer that exists, but not as it is."""
    match fault:
        case EmptyAnswer(spelling=spelling):
            if answer.status == 200:
                answer.body = emptied(answer.body, spelling)
            await _send(answer, send)
        case SlowBody(pieces=pieces, pause_s=pause_s):
            await _send_slowly(answer, pieces, pause_s, send)
        case TruncatedBody(share=share, is_length_whole=is_length_whole):
            part = answer.body[: int(len(answer.body) * share)]
            length = len(answer.body) if is_length_whole else len(part)
            await _send_part(answer, part, length, send)
            if len(part) < length:
                await _hang_up(scope, receive)
        case ConnectionReset(share=share):
            await _send_part(answer, answer.body[: int(len(answer.body) * (share or 0))], len(answer.body), send)
            await _reset(scope, receive)


async def _send(answer: Answer, send: Send) -> None:
    await _send_part(answer, answer.body, len(answer.body), send)


async def _send_part(answer: Answer, part: bytes, length: int, send: Send) -> None:
    """Announce a length and send as much as there is; the answer stays open when that is less."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.with_length(length)})
    await send({"type": "http.response.body", "body": part, "more_body": len(part) < length})


async def _send_slowly(answer: Answer, pieces: int, pause_s: float, send: Send) -> None:
    headers = answer.with_length(len(answer.body))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    step = max(1, -(-len(answer.body) // pieces))
    for begin in range(0, len(answer.body), step):
        await asyncio.sleep(pause_s)
        await send({"type": "http.response.body", "body": answer.body[begin : begin + step], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """End the connection in order, once what was sent is delivered."""
    _transport(scope).close()
    await _gone(receive)


async def _reset(scope: Scope, receive: Receive) -> None:
    """Tear the connection down so that the client sees a reset."""
    transport = _transport(scope)
    connection = transport.get_extra_info("socket")
    # With a linger of zero seconds the system sends RST instead of FIN and forgets what was not delivered.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _gone(receive)


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["state"][TRANSPORT_KEY]
    return transport


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone: it takes a short answer for a defect before that."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _arrival(scope: Scope) -> Arrival:
    return Arrival(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
