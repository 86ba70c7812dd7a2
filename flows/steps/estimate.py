"""The step after shaping: the best estimate of each day of a site-month."""

from collections.abc import Iterable
from datetime import date

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


def estimate_days(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Write the best estimate of each day of a site-month that was asked for.

    A week that was asked as a witness may have begun in the month before, and stands there; a day of a fixed-offset site has
    rows in two windows, so maybe in either neighbour's file (Q7).
    """
    if workspace.interrupted_by is not None:
        return Shaped(0)
    entries = workspace.archive.entries(item.site.site_id, item.month)
    before, after = months_beside(item.month)
    beside = (before,) if item.site.clock_offset_minutes is None else (before, after)
    read = [*entries, *(entry for month in beside for entry in workspace.archive.entries(item.site.site_id, month))]
    days = _days_asked(item.site, entries)
    digest = digest_of(read, *facts(item.site), days, workspace.settings.settle_hours)
    if days is None or is_held(workspace, "daily", item, digest):
        return Shaped(0)
    lake, site_id, months = workspace.lake, item.site.site_id, [item.month, *beside]
    frame = daily(
        lake.read("energy_intervals", site_id=site_id, months=months),
        lake.read("energy_periods", site_id=site_id, months=months),
        lake.read("power", site_id=site_id, months=months),
        item.site,
        *days,
        now=max(entry.requested_at for entry in entries),
        settle_hours=workspace.settings.settle_hours,
    )
    return Shaped(write(workspace, "daily", frame, item, digest))


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
