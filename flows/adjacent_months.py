"""Rows that are reported in several periods of one site: each is stored in one lake file alone.

A fixed-offset site's windows are cut by an offset that changes twice a year (Q7), so the last window of one month and the
first of the next may share an hour; a charge session that straddles the end of a month may be reported in both. All such
periods read these responses and decide alike: the response that was fetched last wins, and the period that requested it stores
the row.

The window of a lifetime begins with the installation and moves with it. Its responses are a partition of their own, whatever
month their windows begin in.

The endpoint `/history` has no window at all: its periods end now, so most rows are reported many times, in consecutive
months. There a row is stored in the period that it lies in, whenever it was requested.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from extract.archive.imported import histories_in_force
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.windows import period_end
from transform import history
from transform.coverage import COLUMNS_FOR_GAPS
from transform.sites import Site
from transform.time import days_of
from wattlog.lake_periods import IMPORTS, LIFETIME, holds, is_without_days, is_year, months_of_year
from wattlog.local_days import first_instant
from wattlog.series import SERIES, is_of_days, is_of_lifetime, is_old_history
from wattlog.series_spec import Grain, Series

_ONE_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
"""A week that begins in a month may end so long after it; the local day of a request and its UTC day differ by one at most."""

_OF_LIFETIME = frozenset(filter(is_of_lifetime, SERIES))
_WITHOUT_DAYS = _OF_LIFETIME | frozenset(filter(is_old_history, SERIES)) | {Series.IMPORT_UNDO}
"""Series whose rows are in no month. Ten years of entries are compared with these several times a night."""


def entries_of(archive: RawArchive, site_id: int, period: str) -> list[IndexEntry]:
    """The entries of a month, without those of periods that have no days; or those of such a period alone."""
    if period == LIFETIME:
        return [entry for entry in archive.entries(site_id) if entry.series in _OF_LIFETIME]
    if period == IMPORTS:
        return histories_in_force(archive.histories(site_id))
    return [entry for entry in archive.entries(site_id, period) if entry.series not in _WITHOUT_DAYS]


def has_entries(archive: RawArchive, site_id: int, period: str) -> bool:
    """Whether `entries_of` gives any: ten years of a site are looked through several times a night."""
    if period == LIFETIME:
        return any(entry.series in _OF_LIFETIME for entry in archive.entries(site_id))
    if period == IMPORTS:
        return bool(histories_in_force(archive.histories(site_id)))
    return any(entry.series not in _WITHOUT_DAYS for entry in archive.entries(site_id, period))


def adjacent_months(month: str) -> tuple[str, str]:
    """The months before and after one, as `YYYY-MM`."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1
    before, after = (f"{adjacent // 12:04d}-{adjacent % 12 + 1:02d}" for adjacent in (number - 1, number + 1))
    return before, after


def months_around(period: str) -> tuple[str, str]:
    """The months before and after a period (`YYYY` or `YYYY-MM`)."""
    months = months_of_period(period)
    return adjacent_months(months[0])[0], adjacent_months(months[-1])[1]


def months_of_period(period: str) -> list[str]:
    """The months of a closed year (`YYYY`), or the month itself."""
    return months_of_year(period) if is_year(period) else [period]


def adjacent_entries(archive: RawArchive, site: Site, period: str) -> list[IndexEntry]:
    """Entries of other periods, mostly of the adjacent months, that may report the same rows as this period's."""
    if is_without_days(period):
        return []
    before, after = (archive.entries(site.site_id, adjacent) for adjacent in months_around(period))
    found = [entry for entry in before if SERIES[entry.series].straddles_windows]
    found += _straddling_after(archive, site.site_id, period, after)
    found += [entry for entry in _legacy_of(archive, site.site_id, period) if not holds(period, entry.month)]
    days_before = _windows_of_days(before)
    last = max((entry.window_end for entry in days_before if entry.window_end), default=None)
    at_the_edges = [*(entry for entry in days_before if entry.window_end == last), *first_days(after)]
    own = (entry for month in months_of_period(period) for entry in archive.entries(site.site_id, month))
    return [*found, *at_the_edges] if has_other_days([*at_the_edges, *own], site) else found


def has_other_days(entries: Iterable[IndexEntry], site: Site) -> bool:
    """Whether some windows of days are not the site's own days: they end at no midnight of its zone.

    The server cuts them by a fixed offset (Q7), or by another zone than the owner has set, or had another zone for the site.
    """
    ends, zone = {(entry.window_end, entry.closes_at) for entry in _windows_of_days(entries)}, site.zone
    return any(
        closes_at != first_instant(last_day + _ONE_DAY, zone)
        for last_day, closes_at in ends
        if last_day is not None and closes_at is not None
    )


def first_days(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """The entries about the first day of a month: on a fixed-offset site, it may have rows of the day before (Q7)."""
    of_days = _windows_of_days(entries)
    first = min((entry.window_start for entry in of_days if entry.window_start), default=None)
    return [entry for entry in of_days if entry.window_start == first]


def _straddling_after(
    archive: RawArchive, site_id: int, period: str, after: Iterable[IndexEntry]
) -> Iterator[IndexEntry]:
    """Entries of the month after that may report rows of this period, and were requested before its newest response.

    Later ones win against every response of the period, so they change nothing of it but rows that the later month has, too;
    those are dropped with the repeated keys. So an open month makes the period before it anew only until that has settled.
    """
    last = months_of_year(period)[-1] if is_year(period) else period
    own = [entry for entry in archive.entries(site_id, last) if SERIES[entry.series].straddles_windows]
    newest = max((entry.requested_at for entry in own), default=None)
    for entry in after:
        if newest is not None and SERIES[entry.series].straddles_windows and entry.requested_at < newest:
            yield entry


def _windows_of_days(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    return [entry for entry in entries if is_of_days(entry.series)]


def _legacy_of(archive: RawArchive, site_id: int, lake_period: str) -> list[IndexEntry]:
    """Responses of `/history` that may report rows of a period. Of those for a year, only responses that differ from the one
    before: every night of a month reports the twelve months before it alike.
    """
    first = date.fromisoformat(f"{lake_period}-01-01"[: len("YYYY-MM-DD")])
    last = period_end(first, Grain.YEAR if is_year(lake_period) else Grain.MONTH)
    found, newest_sha256 = [], ""
    for entry in archive.legacy(site_id):
        period = _period(entry)
        if (
            entry.outcome != "data"
            or period not in history.REACH
            or (period == "year" and entry.sha256 == newest_sha256)
        ):
            continue
        newest_sha256 = entry.sha256 if period == "year" else newest_sha256
        asked = entry.requested_at.astimezone(UTC).date()
        if first - timedelta(days=1) <= asked <= last + history.REACH[period] + _WEEK:
            found.append(entry)
    return found


def _period(entry: IndexEntry) -> str:
    return entry.question.rpartition("=")[2]


def months_of(archive: RawArchive, site: Site) -> list[str]:
    """The months of a site that have rows, oldest first: requested, reported by `/history`, or of an imported history."""
    site_id = site.site_id
    months = {month for month in archive.months(site_id) if has_entries(archive, site_id, month)}
    earliest = f"{site.installed_on:%Y-%m}" if site.installed_on else ""
    for entry in archive.legacy(site_id):
        if entry.outcome == "data" and _period(entry) in history.REACH:
            day = entry.requested_at.astimezone(UTC).date() + timedelta(days=1)
            first = day - history.REACH[_period(entry)] - history.LONGEST_PERIOD
            while day >= first:
                months.add(f"{day:%Y-%m}")
                day = day.replace(day=1) - timedelta(days=1)
    found = {month for month in months if month >= earliest or has_entries(archive, site_id, month)}
    for entry in entries_of(archive, site_id, IMPORTS):
        if entry.window_start is not None and entry.window_end is not None:
            span = np.arange(np.datetime64(entry.window_start, "M"), np.datetime64(entry.window_end, "M") + 1)
            found.update(span.astype(str).tolist())
    return sorted(found)


def legacy_rows(
    tables: Mapping[str, pd.DataFrame], power: pd.DataFrame | None, period: str, site: Site, raw_ids: Collection[str]
) -> dict[str, pd.DataFrame]:
    """The rows of the shaped responses of `/history` that belong to a period: those that lie in it, and its quarantined rows.

    Args:
        tables: The shaped responses.
        power: Table `power` from calendar_history, which wins where both report the same time.
        period: The month, or the closed year.
        site: The site.
        raw_ids: The period's own responses: the rows of them that could not be used are quarantined in this period.
    """
    found = {
        name: frame[frame["raw_id"].isin(list(raw_ids))]
        if name == "quarantine"
        else history.of_period(frame, period, site)
        for name, frame in tables.items()
    }
    return found if power is None else found | {"power": history.without(found["power"], power)}


def own_rows(frame: pd.DataFrame, raw_ids: Collection[str], asked_at: Collection[datetime]) -> pd.DataFrame:
    """The rows of a shaped table from this period's own responses: by `raw_id`, or for revisions by when they were seen."""
    for column, own in (("_raw_id", raw_ids), ("raw_id", raw_ids), ("seen_at", asked_at)):
        if column in frame.columns:
            return frame[frame[column].isin(list(own))]
    return frame


def rows_by_month(
    tables: Mapping[str, pd.DataFrame], entries: Mapping[str, Sequence[IndexEntry]]
) -> dict[str, dict[str, pd.DataFrame]]:
    """The rows that the responses of each month reported, of the tables and columns that `transform.coverage.gaps` uses.

    Rows of `/history` belong to the month that they lie in.

    Args:
        tables: The shaped tables of all these months together.
        entries: Month → its index entries.
    """
    if len(entries) == 1:
        return {month: dict(tables) for month in entries}
    months = list(entries)
    number_of = {entry.raw_id: number for number, month in enumerate(months) for entry in entries[month]}
    legacy = {entry.raw_id for of_month in entries.values() for entry in of_month if entry.series == Series.HISTORY}
    of_windows = {raw_id: number for raw_id, number in number_of.items() if raw_id not in legacy}
    found: dict[str, dict[str, pd.DataFrame]] = {month: {} for month in months}
    for name, columns in COLUMNS_FOR_GAPS.items():
        frame = tables[name]
        if name == "quarantine":
            numbers = _looked_up(frame["raw_id"], number_of)
        else:
            numbers = _looked_up(frame["_raw_id"], of_windows)
            days = days_of(frame["local_date" if "local_date" in frame.columns else "period_start"])
            lies_in = (
                np.searchsorted(np.array(months, dtype="datetime64[M]"), days.astype("datetime64[M]"), side="right") - 1
            )
            numbers = np.where(numbers < 0, lies_in, numbers)
        rows = frame[list(columns)]
        for number, month in enumerate(months):
            found[month][name] = rows[numbers == number]
    return found


def _looked_up(keys: "pd.Series[str]", numbers: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """The number of each key, -1 where it has none."""
    at = pc.fill_null(pc.index_in(pa.array(keys, pa.string()), value_set=pa.array(numbers, pa.string())), -1)
    found = np.append(np.fromiter(numbers.values(), dtype=np.int64, count=len(numbers)), -1)
    return np.asarray(found[at.to_numpy()], dtype=np.int64)


def followed_by(archive: RawArchive, site_id: int, month: str) -> dict[str, date]:
    """Series that this month requested → first day of their next window after it, where there is one.

    The days between were never requested. A lifetime has no next window.
    """
    scope = {str(entry.series) for entry in entries_of(archive, site_id, month) if entry.window_start}
    found: dict[str, date] = {}
    for later in archive.months(site_id):
        if later > month and found.keys() < scope:
            starts: dict[str, date] = {}
            for entry in archive.entries(site_id, later):
                if entry.window_start is not None:
                    series = str(entry.series)
                    starts[series] = min(entry.window_start, starts.get(series, entry.window_start))
            found = {series: start for series, start in starts.items() if series in scope} | found
    return found
