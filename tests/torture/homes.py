"""Homes that change while time passes, and the account of the API that serves them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from extract.simulator import Anomaly, LateData, ProvisionalHours, SiteSpec, Truth, World
from extract.simulator.local_day import Ints, day_bounds, days_between, local_date
from extract.simulator.measures import FLOWS
from extract.simulator.truth.simulated_day import DayTruth

NEVER = timedelta(days=400)
"""An offline gateway is back after so long, if not before."""


class _BatteryAdded:
    """Days of two sites, which differ in their battery: those of one, and from a day on those of the other."""

    def __init__(self, before: Truth, since: date, after: Truth) -> None:
        self._before, self._since, self._after = before, since, after

    def _of(self, day: date) -> Truth:
        return self._after if day >= self._since else self._before

    def day(self, day: date) -> DayTruth:
        return self._of(day).day(day)

    def sums(self, day: date) -> Ints:
        return self._of(day).daily_sums(day)

    def sums_between(self, start_s: int, end_s: int) -> Ints:
        total = np.zeros(len(FLOWS), np.int64)
        zone = self._after.spec.zone
        for day in days_between(local_date(zone, start_s), local_date(zone, end_s - 1)):
            first_s, last_s = day_bounds(zone, day)
            total += self._of(day).sums_between(max(start_s, first_s), min(end_s, last_s))
        return total


@dataclass
class Home:
    """A site, and what has happened to it.

    Attributes:
        spec: The site with its battery.
        battery_since: The first local day with the battery; None: there is none yet.
        offline_since: When the gateway went offline; None: it is online.
        late: The times offline that are over.
        provisional: The days whose newest intervals change.
        left_at: When the site left the account; None: it is there.
    """

    spec: SiteSpec
    battery_since: date | None = None
    offline_since: datetime | None = None
    late: list[LateData] = field(default_factory=list)
    provisional: list[ProvisionalHours] = field(default_factory=list)
    left_at: datetime | None = None

    @property
    def without_battery(self) -> SiteSpec:
        """The site before its battery was added."""
        return replace(self.spec, battery_energy_wh=0, battery_power_w=0, battery_count=0)

    def has_battery_on(self, day: date) -> bool:
        """Whether the battery is there on a local day."""
        return self.battery_since is not None and self.battery_since <= day

    def present(self, now: datetime) -> SiteSpec:
        """The site as the API shows it at an instant."""
        anomalies: list[Anomaly] = [*self.late, *self.provisional]
        if self.offline_since is not None:
            anomalies.append(LateData(self.offline_since, self.offline_since + NEVER))
        spec = self.spec if self.has_battery_on(self.local_day(now)) else self.without_battery
        return replace(spec, anomalies=tuple(anomalies), offline_since=self.offline_since)

    def local_day(self, instant: datetime) -> date:
        """The site's calendar day at an instant."""
        return instant.astimezone(self.spec.zone).date()

    def truth(self, now: datetime) -> Truth:
        """What happened at the site; it shows the battery if it is there at an instant."""
        truth = Truth(self.present(now))
        if self.battery_since is not None and truth.spec.has_battery:
            added = _BatteryAdded(Truth(self.without_battery), self.battery_since, Truth(self.spec))
            object.__setattr__(truth, "_days", added)
        return truth

    def not_arrived(self, now: datetime) -> list[tuple[int, int]]:
        """The spans of time, in epoch seconds, of which the server has nothing at an instant."""
        spans = [anomaly.not_arrived(now) for anomaly in self.present(now).anomalies]
        return [(int(span[0].timestamp()), int(span[1].timestamp())) for span in spans if span is not None]


@dataclass
class Homes:
    """The account.

    Attributes:
        homes: Its sites.
        token: The accepted token.
        empty_since: Since when responses are empty, although the token is accepted; None: they are not.
    """

    homes: list[Home]
    token: str = "token-0"
    empty_since: datetime | None = None

    def world(self, now: datetime) -> World:
        """The account as the API shows it at an instant."""
        empty = () if self.empty_since is None else ((self.empty_since, datetime.max.replace(tzinfo=UTC)),)
        departures = {home.spec.site_id: home.left_at for home in self.homes if home.left_at is not None}
        world = World(
            tuple(home.present(now) for home in self.homes),
            access_token=self.token,
            empty_between=empty,
            departures=departures,
        )
        world._truths.update({home.spec.site_id: home.truth(now) for home in self.homes})
        return world
