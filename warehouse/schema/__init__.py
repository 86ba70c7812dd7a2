"""The one declaration of every table: columns, types, units, bounds, keys.

Arrow schemas, DuckDB DDL with comments, the validation of every row (`warehouse.lake.conform`) and the data dictionary
derive from these declarations; no other module of the project names a column's type.

Units are in the names (`_w`, `_wh`, `_pct`, `_s`); `interval_start` and every other instant is TIMESTAMPTZ in UTC;
`local_date` is the site's calendar day.
"""

from warehouse.schema.bookkeeping import QUARANTINE, REQUESTS, RUNS, SITES
from warehouse.schema.commands import COMMANDS
from warehouse.schema.costs import BILLS, DAILY_COSTS, HOURLY_COSTS
from warehouse.schema.declaration import Field, Keep, Kind, Table, Unit, comment_on
from warehouse.schema.events import BACKUP_EVENTS, CHARGE_SESSIONS, SETTING_CHANGES, SITE_SETTINGS
from warehouse.schema.imports import DEVICE_READINGS, IMPORT_DAYS, IMPORT_INTERVALS, IMPORTS
from warehouse.schema.ledgers import GAPS, RECONCILIATION, REVISIONS
from warehouse.schema.measurements import DAILY, ENERGY_INTERVALS, ENERGY_PERIODS, LIVE_STATUS, POWER, STATE_OF_ENERGY
from warehouse.schema.shared_fields import MAX_INTERVAL_WH, MAX_POWER_W
from warehouse.schema.tariffs import PRICES, TARIFFS
from warehouse.schema.vehicles import PUBLIC_CHARGING, VEHICLE_STATES, WALL_CONNECTOR_STATES
from warehouse.schema_version import SCHEMA_VERSION
from wattlog.energy_flows import API_FLOWS, FLOW_DESCRIPTIONS, FLOWS

__all__ = [
    "API_FLOWS",
    "BACKUP_EVENTS",
    "BILLS",
    "CHARGE_SESSIONS",
    "COMMANDS",
    "DAILY",
    "DAILY_COSTS",
    "DEVICE_READINGS",
    "ENERGY_INTERVALS",
    "ENERGY_PERIODS",
    "FLOWS",
    "FLOW_DESCRIPTIONS",
    "GAPS",
    "HOURLY_COSTS",
    "IMPORTS",
    "IMPORT_DAYS",
    "IMPORT_INTERVALS",
    "LIVE_STATUS",
    "MAX_INTERVAL_WH",
    "MAX_POWER_W",
    "POWER",
    "PRICES",
    "PUBLIC_CHARGING",
    "QUARANTINE",
    "RECONCILIATION",
    "REQUESTS",
    "REVISIONS",
    "RUNS",
    "SCHEMA_VERSION",
    "SETTING_CHANGES",
    "SITES",
    "SITE_SETTINGS",
    "STATE_OF_ENERGY",
    "TABLES",
    "TARIFFS",
    "VEHICLE_STATES",
    "WALL_CONNECTOR_STATES",
    "Field",
    "Keep",
    "Kind",
    "Table",
    "Unit",
    "comment_on",
]

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SITES,
        SITE_SETTINGS,
        SETTING_CHANGES,
        COMMANDS,
        TARIFFS,
        PRICES,
        LIVE_STATUS,
        POWER,
        STATE_OF_ENERGY,
        ENERGY_INTERVALS,
        ENERGY_PERIODS,
        DAILY,
        BACKUP_EVENTS,
        CHARGE_SESSIONS,
        IMPORTS,
        IMPORT_DAYS,
        IMPORT_INTERVALS,
        DEVICE_READINGS,
        WALL_CONNECTOR_STATES,
        PUBLIC_CHARGING,
        VEHICLE_STATES,
        HOURLY_COSTS,
        DAILY_COSTS,
        BILLS,
        RECONCILIATION,
        GAPS,
        REVISIONS,
        REQUESTS,
        QUARANTINE,
        RUNS,
    )
}
"""Every table by name."""
