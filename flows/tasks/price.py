"""The step before publishing: what energy cost, by hour and day, and the bills of each site.

Energy is priced partition by partition, from its intervals and the tariffs that were in force. A partition is priced again
where its responses, the site's tariffs or prices, or the settings of billing have changed. Bills need the whole site, since
credits are carried from cycle to cycle; their rows are in the file of the partition in which the cycle begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
import pandas as pd

from flows.adjacent_months import months_around
from flows.billing_settings import SiteBilling
from flows.tasks.estimate import UNUSED_COLUMNS, Sources, sources_of
from flows.tasks.partition import Shaped, SitePartition, digest_of, is_stored, partitions_of
from flows.tasks.session import TransformSession
from transform.costs.amounts import micro_of
from transform.costs.billing import bills
from transform.costs.days import daily_costs
from transform.costs.flows import intervals_of
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedPrices, DatedTariff, spans_of
from transform.frames import empty_frame
from transform.sites import Site
from transform.tariffs import read_tariff
from transform.time import days_of, epoch_us
from warehouse.lake.lake import Lake
from wattlog.lake_periods import is_year, within, year_of
from wattlog.local_days import first_instants_us

HOURLY: Final = "hourly_costs"
DAILY: Final = "daily_costs"
BILLS: Final = "bills"


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """All that is known of the prices of a site.

    Attributes:
        tariffs: Tariffs, those that count before others last.
        by_interval: Prices by interval.
        facts: Identifies both, for digests.
    """

    tariffs: tuple[DatedTariff, ...]
    by_interval: DatedPrices
    facts: tuple[object, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known: then nothing is priced."""
        return not self.tariffs and not len(self.by_interval.starts_us)


def known_prices(lake: Lake, site_id: int, billing: SiteBilling) -> KnownPrices:
    """The tariffs and prices of a site; of two tariffs, the one that begins later counts."""
    stored = lake.read("tariffs", site_id=site_id)
    stored = stored[stored["document"].notna()]
    if not billing.use_synthetic_tariffs:
        stored = stored[~stored["is_synthetic"].astype(bool)]
    stored = stored.sort_values(["valid_from", "kind"], kind="stable")
    prices = lake.read("prices", site_id=site_id)
    prices = prices[prices["buy_per_kwh"].notna()]
    begins = epoch_us(stored["valid_from"]).tolist()
    ends = [
        None if pd.isna(instant) else end for instant, end in zip(stored["valid_to"], _ends_us(stored), strict=True)
    ]
    tariffs = tuple(
        DatedTariff(read_tariff(orjson.loads(document)), begin, end)
        for document, begin, end in zip(stored["document"], begins, ends, strict=True)
    )
    of_tariffs = stored[["valid_from", "valid_to", "kind", "sha256"]].astype(str).to_numpy().tolist()
    of_prices = pd.util.hash_pandas_object(prices.astype(str)).sum() if len(prices) else 0
    return KnownPrices(tariffs, _by_interval(prices), (of_tariffs, of_prices))


def _ends_us(stored: pd.DataFrame) -> list[int]:
    found: list[int] = stored["valid_to"].to_numpy(dtype="datetime64[us]").view(np.int64).tolist()
    return found


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
    return Shaped(rows + _bill(session, site, known, digest_of((), BILLS, billing, *digests)))


def _price(session: TransformSession, item: SitePartition, found: Sources, known: KnownPrices) -> int:
    """Write the costs of a partition, unless they were made from the same responses and prices."""
    billing = session.context.settings.billing.of(item.site.site_id)
    digests = [
        digest_of((), made_of, HOURLY, *known.facts, billing.assume_tariff)
        for made_of in (found.digest, found.digest_with_losses)
    ]
    if any(all(is_stored(session.lake, name, item, digest) for name in (HOURLY, DAILY)) for digest in digests):
        return 0
    hourly, daily = (
        (empty_frame(HOURLY), empty_frame(DAILY)) if known.is_empty else _priced(session, item, found, known)
    )
    rows, site_id = 0, item.site.site_id
    for name, frame in ((HOURLY, hourly), (DAILY, daily)):  # without rows, too: a file that is missing is made again
        rows += session.lake.write(name, frame, site_id=site_id, period=item.period, digest=digests[-1]).rows
        session.lake.discard_superseded(name, site_id, item.period)
    return rows


def _priced(
    session: TransformSession, item: SitePartition, found: Sources, known: KnownPrices
) -> tuple[pd.DataFrame, pd.DataFrame]:
    site, lake = item.site, session.lake
    billing = session.context.settings.billing.of(site.site_id)
    unused = [*UNUSED_COLUMNS, "_fetched_at"]
    intervals = lake.read("energy_intervals", site_id=site.site_id, periods=found.periods, without=unused)
    intervals = intervals[within(days_of(intervals["local_date"]), item.period)].reset_index(drop=True)
    daily = lake.read("daily", site_id=site.site_id, periods=[item.period])
    sessions = lake.read("charge_sessions", site_id=site.site_id, periods=[item.period, *months_around(item.period)])
    days = np.unique(np.concatenate([days_of(intervals["local_date"]), days_of(daily["local_date"])]))
    if not len(days):
        return empty_frame(HOURLY), empty_frame(DAILY)
    begin_us, end_us = first_instants_us(np.array([days[0], days[-1] + 1]), site.zone).tolist()
    spans = spans_of(begin_us, end_us, site.zone, known.tariffs, known.by_interval, assumes=billing.assume_tariff)
    energy = intervals_of(intervals, sessions, has_battery=site.has_battery)
    hourly = hourly_costs(site.site_id, energy, spans)
    return hourly, daily_costs(site.site_id, hourly, daily, spans, known.tariffs)


def _bill(session: TransformSession, site: Site, known: KnownPrices, digest: str) -> int:
    """Write the bills of a site, unless they were made from the same costs and rules.

    All bills of a site are made together, since credits are carried. The file of the last period has the digest of what they
    were made from, and those before it have one that never changes: they are written only where their rows change.
    """
    lake, billing = session.lake, session.context.settings.billing.of(site.site_id)
    stored = {part.period: part for part in lake.partitions(BILLS, site_id=site.site_id) if part.period}
    found = {period: lake.digest_of(BILLS, site.site_id, period) for period in stored}
    if stored and found == _digests(stored, digest):
        return 0
    hourly, daily = (lake.read(name, site_id=site.site_id) for name in (HOURLY, DAILY))
    made = bills(site.site_id, hourly, daily, known.tariffs, billing.rules, site.zone, assumes=billing.assume_tariff)
    days = days_of(made["cycle_start"])
    closed = {
        part.period for part in partitions_of(session.archive, site, session.settle_hours) if is_year(part.period)
    }
    months = np.unique(days.astype("datetime64[M]")).astype(str).tolist()
    periods = {year_of(month) if year_of(month) in closed else month for month in months}
    rows = 0
    for period, of_period in _digests(periods, digest).items():
        new = made[within(days, period)]
        if found.get(period) != of_period or not lake.has_exactly(stored[period], BILLS, new):
            rows += lake.write(BILLS, new, site_id=site.site_id, period=period, digest=of_period).rows
        lake.discard_superseded(BILLS, site.site_id, period)
    for period in sorted(stored.keys() - periods):
        lake.path(BILLS, site.site_id, period).unlink(missing_ok=True)  # no cycle begins in it any more
    return rows


def _digests(periods: Iterable[str], digest: str) -> dict[str, str]:
    """The digest of each file of bills, in order of time; that of the last has the names of all, so that none is missed."""
    names = sorted(periods)
    before = dict.fromkeys(names[:-1], digest_of((), BILLS))
    return before | {name: digest_of((), digest, *names) for name in names[-1:]}
