"""What really happened at a site, for tests to compare with: never served over the API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

import numpy as np

from extract.simulator.contradiction import Injection, each_day
from extract.simulator.local_day import Ints, local_date
from extract.simulator.measures import FLOWS
from extract.simulator.outages_and_charging import ChargeSession, Outage, outages_of, sessions_of
from extract.simulator.simulated_day import DayTruth, simulate_day
from extract.simulator.site import SiteSpec


class Truth:
    """The truth of one site: any local day, in any order, and sums of days.

    Days are computed when asked and kept for a while; their sums are kept for good, so that a lifetime of ten years is
    slow (about two seconds) only once. Sites that differ only in what they tell share what they have computed. Safe to
    ask from several threads.

    Attributes:
        spec: The site.
    """

    def __init__(self, spec: SiteSpec) -> None:
        self.spec = spec
        # What happened does not depend on what a site is called: a fleet of alike sites is computed once.
        alike = replace(spec, site_id=0, site_name="", contradictions=(), settings_changes=())
        self._days = _days_of(alike)

    @property
    def first_date(self) -> date:
        """The local day of the installation."""
        return local_date(self.spec.zone, int(self.spec.installed_at.timestamp()))

    def day(self, day: date) -> DayTruth:
        """One local day; without slots when it lies before the installation."""
        found: DayTruth = self._days.day(day)
        return found

    def days(self, first: date, last: date) -> Iterator[DayTruth]:
        """The local days from first to last, both included."""
        for each in each_day(first, last):
            yield self.day(each)

    def daily_wh(self, day: date) -> dict[str, int]:
        """Energy of one local day by the API's sixteen names, in Wh."""
        return dict(zip(FLOWS, self.daily_sums(day).tolist(), strict=True))

    def total_wh(self, first: date, last: date) -> dict[str, int]:
        """Energy from first to last, both included, by the API's sixteen names, in Wh."""
        total = np.zeros(len(FLOWS), np.int64)
        for each in each_day(first, last):
            total += self.daily_sums(each)
        return dict(zip(FLOWS, total.tolist(), strict=True))

    @property
    def injections(self) -> tuple[Injection, ...]:
        """What the site's contradictions touch."""
        return tuple(injection for each in self.spec.contradictions for injection in each.injections(self.spec.zone))

    def outages(self, first: date, last: date) -> list[Outage]:
        """Grid failures from first to last day, in order of time, without computing the days."""
        return [outage for day in each_day(first, last) for outage in outages_of(self.spec, day)]

    def charge_sessions(self, first: date, last: date) -> list[ChargeSession]:
        """Cars charged from first to last day, in order of time, without computing the days."""
        return [session for day in each_day(first, last) for session in sessions_of(self.spec, day)]

    def daily_sums(self, day: date) -> Ints:
        """Energy of one local day in Wh, in the order of `FLOWS`; read only."""
        sums: Ints = self._days.sums(day)
        return sums

    def sums_between(self, start_s: int, end_s: int) -> Ints:
        """Energy in Wh of the slots that begin in a span of epoch seconds, in the order of `FLOWS`; read only.

        For days that are not the site's own: those of a fixed offset (Q7).
        """
        sums: Ints = self._days.sums_between(start_s, end_s)
        return sums


class _Days:
    """Computed days of one site: the last hundred or so whole, the sums of all."""

    def __init__(self, spec: SiteSpec) -> None:
        self._zone = spec.zone
        self.day = lru_cache(maxsize=128)(lambda day: simulate_day(spec, day))
        self.sums = lru_cache(maxsize=None)(lambda day: flow_sums(self.day(day)))
        self.sums_between = lru_cache(maxsize=None)(self._between)

    def _between(self, start_s: int, end_s: int) -> Ints:
        total = np.zeros(len(FLOWS), np.int64)
        for day in each_day(local_date(self._zone, start_s), local_date(self._zone, end_s - 1)):
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
