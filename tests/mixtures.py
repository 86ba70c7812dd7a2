"""The pipeline for one simulated site, without HTTP and files, in a fifth of a second.

Responses are shaped day by day and cached, so that two mixtures of anomalies share every day that neither affects.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

import orjson
import pandas as pd

from extract.archive.record import CONCLUSIVE
from extract.simulator import Anomaly, EarlierDays, LateData, Series, SiteSpec, Truth, World
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.query import Query
from extract.simulator.local_day import day_bounds, days_between, utc
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer
from transform.coverage import gaps
from transform.daily import daily
from transform.frames import empty_frame
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.reconciliation import DayEvidence, PeriodEvidence, reconcile_days, reconcile_periods, suspect_days
from transform.requests import requests_frame
from transform.responses import RequestedDays, outcome
from transform.sites import Site
from transform.units import in_watt_hours, rollups_in_watt_hours
from wattlog.zones import Zone

SETTLE_HOURS = 48.0
TABLES = ("power", "energy_intervals", "energy_periods", "gaps", "revisions", "quarantine", "requests")
SHAPES = {
    "power": shape_power,
    "energy_interval": shape_energy_intervals,
    "energy_day": shape_periods,
    "energy_month": shape_periods,
    "energy_year": shape_periods,
}
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class RequestedWindow:
    """A series, its window, and the parameters of the request."""

    series: str
    first: date
    last: date
    period: str
    interval: str | None = None

    @property
    def simulator_series(self) -> frozenset[Series]:
        """The simulator's names of the series, which injections use."""
        if self.series == "power":
            return frozenset({Series.POWER})
        if self.series == "energy_interval":
            return frozenset({Series.INTERVALS, Series.DAY, *([Series.QUARTERS] if self.interval else [])})
        return frozenset({Series(f"calendar_history/{self.period}")})

    @property
    def params(self) -> dict[str, str]:
        kind = {"kind": "power"} if self.series == "power" else {"kind": "energy", "period": self.period}
        return kind | ({} if self.interval is None else {"interval": self.interval})


@dataclass(frozen=True)
class ShapedResponse:
    """An index entry, and the tables of its response."""

    raw_id: str
    series: str
    window_start: date
    window_end: date
    closes_at: datetime
    requested_at: datetime
    outcome: str
    tables: Frames = field(compare=False, repr=False)
    site_id: int = 101
    status: int = 200
    attempt: int = 1
    elapsed_ms: float = 1.0
    size: int = 1
    run_id: str = "run-1"

    @property
    def is_conclusive(self) -> bool:
        return self.outcome in CONCLUSIVE


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


def site_of(spec: SiteSpec) -> Site:
    """The site as a value of `transform`."""
    return replace(
        BATTERY_SITE,
        site_id=spec.site_id,
        timezone=spec.time_zone,
        installed_at=spec.installed_at,
        has_solar=spec.has_solar,
        has_battery=spec.has_battery,
        has_grid=spec.has_grid_meter,
    )


def reconciled(spec: SiteSpec, now: datetime, *, has_cross_checks: bool = True) -> Reconciled:
    """Request everything since the installation, make cross-check requests for suspect days, and reconcile.

    Args:
        spec: The site and its anomalies.
        now: The instant of the requests.
        has_cross_checks: Whether to request the weeks of suspect days.
    """
    first, today = _local_day(spec.installed_at, spec), _local_day(now, spec)
    shaped = _responses(spec, now, _windows(spec, first, today))
    days = _days(spec, now, shaped)
    weeks = (
        {day - timedelta(days=day.weekday()) for day in suspect_days(days.reconciled)} if has_cross_checks else set()
    )
    if weeks:
        weekly = [
            RequestedWindow("energy_day", monday, min(monday + timedelta(days=6), today), "week")
            for monday in sorted(weeks)
        ]
        days = _days(spec, now, [*shaped, *_responses(spec, now, weekly)])
    return _reconciled_periods(spec, now, days, frozenset(weeks))


def _local_day(instant: datetime, spec: SiteSpec) -> date:
    return instant.astimezone(Zone(spec.time_zone)).date()


def _windows(spec: SiteSpec, first: date, today: date) -> Iterable[RequestedWindow]:
    for day in days_between(first, today):
        yield RequestedWindow("power", day, day, "day")
        yield RequestedWindow("energy_interval", day, day, "day")
        if day < spec.five_minute_since:
            yield RequestedWindow("energy_interval", day, day, "day", "15m")
    months = sorted({day.replace(day=1) for day in days_between(first, today)})
    for month in months:
        yield RequestedWindow(
            "energy_day", month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1), "month"
        )
    for year in sorted({month.year for month in months}):
        yield RequestedWindow("energy_month", date(year, 1, 1), date(year, 12, 31), "year")
    yield RequestedWindow("energy_year", first, today, "lifetime")


def _responses(spec: SiteSpec, now: datetime, windows: Iterable[RequestedWindow]) -> list[ShapedResponse]:
    """Responses with the anomalies that affect them; a request that got another window is made a second time (Q22)."""
    requests = [SiteRequest(_with_relevant_anomalies(spec, window), now, window) for window in windows]
    shaped = _shaped(requests)
    again = [replace(request, repeat=1) for request in requests if not shaped[request].is_conclusive]
    # Rows of a day may be in the response about another day: then they are shaped with all requests, as in a month.
    has_other_days = any(isinstance(fault, EarlierDays) for fault in spec.anomalies)
    repeated = _shaped([*requests, *again] if has_other_days else again) if again else {}
    if has_other_days and again:
        shaped = repeated
    return [repeated.get(replace(request, repeat=1), shaped[request]) for request in requests]


def _with_relevant_anomalies(spec: SiteSpec, window: RequestedWindow) -> SiteSpec:
    """The site with only the anomalies that affect the response."""
    relevant = tuple(anomaly for anomaly in spec.anomalies if _affects(anomaly, window, spec.time_zone))
    return replace(spec, anomalies=relevant)


def _affects(anomaly: Anomaly, window: RequestedWindow, time_zone: str) -> bool:
    is_long = window.period in {"year", "lifetime"}
    if isinstance(anomaly, LateData):  # whatever lies in this time is in no response
        days = {day for _, dates in _injected(anomaly, time_zone) for day in dates}
        return is_long or any(window.first <= day <= window.last for day in days)
    return any(
        series in window.simulator_series and (is_long or any(window.first <= day <= window.last for day in dates))
        for series, dates in _injected(anomaly, time_zone)
    )


@cache
def _injected(anomaly: Anomaly, time_zone: str) -> list[tuple[Series, tuple[date, ...]]]:
    return [(injection.series, injection.dates) for injection in anomaly.injections(Zone(time_zone))]


@dataclass(frozen=True)
class SiteRequest:
    """A request to a site with the anomalies that affect it; `repeat` is the number of identical requests before."""

    spec: SiteSpec
    now: datetime
    window: RequestedWindow
    repeat: int = 0

    @property
    def raw_id(self) -> str:
        window = self.window
        return f"{window.series}-{window.first}-{window.period}-{window.interval}-{self.repeat}"

    @property
    def end_s(self) -> int:
        return day_bounds(self.spec.zone, self.window.last)[1] - 1

    def response(self) -> KeptAnswer:
        """The response of the simulator, as `transform` reads it from the archive."""
        spec, window = self.spec, self.window
        params = {**window.params, "end_date": utc(self.end_s).astimezone(spec.zone).isoformat()}
        world = _world(replace(spec, anomalies=()))
        response = calendar_history(Query(world, Truth(spec), params, self.now, self.repeat))
        body = orjson.dumps({"response": response})
        return KeptAnswer(self.raw_id, window.series, window.first, window.last, self.now, body, spec.site_id)

    def shaped(self, response: KeptAnswer, tables: Frames) -> ShapedResponse:
        """The index entry of the response with its part of the tables."""
        window = self.window
        requested = RequestedDays(window.first, window.last, self.spec.zone, self.now)
        return ShapedResponse(
            self.raw_id,
            window.series,
            window.first,
            window.last,
            utc(self.end_s + 1),
            self.now,
            outcome(response.body, window.series, requested),
            tables,
        )


_CACHE: Final[dict[SiteRequest, ShapedResponse]] = {}
"""Cache of all shaped responses."""


def _shaped(requests: Sequence[SiteRequest]) -> dict[SiteRequest, ShapedResponse]:
    """Shaped responses of one site; those that are not cached are shaped together, as the pipeline shapes a month.

    Where a response has rows of other days, which of two responses gives a row depends on both: nothing is cached.
    """
    found: dict[SiteRequest, ShapedResponse] = {}
    for series, shape in SHAPES.items():
        of_series = [request for request in requests if request.window.series == series]
        has_other_days = any(
            isinstance(fault, EarlierDays) for request in of_series for fault in request.spec.anomalies
        )
        cache = {} if has_other_days else _CACHE
        missing = [request for request in of_series if request not in cache]
        if missing:
            responses = [request.response() for request in missing]
            tables = shape(responses, site_of(missing[0].spec))
            assert "revisions" not in tables, "responses with the same rows cannot be separated again"
            parts = {name: _by_response(frame) for name, frame in tables.items()}
            for request, response in zip(missing, responses, strict=True):
                own = {name: part[request.raw_id] for name, part in parts.items() if request.raw_id in part}
                cache[request] = request.shaped(response, own)
        found |= {request: cache[request] for request in of_series}
    return found


def _by_response(frame: pd.DataFrame) -> Frames:
    """The rows of each response."""
    raw_id = "raw_id" if "raw_id" in frame.columns else "_raw_id"
    return {str(name): rows for name, rows in frame.groupby(raw_id, sort=False)}


@cache
def _world(spec: SiteSpec) -> World:
    return World((spec,))


@dataclass(frozen=True)
class _Days:
    """Results of the days of a site."""

    frames: Frames
    daily: pd.DataFrame
    reconciled: pd.DataFrame


def _days(spec: SiteSpec, now: datetime, kept: list[ShapedResponse]) -> _Days:
    site = site_of(spec)
    frames = {name: _together(name, kept) for name in TABLES[:-1]}
    frames["requests"] = requests_frame(kept)
    first, last = _local_day(spec.installed_at, spec), _local_day(now, spec)
    power = frames["power"]
    intervals, periods, units = in_watt_hours(frames["energy_intervals"], frames["energy_periods"], power, site)
    frames |= {"energy_intervals": intervals, "energy_periods": periods}
    frames["gaps"] = gaps(kept, frames, site, followed_by={})
    best = daily(intervals, periods, power, site, first, last, now, SETTLE_HOURS)
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
    )
    return _Days(frames, best, reconcile_days(evidence))


def _reconciled_periods(spec: SiteSpec, now: datetime, days: _Days, weeks: frozenset[date]) -> Reconciled:
    site, periods = site_of(spec), days.frames["energy_periods"]
    rollups = periods[(periods["granularity"] != "day").to_numpy(dtype=bool)].reset_index(drop=True)
    rollups, units = rollups_in_watt_hours(rollups, days.daily, site)
    evidence = PeriodEvidence(days.daily, rollups, days.reconciled, units, site, now, SETTLE_HOURS)
    return Reconciled(Truth(spec), days.frames, days.daily, days.reconciled, reconcile_periods(evidence), weeks, now)


def _together(name: str, kept: list[ShapedResponse]) -> pd.DataFrame:
    parts = [entry.tables[name] for entry in kept if name in entry.tables and len(entry.tables[name])]
    return pd.concat(parts, ignore_index=True) if parts else empty_frame(name)
