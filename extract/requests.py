"""The requests that serve each series: path and query parameters, made from its spec in `wattlog.series`.

Source: API.md#requests and the history pages.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from extract.windows import Window
from wattlog.providers import Provider
from wattlog.pseudonyms import without_vins
from wattlog.series import SERIES, planned_series
from wattlog.series_spec import Series, SeriesSpec

LEGACY = ("power", "energy/day", "energy/week", "energy/month", "energy/year")
"""Kinds and periods of the endpoint `/history`, which takes no dates: every response ends now (API.md#legacy)."""

QUARTER_HOUR = "15m"
"""The only value of `interval` that was ever accepted, and only for days of energy (API.md#requests)."""


def chosen(named: Collection[Series], provider: Provider) -> tuple[Series, ...]:
    """The series to request: those named, else the default ones, in the order of `planned_series`.

    The endpoint `/history` is gone from most providers (API.md#legacy): there it is requested only if it is named.
    """
    if named:
        return tuple(series for series in planned_series() if series in named)
    defaults = (series for series in planned_series() if SERIES[series].is_default)
    return tuple(series for series in defaults if series not in provider.refused_series)


def question_of(params: Mapping[str, str]) -> str:
    """The parameters of a request other than site and dates: `kind=energy&period=day`."""
    return "&".join(f"{name}={params[name]}" for name in ("kind", "period", "interval") if name in params)


def history_question(series: Series, interval: str | None = None) -> str:
    """`question_of` the requests that `history` makes."""
    return question_of(_parameters(SERIES[series], interval))


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API.

    Attributes:
        site_id: The site, or `ACCOUNT`.
        series: The series it serves.
        path: Path below the provider's base URL.
        params: Query parameters, not yet encoded.
        window: The days requested; None where there is no choice (snapshots, `/history`).
        method: HTTP method.
        body: JSON to send; None for none.
        is_kept: Whether the response is stored. One that is not is read whole, and nothing of it is written.
    """

    site_id: int
    series: Series
    path: str
    params: tuple[tuple[str, str], ...] = ()
    window: Window | None = None
    method: str = "GET"
    body: bytes | None = None
    is_kept: bool = True

    @property
    def is_command(self) -> bool:
        """Whether it changes something."""
        return self.series is Series.COMMAND and self.body is not None

    @property
    def is_of_cars(self) -> bool:
        """Whether it is about the account's cars."""
        return self.path.startswith((f"{VEHICLES}/", f"/api/1/{SERIES[Series.VEHICLE_CHARGING].endpoint}"))

    @property
    def what(self) -> str:
        """The request as text, for messages: no host, no token."""
        where = "account" if self.site_id == ACCOUNT else f"site {self.site_id}"
        if self.window is None or self.series is Series.COMMAND:
            asked = " ".join(value for _, value in self.params)
            return f"{where} {without_vins(self.path).rsplit('/', 1)[-1]} {asked}".rstrip()
        return f"{where} {self.series} {self.window.start}"

    @property
    def days(self) -> str:
        """The days requested, as text."""
        if self.window is None:
            return "any"
        first, last = self.window.start, self.window.end
        return str(first) if first == last else f"{first} to {last}"


VEHICLES = "/api/1/vehicles"
"""Every request about one car is below this path, and the car's VIN (Q82)."""

ACCOUNT = 0
"""Stands for the whole account where a site id is wanted; no site has this id."""

PRODUCTS = Request(ACCOUNT, Series.SNAPSHOT, "/api/1/products")
"""Every vehicle and energy site of the account (API.md#products)."""


def site_info(site_id: int) -> Request:
    """The site and its settings (API.md#site-info)."""
    return Request(site_id, Series.SNAPSHOT, f"/api/1/energy_sites/{site_id}/site_info")


def live_status(site_id: int) -> Request:
    """The present values of the site (API.md#live-status)."""
    return Request(site_id, Series.SNAPSHOT, f"/api/1/energy_sites/{site_id}/live_status")


def history(site_id: int, series: Series, window: Window, zone: tzinfo, *, interval: str | None = None) -> Request:
    """The request for one window of a history series.

    `start_date` and `time_zone` are sent although calendar_history seems to ignore them (Q1): they state the intent, and
    telemetry_history needs both dates. A site with a fixed offset has no IANA name to send (Q7).

    Args:
        site_id: The site.
        series: The series.
        window: The days requested.
        zone: The clock that the server uses for the site's days.
        interval: `QUARTER_HOUR` for quarter hours of energy, else None.
    """
    return _request(site_id, SERIES[series], window, zone, interval)


def week_cross_check(site_id: int, window: Window, zone: tzinfo) -> Request:
    """The cross-check request for the week of a suspect day (Q19).

    It belongs to series `energy_day`, as the month does. The cross-check request for the day itself is `energy_interval`.
    """
    return _request(site_id, replace(SERIES[Series.ENERGY_DAY], period="week"), window, zone, None)


def legacy_history(site_id: int) -> list[Request]:
    """The requests of series `history` (API.md#legacy)."""
    path = f"/api/1/energy_sites/{site_id}/history"
    return [
        Request(site_id, Series.HISTORY, path, tuple(zip(("kind", "period"), question.split("/"), strict=False)))
        for question in LEGACY
    ]


def without_window(site_id: int, series: Series) -> list[Request]:
    """The requests of a series that has no windows; none of a series that has."""
    if series is Series.HISTORY:
        return legacy_history(site_id)
    if series is Series.TARIFF_RATE:
        return [Request(site_id, series, f"/api/1/energy_sites/{site_id}/{SERIES[series].endpoint}")]
    return []


def _request(site_id: int, spec: SeriesSpec, window: Window, zone: tzinfo, interval: str | None) -> Request:
    params = [*_parameters(spec, interval).items(), ("start_date", window.start_date), ("end_date", window.end_date)]
    name = getattr(zone, "key", None)
    if name is not None:
        params.append(("time_zone", name))
    return Request(site_id, spec.name, f"/api/1/energy_sites/{site_id}/{spec.endpoint}", tuple(params), window)


def _parameters(spec: SeriesSpec, interval: str | None) -> dict[str, str]:
    """The parameters that are the same for every window of a series."""
    facts = (("kind", spec.kind), ("period", spec.period), ("interval", interval))
    return {name: value for name, value in facts if value is not None}
