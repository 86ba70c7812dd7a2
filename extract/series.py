"""The series that wattlog asks for, as data: which endpoint, which parameters, how much of the calendar a request.

Source: API.md §1.2 and the history pages; the names are those of `--series` and of the raw archive's folders.
"""

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class History:
    """How one history series is asked.

    Attributes:
        grain: The window of one request.
        kind: `kind` of calendar_history.
        period: `period` of calendar_history; None where the server ignores it (power, soe).
        needs_battery: Sites without a battery have no such series.
    """

    grain: Grain
    kind: str
    period: str | None = None
    needs_battery: bool = False


HISTORY: dict[Series, History] = {
    Series.POWER: History(Grain.DAY, "power"),
    Series.SOE: History(Grain.DAY, "soe", needs_battery=True),
    Series.ENERGY_INTERVAL: History(Grain.DAY, "energy", "day"),
    Series.ENERGY_DAY: History(Grain.MONTH, "energy", "month"),
    Series.ENERGY_MONTH: History(Grain.YEAR, "energy", "year"),
    Series.ENERGY_YEAR: History(Grain.LIFETIME, "energy", "lifetime"),
}
"""Every series with windows, in the order a newcomer wants them: today's picture before the long totals."""

DAY_SERIES = frozenset(series for series, how in HISTORY.items() if how.grain is Grain.DAY)
"""Series whose windows are single days."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the API.

    Attributes:
        site_id: The site asked about, or `ACCOUNT`.
        series: The series it serves.
        path: Path below the provider's base URL.
        params: Query parameters, not yet encoded.
        window: The stretch of calendar asked; None for snapshots.
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
            return f"{where} {self.path.rsplit('/', 1)[-1]}"
        return f"{where} {self.series} {self.window.start}"


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


def history(site_id: int, series: Series, window: Window, zone: tzinfo) -> Request:
    """The request for one window of a history series.

    `start_date` and `time_zone` go along though no effect of them was ever seen (Q1): they say what is meant. A site with a
    fixed offset has no IANA name to send (Q7).
    """
    how = HISTORY[series]
    params = [("kind", how.kind)]
    if how.period is not None:
        params.append(("period", how.period))
    params += [("start_date", window.start_date), ("end_date", window.end_date)]
    name = getattr(zone, "key", None)
    if name is not None:
        params.append(("time_zone", name))
    return Request(site_id, series, f"/api/1/energy_sites/{site_id}/calendar_history", tuple(params), window)
