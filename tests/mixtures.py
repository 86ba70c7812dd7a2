"""The pipeline for one simulated site, without HTTP and files, in a fifth of a second."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from extract.simulator import SiteSpec, Truth
from extract.simulator.local_day import day_bounds, utc
from flows.tasks.installation import first_instant_with_energy, installed_by
from tests.mixture_requests import (
    SETTLE_HOURS,
    Frames,
    RequestedWindow,
    ShapedResponse,
    local_day,
    planned,
    request_to,
    responses_to,
    site_of,
)
from transform.coverage import gaps
from transform.daily import daily
from transform.frames import empty_frame
from transform.reconciliation import DayEvidence, PeriodEvidence, reconcile_days, reconcile_periods, suspect_days
from transform.requests import requests_frame
from transform.sites import Site
from transform.units import in_watt_hours, rollups_in_watt_hours

TABLES = ("power", "energy_intervals", "energy_periods", "gaps", "revisions", "quarantine", "requests")


@dataclass(frozen=True)
class Reconciled:
    """Results of the pipeline for one site.

    Attributes:
        truth: What happened.
        frames: The shaped tables, in Wh.
        daily: Table `daily`.
        days: Reconciliation of days.
        periods: Reconciliation of longer periods.
        cross_checked_weeks: First days of the weeks for which cross-check requests were made.
        now: The instant of all requests.
    """

    truth: Truth
    frames: Frames
    daily: pd.DataFrame
    days: pd.DataFrame
    periods: pd.DataFrame
    cross_checked_weeks: frozenset[date]
    now: datetime

    def is_settled(self, day: date) -> bool:
        """Whether the responses for a local day were final at the instant of the requests (Q12, Q13)."""
        ends_s = day_bounds(self.truth.spec.zone, day)[1]
        return utc(ends_s) + timedelta(hours=SETTLE_HOURS) <= self.now


def reconciled(
    spec: SiteSpec, now: datetime, *, has_cross_checks: bool = True, imported: Frames | None = None
) -> Reconciled:
    """Request everything since the installation, make cross-check requests for suspect days, and reconcile.

    Args:
        spec: The site and its anomalies.
        now: The instant of the requests.
        has_cross_checks: Whether to request the weeks of suspect days.
        imported: Tables of imported histories; None for none.
    """
    today, of_imports = local_day(now, spec), {} if imported is None else imported
    requests = list(planned(spec, now))
    days = _days(spec, now, responses_to(requests), of_imports)
    weeks = (
        {day - timedelta(days=day.weekday()) for day in suspect_days(days.reconciled)} if has_cross_checks else set()
    )
    if weeks:
        weekly = [
            RequestedWindow("energy_day", monday, min(monday + timedelta(days=6), today), "week")
            for monday in sorted(weeks)
        ]
        requests += [request_to(spec, now, window) for window in weekly]
        days = _days(spec, now, responses_to(requests), of_imports)
    return _reconciled_periods(spec, now, days, frozenset(weeks))


@dataclass(frozen=True)
class _Days:
    """Results of the days of a site, and the site as they show it."""

    site: Site
    frames: Frames
    daily: pd.DataFrame
    reconciled: pd.DataFrame


def _days(spec: SiteSpec, now: datetime, kept: list[ShapedResponse], imported: Frames) -> _Days:
    site = site_of(spec, now)
    frames = {name: _together(name, kept) for name in TABLES[:-1]}
    frames["requests"] = requests_frame(kept)
    first, last = local_day(spec.installed_at, spec), local_day(now, spec)
    power = frames["power"]
    intervals, periods, units = in_watt_hours(frames["energy_intervals"], frames["energy_periods"], power, site)
    frames |= {"energy_intervals": intervals, "energy_periods": periods}
    frames["gaps"] = gaps(kept, frames, site, followed_by={})
    requested = {first - timedelta(days=1)}  # which would be answered with nothing
    site = installed_by(site, first_instant_with_energy((intervals,), site, requested))
    best = daily(intervals, periods, power, site, first, last, now, SETTLE_HOURS, imported.get("import_days"))
    evidence = DayEvidence(
        intervals=intervals,
        periods=periods,
        power=power,
        daily=best,
        gaps=frames["gaps"],
        revisions=frames["revisions"],
        requests=frames["requests"],
        shaped=units,
        site=site,
        first_day=first,
        last_day=last,
        now=now,
        settle_hours=SETTLE_HOURS,
        import_days=imported.get("import_days"),
        import_intervals=imported.get("import_intervals"),
    )
    return _Days(site, frames | imported, best, reconcile_days(evidence))


def _reconciled_periods(spec: SiteSpec, now: datetime, days: _Days, weeks: frozenset[date]) -> Reconciled:
    site, periods = days.site, days.frames["energy_periods"]
    rollups = periods[(periods["granularity"] != "day").to_numpy(dtype=bool)].reset_index(drop=True)
    rollups, units = rollups_in_watt_hours(rollups, days.daily, site)
    imported = days.frames.get("import_days")
    evidence = PeriodEvidence(days.daily, rollups, days.reconciled, units, site, now, SETTLE_HOURS, imported)
    return Reconciled(Truth(spec), days.frames, days.daily, days.reconciled, reconcile_periods(evidence), weeks, now)


def _together(name: str, kept: list[ShapedResponse]) -> pd.DataFrame:
    parts = [entry.tables[name] for entry in kept if name in entry.tables and len(entry.tables[name])]
    return pd.concat(parts, ignore_index=True) if parts else empty_frame(name)
