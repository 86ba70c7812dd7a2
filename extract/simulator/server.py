"""Real HTTP on a loopback port: in a thread of this process for tests, or as a separate process."""

import asyncio
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from types import FrameType, TracebackType
from typing import Self
from urllib.parse import parse_qsl

import orjson
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from extract.simulator.conditions import Conditions, assemble
from extract.simulator.endpoints.app import Clock
from extract.simulator.faults.injector import FAULTS_KEY, TRANSPORT_KEY
from extract.simulator.faults.plan import Fault
from extract.simulator.login.authority import Authority
from extract.simulator.worlds.world import World

STARTUP_S = 120.0
"""Longest time for start and stop; generous, since the machine may be busy."""

NO_STATUS = 0
"""Status of a request whose connection was reset before a response began."""


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One received request.

    Attributes:
        method: HTTP method.
        path: Path, without the query.
        params: Query parameters, decoded.
        status: Status of the response; `NO_STATUS` if there was none.
        instant: The simulator's current instant when the response began.
        faults: Faults that a fault plan or a limit applied to the response.
        body: The body of the request, as far as it was read.
    """

    method: str
    path: str
    params: dict[str, str]
    status: int
    instant: datetime
    faults: tuple[Fault, ...] = ()
    body: bytes = b""


class RequestLog:
    """ASGI wrapper that records every request before its response is sent, so that a client finds it in the log.

    The responses are dated by the simulator's clock.
    """

    def __init__(self, app: ASGIApp, clock: Clock, received: list[ReceivedRequest]) -> None:
        self._app = app
        self._clock = clock
        self._received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[FAULTS_KEY] = []  # here, so that copies of the scope share the list
        is_recorded = False
        body = bytearray()

        async def receive_and_record() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def record_and_send(message: Message) -> None:
            nonlocal is_recorded
            if message["type"] == "http.response.start":
                is_recorded = True
                self._record(scope, message["status"], bytes(body))
                date = format_datetime(self._clock().astimezone(UTC), usegmt=True)
                message["headers"] = [*message.get("headers", ()), (b"date", date.encode())]
            await send(message)

        try:
            await self._app(scope, receive_and_record, record_and_send)
        finally:
            if not is_recorded:
                self._record(scope, NO_STATUS, bytes(body))

    def _record(self, scope: Scope, status: int, body: bytes) -> None:
        params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        faults = tuple(scope[FAULTS_KEY])
        record = ReceivedRequest(scope["method"], scope["path"], params, status, self._clock(), faults, body)
        self._received.append(record)  # append is atomic, so other threads may read the list


class SimulatorServer:
    """A simulator that runs during the `with` block.

    Attributes:
        base_url: `http://host:port`, without a slash at the end.
        port: The port on which it listens.
        world: The served account, for its truth.
        authority: Issuer of its tokens, for its log of refreshes.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, clock: Clock, world: World, authority: Authority) -> None:
        self.world = world
        self.authority = authority
        self._received: list[ReceivedRequest] = []
        self._socket = listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{host}:{self.port}"
        self._server = uvicorn_server(RequestLog(app, clock, self._received), is_dated=False)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="simulator", daemon=True)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far, in order; a copy."""
        return list(self._received)

    @property
    def is_idle(self) -> bool:
        """Whether no connection is open and no response in progress: `requests` then has every request of ended clients."""
        state = self._server.server_state
        return not state.connections and not state.tasks

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
    """A server of a world, for use in a `with` block.

    Args:
        world: The account.
        port: Port to listen on; 0 takes a free one.
        host: Address to listen on.
        clock: Returns the current instant, aware.
        conditions: Faults, limits, lifetimes of tokens; by default nothing fails.
    """
    app, authority = assemble(world, clock, conditions or Conditions())
    return SimulatorServer(app, host=host, port=port, clock=clock, world=world, authority=authority)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once; with Nagle's algorithm a small response is delayed by 40 ms."""
    listening = socket.create_server((host, port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def uvicorn_server(app: ASGIApp, *, is_dated: bool = True) -> uvicorn.Server:
    """uvicorn without logs, lifespan, and websockets; open connections do not delay its end.

    Args:
        app: The application.
        is_dated: Whether the server adds the header `Date`, with the real time.
    """
    return _PromptServer(
        uvicorn.Config(
            app,
            http=_ResettableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            date_header=is_dated,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
    )


class _PromptServer(uvicorn.Server):
    """Checks fifty times a second, instead of ten, whether to end: hundreds of tests wait for that."""

    async def main_loop(self) -> None:
        """Run until the server should end."""
        while not await self.on_tick(0):
            await asyncio.sleep(0.02)


class _ResettableProtocol(H11Protocol):
    """HTTP/1.1 that gives the application access to its connection, so that a fault can reset it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection, and add its transport to the state."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream transport, got {type(transport).__name__}")
        self.app_state = self.app_state | {TRANSPORT_KEY: transport}
        super().connection_made(transport)


def serve_until_stopped(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, exit_with_parent: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT; when ready, print the address as one line of JSON on standard output.

    For a separate process, which can run on another core than the pipeline.

    Args:
        app: Application to serve.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        exit_with_parent: Also end when standard input ends, as it does when the parent process ends.
    """
    server = uvicorn_server(app)

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def stop_with_parent() -> None:
        sys.stdin.buffer.read()
        stop()

    if exit_with_parent:
        threading.Thread(target=stop_with_parent, name="parent-watch", daemon=True).start()
    with listen(host, port) as listening:
        bound = listening.getsockname()[1]
        # The socket already queues connections, so the line is true before the loop starts.
        sys.stdout.write(orjson.dumps({"base_url": f"http://{host}:{bound}", "port": bound}).decode() + "\n")
        sys.stdout.flush()
        server.run([listening])
