"""Servers on this machine that misbehave: no response takes longer than a request may, or more memory than a body may.

The clock is one that the test moves: each look at it takes two seconds.
"""

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count

import httpx
import pytest
import zstandard

from extract.api.client import Client
from extract.api.patience import DEADLINE_S, LAST_S, Patience
from extract.api.transport import ACCEPTED, BoundedTransport, unpacked
from extract.auth.oauth import MAX_BYTES as MAX_TOKEN_BYTES
from extract.auth.oauth import OAuthClient
from extract.errors import RefreshUncertain
from extract.requests import PRODUCTS
from tests.loopback import OK, Handler, replying, serving
from wattlog.api_json import MAX_BYTES

STEP_S = 2.0
MIB = 1024 * 1024


def stepped() -> Callable[[], float]:
    seconds = count(0.0, STEP_S)
    return lambda: next(seconds)


def drip(head: bytes) -> Handler:
    """Sends a byte for ever, without a pause: only the clock of the request ends it."""

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x")

    return send


def silent(head: bytes) -> Handler:
    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        connection.recv(1)  # until the client closes

    return send


def informed(connection: socket.socket) -> None:
    """Informational responses for ever, each of which is no response yet."""
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), id="head drips"),
        pytest.param(drip(OK + b"Content-Length: 100000000\r\n\r\n"), id="body drips"),
        pytest.param(silent(b""), id="no head"),
        pytest.param(silent(OK + b"Content-Length: 10\r\n\r\n{"), id="no rest of the body"),
        pytest.param(silent(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), id="no rest of a chunk"),
        pytest.param(informed, id="status 100 for ever"),
    ],
)
def test_a_request_ends_at_its_deadline(handler: Handler) -> None:
    """However the server keeps the connection alive: one limit for the request as a whole."""
    clock = stepped()
    with serving(handler) as address, client_of(address, Patience(clock=clock, look_s=0.001)) as client:
        response = client.send(PRODUCTS)
    assert (response.status, response.outcome) == (None, "transport")
    assert clock() <= DEADLINE_S + 4 * STEP_S
    assert b"no response in time" in response.body or b"not valid HTTP" in response.body


def test_an_interrupt_ends_waiting() -> None:
    """At once but for a last second, in which a response that is paid for may still come."""
    interrupted = threading.Event()
    seconds = count(0.0, LAST_S / 4)
    patience = Patience(is_interrupted=interrupted.is_set, clock=lambda: next(seconds), look_s=0.001)

    def hang(connection: socket.socket) -> None:
        interrupted.set()
        connection.recv(1)

    with serving(hang) as address, client_of(address, patience) as client:
        response = client.send(PRODUCTS)
    assert response.outcome == "transport"
    assert next(seconds) < DEADLINE_S / 2


def test_a_response_that_comes_in_the_last_second_is_kept() -> None:
    patience = Patience(is_interrupted=lambda: True, clock=lambda: 0.0)
    with serving(replying(b"{}")) as address, client_of(address, patience) as client:
        assert client.send(PRODUCTS).body == b"{}"


@cache
def bombs() -> dict[str, tuple[bytes, str]]:
    """Small bodies that unpack to more than a body may have."""
    zeros = bytes(MIB)
    single = b"".join(gzip_parts([zeros] * (MAX_BYTES // MIB + 8)))
    return {
        "gzip": (single, "gzip"),
        "gzip twice": (gzip.compress(single), "gzip, gzip"),
        "zstd": (zstandard.compress(zeros * 256), "zstd"),
    }


def gzip_parts(parts: list[bytes]) -> Iterator[bytes]:

    deflate = zlib.compressobj(9, wbits=31)
    for part in parts:
        yield deflate.compress(part)
    yield deflate.flush()


@pytest.mark.parametrize("name", ["gzip", "gzip twice", "zstd"])
def test_a_decompression_bomb_takes_no_memory(name: str) -> None:
    body, encoding = bombs()[name]
    transport = BoundedTransport(max_bytes=4 * MIB)
    with serving(replying(body, f"Content-Encoding: {encoding}")) as address:
        client = Client(
            address,
            lambda: "a-token-of-the-tests",
            user_agent="wattlog/test",
            classify=lambda *_: "not_json",
            transport=transport,
        )
        tracemalloc.start()
        try:
            with client:
                response = client.send(PRODUCTS)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert response.outcome == ("not_json" if encoding == "zstd" else "transport"), "zstd was not asked for"
    assert len(response.body) < MIB
    assert peak < 16 * MIB


def test_a_bomb_at_the_token_endpoint_is_refused() -> None:
    body = b"".join(gzip_parts([b" " * MIB] * (MAX_TOKEN_BYTES // MIB + 1)))
    with (
        serving(replying(body, "Content-Encoding: gzip")) as address,
        pytest.raises(RefreshUncertain, match="no response that can be read"),
    ):
        OAuthClient(f"{address}/token", "mine").refresh("a-refresh-token", datetime(2026, 7, 20, tzinfo=UTC))


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_a_packed_body_is_unpacked(encoding: str) -> None:
    packed = gzip.compress(b'{"count": 1}')
    with serving(replying(packed, f"Content-Encoding: {encoding}")) as address, client_of(address) as client:
        response = client.send(PRODUCTS)
    assert (response.status, response.body) == (200, b'{"count":1}')


@pytest.mark.parametrize("body", [gzip.compress(b"{}", mtime=0)[:-4], b"not gzip"])
def test_a_damaged_body_is_no_body(body: bytes) -> None:
    with serving(replying(body, "Content-Encoding: gzip")) as address, client_of(address) as client:
        response = client.send(PRODUCTS)
    assert (response.status, response.outcome) == (None, "transport")
    assert b"cannot be unpacked" in response.body


def test_unpacking_is_the_same_in_pieces_of_any_size() -> None:
    data = bytes(range(256)) * 3000
    packed = gzip.compress(data)
    for size in (1, 7, 1000, len(packed)):
        pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
        assert b"".join(unpacked(pieces)) == data


def test_a_connection_that_is_refused_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with client_of(address) as client:
        assert client.send(PRODUCTS).body == b"ConnectError: no connection (Connection refused)"


def test_a_name_without_address_says_so() -> None:
    with client_of("http://no-such-host.invalid") as client:
        assert client.send(PRODUCTS).body.startswith(b"ConnectError: no connection")


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As httpx does; and not for hosts that are excepted."""

    def answer(connection: socket.socket) -> None:
        replying(b"{}")(connection)

    with serving(answer) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with httpx.Client(transport=BoundedTransport(), headers=ACCEPTED) as http:
            assert http.get("http://elsewhere.invalid/").content == b"{}"
            with serving(replying(b"[]")) as direct:
                assert http.get(direct).content == b"[]"


def client_of(address: str, patience: Patience | None = None) -> Client:
    return Client(
        address,
        lambda: "a-token-of-the-tests",
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        clock=lambda: datetime(2025, 11, 1, tzinfo=UTC),
        transport=BoundedTransport(patience),
    )
