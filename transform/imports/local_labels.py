"""Times without an offset, on the clock of a zone: which instants they are.

An autumn hour is shown twice: its labels are the first of the two until they go back, and the second from then on. A label that
the clock never showed, in spring, is no instant. Source: Q5, Q6.
"""

from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from transform.time import Ints
from wattlog.zones import clock_periods

Mask = npt.NDArray[np.bool_]

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SAME_HOUR_US: Final = 6 * 3_600_000_000
"""Labels that are farther apart are not of the same autumn hour."""


@cache
def _changes(zone: str) -> tuple[Ints, Ints, Ints]:
    """What the clock shows just before each change of offset and at it, and the offsets: microseconds."""
    periods = clock_periods(zone)
    offsets = np.array([round(period.offset.total_seconds() * 1e6) for period in periods], dtype=np.int64)
    begins = [period.begins_at for period in periods[1:]]
    instants = np.array([round((at - _EPOCH).total_seconds() * 1e6) for at in begins if at is not None], dtype=np.int64)
    return instants + offsets[:-1], instants + offsets[1:], offsets


def instants_of_labels(walls_us: Ints, zone: str) -> tuple[Ints, Mask]:
    """The instants of labels in the order of a file, microseconds since 1970, and which of them the clock has shown.

    Args:
        walls_us: The labels, as microseconds since 1970 of a clock in UTC.
        zone: Name of a zone or of a fixed offset.
    """
    before, after, offsets = _changes(zone)
    first = np.searchsorted(before, walls_us, side="right")
    second = np.searchsorted(after, walls_us, side="right")
    is_shown = first <= second
    at = first.copy()
    repeated = np.flatnonzero(second > first)
    if len(repeated):
        labels = walls_us[repeated]
        starts = np.append(True, (np.diff(repeated) > 1) | (np.abs(np.diff(labels)) > _SAME_HOUR_US))
        goes_back = np.append(False, np.diff(labels) <= 0) & ~starts
        run = np.cumsum(starts)
        passed = np.cumsum(goes_back)
        before_run = np.maximum.accumulate(np.where(starts, passed, 0))
        is_second = (passed - before_run > 0) & (run > 0)
        at[repeated] += is_second
    return walls_us - offsets[at], is_shown
