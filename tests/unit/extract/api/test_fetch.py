"""What follows from each response, and that every response is kept before it is judged."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from extract.api.client import Client
from extract.api.fetch import MAX_ATTEMPTS, MAX_RETRY_AFTER_S, Fetcher
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.errors import (
    AuthExpired,
    BudgetSpent,
    ContractChanged,
    EndpointRetired,
    ExtractError,
    MissingScope,
    PaymentRequired,
    RateLimited,
    Refused,
    TransportFailed,
    UpstreamFailed,
)
from extract.requests import PRODUCTS, Request, live_status
from wattlog.api_json import MAX_BYTES

Answer = Callable[[httpx.Request], httpx.Response]
SECRET = "a-very-secret-token"


def classify(body: bytes, _: Request) -> str:
    return {b"{}": "no_data", b"[1]": "contract"}.get(body, "not_json" if body[:1] != b"{" else "data")


def fetcher(tmp_path: Path, answer: Answer, requests: int | None = None) -> tuple[Fetcher, RawArchive, list[float]]:
    archive, pauses = RawArchive(tmp_path), list[float]()
    rate_limiter = RateLimiter(None, clock=lambda: sum(pauses), sleep=pauses.append)
    client = Client(
        "http://api.test",
        lambda: SECRET,
        user_agent="wattlog/test",
        classify=classify,
        clock=lambda: datetime(2025, 7, 1, tzinfo=UTC),
        transport=httpx.MockTransport(answer),
    )
    made = Fetcher(
        client,
        archive,
        rate_limiter,
        RequestBudget(requests),
        "run",
        "simulator",
        sleep=pauses.append,
        jitter=lambda: 1.0,
    )
    return made, archive, pauses


def scripted(*responses: httpx.Response | httpx.TransportError) -> Answer:
    left: Iterator[httpx.Response | httpx.TransportError] = iter(responses)

    def answer(_: httpx.Request) -> httpx.Response:
        given = next(left)
        if isinstance(given, httpx.TransportError):
            raise given
        return given

    return answer


def always(status: int, **more: object) -> Answer:
    return lambda _: httpx.Response(status, json={"error": "why", "error_description": ""}, **more)  # type: ignore[arg-type]  # httpx types no **more


UNNAMED = (100, 102, 199, 299, 304, 399, 418, 451, 499, 599, 600, 999)
"""Statuses that no page of the API names: the number decides alone whether the request is repeated."""


@pytest.mark.parametrize(
    ("status", "error", "attempts"),
    [
        (400, Refused, 1),
        (401, AuthExpired, 1),
        (402, PaymentRequired, 1),
        (403, MissingScope, 1),
        (404, Refused, 1),
        (408, UpstreamFailed, MAX_ATTEMPTS),
        (410, EndpointRetired, 1),
        (422, Refused, 1),
        (424, UpstreamFailed, MAX_ATTEMPTS),
        (429, RateLimited, MAX_ATTEMPTS),
        (500, UpstreamFailed, MAX_ATTEMPTS),
        (503, UpstreamFailed, MAX_ATTEMPTS),
        (540, UpstreamFailed, MAX_ATTEMPTS),
        *((status, Refused, 1) for status in UNNAMED if status < 499),
        *((status, UpstreamFailed, MAX_ATTEMPTS) for status in UNNAMED if status >= 499),
    ],
)
def test_each_status_has_its_action(tmp_path: Path, status: int, error: type[ExtractError], attempts: int) -> None:
    """API.md#status-codes."""
    made, archive, _ = fetcher(tmp_path, always(status))
    with pytest.raises(error):
        made.fetch(live_status(1001))
    kept = archive.entries(1001)
    assert [entry.attempt for entry in kept] == list(range(1, attempts + 1)), "every attempt is in the archive"
    assert {(entry.status, entry.outcome) for entry in kept} == {(status, "error")}
    assert made.budget.spent == attempts


def test_after_a_passing_fault_the_request_succeeds(tmp_path: Path) -> None:
    """Q30: exponential back-off."""
    answer = scripted(
        httpx.ConnectError("refused"),
        httpx.Response(500),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"a": 1}),
    )
    made, archive, pauses = fetcher(tmp_path, answer)
    entry = made.fetch(live_status(1001))
    assert archive.load(entry).body == b'{"a":1}'
    assert pauses == [1.0, 2.0, 4.0]
    assert [entry.outcome for entry in archive.entries(1001)] == ["transport", "error", "not_json", "data"]


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    """Q28."""
    answer = scripted(httpx.Response(429, headers={"Retry-After": "41"}), httpx.Response(200, json={"a": 1}))
    made, _, pauses = fetcher(tmp_path, answer)
    made.fetch(live_status(1001))
    assert sum(pauses) == 41.0


@pytest.mark.parametrize(
    ("asked", "pause_s", "sentence"),
    [
        ("1000000000", MAX_RETRY_AFTER_S, "the API asks to wait more than 1000 days; wattlog tries again after 300 s"),
        ("inf", MAX_RETRY_AFTER_S, "the API asks to wait more than 1000 days; wattlog tries again after 300 s"),
        ("7200", MAX_RETRY_AFTER_S, "the API asks to wait 2.0 hours; wattlog tries again after 300 s"),
        ("300", 300.0, ""),
        ("nan", 1.0, ""),
        ("-5", 1.0, ""),
        ("0", 1.0, ""),
        ("soon", 1.0, ""),
    ],
)
def test_retry_after_has_a_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, asked: str, pause_s: float, sentence: str
) -> None:
    answer = scripted(httpx.Response(429, headers={"Retry-After": asked}), httpx.Response(200, json={"a": 1}))
    made, _, pauses = fetcher(tmp_path, answer)
    made.fetch(live_status(1001))
    assert sum(pauses) == pause_s
    assert sentence in caplog.text
    assert bool(sentence) == bool(caplog.records)


def test_the_error_says_how_long_the_server_asks_to_wait(tmp_path: Path) -> None:
    made, _, pauses = fetcher(tmp_path, always(429, headers={"Retry-After": "172800"}))
    with pytest.raises(RateLimited, match="the API asks to wait 2 days"):
        made.fetch(live_status(1001))
    assert sum(pauses) <= MAX_ATTEMPTS * MAX_RETRY_AFTER_S


def test_a_429_delays_all_threads_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q28: requests that other threads send until then would be refused too, and charged."""
    made, archive, _ = fetcher(
        tmp_path, scripted(httpx.Response(429, headers={"Retry-After": "41"}), httpx.Response(404))
    )
    waits_s: list[float] = []

    def keep(*arguments: Any, **named: Any) -> IndexEntry:
        waits_s.append(made.rate_limiter.try_acquire())
        return RawArchive.keep(archive, *arguments, **named)

    monkeypatch.setattr(archive, "keep", keep)
    with pytest.raises(Refused):
        made.fetch(live_status(1001))
    assert waits_s == [41.0, 0.0]
    assert [entry.status for entry in archive.entries(1001)] == [429, 404]


def test_the_token_is_that_of_the_moment_of_sending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q29: a token that expires while the request waits would give a 401, and two of them end the run."""
    sent: list[str] = []
    refusal = scripted(httpx.Response(429, headers={"Retry-After": "41"}), httpx.Response(200, json={"a": 1}))

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"])
        return refusal(request)

    made, _, pauses = fetcher(tmp_path, answer)
    monkeypatch.setattr(made.client, "token", lambda: f"of-second-{sum(pauses):.0f}")
    made.fetch(live_status(1001))
    assert sent == ["Bearer of-second-0", "Bearer of-second-41"]


def test_a_connection_that_never_works_ends(tmp_path: Path) -> None:
    made, archive, _ = fetcher(tmp_path, scripted(*[httpx.ReadTimeout("slow")] * MAX_ATTEMPTS))
    with pytest.raises(TransportFailed, match="ReadTimeout"):
        made.fetch(live_status(1001))
    assert archive.entries(1001)[0].status is None


def test_an_endless_body_is_a_fault(tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * (MAX_BYTES // 4 + 1)

    made, _, _ = fetcher(tmp_path, lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(TransportFailed, match="larger than"):
        made.fetch(live_status(1001))


def test_an_unknown_shape_is_kept_and_reported(tmp_path: Path) -> None:
    made, archive, _ = fetcher(tmp_path, lambda _: httpx.Response(200, content=b"[1]"))
    with pytest.raises(ContractChanged):
        made.fetch(live_status(1001))
    assert archive.load(archive.entries(1001)[0]).body == b"[1]"


def test_the_request_budget_is_never_exceeded(tmp_path: Path) -> None:
    made, archive, _ = fetcher(tmp_path, always(500), requests=3)
    with pytest.raises(BudgetSpent):
        made.fetch(live_status(1001))
    assert len(archive.entries(1001)) == 3


def test_the_token_goes_to_the_server_and_nowhere_else(tmp_path: Path) -> None:
    """Neither the archive nor an error's text has it."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(401, json={"error": "invalid bearer token"})

    made, _, _ = fetcher(tmp_path, answer)
    with pytest.raises(AuthExpired) as raised:
        made.fetch(PRODUCTS)
    assert seen == [f"Bearer {SECRET}"]
    assert SECRET not in str(raised.value)
    assert "invalid bearer token" in str(raised.value)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
