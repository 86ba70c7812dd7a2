"""The account that the simulator serves: sites, vehicles, other entries of the products list, and the access token."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from extract.simulator.site import CarCharge, Mode, SettingsChange, SiteSpec
from extract.simulator.truth.site_truth import Truth
from extract.simulator.worlds.vehicle import Envelope, PublicSession, Vehicle
from wattlog.providers import COMMAND_SCOPE, READ_SCOPE, SIMULATOR_TOKEN, VEHICLE_SCOPES
from wattlog.zones import Zone

DEMO_TOKEN = SIMULATOR_TOKEN
"""Access token of the demo account."""

DEMO_AGE_DAYS = 425
"""The demo sites are about fourteen months old, so that a year of history includes both DST changes."""

DEMO_TARIFF_AGE_DAYS = 150
"""Their tariffs changed about five months ago, so that a year of history has two."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What Teslemetry's description of the account has besides its sites and vehicles (Q141, Q146).

    Attributes:
        subscription: The subscription; None: the key is missing, as in the responses that were seen.
        uncovered_sites: Sites that the subscription does not cover.
        unlisted_sites: Sites that it does not name, although the products list has them.
        is_null: Nearly every value is null.
    """

    subscription: Mapping[str, str | None] | None = None
    uncovered_sites: frozenset[int] = frozenset()
    unlisted_sites: frozenset[int] = frozenset()
    is_null: bool = False


class StaleResponse(StrEnum):
    """How the API responds to requests for a stale site (API.md#products, Q23)."""

    ERROR = "error"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class StaleSite:
    """A site from before a move or a replacement: it is in the products list, and no request for it succeeds.

    Attributes:
        site_id: `energy_site_id`.
        response: Status 500 "upstream internal error", or a `response` that is a string.
    """

    site_id: int
    response: StaleResponse = StaleResponse.ERROR


@dataclass(frozen=True)
class World:
    """An account.

    Attributes:
        sites: Energy sites with data.
        access_token: The bearer token that is accepted.
        vehicles: Cars.
        public_sessions: Charging sessions of the cars at public chargers, in any order.
        charging_envelope: Where the history of these sessions has its list (Q114).
        ghosts: Ids of sites in the products list without a name or resource type; requests for them get status 500
            (API.md#products).
        stale_sites: Sites that look real in the products list, but have no data.
        has_legacy_history: `/history` is still served; otherwise its status is 410 (API.md#owner-api).
        region: Region of the account: na, eu, or cn.
        scopes: Scopes of the token, as the account endpoints list them.
        offered_scopes: Scopes that a login may ask for.
        metadata: What Teslemetry's description of the account says.
        empty_between: Spans of time, as aware instants, in which the token is accepted and every history response is empty, as
            it was seen until the next renewal of the token (Q23).
        departures: Site id → the instant from which on the site has left the account: it is not in the products list, and
            requests for it get status 404.
    """

    sites: tuple[SiteSpec, ...]
    access_token: str = DEMO_TOKEN
    vehicles: tuple[Vehicle, ...] = ()
    public_sessions: tuple[PublicSession, ...] = ()
    charging_envelope: Envelope = Envelope.DATA
    ghosts: tuple[int, ...] = ()
    stale_sites: tuple[StaleSite, ...] = ()
    has_legacy_history: bool = False
    region: str = "na"
    scopes: tuple[str, ...] = ("openid", "offline_access", READ_SCOPE)
    offered_scopes: tuple[str, ...] = ("openid", "offline_access", READ_SCOPE, COMMAND_SCOPE, *VEHICLE_SCOPES)
    metadata: Metadata = Metadata()
    empty_between: tuple[tuple[datetime, datetime], ...] = ()
    departures: Mapping[int, datetime] = field(default_factory=dict)
    _truths: dict[int, Truth] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        truths = {site.site_id: Truth(site) for site in self.sites}
        ids = [*(site.site_id for site in self.sites), *self.ghosts, *(stale.site_id for stale in self.stale_sites)]
        if len(set(ids)) != len(ids):
            raise ValueError("two sites of the world share a site_id; give each a different one")
        object.__setattr__(self, "_truths", truths)

    def has(self, site_id: int) -> bool:
        """Whether there is an energy site with data of that id."""
        return site_id in self._truths

    def is_empty(self, now: datetime) -> bool:
        """Whether history responses are empty at an instant."""
        return any(start <= now < end for start, end in self.empty_between)

    def has_left(self, site_id: int, now: datetime) -> bool:
        """Whether a site has left the account."""
        return site_id in self.departures and now >= self.departures[site_id]

    def change(self, site_id: int, change: SettingsChange) -> None:
        """A command has set something at a site: from that instant on its truth is another one."""
        spec = self._truths[site_id].spec
        self._truths[site_id] = Truth(replace(spec, settings_changes=(*spec.settings_changes, change)))

    def charge(self, site_id: int, charges: tuple[CarCharge, ...]) -> None:
        """Commands to cars began charges at a site: these are all of them so far, and its truth is another one."""
        spec = self._truths[site_id].spec
        self._truths[site_id] = Truth(replace(spec, car_charges=charges))

    def truth(self, site_id: int) -> Truth:
        """What really happened at a site, after the commands so far.

        Raises:
            KeyError: The world has no such site, or the site is a ghost.
        """
        if site_id not in self._truths:
            raise KeyError(f"no site {site_id} in this world; it has {sorted(self._truths)}")
        return self._truths[site_id]


def demo_world(today: date) -> World:
    """The account of `wattlog demo`: two invented sites in two hemispheres, a vehicle, and a ghost.

    Both were installed at midday, about fourteen months before `today`.
    """
    return World(
        sites=(
            SiteSpec(
                site_id=1689453203487921,
                site_name="Juniper Ridge",
                time_zone="America/Los_Angeles",
                installed_at=_local_noon("America/Los_Angeles", today, minutes=20),
                latitude=37.0,
                longitude=-121.0,
                wall_connectors=2,
                mode=Mode.AUTONOMOUS,
                has_tariff=True,
                tariff_changes_on=_first_of_month(today, DEMO_TARIFF_AGE_DAYS),
                seed=20_250_401,
            ),
            SiteSpec(
                site_id=2104877316,
                site_name="Banksia Terrace",
                time_zone="Australia/Sydney",
                installed_at=_local_noon("Australia/Sydney", today, minutes=47),
                latitude=-33.5,
                longitude=151.0,
                solar_peak_w=6_600,
                battery_energy_wh=13_500,
                battery_power_w=5_000,
                battery_count=1,
                home_mean_w=700,
                outages_per_year=9.0,
                has_tariff=True,
                tariff_changes_on=_first_of_month(today, DEMO_TARIFF_AGE_DAYS),
                state="NSW",
                country="AU",
                seed=20_250_402,
            ),
        ),
        vehicles=(Vehicle(1_492_931_520_123_456, "5YJSIM00000000001", "Comet"),),
        ghosts=(987_654_321,),
    )


def _first_of_month(today: date, days_ago: int) -> date:
    return (today - timedelta(days=days_ago)).replace(day=1)


def _local_noon(zone: str, today: date, *, minutes: int) -> datetime:
    return datetime.combine(today - timedelta(days=DEMO_AGE_DAYS), time(12, minutes), Zone(zone))
