"""Real HTTP on a loopback port: in a thread of this process for tests, or as a process of its own."""

import asyncio
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from extract.simulator.app import Clock
from extract.simulator.authority import Authority
from extract.simulator.conditions import Conditions, assemble
from extract.simulator.fault_injector import FAULTS_KEY, TRANSPORT_KEY
from extract.simulator.faults import Fault
from extract.simulator.world import World

STARTUP_S = 15.0

NO_STATUS = 0
"""Status of a request whose connection was torn down before an answer began."""


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came.

    Attributes:
        method: HTTP method.
        path: Path, without the query.
        params: Query parameters, decoded.
        status: Status of the answer; `NO_STATUS` when there was none.
        instant: The simulator's "now" when the answer began.
        faults: What a fault plan or a limit did to the answer.
    """

    method: str
    path: str
    params: dict[str, str]
    status: int
    instant: datetime
    faults: tuple[Fault, ...] = ()


class RequestLog:
    """ASGI wrapper that notes every request before its answer leaves, so that a client sees its own."""

    def __init__(self, app: ASGIApp, clock: Clock, asked: list[Asked]) -> None:
        self._app = app
        self._clock = clock
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[FAULTS_KEY] = []  # here, so that what copies the scope shares the list
        is_noted = False

        async def noting(message: Message) -> None:
            nonlocal is_noted
            if message["type"] == "http.response.start":
                is_noted = True
                self._note(scope, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if not is_noted:
                self._note(scope, NO_STATUS)

    def _note(self, scope: Scope, status: int) -> None:
        params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        faults = tuple(scope[FAULTS_KEY])
        record = Asked(scope["method"], scope["path"], params, status, self._clock(), faults)
        self._asked.append(record)  # one append is atomic: readers in other threads see it whole


class SimulatorServer:
    """A simulator that answers while the `with` block lasts.

    Attributes:
        base_url: `http://host:port`, without a slash at the end.
        port: The port it listens on.
        world: The account it serves, for its truth.
        authority: What it knows of tokens, for its log of refreshes.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, clock: Clock, world: World, authority: Authority) -> None:
        self.world = world
        self.authority = authority
        self._asked: list[Asked] = []
        self._socket = listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{host}:{self.port}"
        self._server = uvicorn_server(RequestLog(app, clock, self._asked))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="simulator", daemon=True)

    @property
    def requests(self) -> list[Asked]:
        """Every request answered so far, in order; a copy."""
        return list(self._asked)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + STARTUP_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self._socket.close()
                raise RuntimeError(f"the simulator did not start on {self.base_url}")
            time.sleep(0.002)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STARTUP_S)
        self._socket.close()


def serve(
    world: World,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    clock: Clock = utc_now,
    conditions: Conditions | None = None,
) -> SimulatorServer:
    """A server of a world, to be used in a `with` block; port 0 takes a free one.

    Args:
        world: The account.
        port: Port to listen on.
        host: Address to listen on.
        clock: Gives "now", aware.
        conditions: Faults, limits, lives of tokens; by default nothing goes wrong.
    """
    app, authority = assemble(world, clock, conditions or Conditions())
    return SimulatorServer(app, host=host, port=port, clock=clock, world=world, authority=authority)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once: with Nagle's algorithm a small answer waits 40 ms."""
    listening = socket.create_server((host, port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def uvicorn_server(app: ASGIApp) -> uvicorn.Server:
    """uvicorn without logs, lifespan and websockets; a keep-alive connection never delays the end."""
    return _PromptServer(
        uvicorn.Config(
            app,
            http=_TearableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
    )


class _PromptServer(uvicorn.Server):
    """Looks fifty times a second whether it should end, not ten: hundreds of tests wait for that."""

    async def main_loop(self) -> None:
        """Until it should end."""
        while not await self.on_tick(0):
            await asyncio.sleep(0.02)


class _TearableProtocol(H11Protocol):
    """HTTP/1.1 that shows an application its connection, so that a fault can tear it down."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream transport, got {type(transport).__name__}")
        self.app_state = self.app_state | {TRANSPORT_KEY: transport}
        super().connection_made(transport)
