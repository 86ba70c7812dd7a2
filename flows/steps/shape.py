"""The step after fetching: a site-month's raw answers become its lake files."""

import logging
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from extract.archive import Entry, RawAnswer
from extract.errors import CorruptSegment
from extract.series import Series
from flows.neighbours import entries_beside, followed_by, legacy_rows, own_rows
from flows.steps.partition import (
    MARKER,
    Shaped,
    SiteMonth,
    digest_of,
    facts,
    is_held,
    with_findings_of_periods,
    write,
)
from flows.workspace import Workspace
from transform import backup, charge, energy_intervals, energy_periods, history, live_status, power, soe
from transform.answer import Answer, Tables
from transform.frames import empty_frame
from transform.gaps import gaps
from transform.reconciliation import compare_tellings, in_unit_of
from transform.requests import requests_frame
from transform.sites import Site
from transform.units import in_watt_hours

log = logging.getLogger(__name__)


Shape = Callable[[Sequence[Answer], Site], Tables]

SHAPES: dict[str, Shape] = {
    Series.SNAPSHOT: live_status.shape,
    Series.POWER: power.shape,
    Series.SOE: soe.shape,
    Series.ENERGY_INTERVAL: energy_intervals.shape,
    Series.ENERGY_DAY: energy_periods.shape,
    Series.ENERGY_MONTH: energy_periods.shape,
    Series.ENERGY_YEAR: energy_periods.shape,
    "backup": backup.shape,
    "charge": charge.shape,
    Series.HISTORY: history.shape,
}
"""Which function makes frames of which series' answers; what has none is kept in raw alone."""

SHAPED_TABLES = (
    "live_status",
    "power",
    "state_of_energy",
    "energy_intervals",
    "energy_periods",
    "backup_events",
    "charge_sessions",
    "reconciliation",
    "gaps",
    "revisions",
    "quarantine",
    MARKER,
)
"""What shaping a site-month writes, in this order."""


def shape_month(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Turn a site-month's raw answers into its lake files, unless they were made of these very answers."""
    if workspace.interrupted_by is not None:
        return Shaped(0)
    entries = workspace.archive.entries(item.site.site_id, item.month)
    beside = entries_beside(workspace, item.site, item.month)
    following = followed_by(workspace, item.site.site_id, item.month)
    settle_hours = workspace.settings.settle_hours
    digest = digest_of([*entries, *beside], *facts(item.site), settle_hours, *sorted(following.items()))
    if is_held(workspace, MARKER, item, digest):
        return Shaped(0)
    tables = _shaped(workspace, item, entries, beside)
    _settle_units(workspace, item, tables)
    tables["gaps"] = gaps(entries, tables, item.site, followed_by=following)
    tables["requests"] = requests_frame(entries)
    return Shaped(sum(write(workspace, name, tables[name], item, digest) for name in SHAPED_TABLES))


def _settle_units(workspace: Workspace, item: SiteMonth, tables: dict[str, pd.DataFrame]) -> None:
    """Put energy into Wh, and keep what only shaping can find: units as they were told, and intervals that gave way."""
    told, power = tables["energy_intervals"], tables["power"]
    intervals, periods, units = in_watt_hours(told, tables["energy_periods"], power, item.site)
    beside = in_unit_of(tables.pop(energy_intervals.BESIDE), told, intervals)
    tellings = compare_tellings(beside, intervals, item.site, workspace.settings.settle_hours)
    found = pd.concat([units, _of_month(tellings, item.month)], ignore_index=True) if len(tellings) else units
    tables |= {"energy_intervals": intervals, "energy_periods": periods}
    tables["reconciliation"] = with_findings_of_periods(workspace, found, item)


def _of_month(findings: pd.DataFrame, month: str) -> pd.DataFrame:
    """Findings of a month's own days: a day of a fixed-offset site has rows in two months, and is told of in one (Q7)."""
    return findings[findings["period_start"].map("{:%Y-%m}".format) == month]


def _shaped(
    workspace: Workspace, item: SiteMonth, entries: list[Entry], beside: list[Entry]
) -> dict[str, pd.DataFrame]:
    """Every shaped table of a month, and the intervals that gave way, without rows where there are none."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (*SHAPED_TABLES, energy_intervals.BESIDE)}
    raw_ids, asked_at = {entry.raw_id for entry in entries}, {entry.requested_at for entry in entries}
    answers = answers_by_series(workspace, [*entries, *beside])
    tables = {series: SHAPES[series](of_series, item.site) for series, of_series in answers.items()}
    legacy = tables.pop(Series.HISTORY, None)
    for name, frame in ((name, frame) for of_series in tables.values() for name, frame in of_series.items()):
        own = own_rows(frame, raw_ids, asked_at) if beside else frame
        parts[name] += [own] if len(own) else []
    if legacy is not None:
        calendar = tables.get(Series.POWER, {}).get("power")
        for name, own in legacy_rows(legacy, calendar, item.month, item.site, raw_ids).items():
            parts[name] += [own] if len(own) else []
    table_of = {energy_intervals.BESIDE: "energy_intervals"}
    return {
        name: pd.concat(frames, ignore_index=True) if frames else empty_frame(table_of.get(name, name))
        for name, frames in parts.items()
    }


def answers_by_series(workspace: Workspace, entries: Iterable[Entry]) -> dict[Series, list[RawAnswer]]:
    """The answers to be shaped. Errors have nothing to shape; a snapshot's site_info makes `sites`, not a fact.

    An answer whose record is damaged is said and forgotten: the others are worth no less for it, and the next backfill asks
    for it again.
    """
    found: dict[Series, list[RawAnswer]] = {}
    for entry in entries:
        is_fact = entry.series != Series.SNAPSHOT or entry.path.endswith("/live_status")
        if entry.status == 200 and is_fact and entry.series in SHAPES:
            try:
                found.setdefault(Series(entry.series), []).append(workspace.archive.answer(entry))
            except CorruptSegment as error:
                log.warning("an answer is lost, the next backfill asks again: %s", error)
                workspace.archive.forget(entry)
    return found
