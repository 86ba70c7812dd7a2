"""Requests to a simulated site with faults, and the tables of their responses.

Responses are shaped day by day and cached, so that two mixtures of anomalies share every day that neither affects.
"""

from collections.abc import Iterable, Iterator, Sequence
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
from transform.frames import empty_frame
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.responses import RequestedDays, outcome
from transform.site_equipment import BatteryDays
from transform.site_zone import server_clocks
from transform.sites import Site
from wattlog.zones import Zone

SETTLE_HOURS = 48.0
NIGHT = timedelta(hours=9)
"""So long before a correction of the server's zone, the last requests by the earlier one were made."""

INSTALLATION_KEY = "installation_date"
"""Key of site_info for the installation date."""

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


def site_of(spec: SiteSpec, now: datetime | None = None) -> Site:
    """The site as a value of `transform`.

    Args:
        spec: The site.
        now: The instant of the last requests; None where the server's zone was never another.
    """
    seen = visits(spec, now) if now is not None and spec.earlier_zones else []
    return replace(
        BATTERY_SITE,
        site_id=spec.site_id,
        timezone=spec.time_zone,
        installed_at=_reported_installation(spec),
        has_solar=spec.has_solar,
        has_battery=spec.has_battery,
        has_grid=spec.has_grid_meter,
        battery=BatteryDays(spec.battery_since),
        server_clocks=server_clocks((instant, clock.key) for instant, clock in seen),
    )


def _reported_installation(spec: SiteSpec) -> datetime:
    """The installation date of site_info: the last that a change of settings shows, else the true one."""
    reported = [value for change in spec.settings_changes for name, value in change.values if name == INSTALLATION_KEY]
    return datetime.fromisoformat(str(reported[-1])) if reported else spec.installed_at


def visits(spec: SiteSpec, now: datetime) -> list[tuple[datetime, Zone]]:
    """When everything open is requested, and the clock of the server then: before each correction of it, and now."""
    before = [(earlier.until - NIGHT, Zone(earlier.time_zone)) for earlier in spec.earlier_zones]
    return [*before, (now, spec.zone)]


def planned(spec: SiteSpec, now: datetime) -> Iterator["SiteRequest"]:
    """The requests of each visit: windows that have not settled before, and days that the other clock cut otherwise."""
    settled: set[tuple[str, date, str]] = set()
    from_s, until_s = 0, 0
    for instant, clock in visits(spec, now):
        first, today = (moment.astimezone(clock).date() for moment in (spec.installed_at, instant))
        for window in _windows(spec, first, today):
            start_s, end_s = day_bounds(clock, window.first)[0], day_bounds(clock, window.last)[1]
            is_day, key = window.period == "day", (window.series, window.first, window.period)
            is_covered = from_s <= max(start_s, int(spec.installed_at.timestamp())) and end_s <= until_s
            if not (is_covered if is_day else key in settled):
                yield request_to(spec, instant, window)
            if utc(end_s) + timedelta(hours=SETTLE_HOURS) <= instant:
                settled.add(key)
        ended = [end_s for day in days_between(first, today) if _is_over(end_s := day_bounds(clock, day)[1], instant)]
        from_s, until_s = from_s or day_bounds(clock, first)[0], max([until_s, *ended])


def _is_over(end_s: int, instant: datetime) -> bool:
    return utc(end_s) + timedelta(hours=SETTLE_HOURS) <= instant


def request_to(spec: SiteSpec, now: datetime, window: RequestedWindow) -> "SiteRequest":
    """A request with only the anomalies that affect its response."""
    return SiteRequest(spec if _is_shaped_whole(spec) else _with_relevant_anomalies(spec, window), now, window)


def _is_shaped_whole(spec: SiteSpec) -> bool:
    """Whether the responses of the site depend on each other: rows of a day may be in those about another one."""
    return bool(spec.earlier_zones) or any(isinstance(fault, EarlierDays) for fault in spec.anomalies)


def local_day(instant: datetime, spec: SiteSpec) -> date:
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


def responses_to(requests: Sequence["SiteRequest"]) -> list[ShapedResponse]:
    """The responses; a request that got another window is made a second time (Q22)."""
    shaped = _shaped(requests)
    again = [replace(request, repeat=1) for request in requests if not shaped[request].is_conclusive]
    has_other_days = any(_is_shaped_whole(request.spec) for request in requests)
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
        return f"{window.series}-{window.first}-{window.period}-{window.interval}-{self.now:%d%H}-{self.repeat}"

    @property
    def clock(self) -> Zone:
        """The clock of the server at the instant."""
        names = [earlier.time_zone for earlier in self.spec.earlier_zones if self.now < earlier.until]
        return Zone(next(iter(names), self.spec.time_zone))

    @property
    def end_s(self) -> int:
        return day_bounds(self.clock, self.window.last)[1] - 1

    def response(self) -> KeptAnswer:
        """The response of the simulator, as `transform` reads it from the archive."""
        spec, window = self.spec, self.window
        params = {**window.params, "end_date": utc(self.end_s).astimezone(self.clock).isoformat()}
        world = _world(replace(spec, anomalies=()))
        response = calendar_history(Query(world, Truth(spec), params, self.now, self.repeat))
        body = orjson.dumps({"response": response})
        return KeptAnswer(self.raw_id, window.series, window.first, window.last, self.now, body, spec.site_id)

    def shaped(self, response: KeptAnswer, tables: Frames) -> ShapedResponse:
        """The index entry of the response with its part of the tables."""
        window = self.window
        requested = RequestedDays(window.first, window.last, self.clock, self.now)
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
        is_whole = any(_is_shaped_whole(request.spec) for request in of_series)
        cache = {} if is_whole else _CACHE
        missing = [request for request in of_series if request not in cache]
        if missing:
            responses = [request.response() for request in missing]
            tables = shape(responses, site_of(missing[0].spec, max(request.now for request in missing)))
            assert is_whole or "revisions" not in tables, "responses with the same rows cannot be separated again"
            revisions = tables.get("revisions", empty_frame("revisions"))
            parts = {name: _by_response(frame) for name, frame in tables.items() if name != "revisions"}
            for request, response in zip(missing, responses, strict=True):
                own = {name: part[request.raw_id] for name, part in parts.items() if request.raw_id in part}
                cache[request] = request.shaped(response, own)
            cache[missing[0]].tables["revisions"] = revisions
        found |= {request: cache[request] for request in of_series}
    return found


def _by_response(frame: pd.DataFrame) -> Frames:
    """The rows of each response."""
    raw_id = "raw_id" if "raw_id" in frame.columns else "_raw_id"
    return {str(name): rows for name, rows in frame.groupby(raw_id, sort=False)}


@cache
def _world(spec: SiteSpec) -> World:
    return World((spec,))
