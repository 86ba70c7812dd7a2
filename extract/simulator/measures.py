"""The API's names of its measures, and the sums that hold between them."""

FLOWS: tuple[str, ...] = (
    "solar_energy_exported",
    "generator_energy_exported",
    "grid_energy_imported",
    "grid_services_energy_imported",
    "grid_services_energy_exported",
    "grid_energy_exported_from_solar",
    "grid_energy_exported_from_generator",
    "grid_energy_exported_from_battery",
    "battery_energy_exported",
    "battery_energy_imported_from_grid",
    "battery_energy_imported_from_solar",
    "battery_energy_imported_from_generator",
    "consumer_energy_imported_from_grid",
    "consumer_energy_imported_from_solar",
    "consumer_energy_imported_from_battery",
    "consumer_energy_imported_from_generator",
)
"""The sixteen measures of kind=energy, in the order the API gives them. Source: API.md#requests."""

EXPORTS: tuple[str, ...] = FLOWS[5:8]
CHARGES: tuple[str, ...] = FLOWS[9:12]
HOME: tuple[str, ...] = FLOWS[12:16]

SOURCES: dict[str, tuple[str, ...]] = {
    "solar_energy_exported": (
        "consumer_energy_imported_from_solar",
        "battery_energy_imported_from_solar",
        "grid_energy_exported_from_solar",
    ),
    "generator_energy_exported": (
        "consumer_energy_imported_from_generator",
        "battery_energy_imported_from_generator",
        "grid_energy_exported_from_generator",
    ),
    "grid_energy_imported": ("consumer_energy_imported_from_grid", "battery_energy_imported_from_grid"),
    "battery_energy_exported": ("consumer_energy_imported_from_battery", "grid_energy_exported_from_battery"),
}
"""Each source and the flows that it is the sum of, in every row of a site with a grid meter. Source: API.md#flow-identities."""

TOTALS: dict[str, tuple[str, ...]] = {
    "total_home_usage": HOME,
    "total_battery_discharge": ("battery_energy_exported",),
    "total_solar_generation": ("solar_energy_exported",),
    "total_battery_charge": CHARGES,
    "total_grid_energy_exported": EXPORTS,
}
"""Derived measures of a row and the flows that they sum; left out if zero. Source: Q42."""

POWERS: tuple[str, ...] = ("solar_power", "battery_power", "grid_power", "grid_services_power", "generator_power")
"""The measures of kind=power, in the order the API gives them. Source: API.md#requests."""
