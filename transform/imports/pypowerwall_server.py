"""The database of pypowerwall-server: samples of power, energy of days, and readings of devices.

Samples are instants, with each direction in a column of its own; the tool adds them up as if power changed evenly between two,
and leaves out times between samples that are far apart. Its days are of the zone that it was set to, taken to be the site's.
Source: pypowerwall-server (its own description of the tables).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from transform.imports.batches import Batch, OnReject, UnreadableFile, row_batches
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import SOE, Column, Grain, Mapping, Stamps
from transform.imports.reading import Content, read_content
from transform.imports.sqlite_files import columns_of, open_database, rows_of
from wattlog.series_spec import Series

TABLES: Final = frozenset({"samples", "daily_energy"})

_SAMPLES: Final = {
    "solar_w": "solar_w",
    "home_w": "home_w",
    "battery_charge_w - battery_discharge_w": "battery_w",
    "grid_import_w - grid_export_w": "grid_w",
}
"""Column → what it is, in the order of the query; battery power has wattlog's sign after it is negated."""

_DAYS: Final = {
    "solar_kwh": "solar_energy_exported_wh",
    "home_kwh": "home_wh",
    "battery_charge_kwh": "battery_charge_wh",
    "battery_discharge_kwh": "battery_energy_exported_wh",
    "grid_import_kwh": "grid_energy_imported_wh",
    "grid_export_kwh": "grid_export_wh",
}

_GATEWAYS: Final = "select gateway_id from daily_energy union select gateway_id from samples order by 1"
_SAMPLE_ROWS: Final = """
select ts, solar_w, home_w, battery_charge_w - battery_discharge_w, grid_import_w - grid_export_w, soe
from samples
order by ts
"""
_DAY_ROWS: Final = """
select day, solar_kwh, home_kwh, battery_charge_kwh, battery_discharge_kwh, grid_import_kwh, grid_export_kwh
from daily_energy
order by day
"""
_READINGS: Final = """
select device, metric, ts, value, unit
from device_samples
join device_series using (series_id)
order by device, metric, ts
"""
_READINGS_WITHOUT_UNIT: Final = _READINGS.replace("unit", "null")


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    with open_database(file) as connection:
        gateways = [name for (name,) in connection.execute(_GATEWAYS)]
        if len(gateways) > 1:
            raise UnreadableFile(
                f"it has {len(gateways)} gateways: {', '.join(map(str, gateways))}; one file, one site"
            )
        yield _samples(connection, zone)
        yield _days(connection, zone)


def _samples(connection: sqlite3.Connection, zone: str) -> Content:
    measures = tuple(Column(name, target, "W", is_negated=target == "battery_w") for name, target in _SAMPLES.items())
    mapping = Mapping(
        "ts",
        (*measures, Column("soe", SOE, "%")),
        Grain.INSTANTS,
        Stamps.SECONDS,
        evidence="W, as the tool writes samples",
    )
    content = read_content(partial(_batches, connection, ("ts", *_SAMPLES, "soe"), _SAMPLE_ROWS), mapping, zone)
    if "device" in columns_of(connection, "device_series"):
        content.readings += _readings(connection)
    return content


def _days(connection: sqlite3.Connection, zone: str) -> Content:
    columns = tuple(Column(name, target, "kWh") for name, target in _DAYS.items())
    mapping = Mapping(
        "day", columns, Grain.DAYS, evidence="kWh, as the tool writes days", is_partial=True, begins_late=True
    )
    return read_content(partial(_batches, connection, ("day", *_DAYS), _DAY_ROWS), mapping, zone)


def _batches(connection: sqlite3.Connection, names: Sequence[str], query: str, on_reject: OnReject) -> Iterator[Batch]:
    del on_reject  # a row of a table has all its values
    return row_batches(names, rows_of(connection, query))


def _readings(connection: sqlite3.Connection) -> Iterator[pd.DataFrame]:
    """Readings of devices; the unit is in newer files alone."""
    has_unit = "unit" in columns_of(connection, "device_series")
    for part in rows_of(connection, _READINGS if has_unit else _READINGS_WITHOUT_UNIT):
        rows: list[tuple[Any, ...]] = list(part)
        frame = pd.DataFrame(rows, columns=["device", "reading", "instant_us", "value", "unit"])
        instants_us = (frame["instant_us"].to_numpy(dtype=np.float64) * 1e6).round().astype(np.int64)
        yield frame.assign(instant_us=instants_us, value=frame["value"].astype(np.float64))


def _recognises(sample: Sample) -> bool:
    return sample.tables >= TABLES


PYPOWERWALL_SERVER: Final = Format(Series.IMPORT_PYPOWERWALL, "database of pypowerwall-server", _recognises, _contents)
