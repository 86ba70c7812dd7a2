"""Rows that several months of one site hear of: each stands in one lake file alone.

A fixed-offset site's windows are cut by an offset that changes twice a year (Q7), so the last window of one month and the
first of the next may share an hour; a charge session that straddles the end of a month may come with both; a lifetime's
window moves with the day of the installation. All such months look at all the answers and come to the same end: the last
fetched wins, and the month that asked for it has the row.

The endpoint `/history` has no window at all: what it tells is told from now, so most of it is told many times, in months that
follow one another. There the month that a row lies in has it, whenever it was asked.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from extract.archive import Entry
from extract.series import DAY_SERIES
from extract.windows import Grain, period_end
from flows.workspace import Workspace
from transform import history
from transform.sites import Site

LIFETIMES = frozenset({"energy_year", "backup"})
"""Series of one window, which begins with the installation: elsewhere when its day becomes known, or is told otherwise."""

STRADDLES = frozenset({"charge"})
"""Series whose rows may straddle the end of a window, on any site."""

_WEEK = timedelta(days=7)
"""A week that begins in a month may end so long after it; the day in which somebody asks is a day off by UTC."""


def months_beside(month: str) -> tuple[str, str]:
    """The months before and after one, as `YYYY-MM`."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1
    before, after = (f"{each // 12:04d}-{each % 12 + 1:02d}" for each in (number - 1, number + 1))
    return before, after


def entries_beside(workspace: Workspace, site: Site, month: str) -> list[Entry]:
    """Entries of other months, mostly the neighbours, that may tell of the same rows as this month's."""
    before, after = (workspace.archive.entries(site.site_id, each) for each in months_beside(month))
    found = [entry for entry in (*before, *after) if entry.series in STRADDLES]
    found += [entry for entry in _telling_of(workspace, site.site_id, month) if entry.month != month]
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


def _telling_of(workspace: Workspace, site_id: int, month: str) -> list[Entry]:
    """Answers of `/history` that may tell of a month. Of a year's, only those that differ from the one before: the twelve
    months before this one are told in the same words every night of it.
    """
    first = date.fromisoformat(f"{month}-01")
    last = period_end(first, Grain.MONTH)
    found, told_before = [], ""
    for entry in workspace.archive.legacy(site_id):
        period = _period(entry)
        if entry.outcome != "data" or period not in history.REACH or (period == "year" and entry.sha256 == told_before):
            continue
        told_before = entry.sha256 if period == "year" else told_before
        asked = entry.requested_at.astimezone(UTC).date()
        if first - timedelta(days=1) <= asked <= last + history.REACH[period] + _WEEK:
            found.append(entry)
    return found


def _period(entry: Entry) -> str:
    return entry.question.rpartition("=")[2]


def months_of(workspace: Workspace, site: Site) -> list[str]:
    """The months of a site that have rows, oldest first: those that were asked for, and those that `/history` tells of."""
    months = set(workspace.archive.months(site.site_id))
    earliest = f"{site.installed_on:%Y-%m}" if site.installed_on else ""
    for entry in workspace.archive.legacy(site.site_id):
        if entry.outcome == "data" and _period(entry) in history.REACH:
            told = entry.requested_at.astimezone(UTC).date() + timedelta(days=1)
            first = told - history.REACH[_period(entry)] - history.LONGEST_PERIOD
            while told >= first:
                months.add(f"{told:%Y-%m}")
                told = told.replace(day=1) - timedelta(days=1)
    return sorted(month for month in months if month >= earliest or workspace.archive.entries(site.site_id, month))


def legacy_rows(
    tables: Mapping[str, pd.DataFrame], power: pd.DataFrame | None, month: str, site: Site, raw_ids: Collection[str]
) -> dict[str, pd.DataFrame]:
    """What of the shaped answers of `/history` belongs to a month: the rows that lie in it, and what its own answers left.

    Args:
        tables: The shaped answers.
        power: Table `power` from calendar_history, which wins where both tell of the same time.
        month: The month.
        site: The site.
        raw_ids: The month's own answers: what of them could not be used stands in its quarantine.
    """
    found = {
        name: frame[frame["raw_id"].isin(list(raw_ids))]
        if name == "quarantine"
        else history.of_month(frame, month, site)
        for name, frame in tables.items()
    }
    return found if power is None else found | {"power": history.without(found["power"], power)}


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
