"""Whether a response is about the days that were asked for (Q22).

Rows are compared as instants, on the clock by which the server cut the response: their text may be in UTC, or carry offsets
of several clocks, and then does not show the day.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from transform.responses.stamps import are_within
from transform.time import FIRST_YEAR, LAST_YEAR, LONGEST_INTERVAL_US, epoch_us, local_days, to_utc
from wattlog.local_days import first_instant, first_instants_us
from wattlog.series import SERIES
from wattlog.zones import fixed_zone, iana_zone

_TIMESTAMP: Final = itemgetter("timestamp")
_LONGEST_DAY_US: Final = 25 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class RequestedDays:
    """The days that a request asks for.

    Attributes:
        first: First local day.
        last: Last local day, included.
        clock: The clock by which they were chosen, and of a response that names none itself.
        asked_at: When they were asked for; there are no rows of later instants.
    """

    first: date
    last: date
    clock: tzinfo = UTC
    asked_at: datetime | None = None


def is_misplaced(series: str, rows: Sequence[Any], envelope: Mapping[str, Any], requested: RequestedDays) -> bool:
    """Whether a response is about other days than those requested, or has hours of another day in place of some of its own.

    A response that holds more than was requested is right.

    Args:
        series: The series.
        rows: The rows as the API gave them.
        envelope: The keys of the response beside the rows.
        requested: What was asked for.
    """
    spec = SERIES[series]
    if not spec.is_stamped_in_window:
        return False
    texts = _stamps(rows)
    if texts and _are_surely_own(texts, _named_clock(envelope), requested):
        return False
    instants = to_utc(pa.array(texts, pa.string()))
    is_usable = instants.notna().to_numpy()
    if not is_usable.any():
        return True
    clock = clock_of(envelope, texts, requested.clock)
    days = local_days(instants[is_usable], clock)
    first, last = np.datetime64(requested.first, "D"), np.datetime64(requested.last, "D")
    is_before, is_after = days < first, days > last
    is_own = ~is_before & ~is_after
    if not is_own.any():
        return True
    if is_own.all() or spec.intervals is None:
        return False
    starts_us = epoch_us(instants[is_usable])
    begin_us, end_us = first_instants_us(np.array([first, last + 1]), clock).tolist()
    if requested.asked_at is not None:
        end_us = min(end_us, round(requested.asked_at.timestamp() * 1_000_000))
    own_us = starts_us[is_own]
    lacks_beginning = own_us.min() - begin_us > LONGEST_INTERVAL_US
    lacks_end = end_us - own_us.max() > LONGEST_INTERVAL_US
    is_one_day = starts_us.max() - starts_us.min() <= _LONGEST_DAY_US
    return bool(is_one_day and ((is_before.any() and lacks_end) or (is_after.any() and lacks_beginning)))


def _stamps(rows: Sequence[Any]) -> list[str]:
    """The stamps of all rows that have one."""
    try:
        stamps = list(map(_TIMESTAMP, rows))
        "".join(stamps)  # only texts can be joined
    except (TypeError, KeyError):
        found = (row.get("timestamp") for row in rows if isinstance(row, dict))
        return [stamp for stamp in found if isinstance(stamp, str)]
    return stamps


def _are_surely_own(stamps: Sequence[str], clock: tzinfo | None, requested: RequestedDays) -> bool:
    """Whether all stamps lie within the days requested, seen at a first look; it needs a response that names its clock."""
    if clock is None:
        return False
    end = first_instant(requested.last + timedelta(days=1), clock)
    return are_within(stamps, first_instant(requested.first, clock), end)


def clock_of(envelope: Mapping[str, Any], stamps: Sequence[str], usual: tzinfo) -> tzinfo:
    """The clock by which the server cut a response: what it names, else what most of its stamps show (Q7, Q8).

    Args:
        envelope: The keys of the response beside the rows.
        stamps: The rows' timestamps.
        usual: The clock of the request, kept unless the stamps show another one. A zone has two offsets in a year.
    """
    named = _named_clock(envelope)
    if named is not None:
        return named
    shown = [instant for instant in map(_instant, stamps) if instant is not None]
    others = Counter(
        instant.utcoffset() for instant in shown if instant.utcoffset() != instant.astimezone(usual).utcoffset()
    )
    del others[timedelta()]  # stamps in UTC show no clock (Q18)
    if others.total() * 2 <= len(shown):
        return usual
    ((offset, _),) = others.most_common(1)
    return fixed_zone((offset or timedelta()).total_seconds() / 60) or usual


def _named_clock(envelope: Mapping[str, Any]) -> tzinfo | None:
    """The clock that a response names, by zone or by offset."""
    name, minutes = envelope.get("installation_time_zone"), envelope.get("time_zone_offset")
    named = iana_zone(name) if isinstance(name, str) and name else None
    if named is None and isinstance(minutes, int | float) and not isinstance(minutes, bool):
        return fixed_zone(minutes)
    return named


def _instant(text: str) -> datetime | None:
    """The instant of a stamp that carries an offset other than `Z`, and is one at which something was measured."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    is_usable = instant.tzinfo is not None and not text.endswith("Z") and FIRST_YEAR <= instant.year < LAST_YEAR
    return instant if is_usable else None
