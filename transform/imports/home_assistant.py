"""Long-term statistics of Home Assistant, from its SQLite file: counters of energy by the hour, of any vendor's meters.

A statistic of energy has `sum`, which only grows, at the end of the hour that begins at `start_ts`; the first hour's energy is
not known. Which statistic is what, follows from its name where that is plain, else from the owner's mapping: its columns are
the ids of statistics, such as `sensor.solar_production`. Source: Home Assistant (its page about statistics).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from transform.imports.batches import Batch, OnReject, UnreadableFile
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import UNITS, Column, Grain, Mapping, Stamps
from transform.imports.reading import Content, read_content
from transform.imports.sqlite_files import columns_of, open_database
from wattlog.series_spec import Series

TABLES: Final = frozenset({"statistics", "statistics_meta"})

_NAMED: Final = {
    "solar_energy_exported_wh": ("solar_exported", "solar_energy_exported", "solar_generated", "solar_production"),
    "grid_energy_imported_wh": ("grid_imported", "grid_energy_imported", "site_energy_imported", "site_import"),
    "grid_export_wh": ("grid_exported", "site_energy_exported", "site_export"),
    "battery_energy_exported_wh": (
        "battery_discharged",
        "battery_exported",
        "battery_energy_exported",
        "battery_export",
    ),
    "battery_charge_wh": ("battery_charged", "battery_imported", "battery_energy_imported", "battery_import"),
    "home_wh": ("home_usage", "home_energy", "load_energy_imported", "load_import", "consumer_energy"),
}
"""What a statistic is → ends of the names that integrations for Tesla give it."""

_GROWN: Final = """
select start_ts, statistic_id, grown
from (
    select start_ts, statistic_id,
        case when start_ts - lag(start_ts) over counter <= 3600 then sum - lag(sum) over counter end as grown
    from statistics
    join statistics_meta on statistics_meta.id = metadata_id
    where statistic_id in (select value from json_each(?))
    window counter as (partition by statistic_id order by start_ts)
)
where grown is not null
order by start_ts
"""
_GROWN_OF_TEXT: Final = _GROWN.replace(
    "    from statistics\n", "    from (select *, unixepoch(start) as start_ts from statistics)\n"
)
"""The same for files of before 2023, which have the time as text."""


def _contents(file: HistoryFile, zone: str, mapping: Mapping | None) -> Iterator[Content]:
    with open_database(file) as connection:
        units = {
            str(name): str(unit)
            for name, unit in connection.execute(
                "select statistic_id, unit_of_measurement from statistics_meta where has_sum order by statistic_id"
            )
            if unit in UNITS
        }
        columns = _given(units, mapping) if mapping is not None else _by_name(units)
        found = Mapping(
            "start_ts",
            columns,
            Grain.INTERVALS,
            Stamps.SECONDS,
            evidence=", ".join(f"{column.name} in {column.unit}, as the database says" for column in columns),
        )
        yield read_content(partial(_batches, connection, [column.name for column in columns]), found, zone)


def _by_name(units: dict[str, str]) -> tuple[Column, ...]:
    """The statistics whose names are plain; two of one kind are not."""
    found = {target: [name for name in units if name.endswith(ends)] for target, ends in _NAMED.items()}
    doubtful = next((names for names in found.values() if len(names) > 1), None)
    if doubtful is not None:
        raise UnreadableFile(f"{' and '.join(doubtful)} may be the same; say which in a mapping (--mapping)")
    chosen = {names[0]: target for target, names in found.items() if names}
    if not chosen:
        names = ", ".join(units) or "none"
        raise UnreadableFile(
            f"the names of its statistics of energy do not show what they are ({names}); give a mapping"
        )
    return tuple(Column(name, target, units[name]) for name, target in chosen.items())


def _given(units: dict[str, str], mapping: Mapping) -> tuple[Column, ...]:
    missing = sorted(column.name for column in mapping.measures if column.name not in units)
    if missing:
        raise UnreadableFile(f"it has no statistic {missing[0]} of energy")
    return tuple(Column(column.name, column.target, units[column.name]) for column in mapping.measures)


def _batches(connection: sqlite3.Connection, names: Sequence[str], on_reject: OnReject) -> Iterator[Batch]:
    """A row an hour: what each counter grew by during it. An hour without the hour before it has no value, and no row."""
    del on_reject  # a row of a table has all its values
    query = _GROWN if "start_ts" in columns_of(connection, "statistics") else _GROWN_OF_TEXT
    rows = connection.execute(query, (orjson.dumps(list(names)).decode(),)).fetchall()
    frame = pd.DataFrame(rows, columns=["start_ts", "statistic_id", "grown"])
    if len(frame):
        hours = frame.pivot(index="start_ts", columns="statistic_id", values="grown").reindex(columns=list(names))
        columns = {name: pa.array(hours[name].to_numpy(), from_pandas=True) for name in names}
        starts = pa.array(hours.index.to_numpy(dtype="float64"))
        yield Batch(np.arange(1, len(hours) + 1), {"start_ts": starts, **columns})


def _recognises(sample: Sample) -> bool:
    return sample.tables >= TABLES


HOME_ASSISTANT: Final = Format(Series.IMPORT_HOME_ASSISTANT, "database of Home Assistant", _recognises, _contents)
