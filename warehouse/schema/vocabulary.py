"""The field's vocabulary: the columns and measures that several tables share."""

from warehouse.schema.declaration import Field, Kind, Unit

FLOW_DESCRIPTIONS: dict[str, str] = {
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
"""The API's sixteen energy measures in the order it gives them. Source: answers of kind=energy."""

API_FLOWS: tuple[str, ...] = tuple(FLOW_DESCRIPTIONS)
"""Names as the API spells them, in Wh; the documentation page says kWh, its own example and every real answer say Wh."""

FLOWS: tuple[str, ...] = tuple(f"{name}_wh" for name in API_FLOWS)
"""The same names as columns of the lake."""

MAX_POWER_W = 1e9
"""The API's own "no limit" sentinel is ±1e9 W (Q38): a power at or past it is not a measurement."""

MAX_INTERVAL_WH = 1e9
"""No site of any size moves a gigawatt-hour in an interval; past it a number is a fault."""

SITE_ID = Field("site_id", Kind.BIGINT, "Energy site; up to 16 digits.", nullable=False, bounds=(0, 2**63 - 1))
LOCAL_DATE = Field("local_date", Kind.DATE, "The site's calendar day.", nullable=False)
INTERVAL_START = Field(
    "interval_start", Kind.TIMESTAMPTZ, "Beginning of the half-open interval, UTC.", nullable=False, source="Q33"
)
INTERVAL_S = Field(
    "interval_s",
    Kind.INTEGER,
    "Length of the interval, measured from the rows.",
    Unit.S,
    nullable=False,
    bounds=(1, 90_000),
)
LINEAGE = (
    Field("_fetched_at", Kind.TIMESTAMPTZ, "When the answer that holds this row was asked.", nullable=False),
    Field("_raw_id", Kind.VARCHAR, "The answer in the raw archive.", nullable=False),
    Field("_run_id", Kind.VARCHAR, "The run that asked.", nullable=False),
)
FLOW_FIELDS = tuple(
    Field(f"{name}_wh", Kind.DOUBLE, text, Unit.WH, bounds=(0, MAX_INTERVAL_WH), source="Q24")
    for name, text in FLOW_DESCRIPTIONS.items()
)


def watts(name: str, text: str) -> Field:
    """A column of power, bounded by the API's own sentinel."""
    return Field(name, Kind.DOUBLE, text, Unit.W, bounds=(-MAX_POWER_W, MAX_POWER_W))


POWERS = (
    watts("solar_w", "Mean solar power over the interval."),
    watts("battery_w", "Mean battery power; + discharge, − charge."),
    watts("grid_w", "Mean grid power; + import, − export."),
    watts("grid_services_w", "Mean grid-services power."),
    watts("generator_w", "Mean generator power."),
)
