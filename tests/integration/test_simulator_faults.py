"""Faults over real HTTP: what a client sees of each, and that the server's log names what was met."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults import (
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
    EmptyAnswer,
    EmptySpelling,
    ErrorAnswer,
    Fault,
    FaultPlan,
    HtmlAnswer,
    Latency,
    Rule,
    SlowBody,
    TruncatedBody,
    Where,
    too_many_requests,
)
from extract.simulator.limits import RateLimit
from extract.simulator.server import NO_STATUS

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SITE = WORLD.sites[0].site_id
DAY = f"/api/1/energy_sites/{SITE}/calendar_history?kind=energy&period=day&end_date=2026-07-19T23:59:59-07:00"


@contextmanager
def faulty(*rules: Rule, seed: int = 0) -> Iterator[tuple[SimulatorServer, httpx.Client]]:
    """A server with a plan, and a client that is logged in."""
    conditions = Conditions(faults=FaultPlan(rules, seed))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server, logged_in(server) as client:
        yield server, client


def logged_in(server: SimulatorServer) -> httpx.Client:
    """A client with the demo token."""
    return httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"})


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The body without any fault."""
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
def test_an_error_is_an_envelope_with_its_status_once(fault: ErrorAnswer, whole: bytes) -> None:
    """API.md §1.7, Q30: the first request meets it, the second is answered; the log names the fault."""
    with faulty(Rule(fault, last=1)) as (server, client):
        refused = client.get(DAY)
        assert refused.status_code == fault.status
        assert refused.json() == {"response": None, "error": fault.error, "error_description": ""}
        assert refused.headers["content-type"] == "application/json"
        assert client.get(DAY).content == whole
        assert [(each.status, each.faults) for each in server.requests] == [(fault.status, (fault,)), (200, ())]


def test_a_scripted_429_says_how_long_to_wait() -> None:
    """Q28: `Retry-After` in whole seconds."""
    with faulty(Rule(too_many_requests(7))) as (_, client):
        assert client.get(DAY).headers["retry-after"] == "7"


def test_an_expiry_may_come_without_a_body() -> None:
    """API.md §1.7: 401 with no body at all."""
    with faulty(Rule(EXPIRED_WITHOUT_BODY)) as (_, client):
        answer = client.get(DAY)
        assert (answer.status_code, answer.content) == (401, b"")


def test_a_burst_of_500_ends() -> None:
    """Q30: the second to the fourth request fail, with and without a new connection."""
    with faulty(Rule(INTERNAL_ERROR, first=2, last=4)) as (_, client):
        assert [client.get(DAY).status_code for _ in range(6)] == [200, 500, 500, 500, 200, 200]


def test_one_site_may_fail_for_ever() -> None:
    """API.md §1.1: a stale site answers 500 to everything while its neighbour answers."""
    stale, good = (each.site_id for each in WORLD.sites)
    with faulty(Rule(INTERNAL_ERROR, Where(path=f"/energy_sites/{stale}/"))) as (_, client):
        for path in ("site_info", "live_status", "calendar_history?kind=power"):
            assert client.get(f"/api/1/energy_sites/{stale}/{path}").status_code == 500
            assert client.get(f"/api/1/energy_sites/{good}/{path}").status_code == 200


def test_latency_is_waited_before_the_answer(whole: bytes) -> None:
    """The answer itself is untouched."""
    with faulty(Rule(Latency(0.15))) as (server, client):
        began = time.perf_counter()
        assert client.get(DAY).content == whole
        assert time.perf_counter() - began >= 0.15
        assert server.requests[0].faults == (Latency(0.15),)


def test_a_late_answer_does_not_hold_up_others() -> None:
    """Waiting is not blocking: the plain request overtakes the late one on the same server."""
    with faulty(Rule(Latency(1.0), Where(kind="power"))) as (server, client):
        with pytest.raises(httpx.ReadTimeout), logged_in(server) as late:
            late.get(DAY.replace("kind=energy", "kind=power"), timeout=0.05)
        assert client.get(DAY, timeout=0.8).status_code == 200


def test_a_slow_body_comes_in_pieces_and_is_whole(whole: bytes) -> None:
    """Time passes between the pieces, so that a read timeout shorter than the pause breaks it off."""
    with faulty(Rule(SlowBody(pieces=5, pause_s=0.04))) as (_, client):
        began = time.perf_counter()
        with client.stream("GET", DAY) as answer:
            head_s = time.perf_counter() - began
            body = b"".join(answer.iter_raw())
        assert body == whole
        assert time.perf_counter() - began - head_s >= 0.15
        with pytest.raises(httpx.ReadTimeout):
            client.get(DAY, timeout=0.01)


def test_a_truncated_body_breaks_its_promise(whole: bytes) -> None:
    """The length announced is never reached: the client must not take what it has."""
    with faulty(Rule(TruncatedBody(share=0.25), last=1)) as (server, client):
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {len(whole) // 4} bytes, expected {len(whole)}"):
            client.get(DAY)
        assert client.get(DAY).content == whole
        assert server.requests[0].faults == (TruncatedBody(share=0.25),)


def test_a_body_may_be_cut_without_http_noticing(whole: bytes) -> None:
    """All of HTTP is in order; only the JSON ends early."""
    with faulty(Rule(TruncatedBody(is_length_whole=False))) as (_, client):
        answer = client.get(DAY)
        assert answer.status_code == 200
        assert answer.content == whole[: len(whole) // 2]
        with pytest.raises(ValueError, match="line 1 column"):
            answer.json()


@pytest.mark.parametrize(("share", "status"), [(None, NO_STATUS), (0.0, 200), (0.5, 200)])
def test_a_reset_is_a_reset(share: float | None, status: int, whole: bytes) -> None:
    """RST before the status line, after the headers, in the middle of the body; the next request finds a new connection."""
    with faulty(Rule(ConnectionReset(share), last=1)) as (server, client):
        with pytest.raises(httpx.ReadError):
            client.get(DAY)
        assert client.get(DAY).content == whole
        assert [(each.status, each.faults) for each in server.requests] == [
            (status, (ConnectionReset(share),)),
            (200, ()),
        ]


def test_a_page_may_stand_where_json_was_expected() -> None:
    """API.md §1.7, "200 non-JSON"."""
    with faulty(Rule(HtmlAnswer())) as (_, client):
        answer = client.get(DAY)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("spelling", EmptySpelling)
def test_every_empty_is_json_with_status_200(spelling: EmptySpelling, whole: bytes) -> None:
    """Fact 8, Q23: none of the six holds a row, and all are well-formed."""
    with faulty(Rule(EmptyAnswer(spelling), last=1)) as (_, client):
        answer = client.get(DAY)
        assert answer.status_code == 200
        response = answer.json()["response"]
        rows = response.get("time_series") if isinstance(response, dict) else None
        assert not rows
        assert len(orjson.loads(whole)["response"]["time_series"]) == 288
        assert client.get(DAY).content == whole


def test_an_error_stays_an_error_where_rows_were_to_be_taken() -> None:
    """Only an answer that succeeds can be emptied."""
    with faulty(Rule(EmptyAnswer(EmptySpelling.NULL))) as (_, client):
        assert client.get(DAY.replace("kind=energy", "kind=none")).json()["error"] == "kind `none` is not supported"


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def limited(clock: Callable[[], datetime], limit: RateLimit) -> SimulatorServer:
    """A server with a real limit."""
    return serve(WORLD, clock=clock, conditions=Conditions(limit=limit))


def test_the_limit_is_real_and_its_headers_true() -> None:
    """Q28, API.md §1.8: what is left counts down, past it 429 with Retry-After; after that wait it is open again."""
    clock = Hands()
    with limited(clock, RateLimit(requests=3)) as server, logged_in(server) as client:
        answers = []
        for _ in range(5):
            answers.append(client.get(DAY))
            clock.wait(10)
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert [each.headers["ratelimit-remaining"] for each in answers] == ["2", "1", "0", "0", "0"]
        assert [each.headers["ratelimit-reset"] for each in answers] == ["60", "50", "40", "30", "20"]
        assert {each.headers["ratelimit-limit"] for each in answers} == {"3"}
        assert [each.headers.get("retry-after") for each in answers] == [None, None, None, "30", "20"]
        clock.wait(int(answers[-1].headers["retry-after"]) - 10)
        assert client.get(DAY).status_code == 200
        assert server.requests[3].faults == (too_many_requests(30),)


def test_faults_count_where_the_limit_lets_them() -> None:
    """A limit outside a plan refuses before the plan counts."""
    conditions = Conditions(faults=FaultPlan((Rule(INTERNAL_ERROR, first=2, last=2),)), limit=RateLimit(requests=1))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server, logged_in(server) as client:
        assert [client.get(DAY).status_code for _ in range(3)] == [200, 429, 429]


def test_faults_are_told_apart_by_value() -> None:
    """Two faults with the same parameters are equal, so a test can name what it expects."""
    assert len({TIMED_OUT, ErrorAnswer(408, "Error incomplete data"), Latency(1.0), SlowBody(), SlowBody()}) == 3
    assert isinstance(TIMED_OUT, Fault)
