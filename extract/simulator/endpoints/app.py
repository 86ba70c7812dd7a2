"""The HTTP application: paths, the bearer token, and the envelope. The endpoint modules compute the responses.

`build_app` has parameters for everything outside the endpoints: `check_token` decides which tokens are accepted, `routes`
adds paths, and `middleware` wraps all requests (latency, limits, broken bodies); the first middleware is the outermost.
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

from extract.simulator.endpoints.account import metadata, products, region
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.cars import CarBehaviour, Cars
from extract.simulator.endpoints.commands import COMMANDS, CommandBehaviour, Commands
from extract.simulator.endpoints.events import telemetry_history
from extract.simulator.endpoints.legacy_history import history
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.endpoints.site_state import (
    backup_time_remaining,
    live_status,
    site_info,
    site_status,
    tariff_rate,
)
from extract.simulator.endpoints.tariff import savings
from extract.simulator.worlds.world import StaleResponse, World
from wattlog.providers import COMMAND_SCOPE, READ_SCOPE, VEHICLE_CHARGING_SCOPE, VEHICLE_SCOPE

Clock = Callable[[], datetime]

PROXY_PATH = "/proxy"
"""The signing proxy is served below this path."""

TokenCheck = Callable[[str | None, datetime, str], None]
"""(token, now, scope): returns if a bearer token is accepted, else raises `ApiError`. None means that there was no token."""

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
"""Paths below `/api/1/energy_sites/{id}/` and the functions that compute their `response`."""


class JsonResponse(Response):
    """A JSON body, serialised by orjson."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The bytes of the body."""
        return orjson.dumps(content)


def build_app(
    world: World,
    clock: Clock,
    *,
    check_token: TokenCheck | None = None,
    commands: CommandBehaviour | None = None,
    cars: CarBehaviour | None = None,
    routes: Sequence[BaseRoute] = (),
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """The ASGI application that serves a world.

    Args:
        world: The account.
        clock: Gives "now", aware.
        check_token: Which tokens are accepted; by default only the access token of the world.
        commands: How commands are answered and applied.
        cars: How the cars behave.
        routes: Further paths, matched before the built-in ones.
        middleware: Wraps every request; the first one is the outermost.
    """
    api = _Api(
        world, clock, check_token or only_token(world.access_token), Commands(world, commands), Cars(world, cars)
    )
    built_in = [
        Route("/api/1/products", api.products),
        Route("/api/1/users/region", api.region),
        Route("/api/metadata", api.metadata),
        Route("/api/test", api.test),
        Route("/api/1/energy_sites/{site_id}/{endpoint}", api.site),
        Route("/api/1/energy_sites/{site_id}/{endpoint}", api.command, methods=["POST"]),
        Route("/api/1/vehicles/fleet_status", api.fleet_status, methods=["POST"]),
        Route("/api/1/vehicles/{vin}", api.vehicle),
        Route("/api/1/vehicles/{vin}/vehicle_data", api.vehicle_data),
        Route("/api/1/vehicles/{vin}/wake_up", api.wake_up, methods=["POST"]),
        Route("/api/1/vehicles/{vin}/command/{name}", api.car_command, methods=["POST"]),
        Route(f"{PROXY_PATH}/api/1/vehicles/{{vin}}/command/{{name}}", api.proxied_command, methods=["POST"]),
        Route("/api/1/dx/charging/history", api.charging_history),
    ]
    return Starlette(
        routes=[*routes, *built_in],
        middleware=list(middleware),
        exception_handlers={ApiError: _error_response, 404: _not_found, 405: _not_found},
    )


def only_token(access_token: str) -> TokenCheck:
    """A check that accepts one token."""

    def check(token: str | None, _now: datetime, _scope: str) -> None:
        if token is None:
            raise ApiError(401, "missing_token")
        if token != access_token:
            raise ApiError(401, "invalid bearer token")

    return check


class _Api:
    """The built-in endpoints of one world."""

    def __init__(self, world: World, clock: Clock, check_token: TokenCheck, commands: Commands, cars: Cars) -> None:
        self._world = world
        self._without_data = dict.fromkeys(world.ghosts, StaleResponse.ERROR)
        self._without_data |= {stale.site_id: stale.response for stale in world.stale_sites}
        self._clock = clock
        self._check_token = check_token
        self._commands = commands
        self._cars = cars
        self._response_counts: Counter[tuple[str, str]] = Counter()

    async def products(self, request: Request) -> Response:
        now = self._check_access(request)
        listed = products(self._world, now, self._cars.states)
        return JsonResponse({"response": listed, "count": len(listed)})

    async def region(self, request: Request) -> Response:
        self._check_access(request)
        return JsonResponse({"response": region(self._world, str(request.base_url).rstrip("/"))})

    async def metadata(self, request: Request) -> Response:
        self._check_access(request)
        return JsonResponse(metadata(self._world))

    async def test(self, request: Request) -> Response:
        """Only the token is checked (Q143)."""
        self._check_access(request, "openid")
        return JsonResponse({"response": True})

    async def site(self, request: Request) -> Response:
        now = self._check_access(request)
        site_id = _number(request.path_params["site_id"])
        if site_id in self._without_data:
            return self._response_without_data(site_id)
        name = request.path_params["endpoint"]
        endpoint = SITE_ENDPOINTS.get(name)
        if endpoint is None or not self._is_there(site_id, now):
            raise ApiError(404, "not_found")
        if name == "site_info":
            self._commands.before_site_info(site_id, now)
        request_key = request.url.path, request.url.query
        params = dict(request.query_params)
        if name.endswith("history") and self._world.is_empty(now):
            return JsonResponse({"response": {"serial_number": "", "period": params.get("period", "")}})
        query = Query(self._world, self._world.truth(site_id), params, now, self._response_counts[request_key])
        response = JsonResponse({"response": endpoint(query)})
        self._response_counts[request_key] += 1
        return response

    async def command(self, request: Request) -> Response:
        now = self._check_access(request, COMMAND_SCOPE)
        site_id, name = _number(request.path_params["site_id"]), request.path_params["endpoint"]
        if site_id in self._without_data:
            return self._response_without_data(site_id)
        if name not in COMMANDS or not self._is_there(site_id, now):
            raise ApiError(404, "not_found")
        return JsonResponse(self._commands.answer(site_id, name, await request.body(), now))

    async def vehicle(self, request: Request) -> Response:
        self._check_access(request, VEHICLE_SCOPE)
        return JsonResponse({"response": self._cars.vehicle(request.path_params["vin"])})

    async def wake_up(self, request: Request) -> Response:
        self._check_access(request, VEHICLE_CHARGING_SCOPE)
        return JsonResponse({"response": self._cars.wake_up(request.path_params["vin"]), "error": None})

    async def vehicle_data(self, request: Request) -> Response:
        now, endpoints = self._check_access(request, VEHICLE_SCOPE), request.query_params.get("endpoints", "")
        return JsonResponse({"response": self._cars.data(request.path_params["vin"], endpoints, now)})

    async def fleet_status(self, request: Request) -> Response:
        self._check_access(request, VEHICLE_SCOPE)
        return JsonResponse({"response": self._cars.fleet_status(await request.body())})

    async def car_command(self, request: Request) -> Response:
        return await self._car_command(request, is_proxy=False)

    async def proxied_command(self, request: Request) -> Response:
        return await self._car_command(request, is_proxy=True)

    async def _car_command(self, request: Request, *, is_proxy: bool) -> Response:
        now = self._check_access(request, VEHICLE_CHARGING_SCOPE)
        vin, name = request.path_params["vin"], request.path_params["name"]
        status, answer = self._cars.command(vin, name, await request.body(), now, is_proxy=is_proxy)
        return JsonResponse(answer, status_code=status)

    async def charging_history(self, request: Request) -> Response:
        self._check_access(request, VEHICLE_CHARGING_SCOPE)
        return JsonResponse(self._cars.history(dict(request.query_params)))

    def _is_there(self, site_id: int, now: datetime) -> bool:
        return self._world.has(site_id) and not self._world.has_left(site_id, now)

    def _response_without_data(self, site_id: int) -> Response:
        """The response to every request for a ghost or a stale site."""
        if self._without_data[site_id] is StaleResponse.STRING:
            return JsonResponse({"response": ""})
        raise ApiError(500, "upstream internal error")

    def _check_access(self, request: Request, scope: str = READ_SCOPE) -> datetime:
        """Check the bearer token; returns the current instant."""
        now = self._clock()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self._check_token(token if scheme.lower() == "bearer" and token else None, now, scope)
        return now


def _number(text: str) -> int:
    """The site id in a path; -1, which no site has, for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


async def _error_response(_request: Request, error: Exception) -> Response:
    api_error = error if isinstance(error, ApiError) else ApiError(500, "upstream internal error")
    return JsonResponse(api_error.envelope, status_code=api_error.status)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JsonResponse(ApiError(404, "not_found").envelope, status_code=404)
