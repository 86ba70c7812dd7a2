"""The series that wattlog asks for, as data: which endpoint, which parameters, how much of the calendar a request.

Source: API.md §1.2 and the history pages; the names are those of `--series` and of the raw archive's folders.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from extract.providers import ProviderName
from extract.windows import Grain, Window


class Series(StrEnum):
    """The unit of planning."""

    SNAPSHOT = "snapshot"
    POWER = "power"
    SOE = "soe"
    ENERGY_INTERVAL = "energy_interval"
    ENERGY_DAY = "energy_day"
    ENERGY_MONTH = "energy_month"
    ENERGY_YEAR = "energy_year"
    BACKUP = "backup"
    CHARGE = "charge"
    SELF_CONSUMPTION = "self_consumption"
    HISTORY = "history"


class Need(StrEnum):
    """What a site must have for a series to exist."""

    NOTHING = "nothing"
    BATTERY = "battery"
    WALL_CONNECTORS = "wall connectors"


@dataclass(frozen=True, slots=True)
class History:
    """How one history series is asked.

    Attributes:
        grain: The window of one request.
        kind: `kind` of the request.
        period: `period` of the request; None where there is none, or the server ignores it (power, soe).
        endpoint: Last part of the path.
        needs: Sites without it are not asked, unless the series is asked for by name.
        is_paged: An answer may name the `end_date` of a next one (Q32).
        is_default: Asked when no series is named.
    """

    grain: Grain
    kind: str
    period: str | None = None
    endpoint: str = "calendar_history"
    needs: Need = Need.NOTHING
    is_paged: bool = False
    is_default: bool = True


HISTORY: dict[Series, History] = {
    Series.POWER: History(Grain.DAY, "power"),
    Series.SOE: History(Grain.DAY, "soe", needs=Need.BATTERY),
    Series.ENERGY_INTERVAL: History(Grain.DAY, "energy", "day"),
    Series.ENERGY_DAY: History(Grain.MONTH, "energy", "month"),
    Series.CHARGE: History(Grain.MONTH, "charge", endpoint="telemetry_history", needs=Need.WALL_CONNECTORS),
    Series.SELF_CONSUMPTION: History(Grain.MONTH, "self_consumption", "month", is_default=False),
    Series.ENERGY_MONTH: History(Grain.YEAR, "energy", "year"),
    Series.ENERGY_YEAR: History(Grain.LIFETIME, "energy", "lifetime"),
    Series.BACKUP: History(Grain.LIFETIME, "backup", "lifetime", needs=Need.BATTERY, is_paged=True),
}
"""Every series with windows, in the order a newcomer wants them: today's picture before the long totals."""

DAY_SERIES = frozenset(series for series, how in HISTORY.items() if how.grain is Grain.DAY)
"""Series whose windows are single days."""

ORDER = (*HISTORY, Series.HISTORY)
"""Every series that is planned, in the order it is asked."""

LEGACY = ("power", "energy/day", "energy/week", "energy/month", "energy/year")
"""Kinds and periods of the endpoint `/history`, which knows no dates: everything is told from now (API.md §1.6)."""

QUARTER_HOUR = "15m"
"""The one value of `interval` that was ever accepted, and only for days of energy (API.md §1.2)."""


def chosen(named: Collection[Series], provider: str) -> tuple[Series, ...]:
    """The series to ask for: those named, else those that are asked by default, in the order of `ORDER`.

    The endpoint `/history` is asked of the Owner API alone unless it is named: elsewhere it is gone (API.md §1.6).
    """
    if named:
        return tuple(each for each in ORDER if each in named)
    usual = tuple(series for series, how in HISTORY.items() if how.is_default)
    return (*usual, Series.HISTORY) if provider == ProviderName.OWNER else usual


def question_of(params: Mapping[str, str]) -> str:
    """What a request asks beside site and dates: `kind=energy&period=day`."""
    return "&".join(f"{name}={params[name]}" for name in ("kind", "period", "interval") if name in params)


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the API.

    Attributes:
        site_id: The site asked about, or `ACCOUNT`.
        series: The series it serves.
        path: Path below the provider's base URL.
        params: Query parameters, not yet encoded.
        window: The stretch of calendar asked; None where there is none to choose (snapshots, `/history`).
    """

    site_id: int
    series: Series
    path: str
    params: tuple[tuple[str, str], ...] = ()
    window: Window | None = None

    @property
    def what(self) -> str:
        """The request in words, for messages: no host, no token."""
        where = "account" if self.site_id == ACCOUNT else f"site {self.site_id}"
        if self.window is None:
            asked = " ".join(value for _, value in self.params)
            return f"{where} {self.path.rsplit('/', 1)[-1]} {asked}".rstrip()
        return f"{where} {self.series} {self.window.start}"

    @property
    def days(self) -> str:
        """The days asked for, in words."""
        if self.window is None:
            return "any"
        first, last = self.window.start, self.window.end
        return str(first) if first == last else f"{first} to {last}"


ACCOUNT = 0
"""Stands for the whole account where a site id is wanted; no site has this id."""

PRODUCTS = Request(ACCOUNT, Series.SNAPSHOT, "/api/1/products")
"""Every vehicle and energy site of the account (API.md §1.1)."""


def site_info(site_id: int) -> Request:
    """What the site is and how it is set (API.md §1.5)."""
    return Request(site_id, Series.SNAPSHOT, f"/api/1/energy_sites/{site_id}/site_info")


def live_status(site_id: int) -> Request:
    """What the site does now (API.md §1.4)."""
    return Request(site_id, Series.SNAPSHOT, f"/api/1/energy_sites/{site_id}/live_status")


def history(site_id: int, series: Series, window: Window, zone: tzinfo, *, interval: str | None = None) -> Request:
    """The request for one window of a history series.

    `start_date` and `time_zone` go along though no effect of them on calendar_history was ever seen (Q1): they say what is
    meant, and telemetry_history does need both dates. A site with a fixed offset has no IANA name to send (Q7).

    Args:
        site_id: The site.
        series: The series.
        window: The stretch of calendar.
        zone: The clock by which the server cuts the site's days.
        interval: `QUARTER_HOUR` for quarter hours of energy, else None.
    """
    how = HISTORY[series]
    return _asked(site_id, series, how.endpoint, how.kind, how.period, window, zone, interval)


def week_witness(site_id: int, window: Window, zone: tzinfo) -> Request:
    """The days of one week, told by the week: what to ask where a month drops or contradicts a day (Q19).

    It belongs to series `energy_day`, as the month does. The day's own witness is `energy_interval`.
    """
    return _asked(site_id, Series.ENERGY_DAY, "calendar_history", "energy", "week", window, zone, None)


def legacy_history(site_id: int) -> list[Request]:
    """The requests of series `history` (API.md §1.6)."""
    path = f"/api/1/energy_sites/{site_id}/history"
    return [
        Request(site_id, Series.HISTORY, path, tuple(zip(("kind", "period"), each.split("/"), strict=False)))
        for each in LEGACY
    ]


def _asked(
    site_id: int,
    series: Series,
    endpoint: str,
    kind: str,
    period: str | None,
    window: Window,
    zone: tzinfo,
    interval: str | None,
) -> Request:
    params = [("kind", kind)]
    params += [(name, value) for name, value in (("period", period), ("interval", interval)) if value is not None]
    params += [("start_date", window.start_date), ("end_date", window.end_date)]
    name = getattr(zone, "key", None)
    if name is not None:
        params.append(("time_zone", name))
    return Request(site_id, series, f"/api/1/energy_sites/{site_id}/{endpoint}", tuple(params), window)
