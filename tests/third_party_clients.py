"""Third-party clients that send their requests to a simulator: TeslaPy (requests) and tesla-fleet-api (aiohttp).

Their logic is unchanged. TeslaPy has a parameter for the login service, and an adapter for Tesla's host redirects its API
requests. tesla-fleet-api has a parameter for the server; a session redirects requests to its fixed addresses.
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
"""Address of TeslaPy's requests except logins."""

EMAIL = "owner@example.org"

Json = dict[str, Any]
T = TypeVar("T")


class ToSimulator(HTTPAdapter):
    """Redirects requests for Tesla to a simulator; `requests` mounts it for a host."""

    def __init__(self, base_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send the request to the same path of the simulator."""
        redirected = request.copy()
        redirected.url = self._base_url + request.path_url
        return super().send(redirected, *arguments, **options)


@dataclass
class TokenCache:
    """TeslaPy's cache in memory; records every pair that is stored.

    Attributes:
        content: Content that TeslaPy loads.
        stored: Pairs of tokens that TeslaPy stored, in order.
    """

    content: Json = field(default_factory=dict)
    stored: list[Json] = field(default_factory=list)

    def load(self) -> Json:
        """A copy, as from a file."""
        return dict(self.content)

    def dump(self, content: Json) -> None:
        """Store the content."""
        self.content = content
        self.stored.append(content[EMAIL]["sso"])


def logged_in_cache(server: SimulatorServer, *, expires_in_s: float = 3600) -> TokenCache:
    """A cache with the simulator's demo tokens; with a negative lifetime the access token has expired."""
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
    """A TeslaPy session for the simulator, for use in a `with` block; by default it is logged in."""
    cache = cache or logged_in_cache(server)
    tesla = teslapy.Tesla(
        EMAIL,
        sso_base_url=f"{server.base_url}/",
        cache_loader=cache.load,
        cache_dumper=cache.dump,
        authenticator=authenticator,
    )
    tesla.trust_env = False  # no proxy of this machine
    tesla.mount(OWNER_API, ToSimulator(server.base_url, max_retries=retries))
    return tesla


class RedirectingSession:
    """An aiohttp session that redirects fixed hosts to a simulator.

    Args:
        session: The session that sends the requests.
        targets: Host → address that replaces it.
    """

    def __init__(self, session: aiohttp.ClientSession, targets: Mapping[str, str]) -> None:
        self._session = session
        self._targets = targets

    def request(self, method: str, url: str, **options: Any) -> Any:
        """See `aiohttp.ClientSession`."""
        parts = urlsplit(url)
        return self._session.request(method, self._targets[parts.netloc] + url.partition(parts.netloc)[2], **options)

    def get(self, url: str, **options: Any) -> Any:
        """See `aiohttp.ClientSession`."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """See `aiohttp.ClientSession`."""
        return self.request("POST", url, **options)


def with_session(work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function with an aiohttp session."""

    async def run() -> T:
        async with aiohttp.ClientSession() as session:
            return await work(session)

    return asyncio.run(run())


def redirected_session(session: aiohttp.ClientSession, targets: Mapping[str, str]) -> aiohttp.ClientSession:
    """A redirecting session, typed as a session of aiohttp: tesla-fleet-api uses only the methods that it has."""
    return cast("aiohttp.ClientSession", RedirectingSession(session, targets))


def with_fleet(
    server: SimulatorServer, work: Callable[[TeslaFleetApi], Coroutine[Any, Any, T]], token: str = DEMO_TOKEN
) -> T:
    """Run a coroutine function with tesla-fleet-api's client of the Fleet API."""
    return with_session(lambda session: work(TeslaFleetApi(session, access_token=token, server=server.base_url)))


def with_teslemetry(server: SimulatorServer, work: Callable[[Teslemetry], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function with tesla-fleet-api's client of Teslemetry."""
    return with_session(lambda session: work(Teslemetry(session, access_token=DEMO_TOKEN, server=server.base_url)))


def last_second(spec: SiteSpec, day: date) -> str:
    """The end of a local day as the API expects it: 23:59:59 with the offset in force then (Q1)."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=spec.zone).isoformat()


def sums_wh(rows: list[Json]) -> dict[str, int]:
    """Sums of the sixteen flows over rows."""
    return {name: sum(row[name] for row in rows) for name in FLOWS}


def instants_s(rows: list[Json]) -> list[int]:
    """Epoch seconds of the rows."""
    return [int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows]


def slots_s(day: DayTruth) -> list[int]:
    """Epoch seconds of the truth's slots."""
    return [int(start_s) for start_s in day.interval_start.astype("int64").tolist()]


def first_of_next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
