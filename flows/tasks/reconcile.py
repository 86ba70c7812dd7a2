"""The last steps that make the lake: the differences between a site's sources, first of days, then of months, years, lifetime.

The days of a partition are reconciled with its files and those of the months around it. Months and years need the whole site:
their units follow from the days that they are the sum of. Their differences are stored in the file of the partition in which
they begin, those of the lifetime in its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from extract.windows import ONE_DAY
from flows.tasks.estimate import sources_of
from flows.tasks.installation import installed_by, with_battery_by
from flows.tasks.partition import (
    Shaped,
    SitePartition,
    SiteYear,
    digest_of,
    is_stored,
    periods_of_days,
    with_period_differences,
    write,
)
from flows.tasks.session import TransformSession
from flows.tasks.shape import shaped_by_series
from transform.frames import empty_frame
from transform.reconciliation import (
    DAYS_FOR_PERIODS,
    DayEvidence,
    PeriodEvidence,
    reconcile_days,
    reconcile_periods,
)
from transform.sites import Site
from transform.time import days_of
from transform.units import rollups_in_watt_hours
from warehouse.lake.conform import conform
from warehouse.lake.frames import to_frame
from warehouse.lake.parquet_file import read_rows
from warehouse.schema import ENERGY_PERIODS, FLOWS, TABLES
from wattlog.causes import Cause, Check, Granularity
from wattlog.lake_periods import IMPORTS, LIFETIME, within
from wattlog.local_days import first_instant
from wattlog.series import SERIES

TABLE = "reconciliation"
PERIODS = "energy_periods"

OF_DAYS: Final = {"granularity": [Granularity.DAY.value]}
OF_PERIODS: Final = {"granularity": [value.value for value in Granularity if value is not Granularity.DAY]}

IN_WH: Final = " in Wh"
"""End of the digest of a file whose roll-ups were converted to Wh; so this is known whatever happens to the differences."""

UNUSED_COLUMNS = ("_raw_id", "_run_id", "payload", "is_partial", "coverage_pct", "grid_services_w")
"""Columns that no check compares."""


@dataclass(frozen=True, slots=True)
class _Stale:
    """A partition whose differences were made from something else than what is stored now."""

    partition: SitePartition
    digest: str


def reconcile_year(session: TransformSession, item: SiteYear) -> Shaped:
    """Write the differences between the sources of each day of a year's partitions, for those with new rows.

    Partitions are compared together, since that takes little longer than one of them. Rows about another unit and about
    superseded intervals are kept: they come from shaping, the only step that reads the reported values.
    """
    stale = [] if session.stop.is_interrupted() else list(_stale(session, item))
    if not stale:
        return Shaped(0)
    first, last = stale[0].partition.period, stale[-1].partition.period
    rows = reconcile_days(_evidence(session, [part for part in item.partitions if first <= part.period <= last]))
    days = days_of(rows["period_start"])
    written = 0
    for found in stale:
        of_partition = with_period_differences(
            session.lake, rows[within(days, found.partition.period)], found.partition
        )
        written += write(session.lake, TABLE, of_partition, found.partition, found.digest)
    return Shaped(written)


def _stale(session: TransformSession, item: SiteYear) -> Iterator[_Stale]:
    for partition in item.partitions:
        sources = sources_of(session, partition)
        if sources is not None:
            digests = [digest_of((), made_of, TABLE) for made_of in (sources.digest, sources.digest_with_losses)]
            if not any(is_stored(session.lake, TABLE, partition, digest) for digest in dict.fromkeys(digests)):
                yield _Stale(partition, digests[-1])


def _evidence(session: TransformSession, partitions: Sequence[SitePartition]) -> DayEvidence:
    """All that the lake holds about the days of some partitions of a site."""
    site = partitions[0].site
    sources = [found for partition in partitions if (found := sources_of(session, partition)) is not None]
    periods = [partition.period for partition in partitions]
    around = sorted({period for found in sources for period in found.periods})
    first_day = min(found.first_day for found in sources)

    def stored(name: str, reaching: date | None = None) -> pd.DataFrame:
        return session.lake.read(name, site_id=site.site_id, periods=around, without=UNUSED_COLUMNS, reaching=reaching)

    differences = session.lake.read(TABLE, site_id=site.site_id, periods=periods)
    imports = [IMPORTS] if any(found.imported for found in sources) else []

    def imported(name: str) -> pd.DataFrame:
        return session.lake.read(
            name, site_id=site.site_id, periods=imports, without=("_raw_id", "_run_id"), reaching=first_day - ONE_DAY
        )

    return DayEvidence(
        intervals=stored("energy_intervals", first_day),
        periods=stored(PERIODS),
        power=stored("power", first_day),
        daily=session.lake.read("daily", site_id=site.site_id, periods=periods, without=UNUSED_COLUMNS),
        gaps=stored("gaps"),
        revisions=stored("revisions"),
        requests=stored("requests"),
        shaped=differences[_is_of_shaping(differences)],
        site=_earliest(site, [found.site for found in sources]),
        first_day=first_day,
        last_day=max(found.last_day for found in sources),
        now={month: instant for found in sources for month, instant in found.asked_at.items()},
        settle_hours=session.settle_hours,
        import_days=imported("import_days"),
        import_intervals=imported("import_intervals"),
    )


def _earliest(site: Site, found: Sequence[Site]) -> Site:
    """The site, with the earliest installation and the earliest battery that its partitions show."""
    installed = [other.installed_at for other in found if other.installed_at is not None]
    since = [other.battery.since for other in found if other.battery.since is not None]
    return with_battery_by(installed_by(site, min(installed, default=None)), min(since, default=None))


def _is_of_shaping(differences: pd.DataFrame) -> "pd.Series[bool]":
    """The rows that shaping wrote: units of days against power and intervals, and superseded intervals."""
    is_reported = (differences["cause"] == Cause.UNIT_MISMATCH) & (differences["granularity"] == "day")
    is_unit = is_reported & differences["check_name"].isin(("power_vs_energy", "interval_vs_day"))
    return (is_unit | (differences["check_name"] == Check.INTERVAL_VS_INTERVAL.value)).astype("bool")


def reconcile_site(session: TransformSession, site: Site) -> Shaped:
    """Write the differences between a site's months, years and lifetime and the sums of its days.

    They are made again each time, since they depend on every day; a file is written only where that changes it.
    Differences of days that agree are not read: they are most rows, and no period depends on them.
    """
    newest = session.archive.newest_request(site.site_id)
    if session.stop.is_interrupted() or newest is None:
        return Shaped(0)
    lake = session.lake
    daily = lake.read("daily", site_id=site.site_id, without=UNUSED_COLUMNS)
    rollups = lake.read(PERIODS, site_id=site.site_id, where=OF_PERIODS)
    days = days_of(daily["local_date"])
    has_battery = (daily[[name for name in FLOWS if "battery" in name]] > 0.0).any(axis=1).to_numpy(dtype=bool)
    site = installed_by(site, first_instant(min(days.tolist()), site.zone) if len(days) else None)
    site = with_battery_by(site, min(days[has_battery].tolist(), default=None))
    is_scaled = any(
        (lake.digest_of(PERIODS, part.site_id, part.period) or "").endswith(IN_WH)
        for part in lake.partitions(PERIODS, site_id=site.site_id)
    )
    scaled, units = _in_watt_hours(session, site, rollups, daily, is_scaled=is_scaled)
    rows = reconcile_periods(
        PeriodEvidence(
            daily=daily,
            periods=scaled,
            days=lake.read(TABLE, site_id=site.site_id, where={**OF_DAYS, **DAYS_FOR_PERIODS}),
            units=units,
            site=site,
            now=newest,
            settle_hours=session.settle_hours,
            import_days=lake.read("import_days", site_id=site.site_id, periods=[IMPORTS]),
        )
    )
    written = _write_periods(session, site, scaled) if is_scaled or len(units) else 0
    return Shaped(written + _write_differences(session, site, rows))


def _in_watt_hours(
    session: TransformSession, site: Site, rollups: pd.DataFrame, daily: pd.DataFrame, *, is_scaled: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A site's roll-ups in Wh, and the differences about their units.

    An earlier run may have scaled the stored values. Only the responses have the reported values, and they are read again
    only where there is something to scale.
    """
    in_wh, units = rollups_in_watt_hours(rollups, daily, site)
    if is_scaled or len(units):
        in_wh, units = rollups_in_watt_hours(_reported(session, site), daily, site)
    return in_wh, units


def _reported(session: TransformSession, site: Site) -> pd.DataFrame:
    """The roll-ups of a site as the API reported them."""
    entries = [entry for entry in session.archive.entries(site.site_id) if SERIES[entry.series].is_rollup]
    shaped = shaped_by_series(session.archive, entries, site)
    frames = [tables.get(PERIODS, empty_frame(PERIODS)) for tables in shaped.values()]
    reported = pd.concat(frames, ignore_index=True) if frames else empty_frame(PERIODS)
    is_rollup = (reported["granularity"] != Granularity.DAY.value).to_numpy(dtype=bool)
    return reported[is_rollup].reset_index(drop=True)


def _write_periods(session: TransformSession, site: Site, in_wh: pd.DataFrame) -> int:
    """Write the values in Wh over those of the same periods in the lake."""
    written, keys = 0, list(ENERGY_PERIODS.primary_key)
    index = pd.MultiIndex.from_frame(in_wh[keys])
    values = in_wh[list(FLOWS)].to_numpy(dtype="float64")
    for part in session.lake.partitions(PERIODS, site_id=site.site_id):
        stored = session.lake.read_partition(part, PERIODS)
        at = index.get_indexer(pd.MultiIndex.from_frame(stored[keys]))
        old = stored[list(FLOWS)].to_numpy(dtype="float64")
        merged = np.where(at[:, None] >= 0, values[at], old)
        new = stored.assign(**{name: merged[:, position] for position, name in enumerate(FLOWS)})
        if not session.lake.has_exactly(part, PERIODS, new):
            digest = made_from(session.lake.digest_of(PERIODS, part.site_id, part.period) or "")
            found = session.lake.write(PERIODS, new, site_id=part.site_id, period=part.period, digest=digest + IN_WH)
            written += found.rows
    return written


def made_from(digest: str) -> str:
    """The digest of what a file was made from, without the mark that its roll-ups were converted to Wh."""
    return digest.removesuffix(IN_WH)


def _write_differences(session: TransformSession, site: Site, rows: pd.DataFrame) -> int:
    """Write each difference to the file of the partition in which its period begins, those of the lifetime apart.

    Only files whose differences of periods have changed are written, with the differences of days that they have.
    """
    lake, content = session.lake, conform(rows, TABLE)  # all at once: the rows of one file are few
    rows = to_frame(content, TABLES[TABLE])
    days, is_lifetime = days_of(rows["period_start"]), (rows["granularity"] == "lifetime").to_numpy(dtype=bool)
    periods = periods_of_days(session.archive, site, session.settle_hours, days[~is_lifetime])
    periods |= {LIFETIME} if is_lifetime.any() else set()
    stored = {part.period: part for part in lake.partitions(TABLE, site_id=site.site_id) if part.period is not None}
    written = 0
    for period in sorted(periods.union(stored)):
        is_own = is_lifetime if period == LIFETIME else within(days, period) & ~is_lifetime
        part = stored.get(period)
        if part is not None and content.filter(is_own).equals(read_rows(part.path, TABLES[TABLE], where=OF_PERIODS)):
            continue
        new = rows[is_own]
        if part is not None:
            new = pd.concat([lake.read_partition(part, TABLE, where=OF_DAYS), new], ignore_index=True)
        written += _replace(session, TABLE, site.site_id, period, new)
    return written


def _replace(session: TransformSession, table: str, site_id: int | None, period: str | None, rows: pd.DataFrame) -> int:
    """Write a file unless it holds exactly that. It keeps its digest: its days are made from the same responses."""
    written = session.lake.amend(table, rows, site_id=site_id, period=period, digest="of the whole site")
    return 0 if written is None else written.rows
