"""The step before publishing: what energy cost, by hour and day, and the bills of each site.

Energy is priced partition by partition, from its intervals and the tariffs that were in force. A partition is priced again
where its responses, the tariffs or prices in force in it, or the settings of billing have changed. Bills need the whole site,
since credits are carried from cycle to cycle; their rows are in the file of the partition in which the cycle begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from flows.adjacent_months import months_around
from flows.billing_settings import SiteBilling
from flows.tasks.estimate import UNUSED_COLUMNS, Sources, sources_of
from flows.tasks.partition import Shaped, SitePartition, digest_of, is_stored, partitions_of, periods_of_days
from flows.tasks.session import TransformSession
from transform.costs.amounts import micro_of
from transform.costs.billing import bills
from transform.costs.cycles import BillingRules
from transform.costs.days import daily_costs
from transform.costs.flows import intervals_of
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedPrices, DatedTariff, spans_of
from transform.frames import empty_frame
from transform.sites import Site
from transform.tariffs import read_tariff
from transform.time import days_of, epoch_us
from warehouse.lake.lake import Lake
from wattlog.lake_periods import within
from wattlog.local_days import first_instants_us

HOURLY: Final = "hourly_costs"
DAILY: Final = "daily_costs"
BILLS: Final = "bills"
SESSIONS: Final = "charge_sessions"

_EARLIEST_US, _LATEST_US = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """All that is known of the prices of a site.

    Attributes:
        tariffs: Tariffs, those that count before others last.
        checksums: That of the document of each.
        by_interval: Prices by interval.
        assumes: Whether the nearest tariff counts where none was in force.
    """

    tariffs: tuple[DatedTariff, ...]
    checksums: tuple[str, ...]
    by_interval: DatedPrices
    assumes: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known: then nothing is priced."""
        return not self.tariffs and not len(self.by_interval.starts_us)

    def facts(self, begin_us: int, end_us: int) -> tuple[object, ...]:
        """Identifies what applies in a time, for digests: a tariff that begins or ends outside of it changes nothing."""
        dated = list(zip(self.tariffs, self.checksums, strict=True))
        inside = [
            (
                max(tariff.begins_us, begin_us),
                end_us if tariff.ends_us is None else min(tariff.ends_us, end_us),
                checksum,
            )
            for tariff, checksum in dated
            if tariff.begins_us < end_us and (tariff.ends_us is None or tariff.ends_us > begin_us)
        ]
        nearest: list[object] = []
        if self.assumes and not _covers(inside, begin_us, end_us):  # then any tariff may be the nearest one
            nearest = [(tariff.begins_us, tariff.ends_us, checksum) for tariff, checksum in dated]
        return self.assumes, inside, nearest, self.by_interval.checksum(begin_us, end_us)


def _covers(spans: Iterable[tuple[int, int, str]], begin_us: int, end_us: int) -> bool:
    """Whether no instant is outside of all spans."""
    reached_us = begin_us
    for first_us, after_us, _ in sorted(spans):
        if first_us > reached_us:
            return False
        reached_us = max(reached_us, after_us)
    return reached_us >= end_us


def known_prices(lake: Lake, site_id: int, billing: SiteBilling) -> KnownPrices:
    """The tariffs and prices of a site; of two tariffs, the one that begins later counts."""
    stored = lake.read("tariffs", site_id=site_id)
    stored = stored[stored["document"].notna()]
    if not billing.use_synthetic_tariffs:
        stored = stored[~stored["is_synthetic"].astype(bool)]
    stored = stored.sort_values(["valid_from", "kind"], kind="stable")
    prices = lake.read("prices", site_id=site_id)
    begins = epoch_us(stored["valid_from"]).tolist()
    ends = epoch_us(stored["valid_to"].fillna(stored["valid_from"])).tolist()
    tariffs = tuple(
        DatedTariff(read_tariff(orjson.loads(document)), begin, end if has_end else None)
        for document, begin, end, has_end in zip(
            stored["document"], begins, ends, stored["valid_to"].notna(), strict=True
        )
    )
    by_interval = _by_interval(prices[prices["buy_per_kwh"].notna()])
    return KnownPrices(tariffs, tuple(stored["sha256"]), by_interval, billing.assume_tariff)


def _by_interval(prices: pd.DataFrame) -> DatedPrices:
    starts_us = epoch_us(prices["interval_start"])
    return DatedPrices(
        starts_us,
        starts_us + prices["interval_s"].to_numpy(np.int64) * 1_000_000,
        micro_of(prices["buy_per_kwh"]),
        micro_of(prices["sell_per_kwh"]),
        prices["sell_per_kwh"].notna().to_numpy(bool),
        prices["currency"].to_numpy(object),
    )


def price_site(session: TransformSession, site: Site) -> Shaped:
    """Write what the energy of a site cost, by hour and by day, and its bills."""
    if session.stop.is_interrupted():
        return Shaped(0)
    billing = session.context.settings.billing.of(site.site_id)
    known = known_prices(session.lake, site.site_id, billing)
    if known.is_empty and not session.lake.partitions(DAILY, site_id=site.site_id):
        return Shaped(0)
    rows, digests = 0, list[str]()
    for item in partitions_of(session.archive, site, session.settle_hours):
        if session.stop.is_interrupted():
            return Shaped(rows)
        if (found := sources_of(session, item)) is not None:
            rows += _price(session, item, found, known)
            digests.append(session.lake.digest_of(DAILY, site.site_id, item.period) or "")
    tariffs = known.facts(_EARLIEST_US, _LATEST_US)  # fixed charges are also of days without energy, in no partition
    return Shaped(rows + _bill(session, site, known, billing.rules, digest_of((), BILLS, billing, tariffs, *digests)))


def _price(session: TransformSession, item: SitePartition, found: Sources, known: KnownPrices) -> int:
    """Write the costs of a partition, unless they were made from the same responses and prices."""
    site_id = item.site.site_id
    begin_us, end_us = first_instants_us(
        np.array([np.datetime64(item.period), np.datetime64(item.period) + 1]).astype("datetime64[D]"), item.site.zone
    ).tolist()
    facts = HOURLY, *known.facts(begin_us, end_us), _sessions_after(session.lake, item, end_us)
    digests = [digest_of((), made_of, *facts) for made_of in (found.digest, found.digest_with_losses)]
    if any(all(is_stored(session.lake, name, item, digest) for name in (HOURLY, DAILY)) for digest in digests):
        return 0
    hourly, daily = (
        (empty_frame(HOURLY), empty_frame(DAILY)) if known.is_empty else _priced(session.lake, item, found, known)
    )
    rows = 0
    for name, frame in ((HOURLY, hourly), (DAILY, daily)):  # without rows, too: a file that is missing is made again
        rows += session.lake.write(name, frame, site_id=site_id, period=item.period, digest=digests[-1]).rows
        session.lake.discard_superseded(name, site_id, item.period)
    return rows


def _sessions_after(lake: Lake, item: SitePartition, end_us: int) -> list[list[Any]]:
    """The charge sessions that began in a period and are in the file of the month after it, whose responses the digest of the
    period's sources does not have."""
    after = months_around(item.period)[1]
    stored = lake.read(SESSIONS, site_id=item.site.site_id, periods=[after])
    columns = ["started_at", "ended_at", "energy_added_wh"]
    found: list[list[Any]] = stored.loc[epoch_us(stored["started_at"]) < end_us, columns].to_numpy(object).tolist()
    return found


def _priced(lake: Lake, item: SitePartition, found: Sources, known: KnownPrices) -> tuple[pd.DataFrame, pd.DataFrame]:
    site = found.site
    unused = [*UNUSED_COLUMNS, "_fetched_at"]
    intervals = lake.read("energy_intervals", site_id=site.site_id, periods=found.periods, without=unused)
    intervals = intervals[within(days_of(intervals["local_date"]), item.period)].reset_index(drop=True)
    daily = lake.read("daily", site_id=site.site_id, periods=[item.period])
    sessions = lake.read(SESSIONS, site_id=site.site_id, periods=[item.period, *months_around(item.period)])
    of_intervals = days_of(intervals["local_date"])
    days = np.unique(np.concatenate([of_intervals, days_of(daily["local_date"])]))
    if not len(days):
        return empty_frame(HOURLY), empty_frame(DAILY)
    begin_us, end_us = first_instants_us(np.array([days[0], days[-1] + 1]), site.zone).tolist()
    spans = spans_of(begin_us, end_us, site.zone, known.tariffs, known.by_interval, assumes=known.assumes)
    energy = intervals_of(intervals, sessions, has_battery=site.has_battery_on(of_intervals))
    hourly = hourly_costs(site.site_id, energy, spans)
    return hourly, daily_costs(site.site_id, hourly, daily, spans, known.tariffs)


def _bill(session: TransformSession, site: Site, known: KnownPrices, rules: BillingRules, digest: str) -> int:
    """Write the bills of a site, unless they were made from the same costs and rules.

    All bills of a site are made together, since credits are carried. The file of the last period has the digest of what they
    were made from, and those before it have one that never changes: they are written only where their rows change.
    """
    lake = session.lake
    stored = {part.period: part for part in lake.partitions(BILLS, site_id=site.site_id) if part.period}
    found = {period: lake.digest_of(BILLS, site.site_id, period) for period in stored}
    if stored and found == _digests(stored, digest):
        return 0
    hourly, daily = (lake.read(name, site_id=site.site_id) for name in (HOURLY, DAILY))
    made = bills(site.site_id, hourly, daily, known.tariffs, rules, site.zone, assumes=known.assumes)
    days = days_of(made["cycle_start"])
    periods = periods_of_days(session.archive, site, session.settle_hours, days)
    rows = 0
    for period, of_period in _digests(periods, digest).items():
        new = made[within(days, period)]
        if found.get(period) != of_period or not lake.has_exactly(stored[period], BILLS, new):
            rows += lake.write(BILLS, new, site_id=site.site_id, period=period, digest=of_period).rows
        lake.discard_superseded(BILLS, site.site_id, period)
    for period in sorted(stored.keys() - periods):
        lake.discard(BILLS, site.site_id, period)  # no cycle begins in it any more
    return rows


def _digests(periods: Iterable[str], digest: str) -> dict[str, str]:
    """The digest of each file of bills, in order of time; that of the last has the names of all, so that none is missed."""
    names = sorted(periods)
    before = dict.fromkeys(names[:-1], digest_of((), BILLS))
    return before | {name: digest_of((), digest, *names) for name in names[-1:]}
