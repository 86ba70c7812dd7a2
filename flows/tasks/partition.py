"""What the steps that make the lake share: the partition that owns lake files, and the digest of what they are made from."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from itertools import chain

import numpy as np
import pandas as pd

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.windows import local_today
from flows.adjacent_months import entries_of, has_entries, months_of
from transform.sites import Site
from transform.time import Days
from warehouse.lake.lake import Lake, Partition
from wattlog import zones
from wattlog.lake_periods import IMPORTS, LIFETIME, is_open_year, is_year, months_of_year, open_year, year_of
from wattlog.series import SERIES
from wattlog.series_spec import Grain

MARKER = "requests"
"""The table of a partition that is always written, and last: its file proves that the others were written before it."""

VERSION = f"{version('wattlog')} tzdata {zones.VERSION}"
"""Part of every digest: another version may shape the same responses differently, and another time zone database puts rows on
other days. Both make the lake again from the archive."""


@dataclass(frozen=True, slots=True)
class SitePartition:
    """The unit of work of every step that makes the lake: it owns one lake file of each table, whatever series they come from.

    Attributes:
        site: The site.
        period: A closed year (`2024`), a month of an open year (`2025-03`), what is about the open year as a whole
            (`2025-year`), the lifetime, or the imports.
        months: The months of the period that have rows, oldest first; none of a period without days.
    """

    site: Site
    period: str
    months: tuple[str, ...]

    @property
    def year(self) -> str:
        """The year that the period is, or lies in."""
        return year_of(self.period)

    def entries(self, archive: RawArchive) -> list[IndexEntry]:
        """The index entries whose rows are in the files of the period."""
        return [entry for entries in self.entries_by_month(archive).values() for entry in entries]

    def entries_by_month(self, archive: RawArchive) -> dict[str, list[IndexEntry]]:
        """The same for each month, or those of a period without days."""
        if is_open_year(self.period):
            by_month = [entries_of(archive, self.site.site_id, month) for month in months_of_year(self.year)]
            return {self.period: list(filter(is_of_year, chain.from_iterable(by_month)))}
        found = self.windows_by_month(archive)
        if is_year(self.period):
            return found
        return {month: [entry for entry in entries if not is_of_year(entry)] for month, entries in found.items()}

    def windows_by_month(self, archive: RawArchive) -> dict[str, list[IndexEntry]]:
        """The index entries of all windows that begin in each month, those about open years among them."""
        return {month: entries_of(archive, self.site.site_id, month) for month in self.months or (self.period,)}

    def __str__(self) -> str:
        return f"site {self.site.site_id} {self.period}"


@dataclass(frozen=True, slots=True)
class SiteYear:
    """The partitions of one site and one calendar year, oldest first, for steps that are quicker with all of them at once."""

    site: Site
    year: str
    partitions: tuple[SitePartition, ...]

    def __str__(self) -> str:
        return f"site {self.site.site_id} {self.year}"


def partitions_of(archive: RawArchive, site: Site, settle_hours: float) -> list[SitePartition]:
    """The partitions of a site, oldest first.

    A year is closed when a response was requested after all of its windows had settled: then a whole year changes rarely, and
    is one partition. The rule needs the archive alone, so a rebuild has the same partitions. What is requested anew every
    night, the responses about an open year and about the whole lifetime, are partitions of their own; so are imported
    histories, which rarely change.
    """
    site_id, newest = site.site_id, archive.newest_request(site.site_id)
    first_open = "" if newest is None else f"{local_today(newest - timedelta(hours=settle_hours), site.zone):%Y}"
    periods: dict[str, list[str]] = {}
    without_days = dict[str, None]()
    for month in months_of(archive, site):
        if year_of(month) < first_open:
            periods.setdefault(year_of(month), []).append(month)
            continue
        is_yearly = list(map(is_of_year, entries_of(archive, site_id, month)))
        if any(is_yearly):
            without_days[open_year(year_of(month))] = None
        if not is_yearly or not all(is_yearly):  # rows of `/history` and of imports lie in months without an entry
            periods[month] = [month]
    without_days |= {period: None for period in (LIFETIME, IMPORTS) if has_entries(archive, site_id, period)}
    found = [SitePartition(site, period, tuple(of_period)) for period, of_period in periods.items()]
    return [*found, *(SitePartition(site, period, ()) for period in without_days)]


def is_of_year(entry: IndexEntry) -> bool:
    """Whether a response is about a calendar year."""
    return SERIES[entry.series].grain is Grain.YEAR


def periods_of_days(archive: RawArchive, site: Site, settle_hours: float, days: Days) -> set[str]:
    """The periods in which local days of a site lie: closed years, and months of the years that are open."""
    closed = {part.period for part in partitions_of(archive, site, settle_hours) if is_year(part.period)}
    months = np.unique(days.astype("datetime64[M]")).astype(str).tolist()
    return {year_of(month) if year_of(month) in closed else month for month in months}


def by_year(items: Iterable[SitePartition]) -> list[SiteYear]:
    """Partitions grouped by site and year."""
    found: dict[tuple[int, str], list[SitePartition]] = {}
    for item in items:
        found.setdefault((item.site.site_id, item.year), []).append(item)
    return [SiteYear(of_year[0].site, year, tuple(of_year)) for (_, year), of_year in found.items()]


@dataclass(frozen=True, slots=True)
class Shaped:
    """The result of a step.

    Attributes:
        rows_written: Rows written to the lake; 0 where the files were made from the same responses.
        lost: Records that the step could not read: id → reason.
    """

    rows_written: int
    lost: Mapping[str, str] = field(default_factory=dict)


def digest_of(entries: Iterable[IndexEntry], *facts: object) -> str:
    """Identifies what lake files are made from: the responses, in any order, and the other inputs of the transform."""
    parts = chain(sorted(entry.raw_id for entry in entries), map(str, facts), [VERSION])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def facts(site: Site) -> tuple[object, ...]:
    """What the transform uses of a site, besides its responses."""
    clocks = [(clock.timezone, clock.first_seen_at) for clock in site.server_clocks]
    return (
        site.timezone,
        clocks,
        site.installed_at,
        site.has_solar,
        site.has_battery,
        (site.battery.since, site.battery.until),
        site.has_grid,
        site.place,
    )


def losses_among(archive: RawArchive, entries: Iterable[IndexEntry]) -> tuple[str, ...]:
    """The part of the digest that lists lost records: a file made without them is made again once they are back.

    A file that was made before they were lost has a digest without this part, and is kept.
    """
    return tuple(f"lost {raw_id}" for raw_id in sorted(archive.lost(entries)))


def is_stored(lake: Lake, name: str, item: SitePartition, digest: str) -> bool:
    """Whether a table's file was made from exactly that."""
    return lake.digest_of(name, item.site.site_id, item.period) == digest


def write(lake: Lake, name: str, frame: pd.DataFrame, item: SitePartition, digest: str) -> int:
    """Write one table of a partition, and remove the files that it supersedes: those of the months of a year that has closed.

    A table without rows gets no file, and loses the one that it had, unless it is the table that proves the work done.
    """
    site_id, period, rows = item.site.site_id, item.period, 0
    if not frame.empty or name == MARKER:
        rows = lake.write(name, frame, site_id=site_id, period=period, digest=digest).rows
    else:
        lake.discard(name, site_id, period)
    lake.discard_superseded(name, site_id, period)
    return rows


def with_period_differences(lake: Lake, found: pd.DataFrame, item: SitePartition) -> pd.DataFrame:
    """Differences of a partition's days, and those of months and years that are in the same file.

    The latter are replaced when the whole site is reconciled.
    """
    path = lake.path("reconciliation", item.site.site_id, item.period)
    if not path.is_file():
        return found
    stored = lake.read_partition(Partition(item.site.site_id, item.period, path), "reconciliation")
    of_periods = stored[stored["granularity"] != "day"]
    return pd.concat([found, of_periods], ignore_index=True) if len(of_periods) else found
