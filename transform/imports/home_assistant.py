"""Long-term statistics of Home Assistant, of any vendor's meters: counters of energy by the hour, from its file or its answers.

A statistic of energy has `sum`, which only grows, at the end of the hour that begins at `start_ts`; the first hour's energy is
not known. Which statistic is what, follows from its name where that is plain, else from the owner's mapping: its columns are
the ids of statistics, such as `sensor.solar_production`. Statistics that wattlog itself has written are never read.

An answer is the message of its websocket to `recorder/statistics_during_period`, in kWh: a month, with the hour before it.
Source: Home Assistant (its pages about statistics and the websocket).
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from transform.imports.batches import Batch, OnReject, UnreadableFile
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import UNITS, Column, Grain, Mapping, Stamps
from transform.imports.reading import Content, read_content
from transform.imports.sqlite_files import columns_of, open_database
from transform.responses import Reason
from wattlog.series_spec import Series

TABLES: Final = frozenset({"statistics", "statistics_meta"})

OWN_PREFIX: Final = "wattlog:"
"""What the ids of statistics begin with that wattlog writes."""

_ANSWER: Final = re.compile(rb'\s*\{"id":\s*\d+,\s*"type":\s*"result",\s*"success":\s*true,\s*"result":\s*\{\s*"')
_HOUR_MS: Final = 3_600_000

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
    if is_answer(file.head):
        yield _content_of_answer(file, zone, mapping)
        return
    with open_database(file) as connection:
        units = {
            str(name): str(unit)
            for name, unit in connection.execute(
                "select statistic_id, unit_of_measurement from statistics_meta where has_sum order by statistic_id"
            )
            if unit in UNITS and not name.startswith(OWN_PREFIX)
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


def is_answer(head: bytes) -> bool:
    """Whether the beginning of a file is an answer with statistics."""
    return _ANSWER.match(head) is not None and b'"start":' in head


def _content_of_answer(file: HistoryFile, zone: str, mapping: Mapping | None) -> Content:
    with file.open() as stream:
        try:
            found = orjson.loads(stream.read())["result"]
        except orjson.JSONDecodeError as error:
            raise UnreadableFile(f"it is no whole answer of Home Assistant: {error}") from None
    units = {str(name): "kWh" for name in sorted(found) if not name.startswith(OWN_PREFIX)}
    columns = _given(units, mapping) if mapping is not None else _by_name(units)
    of_answer = Mapping(
        "start", columns, Grain.INTERVALS, Stamps.MILLISECONDS, evidence="kWh, the unit that was asked for"
    )
    return read_content(partial(_grown, found, [column.name for column in columns]), of_answer, zone)


def _grown(found: dict[str, Any], names: Sequence[str], on_reject: OnReject) -> Iterator[Batch]:
    """A row an hour: what each counter grew by during it, as `_batches` has them of a database."""
    grown: dict[str, pd.Series[float]] = {}
    for name in names:
        rows = [(row.get("start"), row.get("sum")) for row in found[name]]
        for number, (start, total) in enumerate(rows, start=1):
            if not isinstance(start, int | float) or not isinstance(total, int | float | None):
                on_reject(number, Reason.CONTRACT, {"line": number, "text": f"{name}: {start}, {total}"})
        usable = [row for row in rows if all(isinstance(value, int | float) for value in row)]
        counter = pd.Series(dict(usable), dtype="float64").sort_index()
        steps = np.diff(counter.index.to_numpy(dtype="float64"), prepend=np.inf)
        grown[name] = counter.diff()[np.abs(steps) <= _HOUR_MS]
    hours = pd.DataFrame(grown).sort_index()
    if len(hours):
        columns = {name: pa.array(hours[name].to_numpy(), from_pandas=True) for name in names}
        starts = pa.array(hours.index.to_numpy(dtype="float64"))
        yield Batch(np.arange(1, len(hours) + 1), {"start": starts, **columns})


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
    return sample.tables >= TABLES or is_answer(sample.head)


HOME_ASSISTANT: Final = Format(Series.IMPORT_HOME_ASSISTANT, "statistics of Home Assistant", _recognises, _contents)
