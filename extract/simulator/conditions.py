"""Under which conditions a world is served: how one logs in, what goes wrong on the way, what is too much."""

from dataclasses import dataclass, field

from starlette.middleware import Middleware
from starlette.types import ASGIApp

from extract.simulator.app import Clock, build_app
from extract.simulator.authority import Authority, OAuthSetup
from extract.simulator.fault_injector import FaultInjector
from extract.simulator.faults import FaultPlan
from extract.simulator.limits import RateLimit, RateLimiter
from extract.simulator.oauth import oauth_routes
from extract.simulator.regions import RegionGate
from extract.simulator.world import World


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stands between a client and the endpoints; by default nothing but a login that works.

    Attributes:
        oauth: Lives of tokens, and who may log in.
        faults: What goes wrong, and when.
        limit: How many requests are too many; None for no limit.
        is_out_of_region: The address served is the wrong region; the right one is below `/eu` (or the world's region).
        is_region_hidden: The wrong region does not name the right one.
    """

    oauth: OAuthSetup = field(default_factory=OAuthSetup)
    faults: FaultPlan = field(default_factory=FaultPlan)
    limit: RateLimit | None = None
    is_out_of_region: bool = False
    is_region_hidden: bool = False


def assemble(world: World, clock: Clock, conditions: Conditions) -> tuple[ASGIApp, Authority]:
    """The application that serves a world under conditions, and the authority that knows its tokens.

    A limit counts what arrives, so it comes first; faults come last, since only what is let through can go wrong.
    """
    authority = Authority(world, clock, conditions.oauth)
    around = []
    if conditions.limit is not None:
        around.append(Middleware(RateLimiter, conditions.limit, clock))
    if conditions.is_out_of_region:
        around.append(Middleware(RegionGate, world.region, is_strict=conditions.is_region_hidden))
    if conditions.faults.rules:
        around.append(Middleware(FaultInjector, conditions.faults.start()))
    app = build_app(world, clock, check_token=authority.check_token, routes=oauth_routes(authority), middleware=around)
    return app, authority
