"""The one declaration of every table: columns, types, units, bounds, keys.

Arrow schemas, DuckDB DDL with comments, the validation at the lake's door (`warehouse.conform`) and the data dictionary
derive from what stands here; nothing else in the project spells out a column's type.

Units are in the names (`_w`, `_wh`, `_pct`, `_s`); `interval_start` and every other instant is TIMESTAMPTZ in UTC;
`local_date` is the site's calendar day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised when a table's meaning changes: every lake file written under another version is made again from raw."""


class Kind(StrEnum):
    """The types a column can have; each has one Arrow and one DuckDB spelling."""

    BIGINT = "BIGINT"
    INTEGER = "INTEGER"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIMESTAMPTZ = "TIMESTAMPTZ"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of this kind; instants carry microseconds, as DuckDB's do."""
        return _ARROW[self]

    def dtype(self, *, nullable: bool) -> str:
        """The pandas dtype a column of this kind has when the lake is read.

        Numbers stay exact: a nullable integer or boolean is pandas' own nullable type, never a float; a date is Arrow's
        32-bit date. NULL is NaN in a DOUBLE and in a VARCHAR, NaT in an instant, `<NA>` elsewhere.
        """
        return _NULLABLE_DTYPES.get(self, _DTYPES[self]) if nullable else _DTYPES[self]


_ARROW: dict[Kind, pa.DataType] = {
    Kind.BIGINT: pa.int64(),
    Kind.INTEGER: pa.int32(),
    Kind.DOUBLE: pa.float64(),
    Kind.VARCHAR: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
}

_DTYPES: dict[Kind, str] = {
    Kind.BIGINT: "int64",
    Kind.INTEGER: "int32",
    Kind.DOUBLE: "float64",
    Kind.VARCHAR: "str",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date32[day][pyarrow]",
    Kind.TIMESTAMPTZ: "datetime64[us, UTC]",
}
_NULLABLE_DTYPES: dict[Kind, str] = {Kind.BIGINT: "Int64", Kind.INTEGER: "Int32", Kind.BOOLEAN: "boolean"}


class Unit(StrEnum):
    """Units as they stand behind the underscore of a column's name."""

    W = "w"
    WH = "wh"
    KWH = "kwh"
    PCT = "pct"
    S = "s"
    MS = "ms"


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        name: Column name; ends with the unit where there is one.
        type: Storage type.
        description: One sentence, with the sign convention where there is a sign.
        unit: Unit of the value, or None for counts, names and instants.
        nullable: Whether NULL is a legal value ("not measured").
        bounds: Lowest and highest legal value, both included.
        source: Page or observed behaviour behind the column ("Q9").
    """

    name: str
    type: Kind
    description: str
    unit: Unit | None = None
    nullable: bool = True
    bounds: tuple[float, float] | None = None
    source: str = ""

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a frame read from the lake."""
        return self.type.dtype(nullable=self.nullable)

    def arrow(self) -> pa.Field:
        """The Arrow field, with description, unit and source in its metadata."""
        metadata = {"description": self.description}
        if self.unit is not None:
            metadata["unit"] = self.unit.value
        if self.source:
            metadata["source"] = self.source
        return pa.field(self.name, self.type.arrow, nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of lake and warehouse.

    Attributes:
        name: Table name.
        grain: What one row stands for.
        primary_key: The logical key: rows are sorted by it and it is unique.
        fields: Columns in order.
        partition: `site_month` (one file per site × month) or `account` (one file for all sites).
    """

    name: str
    grain: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    partition: str = "site_month"

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(each.name for each in self.fields)

    @property
    def dtypes(self) -> dict[str, str]:
        """pandas dtype by column name, in order: what `Lake.read` gives."""
        return {each.name: each.dtype for each in self.fields}

    def field(self, name: str) -> Field:
        """The column called `name`.

        Raises:
            KeyError: The table has no such column.
        """
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(f"{self.name} has no column {name}")

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, with unit and description in each field's metadata."""
        return pa.schema([each.arrow() for each in self.fields], metadata={"grain": self.grain, "table": self.name})

    def ddl(self, schema: str = "main") -> Iterator[str]:
        """`CREATE TABLE` and its `COMMENT ON` statements for DuckDB, in order."""
        columns = ", ".join(f'"{each.name}" {each.type}{"" if each.nullable else " NOT NULL"}' for each in self.fields)
        yield f'CREATE TABLE {schema}."{self.name}" ({columns})'
        yield from comment_on("TABLE", f'{schema}."{self.name}"', self.grain, self.fields)


def comment_on(what: str, relation: str, text: str, fields: Iterable[Field]) -> Iterator[str]:
    """`COMMENT ON` statements of a relation and its columns; `relation` is a quoted identifier of the declarations."""
    yield f"COMMENT ON {what} {relation} IS '{_quoted(text)}'"
    for each in fields:
        yield f"COMMENT ON COLUMN {relation}.\"{each.name}\" IS '{_quoted(each.description)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


# --- the field's vocabulary -------------------------------------------------------------------------------------------

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
"""The API's sixteen energy measures in the order it gives them. Source: API.md §1.2, kind=energy."""

API_FLOWS: tuple[str, ...] = tuple(FLOW_DESCRIPTIONS)
"""Names as the API spells them, in Wh whatever the documentation page says (fact 1)."""

FLOWS: tuple[str, ...] = tuple(f"{name}_wh" for name in API_FLOWS)
"""The same names as columns of the lake."""

MAX_POWER_W = 1e9
"""The API's own "no limit" sentinel is ±1e9 W (Q38): a power at or past it is not a measurement."""

MAX_INTERVAL_WH = 1e9
"""No site of any size moves a gigawatt-hour in an interval; past it a number is a fault."""

_SITE_ID = Field(
    "site_id", Kind.BIGINT, "Energy site; up to 16 digits (API.md §1.1).", nullable=False, bounds=(0, 2**63 - 1)
)
_LOCAL_DATE = Field("local_date", Kind.DATE, "The site's calendar day.", nullable=False)
_INTERVAL_START = Field(
    "interval_start", Kind.TIMESTAMPTZ, "Beginning of the half-open interval, UTC.", nullable=False, source="Q33"
)
_INTERVAL_S = Field(
    "interval_s",
    Kind.INTEGER,
    "Length of the interval, measured from the rows.",
    Unit.S,
    nullable=False,
    bounds=(1, 90_000),
)
_LINEAGE = (
    Field("_fetched_at", Kind.TIMESTAMPTZ, "When the answer that holds this row was asked.", nullable=False),
    Field("_raw_id", Kind.VARCHAR, "The answer in the raw archive.", nullable=False),
    Field("_run_id", Kind.VARCHAR, "The run that asked.", nullable=False),
)
_FLOW_FIELDS = tuple(
    Field(f"{name}_wh", Kind.DOUBLE, text, Unit.WH, bounds=(0, MAX_INTERVAL_WH), source="API.md §1.2")
    for name, text in FLOW_DESCRIPTIONS.items()
)


def _watts(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.W, bounds=(-MAX_POWER_W, MAX_POWER_W))


_POWERS = (
    _watts("solar_w", "Mean solar power over the interval."),
    _watts("battery_w", "Mean battery power; + discharge, − charge."),
    _watts("grid_w", "Mean grid power; + import, − export."),
    _watts("grid_services_w", "Mean grid-services power."),
    _watts("generator_w", "Mean generator power."),
)

# --- tables -----------------------------------------------------------------------------------------------------------

SITES = Table(
    "sites",
    "One row per energy site of the account.",
    ("site_id",),
    (
        _SITE_ID,
        Field("site_name", Kind.VARCHAR, "Name the owner gave the site."),
        Field("resource_type", Kind.VARCHAR, "battery, solar, wall_connector…; NULL for a ghost (API.md §1.1)."),
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
        Field("status", Kind.VARCHAR, "ok, ghost or failing.", nullable=False),
    ),
    partition="account",
)

LIVE_STATUS = Table(
    "live_status",
    "One row per site and snapshot.",
    ("site_id", "observed_at"),
    (
        _SITE_ID,
        Field("observed_at", Kind.TIMESTAMPTZ, "Instant the API gives for the snapshot.", nullable=False),
        _watts("solar_w", "Solar power."),
        _watts("battery_w", "Battery power; + discharge, − charge."),
        _watts("grid_w", "Grid power; + import, − export."),
        _watts("load_w", "Home power."),
        _watts("generator_w", "Generator power."),
        _watts("grid_services_w", "Grid-services power."),
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
        *_LINEAGE,
    ),
)

POWER = Table(
    "power",
    "One row per site and interval of the power series.",
    ("site_id", "interval_start"),
    (
        _SITE_ID,
        _INTERVAL_START,
        _INTERVAL_S,
        _LOCAL_DATE,
        *_POWERS,
        _watts(
            "home_w",
            "Mean home power: solar + battery + grid + generator; NULL on a solar-only site that reports no grid.",
        ),
        *_LINEAGE,
    ),
)

STATE_OF_ENERGY = Table(
    "state_of_energy",
    "One row per site and interval of the state-of-energy series.",
    ("site_id", "interval_start"),
    (
        _SITE_ID,
        _INTERVAL_START,
        _INTERVAL_S,
        _LOCAL_DATE,
        Field("soe_pct", Kind.DOUBLE, "State of energy, app scale.", Unit.PCT, bounds=(0, 100), source="Q44"),
        *_LINEAGE,
    ),
)

ENERGY_INTERVALS = Table(
    "energy_intervals",
    "One row per site and interval; each value is the energy of that interval alone, never cumulative.",
    ("site_id", "interval_start"),
    (_SITE_ID, _INTERVAL_START, _INTERVAL_S, _LOCAL_DATE, *_FLOW_FIELDS, *_LINEAGE),
)

ENERGY_PERIODS = Table(
    "energy_periods",
    "One row per site, granularity, calendar period and source series.",
    ("site_id", "granularity", "period_start", "source"),
    (
        _SITE_ID,
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
            "The period was not over, or the site not installed, when asked.",
            nullable=False,
        ),
        *_FLOW_FIELDS,
        *_LINEAGE,
    ),
)

DAILY = Table(
    "daily",
    "One row per site and local day: the best estimate.",
    ("site_id", "local_date"),
    (
        _SITE_ID,
        _LOCAL_DATE,
        Field(
            "status", Kind.VARCHAR, "agreed, single_source, filled, adjusted, provisional or missing.", nullable=False
        ),
        Field("source", Kind.VARCHAR, "Series the values were taken from; NULL when the day is missing."),
        Field(
            "coverage_pct",
            Kind.DOUBLE,
            "Interval seconds held of the day's seconds.",
            Unit.PCT,
            nullable=False,
            bounds=(0, 100),
        ),
        Field("home_wh", Kind.DOUBLE, "Energy the home used.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
        Field("grid_export_wh", Kind.DOUBLE, "Energy exported to the grid.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)),
        Field(
            "battery_charge_wh", Kind.DOUBLE, "Energy that charged the battery.", Unit.WH, bounds=(0, MAX_INTERVAL_WH)
        ),
        *_FLOW_FIELDS,
    ),
)

REQUESTS = Table(
    "requests",
    "One row per request asked.",
    ("raw_id",),
    (
        Field("raw_id", Kind.VARCHAR, "The answer in the raw archive.", nullable=False),
        replace(_SITE_ID, nullable=True, description="Energy site; NULL for account-wide requests."),
        Field("series", Kind.VARCHAR, "Series asked.", nullable=False),
        Field("window_start", Kind.DATE, "First local day asked."),
        Field("window_end", Kind.DATE, "Last local day asked."),
        Field("status", Kind.INTEGER, "HTTP status; NULL when no answer came.", bounds=(100, 599)),
        Field("outcome", Kind.VARCHAR, "data, no_data, error…", nullable=False),
        Field("attempts", Kind.INTEGER, "Which attempt at the window this was.", nullable=False, bounds=(1, 1000)),
        Field("elapsed_ms", Kind.DOUBLE, "Time from request to whole answer.", Unit.MS, bounds=(0, 1e9)),
        Field("bytes", Kind.BIGINT, "Size of the body.", nullable=False, bounds=(0, 2**40)),
        Field("requested_at", Kind.TIMESTAMPTZ, "When it was asked.", nullable=False),
        Field("run_id", Kind.VARCHAR, "The run that asked.", nullable=False),
    ),
)

QUARANTINE = Table(
    "quarantine",
    "One row per row of an answer that could not be used.",
    ("raw_id", "row_number"),
    (
        Field("raw_id", Kind.VARCHAR, "The answer in the raw archive.", nullable=False),
        Field(
            "row_number", Kind.INTEGER, "Position in the answer, from 0; -1 for the answer as a whole.", nullable=False
        ),
        Field("reason", Kind.VARCHAR, "Why the row was set aside.", nullable=False),
        Field("payload", Kind.VARCHAR, "The row as JSON."),
    ),
)

RUNS = Table(
    "runs",
    "One row per run of a command that asks, transforms or publishes.",
    ("run_id",),
    (
        Field("run_id", Kind.VARCHAR, "Identifies the run; sorts by time.", nullable=False),
        Field("started_at", Kind.TIMESTAMPTZ, "When it began.", nullable=False),
        Field("finished_at", Kind.TIMESTAMPTZ, "When it ended; NULL if it was killed."),
        Field("command", Kind.VARCHAR, "The command.", nullable=False),
        Field("exit_code", Kind.INTEGER, "The command's exit code.", bounds=(0, 255)),
        Field("requests", Kind.INTEGER, "Requests asked.", nullable=False, bounds=(0, 2**31 - 1)),
        Field("rows_written", Kind.BIGINT, "Rows written to the lake.", nullable=False, bounds=(0, 2**62)),
        Field("provider", Kind.VARCHAR, "The provider asked."),
    ),
    partition="account",
)

TABLES: dict[str, Table] = {
    each.name: each
    for each in (
        SITES,
        LIVE_STATUS,
        POWER,
        STATE_OF_ENERGY,
        ENERGY_INTERVALS,
        ENERGY_PERIODS,
        DAILY,
        REQUESTS,
        QUARANTINE,
        RUNS,
    )
}
"""Every table by name."""
