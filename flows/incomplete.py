"""What the responses to a site's windows lack, as the last run found it when it shaped and reconciled them."""

import logging
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from extract.api.requested_again import NOTHING, Incomplete, Span
from transform.sites import Site
from transform.time import days_of
from warehouse.errors import LakeFailed
from warehouse.lake.lake import Lake
from warehouse.schema import FLOWS
from wattlog.causes import Cause, Check
from wattlog.gap_causes import GapCause
from wattlog.local_days import first_instant
from wattlog.series import SERIES
from wattlog.series_spec import Series

log = logging.getLogger(__name__)

_ONE_DAY = timedelta(days=1)


def incomplete_of(lake: Lake, site: Site) -> Incomplete:
    """What a site's responses lack: rows that are absent, and days whose rows are zero although the month series has energy.

    A lake that cannot be read is made again later in the run: until then nothing is known to be missing.
    """
    try:
        spans = _absent_rows(lake, site)
        for day in _days_of_zeros(lake, site):
            start, end = (first_instant(edge, site.zone) for edge in (day, day + _ONE_DAY))
            for series in (Series.ENERGY_INTERVAL, Series.POWER):
                spans.setdefault(series, []).append((start, end))
        if not spans:
            return NOTHING
        return Incomplete({name: merged(found) for name, found in spans.items()}, _days_with_energy(lake, site))
    except LakeFailed as error:
        log.warning("%s; windows with missing rows are not requested again in this run", error)
        return NOTHING


def merged(spans: list[Span]) -> list[Span]:
    """Stretches of time in order, those that overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _absent_rows(lake: Lake, site: Site) -> dict[str, list[Span]]:
    """Series → stretches without rows, for no reason but that the server had none."""
    rows = lake.read("gaps", site_id=site.site_id, where={"cause": [GapCause.NO_DATA]})
    found: dict[str, list[Span]] = {}
    for series, start, end in zip(rows["series"], rows["gap_start"], rows["gap_end"], strict=True):
        found.setdefault(series, []).append((_instant(start), _instant(end)))
    return found


def _instant(stamp: pd.Timestamp) -> datetime:
    return stamp.to_pydatetime().astimezone(UTC)


def _days_of_zeros(lake: Lake, site: Site) -> list[date]:
    """Days whose intervals are missing, or are zero by mistake, by comparison with the day's energy."""
    without = ("left_wh", "right_wh", "difference_wh", "tolerance_wh")
    is_missing = {"cause": [Cause.MISSING_INTERVALS.value], "check_name": [Check.INTERVAL_VS_DAY.value]}
    rows = lake.read("reconciliation", site_id=site.site_id, without=without, where=is_missing)
    return sorted(set(days_of(rows["period_start"]).tolist()))


def _days_with_energy(lake: Lake, site: Site) -> frozenset[date]:
    """The days for which the month series has energy."""
    rows = lake.read("energy_periods", site_id=site.site_id, without=("_fetched_at", "_raw_id", "_run_id"))
    has_energy = (rows[list(FLOWS)].fillna(0.0) != 0.0).any(axis=1).to_numpy(dtype=bool)
    is_month = (rows["source"] == SERIES[Series.ENERGY_DAY].source).to_numpy(dtype=bool)
    return frozenset(days_of(rows.loc[has_energy & is_month, "period_start"]).tolist())
