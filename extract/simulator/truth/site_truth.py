"""What really happened at a site, for tests to compare with; the API does not serve it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from extract.simulator.anomalies.anomaly import Injection
from extract.simulator.local_day import Ints, days_between, local_date
from extract.simulator.measures import FLOWS
from extract.simulator.site import SiteSpec
from extract.simulator.truth.outage import Outage
from extract.simulator.truth.outages_and_charging import ChargeSession, outages_of, sessions_of
from extract.simulator.truth.simulated_day import DayTruth, simulate_day


class Truth:
    """The truth of one site: any local day, in any order, and sums of days.

    Days are computed on demand; the last ones are cached, and the sums of all. So a lifetime of ten years is slow (about two
    seconds) only the first time. Sites that differ only in their responses share a cache. Safe for several threads.

    Attributes:
        spec: The site.
    """

    def __init__(self, spec: SiteSpec) -> None:
        self.spec = spec
        # What happened does not depend on id and name, so a fleet of equal sites is computed once.
        physical = replace(
            spec, site_id=0, site_name="", anomalies=(), settings_changes=spec.battery_changes, earlier_zones=()
        )
        self._days = _days_of(physical)

    @property
    def first_date(self) -> date:
        """The local day of the installation."""
        return local_date(self.spec.zone, int(self.spec.installed_at.timestamp()))

    def day(self, day: date) -> DayTruth:
        """One local day; it has no slots if it is before the installation."""
        found: DayTruth = self._days.day(day)
        return found

    def days(self, first: date, last: date) -> Iterator[DayTruth]:
        """The local days from first to last, both included."""
        for day in days_between(first, last):
            yield self.day(day)

    def daily_wh(self, day: date) -> dict[str, int]:
        """Energy of one local day by the API's sixteen names, in Wh."""
        return dict(zip(FLOWS, self.daily_sums(day).tolist(), strict=True))

    def total_wh(self, first: date, last: date) -> dict[str, int]:
        """Energy from first to last, both included, by the API's sixteen names, in Wh."""
        total = np.zeros(len(FLOWS), np.int64)
        for day in days_between(first, last):
            total += self.daily_sums(day)
        return dict(zip(FLOWS, total.tolist(), strict=True))

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What the site's anomalies affect."""
        return tuple(injection for anomaly in self.spec.anomalies for injection in anomaly.injections(self.spec.zone))

    def outages(self, first: date, last: date) -> list[Outage]:
        """Outages from the first to the last day, in order of time; the days are not computed."""
        return [outage for day in days_between(first, last) for outage in outages_of(self.spec, day)]

    def charge_sessions(self, first: date, last: date) -> list[ChargeSession]:
        """Charge sessions from the first to the last day, in order of time; the days are not computed."""
        return [session for day in days_between(first, last) for session in sessions_of(self.spec, day)]

    def daily_sums(self, day: date) -> Ints:
        """Energy of one local day in Wh, in the order of `FLOWS`; read only."""
        sums: Ints = self._days.sums(day)
        return sums

    def sums_between(self, start_s: int, end_s: int) -> Ints:
        """Energy in Wh of the slots that begin in a span of epoch seconds, in the order of `FLOWS`; read only.

        Needed for days of a fixed offset, which are not local days of the site (Q7).
        """
        sums: Ints = self._days.sums_between(start_s, end_s)
        return sums


class _Days:
    """Computed days of one site: the last 128 days, and the sums of all.

    From the day on which a setting first limits export or grid charging, or has the battery follow the tariff, a day begins
    with the energy with which the day before it ended, so all days since then are computed. Other days do not depend on each
    other.
    """

    def __init__(self, spec: SiteSpec) -> None:
        self._spec, self._zone = spec, spec.zone
        since = spec.carries_since
        self._carries_since = None if since is None else local_date(spec.zone, int(since.timestamp()))
        self._first_wh: dict[date, int] = {}
        self.day = lru_cache(maxsize=128)(lambda day: simulate_day(spec, day, self._level(day)))
        self.sums = lru_cache(maxsize=None)(lambda day: flow_sums(self.day(day)))
        self.sums_between = lru_cache(maxsize=None)(self._between)

    def _level(self, day: date) -> int | None:
        """Energy in the battery at the beginning of a day; None for the seeded level."""
        first = self._carries_since
        if first is None or day <= first:
            return None
        for before in days_between(first, day - timedelta(days=1)):
            after = before + timedelta(days=1)
            if after not in self._first_wh and self._spec.on(before).has_battery:
                found = simulate_day(self._spec, before, self._first_wh.get(before))
                self._first_wh[after] = int(found.level_wh[-1])
        return self._first_wh.get(day)

    def _between(self, start_s: int, end_s: int) -> Ints:
        total = np.zeros(len(FLOWS), np.int64)
        for day in days_between(local_date(self._zone, start_s), local_date(self._zone, end_s - 1)):
            found = self.day(day)
            first, last = np.searchsorted(found.interval_start.astype(np.int64), (start_s, end_s)).tolist()
            total += np.array([found.flows[name][first:last].sum() for name in FLOWS], np.int64)
        return total


@lru_cache(maxsize=32)
def _days_of(spec: SiteSpec) -> _Days:
    return _Days(spec)


def flow_sums(day: DayTruth) -> Ints:
    """Sums over a day's slots in Wh, in the order of `FLOWS`."""
    return np.array([day.flows[name].sum() for name in FLOWS], np.int64)
