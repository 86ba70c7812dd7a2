"""The local days of a table: where each begins and ends, and from when on responses about it are final."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from transform.sites import Site
from transform.time import Days, Ints, day_edges_us, days_from, days_of


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local days in a row.

    Attributes:
        days: The days, as datetime64[D]; days that the zone never had are left out.
        starts_us: First instant of each, microseconds since 1970.
        ends_us: First instant after each.
        settled_us: From when on responses about each are final.
    """

    days: Days
    starts_us: Ints
    ends_us: Ints
    settled_us: Ints

    @classmethod
    def of(cls, site: Site, first_day: date, last_day: date, settle_hours: float) -> "Calendar":
        """The days from `first_day` to `last_day`, both included, in the site's zone."""
        edges = day_edges_us(first_day, last_day, site.zone)
        days = days_from(first_day, last_day)
        exists = edges[1:] > edges[:-1]
        return cls(days[exists], edges[:-1][exists], edges[1:][exists], edges[1:][exists] + microseconds(settle_hours))

    @property
    def lengths_s(self) -> Ints:
        """Seconds of each day: 23 or 25 hours' worth when the clocks change, 23½ or 24½ at Lord Howe (Q5, Q37)."""
        return (self.ends_us - self.starts_us) // 1_000_000

    def index(self, dates: pd.Series) -> Ints:
        """Position of each date (DATE column) among `days`, or -1."""
        return positions(days_of(dates), self.days)


def positions(scope: Days, days: Days) -> Ints:
    """Position of each wanted day among ascending `days`, or -1; where no day is left out it can be counted."""
    if len(days) == 0:
        return np.full(len(scope), -1, dtype=np.int64)
    if int((days[-1] - days[0]).astype(np.int64)) == len(days) - 1:
        ahead = (scope - days[0]).astype(np.int64)
        return np.where((ahead >= 0) & (ahead < len(days)), ahead, -1)
    at = np.searchsorted(days, scope)
    found = (at < len(days)) & (days[np.minimum(at, len(days) - 1)] == scope)
    return np.where(found, at, -1)


def requested_until_us(now: datetime | Mapping[str, datetime], calendar: Calendar) -> Ints:
    """When each day's month was requested last, microseconds since 1970.

    Args:
        now: When all months were requested, or month (`YYYY-MM`) → when it was; a day of no such month has the newest.
        calendar: The days.
    """
    of_months = now if isinstance(now, Mapping) else {}
    newest = now if isinstance(now, datetime) else max(of_months.values())
    requested_us = np.full(len(calendar.days), _epoch_us(newest), dtype=np.int64)
    months = calendar.days.astype("datetime64[M]")
    for month, instant in of_months.items():
        requested_us[months == np.datetime64(month, "M")] = _epoch_us(instant)
    return requested_us


def _epoch_us(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)


def microseconds(hours: float) -> int:
    """Hours as microseconds."""
    return round(timedelta(hours=hours) / timedelta(microseconds=1))
