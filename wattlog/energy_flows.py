"""The sixteen energy flows that the API measures, in the order it gives them. Source: responses of kind=energy."""

from typing import Final

FLOW_DESCRIPTIONS: Final[dict[str, str]] = {
    "solar_energy_exported": "Energy the solar panels generated.",
    "generator_energy_exported": "Energy the generator delivered.",
    "grid_energy_imported": "Energy taken from the grid.",
    "grid_services_energy_imported": "Energy taken from the grid for grid services (a virtual power plant).",
    "grid_services_energy_exported": "Energy given to the grid for grid services (a virtual power plant).",
    "grid_energy_exported_from_solar": "Solar energy exported to the grid.",
    "grid_energy_exported_from_generator": "Generator energy exported to the grid.",
    "grid_energy_exported_from_battery": "Battery energy exported to the grid.",
    "battery_energy_exported": "Energy the battery discharged.",
    "battery_energy_imported_from_grid": "Grid energy that charged the battery.",
    "battery_energy_imported_from_solar": "Solar energy that charged the battery.",
    "battery_energy_imported_from_generator": "Generator energy that charged the battery.",
    "consumer_energy_imported_from_grid": "Grid energy the home used.",
    "consumer_energy_imported_from_solar": "Solar energy the home used.",
    "consumer_energy_imported_from_battery": "Battery energy the home used.",
    "consumer_energy_imported_from_generator": "Generator energy the home used.",
}
"""The API's name of each flow → what it is."""

API_FLOWS: Final[tuple[str, ...]] = tuple(FLOW_DESCRIPTIONS)
"""Names as the API spells them, in Wh; the documentation page says kWh, its own example and every real response say Wh."""

FLOWS: Final[tuple[str, ...]] = tuple(f"{name}_wh" for name in API_FLOWS)
"""The same names as columns of the lake."""
