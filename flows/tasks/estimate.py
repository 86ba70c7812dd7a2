"""The step after shaping: the best estimate of each day of a partition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from extract.archive.raw_archive import IndexEntry
from extract.windows import ONE_DAY, local_today, period_end
from flows.adjacent_months import entries_of, first_days, has_other_days, months_around
from flows.tasks.installation import has_energy, site_of
from flows.tasks.partition import (
    Shaped,
    SitePartition,
    digest_of,
    facts,
    is_of_year,
    is_stored,
    losses_among,
    write,
)
from flows.tasks.session import TransformSession
from transform.candidates import IMPORT_SOURCES
from transform.daily import daily
from transform.sites import Site
from transform.time import days_from, days_of
from wattlog.lake_periods import IMPORTS, is_without_days
from wattlog.local_days import clock_at_end, first_instant
from wattlog.series import SERIES, is_of_days
from wattlog.series_spec import Grain

UNUSED_COLUMNS = ("_raw_id", "_run_id")
"""Columns that no estimate uses."""


@dataclass(frozen=True, slots=True)
class RequestedDays:
    """The local days of a month that were requested.

    Attributes:
        first_day: First day.
        last_day: Last day.
        asked_at: When the month's newest response was requested: the present instant for its days.
    """

    first_day: date
    last_day: date
    asked_at: datetime

    def until_settled(self, site: Site, settle_hours: float) -> "RequestedDays":
        """The same, requested no later than a day after the last day has settled: what is later changes nothing of any day.

        The response about a year is requested every night, and its window begins in January.
        """
        latest = first_instant(self.last_day + ONE_DAY, site.zone) + timedelta(hours=settle_hours) + ONE_DAY
        return replace(self, asked_at=min(self.asked_at, latest))


@dataclass(frozen=True, slots=True)
class Sources:
    """What the days of a partition are estimated from.

    Attributes:
        periods: The lake files to read: the partition's own, and those of adjacent months that may hold rows of its days.
        site: The site, with the beginning of its history; see `installation`.
        requested: Month → its days that were requested.
        imported: Month → its days of imported histories, with the instant of the last import.
        digest: Identifies what the files were made from.
        digest_with_losses: The same where some of its records are lost; see `losses_among`.
    """

    periods: tuple[str, ...]
    site: Site
    requested: dict[str, RequestedDays]
    imported: dict[str, RequestedDays]
    digest: str
    digest_with_losses: str

    @property
    def _spans(self) -> list[RequestedDays]:
        return [*self.requested.values(), *self.imported.values()]

    @property
    def first_day(self) -> date:
        """First local day that was requested, or may be imported."""
        return min(days.first_day for days in self._spans)

    @property
    def last_day(self) -> date:
        """Last local day that was requested, or may be imported."""
        return max(days.last_day for days in self._spans)

    @property
    def asked_at(self) -> dict[str, datetime]:
        """Month → the present instant for its days; of a month that was never requested, that of the import."""
        return {month: days.asked_at for month, days in (self.imported | self.requested).items()}


def sources_of(session: TransformSession, item: SitePartition) -> Sources | None:
    """What the days of a partition are estimated from; None where no day was requested.

    A week that was requested as a cross-check may have begun in the month before, and is stored there; a day of a
    fixed-offset site has rows in two windows, so its rows may be in the file of either adjacent month (Q7).
    """
    archive, site_id = session.archive, item.site.site_id
    if is_without_days(item.period):
        return None
    by_month = item.windows_by_month(archive)
    site = site_of(session, item, chain.from_iterable(by_month.values()))
    histories = {month: _histories_of(entries_of(archive, site_id, IMPORTS), month) for month in by_month}
    requested = _days_of_months(site, by_month)
    imported = {month: _days_imported(entries, month) for month, entries in histories.items() if entries}
    if not requested and not imported:
        return None
    before, after = months_around(item.period)
    read = [*entries_of(archive, site_id, before), *chain.from_iterable(by_month.values())]
    entries_after = first_days(entries_of(archive, site_id, after))
    is_cut_otherwise = has_other_days([*read, *entries_after], item.site)
    if is_cut_otherwise:
        read += entries_after
        requested = _whole_days(site, requested, by_month, read)
    if not requested and not imported:
        return None
    requested = {month: days.until_settled(site, session.settle_hours) for month, days in requested.items()}
    read = [entry for entry in read if not is_of_year(entry)]  # no day depends on its year
    read += {entry.raw_id: entry for entries in histories.values() for entry in entries}.values()
    known = (*facts(item.site), *requested.values(), session.settle_hours)
    digests = digest_of(read, *known), digest_of(read, *known, *losses_among(archive, read))
    periods = (before, item.period, after) if is_cut_otherwise else (before, item.period)
    return Sources(periods, site, requested, imported, *digests)


def _whole_days(
    site: Site,
    requested: Mapping[str, RequestedDays],
    by_month: Mapping[str, Iterable[IndexEntry]],
    around: Iterable[IndexEntry],
) -> dict[str, RequestedDays]:
    """The days without those at both ends of which only hours were requested, so that another day is whole (Q7).

    Args:
        site: The site.
        requested: The days of each month's windows.
        by_month: The entries of each month; the days of longer windows are whole.
        around: All entries whose windows may cover these days.
    """
    spans = sorted({_span(site, entry) for entry in around if is_of_days(entry.series) and entry.closes_at})

    def is_covered(day: date) -> bool:
        begins, ends = (first_instant(edge, site.zone) for edge in (day, day + ONE_DAY))
        reached = begins if site.installed_at is None else max(begins, min(site.installed_at, ends))
        for span_begins, span_ends in spans:
            if span_begins <= reached:
                reached = max(reached, span_ends)
        return reached >= ends

    found = {}
    for month, days in requested.items():
        windows = {(entry.window_start, entry.window_end) for entry in by_month[month]}
        longer = [(first, last) for first, last in windows if first and last and first < last]
        whole = [
            day
            for day in days_from(days.first_day, days.last_day).tolist()
            if any(first <= day <= last for first, last in longer) or is_covered(day)
        ]
        if whole:
            found[month] = replace(days, first_day=whole[0], last_day=whole[-1])
    return found


def _span(site: Site, entry: IndexEntry) -> tuple[datetime, datetime]:
    """The time of a window of one day, on the clock by which it was cut."""
    day, ended_at = entry.window_end, entry.closes_at
    if day is None or ended_at is None:
        raise ValueError(f"a window of one day without its end: {entry.raw_id}")
    return first_instant(day, clock_at_end(day, ended_at, site.clocks)), ended_at


def estimate_days(session: TransformSession, item: SitePartition) -> Shaped:
    """Write the best estimate of each requested day of a partition."""
    found = None if session.stop.is_interrupted() else sources_of(session, item)
    if found is None or any(
        is_stored(session.lake, "daily", item, digest) for digest in {found.digest, found.digest_with_losses}
    ):
        return Shaped(0)
    read = partial(session.lake.read, site_id=item.site.site_id, periods=found.periods, without=UNUSED_COLUMNS)
    frame = daily(
        read("energy_intervals", reaching=found.first_day),
        read("energy_periods"),
        read("power", reaching=found.first_day),
        found.site,
        found.first_day,
        found.last_day,
        now=found.asked_at,
        settle_hours=session.settle_hours,
        imported=imported_days(session, item.site.site_id, found),
    )
    days, is_requested = days_of(frame["local_date"]), np.zeros(len(frame), dtype=bool)
    for scope in found.requested.values():
        is_requested |= (days >= np.datetime64(scope.first_day)) & (days <= np.datetime64(scope.last_day))
    is_requested |= frame["source"].isin(IMPORT_SOURCES).to_numpy(dtype=bool)
    if item.site.installed_on is not None:
        is_requested &= (days >= np.datetime64(item.site.installed_on)) | has_energy(frame)
    return Shaped(write(session.lake, "daily", frame[is_requested], item, found.digest_with_losses))


def imported_days(session: TransformSession, site_id: int, found: Sources) -> pd.DataFrame:
    """The days of imported histories that a partition is estimated from; none where none has a day of it."""
    periods = [IMPORTS] if found.imported else []
    return session.lake.read("import_days", site_id=site_id, periods=periods, without=UNUSED_COLUMNS)


def _histories_of(entries: Iterable[IndexEntry], month: str) -> list[IndexEntry]:
    """The imported files that may have days of a month."""
    first = date.fromisoformat(f"{month}-01")
    last = period_end(first, Grain.MONTH)
    return [
        entry
        for entry in entries
        if entry.window_start and entry.window_end and entry.window_start <= last and entry.window_end >= first
    ]


def _days_imported(entries: Sequence[IndexEntry], month: str) -> RequestedDays:
    """The days of a month that some imported files may have."""
    first = date.fromisoformat(f"{month}-01")
    starts = [entry.window_start for entry in entries if entry.window_start]
    ends = [entry.window_end for entry in entries if entry.window_end]
    return RequestedDays(
        max(first, min(starts)),
        min(period_end(first, Grain.MONTH), max(ends)),
        max(entry.requested_at for entry in entries),
    )


def _days_of_months(site: Site, by_month: Mapping[str, Sequence[IndexEntry]]) -> dict[str, RequestedDays]:
    """The days that were requested of each month, without months of which none were."""
    found = {month: _days_requested(site, entries) for month, entries in by_month.items()}
    return {month: days for month, days in found.items() if days is not None}


def _days_requested(site: Site, entries: Sequence[IndexEntry]) -> RequestedDays | None:
    """The days of a month's windows, neither before the installation nor after the request; None where there are none."""
    asked = [entry for entry in entries if SERIES[entry.series].day_sources and entry.window_start and entry.window_end]
    if not asked:
        return None
    first = min(entry.window_start for entry in asked if entry.window_start)
    last = min(
        max(entry.window_end for entry in asked if entry.window_end),
        local_today(max(entry.requested_at for entry in asked), site.zone),
        period_end(first, Grain.MONTH),
    )
    first = max(filter(None, (first, site.installed_on)))
    return RequestedDays(first, last, max(entry.requested_at for entry in entries)) if first <= last else None
