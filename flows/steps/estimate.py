"""The step after shaping: the best estimate of each day of a site-month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from extract.archive import Entry
from extract.series import Series
from extract.windows import Grain, local_today, period_end
from flows.neighbours import months_beside
from flows.steps.partition import Shaped, SiteMonth, digest_of, facts, is_held, write
from flows.workspace import Workspace
from transform.daily import daily
from transform.sites import Site

COVERS_DAYS = frozenset({Series.POWER, Series.ENERGY_INTERVAL, Series.ENERGY_DAY})
"""Series from which a day's energy can be told: their windows say which days were asked for."""

NOT_LOOKED_AT = ("_raw_id", "_run_id")
"""Columns of which no estimate knows."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the days of a site-month are told from.

    Attributes:
        months: The lake files to read: the month's own, and the neighbours' that may hold rows of its days.
        first_day: First local day that was asked for.
        last_day: Last one.
        asked_at: When the month's newest answer was asked: what "now" is for its days.
        digest: What all that was made of.
    """

    months: tuple[str, ...]
    first_day: date
    last_day: date
    asked_at: datetime
    digest: str


def sources_of(workspace: Workspace, item: SiteMonth) -> Sources | None:
    """Where the days of a site-month are told; None where no day was asked for.

    A week that was asked as a witness may have begun in the month before, and stands there; a day of a fixed-offset site has
    rows in two windows, so maybe in either neighbour's file (Q7).
    """
    site_id = item.site.site_id
    entries = workspace.archive.entries(site_id, item.month)
    days = _days_asked(item.site, entries)
    if days is None:
        return None
    before, after = months_beside(item.month)
    months = (before, item.month) if item.site.clock_offset_minutes is None else (before, item.month, after)
    read = [entry for month in months for entry in workspace.archive.entries(site_id, month)]
    digest = digest_of(read, *facts(item.site), days, workspace.settings.settle_hours)
    return Sources(months, *days, max(entry.requested_at for entry in entries), digest)


def estimate_days(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Write the best estimate of each day of a site-month that was asked for."""
    found = None if workspace.interrupted_by is not None else sources_of(workspace, item)
    if found is None or is_held(workspace, "daily", item, found.digest):
        return Shaped(0)
    read = partial(workspace.lake.read, site_id=item.site.site_id, months=found.months, without=NOT_LOOKED_AT)
    frame = daily(
        read("energy_intervals", reaching=found.first_day),
        read("energy_periods"),
        read("power", reaching=found.first_day),
        item.site,
        found.first_day,
        found.last_day,
        now=found.asked_at,
        settle_hours=workspace.settings.settle_hours,
    )
    return Shaped(write(workspace, "daily", frame, item, found.digest))


def _days_asked(site: Site, entries: Iterable[Entry]) -> tuple[date, date] | None:
    """First and last local day of a month's windows, neither before the installation nor after the asking."""
    asked = [entry for entry in entries if entry.series in COVERS_DAYS and entry.window_start and entry.window_end]
    if not asked:
        return None
    first = min(entry.window_start for entry in asked if entry.window_start)
    last = min(
        max(entry.window_end for entry in asked if entry.window_end),
        max(local_today(entry.requested_at, site.zone) for entry in asked),
        period_end(first, Grain.MONTH),
    )
    first = max(filter(None, (first, site.installed_on)))
    return (first, last) if first <= last else None
