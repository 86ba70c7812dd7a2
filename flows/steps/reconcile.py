"""The last steps right of raw: where a site's sources contradict one another, day by day, then by month, year and lifetime.

The days of a site-month are reconciled with that month's files alone. Months and years need the whole site: their units are
settled by the days that they are the sum of, and their findings stand in the file of the month in which the period begins.
"""

import numpy as np
import pandas as pd

from extract.series import Series
from flows.steps.estimate import sources_of
from flows.steps.partition import Shaped, SiteMonth, digest_of, is_held, with_findings_of_periods
from flows.steps.shape import SHAPES, answers_by_series
from flows.workspace import Workspace
from transform.frames import empty_frame
from transform.reconciliation import DayEvidence, PeriodEvidence, reconcile_days, reconcile_periods
from transform.rollup_units import rollups_in_watt_hours
from transform.sites import Site
from warehouse.schema import ENERGY_PERIODS, FLOWS, RECONCILIATION

TABLE = "reconciliation"
PERIODS = "energy_periods"

ROLLUPS = frozenset({Series.ENERGY_MONTH, Series.ENERGY_YEAR, Series.HISTORY})
"""Series whose rows are sums of days that stand in other months' files."""

UNIT_MISMATCH = "unit_mismatch"


def reconcile_month(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Write what the sources of each day of a site-month say of one another.

    Rows about another unit come from shaping, which alone has seen the values as they were told; they are kept.
    """
    found = None if workspace.interrupted_by is not None else sources_of(workspace, item)
    if found is None:
        return Shaped(0)
    digest = digest_of((), found.digest, TABLE)
    if is_held(workspace, TABLE, item, digest):
        return Shaped(0)
    lake, site_id = workspace.lake, item.site.site_id

    def held(name: str) -> pd.DataFrame:
        return lake.read(name, site_id=site_id, months=found.months)

    before = lake.read(TABLE, site_id=site_id, months=[item.month])
    rows = reconcile_days(
        DayEvidence(
            intervals=held("energy_intervals"),
            periods=held(PERIODS),
            power=held("power"),
            daily=lake.read("daily", site_id=site_id, months=[item.month]),
            gaps=held("gaps"),
            revisions=held("revisions"),
            requests=held("requests"),
            units=before[(before["cause"] == UNIT_MISMATCH) & (before["granularity"] == "day")],
            site=item.site,
            first_day=found.first_day,
            last_day=found.last_day,
            now=found.asked_at,
            settle_hours=workspace.settings.settle_hours,
        )
    )
    rows = with_findings_of_periods(workspace, rows, item)
    return Shaped(lake.write(TABLE, rows, site_id=site_id, month=item.month, digest=digest).rows)


def reconcile_site(workspace: Workspace, site: Site) -> Shaped:
    """Write what a site's months, years and lifetime say beside the sums of its days.

    Made anew each time, since every day counts; a file is written when that changes it.
    """
    entries = workspace.archive.entries(site.site_id)
    if workspace.interrupted_by is not None or not entries:
        return Shaped(0)
    lake = workspace.lake
    found = lake.read(TABLE, site_id=site.site_id)
    daily = lake.read("daily", site_id=site.site_id)
    periods = lake.read(PERIODS, site_id=site.site_id)
    days = found[found["granularity"] == "day"].reset_index(drop=True)
    is_scaled = bool(((found["cause"] == UNIT_MISMATCH) & (found["granularity"] != "day")).any())
    scaled, units = _in_watt_hours(workspace, site, periods, daily, is_scaled=is_scaled)
    rows = reconcile_periods(
        PeriodEvidence(
            daily=daily,
            periods=scaled,
            days=days,
            units=units,
            site=site,
            now=max(entry.requested_at for entry in entries),
            settle_hours=workspace.settings.settle_hours,
        )
    )
    written = _write_periods(workspace, site, scaled) if is_scaled or len(units) else 0
    return Shaped(written + _write_findings(workspace, site, pd.concat([days, rows], ignore_index=True)))


def _in_watt_hours(
    workspace: Workspace, site: Site, periods: pd.DataFrame, daily: pd.DataFrame, *, is_scaled: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A site's periods with its roll-ups in Wh, and what was found out about their units.

    What the lake holds may have been scaled by an earlier run. Only the answers say what was told, and only where there is
    something to scale is it worth reading them again.
    """
    is_rollup = _is_rollup(periods)
    told, others = periods[is_rollup], periods[~is_rollup]
    settled, units = rollups_in_watt_hours(told, daily, site)
    if is_scaled or len(units):
        settled, units = rollups_in_watt_hours(_told(workspace, site), daily, site)
    return pd.concat([others, settled], ignore_index=True), units


def _is_rollup(periods: pd.DataFrame) -> "pd.Series[bool]":
    return (periods["granularity"] != "day").astype("bool")


def _told(workspace: Workspace, site: Site) -> pd.DataFrame:
    """The roll-ups of a site as the API told them."""
    entries = [entry for entry in workspace.archive.entries(site.site_id) if entry.series in ROLLUPS]
    frames = [
        SHAPES[series](answers, site).get(PERIODS, empty_frame(PERIODS))
        for series, answers in answers_by_series(workspace, entries).items()
    ]
    told = pd.concat(frames, ignore_index=True) if frames else empty_frame(PERIODS)
    return told[_is_rollup(told)].reset_index(drop=True)


def _write_periods(workspace: Workspace, site: Site, settled: pd.DataFrame) -> int:
    """Put the values in Wh where the lake holds the same periods."""
    written, keys = 0, list(ENERGY_PERIODS.primary_key)
    index = pd.MultiIndex.from_frame(settled[keys])
    values = settled[list(FLOWS)].to_numpy(dtype="float64")
    for part in workspace.lake.partitions(PERIODS):
        if part.site_id == site.site_id and part.month is not None:
            held = workspace.lake.read_partition(part, PERIODS)
            at = index.get_indexer(pd.MultiIndex.from_frame(held[keys]))
            old = held[list(FLOWS)].to_numpy(dtype="float64")
            wanted = np.where(at[:, None] >= 0, values[at], old)
            new = held.assign(**{name: wanted[:, position] for position, name in enumerate(FLOWS)})
            written += _replace(workspace, PERIODS, site, part.month, held, new)
    return written


def _write_findings(workspace: Workspace, site: Site, rows: pd.DataFrame) -> int:
    """Each finding in the file of the month in which its period begins."""
    held = {part.month: part for part in workspace.lake.partitions(TABLE) if part.site_id == site.site_id}
    of_month = dict(iter(rows.groupby(rows["period_start"].map("{:%Y-%m}".format)))) if len(rows) else {}
    written = 0
    for month in sorted({*of_month, *(each for each in held if each is not None)}):
        new = of_month.get(month, empty_frame(TABLE))
        old = workspace.lake.read_partition(held[month], TABLE) if month in held else empty_frame(TABLE)
        written += _replace(workspace, TABLE, site, month, old, new)
    return written


def _replace(workspace: Workspace, table: str, site: Site, month: str, old: pd.DataFrame, new: pd.DataFrame) -> int:
    """Write a file unless it holds just that. It keeps its digest: what its days are made of is the same."""
    keys = list((ENERGY_PERIODS if table == PERIODS else RECONCILIATION).primary_key)
    new = new.sort_values(keys, ignore_index=True)
    if new.equals(old.sort_values(keys, ignore_index=True)):
        return 0
    digest = workspace.lake.digest_of(table, site.site_id, month) or "of the whole site"
    return workspace.lake.write(table, new, site_id=site.site_id, month=month, digest=digest).rows
