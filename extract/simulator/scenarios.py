"""Scenarios by name: an account, and the conditions under which it is served.

`scenario("faults").serve()` runs one in this process, `python -m extract.simulator --scenario faults` in another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from functools import partial

from starlette.types import ASGIApp

from extract.simulator.conditions import Conditions, assemble
from extract.simulator.endpoints.app import Clock
from extract.simulator.faults.plan import (
    GATEWAY_TIMEOUT,
    INSUFFICIENT_CREDITS,
    INTERNAL_ERROR,
    OWNER_API_CLOSED,
    SUBSCRIPTION_REQUIRED,
    TIMED_OUT,
    UNAVAILABLE,
    UPSTREAM_INVALID,
    ConnectionReset,
    EmptyForm,
    EmptyResponse,
    ErrorResponse,
    Fault,
    FaultPlan,
    HtmlResponse,
    Latency,
    Rule,
    SlowBody,
    TruncatedBody,
    Where,
    too_many_requests,
)
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.login.authority import OAuthSetup
from extract.simulator.server import SimulatorServer, serve, utc_now
from extract.simulator.worlds.by_scenario import (
    ANOMALIES,
    SITE_KINDS,
    anomaly_world,
    calm_world,
    commands_world,
    everything_world,
    misplaced_world,
    site_kind_world,
    stale_sites_world,
)
from extract.simulator.worlds.personalities import personality_world
from extract.simulator.worlds.quirks import quirky_world
from extract.simulator.worlds.world import World, demo_world

SEED = 20_260_801

WorldBuilder = Callable[[date], World]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A situation that a client has to handle.

    Attributes:
        name: Name on the command line.
        explanation: One or two sentences about what happens.
        world: Makes the account as of a day.
        conditions: Conditions between a client and the account.
    """

    name: str
    explanation: str
    world: WorldBuilder = demo_world
    conditions: Conditions = field(default_factory=Conditions)

    def serve(
        self, *, port: int = 0, host: str = "127.0.0.1", clock: Clock = utc_now, today: date | None = None
    ) -> SimulatorServer:
        """A server of the scenario, for use in a `with` block.

        Args:
            port: Port to listen on; 0 takes a free one.
            host: Address to listen on.
            clock: Returns the current instant, aware.
            today: The day from which the account is made; by default the day of the clock, in UTC.
        """
        return serve(self.world(today or _today(clock)), port=port, host=host, clock=clock, conditions=self.conditions)

    def app(self, clock: Clock, today: date | None = None) -> ASGIApp:
        """The application without a server, for another process."""
        return assemble(self.world(today or _today(clock)), clock, self.conditions)[0]


def scenario(name: str) -> Scenario:
    """The scenario of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in SCENARIOS:
        raise ValueError(f"no scenario is called {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def _today(clock: Clock) -> date:
    return clock().astimezone(UTC).date()


def _faults(*rules: Rule, limit: RateLimit | None = None) -> Conditions:
    return Conditions(faults=FaultPlan(rules, SEED), limit=limit)


def _rarely(fault: Fault, probability: float = 0.01) -> Rule:
    """A rule for a rare fault, at most twice for one request, so that a client that tries again gets everything."""
    return Rule(fault, probability=probability, attempts=2)


TRANSPORT_FAULTS: tuple[Rule, ...] = (
    _rarely(Latency(0.2), 0.02),
    Rule(INTERNAL_ERROR, first=40, last=42),
    *map(
        _rarely,
        (
            TIMED_OUT,
            UPSTREAM_INVALID,
            too_many_requests(1),
            INTERNAL_ERROR,
            UNAVAILABLE,
            GATEWAY_TIMEOUT,
            ConnectionReset(),
            ConnectionReset(share=0.5),
            SlowBody(),
            TruncatedBody(),
            TruncatedBody(is_length_whole=False),
            HtmlResponse(),
        ),
    ),
)
"""Temporary faults: about one request in seven, and a short burst of status 500."""

_HISTORY = Where(path="history")

_UNDOCUMENTED = tuple(
    Rule(ErrorResponse(400, f"kind `{kind}` is not supported"), Where(path="calendar_history", kind=kind))
    for kind in ("power", "soe", "self_consumption", "time_of_use_energy", "savings")
)

_SERVICE_SCENARIOS: tuple[Scenario, ...] = (
    Scenario("demo", "Two sites, a vehicle, and a ghost. Fourteen months of history without anomalies."),
    Scenario("calm", "The two sites of the demo and nothing else. No request fails.", calm_world),
    Scenario(
        "commands",
        "The account of the demo with a token that may change settings and command its car, to try `set` and `vehicle` on.",
        commands_world,
    ),
    Scenario(
        "faults",
        "Temporary faults, chosen by a seed: late and slow responses, status 408, 424, 429, 500, 503, and 504, a burst of "
        "500, reset connections, truncated bodies, web pages instead of JSON. A later attempt always succeeds.",
        conditions=_faults(*TRANSPORT_FAULTS),
    ),
    Scenario(
        "rate-limited",
        "At most sixty requests in any sixty seconds. Above that, status 429 with Retry-After and RateLimit headers (Q28).",
        conditions=Conditions(limit=RateLimit(60)),
    ),
    Scenario(
        "expiring-token",
        "The access token has expired. The demo's refresh token works once (Q29); new access tokens are valid for 20 seconds.",
        conditions=Conditions(oauth=OAuthSetup(expires_in_s=20, static_token_s=0)),
    ),
    Scenario(
        "ghost",
        "The account of the demo with two stale sites: requests for one get status 500, for the other an empty string.",
        stale_sites_world,
    ),
    Scenario(
        "payment",
        "Every request gets status 402 subscription_required.",
        conditions=_faults(Rule(SUBSCRIPTION_REQUIRED)),
    ),
    Scenario(
        "credits",
        "From the twenty-first request on, every request gets status 402 insufficient_credits.",
        conditions=_faults(Rule(INSUFFICIENT_CREDITS, first=21)),
    ),
    Scenario(
        "missing-scope",
        "The login works, but its token does not have the scope for energy data: every request gets status 403.",
        lambda today: replace(calm_world(today), scopes=("openid", "offline_access", "vehicle_device_data")),
    ),
    Scenario(
        "owner-closed",
        "Every request gets status 403, with the text of the closed Owner API.",
        conditions=_faults(Rule(OWNER_API_CLOSED)),
    ),
    Scenario(
        "legacy-history",
        "The retired endpoint `/history` is still served, as it was before December 2025.",
        lambda today: replace(calm_world(today), has_legacy_history=True),
    ),
    Scenario(
        "wrong-region",
        "The address is the wrong region: requests get status 421, except `users/region`. The right region is below `/eu`.",
        lambda today: replace(calm_world(today), region="eu"),
        Conditions(is_out_of_region=True),
    ),
    Scenario(
        "hidden-region",
        "The address is the wrong region, and `users/region` gets status 421, too. The right region is below `/eu`.",
        lambda today: replace(calm_world(today), region="eu"),
        Conditions(is_out_of_region=True, is_region_hidden=True),
    ),
    Scenario(
        "teslemetry",
        "Teslemetry as documented: thirty requests in sixty seconds, and history only of kinds energy and backup.",
        conditions=_faults(*_UNDOCUMENTED, limit=RateLimit(30)),
    ),
    Scenario(
        "empties",
        "One history response in five has no data, in one of six forms (Q23). Another attempt may get the data.",
        conditions=_faults(
            *(Rule(EmptyResponse(form), _HISTORY, probability=0.036) for form in EmptyForm),
        ),
    ),
    Scenario(
        "outage",
        "After fifty requests the service fails: every request gets status 503.",
        conditions=_faults(Rule(UNAVAILABLE, first=51)),
    ),
)

_SITE_SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(kind, text, partial(site_kind_world, kind=kind)) for kind, (text, _) in SITE_KINDS.items()
)

_ANOMALY_SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(kind, text, partial(anomaly_world, kind=kind)) for kind, (text, _) in ANOMALIES.items()
)

SCENARIOS: dict[str, Scenario] = {
    listed.name: listed
    for listed in (
        *_SERVICE_SCENARIOS,
        *_SITE_SCENARIOS,
        *_ANOMALY_SCENARIOS,
        Scenario(
            "misplaced",
            "Responses with rows of the day before, in five variants of timestamps and hours, each on different days. "
            "For some of the days the next request gets the right rows (Q22).",
            misplaced_world,
        ),
        Scenario("quirks", "The two sites of the demo with every anomaly, each on different days.", quirky_world),
        Scenario(
            "personalities", "A site of every kind, two vehicles, two stale sites, and two ghosts.", personality_world
        ),
        Scenario(
            "everything",
            "All sites, all anomalies, and all temporary faults at once.",
            everything_world,
            _faults(*TRANSPORT_FAULTS),
        ),
    )
}
"""Every scenario by its name."""
