"""The tables of what happened at a site: outages, charge sessions, changed settings."""

from warehouse.schema.declaration import Field, Kind, Table, Unit
from warehouse.schema.shared_fields import LINEAGE, MAX_INTERVAL_WH, SITE_ID

_LONGEST_S = 100 * 366 * 86_400

BACKUP_EVENTS = Table(
    "backup_events",
    "One row per site and outage that the battery bridged.",
    ("site_id", "started_at"),
    (
        SITE_ID,
        Field("started_at", Kind.TIMESTAMPTZ, "When the grid went away.", nullable=False),
        Field("ended_at", Kind.TIMESTAMPTZ, "When it was back.", nullable=False),
        Field(
            "duration_s",
            Kind.DOUBLE,
            "How long the site ran on its battery; the API gives milliseconds.",
            Unit.S,
            nullable=False,
            bounds=(0, _LONGEST_S),
            source="Q32",
        ),
        *LINEAGE,
    ),
)

CHARGE_SESSIONS = Table(
    "charge_sessions",
    "One row per site, wall connector and charge session.",
    ("site_id", "started_at", "target_id"),
    (
        SITE_ID,
        Field("started_at", Kind.TIMESTAMPTZ, "When charging began.", nullable=False),
        Field("target_id", Kind.VARCHAR, "The API's id of the connector; empty where it gives none.", nullable=False),
        Field("ended_at", Kind.TIMESTAMPTZ, "When charging ended.", nullable=False),
        Field("duration_s", Kind.DOUBLE, "How long it charged.", Unit.S, nullable=False, bounds=(0, _LONGEST_S)),
        Field(
            "energy_added_wh",
            Kind.DOUBLE,
            "Energy given to the car.",
            Unit.WH,
            nullable=False,
            bounds=(0, MAX_INTERVAL_WH),
        ),
        Field("din_hash", Kind.VARCHAR, "Hash of the connector's serial number, which is not kept in the lake."),
        *LINEAGE,
    ),
)

SITE_SETTINGS = Table(
    "site_settings",
    "One row per site and time in which its settings were seen unchanged.",
    ("site_id", "valid_from"),
    (
        SITE_ID,
        Field("valid_from", Kind.TIMESTAMPTZ, "When these settings were first seen.", nullable=False),
        Field("valid_to", Kind.TIMESTAMPTZ, "When others were first seen; NULL for those in force."),
        Field("backup_reserve_pct", Kind.DOUBLE, "Backup reserve.", Unit.PCT, bounds=(0, 100), source="Q44"),
        Field("default_real_mode", Kind.VARCHAR, "self_consumption, autonomous or backup."),
        Field("storm_mode_enabled", Kind.BOOLEAN, "Storm Watch may act."),
        Field("customer_preferred_export_rule", Kind.VARCHAR, "What may be exported."),
        Field("disallow_charge_from_grid", Kind.BOOLEAN, "The battery may not charge from the grid."),
        Field(
            "off_grid_vehicle_charging_reserve_pct",
            Kind.DOUBLE,
            "Level below which cars do not charge off-grid.",
            Unit.PCT,
            bounds=(0, 100),
        ),
        Field("tariff_sha256", Kind.VARCHAR, "Checksum of the tariff."),
        Field("firmware_version", Kind.VARCHAR, "Firmware of the gateway."),
    ),
    partition="account",
)

SETTING_CHANGES = Table(
    "setting_changes",
    "One row per change of a setting, made or possibly made: by a command, or seen without one.",
    ("site_id", "changed_at", "name", "command_id"),
    (
        SITE_ID,
        Field(
            "changed_at",
            Kind.TIMESTAMPTZ,
            "When the command was sent, or when the new value was first seen.",
            nullable=False,
        ),
        Field(
            "not_before",
            Kind.TIMESTAMPTZ,
            "When the value before was last seen; of a command changed_at.",
            nullable=False,
        ),
        Field(
            "name",
            Kind.VARCHAR,
            "reserve, mode, storm-watch, export, grid-charging, off-grid-reserve or tariff.",
            nullable=False,
            source="Q45",
        ),
        Field("value_before", Kind.VARCHAR, "The value before, as in table commands; NULL where site_info had none."),
        Field(
            "value_after", Kind.VARCHAR, "The value after, of a command what was read back; NULL where there was none."
        ),
        Field(
            "command_id",
            Kind.VARCHAR,
            "The command in table commands; empty where the app, the utility or the installer changed the setting.",
            nullable=False,
            source="Q74",
        ),
        Field(
            "outcome",
            Kind.VARCHAR,
            "The command's outcome, of which only applied is a certain change; NULL without one.",
        ),
        Field("origin", Kind.VARCHAR, "Where the command came from: cli, schedule or api; NULL without one."),
    ),
    partition="account",
)
