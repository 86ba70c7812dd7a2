"""Conditions under which a world is served: login, faults, rate limit, region."""

from dataclasses import dataclass, field

from starlette.middleware import Middleware
from starlette.types import ASGIApp

from extract.simulator.endpoints.app import Clock, build_app
from extract.simulator.endpoints.cars import CarBehaviour
from extract.simulator.endpoints.commands import CommandBehaviour
from extract.simulator.faults.injector import FaultInjector
from extract.simulator.faults.plan import FaultPlan
from extract.simulator.faults.rate_limit import RateLimit, RateLimiter
from extract.simulator.faults.regions import RegionGate
from extract.simulator.login.authority import Authority, OAuthSetup
from extract.simulator.login.oauth import oauth_routes
from extract.simulator.worlds.world import World


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions between a client and the endpoints; by default only a working login.

    Attributes:
        oauth: Lifetimes of tokens, and the known clients.
        faults: Faults, and the requests that they affect.
        limit: Rate limit; None for no limit.
        is_out_of_region: Whether the address is the wrong region; the right one is below `/eu` (or the world's region).
        is_region_hidden: Whether the wrong region does not name the right one.
        commands: How commands are answered and applied.
        cars: How the cars behave.
    """

    oauth: OAuthSetup = field(default_factory=OAuthSetup)
    faults: FaultPlan = field(default_factory=FaultPlan)
    limit: RateLimit | None = None
    is_out_of_region: bool = False
    is_region_hidden: bool = False
    commands: CommandBehaviour = field(default_factory=CommandBehaviour)
    cars: CarBehaviour = field(default_factory=CarBehaviour)


def assemble(world: World, clock: Clock, conditions: Conditions) -> tuple[ASGIApp, Authority]:
    """The application that serves a world under conditions, and the authority that issues its tokens.

    The rate limit counts all requests, so it is the outermost; faults apply only to admitted requests, so they are innermost.
    """
    authority = Authority(world, clock, conditions.oauth)
    middleware = []
    if conditions.limit is not None:
        middleware.append(Middleware(RateLimiter, conditions.limit, clock))
    if conditions.is_out_of_region:
        middleware.append(Middleware(RegionGate, world.region, is_strict=conditions.is_region_hidden))
    if conditions.faults.rules:
        middleware.append(Middleware(FaultInjector, conditions.faults.start()))
    app = build_app(
        world,
        clock,
        check_token=authority.check_token,
        commands=conditions.commands,
        cars=conditions.cars,
        routes=oauth_routes(authority),
        middleware=middleware,
    )
    return app, authority
