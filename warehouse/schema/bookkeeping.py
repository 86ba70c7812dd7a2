"""The tables of sites, requests, quarantined rows and runs."""

from dataclasses import replace

from warehouse.schema.declaration import Field, Kind, Table, Unit
from warehouse.schema.shared_fields import MAX_INTERVAL_WH, MAX_POWER_W, SITE_ID

SITES = Table(
    "sites",
    "One row per energy site of the account.",
    ("site_id",),
    (
        SITE_ID,
        Field("site_name", Kind.VARCHAR, "Name the owner gave the site."),
        Field("resource_type", Kind.VARCHAR, "battery, solar, wall_connector…; NULL for a ghost."),
        Field("timezone", Kind.VARCHAR, "IANA name, or UTC±hh:mm where the site has only an offset.", source="Q7, Q8"),
        Field("timezone_source", Kind.VARCHAR, "What the time zone was taken from."),
        Field("installed_at", Kind.TIMESTAMPTZ, "When the site was installed."),
        Field("has_solar", Kind.BOOLEAN, "The site has solar panels."),
        Field("has_battery", Kind.BOOLEAN, "The site has a battery."),
        Field("has_grid", Kind.BOOLEAN, "The site has a grid connection."),
        Field("wall_connectors", Kind.INTEGER, "Number of wall connectors.", bounds=(0, 1000)),
        Field("nameplate_power_w", Kind.DOUBLE, "Rated power of the batteries.", Unit.W, bounds=(0, MAX_POWER_W)),
        Field(
            "nameplate_energy_wh", Kind.DOUBLE, "Rated energy of the batteries.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)
        ),
        Field("battery_count", Kind.INTEGER, "Number of batteries.", bounds=(0, 10_000)),
        Field("status", Kind.VARCHAR, "ok, ghost, failing, or gone from the account.", nullable=False),
    ),
    partition="account",
)

REQUESTS = Table(
    "requests",
    "One row per request.",
    ("raw_id",),
    (
        Field("raw_id", Kind.VARCHAR, "The response in the raw archive.", nullable=False),
        replace(SITE_ID, nullable=True, description="Energy site; NULL for account-wide requests."),
        Field("series", Kind.VARCHAR, "Series requested.", nullable=False),
        Field("window_start", Kind.DATE, "First local day requested."),
        Field("window_end", Kind.DATE, "Last local day requested."),
        Field("status", Kind.INTEGER, "HTTP status; NULL when no response came.", bounds=(100, 599)),
        Field(
            "outcome",
            Kind.VARCHAR,
            "data, no_data, error…; of a command accepted, rejected or unknown.",
            nullable=False,
        ),
        Field("attempts", Kind.INTEGER, "Which attempt at the window this was.", nullable=False, bounds=(1, 1000)),
        Field("elapsed_ms", Kind.DOUBLE, "Time from the request to the end of the response.", Unit.MS, bounds=(0, 1e9)),
        Field("bytes", Kind.BIGINT, "Size of the body.", nullable=False, bounds=(0, 2**40)),
        Field("requested_at", Kind.TIMESTAMPTZ, "When it was sent.", nullable=False),
        Field("run_id", Kind.VARCHAR, "The run that sent it.", nullable=False),
    ),
)

QUARANTINE = Table(
    "quarantine",
    "One row per row of a response that could not be used, or had a value that could not: it is NULL, the others are stored.",
    ("raw_id", "row_number"),
    (
        SITE_ID,
        Field("raw_id", Kind.VARCHAR, "The response in the raw archive.", nullable=False),
        Field(
            "row_number",
            Kind.INTEGER,
            "Position in the response, from 0; -1 for the response as a whole.",
            nullable=False,
        ),
        Field("reason", Kind.VARCHAR, "Why the row, or a value of it, was quarantined.", nullable=False),
        Field("payload", Kind.VARCHAR, "The row as JSON."),
    ),
)

RUNS = Table(
    "runs",
    "One row per run of a command that sends requests.",
    ("run_id",),
    (
        Field("run_id", Kind.VARCHAR, "Identifies the run; sorts by time.", nullable=False),
        Field("started_at", Kind.TIMESTAMPTZ, "When it began.", nullable=False),
        Field("finished_at", Kind.TIMESTAMPTZ, "When it ended; NULL if it was killed."),
        Field("command", Kind.VARCHAR, "The command.", nullable=False),
        Field("exit_code", Kind.INTEGER, "The command's exit code.", bounds=(0, 255)),
        Field("requests", Kind.INTEGER, "Requests sent.", nullable=False, bounds=(0, 2**31 - 1)),
        Field("rows_written", Kind.BIGINT, "Rows written to the lake.", nullable=False, bounds=(0, 2**62)),
        Field("provider", Kind.VARCHAR, "The provider."),
    ),
    partition="account",
)
