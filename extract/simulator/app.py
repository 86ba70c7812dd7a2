"""The HTTP side: paths, the bearer token, the envelope. What is answered comes from the endpoint modules.

The app takes what stands around the endpoints as data: `check_token` decides who is let in, `routes` adds paths and
`middleware` wraps everything (latency, limits, broken bodies), the first being the outermost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from extract.simulator.account import metadata, products, region
from extract.simulator.calendar_history import calendar_history
from extract.simulator.charging import telemetry_history
from extract.simulator.history import history
from extract.simulator.query import ApiError, Query
from extract.simulator.savings import savings
from extract.simulator.site_state import backup_time_remaining, live_status, site_info, site_status, tariff_rate
from extract.simulator.world import StaleAnswer, World

Clock = Callable[[], datetime]

TokenCheck = Callable[[str | None, datetime], None]
"""Lets a bearer token pass (None: none was sent) or raises `ApiError`."""

SITE_ENDPOINTS: dict[str, Callable[[Query], object]] = {
    "backup_time_remaining": backup_time_remaining,
    "calendar_history": calendar_history,
    "history": history,
    "live_status": live_status,
    "savings_forecast": savings,
    "site_info": site_info,
    "site_status": site_status,
    "tariff_rate": tariff_rate,
    "telemetry_history": telemetry_history,
}
"""Paths below `/api/1/energy_sites/{id}/` and what computes their `response`."""


class JsonResponse(Response):
    """A JSON body by orjson."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The body."""
        return orjson.dumps(content)


def build_app(
    world: World,
    clock: Clock,
    *,
    check_token: TokenCheck | None = None,
    routes: Sequence[BaseRoute] = (),
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """The ASGI application that serves a world.

    Args:
        world: The account.
        clock: Gives "now", aware.
        check_token: Who is let in; by default the world's one access token.
        routes: Further paths, which come before the built-in ones.
        middleware: Wraps every request, the first outermost.
    """
    api = _Api(world, clock, check_token or only_token(world.access_token))
    own = [
        Route("/api/1/products", api.products),
        Route("/api/1/users/region", api.region),
        Route("/api/metadata", api.metadata),
        Route("/api/1/energy_sites/{site_id}/{endpoint}", api.site),
    ]
    return Starlette(
        routes=[*routes, *own],
        middleware=list(middleware),
        exception_handlers={ApiError: _refuse, 404: _not_found, 405: _not_found},
    )


def only_token(access_token: str) -> TokenCheck:
    """Lets one token in."""

    def check(token: str | None, _now: datetime) -> None:
        if token is None:
            raise ApiError(401, "missing_token")
        if token != access_token:
            raise ApiError(401, "invalid bearer token")

    return check


class _Api:
    """The built-in endpoints of one world."""

    def __init__(self, world: World, clock: Clock, check_token: TokenCheck) -> None:
        self._world = world
        self._silent = dict.fromkeys(world.ghosts, StaleAnswer.ERROR)
        self._silent |= {each.site_id: each.answer for each in world.stale_sites}
        self._clock = clock
        self._check_token = check_token
        self._answered: Counter[tuple[str, str]] = Counter()

    async def products(self, request: Request) -> Response:
        self._let_in(request)
        listed = products(self._world)
        return JsonResponse({"response": listed, "count": len(listed)})

    async def region(self, request: Request) -> Response:
        self._let_in(request)
        return JsonResponse({"response": region(self._world, str(request.base_url).rstrip("/"))})

    async def metadata(self, request: Request) -> Response:
        self._let_in(request)
        return JsonResponse(metadata(self._world))

    async def site(self, request: Request) -> Response:
        now = self._let_in(request)
        site_id = _number(request.path_params["site_id"])
        if site_id in self._silent:
            return self._silence(site_id)
        endpoint = SITE_ENDPOINTS.get(request.path_params["endpoint"])
        if endpoint is None or not self._world.has(site_id):
            raise ApiError(404, "not_found")
        asked = request.url.path, request.url.query
        params = dict(request.query_params)
        query = Query(self._world, self._world.truth(site_id), params, now, self._answered[asked])
        answer = JsonResponse({"response": endpoint(query)})
        self._answered[asked] += 1
        return answer

    def _silence(self, site_id: int) -> Response:
        """What a ghost or a stale site answers to everything."""
        if self._silent[site_id] is StaleAnswer.STRING:
            return JsonResponse({"response": ""})
        raise ApiError(500, "upstream internal error")

    def _let_in(self, request: Request) -> datetime:
        now = self._clock()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self._check_token(token if scheme.lower() == "bearer" and token else None, now)
        return now


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


async def _refuse(_request: Request, error: Exception) -> Response:
    refused = error if isinstance(error, ApiError) else ApiError(500, "upstream internal error")
    return JsonResponse(refused.envelope, status_code=refused.status)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JsonResponse(ApiError(404, "not_found").envelope, status_code=404)
