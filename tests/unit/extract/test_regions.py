"""An account lives in one region, and a request that asked another finds its way, once (API.md §1.0)."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from extract.archive import Exchange, RawArchive
from extract.client import Client
from extract.errors import AuthExpired, WrongRegion
from extract.fetch import Budget, Fetcher
from extract.pace import Pace
from extract.regions import METADATA, REGION, Residence, residence, teslemetry_residence
from extract.series import PRODUCTS

NOW = datetime(2025, 7, 1, tzinfo=UTC)
NA, EU = "https://na.test", "https://eu.test"
Answer = Callable[[httpx.Request], httpx.Response]


def exchange(body: bytes) -> Exchange:
    return Exchange(REGION, NOW, 1.0, 1, 200, {}, body, "data")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"response":{"region":"EU","fleet_api_base_url":"https://eu.test/"}}', Residence("eu", EU)),
        (b'{"response":{"region":"eu"}}', Residence("eu", None)),
        (b'{"response":{"fleet_api_base_url":"ftp://eu.test"}}', Residence(None, None)),
        (b'{"response":null}', Residence(None, None)),
        (b"[]", Residence(None, None)),
        (b"<html>", Residence(None, None)),
    ],
)
def test_a_region_is_read_as_far_as_it_is_told(body: bytes, found: Residence) -> None:
    assert residence(exchange(body)) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            b'{"uid":"1","region":"EU","scopes":["energy_device_data"]}',
            Residence("eu", "https://eu.teslemetry.com", ("energy_device_data",)),
        ),
        (b'{"region":"eu.evil.test/"}', Residence(None, None)),
        (b'{"scopes":"none"}', Residence(None, None)),
        (b"{", Residence(None, None)),
    ],
)
def test_teslemetry_names_region_and_scopes(body: bytes, found: Residence) -> None:
    """What it names becomes part of a host, so it is two letters or nothing."""
    assert teslemetry_residence(exchange(body)) == found
    assert METADATA.path == "/api/metadata"


class Servers:
    """Two regions; the account lives in Europe."""

    def __init__(self, *, is_named: bool) -> None:
        self.asked: list[tuple[str, str]] = []
        self._is_named = is_named

    def __call__(self, request: httpx.Request) -> httpx.Response:
        address = f"{request.url.scheme}://{request.url.host}"
        self.asked.append((address, request.url.path))
        if request.url.path == REGION.path and (self._is_named or address == EU):
            return httpx.Response(200, json={"response": {"region": "eu", "fleet_api_base_url": EU}})
        return httpx.Response(200, json={"a": 1}) if address == EU else httpx.Response(421, json={"error": "region"})


def fetcher(tmp_path: Path, answer: Answer, *neighbours: str, tokens: list[str] | None = None) -> Fetcher:
    held = tokens or ["token"]

    def renew(rejected: str) -> bool:
        if len(held) > 1:
            held.pop(0)
        return held[0] != rejected

    client = Client(
        NA,
        lambda: held[0],
        user_agent="wattlog/test",
        classify=lambda *_: "data",
        clock=lambda: NOW,
        transport=httpx.MockTransport(answer),
    )
    archive = RawArchive(tmp_path)
    return Fetcher(
        client, archive, Pace(None), Budget(None), "run", "fleet-na", renew=renew, neighbours=neighbours, sleep=print
    )


def test_a_wrong_region_names_the_right_one(tmp_path: Path) -> None:
    """421 → asked once where to go, and all later requests go there at once."""
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


def test_a_strict_region_is_found_next_door(tmp_path: Path) -> None:
    servers = Servers(is_named=False)
    assert fetcher(tmp_path, servers, EU).fetch(PRODUCTS).status == 200
    assert servers.asked[1:3] == [(NA, REGION.path), (EU, REGION.path)]


def test_a_region_that_is_not_found_stops_the_run(tmp_path: Path) -> None:
    servers = Servers(is_named=False)
    with pytest.raises(WrongRegion, match="WATTLOG_PROVIDER"):
        fetcher(tmp_path, servers).fetch(PRODUCTS)
    assert len(servers.asked) == 2


def test_a_region_that_sends_us_in_circles_is_left(tmp_path: Path) -> None:
    """It names itself and refuses: once is enough."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == REGION.path:
            return httpx.Response(200, json={"response": {"fleet_api_base_url": EU}})
        return httpx.Response(421, json={"error": "region"})

    made = fetcher(tmp_path, answer)
    with pytest.raises(WrongRegion):
        made.fetch(PRODUCTS)
    assert made.budget.spent == 3


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
