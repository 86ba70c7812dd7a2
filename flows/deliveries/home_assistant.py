"""Home Assistant: external statistics `wattlog:SITE_FLOW`, by hours of UTC, over its websocket.

Each hour has its energy as `state`, and as `sum` all energy up to its end, of which the Energy dashboard takes differences. An
hour that was restated changes every later sum, and all of them are sent again; Home Assistant replaces hours by their start.
It cannot remove single hours: where some are gone, the statistics of the site are cleared and sent anew.

What is sent is queued there. A month is noted as delivered only after its last hours were read back.
Source: Home Assistant (its pages about external statistics and the websocket), and a core 2025.12.5.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import numpy as np

from extract.services.errors import ServiceRefused, ServiceUnavailable
from extract.services.home_assistant import NAME, HomeAssistant, logged_in
from flows.deliveries.energy_dashboard import SOURCE, DashboardChange, EnergyPrefs, statistic_of
from flows.deliveries.hours import AMOUNTS, CARS, ENERGIES, Column, SiteHours, amounts_left_out, hours_of
from flows.deliveries.target import Part, Target, digest_of

FLOWS: Final = (*ENERGIES, CARS, *AMOUNTS)

ROWS: Final = 2_000
"""Rows of a message: 160 kB, where 4 MB is the most that Home Assistant takes."""

MONTHS: Final = 12
"""Months that are sent before they are read back: 70,000 rows, for which it needs about a minute."""

STORED_WITHIN_S: Final = 600.0
LOOK_S: Final = 0.2
_NO_MEAN: Final = 0
_TITLES: Final = {
    "solar": "solar",
    "grid_in": "from grid",
    "grid_out": "to grid",
    "battery_in": "to battery",
    "battery_out": "from battery",
    "home": "home",
    "cars": "cars",
    "cost": "cost of imports",
    "compensation": "credit for exports",
}


@dataclass(frozen=True, slots=True)
class _Counter:
    """A column with its sums, in the unit that is sent: kWh, or money."""

    column: Column
    states: np.ndarray
    sums: np.ndarray
    months: np.ndarray

    @classmethod
    def of(cls, column: Column) -> "_Counter":
        divisor = 1000.0 if column.unit == "Wh" else 1.0
        sums = np.round(np.cumsum(column.values), 6)
        return cls(column, column.values / divisor, sums / divisor, column.months())


class HomeAssistantTarget(Target):
    """A Home Assistant.

    Args:
        url: Its address.
        token: A long-lived access token.
        name: Its name.
        sleep: Waits some seconds.
    """

    def __init__(self, url: str, token: str, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.key = f"home-assistant {url.rstrip('/')}"
        self.name = name
        self._url, self._token, self._sleep = url, token, sleep
        self._counters: dict[int, tuple[SiteHours, list[_Counter]]] = {}

    def parts(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[Part]:
        """See `Target`."""
        hours = hours_of(connection, site_id)
        counters = [_Counter.of(column) for column in hours.columns.values()]
        self._counters[site_id] = (hours, counters)
        months = sorted({str(month) for counter in counters for month in np.unique(counter.months)})
        return [_part(hours, counters, month) for month in months]

    def send(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[Part]:
        """See `Target`."""
        del connection
        with logged_in(self._url, self._token) as home:
            for first in range(0, len(parts), MONTHS):
                group = parts[first : first + MONTHS]
                months = [part.month for part in group]
                last = [self._send_counter(home, group[0].site_id, counter, months) for counter in self._of(group[0])]
                self._confirm(home, [row for row in last if row is not None])
                yield from group

    def _of(self, part: Part) -> list[_Counter]:
        return self._counters[part.site_id][1]

    def _send_counter(
        self, home: HomeAssistant, site_id: int, counter: _Counter, months: Sequence[str]
    ) -> tuple[str, int, float] | None:
        """Send the hours of some months; returns the last one, with its sum."""
        at = np.flatnonzero(np.isin(counter.months, months))
        if not len(at):
            return None
        statistic_id = statistic_of(site_id, counter.column.name)
        for first in range(0, len(at), ROWS):
            home.call(
                "recorder/import_statistics",
                metadata=self._metadata(site_id, counter.column),
                stats=[
                    {"start": _instant(hour), "state": state, "sum": total}
                    for hour, state, total in zip(
                        counter.column.hours[at[first : first + ROWS]].tolist(),
                        counter.states[at[first : first + ROWS]].tolist(),
                        counter.sums[at[first : first + ROWS]].tolist(),
                        strict=True,
                    )
                ],
            )
        return statistic_id, int(counter.column.hours[at[-1]]), float(counter.sums[at[-1]])

    def _metadata(self, site_id: int, column: Column) -> dict[str, Any]:
        is_energy = column.unit == "Wh"
        return {
            "statistic_id": statistic_of(site_id, column.name),
            "source": SOURCE,
            "name": f"{self._counters[site_id][0].site_name} {_TITLES[column.name]}",
            "has_sum": True,
            "mean_type": _NO_MEAN,
            "unit_class": "energy" if is_energy else None,
            "unit_of_measurement": "kWh" if is_energy else column.unit,
        }

    def _confirm(self, home: HomeAssistant, last: Sequence[tuple[str, int, float]]) -> None:
        """Wait until the last hours that were sent are stored.

        Raises:
            ServiceUnavailable: They are not, within the time that this should take.
        """
        waited_s = 0.0
        for statistic_id, hour, total in last:
            while not _is_stored(home, statistic_id, hour, total):
                if waited_s >= STORED_WITHIN_S:
                    raise ServiceUnavailable(NAME, f"{statistic_id} was sent and is not stored")
                self._sleep(LOOK_S)
                waited_s += LOOK_S

    def withdraw(self, site_id: int, months: Sequence[str]) -> bool:
        """See `Target`."""
        del months
        with logged_in(self._url, self._token) as home:
            home.call("recorder/clear_statistics", statistic_ids=[statistic_of(site_id, flow) for flow in FLOWS])
        return True

    def left_out(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[str]:
        """See `Target`."""
        return amounts_left_out(connection, site_id)

    # --- the Energy dashboard -----------------------------------------------------------------------------------------

    def set_up_dashboard(self, connection: duckdb.DuckDBPyConnection, site_ids: Sequence[int]) -> DashboardChange:
        """Add the sites to the Energy dashboard, and keep what is there."""
        columns = {site_id: hours_of(connection, site_id).columns for site_id in site_ids}
        units = {site_id: {name: of.unit for name, of in found.items()} for site_id, found in columns.items()}
        with logged_in(self._url, self._token) as home:
            try:
                before = home.call("energy/get_prefs")
            except ServiceRefused as error:
                if "not_found" not in error.detail:
                    raise
                before = {}
            prefs = EnergyPrefs.of(before, str(home.call("get_config")["currency"]))
            for site_id in site_ids:
                prefs.add_site(site_id, units[site_id])
            if prefs.change.added:
                home.call("energy/save_prefs", energy_sources=prefs.sources, device_consumption=prefs.devices)
        return prefs.change


def _part(hours: SiteHours, counters: Sequence[_Counter], month: str) -> Part:
    begin = int(np.datetime64(month, "M").astype("datetime64[h]").astype(np.int64))
    contents: list[Any] = [hours.site_name]
    extent, rows = dict[str, str](), 0
    for counter in counters:
        at = np.flatnonzero(counter.months == month)
        if len(at):
            contents += [counter.column.name, counter.column.unit, counter.column.hours[at]]
            contents += [counter.states[at], counter.sums[at]]
            bits = sum(1 << offset for offset in (counter.column.hours[at] - begin).tolist())
            extent[counter.column.name] = f"{bits:x}"
            rows += len(at)
    return Part(hours.site_id, month, digest_of(*contents), rows, extent)


def _instant(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).isoformat()


def _is_stored(home: HomeAssistant, statistic_id: str, hour: int, total: float) -> bool:
    found = home.call(
        "recorder/statistics_during_period",
        start_time=_instant(hour),
        end_time=_instant(hour + 1),
        statistic_ids=[statistic_id],
        period="hour",
        types=["sum"],
    )
    return any(row["sum"] == total for row in found.get(statistic_id, ()))
