"""When the history of a site begins, and that of its battery: with the installation, unless there is energy from before (Q17).

The date of an installation may be wrong, or may have moved when a battery was added; days with energy exist, whatever it is.
The state of energy, which shows when a battery was added, may have begun later than its energy.
"""

from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from extract.archive.raw_archive import IndexEntry
from flows.tasks.partition import SitePartition
from flows.tasks.session import TransformSession
from transform.sites import Site
from transform.time import days_of
from warehouse.schema import FLOWS
from wattlog.local_days import first_instant
from wattlog.series import SERIES, intervals_of, is_of_days

_POWERS = ("solar_w", "battery_w", "grid_w", "generator_w")
_OF_BATTERY = ("battery_w", *(name for name in FLOWS if "battery" in name))


def site_of(session: TransformSession, item: SitePartition, entries: Iterable[IndexEntry]) -> Site:
    """The site of a partition, with what its rows show of an earlier installation, and of an earlier battery.

    Args:
        session: Holds the lake, in which the partition's intervals are shaped.
        item: The partition.
        entries: Its index entries.
    """
    site, entries = item.site, list(entries)
    requested = _days_requested(entries, ("data", "no_data"))
    first_day = min(_days_requested(entries, ("data",)), default=None)
    is_before_installation = first_day is not None and site.installed_on is not None and first_day < site.installed_on
    is_before_battery = first_day is not None and site.battery.since is not None and first_day < site.battery.since
    if not (is_before_installation or is_before_battery):
        return site
    names = {intervals_of(spec.name).table for spec in SERIES.values() if is_of_days(spec.name) and spec.day_sources}
    frames = [session.lake.read(name, site_id=site.site_id, periods=[item.period]) for name in sorted(names)]
    if is_before_installation:
        site = installed_by(site, first_instant_with_energy(frames, site, requested))
    days = [day for frame in frames for day in _days_with_energy(frame, _OF_BATTERY)]
    return with_battery_by(site, min(days, default=None))


def _days_requested(entries: Iterable[IndexEntry], outcomes: Container[str]) -> set[date]:
    """Days whose windows had one of some outcomes."""
    return {
        entry.window_start
        for entry in entries
        if is_of_days(entry.series) and entry.outcome in outcomes and entry.window_start is not None
    }


def first_instant_with_energy(
    frames: Iterable[pd.DataFrame], site: Site, requested: Container[date]
) -> datetime | None:
    """When a site was installed at the latest, by its rows: at the first row of the first day with energy.

    That holds only if the day before was requested, too, and has no energy. Otherwise the first rows may be missing like any
    others, so the site may have been there at the beginning of the day.

    Args:
        frames: Tables of intervals.
        site: The site.
        requested: Days whose windows were answered.
    """
    found = []
    for frame in frames:
        day = min(_days_with_energy(frame, (*FLOWS, *_POWERS)), default=None)
        if day is not None:
            begins = frame.loc[(frame["local_date"] == day).to_numpy(dtype=bool), "interval_start"].min()
            found.append((day, begins.to_pydatetime().astimezone(UTC)))
    if not found:
        return None
    first_day = min(found)[0]
    begins = min(instant for day, instant in found if day == first_day)
    return begins if first_day - timedelta(days=1) in requested else first_instant(first_day, site.zone)


def _days_with_energy(frame: pd.DataFrame, names: Iterable[str]) -> list[date]:
    measures = [name for name in names if name in frame.columns]
    has_energy = (frame[measures].fillna(0.0) != 0.0).any(axis=1).to_numpy(dtype=bool)
    found: list[date] = np.unique(days_of(frame["local_date"])[has_energy]).tolist()
    return found


def installed_by(site: Site, instant: datetime | None) -> Site:
    """The site, installed at an instant if its installation is on a later day; None changes nothing."""
    if instant is None or site.installed_on is None or site.installed_on <= instant.astimezone(site.zone).date():
        return site
    return replace(site, installed_at=instant)


def with_battery_by(site: Site, day: date | None) -> Site:
    """The site, with its battery since a day if that came later; None changes nothing."""
    if day is None or site.battery.since is None or site.battery.since <= day:
        return site
    return replace(site, battery=replace(site.battery, since=day))


def has_energy(daily: pd.DataFrame) -> np.ndarray:
    """Which days have energy."""
    return np.asarray((daily[list(FLOWS)].fillna(0.0) != 0.0).any(axis=1).to_numpy(dtype=bool))
