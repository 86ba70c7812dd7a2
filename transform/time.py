"""Instants and local days, for whole columns at once.

Everything is kept in UTC and local time is derived from it, never the other way: a local clock shows an hour twice in
autumn and skips one in spring (Q5, Q6).
"""

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wattlog.local_days import first_instants_us

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]
Walls = npt.NDArray[np.datetime64]

INSTANT = pa.timestamp("us", tz="UTC")
DATE = "date32[day][pyarrow]"

_HAS_OFFSET = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)$"
"""RFC 3339 with an offset, and the near misses that were seen. Text without an offset names no instant."""

LONGEST_INTERVAL_US: Final = 3600 * 1_000_000
"""Rows that are longer are the one row of their day (Q9, Q10). So the last interval of a day begins no more than this before
the day's end."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
_BEGIN, _END = (pd.Timestamp(year, 1, 1, tz="UTC") for year in (FIRST_YEAR, LAST_YEAR))
"""No measurement is stamped outside of these, by centuries. Closer to the ends of the calendar (0001, 9999) a time zone leads
out of it, and neither Python nor pandas can convert the instant."""


def to_utc(strings: pd.Series | pa.Array | pa.ChunkedArray) -> pd.Series:
    """Instants of RFC 3339 strings, whatever mixture of offsets they carry (Q5, Q18).

    **Shape**: strings → as many instants (datetime64[us, UTC]); NaT where a string is NULL, carries no offset, or names a
    time that does not exist or is centuries away. Arrow's cast does the work since it is ten times as fast as pandas and,
    unlike pandas, never takes a string without offset for UTC; only when it refuses a string are the good ones picked out.
    """
    texts = pa.array(strings, pa.string()) if isinstance(strings, pd.Series) else strings
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    try:
        return _in_range(pd.Series(texts.cast(INSTANT).to_pandas()))
    except pa.ArrowInvalid:
        usable = pc.match_substring_regex(texts, _HAS_OFFSET)
        kept = pc.if_else(usable, texts, None)
        instants = pd.to_datetime(pd.Series(kept.to_pandas()), utc=True, format="ISO8601", errors="coerce")
        return _in_range(instants.astype("datetime64[us, UTC]"))


def _in_range(instants: pd.Series) -> pd.Series:
    """Instants, NaT where they are outside of `_BEGIN` to `_END`."""
    return instants.where((instants >= _BEGIN) & (instants < _END))


def epoch_us(instants: pd.Series) -> Ints:
    """Microseconds since 1970 of tz-aware instants, none of them NaT."""
    return instants.to_numpy(dtype="datetime64[us]").view(np.int64)


def local_walls(instants: pd.Series, zone: tzinfo) -> Walls:
    """What a clock in `zone` shows at each instant (tz-aware), as datetime64[us] without a zone."""
    return pd.DatetimeIndex(instants).tz_convert(zone).tz_localize(None).to_numpy()


def local_days(instants: pd.Series, zone: tzinfo) -> Days:
    """The calendar day of each instant (tz-aware) on the clock of `zone`, as datetime64[D]."""
    return local_walls(instants, zone).astype("datetime64[D]")


def date_column(days: Days) -> pd.Series:
    """Days as a column of type DATE; NaT becomes NULL."""
    return pd.Series(pd.array(pa.array(days, pa.date32()), dtype=DATE))


def days_of(dates: pd.Series) -> Days:
    """The days of a DATE column without NULL, as datetime64[D]."""
    array = pa.array(dates, pa.date32())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return np.asarray(array.cast(pa.int32()).to_numpy().astype("datetime64[D]"))


def local_date(instants: pd.Series, zone: tzinfo) -> pd.Series:
    """The site's calendar day of each instant, as a DATE column, for any IANA zone or fixed offset."""
    return date_column(local_days(instants, zone))


def days_from(first_day: date, last_day: date) -> Days:
    """Every calendar day from `first_day` to `last_day`, both included, as datetime64[D]."""
    return np.arange(np.datetime64(first_day, "D"), np.datetime64(last_day, "D") + 1)


def day_edges_us(first_day: date, last_day: date, zone: tzinfo) -> Ints:
    """The first instant of every local day from `first_day` to the day after `last_day`, microseconds since 1970."""
    days = days_from(first_day, last_day)
    return first_instants_us(np.append(days, days[-1:] + 1), zone)


def first_instants(days: Days, zone: tzinfo) -> pd.Series:
    """The first instant of each local day, in any order."""
    return instants_of(first_instants_us(days, zone))


def first_instants_by_clock_us(days: Days, clocks: Iterable[tzinfo]) -> Ints:
    """The first instant of each local day on a clock of its own, in any order.

    **Shape**: n days, n clocks → n epochs, microseconds since 1970.
    """
    numbers, distinct = pd.factorize(np.fromiter(clocks, dtype=object, count=len(days)))
    instants_us = np.zeros(len(days), dtype=np.int64)
    for number, clock in enumerate(distinct):
        mine = numbers == number
        instants_us[mine] = first_instants_us(days[mine], clock)
    return instants_us


def instants_of(epochs_us: Ints) -> pd.Series:
    """Instants (tz-aware, UTC) of microseconds since 1970."""
    return pd.Series(pd.DatetimeIndex(epochs_us.astype("datetime64[us]")).tz_localize("UTC"))
