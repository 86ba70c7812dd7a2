"""Columns that several models share."""

from warehouse.schema import SITES, Field, Kind, Unit


def kwh(name: str, text: str) -> Field:
    """A column of energy."""
    return Field(name, Kind.DOUBLE, text, Unit.KWH)


def pct(name: str, text: str) -> Field:
    """A column of shares."""
    return Field(name, Kind.DOUBLE, text, Unit.PCT)


def hours(name: str, text: str) -> Field:
    """A column of durations."""
    return Field(name, Kind.DOUBLE, text, Unit.H)


SITE = (SITES.field("site_id"), SITES.field("site_name"))
"""What every model begins with."""

MONTH = Field("month", Kind.DATE, "First day of the site's calendar month.")
GRANULARITY = Field("granularity", Kind.VARCHAR, "Length of the period: day, month, year or, in `periods`, lifetime.")
PERIOD_START = Field("period_start", Kind.DATE, "First day of the period on the site's calendar.")
DAYS_HELD = Field("days_held", Kind.BIGINT, "Days of the period for which energy is stored.")
DAYS_IMPORTED = Field(
    "days_imported", Kind.BIGINT, "How many of them are from imported histories of other tools, not from the API."
)
DAYS = Field(
    "days",
    Kind.BIGINT,
    "Days of the period, from the installation to the newest day with data.",
)

ENERGY: tuple[Field, ...] = (
    kwh("solar_kwh", "Energy the solar panels generated."),
    kwh("home_kwh", "Energy the home used; NULL on solar-only sites that do not report it."),
    kwh("grid_import_kwh", "Energy taken from the grid."),
    kwh("grid_export_kwh", "Energy given to the grid."),
    kwh("battery_charge_kwh", "Energy that charged the battery."),
    kwh("battery_discharge_kwh", "Energy the battery discharged."),
    kwh("generator_kwh", "Energy the generator delivered."),
    kwh("solar_to_home_kwh", "Solar energy the home used."),
    kwh("solar_to_battery_kwh", "Solar energy that charged the battery."),
    kwh("solar_to_grid_kwh", "Solar energy given to the grid."),
    kwh("battery_to_home_kwh", "Battery energy the home used."),
    kwh("battery_to_grid_kwh", "Battery energy given to the grid."),
    kwh("grid_to_home_kwh", "Grid energy the home used."),
    kwh("grid_to_battery_kwh", "Grid energy that charged the battery."),
)
"""The energy columns that models share, in the order they give them."""

_REPORTED = {
    "solar": "what the panels generated",
    "home": "what the home used; NULL on solar-only sites that do not report it (Q43)",
    "grid_import": "what was taken from the grid",
    "grid_export": "what was given to the grid",
}

VERSUS_TESLA: tuple[Field, ...] = (
    *(kwh(f"tesla_{name}_kwh", f"Tesla's own figure of {text}.") for name, text in _REPORTED.items()),
    *(
        kwh(
            f"tesla_{name}_difference_kwh",
            "Tesla's figure less the sum of days; NULL where either is missing or a day of the period is.",
        )
        for name in _REPORTED
    ),
)
"""Tesla's figures of a period, and how far they differ from the sums of days."""
