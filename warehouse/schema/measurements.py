"""The tables of measurements, and of the best estimate of each day."""

from warehouse.schema.declaration import Field, Keep, Kind, Table, Unit
from warehouse.schema.shared_fields import (
    FLOW_FIELDS,
    INTERVAL_S,
    INTERVAL_START,
    LINEAGE,
    LOCAL_DATE,
    MAX_INTERVAL_WH,
    POWERS,
    SITE_ID,
    watts,
)

LIVE_STATUS = Table(
    "live_status",
    "One row per site and snapshot.",
    ("site_id", "observed_at"),
    (
        SITE_ID,
        Field("observed_at", Kind.TIMESTAMPTZ, "Instant the API gives for the snapshot.", nullable=False),
        watts("solar_w", "Solar power."),
        watts("battery_w", "Battery power; + discharge, − charge."),
        watts("grid_w", "Grid power; + import, − export."),
        watts("load_w", "Home power."),
        watts("generator_w", "Generator power."),
        watts("grid_services_w", "Grid-services power."),
        Field("soe_pct", Kind.DOUBLE, "State of energy, app scale.", Unit.PCT, bounds=(0, 100), source="Q44"),
        Field(
            "energy_left_wh",
            Kind.DOUBLE,
            "Energy in the batteries.",
            Unit.WH,
            bounds=(-MAX_INTERVAL_WH, MAX_INTERVAL_WH),
        ),
        Field(
            "total_pack_energy_wh", Kind.DOUBLE, "Energy of the full batteries.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)
        ),
        Field("grid_status", Kind.VARCHAR, "Active, Inactive or Unknown."),
        Field("island_status", Kind.VARCHAR, "on_grid, off_grid, off_grid_intentional, off_grid_unintentional, …"),
        Field("storm_mode_active", Kind.BOOLEAN, "Storm Watch was active."),
        *LINEAGE,
    ),
    keep=Keep.FIRST_FETCHED,
)

POWER = Table(
    "power",
    "One row per site and interval of the power series.",
    ("site_id", "interval_start"),
    (
        SITE_ID,
        INTERVAL_START,
        INTERVAL_S,
        LOCAL_DATE,
        *POWERS,
        watts(
            "home_w",
            "Mean home power: solar + battery + grid + generator; NULL on a solar-only site that reports no grid.",
        ),
        *LINEAGE,
    ),
    keep=Keep.OWN_MONTH,
)

STATE_OF_ENERGY = Table(
    "state_of_energy",
    "One row per site and interval of the state-of-energy series.",
    ("site_id", "interval_start"),
    (
        SITE_ID,
        INTERVAL_START,
        INTERVAL_S,
        LOCAL_DATE,
        Field("soe_pct", Kind.DOUBLE, "State of energy, app scale.", Unit.PCT, bounds=(0, 100), source="Q44"),
        *LINEAGE,
    ),
    keep=Keep.OWN_MONTH,
)

ENERGY_INTERVALS = Table(
    "energy_intervals",
    "One row per site and interval; each value is the energy of that interval alone, never cumulative.",
    ("site_id", "interval_start"),
    (SITE_ID, INTERVAL_START, INTERVAL_S, LOCAL_DATE, *FLOW_FIELDS, *LINEAGE),
    keep=Keep.OWN_MONTH,
)

ENERGY_PERIODS = Table(
    "energy_periods",
    "One row per site, granularity, calendar period and source series.",
    ("site_id", "granularity", "period_start", "source"),
    (
        SITE_ID,
        Field("granularity", Kind.VARCHAR, "day, week, month or year.", nullable=False),
        Field(
            "period_start",
            Kind.DATE,
            "First local day of the period; the API's 01:00 is dropped.",
            nullable=False,
            source="Q9",
        ),
        Field("source", Kind.VARCHAR, "Endpoint and period that gave the row.", nullable=False),
        Field(
            "is_partial",
            Kind.BOOLEAN,
            "The period was not over, or the site not installed, when requested.",
            nullable=False,
        ),
        Field(
            "timezone",
            Kind.VARCHAR,
            "The zone or fixed offset whose days the server added up; sites.timezone where they are the site's own.",
            nullable=False,
            source="Q7",
        ),
        *FLOW_FIELDS,
        *LINEAGE,
    ),
    keep=Keep.OWN_MONTH,
)

DAILY = Table(
    "daily",
    "One row per site and local day: the best estimate.",
    ("site_id", "local_date"),
    (
        SITE_ID,
        LOCAL_DATE,
        Field(
            "status", Kind.VARCHAR, "agreed, single_source, filled, adjusted, provisional or missing.", nullable=False
        ),
        Field("source", Kind.VARCHAR, "Series the values were taken from; NULL when the day is missing."),
        Field(
            "coverage_pct",
            Kind.DOUBLE,
            "Share of the day's seconds for which intervals are stored.",
            Unit.PCT,
            nullable=False,
            bounds=(0, 100),
        ),
        Field("home_wh", Kind.DOUBLE, "Energy the home used.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
        Field("grid_export_wh", Kind.DOUBLE, "Energy exported to the grid.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
        Field(
            "battery_charge_wh", Kind.DOUBLE, "Energy that charged the battery.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)
        ),
        *FLOW_FIELDS,
    ),
)
