"""Anomalies of events: outages that are restated."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from extract.simulator.anomalies.anomaly import Anomaly, Injection, RequestTiming
from extract.simulator.local_day import local_date
from extract.simulator.table import Series
from extract.simulator.truth.outage import Outage


@dataclass(frozen=True)
class OutageInParts(Anomaly):
    """Until an instant each outage is listed as two, and afterwards as the one that it was.

    Neither part begins when the outage did, and together they are shorter.

    Attributes:
        first: First day with such outages.
        last: Last day.
        merged_at: From this instant on the list is right.
    """

    first: date
    last: date
    merged_at: datetime

    def listed(self, outages: list[Outage], clock: tzinfo, timing: RequestTiming) -> list[Outage]:
        """The outages, those of the affected days in parts."""
        if timing.now >= self.merged_at:
            return outages
        return [part for outage in outages for part in self._parts(outage, clock)]

    def _parts(self, outage: Outage, clock: tzinfo) -> Iterator[Outage]:
        fifth_ms = outage.duration_ms // 5
        if fifth_ms < 1000 or not self.first <= local_date(clock, outage.start_s) <= self.last:
            yield outage
            return
        yield Outage(outage.start_s + 1, fifth_ms)
        yield Outage(outage.start_s + 2 * fifth_ms // 1000, 3 * fifth_ms)

    def injections(self, clock: tzinfo) -> tuple[Injection, ...]:
        """One without days: no row of energy, power or state of energy is affected."""
        return (Injection("OutageInParts", Series.INTERVALS, ()),)
