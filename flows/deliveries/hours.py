"""The energy of a site by hours of UTC, from the warehouse: what most targets are given.

An interval counts in the hour in which it begins. What is unknown in `analytics.hourly`, because the site has no meter, is
unknown here. A charge session counts as if it had charged evenly.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ENERGIES: Final = ("solar", "grid_in", "grid_out", "battery_in", "battery_out", "home")
"""Energy in Wh, in the order of `_HOURS`."""

CARS: Final = "cars"
AMOUNTS: Final = ("cost", "compensation")
"""Money, in the currency of the site's tariff."""

_HOURS: Final = """
with known as (
    select
        local_date,
        bool_or(home_kwh is not null) as has_home,
        bool_or(grid_import_kwh is not null) as has_meter
    from analytics.hourly
    where site_id = $site
    group by local_date
)
select
    epoch_us(interval_start) // 3600000000 as hour,
    sum(solar_energy_exported_wh) as solar,
    sum(case when has_meter then grid_energy_imported_wh end) as grid_in,
    sum(case when has_meter then list_sum([
        grid_energy_exported_from_solar_wh, grid_energy_exported_from_generator_wh, grid_energy_exported_from_battery_wh
    ]) end) as grid_out,
    sum(list_sum([
        battery_energy_imported_from_grid_wh, battery_energy_imported_from_solar_wh,
        battery_energy_imported_from_generator_wh
    ])) as battery_in,
    sum(battery_energy_exported_wh) as battery_out,
    sum(case when has_home then list_sum([
        consumer_energy_imported_from_grid_wh, consumer_energy_imported_from_solar_wh,
        consumer_energy_imported_from_battery_wh, consumer_energy_imported_from_generator_wh
    ]) end) as home
from main.energy_intervals
left join known using (local_date)
where site_id = $site
group by hour
order by hour
"""

_CARS: Final = """
with sessions as (
    select
        epoch_us(started_at) as begun_us,
        greatest(epoch_us(ended_at), epoch_us(started_at) + 1) as ended_us,
        energy_added_wh as wh
    from main.charge_sessions
    where site_id = $site and ended_at is not null and energy_added_wh > 0
),
parts as (
    select
        sessions.*,
        unnest(range(begun_us // 3600000000, (ended_us - 1) // 3600000000 + 1)) as hour
    from sessions
)
select
    hour,
    sum(
        wh * (least(ended_us, (hour + 1) * 3600000000) - greatest(begun_us, hour * 3600000000)) / (ended_us - begun_us)
    ) as wh
from parts
group by hour
order by hour
"""

_AMOUNTS: Final = """
select
    epoch_us(starts_at) // 3600000000 as hour,
    currency,
    sum(import_cost)::double as cost,
    sum(export_credit)::double as compensation
from main.hourly_costs
where site_id = $site and currency is not null and (import_cost is not null or export_credit is not null)
group by hour, currency
order by hour, max(starts_at)
"""

_SITE: Final = "select site_name, has_battery from analytics.sites where site_id = $site"


@dataclass(frozen=True, slots=True)
class Column:
    """One flow of a site, or an amount of money, in hours that are known.

    Attributes:
        name: What it is.
        unit: `Wh`, or the code of a currency.
        hours: Hours since 1970, UTC, ascending.
        values: Its value in each.
    """

    name: str
    unit: str
    hours: Ints
    values: Floats

    def months(self) -> npt.NDArray[np.str_]:
        """The month of each hour, UTC: `2025-03`."""
        return self.hours.astype("datetime64[h]").astype("datetime64[M]").astype(str)


@dataclass(frozen=True, slots=True)
class SiteHours:
    """The hours of a site.

    Attributes:
        site_id: The site.
        site_name: Its name.
        columns: What is known of it, by name; flows of devices that it does not have are missing.
    """

    site_id: int
    site_name: str
    columns: dict[str, Column]


def hours_of(connection: duckdb.DuckDBPyConnection, site_id: int) -> SiteHours:
    """The hours of a site that a warehouse has.

    Args:
        connection: The warehouse.
        site_id: The site.
    """
    site = connection.execute(_SITE, {"site": site_id}).fetchall()
    name, has_battery = site[0] if site else (None, False)
    found = connection.execute(_HOURS, {"site": site_id}).fetchnumpy()
    columns = [_column(flow, "Wh", found["hour"], found[flow]) for flow in ENERGIES]
    cars = connection.execute(_CARS, {"site": site_id}).fetchnumpy()
    columns.append(_column(CARS, "Wh", cars["hour"], cars["wh"]))
    columns += _amounts(connection, site_id)
    return SiteHours(
        site_id,
        str(name or site_id),
        {
            column.name: column
            for column in columns
            if len(column.hours) and (has_battery or not column.name.startswith("battery_"))
        },
    )


def _amounts(connection: duckdb.DuckDBPyConnection, site_id: int) -> list[Column]:
    """What energy cost, in the currency of the last hour: a sum of two currencies would be none."""
    rows = connection.execute(_AMOUNTS, {"site": site_id}).fetchall()
    currency = rows[-1][1] if rows else ""
    of_currency = [row for row in rows if row[1] == currency]
    hours = np.array([row[0] for row in of_currency], dtype=np.int64)
    return [
        _column(name, currency, hours, np.array([row[at] for row in of_currency], dtype=np.float64))
        for at, name in enumerate(AMOUNTS, start=2)
    ]


def amounts_left_out(connection: duckdb.DuckDBPyConnection, site_id: int) -> list[str]:
    """A sentence for each currency whose hours are left out, since it is not that of the last hour.

    Args:
        connection: The warehouse.
        site_id: The site.
    """
    currencies = [row[1] for row in connection.execute(_AMOUNTS, {"site": site_id}).fetchall()]
    return [
        f"site {site_id}: {hours:,} hours with costs in {currency} are left out, since the latest costs are in {currencies[-1]}"
        for currency, hours in sorted(Counter(currencies).items())
        if currency != currencies[-1]
    ]


def _column(name: str, unit: str, hours: Any, values: Any) -> Column:
    """The hours in which a column is known, from arrays of DuckDB, which are masked where a value is NULL."""
    plain = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
    is_known = ~np.isnan(plain)
    return Column(name, unit, np.asarray(hours, dtype=np.int64)[is_known], np.round(plain[is_known], 6) + 0.0)
