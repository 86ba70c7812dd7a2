"""The series of the API: one `SeriesSpec` holds every fact about a series that more than one package needs.

A new series is a member of `Series` (`wattlog/series_spec.py`) and a spec here, a shaper in `transform/shapers.py`, a table in
`warehouse/schema/` and a test. Source: API.md#requests and the history pages; the names are those of `--series` and of the
raw archive's folders.
"""

from datetime import date
from typing import Final

from wattlog.causes import Granularity
from wattlog.energy_flows import API_FLOWS
from wattlog.imported_sources import ImportedKind, imported_source
from wattlog.series_spec import Grain, Intervals, Need, Series, SeriesSpec, Subject

SETTLE_HOURS: Final = 48
"""How long after its end the response to a window counts as final, unless the settings say otherwise (Q13)."""


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
