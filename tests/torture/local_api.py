"""The simulator's application in this process, without a socket: a changing account, a login that fails, a clock."""

from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Message

from extract.simulator import World
from extract.simulator.endpoints.app import build_app
from extract.simulator.endpoints.query import ApiError

A_REQUEST = timedelta(milliseconds=1)
"""What a request takes: no two have the same instant, as of no server."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One response.

    Attributes:
        path: The path of its request.
        params: The parameters of its request.
        instant: The server's instant.
        status: Its status.
        body: Its body.
    """

    path: str
    params: dict[str, str]
    instant: datetime
    status: int
    body: bytes


class LocalApi(httpx.BaseTransport):
    """A transport that serves a world which may be replaced.

    Args:
        world: The account.
        now: The server's instant.

    Attributes:
        now: The server's instant; it passes a little with each request. Set it to let time pass.
        token: The accepted token.
        sent: The responses since the last `take`.
    """

    def __init__(self, world: World, now: datetime) -> None:
        self.now = now
        self.token = world.access_token
        self.sent: list[Sent] = []
        self.serve(world)

    def serve(self, world: World) -> None:
        """Serve another world from now on."""
        self.world = world
        self._app: Starlette = build_app(world, lambda: self.now, check_token=self._check)

    def take(self) -> list[Sent]:
        """The responses since the last call."""
        taken, self.sent = self.sent, []
        return taken

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Serve one request."""
        messages = self._served(request)
        status = messages[0]["status"]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        self.sent.append(Sent(request.url.path, dict(request.url.params), self.now, status, body))
        headers = [*messages[0]["headers"], _date(self.now)]
        self.now += A_REQUEST
        return httpx.Response(status, headers=headers, content=body)

    def _served(self, request: httpx.Request) -> list[Message]:
        """The messages of a response. The application waits for nothing, so it needs no event loop."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        serving: Coroutine[None, None, None] = self._app(_scope(request), receive, send)
        with suppress(StopIteration):
            serving.send(None)
            raise AssertionError("the application waits")
        return sent

    def _check(self, token: str | None, _now: datetime, _scope: str) -> None:
        if token != self.token:
            raise ApiError(401, "token expired (401)")


def _scope(request: httpx.Request) -> dict[str, Any]:
    headers: Iterable[tuple[bytes, bytes]] = ((name.lower(), value) for name, value in request.headers.raw)
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "server": (request.url.host, 443),
        "path": request.url.path,
        "raw_path": request.url.raw_path,
        "query_string": request.url.query,
        "headers": list(headers),
        "state": {},
    }


def _date(now: datetime) -> tuple[bytes, bytes]:
    return b"date", format_datetime(now.astimezone(UTC).replace(microsecond=0) + timedelta(), usegmt=True).encode()
