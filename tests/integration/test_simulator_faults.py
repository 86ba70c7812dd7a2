"""Faults over real HTTP: what a client gets, and that the server's log has the fault."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import (
    EXPIRED_TOKEN,
    EXPIRED_WITHOUT_BODY,
    GATEWAY_TIMEOUT,
    HISTORY_RETIRED,
    INSUFFICIENT_CREDITS,
    INTERNAL_ERROR,
    MISSING_SCOPES,
    OWNER_API_CLOSED,
    SUBSCRIPTION_REQUIRED,
    TIMED_OUT,
    UNAVAILABLE,
    UPSTREAM_INVALID,
    WRONG_REGION,
    ConnectionReset,
    EmptyForm,
    EmptyResponse,
    ErrorResponse,
    Fault,
    FaultPlan,
    HtmlResponse,
    Latency,
    Rule,
    SlowBody,
    TruncatedBody,
    Where,
    too_many_requests,
)
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.server import NO_STATUS
from tests.patience import PATIENCE_S, wait_until
from tests.simulated import Interruption

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SITE = WORLD.sites[0].site_id
DAY = f"/api/1/energy_sites/{SITE}/calendar_history?kind=energy&period=day&end_date=2026-07-19T23:59:59-07:00"


@contextmanager
def faulty(*rules: Rule, seed: int = 0) -> Iterator[tuple[SimulatorServer, httpx.Client]]:
    """A server with a fault plan, and a client with a valid token."""
    conditions = Conditions(faults=FaultPlan(rules, seed))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server, logged_in(server) as client:
        yield server, client


def logged_in(server: SimulatorServer) -> httpx.Client:
    """A client with the demo token."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The body without a fault."""
    with faulty() as (_, client):
        return client.get(DAY).content


@pytest.mark.parametrize(
    "fault",
    [
        EXPIRED_TOKEN,
        SUBSCRIPTION_REQUIRED,
        INSUFFICIENT_CREDITS,
        MISSING_SCOPES,
        OWNER_API_CLOSED,
        TIMED_OUT,
        HISTORY_RETIRED,
        WRONG_REGION,
        UPSTREAM_INVALID,
        too_many_requests(7),
        INTERNAL_ERROR,
        UNAVAILABLE,
        GATEWAY_TIMEOUT,
    ],
    ids=lambda fault: str(fault.status),
)
def test_an_error_is_an_envelope_with_its_status(fault: ErrorResponse, whole: bytes) -> None:
    """API.md#status-codes, Q30: the first request gets the fault, the second does not; the log has the fault."""
    with faulty(Rule(fault, last=1)) as (server, client):
        error = client.get(DAY)
        assert error.status_code == fault.status
        assert error.json() == {"response": None, "error": fault.error, "error_description": ""}
        assert error.headers["content-type"] == "application/json"
        assert client.get(DAY).content == whole
        assert [(request.status, request.faults) for request in server.requests] == [
            (fault.status, (fault,)),
            (200, ()),
        ]


def test_a_scripted_429_says_how_long_to_wait() -> None:
    """Q28: `Retry-After` in whole seconds."""
    with faulty(Rule(too_many_requests(7))) as (_, client):
        assert client.get(DAY).headers["retry-after"] == "7"


def test_an_expired_token_can_get_a_401_without_a_body() -> None:
    """API.md#status-codes: 401 without a body."""
    with faulty(Rule(EXPIRED_WITHOUT_BODY)) as (_, client):
        response = client.get(DAY)
        assert (response.status_code, response.content) == (401, b"")


def test_a_burst_of_500_ends() -> None:
    """Q30: the second to the fourth request fail."""
    with faulty(Rule(INTERNAL_ERROR, first=2, last=4)) as (_, client):
        assert [client.get(DAY).status_code for _ in range(6)] == [200, 500, 500, 500, 200, 200]


def test_one_site_can_always_fail() -> None:
    """API.md#products: every request for a stale site gets 500, while another site has data."""
    stale, other = (site.site_id for site in WORLD.sites)
    with faulty(Rule(INTERNAL_ERROR, Where(path=f"/energy_sites/{stale}/"))) as (_, client):
        for path in ("site_info", "live_status", "calendar_history?kind=power"):
            assert client.get(f"/api/1/energy_sites/{stale}/{path}").status_code == 500
            assert client.get(f"/api/1/energy_sites/{other}/{path}").status_code == 200


def test_latency_delays_the_response(whole: bytes) -> None:
    """The response itself is unchanged."""
    with faulty(Rule(Latency(0.15))) as (server, client):
        began = time.perf_counter()
        assert client.get(DAY).content == whole
        assert time.perf_counter() - began >= 0.15
        assert server.requests[0].faults == (Latency(0.15),)


def test_a_late_response_does_not_delay_others() -> None:
    """A request without delay is served while the late one waits on the same server."""
    with delayed_power() as (server, arrived), logged_in(server) as client, waiting_for_power(server):
        assert arrived.wait(PATIENCE_S)
        assert client.get(DAY).status_code == 200
        assert [request.params["kind"] for request in server.requests] == ["energy"]


def test_a_delay_ends_when_its_client_disconnects() -> None:
    """After the client is gone, the request is in the log, the connection is closed, and no response is in progress."""
    with delayed_power() as (server, arrived):
        with waiting_for_power(server):
            assert arrived.wait(PATIENCE_S)
            assert not server.is_idle
        wait_until(lambda: server.is_idle)
        assert [request.params["kind"] for request in server.requests] == ["power"]


@contextmanager
def delayed_power() -> Iterator[tuple[SimulatorServer, threading.Event]]:
    """A server that delays every response for power by an hour, and an event that is set when such a request arrives."""
    arrived = threading.Event()
    plan = Interruption((Rule(Latency(3600.0), Where(kind="power")),), do=arrived.set)
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=plan)) as server:
        yield server, arrived


@contextmanager
def waiting_for_power(server: SimulatorServer) -> Iterator[None]:
    """A client that has requested power and waits until the block ends."""
    path = DAY.replace("kind=energy", "kind=power")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        request = f"GET {path} HTTP/1.1\r\nhost: simulator\r\nauthorization: Bearer {DEMO_TOKEN}\r\n\r\n"
        connection.sendall(request.encode())
        yield


def test_a_slow_body_comes_in_pieces_and_is_whole(whole: bytes) -> None:
    """There are pauses between the pieces, so a read timeout shorter than a pause ends the request."""
    with faulty(Rule(SlowBody(pieces=5, pause_s=0.04))) as (_, client):
        began = time.perf_counter()
        with client.stream("GET", DAY) as response:
            head_s = time.perf_counter() - began
            body = b"".join(response.iter_raw())
        assert body == whole
        assert time.perf_counter() - began - head_s >= 0.15
        with pytest.raises(httpx.ReadTimeout):
            client.get(DAY, timeout=httpx.Timeout(PATIENCE_S, read=0.01))


def test_a_truncated_body_is_shorter_than_its_length(whole: bytes) -> None:
    """Less is sent than Content-Length, so the client must not use the part."""
    with faulty(Rule(TruncatedBody(share=0.25), last=1)) as (server, client):
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {len(whole) // 4} bytes, expected {len(whole)}"):
            client.get(DAY)
        assert client.get(DAY).content == whole
        assert server.requests[0].faults == (TruncatedBody(share=0.25),)


def test_a_truncated_body_can_have_a_matching_length(whole: bytes) -> None:
    """The HTTP response is valid; only its JSON ends early."""
    with faulty(Rule(TruncatedBody(is_length_whole=False))) as (_, client):
        response = client.get(DAY)
        assert response.status_code == 200
        assert response.content == whole[: len(whole) // 2]
        with pytest.raises(ValueError, match="line 1 column"):
            response.json()


@pytest.mark.parametrize(("share", "status"), [(None, NO_STATUS), (0.0, 200), (0.5, 200)])
def test_a_reset_is_a_reset(share: float | None, status: int, whole: bytes) -> None:
    """RST before the status line, after the headers, or in the middle of the body; the next request has a new connection."""
    with faulty(Rule(ConnectionReset(share), last=1)) as (server, client):
        with pytest.raises(httpx.ReadError):
            client.get(DAY)
        assert client.get(DAY).content == whole
        assert [(request.status, request.faults) for request in server.requests] == [
            (status, (ConnectionReset(share),)),
            (200, ()),
        ]


def test_a_response_can_be_a_web_page() -> None:
    """API.md#status-codes, "200 non-JSON"."""
    with faulty(Rule(HtmlResponse())) as (_, client):
        response = client.get(DAY)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
        assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("form", EmptyForm)
def test_every_empty_form_is_json_with_status_200(form: EmptyForm, whole: bytes) -> None:
    """Q23: none of the six forms has a row, and all are valid JSON."""
    with faulty(Rule(EmptyResponse(form), last=1)) as (_, client):
        response = client.get(DAY)
        assert response.status_code == 200
        content = response.json()["response"]
        rows = content.get("time_series") if isinstance(content, dict) else None
        assert not rows
        assert len(orjson.loads(whole)["response"]["time_series"]) == 288
        assert client.get(DAY).content == whole


def test_an_error_response_is_not_emptied() -> None:
    """Only a successful response can be emptied."""
    with faulty(Rule(EmptyResponse(EmptyForm.NULL))) as (_, client):
        assert client.get(DAY.replace("kind=energy", "kind=none")).json()["error"] == "kind `none` is not supported"


class ManualClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(seconds=seconds)


def limited(clock: Callable[[], datetime], limit: RateLimit) -> SimulatorServer:
    """A server with a rate limit."""
    return serve(WORLD, clock=clock, conditions=Conditions(limit=limit))


def test_the_rate_limit_and_its_headers() -> None:
    """Q28, API.md#limits: the rest counts down, then 429 with Retry-After; after that time requests are admitted again."""
    clock = ManualClock()
    with limited(clock, RateLimit(requests=3)) as server, logged_in(server) as client:
        responses = []
        for _ in range(5):
            responses.append(client.get(DAY))
            clock.wait(10)
        assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
        assert [response.headers["ratelimit-remaining"] for response in responses] == ["2", "1", "0", "0", "0"]
        assert [response.headers["ratelimit-reset"] for response in responses] == ["60", "50", "40", "30", "20"]
        assert {response.headers["ratelimit-limit"] for response in responses} == {"3"}
        assert [response.headers.get("retry-after") for response in responses] == [None, None, None, "30", "20"]
        clock.wait(int(responses[-1].headers["retry-after"]) - 10)
        assert client.get(DAY).status_code == 200
        assert server.requests[3].faults == (too_many_requests(30),)


def test_faults_count_only_admitted_requests() -> None:
    """The rate limit rejects a request before the plan counts it."""
    conditions = Conditions(faults=FaultPlan((Rule(INTERNAL_ERROR, first=2, last=2),)), limit=RateLimit(requests=1))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server, logged_in(server) as client:
        assert [client.get(DAY).status_code for _ in range(3)] == [200, 429, 429]


def test_faults_are_compared_by_value() -> None:
    """Two faults with the same parameters are equal, so that tests can compare them."""
    assert len({TIMED_OUT, ErrorResponse(408, "Error incomplete data"), Latency(1.0), SlowBody(), SlowBody()}) == 3
    assert isinstance(TIMED_OUT, Fault)
