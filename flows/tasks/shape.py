"""The step after fetching: the responses of a partition become its lake files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

import pandas as pd

from extract.archive.raw_archive import IndexEntry, RawArchive
from flows.adjacent_months import adjacent_entries, followed_by, legacy_rows, own_rows, rows_by_month
from flows.tasks.lazy_records import LazyRecord
from flows.tasks.partition import (
    MARKER,
    Shaped,
    SitePartition,
    digest_of,
    facts,
    losses_among,
    with_period_differences,
    write,
)
from flows.tasks.session import TransformSession
from transform.coverage import gaps
from transform.frames import empty_frame
from transform.intervals import SUPERSEDED
from transform.reconciliation import compare_interval_variants, in_unit_of
from transform.requests import requests_frame
from transform.responses import Tables
from transform.shapers import SHAPERS
from transform.sites import Site
from transform.time import days_of
from transform.units import in_watt_hours
from warehouse.lake.lake import Lake
from warehouse.lake.repeated_keys import drop_repeated
from wattlog.commands.intent import is_intent
from wattlog.gap_causes import GapCause
from wattlog.lake_periods import is_without_days, within
from wattlog.series import SERIES, is_old_history
from wattlog.series_spec import Series

DIFFERENCES: Final = "reconciliation"


def shaped_tables() -> tuple[str, ...]:
    """The tables that shaping a partition writes, in this order."""
    of_series = (table for spec in SERIES.values() if spec.name in SHAPERS for table in spec.tables)
    return (*dict.fromkeys(of_series), DIFFERENCES, "gaps", "revisions", "quarantine", MARKER)


def tables_of_one_digest() -> tuple[str, ...]:
    """The tables whose files have the marker's digest: other steps write differences, too."""
    return tuple(name for name in shaped_tables() if name != DIFFERENCES)


def _stored(lake: Lake, item: SitePartition) -> list[tuple[str, ...]]:
    """The tables of which shaping may have had rows, by the files that are there, beside the marker.

    They are a part of the marker's digest, so that a file that was deleted is made again. A file of differences that is there
    may have those of other steps alone.
    """
    found = _beside_marker(name for name in shaped_tables() if lake.path(name, item.site.site_id, item.period).exists())
    return [found, tuple(name for name in found if name != DIFFERENCES)]


def _beside_marker(names: Iterable[str]) -> tuple[str, ...]:
    chosen = frozenset(names)
    return tuple(name for name in shaped_tables() if name != MARKER and name in chosen)


def shape_partition(session: TransformSession, item: SitePartition) -> Shaped:
    """Turn the responses of a partition into its lake files, unless they were made from these very responses."""
    if session.stop.is_interrupted():
        return Shaped(0)
    archive = session.archive
    entries = item.entries(archive)
    adjacent = adjacent_entries(archive, item.site, item.period)
    following = {month: followed_by(archive, item.site.site_id, month) for month in item.months}
    known = (*facts(item.site), session.settle_hours, *(sorted(of_month.items()) for of_month in following.values()))
    read = [*entries, *adjacent]
    lost_before = losses_among(archive, read)
    digests = {
        digest_of(read, *known, stored, *lost) for stored in _stored(session.lake, item) for lost in ((), lost_before)
    }
    if session.lake.digest_of(MARKER, item.site.site_id, item.period) in digests:
        return Shaped(0)
    tables = _shaped(archive, item, entries, adjacent)
    _normalise_units(session, item, tables)
    tables["gaps"] = _gaps(archive, item, tables, following)
    tables["requests"] = requests_frame(entry for entry in entries if not is_intent(entry.path))
    if is_without_days(item.period):
        del tables[DIFFERENCES]  # it has no days: all its differences are made from the whole site
    with_rows = _beside_marker(name for name, frame in tables.items() if len(frame))
    digest = digest_of(read, *known, with_rows, *losses_among(archive, read))
    session.lake.discard_superseded(MARKER, item.site.site_id, item.period)  # before the files that they prove complete
    if DIFFERENCES in tables:
        tables[DIFFERENCES] = with_period_differences(session.lake, tables[DIFFERENCES], item)
    rows = sum(write(session.lake, name, tables[name], item, digest) for name in shaped_tables() if name in tables)
    return Shaped(rows, archive.lost(read))


def _gaps(
    archive: RawArchive,
    item: SitePartition,
    tables: Mapping[str, pd.DataFrame],
    following: Mapping[str, Mapping[str, date]],
) -> pd.DataFrame:
    """The gaps of each month, by the rows of its own responses alone: no gap reaches from one month into the next."""
    entries = item.entries_by_month(archive)
    found = [
        gaps(_without_lost(archive, entries[month]), rows, item.site, followed_by=following.get(month, {}))
        for month, rows in rows_by_month(tables, entries).items()
    ]
    filled = [frame for frame in found if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame("gaps")


def _without_lost(archive: RawArchive, entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """The entries, with windows whose responses are lost marked as not fetched."""
    is_lost = archive.is_lost
    return [replace(entry, outcome=GapCause.NOT_FETCHED.value) if is_lost(entry) else entry for entry in entries]


def _normalise_units(session: TransformSession, item: SitePartition, tables: dict[str, pd.DataFrame]) -> None:
    """Convert energy to Wh, and keep what only this step can find: reported units, and superseded intervals."""
    reported, power = tables["energy_intervals"], tables["power"]
    intervals, periods, units = in_watt_hours(reported, tables["energy_periods"], power, item.site)
    superseded = in_unit_of(tables.pop(SUPERSEDED), reported, intervals)
    variants = compare_interval_variants(superseded, intervals, item.site, session.settle_hours)
    found = pd.concat([units, _own_days(variants, item)], ignore_index=True) if len(variants) else units
    tables |= {"energy_intervals": intervals, "energy_periods": periods}
    tables[DIFFERENCES] = found


def _own_days(differences: pd.DataFrame, item: SitePartition) -> pd.DataFrame:
    """Differences of a partition's own days: a day of a fixed-offset site has rows in two months, and belongs to one (Q7)."""
    return differences[within(days_of(differences["period_start"]), item.period)]


def _shaped(
    archive: RawArchive, item: SitePartition, entries: list[IndexEntry], adjacent: list[IndexEntry]
) -> dict[str, pd.DataFrame]:
    """Every shaped table of a partition and its superseded intervals, empty where there are no rows."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (*shaped_tables(), SUPERSEDED)}
    raw_ids, asked_at = {entry.raw_id for entry in entries}, {entry.requested_at for entry in entries}
    tables = shaped_by_series(archive, [*entries, *adjacent], item.site)
    legacy = tables.pop(Series.HISTORY, None)
    for name, frame in ((name, frame) for of_series in tables.values() for name, frame in of_series.items()):
        own = own_rows(frame, raw_ids, asked_at) if adjacent else frame
        parts[name] += [own] if len(own) else []
    if legacy is not None:
        calendar = tables.get(Series.POWER, {}).get("power")
        for name, own in legacy_rows(legacy, calendar, item.period, item.site, raw_ids).items():
            parts[name] += [own] if len(own) else []
    table_of = {SUPERSEDED: "energy_intervals"}
    return {
        name: _joined(frames) if frames else empty_frame(table_of.get(name, name)) for name, frames in parts.items()
    }


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """All rows of some frames; a single one, which is usual, is not copied."""
    return frames[0].reset_index(drop=True) if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def drop_repeated_keys(session: TransformSession, site: Site) -> Shaped:
    """Leave each key of a site's tables in one file: partitions are shaped one by one, and two may report the same row.

    Nothing is shaped again for it. Dropped rows count as written, since their files were.
    """
    if session.stop.is_interrupted():
        return Shaped(0)
    warehouse = session.context.directory.warehouse
    published_ns = warehouse.stat().st_mtime_ns if warehouse.exists() else None
    return Shaped(
        sum(drop_repeated(session.lake, name, site.site_id, published_ns=published_ns) for name in shaped_tables())
    )


def shaped_by_series(archive: RawArchive, entries: Iterable[IndexEntry], site: Site) -> dict[str, Tables]:
    """The tables of each series: no errors but those to commands, and no site_info, which makes table `sites`.

    One series after the other, so that the bodies of one alone are in memory: those of a year take as much as its tables.
    A response whose record is lost is logged and left out. Imported histories may be larger than the memory: their shaper reads
    one record after the other.
    """
    scope: dict[str, list[IndexEntry]] = {}
    for entry in entries:
        if _is_fact(entry) and entry.series in SHAPERS:
            scope.setdefault(entry.series, []).append(entry)
    found = {}
    for series, of_series in scope.items():
        is_read_later = is_old_history(series)
        responses = (
            [LazyRecord(archive, entry) for entry in of_series] if is_read_later else list(archive.load_all(of_series))
        )
        if responses:
            found[series] = SHAPERS[series](responses, site)
    return found


def _is_fact(entry: IndexEntry) -> bool:
    """Whether an entry is a measurement, not a description of the site, or belongs to a command."""
    if entry.series == Series.COMMAND:
        return True
    return entry.status == 200 and (entry.series != Series.SNAPSHOT or entry.path.endswith("/live_status"))
