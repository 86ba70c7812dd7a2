"""Local days as ranges of UTC instants, and timestamps with the offset in force.

A local day runs from the first instant of its date to the first instant of the next, so it has 276, 288 or 300 slots of
five minutes (282 or 294 at Lord Howe). Source: Q5, Q37.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wattlog.local_days import first_instant

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.datetime64]

SLOT_S = 300
"""Energy and power are measured in slots of five minutes."""

DAY_S = 86_400


@lru_cache(maxsize=16_384)
def day_bounds(zone: tzinfo, day: date) -> tuple[int, int]:
    """First instant of the local day and of the next one, in epoch seconds."""
    first, following = first_instant(day, zone), first_instant(day + timedelta(days=1), zone)
    return int(first.timestamp()), int(following.timestamp())


def local_date(zone: tzinfo, epoch_s: int) -> date:
    """The calendar day at an instant."""
    return datetime.fromtimestamp(epoch_s, zone).date()


def offset_s(zone: tzinfo, epoch_s: int) -> int:
    """The zone's offset from UTC at an instant, in seconds."""
    offset = datetime.fromtimestamp(epoch_s, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def offsets_s(zone: tzinfo, epochs_s: Ints) -> Ints:
    """The offsets at ascending instants.

    Within two days a zone changes its offset at most once, so the change is found by bisection. Rows over a longer time are
    days, months, or years: few enough to look up each offset.
    """
    count = len(epochs_s)
    if count == 0:
        return np.zeros(0, np.int64)
    if int(epochs_s[-1]) - int(epochs_s[0]) > 2 * DAY_S:
        return np.array([offset_s(zone, epoch_s) for epoch_s in epochs_s.tolist()], np.int64)
    first, last = offset_s(zone, int(epochs_s[0])), offset_s(zone, int(epochs_s[-1]))
    offsets = np.full(count, first, np.int64)
    if first != last:
        change = bisect_left(range(count), True, key=lambda index: offset_s(zone, int(epochs_s[index])) != first)
        offsets[change:] = last
    return offsets


def offset_text(offset: int) -> str:
    """An offset in seconds as text, such as `-07:00`; UTC is `+00:00`."""
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def stamps(zone: tzinfo, epochs_s: Ints) -> list[str]:
    """RFC 3339 timestamps of ascending instants, each with the offset in force then (Q5)."""
    offsets = offsets_s(zone, epochs_s)
    texts: list[str] = np.datetime_as_string(as_instants(epochs_s + offsets)).tolist()
    suffixes = {offset: offset_text(offset) for offset in set(offsets.tolist())}
    return [text + suffixes[offset] for text, offset in zip(texts, offsets.tolist(), strict=True)]


def as_instants(epochs_s: Ints) -> Instants:
    """Epoch seconds as `datetime64[s]`, UTC."""
    return epochs_s.astype("datetime64[s]")


def utc(epoch_s: int) -> datetime:
    """Epoch seconds as an aware datetime."""
    return datetime.fromtimestamp(epoch_s, UTC)


def days_between(first: date, last: date) -> tuple[date, ...]:
    """The days from first to last, both included."""
    return tuple(first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def instant_of_day(clock: tzinfo, day: date, seconds: int) -> int:
    """Epoch seconds of the instant `seconds` after the beginning of a local day, at most the end of the day."""
    start_s, end_s = day_bounds(clock, day)
    return min(start_s + seconds, end_s)
