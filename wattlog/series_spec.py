"""What a series is: its name, and the facts that a `SeriesSpec` holds of it. `wattlog/series.py` has the specs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from wattlog.causes import Granularity


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
