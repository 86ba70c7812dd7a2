"""Connections that wait no longer than a request may take: the network of `transport`.

Sockets do not block; every wait goes through `Patience`. A proxy that is itself reached by https is not supported, since that
needs TLS within TLS.
"""

import errno
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import httpcore

from extract.api.patience import Patience

Result = TypeVar("Result")
SocketOption = tuple[Any, ...]

_BEGUN: Final = frozenset({0, errno.EINPROGRESS})
"""What `connect` returns on a socket that does not block."""


class PatientBackend(httpcore.NetworkBackend):
    """Makes connections.

    Args:
        patience: Limits every wait.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of a host that accepts one; `timeout` is that of each address."""
        with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
            failure: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
            for family, kind, protocol, _, address in self._resolved(host, port, timeout):
                made = socket.socket(family, kind, protocol)
                try:
                    self._connect(made, address, timeout)
                    return PatientStream(made, self._patience)
                except OSError as error:
                    made.close()
                    failure = error
                    self._patience.left_s()
            raise failure

    def _resolved(self, host: str, port: int, limit_s: float | None) -> list[Any]:
        """The addresses of a host. The system's look-up cannot be ended, so it has a thread that need not be waited for."""
        found: list[Any] = []
        done = threading.Event()

        def look_up() -> None:
            try:
                found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except OSError as error:
                found.append(error)
            finally:
                done.set()

        threading.Thread(target=look_up, name="name look-up", daemon=True).start()
        self._patience.wait(done.wait, limit_s)
        if found and isinstance(found[0], OSError):
            raise found[0]
        return found

    def _connect(self, made: socket.socket, address: Any, limit_s: float | None) -> None:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = made.connect_ex(address)
        if code in _BEGUN:
            self._patience.wait(_readiness(made, select.POLLOUT), limit_s)
            code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))


class PatientStream(httpcore.NetworkStream):
    """A connection.

    Args:
        connected: A socket that does not block.
        patience: Limits every wait.
    """

    def __init__(self, connected: socket.socket, patience: Patience) -> None:
        self._socket = connected
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; none at the end of the connection."""
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            return self._done(lambda: self._socket.recv(max_bytes), select.POLLIN, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes."""
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            rest = memoryview(buffer)
            while rest:
                rest = rest[self._done(partial(self._socket.send, rest), select.POLLOUT, timeout) :]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        if isinstance(self._socket, ssl.SSLSocket):
            self.close()
            raise httpcore.ConnectError("TLS within TLS is not supported")
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                secured = ssl_context.wrap_socket(
                    self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
                )
                stream = PatientStream(secured, self._patience)
                try:
                    stream._done(secured.do_handshake, select.POLLIN, timeout)
                except BaseException:
                    stream.close()  # the socket below it belongs to it now
                    raise
                return stream
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the connection pool asks for."""
        if info == "is_readable":
            return _readiness(self._socket, select.POLLIN)(0)
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return {"socket": self._socket}.get(info)

    def _done(self, action: Callable[[], Result], blocked_until: int, limit_s: float | None) -> Result:
        """The result of an action on the socket, repeated until it does not have to wait."""
        while True:
            self._patience.left_s()
            try:
                return action()
            except ssl.SSLWantReadError:
                events = select.POLLIN
            except ssl.SSLWantWriteError:
                events = select.POLLOUT
            except BlockingIOError:
                events = blocked_until
            self._patience.wait(_readiness(self._socket, events), limit_s)


def _readiness(connected: socket.socket, events: int) -> Callable[[float], bool]:
    """A function that waits for events of a socket."""
    poll = select.poll()
    poll.register(connected, events)
    return lambda seconds: bool(poll.poll(seconds * 1000))


@contextmanager
def _mapped(on_timeout: type[Exception], on_error: type[Exception]) -> Iterator[None]:
    """Errors of the system as those of httpcore."""
    try:
        yield
    except TimeoutError as error:
        raise on_timeout(error) from error
    except OSError as error:
        raise on_error(error) from error
