"""The local days that are to be told of: where each begins and ends, and from when on answers about it are final."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from transform.sites import Site
from transform.time import Days, Ints, day_starts, days_from, days_of, epoch_us


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local days in a row.

    Attributes:
        days: The days, as datetime64[D]; days that the zone never had are left out.
        starts_us: First instant of each, microseconds since 1970.
        ends_us: First instant after each.
        settled_us: From when on answers about each are final.
    """

    days: Days
    starts_us: Ints
    ends_us: Ints
    settled_us: Ints

    @classmethod
    def of(cls, site: Site, first_day: date, last_day: date, settle_hours: float) -> "Calendar":
        """The days from `first_day` to `last_day`, both included, in the site's zone."""
        edges = epoch_us(day_starts(first_day, last_day, site.zone))
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


def positions(wanted: Days, days: Days) -> Ints:
    """Position of each wanted day among ascending `days`, or -1; where no day is left out it can be counted."""
    if len(days) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    if int((days[-1] - days[0]).astype(np.int64)) == len(days) - 1:
        ahead = (wanted - days[0]).astype(np.int64)
        return np.where((ahead >= 0) & (ahead < len(days)), ahead, -1)
    at = np.searchsorted(days, wanted)
    found = (at < len(days)) & (days[np.minimum(at, len(days) - 1)] == wanted)
    return np.where(found, at, -1)


def asked_until_us(now: datetime, asked_us: Ints) -> Ints:
    """The instant up to which a source can be believed: when it was asked, never later than now."""
    return np.asarray(np.minimum(asked_us, round(now.timestamp() * 1_000_000)))


def microseconds(hours: float) -> int:
    """Hours as microseconds."""
    return round(timedelta(hours=hours) / timedelta(microseconds=1))
