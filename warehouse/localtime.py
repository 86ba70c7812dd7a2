"""How instants are written as text: ISO 8601 with the offset in force at the site at that moment, or in UTC."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a query of plain types needs none of it
    import pyarrow as pa

_SECOND_US = 1_000_000


class Clock(StrEnum):
    """The clock by which an export or a query writes instants."""

    LOCAL = "local"
    UTC = "utc"


def zone(name: str | None) -> tzinfo:
    """The zone behind `sites.timezone`: an IANA name, or a fixed offset as `UTC-07:00` (Q7).

    Instants of a site without a zone (a ghost) are written in UTC, with +00:00.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: No such zone.
    """
    from wattlog.zones import Zone, zone_named

    if not name:
        return UTC
    return zone_named(name) or Zone(name)  # it raises the error that names it


@dataclass(frozen=True, slots=True)
class Stamper:
    """Writes instants as text.

    Attributes:
        zones: Zone by site; empty when everything is written in UTC.
        fallback: The zone of a row that names no site.
    """

    zones: dict[int, tzinfo] = field(default_factory=dict)
    fallback: tzinfo = UTC

    def stamp(self, instants: "pa.Array", sites: "pa.Array | None") -> "pa.Array":
        """`instants` as ISO 8601 with offset, each by its own site's clock.

        **Shape**: n instants (and the n sites they belong to) → n strings; NULL stays NULL.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if sites is None or not self.zones:
            return _in_zone(instants, self.fallback)
        stamps = pa.nulls(len(instants), pa.string())
        for site in pc.unique(sites).to_pylist():
            is_here = pc.is_null(sites) if site is None else pc.fill_null(pc.equal(sites, site), False)
            here = _in_zone(instants.filter(is_here), self.zones.get(site, self.fallback))
            stamps = pc.replace_with_mask(stamps, is_here, here)
        return stamps


def iso(naive: "pa.Array") -> "pa.Array":
    """Timestamps without zone as `2025-03-09T01:55:00`, with a fraction only where any of them has one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from warehouse.arrow_values import whole_scalar

    micros = naive.cast(pa.timestamp("us"), safe=False)
    whole = pc.all(pc.equal(pc.subtract(micros.cast(pa.int64()), _whole_seconds(micros)), whole_scalar(0))).as_py()
    text = micros.cast(pa.timestamp("s"), safe=False).cast(pa.string()) if whole else micros.cast(pa.string())
    return pc.replace_substring(text, " ", "T")


def _whole_seconds(micros: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    from warehouse.arrow_values import whole_scalar

    second = whole_scalar(_SECOND_US)
    return pc.multiply(pc.divide(micros.cast(pa.int64()), second), second)


def _in_zone(instants: "pa.Array", site_zone: tzinfo) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    from warehouse.arrow_values import text_scalar

    if site_zone is UTC:
        stamps = iso(instants.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")))
        return pc.binary_join_element_wise(stamps, text_scalar("+00:00"), text_scalar(""))
    import numpy as np
    import pandas as pd  # takes most of a second, which a query in UTC need not wait for

    utc = pd.Series(instants.cast(pa.timestamp("us", tz="UTC")).to_pandas())
    naive_utc = utc.dt.tz_localize(None)
    naive_local = utc.dt.tz_convert(site_zone).dt.tz_localize(None)
    offset_s = ((naive_local - naive_utc) // pd.Timedelta(seconds=1)).to_numpy(dtype="float64", na_value=0.0)
    distinct, position = np.unique(offset_s, return_inverse=True)
    suffixes = pa.array([_offset(int(seconds)) for seconds in distinct], pa.string()).take(pa.array(position))
    return pc.binary_join_element_wise(iso(pa.array(naive_local, from_pandas=True)), suffixes, "")


def _offset(seconds: int) -> str:
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
