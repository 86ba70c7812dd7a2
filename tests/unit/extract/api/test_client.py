"""What the client sends is what httpx itself would send."""

from datetime import UTC, date, datetime

import httpx
import pytest

from extract.api.client import Client
from extract.requests import PRODUCTS, Request, history
from extract.windows import window
from wattlog.series_spec import Series
from wattlog.zones import Zone

ZONE = Zone("Australia/Lord_Howe")
DAY = window(date(2025, 10, 5), date(2025, 10, 5), ZONE, today=date(2025, 11, 1))
ODD = Request(1001, Series.POWER, "/api/1/a b/ü", (("kind", "a&b=ü c+%"), ("period", "")))


@pytest.mark.parametrize("base_url", ["http://api.test", "https://api.test:8443/proxy/", "http://[::1]:80"])
@pytest.mark.parametrize(
    "request_", [PRODUCTS, history(1001, Series.POWER, DAY, ZONE), ODD], ids=["no query", "day", "odd"]
)
def test_url_and_headers_are_those_of_httpx(base_url: str, request_: Request) -> None:
    """Escapes, the address's own path, and the order of headers; a cookie that was set is sent, as by httpx."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "balancer=7; Path=/"}, json={})

    transport = httpx.MockTransport(answer)
    client = Client(
        base_url,
        lambda: "a-token-of-the-tests",
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        clock=lambda: datetime(2025, 11, 1, tzinfo=UTC),
        transport=transport,
    )
    plain = httpx.Client(
        base_url=base_url,
        transport=transport,
        headers={"User-Agent": "wattlog/test", "Accept": "application/json", "Accept-Encoding": "gzip"},
    )
    with client, plain:
        for token in ("a-token-of-the-tests", "another-token-of-the-tests"):
            client.send(request_, token=token)
            plain.get(request_.path, params=dict(request_.params), headers={"Authorization": f"Bearer {token}"})
    ours, theirs = sent[0::2], sent[1::2]
    assert [(str(request.url), request.headers.raw) for request in ours] == [
        (str(request.url), request.headers.raw) for request in theirs
    ]
    assert [request.extensions["timeout"]["connect"] for request in ours] == [10.0, 10.0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """The token is for the address that was asked, and for no other that a response names."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://elsewhere.test/api/1/products"})

    with client_of(httpx.MockTransport(answer)) as client:
        assert client.send(PRODUCTS).status == status
    assert asked == ["api.test"]


def client_of(transport: httpx.BaseTransport | None, base_url: str = "https://api.test") -> Client:
    return Client(
        base_url,
        lambda: "a-token-of-the-tests",
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        clock=lambda: datetime(2025, 11, 1, tzinfo=UTC),
        transport=transport,
    )
