"""The sources of Home Assistant's Energy dashboard, with those of a site added: what is there stays.

The dashboard shows every amount in the currency of Home Assistant. Costs in another currency are therefore left out of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flows.deliveries.hours import AMOUNTS, CARS

SOURCE: Final = "wattlog"

_DIRECTIONS: Final = (
    ("flow_from", "stat_energy_from", "grid_in", "stat_cost", "cost"),
    ("flow_to", "stat_energy_to", "grid_out", "stat_compensation", "compensation"),
)
"""Of the grid: list, key of the energy, its flow, key of the amount, its flow."""

_PRICES: Final = ("entity_energy_price", "number_energy_price")


def statistic_of(site_id: int, flow: str) -> str:
    """The id of a statistic."""
    return f"{SOURCE}:{site_id}_{flow}"


@dataclass(slots=True)
class DashboardChange:
    """What came of a change of the dashboard.

    Attributes:
        added: Statistics that were added.
        left_out: What was not added, and why, in sentences.
    """

    added: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class EnergyPrefs:
    """The preferences of the dashboard.

    Attributes:
        sources: Its sources of energy.
        devices: Its devices.
        currency: The currency of Home Assistant.
        change: What was added and left out.
    """

    sources: list[Any]
    devices: list[Any]
    currency: str
    change: DashboardChange = field(default_factory=DashboardChange)

    @classmethod
    def of(cls, before: Mapping[str, Any], currency: str) -> "EnergyPrefs":
        """From what `energy/get_prefs` returned."""
        return cls(list(before.get("energy_sources", [])), list(before.get("device_consumption", [])), currency)

    def add_site(self, site_id: int, units: Mapping[str, str]) -> None:
        """Add the flows of a site that are not among the sources yet.

        Args:
            site_id: The site.
            units: Flow → its unit, of the flows that the site has.
        """
        ids = {flow: statistic_of(site_id, flow) for flow in units}
        if self._is_new(ids, "solar"):
            self.sources.append(
                {"type": "solar", "stat_energy_from": ids["solar"], "config_entry_solar_forecast": None}
            )
        self._add_grid(ids)
        self._add_amounts(site_id, ids, units)
        if "battery_in" in ids and self._is_new(ids, "battery_out"):
            self.sources.append(
                {"type": "battery", "stat_energy_from": ids["battery_out"], "stat_energy_to": ids["battery_in"]}
            )
        if self._is_new(ids, CARS):
            self.devices.append({"stat_consumption": ids[CARS], "name": "Cars"})

    def _is_new(self, ids: Mapping[str, str], flow: str) -> bool:
        if flow not in ids or f"'{ids[flow]}'" in f"{self.sources} {self.devices}":
            return False
        self.change.added.append(ids[flow])
        return True

    def _add_grid(self, ids: Mapping[str, str]) -> None:
        for flows, energy_key, energy, amount_key, _ in _DIRECTIONS:
            if self._is_new(ids, energy):
                grid = next((source for source in self.sources if source.get("type") == "grid"), None)
                if grid is None:
                    grid = {"type": "grid", "flow_from": [], "flow_to": [], "cost_adjustment_day": 0.0}
                    self.sources.append(grid)
                flow = {energy_key: ids[energy], amount_key: None, **dict.fromkeys(_PRICES)}
                grid[flows] = [*grid[flows], flow]

    def _add_amounts(self, site_id: int, ids: Mapping[str, str], units: Mapping[str, str]) -> None:
        """Costs and credits of the site's flows that have neither these nor a price."""
        others = {units[amount] for amount in AMOUNTS if amount in units} - {self.currency}
        self.change.left_out += [
            f"site {site_id}: costs in {other} are not on the Energy dashboard, since the currency of Home Assistant is "
            f"{self.currency}; it can be changed in Settings > System > General"
            for other in sorted(others)
        ]
        for source in self.sources:
            for flows, energy_key, energy, amount_key, amount in _DIRECTIONS if source.get("type") == "grid" else ():
                if units.get(amount) != self.currency:
                    continue
                for flow in source[flows]:
                    is_free = all(flow.get(key) is None for key in (amount_key, *_PRICES))
                    if flow.get(energy_key) == ids.get(energy) and is_free:
                        flow[amount_key] = ids[amount]
                        self.change.added.append(ids[amount])
