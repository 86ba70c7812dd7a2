"""Rows that several months of one site hear of: each stands in one lake file alone.

A fixed-offset site's windows are cut by an offset that changes twice a year (Q7), so the last window of one month and the
first of the next may share an hour; a charge session that straddles the end of a month may come with both; a lifetime's
window moves with the day of the installation. All such months look at all the answers and come to the same end: the last
fetched wins, and the month that asked for it has the row.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime

import pandas as pd

from extract.archive import Entry
from extract.series import DAY_SERIES
from flows.workspace import Workspace
from transform.sites import Site

LIFETIMES = frozenset({"energy_year", "backup"})
"""Series of one window, which begins with the installation: elsewhere when its day becomes known, or is told otherwise."""

STRADDLES = frozenset({"charge"})
"""Series whose rows may straddle the end of a window, on any site."""


def months_beside(month: str) -> tuple[str, str]:
    """The months before and after one, as `YYYY-MM`."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1
    before, after = (f"{each // 12:04d}-{each % 12 + 1:02d}" for each in (number - 1, number + 1))
    return before, after


def entries_beside(workspace: Workspace, site: Site, month: str) -> list[Entry]:
    """Entries of other months, mostly the neighbours, that may tell of the same rows as this month's."""
    before, after = (workspace.archive.entries(site.site_id, each) for each in months_beside(month))
    found = [entry for entry in (*before, *after) if entry.series in STRADDLES]
    if any(entry.series in LIFETIMES for entry in workspace.archive.entries(site.site_id, month)):
        everything = workspace.archive.entries(site.site_id)
        found += [entry for entry in everything if entry.series in LIFETIMES and entry.month != month]
    if site.clock_offset_minutes is None:
        return found
    days_before, days_after = _windows_of_days(before), _windows_of_days(after)
    last = max((entry.window_end for entry in days_before if entry.window_end), default=None)
    first = min((entry.window_start for entry in days_after if entry.window_start), default=None)
    return [
        *found,
        *(entry for entry in days_before if entry.window_end == last),
        *(entry for entry in days_after if entry.window_start == first),
    ]


def _windows_of_days(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.series in DAY_SERIES]


def own_rows(frame: pd.DataFrame, raw_ids: Collection[str], asked_at: Collection[datetime]) -> pd.DataFrame:
    """The rows of a shaped table that this month's own answers gave: by `raw_id`, or for revisions by when they were seen."""
    for column, own in (("_raw_id", raw_ids), ("raw_id", raw_ids), ("seen_at", asked_at)):
        if column in frame.columns:
            return frame[frame[column].isin(list(own))]
    return frame


def followed_by(workspace: Workspace, site_id: int, month: str) -> dict[str, date]:
    """Series that this month asked for → first day of their next window after it, where there is one.

    What lies between was never asked for. A lifetime has no next.
    """
    wanted = {str(entry.series) for entry in workspace.archive.entries(site_id, month) if entry.window_start}
    wanted -= LIFETIMES
    found: dict[str, date] = {}
    for later in workspace.archive.months(site_id):
        if later > month and found.keys() < wanted:
            starts: dict[str, date] = {}
            for entry in workspace.archive.entries(site_id, later):
                if entry.window_start is not None:
                    series = str(entry.series)
                    starts[series] = min(entry.window_start, starts.get(series, entry.window_start))
            found = {series: start for series, start in starts.items() if series in wanted} | found
    return found
