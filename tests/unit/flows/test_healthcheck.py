"""What is sent to the watchdog, and what is never sent."""

import logging

import httpx
import pytest
from pydantic import SecretStr

from flows.errors import UsageError
from flows.healthcheck import Healthcheck
from tests.loopback import replying, serving

URL = SecretStr("https://watch.example/ping/6f1e?create=1")


class Watchdog(httpx.MockTransport):
    """Keeps every ping, in the place of the network."""

    def __init__(self, flaw: Exception | None = None) -> None:
        super().__init__(self._answer)
        self.pings: list[tuple[str, bytes]] = []
        self._flaw = flaw

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._flaw is not None:
            raise self._flaw
        self.pings.append((str(request.url), request.read()))
        return httpx.Response(200)


def test_begin_success_and_failure_have_addresses_of_their_own() -> None:
    watchdog = Watchdog()
    check = Healthcheck(URL, transport=watchdog)
    check.began()
    check.ended(None)
    check.ended("3 requests failed")
    assert watchdog.pings == [
        ("https://watch.example/ping/6f1e/start?create=1", b""),
        ("https://watch.example/ping/6f1e?create=1", b""),
        ("https://watch.example/ping/6f1e/fail?create=1", b"3 requests failed"),
    ]


def test_secrets_are_taken_out_of_the_line() -> None:
    watchdog = Watchdog()
    check = Healthcheck(URL, hidden=(SecretStr("t0ken"), None, SecretStr("")), transport=watchdog)
    check.ended("refused: t0ken, sent to https://watch.example/ping/6f1e?create=1")
    assert watchdog.pings[0][1] == b"refused: ***, sent to ***"


def test_without_a_watchdog_nothing_is_sent() -> None:
    watchdog = Watchdog()
    check = Healthcheck(None, transport=watchdog)
    check.began()
    check.ended("failed")
    assert watchdog.pings == []


@pytest.mark.parametrize(
    "flaw", [httpx.ConnectTimeout("6f1e"), httpx.ReadError("6f1e"), httpx.InvalidURL("6f1e"), OSError("6f1e")]
)
def test_a_ping_that_fails_is_noted_without_the_address(caplog: pytest.LogCaptureFixture, flaw: Exception) -> None:
    with caplog.at_level(logging.WARNING):
        Healthcheck(URL, transport=Watchdog(flaw)).ended(None)
    assert type(flaw).__name__ in caplog.text
    assert "6f1e" not in caplog.text


def test_no_log_has_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Others could report in our name; libraries log addresses at `info` and `debug`."""
    with serving(replying(b"OK")) as address, caplog.at_level(logging.DEBUG):
        check = Healthcheck(SecretStr(f"{address}/ping/6f1e-secret"))
        check.began()
        check.ended(None)
    assert "6f1e" not in caplog.text
    assert "not reached" not in caplog.text


@pytest.mark.parametrize("url", ["watch.example", "ftp://watch.example", "", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://"):
        Healthcheck(SecretStr(url))
