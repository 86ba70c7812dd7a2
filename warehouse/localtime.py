"""How instants are written as text: ISO 8601 with the offset in force at the site at that moment, or in UTC."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from re import fullmatch
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SECOND_US = 1_000_000


class Clock(StrEnum):
    """Whose clock an export or a query speaks."""

    LOCAL = "local"
    UTC = "utc"


def zone(name: str | None) -> tzinfo:
    """The zone behind `sites.timezone`: an IANA name, or a fixed offset as `UTC-07:00` (Q7).

    A site without a zone (a ghost) speaks UTC: its stamps carry +00:00 and stay true.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: No such zone.
    """
    if not name:
        return UTC
    if offset := fullmatch(r"UTC(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)", name):
        length = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-length if offset["sign"] == "-" else length)
    return ZoneInfo(name)


def day_begins(day: date, site_zone: tzinfo) -> datetime:
    """The instant at which the site's calendar day begins, in UTC; the first one where midnight occurs twice."""
    return datetime.combine(day, time(), site_zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Stamper:
    """Writes instants as text.

    Attributes:
        zones: Zone by site; empty when everything is written in UTC.
        fallback: The zone of a row that names no site.
    """

    zones: dict[int, tzinfo] = field(default_factory=dict)
    fallback: tzinfo = UTC

    def stamp(self, instants: pa.Array, sites: pa.Array | None) -> pa.Array:
        """`instants` as ISO 8601 with offset, each by its own site's clock.

        **Shape**: n instants (and the n sites they belong to) → n strings; NULL stays NULL.
        """
        if sites is None or not self.zones:
            return _in_zone(instants, self.fallback)
        stamps = pa.nulls(len(instants), pa.string())
        for site in pc.unique(sites).to_pylist():
            is_here = pc.is_null(sites) if site is None else pc.fill_null(pc.equal(sites, site), False)
            here = _in_zone(instants.filter(is_here), self.zones.get(site, self.fallback))
            stamps = pc.replace_with_mask(stamps, is_here, here)
        return stamps


def iso(naive: pa.Array) -> pa.Array:
    """Timestamps without zone as `2025-03-09T01:55:00`, with a fraction only where any of them has one."""
    micros = naive.cast(pa.timestamp("us"), safe=False)
    whole = pc.all(pc.equal(pc.subtract(micros.cast(pa.int64()), _whole_seconds(micros)), 0)).as_py()
    text = micros.cast(pa.timestamp("s"), safe=False).cast(pa.string()) if whole else micros.cast(pa.string())
    return pc.replace_substring(text, " ", "T")


def _whole_seconds(micros: pa.Array) -> pa.Array:
    return pc.multiply(pc.divide(micros.cast(pa.int64()), _SECOND_US), _SECOND_US)


def _in_zone(instants: pa.Array, site_zone: tzinfo) -> pa.Array:
    if site_zone is UTC:
        stamps = iso(instants.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")))
        return pc.binary_join_element_wise(stamps, "+00:00", "")
    import pandas as pd  # takes most of a second, which a query in UTC need not wait for

    utc = pd.Series(instants.cast(pa.timestamp("us", tz="UTC")).to_pandas())
    naive_utc = utc.dt.tz_localize(None)
    naive_local = utc.dt.tz_convert(site_zone).dt.tz_localize(None)
    offset_s = ((naive_local - naive_utc) // pd.Timedelta(seconds=1)).to_numpy(dtype="float64", na_value=0.0)
    distinct, position = np.unique(offset_s, return_inverse=True)
    suffixes = pa.array([_offset(int(each)) for each in distinct], pa.string()).take(pa.array(position))
    return pc.binary_join_element_wise(iso(pa.array(naive_local, from_pandas=True)), suffixes, "")


def _offset(seconds: int) -> str:
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
