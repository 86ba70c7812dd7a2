"""The series of the API: one `SeriesSpec` holds every fact about a series that more than one package needs.

A new series is a member of `Series` and a spec here, a shaper in `transform/shapers.py`, a table in `warehouse/schema/` and a
test. Source: API.md#requests and the history pages; the names are those of `--series` and of the raw archive's folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from wattlog.causes import Granularity
from wattlog.energy_flows import API_FLOWS
from wattlog.imported_sources import ImportedKind, imported_source

SETTLE_HOURS: Final = 48
"""How long after its end the response to a window counts as final, unless the settings say otherwise (Q13)."""


class Series(StrEnum):
    """The unit of planning."""

    SNAPSHOT = "snapshot"
    POWER = "power"
    SOE = "soe"
    ENERGY_INTERVAL = "energy_interval"
    ENERGY_DAY = "energy_day"
    ENERGY_MONTH = "energy_month"
    ENERGY_YEAR = "energy_year"
    BACKUP = "backup"
    CHARGE = "charge"
    SELF_CONSUMPTION = "self_consumption"
    HISTORY = "history"
    TARIFF_RATE = "tariff_rate"
    TARIFF_FILE = "tariff_file"
    PRICE_FILE = "price_file"
    VEHICLE_CHARGING = "vehicle_charging"
    VEHICLE_STATE = "vehicle_state"
    COMMAND = "command"
    """Not planned: the records of commands, with the UTC day of the intent for a window."""
    IMPORT_TESLA_APP = "import:tesla_app"
    IMPORT_SOLAR_DOWNLOAD = "import:tesla_solar_download"
    IMPORT_MAPPED = "import:mapped"
    IMPORT_PYPOWERWALL = "import:pypowerwall_server"
    IMPORT_HOME_ASSISTANT = "import:home_assistant"
    IMPORT_POWERWALL_DASHBOARD = "import:powerwall_dashboard"
    IMPORT_UNDO = "import:undo"
    """Not planned: each record takes one import out again; the archive itself only grows."""


class Grain(StrEnum):
    """How much of the calendar one request of a series covers."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class Need(StrEnum):
    """What a site must have for a series to exist."""

    NOTHING = "nothing"
    BATTERY = "battery"
    WALL_CONNECTORS = "wall connectors"


class Subject(StrEnum):
    """What one response of a series is about. The responses about the account and its cars belong to no site."""

    SITE = "site"
    ACCOUNT = "account"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class Intervals:
    """The rows of a series whose windows are days of intervals.

    Attributes:
        table: The table of the intervals.
        usual_s: Length of an interval where no stored row shows it.
        one_row_before: Windows that ended before this day may hold one row for the whole day instead (Q10).
        night_column: Column whose small values show dusk: without a battery, rows of the night may be missing (Q15).
    """

    table: str
    usual_s: int
    one_row_before: date | None = None
    night_column: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """Everything that is particular to one series, apart from how its rows are shaped.

    A measure's unit is the suffix of its column; its bounds are those of the column's declaration in `warehouse/schema/`.

    The rows to expect of a window follow from `intervals` or `granularity`: every interval of the day, or every calendar
    period of the window. A series without either has events, which are not expected.

    Attributes:
        name: The series.
        kind: `kind` of the request; None for requests without a window, which have parameters of their own or none.
        period: `period` of the request; None where there is none, or the server ignores it (power, soe).
        endpoint: Last part of the path.
        grain: The window of one request; None where a request has no window.
        needs: Sites without it are not asked, unless the series is asked for by name.
        subject: What a response is about; requests of the account's series are made once a run, or once for each car.
        is_paged: A response may name the `end_date` of a next one (Q32).
        is_default: Asked when no series is named.
        row_keys: The key of the response that has the rows, the first that is present.
        has_timestamps: Each row has a `timestamp`; otherwise the shaper reads the time from the record itself.
        is_stamped_in_window: Rows are stamped within the window asked. A lifetime's first year may be stamped before the
            installation, and what began before a window may be in it (sessions, outages).
        measures: The API's name of a value → the column it becomes.
        tables: The tables that its rows fill.
        intervals: Its rows are intervals.
        granularities: Its rows become rows of `energy_periods`: the period that a response names → what a row stands for.
        day_sources: The sources of a day's energy that its responses give; with any, its windows are days asked for.
        is_rollup: Rows are sums of days that are in other months' files.
        straddles_windows: A row may be in the windows of two months, on any site.
        is_cross_checked: Its days are compared with another series, and asked again where the two differ (Q19).
        is_imported: Its records are files that were imported; nothing is requested.
        is_old_history: Its records are files of another tool, with the history of a site. Their window is that of their days.
    """

    name: Series
    kind: str | None = None
    period: str | None = None
    endpoint: str = "calendar_history"
    grain: Grain | None = None
    needs: Need = Need.NOTHING
    subject: Subject = Subject.SITE
    is_paged: bool = False
    is_default: bool = True
    row_keys: tuple[str, ...] = ("time_series",)
    has_timestamps: bool = True
    is_stamped_in_window: bool = False
    measures: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    intervals: Intervals | None = None
    granularities: Mapping[str, Granularity] = field(default_factory=dict)
    day_sources: tuple[str, ...] = ()
    is_rollup: bool = False
    straddles_windows: bool = False
    is_cross_checked: bool = False
    is_imported: bool = False
    is_old_history: bool = False

    @property
    def granularity(self) -> Granularity | None:
        """What a row stands for; None where rows do not become rows of `energy_periods`."""
        return self.granularities.get(self.period or "")

    @property
    def source(self) -> str:
        """The `source` of its rows in `energy_periods`."""
        return self.source_of(self.period or "")

    def source_of(self, period: str) -> str:
        """Endpoint and period, as `energy_periods.source` has them."""
        return f"{self.endpoint}/{period}"


_FLOWS: Final = {name: f"{name}_wh" for name in API_FLOWS}

_POWERS: Final = {
    "solar_power": "solar_w",
    "battery_power": "battery_w",
    "grid_power": "grid_w",
    "grid_services_power": "grid_services_w",
    "generator_power": "generator_w",
}


def _old_history(series: Series) -> SeriesSpec:
    """The spec of the files of one tool: they differ in how they are read alone."""
    return SeriesSpec(
        series,
        is_default=False,
        is_imported=True,
        is_old_history=True,
        has_timestamps=False,
        tables=("imports", "import_days", "import_intervals", "device_readings"),
        day_sources=tuple(imported_source(series, kind) for kind in ImportedKind),
    )


_SPECS: Final = (
    SeriesSpec(
        Series.SNAPSHOT,
        is_default=False,
        measures={
            "solar_power": "solar_w",
            "battery_power": "battery_w",
            "grid_power": "grid_w",
            "load_power": "load_w",
            "generator_power": "generator_w",
            "grid_services_power": "grid_services_w",
            "percentage_charged": "soe_pct",
            "energy_left": "energy_left_wh",
            "total_pack_energy": "total_pack_energy_wh",
        },  # of live_status (API.md#live-status); the rest of a snapshot becomes `sites`
        tables=("live_status", "wall_connector_states"),
    ),
    SeriesSpec(
        Series.POWER,
        "power",
        grain=Grain.DAY,
        is_stamped_in_window=True,
        measures=_POWERS,
        tables=("power",),
        intervals=Intervals("power", 300, night_column="solar_w"),
        day_sources=("power",),
    ),
    SeriesSpec(
        Series.SOE,
        "soe",
        grain=Grain.DAY,
        needs=Need.BATTERY,
        is_stamped_in_window=True,
        measures={"soe": "soe_pct"},
        tables=("state_of_energy",),
        intervals=Intervals("state_of_energy", 900),
    ),
    SeriesSpec(
        Series.ENERGY_INTERVAL,
        "energy",
        "day",
        grain=Grain.DAY,
        is_stamped_in_window=True,
        measures=_FLOWS,
        tables=("energy_intervals", "energy_periods"),
        intervals=Intervals("energy_intervals", 300, one_row_before=date(2024, 4, 8)),  # about that day (Q10)
        granularities={"day": Granularity.DAY},  # the one row a day of the old era
        day_sources=("energy_intervals", "calendar_history/day"),
        is_cross_checked=True,
    ),
    SeriesSpec(
        Series.ENERGY_DAY,
        "energy",
        "month",
        grain=Grain.MONTH,
        is_stamped_in_window=True,
        measures=_FLOWS,
        tables=("energy_periods",),
        granularities=dict.fromkeys(("month", "week", "day"), Granularity.DAY),  # the latter two are cross-checks (Q19)
        day_sources=("calendar_history/week", "calendar_history/month"),
        is_cross_checked=True,
    ),
    SeriesSpec(
        Series.CHARGE,
        "charge",
        endpoint="telemetry_history",
        grain=Grain.MONTH,
        needs=Need.WALL_CONNECTORS,
        row_keys=("charge_history", "time_series"),  # API.md#charge-sessions
        has_timestamps=False,
        tables=("charge_sessions",),
        straddles_windows=True,
    ),
    SeriesSpec(
        Series.SELF_CONSUMPTION,
        "self_consumption",
        "month",
        grain=Grain.MONTH,
        is_default=False,
        is_stamped_in_window=True,
    ),
    SeriesSpec(
        Series.ENERGY_MONTH,
        "energy",
        "year",
        grain=Grain.YEAR,
        is_stamped_in_window=True,
        measures=_FLOWS,
        tables=("energy_periods",),
        granularities={"year": Granularity.MONTH},
        is_rollup=True,
    ),
    SeriesSpec(
        Series.ENERGY_YEAR,
        "energy",
        "lifetime",
        grain=Grain.LIFETIME,
        measures=_FLOWS,
        tables=("energy_periods",),
        granularities={"lifetime": Granularity.YEAR},
        is_rollup=True,
    ),
    SeriesSpec(
        Series.BACKUP,
        "backup",
        "lifetime",
        grain=Grain.LIFETIME,
        needs=Need.BATTERY,
        is_paged=True,
        row_keys=("events",),
        measures={"duration": "duration"},  # in a unit that the events themselves show (Q32)
        tables=("backup_events",),
    ),
    SeriesSpec(
        Series.HISTORY,
        endpoint="history",
        measures=_POWERS | _FLOWS,  # a response holds either
        tables=("power", "energy_periods"),
        granularities={
            "day": Granularity.DAY,
            "week": Granularity.DAY,
            "month": Granularity.WEEK,
            "year": Granularity.MONTH,
        },  # API.md#legacy
        is_rollup=True,
    ),
    SeriesSpec(
        Series.VEHICLE_CHARGING,
        endpoint="dx/charging/history",
        subject=Subject.ACCOUNT,
        is_default=False,
        row_keys=("data",),
        has_timestamps=False,
        tables=("public_charging",),
    ),  # Q113 to Q115; pages are numbered
    SeriesSpec(
        Series.VEHICLE_STATE,
        endpoint="vehicle_data",
        subject=Subject.VEHICLE,
        is_default=False,
        row_keys=("charge_state",),
        has_timestamps=False,
        tables=("vehicle_states",),
    ),  # Q101
    SeriesSpec(Series.COMMAND, is_default=False, has_timestamps=False, tables=("commands",)),
    SeriesSpec(Series.TARIFF_RATE, endpoint="tariff_rate", is_default=False),  # one object, for `tariffs` (Q122)
    SeriesSpec(Series.TARIFF_FILE, is_default=False, is_imported=True),  # its window is its first day of validity
    SeriesSpec(Series.PRICE_FILE, is_default=False, is_imported=True, tables=("prices",)),
    _old_history(Series.IMPORT_TESLA_APP),
    _old_history(Series.IMPORT_SOLAR_DOWNLOAD),
    _old_history(Series.IMPORT_MAPPED),
    _old_history(Series.IMPORT_PYPOWERWALL),
    _old_history(Series.IMPORT_HOME_ASSISTANT),
    _old_history(Series.IMPORT_POWERWALL_DASHBOARD),
    SeriesSpec(Series.IMPORT_UNDO, is_default=False, is_imported=True),
)

_UNPLANNED: Final = frozenset({Series.SNAPSHOT, Series.COMMAND})
"""Snapshots come with every run, commands only from a person or a plan."""

SERIES: Final[dict[str, SeriesSpec]] = {spec.name: spec for spec in _SPECS}
"""Every series by its name, in the order it is asked: recent detail before the long totals."""


def series_with_windows() -> tuple[Series, ...]:
    """Every series that is asked window by window, in the order it is asked."""
    return tuple(spec.name for spec in SERIES.values() if spec.grain is not None)


def planned_series() -> tuple[Series, ...]:
    """Every series that can be asked for, in the order it is asked."""
    return tuple(spec.name for spec in SERIES.values() if spec.name not in _UNPLANNED and not spec.is_imported)


def series_of_cars() -> tuple[Series, ...]:
    """The series that are about the account or its cars, in the order they are asked."""
    return tuple(name for name in planned_series() if SERIES[name].subject is not Subject.SITE)


def is_of_days(series: str) -> bool:
    """Whether the windows of a series are single days."""
    return series in SERIES and SERIES[series].grain is Grain.DAY


def is_of_lifetime(series: str) -> bool:
    """Whether a series has one window, which begins with the installation and ends today, or files about any time.

    Histories of other tools are not among them: they would be read again every night (`is_old_history`).
    """
    spec = SERIES.get(series)
    if spec is None or spec.is_old_history or spec.name is Series.IMPORT_UNDO:
        return False
    return spec.grain is Grain.LIFETIME or spec.is_imported


def is_old_history(series: str) -> bool:
    """Whether the records of a series are files of another tool, with the history of a site."""
    spec = SERIES.get(series)
    return spec is not None and spec.is_old_history


def old_histories() -> tuple[Series, ...]:
    """The series of the files of other tools."""
    return tuple(spec.name for spec in SERIES.values() if spec.is_old_history)


def is_imported(series: str) -> bool:
    """Whether the records of a series are files that were imported, not responses."""
    return series in SERIES and SERIES[series].is_imported


def intervals_of(series: str) -> Intervals:
    """The intervals that a series consists of.

    Raises:
        KeyError: It is no series of intervals.
    """
    intervals = SERIES[series].intervals
    if intervals is None:
        raise KeyError(series)
    return intervals


def series_of_source(source: str) -> Series:
    """The series whose responses give a source of a day's energy.

    Raises:
        KeyError: No series gives it.
    """
    for spec in SERIES.values():
        if source in spec.day_sources:
            return spec.name
    raise KeyError(source)
