"""The local days of one request, and the `end_date` that makes the server respond with exactly those.

The server picks "the local day, week, month or year that contains `end_date`" in the site's own zone, and responds from its
local start up to `end_date`; `start_date` has no effect (Q1). So everything depends on one instant: it must be inside the
window, in its last second, with the offset in force at that second, and never at midnight, which selects the day after
(Q2). Offsets taken from another day of the month are how other tools lost days at daylight-saving changes (Q1, Q27).

Pure functions of their arguments: no clock, no I/O. Where a local day begins is in `wattlog.local_days`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from wattlog.local_days import first_instant
from wattlog.series_spec import Grain

ONE_SECOND = timedelta(seconds=1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive whole local days, requested with one request.

    Attributes:
        start: First local day.
        end: Last local day, included.
        start_at: First instant of `start`, with the offset in force then.
        end_at: The `end_date` to send: the last second of `end`, or of today when the window is not over yet.
        closes_at: First instant after the window (UTC); some hours later the response is final.
    """

    start: date
    end: date
    start_at: datetime
    end_at: datetime
    closes_at: datetime

    @property
    def end_date(self) -> str:
        """`end_at` in the API's format: RFC 3339, whole seconds, numeric offset."""
        return self.end_at.isoformat(timespec="seconds")

    @property
    def start_date(self) -> str:
        """`start_at` in the API's format; sent for completeness, without effect (Q1)."""
        return self.start_at.isoformat(timespec="seconds")


def last_second(day: date, zone: tzinfo) -> datetime:
    """The last whole second of a local day, in `zone`, with the offset in force at that second."""
    return (first_instant(day + ONE_DAY, zone) - ONE_SECOND).astimezone(zone)


def day_exists(day: date, zone: tzinfo) -> bool:
    """Whether the zone ever had this day (Apia had no 30 December 2011)."""
    return first_instant(day, zone) < first_instant(day + ONE_DAY, zone)


def local_today(now: datetime, zone: tzinfo) -> date:
    """The local day that contains the instant `now` (aware)."""
    return now.astimezone(zone).date()


def window(start: date, end: date, zone: tzinfo, *, today: date) -> Window:
    """The window of the local days `start` to `end`, both included, as requested on the local day `today`.

    Raises:
        ValueError: The window is empty or has not begun today.
    """
    if end < start:
        raise ValueError(f"a window ends on or after its first day: {start} to {end}")
    if today < start:
        raise ValueError(f"a window that begins on {start} cannot be requested on {today}")
    return Window(
        start=start,
        end=end,
        start_at=first_instant(start, zone).astimezone(zone),
        end_at=last_second(min(end, today), zone),
        closes_at=first_instant(end + ONE_DAY, zone),
    )


def windows(
    grain: Grain,
    since: date,
    until: date,
    zone: tzinfo,
    *,
    today: date,
    installed_on: date | None = None,
    is_left_out: Callable[[date, date], bool] = lambda *_: False,
) -> Iterator[Window]:
    """Every window of a grain that holds a day of `since`…`until` (both included), oldest first.

    Windows are whole calendar periods, whatever the range: the server responds from the period's start in any case (Q1). They
    end at `today`. A lifetime is one window, from the installation to today: it is another one tomorrow, and is never settled.

    Args:
        grain: Size of the windows.
        since: First local day.
        until: Last local day.
        zone: The site's zone, or the fixed offset that the server uses for its days (Q7).
        today: The site's local day at the time of the request.
        installed_on: Start of the lifetime window; `since` when it is not known.
        is_left_out: Whether the window of these first and last days is not wanted. Its instants are not computed then, which
            takes most of the time: of ten years, few windows are requested.
    """
    until = min(until, today)
    if until < since:
        return
    if grain is Grain.LIFETIME:
        yield window(min(installed_on or since, today), today, zone, today=today)
        return
    start = period_start(since, grain)
    while start <= until:
        end = period_end(start, grain)
        if not is_left_out(start, end) and (grain is not Grain.DAY or day_exists(start, zone)):
            yield window(start, end, zone, today=today)
        start = end + ONE_DAY


def period_start(day: date, grain: Grain) -> date:
    """First day of the calendar period of `grain` that holds `day`; weeks begin on Monday (API.md#requests)."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day.replace(day=1) if grain is Grain.MONTH else day


def period_end(day: date, grain: Grain) -> date:
    """Last day of the calendar period of `grain` that holds `day`."""
    if grain is Grain.WEEK:
        return period_start(day, grain) + timedelta(days=6)
    if grain is Grain.YEAR:
        return day.replace(month=12, day=31)
    if grain is Grain.MONTH:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - ONE_DAY
    return day
