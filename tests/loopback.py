"""Servers on this machine that send any bytes: what no proper server sends, too."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Handler = Callable[[socket.socket], object]
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """The address of a server that reads a request and gives its connection to `handler`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        handler(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def replying(body: bytes, *headers: str) -> Handler:
    head = (
        OK + "".join(f"{header}\r\n" for header in headers).encode() + f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    return lambda connection: connection.sendall(head + body)
