"""Clients that we did not write, pointed at a simulator: TeslaPy (requests) and tesla-fleet-api (aiohttp).

Nothing of their logic is replaced. TeslaPy takes its login service as a parameter, and its API address by an adapter that
is mounted for Tesla's host; tesla-fleet-api takes a server, and where its addresses are fixed a session that turns them.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import aiohttp
import requests
import teslapy
from requests.adapters import HTTPAdapter
from tesla_fleet_api import TeslaFleetApi, Teslemetry

from extract.simulator import DEMO_REFRESH_TOKEN, DEMO_TOKEN, FLOWS, DayTruth, SimulatorServer, SiteSpec

OWNER_API = "https://owner-api.teslamotors.com/"
"""Where TeslaPy sends what is not a login."""

EMAIL = "owner@example.org"

Json = dict[str, Any]
T = TypeVar("T")


class ToSimulator(HTTPAdapter):
    """Sends what was meant for Tesla to a simulator; `requests` mounts it for a host."""

    def __init__(self, base_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send to the same path of the simulator."""
        turned = request.copy()
        turned.url = self._base_url + request.path_url
        return super().send(turned, *arguments, **options)


@dataclass
class TokenCache:
    """TeslaPy's cache in memory; every pair that it stores is kept.

    Attributes:
        content: What TeslaPy loads.
        stored: What TeslaPy stored, in order.
    """

    content: Json = field(default_factory=dict)
    stored: list[Json] = field(default_factory=list)

    def load(self) -> Json:
        """A copy, as from a file."""
        return dict(self.content)

    def dump(self, content: Json) -> None:
        """Keep it."""
        self.content = content
        self.stored.append(content[EMAIL]["sso"])


def logged_in_cache(server: SimulatorServer, *, expires_in_s: float = 3600) -> TokenCache:
    """A cache that holds the simulator's demo tokens; negative: the access token has expired."""
    token = {
        "access_token": DEMO_TOKEN,
        "refresh_token": DEMO_REFRESH_TOKEN,
        "token_type": "Bearer",
        "expires_at": time.time() + expires_in_s,
    }
    return TokenCache({EMAIL: {"url": f"{server.base_url}/", "sso": token}})


def open_teslapy(
    server: SimulatorServer,
    cache: TokenCache | None = None,
    *,
    retries: Any = 0,
    authenticator: Callable[[str], str] | None = None,
) -> teslapy.Tesla:
    """A TeslaPy session at the simulator, to be used in a `with` block; logged in unless a cache says otherwise."""
    cache = cache or logged_in_cache(server)
    tesla = teslapy.Tesla(
        EMAIL,
        sso_base_url=f"{server.base_url}/",
        cache_loader=cache.load,
        cache_dumper=cache.dump,
        authenticator=authenticator,
    )
    tesla.trust_env = False  # no proxy of this machine between the two
    tesla.mount(OWNER_API, ToSimulator(server.base_url, max_retries=retries))
    return tesla


class TurningSession:
    """An aiohttp session that turns fixed hosts to a simulator.

    Args:
        session: What sends.
        turns: Host → address that takes its place.
    """

    def __init__(self, session: aiohttp.ClientSession, turns: Mapping[str, str]) -> None:
        self._session = session
        self._turns = turns

    def request(self, method: str, url: str, **options: Any) -> Any:
        """As of aiohttp."""
        parts = urlsplit(url)
        return self._session.request(method, self._turns[parts.netloc] + url.partition(parts.netloc)[2], **options)

    def get(self, url: str, **options: Any) -> Any:
        """As of aiohttp."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """As of aiohttp."""
        return self.request("POST", url, **options)


def with_session(work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, T]]) -> T:
    """Run something that needs an aiohttp session."""

    async def working() -> T:
        async with aiohttp.ClientSession() as session:
            return await work(session)

    return asyncio.run(working())


def turned(session: aiohttp.ClientSession, turns: Mapping[str, str]) -> aiohttp.ClientSession:
    """A session of which tesla-fleet-api only uses what `TurningSession` has."""
    return cast("aiohttp.ClientSession", TurningSession(session, turns))


def with_fleet(
    server: SimulatorServer, work: Callable[[TeslaFleetApi], Coroutine[Any, Any, T]], token: str = DEMO_TOKEN
) -> T:
    """Run something with tesla-fleet-api's client of the Fleet API."""
    return with_session(lambda session: work(TeslaFleetApi(session, access_token=token, server=server.base_url)))


def with_teslemetry(server: SimulatorServer, work: Callable[[Teslemetry], Coroutine[Any, Any, T]]) -> T:
    """Run something with tesla-fleet-api's client of Teslemetry."""
    return with_session(lambda session: work(Teslemetry(session, access_token=DEMO_TOKEN, server=server.base_url)))


def last_second(spec: SiteSpec, day: date) -> str:
    """The end of a local day as the API wants it: 23:59:59 with the offset in force then (Q1)."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=spec.zone).isoformat()


def sums_wh(rows: list[Json]) -> dict[str, int]:
    """Sums of the sixteen flows over rows."""
    return {name: sum(row[name] for row in rows) for name in FLOWS}


def instants_s(rows: list[Json]) -> list[int]:
    """Epoch seconds of the rows."""
    return [int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows]


def slots_s(day: DayTruth) -> list[int]:
    """Epoch seconds of the truth's slots."""
    return [int(each) for each in day.interval_start.astype("int64").tolist()]


def first_of_next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
