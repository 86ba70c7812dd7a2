"""The invented tariffs of a site: two plans, of which the second follows the first on a day of the site's calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from extract.simulator.site import SiteSpec


class Band(StrEnum):
    """Bands of the tariff, as time_of_use_energy names them."""

    OFF_PEAK = "off_peak"
    PARTIAL_PEAK = "partial_peak"
    PEAK = "peak"


HOURS: Final[dict[Band, tuple[tuple[int, int], ...]]] = {
    Band.OFF_PEAK: ((0, 15),),
    Band.PARTIAL_PEAK: ((15, 16), (21, 24)),
    Band.PEAK: ((16, 21),),
}
"""Local hours of each band, every day of the year; they cover the day without overlap."""

SEASONS: Final[dict[str, tuple[int, int]]] = {"Summer": (6, 9), "Winter": (10, 5)}
"""First and last month; the winter includes the new year."""

CURRENCIES: Final = {"US": "USD", "AU": "AUD", "GB": "GBP", "NZ": "NZD"}
"""Currency by country; euros elsewhere."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One tariff.

    Attributes:
        code: Its code.
        name: Its name.
        buy: Price of an imported kWh by season and band.
        sell: Price of an exported kWh by season and band.
        daily_charge: Charge for each day.
    """

    code: str
    name: str
    buy: Mapping[str, Mapping[Band, float]]
    sell: Mapping[str, Mapping[Band, float]]
    daily_charge: float = 0


FIRST_PLAN: Final = Plan(
    "SIM-TOU-1",
    "Simulated Time of Use",
    {
        "Summer": {Band.OFF_PEAK: 0.31, Band.PARTIAL_PEAK: 0.43, Band.PEAK: 0.56},
        "Winter": {Band.OFF_PEAK: 0.29, Band.PARTIAL_PEAK: 0.33, Band.PEAK: 0.37},
    },
    {
        "Summer": {Band.OFF_PEAK: 0.0775, Band.PARTIAL_PEAK: 0.1075, Band.PEAK: 0.14},
        "Winter": {Band.OFF_PEAK: 0.0725, Band.PARTIAL_PEAK: 0.0825, Band.PEAK: 0.0925},
    },
)

SECOND_PLAN: Final = Plan(
    "SIM-TOU-2",
    "Simulated Time of Use, new prices",
    {
        "Summer": {Band.OFF_PEAK: 0.30572, Band.PARTIAL_PEAK: 0.46121, Band.PEAK: 0.61983},
        "Winter": {Band.OFF_PEAK: 0.28411, Band.PARTIAL_PEAK: 0.35017, Band.PEAK: 0.40259},
    },
    {
        "Summer": {Band.OFF_PEAK: 0.05, Band.PARTIAL_PEAK: 0.08125, Band.PEAK: 0.2},
        "Winter": {Band.OFF_PEAK: 0.05, Band.PARTIAL_PEAK: 0.065, Band.PEAK: 0.11},
    },
    daily_charge=0.79343,
)
"""Prices with five decimals and a daily charge, as utilities publish them."""


def plans(spec: SiteSpec) -> list[tuple[date, Plan]]:
    """The tariffs of a site, each with its first local day; none without a tariff."""
    if not spec.has_tariff:
        return []
    first = (spec.installed_at.astimezone(spec.zone).date(), FIRST_PLAN)
    return [first] if spec.tariff_changes_on is None else [first, (spec.tariff_changes_on, SECOND_PLAN)]


def plan_on(spec: SiteSpec, day: date) -> Plan:
    """The tariff of a site with tariffs on a local day; before the installation it is the first one."""
    found = plans(spec)
    return next((plan for since, plan in reversed(found) if since <= day), found[0][1])


def currency(spec: SiteSpec) -> str:
    """The currency of a site's tariffs."""
    return CURRENCIES.get(spec.country, "EUR")


def season(day: date) -> str:
    """The season of a day."""
    return "Summer" if SEASONS["Summer"][0] <= day.month <= SEASONS["Summer"][1] else "Winter"
