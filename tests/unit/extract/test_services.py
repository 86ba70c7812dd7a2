"""Clients of services beside the API: what they send, what they repeat, and what their errors say."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import pytest

from extract.services.errors import ServiceLimited, ServiceRefused, ServiceUnavailable
from extract.services.home_assistant import websocket_address
from extract.services.http import ATTEMPTS, Service
from extract.services.influxdb import InfluxBucket, InfluxDB, quoted
from extract.services.pvoutput import PVOutput
from wattlog.secret_text import protect

BEGIN, END = datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


class Server(httpx.MockTransport):
    """Keeps the requests that it gets."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_a_service_that_fails_is_asked_again() -> None:
    server = Server(httpx.Response(503, text="busy"), httpx.Response(429), httpx.Response(200, text="fine"))
    service = Service("Toaster", "http://toaster", transport=server, wait_s=0.0)
    assert service.request("GET", "/").text == "fine"
    assert len(server.requests) == 3
    dead = Server(httpx.Response(500, text="broken\nfor good"))
    with pytest.raises(ServiceUnavailable, match="status 500, broken for good"):
        Service("Toaster", "http://toaster", transport=dead, wait_s=0.0).request("GET", "/")
    assert len(dead.requests) == ATTEMPTS


def test_a_refusal_is_not_repeated_and_shows_no_secret(tmp_path: Path) -> None:
    protect("swordfish-of-the-toaster")
    server = Server(httpx.Response(401, text="bad password swordfish-of-the-toaster"))
    service = Service("Toaster", "http://toaster", transport=server, wait_s=0.0)
    with pytest.raises(ServiceRefused, match="refuses the credentials") as error:
        service.download("/", tmp_path / "out")
    assert "swordfish" not in str(error.value)
    assert len(server.requests) == 1


def test_influxdb_1_has_policies_and_basic_authentication() -> None:
    server = Server(httpx.Response(204))
    InfluxDB.at("http://influx:8086", "powerwall", credentials="me:pass:word", transport=server).write(
        "kwh", ["a b=1 1", "c"]
    )
    (request,) = server.requests
    assert dict(request.url.params) == {"db": "powerwall", "rp": "kwh", "precision": "s"}
    assert request.headers["authorization"] == httpx.BasicAuth("me", "pass:word")._auth_header
    assert request.content == b"a b=1 1\nc"


def test_an_error_of_a_query_is_a_refusal() -> None:
    body = {"results": [{"statement_id": 0, "error": "database not found: powerwall"}]}
    server = Server(httpx.Response(200, json=body))
    with pytest.raises(ServiceRefused, match="database not found"):
        InfluxDB.at("http://influx:8086", "powerwall", transport=server).policies()


def test_names_in_queries_are_checked() -> None:
    assert quoted("powerwall_2") == '"powerwall_2"'
    for name in ('a"; DROP DATABASE b', "", "a b"):
        with pytest.raises(ValueError, match="is not a name"):
            quoted(name)


def test_influxdb_2_writes_and_deletes_in_buckets() -> None:
    server = Server(httpx.Response(204))
    bucket = InfluxBucket.at("http://influx", "home", org="us", version=2, token="a-token-of-2", transport=server)
    bucket.write("", ["a b=1 1"])
    bucket.write("kwh", ["a b=1 1"])
    bucket.delete("wattlog_hours", {"source": "wattlog", "site": "77"}, BEGIN, END)
    first, second, deletion = server.requests
    assert (first.url.path, dict(first.url.params)) == (
        "/api/v2/write",
        {"org": "us", "bucket": "home", "precision": "s"},
    )
    assert first.headers["authorization"] == "Token a-token-of-2"
    assert second.url.params["bucket"] == "home/kwh"
    assert (deletion.url.path, orjson.loads(deletion.content)) == (
        "/api/v2/delete",
        {
            "start": "2025-03-01T00:00:00Z",
            "stop": "2025-04-01T00:00:00Z",
            "predicate": '_measurement="wattlog_hours" AND source="wattlog" AND site="77"',
        },
    )


def test_influxdb_3_writes_and_deletes_nothing() -> None:
    server = Server(httpx.Response(204))
    bucket = InfluxBucket.at("http://influx", "home", org="", version=3, token="a-token-of-3", transport=server)
    bucket.write("", ["a b=1 1"])
    bucket.delete("wattlog_hours", {"source": "wattlog"}, BEGIN, END)
    (request,) = server.requests
    assert (request.url.path, dict(request.url.params)) == ("/api/v3/write_lp", {"db": "home", "precision": "second"})
    assert request.headers["authorization"] == "Bearer a-token-of-3"


def test_pvoutput_stops_before_its_limit() -> None:
    """Nothing is sent after the last request of the hour; a status that was not added is an error."""
    left = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1768507200"}
    server = Server(httpx.Response(200, text="20250301,10:00,1;20250301,10:05,1", headers=left))
    account = PVOutput.at("http://pvoutput", "the-key-of-it", has_donated=False, transport=server)
    account.add_statuses(5, ["20250301,10:00,1,1,1,1", "20250301,10:05,1,1,1,1"])
    with pytest.raises(ServiceLimited, match="after 20:00 UTC"):
        account.add_outputs(5, ["20250301,1"])
    assert len(server.requests) == 1
    failing = PVOutput.at(
        "http://pvoutput",
        "the-key-of-it",
        has_donated=False,
        transport=Server(httpx.Response(200, text="20250301,10:00,0")),
    )
    with pytest.raises(ServiceRefused, match="was not added"):
        failing.add_statuses(5, ["20250301,10:00,1,1,1,1"])


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://home:8123", "ws://home:8123/api/websocket"),
        ("https://home.example.org/", "wss://home.example.org/api/websocket"),
        ("ws://home", "ws://home/api/websocket"),
    ],
)
def test_the_address_of_a_websocket(url: str, address: str) -> None:
    assert websocket_address(url) == address
