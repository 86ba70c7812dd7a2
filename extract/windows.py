"""Which stretch of a site's calendar one request asks for, and the `end_date` that makes the server answer just that.

The server picks "the local day, week, month or year that contains `end_date`" in the site's own zone and answers from its
local start up to `end_date`; `start_date` has no effect (Q1). So everything hangs on one instant: it has to lie inside the
window, in its last second, with the offset in force at that second, and never at midnight, which selects the day after
(Q2). Offsets taken from another day of the month are how other tools lost days at daylight-saving changes (Q1, Q27).

Pure functions of their arguments: no clock, no I/O. Comparisons are made in UTC, because two aware datetimes of the same
zone compare by their wall clock and so go wrong inside a fall-back hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

ONE_SECOND = timedelta(seconds=1)
ONE_DAY = timedelta(days=1)


class Grain(StrEnum):
    """How much of the calendar one request of a series covers."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


@dataclass(frozen=True, slots=True)
class Window:
    """A run of whole local days, asked with one request.

    Attributes:
        start: First local day.
        end: Last local day, included.
        start_at: First instant of `start`, with the offset in force then.
        end_at: The `end_date` to send: the last second of `end`, or of today when the window is not over yet.
        closes_at: First instant after the window (UTC); the window settles some hours after it.
    """

    start: date
    end: date
    start_at: datetime
    end_at: datetime
    closes_at: datetime

    @property
    def end_date(self) -> str:
        """`end_at` as the API reads it: RFC 3339, whole seconds, numeric offset."""
        return self.end_at.isoformat(timespec="seconds")

    @property
    def start_date(self) -> str:
        """`start_at` as the API reads it; sent for completeness, without effect (Q1)."""
        return self.start_at.isoformat(timespec="seconds")


def first_instant(day: date, zone: tzinfo) -> datetime:
    """The first instant of a local day, in `zone`.

    That is midnight, but for days whose midnight is skipped by a change of offset (São Paulo until 2018, Beirut, Pyongyang
    2018), which begin when the skipped stretch ends; of a midnight that comes twice (Havana) it is the first.

    A day that a zone never had (Apia, 30 December 2011) begins, and ends, with the day after it.
    """
    wall = datetime.combine(day, time.min)
    midnight = wall.replace(tzinfo=zone)
    instant = midnight.astimezone(UTC)
    if _wall(instant, zone) == wall:
        return midnight
    # Midnight lies in a gap. Read with the offset before the change it falls at or after the end of the gap, read with the
    # offset after the change before its beginning; the change itself is in between.
    return _first_at_or_after(wall, zone, before=midnight.replace(fold=1).astimezone(UTC), after=instant)


def _wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _first_at_or_after(wall: datetime, zone: tzinfo, *, before: datetime, after: datetime) -> datetime:
    """The first instant in (before, after], to the second, at which the clock of `zone` shows `wall` or later."""
    while after - before > ONE_SECOND:
        middle = before + timedelta(seconds=(after - before) // ONE_SECOND // 2)
        if _wall(middle, zone) >= wall:
            after = middle
        else:
            before = middle
    return after.astimezone(zone)


def last_second(day: date, zone: tzinfo) -> datetime:
    """The last whole second of a local day, in `zone`, with the offset in force at that second."""
    return (first_instant(day + ONE_DAY, zone).astimezone(UTC) - ONE_SECOND).astimezone(zone)


def day_exists(day: date, zone: tzinfo) -> bool:
    """Whether the zone ever had this day (Apia had no 30 December 2011)."""
    return first_instant(day, zone).astimezone(UTC) < first_instant(day + ONE_DAY, zone).astimezone(UTC)


def local_today(now: datetime, zone: tzinfo) -> date:
    """The local day that contains the instant `now` (aware)."""
    return now.astimezone(zone).date()


def window(start: date, end: date, zone: tzinfo, *, today: date) -> Window:
    """The window of the local days `start` to `end`, both included, as asked on the local day `today`.

    Raises:
        ValueError: The window is empty or has not begun today.
    """
    if end < start:
        raise ValueError(f"a window ends on or after its first day: {start} to {end}")
    if today < start:
        raise ValueError(f"a window that begins on {start} cannot be asked for on {today}")
    return Window(
        start=start,
        end=end,
        start_at=first_instant(start, zone),
        end_at=last_second(min(end, today), zone),
        closes_at=first_instant(end + ONE_DAY, zone).astimezone(UTC),
    )


def windows(
    grain: Grain, since: date, until: date, zone: tzinfo, *, today: date, installed_on: date | None = None
) -> Iterator[Window]:
    """Every window of a grain that holds a day of `since`…`until` (both included), oldest first.

    Windows are whole calendar periods, whatever the range: the server answers from the period's start anyway (Q1). They
    stop at `today`. A lifetime is one window, from the installation to today: it is another one tomorrow, and never settles.

    Args:
        grain: Size of the windows.
        since: First local day wanted.
        until: Last local day wanted.
        zone: The site's zone, or the fixed offset that the server cuts its days by (Q7).
        today: The site's local day at the time of asking.
        installed_on: Start of the lifetime window; `since` when it is not known.
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
        if grain is not Grain.DAY or day_exists(start, zone):
            yield window(start, end, zone, today=today)
        start = end + ONE_DAY


def period_start(day: date, grain: Grain) -> date:
    """First day of the calendar period of `grain` that holds `day`; weeks begin on Monday (API.md §5)."""
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
