"""What the watchdog is told, and what it is never told."""

import logging
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from flows.errors import UsageError
from flows.healthcheck import Healthcheck

URL = SecretStr("https://watch.example/ping/6f1e?create=1")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Every ping, in the place of the network."""
    pings: list[tuple[str, bytes]] = []

    def post(url: httpx.URL, *, content: bytes, timeout: float) -> httpx.Response:
        pings.append((str(url), content))
        return httpx.Response(200)

    monkeypatch.setattr(httpx, "post", post)
    return pings


def test_begin_success_and_failure_have_addresses_of_their_own(sent: list[tuple[str, bytes]]) -> None:
    watchdog = Healthcheck(URL)
    watchdog.began()
    watchdog.ended(None)
    watchdog.ended("3 requests failed")
    assert sent == [
        ("https://watch.example/ping/6f1e/start?create=1", b""),
        ("https://watch.example/ping/6f1e?create=1", b""),
        ("https://watch.example/ping/6f1e/fail?create=1", b"3 requests failed"),
    ]


def test_secrets_are_taken_out_of_the_line(sent: list[tuple[str, bytes]]) -> None:
    watchdog = Healthcheck(URL, hidden=(SecretStr("t0ken"), None, SecretStr("")))
    watchdog.ended("refused: t0ken, told to https://watch.example/ping/6f1e?create=1")
    assert sent[0][1] == b"refused: ***, told to ***"


def test_nobody_watches(sent: list[tuple[str, bytes]]) -> None:
    watchdog = Healthcheck(None)
    watchdog.began()
    watchdog.ended("failed")
    assert sent == []


@pytest.mark.parametrize(
    "flaw", [httpx.ConnectTimeout("6f1e"), httpx.ReadError("6f1e"), httpx.InvalidURL("6f1e"), OSError("6f1e")]
)
def test_a_ping_that_fails_is_noted_without_the_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, flaw: Exception
) -> None:
    def post(*_: Any, **__: Any) -> httpx.Response:
        raise flaw

    monkeypatch.setattr(httpx, "post", post)
    with caplog.at_level(logging.WARNING):
        Healthcheck(URL).ended(None)
    assert type(flaw).__name__ in caplog.text
    assert "6f1e" not in caplog.text


@pytest.mark.parametrize("url", ["watch.example", "ftp://watch.example", "", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://"):
        Healthcheck(SecretStr(url))
