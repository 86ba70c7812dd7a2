"""An account is in one region; a request to another region finds it, once (API.md#login)."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from extract.api.client import Client
from extract.api.fetch import Fetcher
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.api.regions import REGION, AccountRegion, account_region, is_trusted
from extract.archive.raw_archive import RawArchive, Response
from extract.errors import AuthExpired, WrongRegion
from extract.requests import PRODUCTS
from wattlog.providers import FLEET_EU, FLEET_NA, TESLEMETRY, TESLEMETRY_METADATA, USERS_REGION

NOW = datetime(2025, 7, 1, tzinfo=UTC)
NA, EU = FLEET_NA.base_url, FLEET_EU.base_url
Answer = Callable[[httpx.Request], httpx.Response]


def response(body: bytes) -> Response:
    return Response(REGION, NOW, 1.0, 1, 200, {}, body, "data")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f'{{"response":{{"region":"EU","fleet_api_base_url":"{EU}/"}}}}'.encode(), AccountRegion("eu", EU)),
        (b'{"response":{"region":"eu"}}', AccountRegion("eu", None)),
        (b'{"response":{"fleet_api_base_url":"ftp://eu.test"}}', AccountRegion(None, None)),
        (b'{"response":null}', AccountRegion(None, None)),
        (b"[]", AccountRegion(None, None)),
        (b"<html>", AccountRegion(None, None)),
    ],
)
def test_the_region_is_read_as_far_as_the_response_has_it(body: bytes, found: AccountRegion) -> None:
    assert account_region(response(body), USERS_REGION, NA) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            b'{"uid":"1","region":"EU","scopes":["energy_device_data"]}',
            AccountRegion("eu", "https://eu.teslemetry.com", ("energy_device_data",)),
        ),
        (b'{"region":"eu.evil.test/"}', AccountRegion(None, None)),
        (b'{"scopes":"none"}', AccountRegion(None, None)),
        (b"{", AccountRegion(None, None)),
    ],
)
def test_teslemetry_names_region_and_scopes(body: bytes, found: AccountRegion) -> None:
    """What it names becomes part of a host, so it is two letters or nothing."""
    assert account_region(response(body), TESLEMETRY_METADATA, TESLEMETRY.base_url) == found
    assert TESLEMETRY_METADATA.path == "/api/metadata"


class Servers:
    """Two regions; the account is in Europe."""

    def __init__(self, *, is_named: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self._is_named = is_named

    def __call__(self, request: httpx.Request) -> httpx.Response:
        address = f"{request.url.scheme}://{request.url.host}"
        self.asked.append((address, request.url.path))
        if request.url.path == REGION.path and (self._is_named or address == EU):
            return httpx.Response(200, json={"response": {"region": "eu", "fleet_api_base_url": EU}})
        return httpx.Response(200, json={"a": 1}) if address == EU else httpx.Response(421, json={"error": "region"})


def fetcher(tmp_path: Path, answer: Answer, *other_regions: str, tokens: list[str] | None = None) -> Fetcher:
    stored = tokens or ["token"]

    def renew(rejected: str) -> bool:
        if len(stored) > 1:
            stored.pop(0)
        return stored[0] != rejected

    client = Client(
        NA,
        lambda: stored[0],
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        clock=lambda: NOW,
        transport=httpx.MockTransport(answer),
    )
    archive = RawArchive(tmp_path)
    return Fetcher(
        client,
        archive,
        RateLimiter(None),
        RequestBudget(None),
        "run",
        "fleet-na",
        renew=renew,
        other_regions=other_regions,
        sleep=print,
    )


def test_a_wrong_region_names_the_right_one(tmp_path: Path) -> None:
    """421 → the region is requested once, and later requests go there directly."""
    servers = Servers(is_named=True)
    made = fetcher(tmp_path, servers)
    for _ in range(2):
        assert made.fetch(PRODUCTS).status == 200
    assert servers.asked == [
        (NA, PRODUCTS.path),
        (NA, REGION.path),
        (EU, PRODUCTS.path),
        (EU, PRODUCTS.path),
    ]
    assert made.budget.spent == 4


def test_a_strict_server_leads_to_the_other_region(tmp_path: Path) -> None:
    servers = Servers(is_named=False)
    assert fetcher(tmp_path, servers, EU).fetch(PRODUCTS).status == 200
    assert servers.asked[1:3] == [(NA, REGION.path), (EU, REGION.path)]


def test_a_region_that_is_not_found_stops_the_run(tmp_path: Path) -> None:
    servers = Servers(is_named=False)
    with pytest.raises(WrongRegion, match="WATTLOG_PROVIDER"):
        fetcher(tmp_path, servers).fetch(PRODUCTS)
    assert len(servers.asked) == 2


def test_a_region_that_names_itself_ends_the_search(tmp_path: Path) -> None:
    """It names itself and refuses requests: one attempt is enough."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == REGION.path:
            return httpx.Response(200, json={"response": {"fleet_api_base_url": EU}})
        return httpx.Response(421, json={"error": "region"})

    made = fetcher(tmp_path, answer)
    with pytest.raises(WrongRegion):
        made.fetch(PRODUCTS)
    assert made.budget.spent == 3


@pytest.mark.parametrize(
    "named",
    [
        "https://evil.example",
        EU.replace("https", "http"),
        f"{EU}.evil.example",
        f"{EU}@evil.example",
        f"{EU}:8443",
        "http://127.0.0.1:8000",
    ],
)
def test_an_address_that_is_not_known_gets_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, named: str
) -> None:
    """A response may name any address; the token is sent to known ones only."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.scheme}://{request.url.netloc.decode()}")
        if request.url.path == REGION.path:
            return httpx.Response(200, json={"response": {"region": "eu", "fleet_api_base_url": named}})
        return httpx.Response(421, json={"error": "region"})

    with pytest.raises(WrongRegion, match="WATTLOG_API_BASE_URL"):
        fetcher(tmp_path, answer, EU).fetch(PRODUCTS)
    assert set(asked) == {NA, EU}
    assert "set WATTLOG_API_BASE_URL to it if it is right" in caplog.text


@pytest.mark.parametrize(
    ("named", "asked", "trusted"),
    [
        ("http://127.0.0.1:9/eu", "http://127.0.0.1:8", True),
        ("http://127.0.0.1:9", "https://proxy.example", False),
        ("https://proxy.example/eu", "https://proxy.example", True),
        ("https://other.example", "https://proxy.example", False),
        (EU, "https://proxy.example", True),
    ],
)
def test_an_address_is_trusted_as_far_as_the_one_that_names_it(named: str, asked: str, trusted: bool) -> None:
    assert is_trusted(named, asked) == trusted


def expecting(good: str) -> tuple[Answer, list[str]]:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"].removeprefix("Bearer "))
        return httpx.Response(200 if seen[-1] == good else 401, json={"error": "token expired (401)"})

    return answer, seen


def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    """Q29: 401, another token, the same request again; without a pause."""
    answer, seen = expecting("second")
    assert fetcher(tmp_path, answer, tokens=["first", "second"]).fetch(PRODUCTS).status == 200
    assert seen == ["first", "second"]


def test_a_second_refusal_is_the_end(tmp_path: Path) -> None:
    answer, seen = expecting("never")
    with pytest.raises(AuthExpired, match="token expired"):
        fetcher(tmp_path, answer, tokens=["first", "second", "third"]).fetch(PRODUCTS)
    assert seen == ["first", "second"]
