"""The dashboard's server: until Ctrl-C or SIGTERM."""

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

END_S = 2
"""How long responses in progress may take after a signal."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: The address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def serve(app: ASGIApp, listening: socket.socket, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until a signal; the socket is closed then.

    Args:
        app: The application.
        listening: Where to; see `listen`.
        ready: Called once the server answers: the socket queues connections already, and the server's loop begins at once.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=END_S,
        )
    )

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        server.should_exit = True

    # The server has handlers of its own while it runs; afterwards it raises the signal again, which must not end the process.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with listening:
            ready()
            server.run([listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
