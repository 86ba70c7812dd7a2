"""Columns and measures that several tables share."""

from warehouse.schema.declaration import Field, Kind, Unit
from wattlog.energy_flows import FLOW_DESCRIPTIONS

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
    Field("_fetched_at", Kind.TIMESTAMPTZ, "When the response with this row was requested.", nullable=False),
    Field("_raw_id", Kind.VARCHAR, "The response in the raw archive.", nullable=False),
    Field("_run_id", Kind.VARCHAR, "The run that requested it.", nullable=False),
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
