"""PVOutput: an output a day, and statuses of the last days by intervals, each on the site's clock.

Outputs have no limit of age. Statuses are taken for some days only, so an older day is no part of the history there. What was
given is never taken back: a day that the warehouse has no more stays.
Export is left out on days on which a battery gave more to the grid than the panels generated, since PVOutput refuses it.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import duckdb
import pandas as pd

from extract.api.client import Clock, utc_now
from extract.services.pvoutput import PVOutput
from flows.deliveries.sites import zone_of
from flows.deliveries.target import Part, Target, digest_of
from flows.publish_settings import TargetSettings

DAYS: Final = 14
DAYS_DONATED: Final = 90
"""For how long statuses are taken."""

_OUTPUTS: Final = """
select
    strftime(local_date, '%Y-%m') as month,
    strftime(local_date, '%Y%m%d') as day,
    round(solar_energy_exported_wh)::bigint as generated,
    round(grid_export_wh)::bigint as exported,
    round(grid_energy_imported_wh)::bigint as imported,
    round(home_wh)::bigint as consumed
from main.daily
where site_id = $site and status <> 'missing' and solar_energy_exported_wh is not null and local_date < $today::date
order by local_date
"""

_STATUSES: Final = """
with known as (
    select local_date, bool_or(home_kwh is not null) as has_home
    from analytics.hourly
    where site_id = $site
    group by local_date
),
intervals as (
    select
        interval_start,
        interval_s,
        local_date,
        has_home,
        solar_energy_exported_wh as solar,
        list_sum([
            consumer_energy_imported_from_grid_wh, consumer_energy_imported_from_solar_wh,
            consumer_energy_imported_from_battery_wh, consumer_energy_imported_from_generator_wh
        ]) as home
    from main.energy_intervals
    left join known using (local_date)
    where site_id = $site and local_date between $first::date and $today::date
)
select
    local_date,
    epoch_us(interval_start) // 1000000 as second,
    round(sum(solar) over day)::bigint as generated,
    round(solar * 3600 / interval_s)::bigint as generating,
    case when has_home then round(sum(home) over day)::bigint end as consumed,
    case when has_home then round(home * 3600 / interval_s)::bigint end as consuming
from intervals
window day as (partition by local_date order by interval_start)
order by interval_start
"""


class _PVOutputTarget(Target):
    """Rows of an account, by month or by day.

    Args:
        account: The account.
        settings: The target.
        clock: Returns the present instant.
    """

    can_withdraw = False
    kind = ""

    def __init__(self, account: PVOutput, settings: TargetSettings, clock: Clock = utc_now) -> None:
        systems = ",".join(f"{site}={system}" for site, system in sorted(settings.systems.items()))
        self.key = f"pvoutput {settings.address.rstrip('/')} {systems} {self.kind}"
        self.name = f"{settings.shown_name}: {self.kind}"
        self._account, self._systems, self._clock = account, settings.systems, clock
        self._days = DAYS_DONATED if settings.donation else DAYS
        self._rows: dict[int, dict[str, list[str]]] = {}

    def parts(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[Part]:
        """See `Target`; a site without a system has no parts."""
        found = self._found(connection, site_id) if site_id in self._systems else {}
        self._rows[site_id] = found
        return [Part(site_id, name, digest_of(";".join(rows)), len(rows)) for name, rows in sorted(found.items())]

    def send(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[Part]:
        """See `Target`."""
        del connection
        for part in parts:
            self._add(self._systems[part.site_id], self._rows[part.site_id][part.month])
            yield part

    def withdraw(self, site_id: int, months: Sequence[str]) -> bool:
        """See `Target`; nothing is ever withdrawn."""
        del site_id, months
        return False

    def _today(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> date:
        return self._clock().astimezone(zone_of(connection, site_id)).date()

    @abstractmethod
    def _found(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> dict[str, list[str]]:
        """The rows of a site, as PVOutput takes them, by the name of their part."""

    @abstractmethod
    def _add(self, system_id: int, rows: Sequence[str]) -> None:
        """Send the rows of a part to a system."""


class OutputsTarget(_PVOutputTarget):
    """Outputs of days, by month; of days that are over."""

    kind = "outputs"

    def _found(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        given = {"site": site_id, "today": self._today(connection, site_id)}
        for month, day, generated, exported, imported, consumed in connection.execute(_OUTPUTS, given).fetchall():
            is_possible = exported is not None and exported <= generated
            fields = [day, generated, exported if is_possible else "", *[""] * 6, _text(imported), *[""] * 3]
            found.setdefault(month, []).append(",".join(str(field) for field in (*fields, _text(consumed))))
        return found

    def _add(self, system_id: int, rows: Sequence[str]) -> None:
        self._account.add_outputs(system_id, rows)


class StatusesTarget(_PVOutputTarget):
    """Statuses of the days for which they are taken, by day: energy since midnight, and power."""

    kind = "statuses"

    def _found(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> dict[str, list[str]]:
        zone, today = zone_of(connection, site_id), self._today(connection, site_id)
        given = {"site": site_id, "first": today - timedelta(days=self._days - 1), "today": today}
        found: dict[str, dict[str, str]] = {}
        for local_date, second, *values in connection.execute(_STATUSES, given).fetchall():
            local = pd.Timestamp(second, unit="s", tz="UTC").tz_convert(zone)
            label = f"{local:%H:%M}"  # of an hour that comes twice, the second one replaces the first
            row = ",".join((f"{local_date:%Y%m%d}", label, *(_text(value) for value in values)))
            found.setdefault(local_date.isoformat(), {})[label] = row
        return {day: list(rows.values()) for day, rows in found.items()}

    def _add(self, system_id: int, rows: Sequence[str]) -> None:
        self._account.add_statuses(system_id, rows)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
