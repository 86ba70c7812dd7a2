"""When a site got its battery, or lost it: what it has today says nothing about the days before (Q16, Q43)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatteryDays:
    """The local days on which a site has a battery.

    Attributes:
        since: First day; None: as long as the site.
        until: First day without it again; None: still.
    """

    since: date | None = None
    until: date | None = None


ALWAYS: Final = BatteryDays()
"""A battery as long as the site."""


def battery_days(seen: Iterable[tuple[date, bool]], soe: Iterable[tuple[date, bool]]) -> BatteryDays:
    """The days of the battery.

    The first day with a state of energy is the first with the battery, if the API was asked for an earlier day and had none.
    It is no later than the day on which site_info had a battery for the first time, if there was none in it before: the gateway
    may have been offline since.

    Args:
        seen: Days of site_info, in order of time, and whether it had a battery.
        soe: Days for which the state of energy was requested, in any order, and whether the response had any.
    """
    reported, asked = list(seen), list(soe)
    first_soe = min((day for day, has_rows in asked if has_rows), default=None)
    found = list[date]()
    if first_soe is not None and any(day < first_soe for day, _ in asked):
        found.append(first_soe)
    if reported and not reported[0][1]:
        found += [day for day, has_battery in reported if has_battery][:1]
    since = min(found, default=None)
    last_with = max((number for number, (_, has_battery) in enumerate(reported) if has_battery), default=None)
    if last_with is None or last_with == len(reported) - 1:
        return BatteryDays(since)
    return BatteryDays(since, reported[last_with + 1][0])


def has_battery(info: Facts) -> bool | None:
    """Whether a site_info has a battery; None if it has no components."""
    components = info.get("components")
    if not isinstance(components, Mapping) or components.get("battery") is None:
        return None
    return bool(components["battery"])
