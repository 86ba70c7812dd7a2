"""The last steps right of raw: where a site's sources contradict one another, day by day, then by month, year and lifetime.

The days of a site-month are reconciled with that month's files alone. Months and years need the whole site: their units are
settled by the days that they are the sum of, and their findings stand in the file of the month in which the period begins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from extract.series import Series
from flows.steps.estimate import Sources, sources_of
from flows.steps.partition import Shaped, SiteMonth, SiteMonths, digest_of, is_held, with_findings_of_periods
from flows.steps.shape import SHAPES, answers_by_series
from flows.workspace import Workspace
from transform.frames import empty_frame
from transform.reconciliation import Check, DayEvidence, PeriodEvidence, reconcile_days, reconcile_periods
from transform.rollup_units import rollups_in_watt_hours
from transform.sites import Site
from transform.time import days_of
from warehouse.schema import ENERGY_PERIODS, FLOWS

TABLE = "reconciliation"
PERIODS = "energy_periods"

ROLLUPS = frozenset({Series.ENERGY_MONTH, Series.ENERGY_YEAR, Series.HISTORY})
"""Series whose rows are sums of days that stand in other months' files."""

UNIT_MISMATCH = "unit_mismatch"


NOT_LOOKED_AT = ("_raw_id", "_run_id", "payload", "is_partial", "coverage_pct", "grid_services_w")
"""Columns that no check compares."""


@dataclass(frozen=True, slots=True)
class _Stale:
    """A month whose findings were made of something else than what is held now."""

    month: str
    sources: Sources
    digest: str


def reconcile_year(workspace: Workspace, item: SiteMonths) -> Shaped:
    """Write what the sources of each day of some months say of one another, for months of which anything is new.

    Months are judged together, since that takes little longer than one of them. Rows about another unit, and about intervals
    that gave way, come from shaping, which alone has seen the values as they were told; they are kept.
    """
    stale = [] if workspace.interrupted_by is not None else list(_stale(workspace, item))
    if not stale:
        return Shaped(0)
    months = [each.month for each in stale]
    together = [month for month in item.months if months[0] <= month <= months[-1]]
    rows = reconcile_days(_evidence(workspace, item.site, together))
    of_month = days_of(rows["period_start"]).astype("datetime64[M]").astype(str)
    written = 0
    for each in stale:
        partition = SiteMonth(item.site, each.month)
        found = with_findings_of_periods(workspace, rows[of_month == each.month], partition)
        lake, site_id = workspace.lake, item.site.site_id
        written += lake.write(TABLE, found, site_id=site_id, month=each.month, digest=each.digest).rows
    return Shaped(written)


def _stale(workspace: Workspace, item: SiteMonths) -> Iterator[_Stale]:
    for month in item.months:
        partition = SiteMonth(item.site, month)
        sources = sources_of(workspace, partition)
        if sources is not None:
            digest = digest_of((), sources.digest, TABLE)
            if not is_held(workspace, TABLE, partition, digest):
                yield _Stale(month, sources, digest)


def _evidence(workspace: Workspace, site: Site, months: Sequence[str]) -> DayEvidence:
    """All that the lake holds about the days of some months."""
    told = {month: sources_of(workspace, SiteMonth(site, month)) for month in months}
    sources = {month: each for month, each in told.items() if each is not None}
    read = sorted({month for each in sources.values() for month in each.months})

    def held(name: str) -> pd.DataFrame:
        return workspace.lake.read(name, site_id=site.site_id, months=read, without=NOT_LOOKED_AT)

    findings = workspace.lake.read(TABLE, site_id=site.site_id, months=months)
    return DayEvidence(
        intervals=held("energy_intervals"),
        periods=held(PERIODS),
        power=held("power"),
        daily=workspace.lake.read("daily", site_id=site.site_id, months=months, without=NOT_LOOKED_AT),
        gaps=held("gaps"),
        revisions=held("revisions"),
        requests=held("requests"),
        shaped=findings[_is_of_shaping(findings)],
        site=site,
        first_day=min(each.first_day for each in sources.values()),
        last_day=max(each.last_day for each in sources.values()),
        now=max(each.asked_at for each in sources.values()),
        settle_hours=workspace.settings.settle_hours,
        asked_at={month: each.asked_at for month, each in sources.items()},
    )


def _is_of_shaping(findings: pd.DataFrame) -> "pd.Series[bool]":
    """The rows that shaping wrote: it measures the units of days by their power, or by their intervals, and compares intervals
    that gave way."""
    is_told = (findings["cause"] == UNIT_MISMATCH) & (findings["granularity"] == "day")
    is_unit = is_told & findings["check_name"].isin(("power_vs_energy", "interval_vs_day"))
    return (is_unit | (findings["check_name"] == Check.INTERVAL_VS_INTERVAL.value)).astype("bool")


def reconcile_site(workspace: Workspace, site: Site) -> Shaped:
    """Write what a site's months, years and lifetime say beside the sums of its days.

    Made anew each time, since every day counts; a file is written when that changes it.
    """
    entries = workspace.archive.entries(site.site_id)
    if workspace.interrupted_by is not None or not entries:
        return Shaped(0)
    lake = workspace.lake
    found = lake.read(TABLE, site_id=site.site_id)
    daily = lake.read("daily", site_id=site.site_id, without=NOT_LOOKED_AT)
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
    for part in workspace.lake.partitions(PERIODS, site_id=site.site_id):
        held = workspace.lake.read_partition(part, PERIODS)
        at = index.get_indexer(pd.MultiIndex.from_frame(held[keys]))
        old = held[list(FLOWS)].to_numpy(dtype="float64")
        wanted = np.where(at[:, None] >= 0, values[at], old)
        new = held.assign(**{name: wanted[:, position] for position, name in enumerate(FLOWS)})
        written += _replace(workspace, PERIODS, part.site_id, part.month, new)
    return written


def _write_findings(workspace: Workspace, site: Site, rows: pd.DataFrame) -> int:
    """Each finding in the file of the month in which its period begins."""
    months = days_of(rows["period_start"]).astype("datetime64[M]").astype(str)
    held = {part.month for part in workspace.lake.partitions(TABLE, site_id=site.site_id)}
    return sum(
        _replace(workspace, TABLE, site.site_id, month, rows[months == month])
        for month in sorted({*months.tolist(), *filter(None, held)})
    )


def _replace(workspace: Workspace, table: str, site_id: int | None, month: str | None, rows: pd.DataFrame) -> int:
    """Write a file unless it holds just that. It keeps its digest: what its days are made of is the same."""
    written = workspace.lake.amend(table, rows, site_id=site_id, month=month, digest="of the whole site")
    return 0 if written is None else written.rows
