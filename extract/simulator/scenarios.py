"""Scenarios by name: an account, and the conditions under which it is served.

`scenario("faults").serve()` runs one in this process, `python -m extract.simulator --scenario faults` in its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from functools import partial

from starlette.types import ASGIApp

from extract.simulator.app import Clock
from extract.simulator.authority import OAuthSetup
from extract.simulator.conditions import Conditions, assemble
from extract.simulator.faults import (
    GATEWAY_TIMEOUT,
    INSUFFICIENT_CREDITS,
    INTERNAL_ERROR,
    OWNER_API_CLOSED,
    SUBSCRIPTION_REQUIRED,
    TIMED_OUT,
    UNAVAILABLE,
    UPSTREAM_INVALID,
    ConnectionReset,
    EmptyAnswer,
    EmptySpelling,
    ErrorAnswer,
    Fault,
    FaultPlan,
    HtmlAnswer,
    Latency,
    Rule,
    SlowBody,
    TruncatedBody,
    Where,
    too_many_requests,
)
from extract.simulator.limits import RateLimit
from extract.simulator.personalities import personality_world
from extract.simulator.quirks import quirky_world
from extract.simulator.server import SimulatorServer, serve, utc_now
from extract.simulator.world import World, demo_world
from extract.simulator.worlds import (
    CONTRADICTIONS,
    FAMILIES,
    calm_world,
    contradicting_world,
    everything_world,
    family_world,
    forgotten_world,
)

SEED = 20_260_801

WorldBuilder = Callable[[date], World]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that a client has to live with.

    Attributes:
        name: What to call it on a command line.
        explanation: What happens, in one paragraph.
        world: The account as of a day.
        conditions: What stands between a client and the account.
    """

    name: str
    explanation: str
    world: WorldBuilder = demo_world
    conditions: Conditions = field(default_factory=Conditions)

    def serve(
        self, *, port: int = 0, host: str = "127.0.0.1", clock: Clock = utc_now, today: date | None = None
    ) -> SimulatorServer:
        """A server of the scenario, to be used in a `with` block.

        Args:
            port: Port to listen on; 0 takes a free one.
            host: Address to listen on.
            clock: Gives "now", aware.
            today: The day by which the account is built; the clock's, in UTC, when not given.
        """
        return serve(self.world(today or _today(clock)), port=port, host=host, clock=clock, conditions=self.conditions)

    def app(self, clock: Clock, today: date | None = None) -> ASGIApp:
        """The application alone, for a process of its own."""
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


def _now_and_then(fault: Fault, probability: float = 0.01) -> Rule:
    """Seldom, and at most twice for one request, so that a client of some patience gets everything."""
    return Rule(fault, probability=probability, asks=2)


TRANSPORT_FAULTS: tuple[Rule, ...] = (
    _now_and_then(Latency(0.2), 0.02),
    Rule(INTERNAL_ERROR, first=40, last=42),
    *map(
        _now_and_then,
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
            HtmlAnswer(),
        ),
    ),
)
"""Everything that asking again heals: about one request in seven, and a short burst of 500."""

_HISTORY = Where(path="history")

_UNDOCUMENTED = tuple(
    Rule(ErrorAnswer(400, f"kind `{kind}` is not supported"), Where(path="calendar_history", kind=kind))
    for kind in ("power", "soe", "self_consumption", "time_of_use_energy", "savings")
)

_SERVICE: tuple[Scenario, ...] = (
    Scenario("demo", "Two sites, a car and a ghost; fourteen months of history; answers that agree with each other."),
    Scenario(
        "calm", "The two sites of the demo and nothing else: what a client does when nothing can go wrong.", calm_world
    ),
    Scenario(
        "faults",
        "Everything that asking again heals, mixed by a seed: late and slow answers, 408, 424, 429, 500, 503, 504, a burst "
        "of 500, connections reset before and within an answer, bodies cut short, web pages instead of JSON.",
        conditions=_faults(*TRANSPORT_FAULTS),
    ),
    Scenario(
        "rate-limited",
        "Sixty requests in any sixty seconds; past that 429 with Retry-After and the RateLimit headers (Q28).",
        conditions=Conditions(limit=RateLimit(60)),
    ),
    Scenario(
        "expiring-token",
        "The access token has expired; the demo's refresh token is good once, each new access token for twenty seconds (Q29).",
        conditions=Conditions(oauth=OAuthSetup(expires_in_s=20, static_token_s=0)),
    ),
    Scenario(
        "ghost",
        "Beside the two sites one ghost, one stale site that answers 500 to everything, and one that answers a string.",
        forgotten_world,
    ),
    Scenario("payment", "402 subscription_required to everything.", conditions=_faults(Rule(SUBSCRIPTION_REQUIRED))),
    Scenario(
        "credits",
        "402 insufficient_credits from the twenty-first request on.",
        conditions=_faults(Rule(INSUFFICIENT_CREDITS, first=21)),
    ),
    Scenario(
        "missing-scope",
        "The login works and its token may read no energy data: 403 to everything.",
        lambda today: replace(calm_world(today), scopes=("openid", "offline_access", "vehicle_device_data")),
    ),
    Scenario(
        "owner-closed",
        "403 to everything, with the text by which the Owner API says that it is closed.",
        conditions=_faults(Rule(OWNER_API_CLOSED)),
    ),
    Scenario(
        "legacy-history",
        "The retired endpoint `/history` still answers, as it did before December 2025.",
        lambda today: replace(calm_world(today), has_legacy_history=True),
    ),
    Scenario(
        "wrong-region",
        "The address is the wrong region: 421 to everything but `users/region`, which names the right one (below `/eu`).",
        lambda today: replace(calm_world(today), region="eu"),
        Conditions(is_out_of_region=True),
    ),
    Scenario(
        "hidden-region",
        "The address is the wrong region and does not say which is right: 421 to `users/region` too; `/eu` works.",
        lambda today: replace(calm_world(today), region="eu"),
        Conditions(is_out_of_region=True, is_region_hidden=True),
    ),
    Scenario(
        "teslemetry",
        "Teslemetry as its pages document it: thirty requests in sixty seconds, history of kinds energy and backup alone.",
        conditions=_faults(*_UNDOCUMENTED, limit=RateLimit(30)),
    ),
    Scenario(
        "empties",
        "One history answer in five says that there is nothing, in one of six spellings (Q23); asked again it may say more.",
        conditions=_faults(
            *(Rule(EmptyAnswer(spelling), _HISTORY, probability=0.036) for spelling in EmptySpelling),
        ),
    ),
    Scenario(
        "outage",
        "After fifty requests the service is away: 503 to everything.",
        conditions=_faults(Rule(UNAVAILABLE, first=51)),
    ),
)

_OF_SITES: tuple[Scenario, ...] = tuple(
    Scenario(family, text, partial(family_world, family=family)) for family, (text, _) in FAMILIES.items()
)

_OF_CONTRADICTIONS: tuple[Scenario, ...] = tuple(
    Scenario(name, text, partial(contradicting_world, contradiction=name)) for name, (text, _) in CONTRADICTIONS.items()
)

SCENARIOS: dict[str, Scenario] = {
    each.name: each
    for each in (
        *_SERVICE,
        *_OF_SITES,
        *_OF_CONTRADICTIONS,
        Scenario("quirks", "The demo's two sites with every contradiction, each on days of its own.", quirky_world),
        Scenario(
            "personalities", "A site of every kind, and everything else a list of products can hold.", personality_world
        ),
        Scenario(
            "everything",
            "All sites, all contradictions and all transport faults at once.",
            everything_world,
            _faults(*TRANSPORT_FAULTS),
        ),
    )
}
"""Every scenario by its name."""
