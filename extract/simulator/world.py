"""The account that the simulator serves: its sites, what else the products list holds, and the token that opens it."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from extract.simulator.site import Mode, SiteSpec
from extract.simulator.truth import Truth

DEMO_TOKEN = "wattlog-demo-token"  # noqa: S105 - opens nothing but the simulator on this machine
"""Access token of the demo account."""

DEMO_AGE_DAYS = 425
"""The demo sites are about fourteen months old, so a year of history crosses both DST changes."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A car in the products list, which a downloader of energy history must skip."""

    vehicle_id: int
    vin: str
    display_name: str


class StaleAnswer(StrEnum):
    """What a site that is listed but no longer there answers (API.md §1.1, Q23)."""

    ERROR = "error"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class StaleSite:
    """A site from before a move or a replacement: listed like a real one, and never again answered about.

    Attributes:
        site_id: `energy_site_id`.
        answer: 500 "upstream internal error", or a `response` that is a string.
    """

    site_id: int
    answer: StaleAnswer = StaleAnswer.ERROR


@dataclass(frozen=True)
class World:
    """An account.

    Attributes:
        sites: Energy sites that answer.
        access_token: The bearer token that is let in.
        vehicles: Cars in the products list.
        ghosts: Ids of sites that are in the products list and answer 500 to everything (API.md §1.1).
        stale_sites: Sites that look real in the products list and answer nothing.
        has_legacy_history: `/history` still answers; otherwise it is 410 (fact 10).
        region: Region of the account: na, eu or cn.
        scopes: What the token may do, as the account endpoints tell it.
    """

    sites: tuple[SiteSpec, ...]
    access_token: str = DEMO_TOKEN
    vehicles: tuple[Vehicle, ...] = ()
    ghosts: tuple[int, ...] = ()
    stale_sites: tuple[StaleSite, ...] = ()
    has_legacy_history: bool = False
    region: str = "na"
    scopes: tuple[str, ...] = ("openid", "offline_access", "energy_device_data")
    _truths: dict[int, Truth] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        truths = {each.site_id: Truth(each) for each in self.sites}
        ids = [*(each.site_id for each in self.sites), *self.ghosts, *(each.site_id for each in self.stale_sites)]
        if len(set(ids)) != len(ids):
            raise ValueError("two sites of the world share a site_id; give each its own")
        object.__setattr__(self, "_truths", truths)

    def has(self, site_id: int) -> bool:
        """Whether an energy site of that id answers."""
        return site_id in self._truths

    def truth(self, site_id: int) -> Truth:
        """What really happened at a site.

        Raises:
            KeyError: The world has no such site, or it is a ghost.
        """
        if site_id not in self._truths:
            raise KeyError(f"no site {site_id} in this world; it has {sorted(self._truths)}")
        return self._truths[site_id]


def demo_world(today: date) -> World:
    """The account of `wattlog demo`: two invented sites in two hemispheres, a car and a ghost.

    Both were installed at mid-day about fourteen months before `today`.
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
                state="NSW",
                country="AU",
                seed=20_250_402,
            ),
        ),
        vehicles=(Vehicle(1_492_931_520_123_456, "5YJSIM00000000001", "Comet"),),
        ghosts=(987_654_321,),
    )


def _local_noon(zone: str, today: date, *, minutes: int) -> datetime:
    return datetime.combine(today - timedelta(days=DEMO_AGE_DAYS), time(12, minutes), ZoneInfo(zone))
