"""Homes that change while time passes, and the account of the API that serves them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from extract.simulator import Anomaly, LateData, ProvisionalHours, SiteSpec, Truth, World

NEVER = timedelta(days=400)
"""An offline gateway is back after so long, if not before."""

NOT_YET = date.max
"""The first day of a battery that has not been added."""


@dataclass
class Home:
    """A site, and what has happened to it.

    Attributes:
        spec: The site; its battery has come on `battery_since`, or comes `NOT_YET`.
        offline_since: When the gateway went offline; None: it is online.
        late: The times offline that are over.
        provisional: The days whose newest intervals change.
        left_at: When the site left the account; None: it is there.
    """

    spec: SiteSpec
    offline_since: datetime | None = None
    late: list[LateData] = field(default_factory=list)
    provisional: list[ProvisionalHours] = field(default_factory=list)
    left_at: datetime | None = None

    def has_battery_on(self, day: date) -> bool:
        """Whether the battery is there on a local day."""
        return self.spec.on(day).has_battery

    def present(self, now: datetime) -> SiteSpec:
        """The site as the API shows it at an instant."""
        anomalies: list[Anomaly] = [*self.spec.anomalies, *self.late, *self.provisional]
        if self.offline_since is not None:
            anomalies.append(LateData(self.offline_since, self.offline_since + NEVER))
        return replace(self.spec, anomalies=tuple(anomalies), offline_since=self.offline_since)

    def local_day(self, instant: datetime) -> date:
        """The site's calendar day at an instant."""
        return instant.astimezone(self.spec.zone).date()

    def truth(self) -> Truth:
        """What happened at the site."""
        return Truth(self.spec)

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
        sites = tuple(home.present(now) for home in self.homes)
        return World(sites, access_token=self.token, empty_between=empty, departures=departures)
