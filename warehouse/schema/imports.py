"""The tables of imported histories of other tools."""

from warehouse.schema.declaration import Field, Kind, Table, Unit
from warehouse.schema.shared_fields import (
    FLOW_FIELDS,
    INTERVAL_S,
    INTERVAL_START,
    LINEAGE,
    LOCAL_DATE,
    MAX_INTERVAL_WH,
    SITE_ID,
)

_SOURCE = Field(
    "source", Kind.VARCHAR, "Format of the file, and what its rows are: days, intervals or power.", nullable=False
)

_TOTALS = (
    Field("home_wh", Kind.DOUBLE, "Energy the home used.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
    Field("grid_export_wh", Kind.DOUBLE, "Energy exported to the grid.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
    Field("battery_charge_wh", Kind.DOUBLE, "Energy that charged the battery.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
)

IMPORTS = Table(
    "imports",
    "One row per import that is in force: a file or a folder of another tool.",
    ("site_id", "import_id"),
    (
        SITE_ID,
        Field(
            "import_id", Kind.VARCHAR, "The run that imported it; `wattlog import --undo` takes it out.", nullable=False
        ),
        Field("format", Kind.VARCHAR, "Format of its files.", nullable=False),
        Field("path_name", Kind.VARCHAR, "Name of the file or folder.", nullable=False),
        Field(
            "sha256",
            Kind.VARCHAR,
            "Of the file's bytes; of a folder, of the sums of its files in order of their names.",
            nullable=False,
        ),
        Field("files", Kind.INTEGER, "Files that were kept.", nullable=False, bounds=(1, 2**31 - 1)),
        Field("first_day", Kind.DATE, "First local day with a row; NULL where none can be used."),
        Field("last_day", Kind.DATE, "Last local day with a row."),
        Field("rows", Kind.BIGINT, "Rows that can be used.", nullable=False, bounds=(0, 2**62)),
        Field("imported_at", Kind.TIMESTAMPTZ, "When it was imported.", nullable=False),
    ),
)

IMPORT_DAYS = Table(
    "import_days",
    "One row per site, local day and imported source: the day's energy as that source gives it.",
    ("site_id", "local_date", "source"),
    (
        SITE_ID,
        LOCAL_DATE,
        _SOURCE,
        Field("rows", Kind.INTEGER, "Rows of the file that were summed.", nullable=False, bounds=(1, 2**31 - 1)),
        Field("covered_s", Kind.INTEGER, "Time that they cover.", Unit.S, nullable=False, bounds=(0, 100_000)),
        Field(
            "rounding_wh",
            Kind.DOUBLE,
            "By how much a value may be off because the file's numbers are rounded.",
            Unit.WH,
            nullable=False,
            bounds=(0, MAX_INTERVAL_WH),
        ),
        Field(
            "is_partial",
            Kind.BOOLEAN,
            "The day may not have been over when the file was written; it is no source of the day.",
            nullable=False,
        ),
        Field(
            "is_charge_derived",
            Kind.BOOLEAN,
            "battery_charge_wh follows from the balance of the other values; the file does not have it.",
            nullable=False,
        ),
        *_TOTALS,
        *FLOW_FIELDS,
        *LINEAGE,
    ),
)

IMPORT_INTERVALS = Table(
    "import_intervals",
    "One row per site, imported source and interval: quarter hours, or longer ones where the file has no shorter.",
    ("site_id", "interval_start", "source"),
    (
        SITE_ID,
        INTERVAL_START,
        INTERVAL_S,
        LOCAL_DATE,
        _SOURCE,
        Field("rows", Kind.INTEGER, "Rows of the file that were summed.", nullable=False, bounds=(1, 2**31 - 1)),
        Field("covered_s", Kind.INTEGER, "Time that they cover.", Unit.S, nullable=False, bounds=(0, 100_000)),
        Field(
            "is_interpolated",
            Kind.BOOLEAN,
            "The values lie on a straight line, as a tool writes them where it polled less often.",
            nullable=False,
        ),
        *_TOTALS,
        *FLOW_FIELDS,
        Field(
            "soe_pct",
            Kind.DOUBLE,
            "State of energy at the first row, app scale.",
            Unit.PCT,
            bounds=(0, 100),
            source="Q44",
        ),
        *LINEAGE,
    ),
)

DEVICE_READINGS = Table(
    "device_readings",
    "One row per site, device, reading and instant: what imported files have and the API never had.",
    ("site_id", "device", "reading", "instant"),
    (
        SITE_ID,
        Field("device", Kind.VARCHAR, "The device, as the file names it.", nullable=False),
        Field("reading", Kind.VARCHAR, "What was measured, as the file names it.", nullable=False),
        Field("instant", Kind.TIMESTAMPTZ, "When.", nullable=False),
        Field("value", Kind.DOUBLE, "The value, in `unit`.", nullable=False),
        Field("unit", Kind.VARCHAR, "Its unit, as the file names it; NULL where it names none."),
        *LINEAGE,
    ),
)
