"""The models of a site's equipment: battery, outages, cars; and of coverage and differences."""

from warehouse.models.columns import GRANULARITY, MONTH, PERIOD_START, SITE, hours, kwh, pct
from warehouse.models.model import Local, Model, Period
from warehouse.schema import (
    BACKUP_EVENTS,
    CHARGE_SESSIONS,
    DAILY,
    GAPS,
    RECONCILIATION,
    SCHEMA_VERSION,
    SITES,
    Field,
    Kind,
    Unit,
)

SITES_MODEL = Model(
    "sites",
    (
        *SITE,
        SITES.field("status"),
        Field(
            "zone",
            Kind.VARCHAR,
            "Time zone as DuckDB spells it, the key of meta.zone_offsets; UTC where none is known.",
            source="Q7, Q36",
        ),
        Field("today", Kind.DATE, "The site's calendar day when the query runs."),
        Field("installed_on", Kind.DATE, "The site's calendar day of its installation."),
        *(SITES.field(name) for name in ("has_solar", "has_battery", "wall_connectors")),
        Field("nameplate_power_kw", Kind.DOUBLE, "Rated power of the batteries; NULL where unknown.", Unit.KW),
        kwh("nameplate_energy_kwh", "Rated energy of the batteries; NULL where unknown."),
    ),
)

COVERAGE = Model(
    "coverage",
    (
        GAPS.field("site_id"),
        GAPS.field("series"),
        MONTH,
        Field("held_rows", Kind.BIGINT, "Rows that are stored."),
        Field("expected_rows", Kind.BIGINT, "Rows that are stored or missing."),
        pct("coverage_pct", "Rows stored of rows expected."),
    ),
    is_materialised=True,
    local=Local(Period.MONTH, "month"),
)

BATTERY_CYCLES = Model(
    "battery_cycles",
    (
        *SITE,
        GRANULARITY,
        PERIOD_START,
        Field("days", Kind.BIGINT, "Days for which both charge and discharge are stored."),
        kwh("charge_kwh", "Energy that charged the battery."),
        kwh("discharge_kwh", "Energy the battery discharged; what warranties count as throughput."),
        kwh("throughput_kwh", "Energy that went in and out: charge and discharge together."),
        Field("equivalent_full_cycles", Kind.DOUBLE, "Energy discharged by the battery's rated energy."),
        kwh(
            "stored_change_kwh",
            "How much more energy the battery had at the end, by state of energy and rated energy; NULL where unknown.",
        ),
        pct(
            "round_trip_efficiency_pct",
            "Energy out by energy in, corrected by stored_change_kwh; for months and years of a full cycle or more.",
        ),
        pct("min_soe_pct", "Lowest state of energy, app scale."),
        pct("max_soe_pct", "Highest state of energy, app scale."),
        pct("mean_soe_pct", "Mean state of energy over the time with data, app scale."),
        hours("empty_h", "Time at 0 %, app scale."),
        hours("full_h", "Time at 100 %, app scale."),
    ),
    is_materialised=True,
    local=Local(Period.YEAR, "period_start"),
)

OUTAGES = Model(
    "outages",
    (
        *SITE,
        BACKUP_EVENTS.field("started_at"),
        BACKUP_EVENTS.field("ended_at"),
        Field("local_started_at", Kind.TIMESTAMP, "What the site's clock showed when the outage began."),
        Field("local_ended_at", Kind.TIMESTAMP, "What the site's clock showed when it ended."),
        Field("local_date", Kind.DATE, "The site's calendar day on which it began."),
        BACKUP_EVENTS.field("duration_s"),
        hours("duration_h", "How long the site ran without the grid."),
        kwh("home_kwh", "Energy the home used meanwhile; NULL unless all of the outage is stored."),
        kwh(
            "battery_discharge_kwh", "Energy the battery discharged meanwhile; NULL unless all of the outage is stored."
        ),
        kwh("solar_kwh", "Energy the panels generated meanwhile; NULL unless all of the outage is stored."),
        pct("begin_soe_pct", "State of energy in the interval in which it began, app scale."),
        pct("end_soe_pct", "State of energy in the interval in which it ended, app scale."),
    ),
    is_materialised=True,
)

EV_CHARGING = Model(
    "ev_charging",
    (
        *SITE,
        DAILY.field("local_date"),
        Field("sessions", Kind.BIGINT, "Sessions that began on the day."),
        kwh("ev_kwh", "Energy given to cars; sessions over midnight are shared by time."),
        hours("charging_h", "Time for which cars charged, all connectors together."),
        kwh("home_kwh", "Energy the home used, cars included; NULL where unknown."),
        pct("ev_share_pct", "Energy given to cars of what the home used."),
    ),
    is_materialised=True,
)

EV_SESSION_DAYS = Model(
    "ev_session_days",
    (
        CHARGE_SESSIONS.field("site_id"),
        Field("local_date", Kind.DATE, "The site's calendar day."),
        CHARGE_SESSIONS.field("started_at"),
        CHARGE_SESSIONS.field("target_id"),
        Field("vehicle", Kind.VARCHAR, "Short form of the VIN; NULL where no snapshot says which car was plugged in."),
        Field("has_begun", Kind.BOOLEAN, "The session began on the day."),
        kwh("ev_kwh", "Energy given to the car on the day."),
        hours("charging_h", "Time for which it charged on the day."),
    ),
)

EV_CHARGING_MONTHLY = Model(
    "ev_charging_monthly",
    (
        MONTH,
        Field("vehicle", Kind.VARCHAR, "Short form of the VIN; NULL for sessions whose car is not known."),
        Field("currency", Kind.VARCHAR, "Currency of the costs; NULL where none is known."),
        Field("home_sessions", Kind.BIGINT, "Sessions at home that began in the month."),
        kwh("home_kwh", "Energy that wall connectors gave."),
        Field("home_cost", Kind.MONEY, "Cost of what was imported for it; NULL where a day has no known price."),
        Field("public_sessions", Kind.BIGINT, "Sessions at public chargers."),
        kwh("public_kwh", "Energy that public chargers gave; NULL where a session was priced by time."),
        Field("public_cost", Kind.MONEY, "What is due for them, parking included; NULL where a fee is not known."),
        kwh("total_kwh", "Both together; NULL where either is."),
        Field("total_cost", Kind.MONEY, "Both together; NULL where either is."),
    ),
)

_NEXT_VERSION = f"removed in schema version {SCHEMA_VERSION + 1}"
"""When columns that were renamed in this schema version stop having their former names as well."""

DISAGREEMENTS = Model(
    "disagreements",
    (
        *SITE,
        *(RECONCILIATION.field(name) for name in ("check_name", "granularity", "period_start", "measure")),
        RECONCILIATION.field("left_source"),
        kwh("left_kwh", "The left value; NULL where the source has none."),
        RECONCILIATION.field("right_source"),
        kwh("right_kwh", "The right value; NULL where the source has none."),
        kwh("difference_kwh", "Left less right; NULL where either is missing."),
        kwh("tolerance_kwh", "By how much the two may differ and still agree."),
        RECONCILIATION.field("verdict"),
        RECONCILIATION.field("cause"),
        RECONCILIATION.field("diverges_at"),
        Field("local_diverges_at", Kind.TIMESTAMP, "What the site's clock showed when the two began to differ."),
        Field("parts_at", Kind.TIMESTAMPTZ, f"Deprecated, {_NEXT_VERSION}: the former name of `diverges_at`."),
        Field(
            "local_parts_at", Kind.TIMESTAMP, f"Deprecated, {_NEXT_VERSION}: the former name of `local_diverges_at`."
        ),
    ),
    is_materialised=True,
    local=Local(Period.DAY, "period_start"),
)

EQUIPMENT_MODELS = (
    COVERAGE,
    BATTERY_CYCLES,
    OUTAGES,
    EV_SESSION_DAYS,
    EV_CHARGING,
    EV_CHARGING_MONTHLY,
    DISAGREEMENTS,
)
