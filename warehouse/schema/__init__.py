"""The one declaration of every table: columns, types, units, bounds, keys.

Arrow schemas, DuckDB DDL with comments, the validation at the lake's door (`warehouse.conform`) and the data dictionary
derive from what stands here; nothing else in the project spells out a column's type.

Units are in the names (`_w`, `_wh`, `_pct`, `_s`); `interval_start` and every other instant is TIMESTAMPTZ in UTC;
`local_date` is the site's calendar day.
"""

from warehouse.schema.bookkeeping import QUARANTINE, REQUESTS, RUNS, SITES
from warehouse.schema.declaration import SCHEMA_VERSION, Field, Kind, Table, Unit, comment_on
from warehouse.schema.events import BACKUP_EVENTS, CHARGE_SESSIONS, SITE_SETTINGS
from warehouse.schema.ledgers import GAPS, RECONCILIATION, REVISIONS
from warehouse.schema.measurements import DAILY, ENERGY_INTERVALS, ENERGY_PERIODS, LIVE_STATUS, POWER, STATE_OF_ENERGY
from warehouse.schema.vocabulary import API_FLOWS, FLOW_DESCRIPTIONS, FLOWS, MAX_INTERVAL_WH, MAX_POWER_W

__all__ = [
    "API_FLOWS",
    "BACKUP_EVENTS",
    "CHARGE_SESSIONS",
    "DAILY",
    "ENERGY_INTERVALS",
    "ENERGY_PERIODS",
    "FLOWS",
    "FLOW_DESCRIPTIONS",
    "GAPS",
    "LIVE_STATUS",
    "MAX_INTERVAL_WH",
    "MAX_POWER_W",
    "POWER",
    "QUARANTINE",
    "RECONCILIATION",
    "REQUESTS",
    "REVISIONS",
    "RUNS",
    "SCHEMA_VERSION",
    "SITES",
    "SITE_SETTINGS",
    "STATE_OF_ENERGY",
    "TABLES",
    "Field",
    "Kind",
    "Table",
    "Unit",
    "comment_on",
]

TABLES: dict[str, Table] = {
    each.name: each
    for each in (
        SITES,
        SITE_SETTINGS,
        LIVE_STATUS,
        POWER,
        STATE_OF_ENERGY,
        ENERGY_INTERVALS,
        ENERGY_PERIODS,
        DAILY,
        BACKUP_EVENTS,
        CHARGE_SESSIONS,
        RECONCILIATION,
        GAPS,
        REVISIONS,
        REQUESTS,
        QUARANTINE,
        RUNS,
    )
}
"""Every table by name."""
