"""The simulator as a process of its own, so that it runs on another core than the pipeline that asks it."""

import signal
import sys
import threading
from types import FrameType

import orjson
from starlette.types import ASGIApp

from extract.simulator.server import listen, uvicorn_server


def run(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, exit_with_parent: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; announce the address in one line of JSON on standard output when ready.

    Args:
        app: What to serve.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        exit_with_parent: Also end when standard input ends, as it does when the parent that holds it is gone.
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
        # Connections queue from here on, so the line is true although the loop is about to start.
        sys.stdout.write(orjson.dumps({"base_url": f"http://{host}:{bound}", "port": bound}).decode() + "\n")
        sys.stdout.flush()
        server.run([listening])
