"""The history of a site as points of InfluxDB: power and state of energy by intervals, energy by hours and by days.

Layout `wattlog` has measurements of its own. Layout `powerwall-dashboard` has what that tool's boards read: measurement `http`
in the retention policies `autogen`, `kwh` and `daily`, tagged with the month of the site's clock, and the gateway's percentage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd

from flows.deliveries.hours import AMOUNTS, Floats, Ints, hours_of
from flows.deliveries.sites import zone_of
from flows.publish_settings import InfluxSchema
from transform.imports.mapping import gateway_scale
from wattlog.local_days import first_instants_us

SOURCE: Final = "wattlog"
HTTP: Final = "http"

_POWER: Final = """
select epoch_us(interval_start) // 1000000 as second, solar_w, battery_w, grid_w, home_w
from main.power
where site_id = $site
order by second
"""
_SOE: Final = """
select epoch_us(interval_start) // 1000000 as second, soe_pct
from main.state_of_energy
where site_id = $site
order by second
"""
_DAYS: Final = """
select
    local_date, solar_energy_exported_wh as solar, grid_energy_imported_wh as grid_in, grid_export_wh as grid_out,
    battery_charge_wh as battery_in, battery_energy_exported_wh as battery_out, home_wh as home
from main.daily
where site_id = $site and status <> 'missing'
order by local_date
"""

_KWH_FIELDS: Final = {
    "home": "home",
    "solar": "solar",
    "from_pw": "battery_out",
    "to_pw": "battery_in",
    "from_grid": "grid_in",
    "to_grid": "grid_out",
}
"""Field of the dashboard → flow."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one measurement.

    Attributes:
        policy: The retention policy; empty for the default one.
        measurement: The measurement.
        seconds: When each point is, since 1970, ascending.
        fields: Field → values; NaN where a point has none.
        tags: Tag → values, beside those that all points have.
    """

    policy: str
    measurement: str
    seconds: Ints
    fields: Mapping[str, Floats]
    tags: Mapping[str, np.ndarray] = field(default_factory=dict)

    def taken(self, chosen: np.ndarray) -> "Points":
        """Some of the points."""
        return Points(
            self.policy,
            self.measurement,
            self.seconds[chosen],
            {name: values[chosen] for name, values in self.fields.items()},
            {name: values[chosen] for name, values in self.tags.items()},
        )

    def months(self) -> np.ndarray:
        """The month of each point, UTC: `2025-03`."""
        return self.seconds.astype("datetime64[s]").astype("datetime64[M]").astype(str)

    def lines(self, site_id: int) -> Iterator[str]:
        """The points in line protocol, times in seconds; a point without a value is none."""
        names = list(self.fields)
        columns = [self.fields[name].tolist() for name in names]
        tags = [values.tolist() for values in self.tags.values()]
        for at, second in enumerate(self.seconds.tolist()):
            values = [
                f"{name}={column[at]!r}"
                for name, column in zip(names, columns, strict=True)
                if column[at] == column[at]
            ]
            if values:
                more = "".join(f",{name}={of[at]}" for name, of in zip(self.tags, tags, strict=True))
                yield f"{self.measurement},site={site_id},source={SOURCE}{more} {','.join(values)} {second}"


def points_of(connection: duckdb.DuckDBPyConnection, site_id: int, layout: InfluxSchema, now: datetime) -> list[Points]:
    """All points of a site.

    Args:
        connection: The warehouse.
        site_id: The site.
        layout: How points are named.
        now: The present instant: the dashboard's server sums up the last two days itself, also what others write into them.
    """
    zone = zone_of(connection, site_id)
    power, soe = _numbers(connection, _POWER, site_id), _numbers(connection, _SOE, site_id)
    days = connection.execute(_DAYS, {"site": site_id}).fetchnumpy()
    dates = np.ma.filled(days.pop("local_date")).astype("datetime64[D]")
    daily = {name: _plain(values) for name, values in days.items()}
    begun = first_instants_us(dates, zone) // 1_000_000
    hours = hours_of(connection, site_id)
    hourly = _table({name: (of.hours * 3600, of.values) for name, of in hours.columns.items()})
    if layout is InfluxSchema.WATTLOG:
        return [
            Points("", "wattlog_power", power.pop("second").astype(np.int64), power),
            Points("", "wattlog_soe", soe.pop("second").astype(np.int64), soe),
            Points("", "wattlog_hours", hourly[0], {_own(name): values for name, values in hourly[1].items()}),
            Points("", "wattlog_days", begun, {_own(name): values for name, values in daily.items()}),
        ]
    until = now.astimezone(zone).date() - timedelta(days=1)
    last = int(first_instants_us(np.array([until], dtype="datetime64[D]"), zone)[0]) // 1_000_000
    found = [
        Points("autogen", HTTP, *_minutes(power, soe)),
        Points("kwh", HTTP, hourly[0], _kwh(hourly[1], len(hourly[0]))),
        Points("daily", HTTP, begun, _kwh(daily, len(begun))),
    ]
    return [_tagged(points.taken(points.seconds < last), zone) for points in found]


def _own(name: str) -> str:
    return name if name in AMOUNTS else f"{name}_wh"


def _numbers(connection: duckdb.DuckDBPyConnection, query: str, site_id: int) -> dict[str, Any]:
    return {name: _plain(values) for name, values in connection.execute(query, {"site": site_id}).fetchnumpy().items()}


def _plain(values: Any) -> Floats:
    return np.asarray(np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan))


def _table(columns: Mapping[str, tuple[Ints, Floats]]) -> tuple[Ints, dict[str, Floats]]:
    """Columns that have values at different times, at all of these times."""
    nothing = np.zeros(0, dtype=np.int64)
    seconds = np.unique(np.concatenate([at for at, _ in columns.values()])) if columns else nothing
    found = {}
    for name, (at, values) in columns.items():
        found[name] = np.full(len(seconds), np.nan)
        found[name][np.searchsorted(seconds, at)] = values
    return seconds, found


def _minutes(power: dict[str, Any], soe: dict[str, Any]) -> tuple[Ints, dict[str, Floats]]:
    """Power in the dashboard's fields: each direction by itself."""
    at, soe_at = power["second"].astype(np.int64), soe["second"].astype(np.int64)
    battery, grid = power["battery_w"], power["grid_w"]
    return _table(
        {
            "home": (at, power["home_w"]),
            "solar": (at, power["solar_w"]),
            "from_pw": (at, np.maximum(battery, 0.0)),
            "to_pw": (at, np.maximum(-battery, 0.0)),
            "from_grid": (at, np.maximum(grid, 0.0)),
            "to_grid": (at, np.maximum(-grid, 0.0)),
            "percentage": (soe_at, gateway_scale(soe["soe_pct"])),
        }
    )


def _kwh(flows: Mapping[str, Floats], count: int) -> dict[str, Floats]:
    unknown = np.full(count, np.nan)
    return {name: flows.get(flow, unknown) / 1000 for name, flow in _KWH_FIELDS.items()}


def _tagged(points: Points, zone: Any) -> Points:
    """With the month and the year of the site's clock, as the dashboard's collector writes them."""
    local = pd.DatetimeIndex(points.seconds.astype("datetime64[s]")).tz_localize("UTC").tz_convert(zone)
    months = np.array(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
    tags = {"month": months[local.month.to_numpy() - 1], "year": local.year.to_numpy().astype(str)}
    return Points(points.policy, points.measurement, points.seconds, points.fields, tags)
