"""Where a local day begins: one rule, for a single day and for whole columns.

A day begins at the first instant at which the clock shows its midnight or later. Of a midnight that comes twice (Havana) that
is the first; where a change of offset skips midnight (São Paulo until 2018, Beirut) it is the end of the gap. A day that a
zone never had (Apia, 30 December 2011) begins, and ends, with the day after it. Source: Q5, Q6, Q37.

Instants are compared in UTC, because two aware datetimes of the same zone compare by their wall clock.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

_ONE_SECOND: Final = timedelta(seconds=1)
_ONE_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=2**15)
def first_instant(day: date, zone: tzinfo) -> datetime:
    """The first instant of a local day, in UTC. Planning computes that of each day of a history several times a night."""
    wall = datetime.combine(day, time.min)
    midnight = wall.replace(tzinfo=zone)
    instant = midnight.astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    # Midnight lies in a gap. Read with the offset before the change it falls at or after the end of the gap, read with the
    # offset after the change before its beginning; the change itself is in between.
    return _first_at_or_after(wall, zone, before=midnight.replace(fold=1).astimezone(UTC), after=instant)


def clock_at_end(day: date, ended_at: datetime, clocks: Iterable[tzinfo]) -> tzinfo:
    """The clock on which a day ended at an instant: the first of `clocks` on which it did, else the offset of that midnight.

    Args:
        day: The day.
        ended_at: The first instant after it.
        clocks: Clocks that may have been used.
    """
    following = day + timedelta(days=1)
    for clock in clocks:
        if first_instant(following, clock) == ended_at:
            return clock
    return timezone(datetime.combine(following, time.min, UTC) - ended_at)


def first_instants_us(days: Days, zone: tzinfo) -> Ints:
    """The first instant of each local day, in any order, as microseconds since 1970.

    Args:
        days: The days, as datetime64[D].
        zone: The zone.
    """
    distinct, position = np.unique(days, return_inverse=True)
    instants = [(first_instant(day, zone) - _EPOCH) // _ONE_MICROSECOND for day in distinct.tolist()]
    return np.array(instants, dtype=np.int64)[position]


def _wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _first_at_or_after(wall: datetime, zone: tzinfo, *, before: datetime, after: datetime) -> datetime:
    """The first instant in (before, after], to the second, at which the clock of `zone` shows `wall` or later."""
    while after - before > _ONE_SECOND:
        middle = before + timedelta(seconds=(after - before) // _ONE_SECOND // 2)
        if _wall(middle, zone) >= wall:
            after = middle
        else:
            before = middle
    return after
