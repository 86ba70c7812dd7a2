"""From the rows of a response (dictionaries) to columns of numbers.

Rows differ in their keys from one to the next (Q24), so the measures are picked by name: what is absent is NULL, what is
unknown is reported. Arrow does it in one pass; only rows that it refuses are read value by value. A value that is no
number costs its row nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from transform.responses.raw_response import Reason

_NOT_MEASURES = frozenset(
    {
        "timestamp",
        "raw_timestamp",
        "total_home_usage",
        "total_battery_discharge",
        "total_battery_charge",
        "total_solar_generation",
        "total_grid_energy_exported",
        # live_status: texts and switches, which its shaper takes from the record itself, and what is not stored
        "grid_status",
        "island_status",
        "storm_mode_active",
        "backup_capable",
        "grid_services_active",
        "wall_connectors",
    }
)
"""Known keys of rows that are not measures: totals are sums of the measures, and absent where they are zero (Q42)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of one response, by column.

    Attributes:
        table: `row_number`, `timestamp` and the measures of the usable rows.
        bad_rows: Row number → why the row is not among them.
        bad_values: Row number → columns whose values are no numbers, and so NULL, in a row that has others.
        unknown: Keys that are neither measures nor otherwise known.
        is_by_value: Whether some value had another type than it should, so that rows were read value by value.
    """

    table: pa.Table
    bad_rows: dict[int, Reason] = field(default_factory=dict)
    bad_values: dict[int, tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    is_by_value: bool = False


def columns_of(rows: list[Any], measures: Mapping[str, str], *, is_strict: bool = True) -> Columns:
    """Pick `timestamp` and the measures (API name → column) out of the rows.

    Args:
        rows: The rows as the JSON had them; anything may be among them.
        measures: Which values to pick, and the columns they become.
        is_strict: Whether the JSON was strictly valid; NaN may be among the numbers when it was not.
    """
    if is_strict:
        try:
            return _in_one_pass(rows, measures)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # some value has another type than it should
    return _value_by_value(rows, measures)


def _in_one_pass(rows: list[Any], measures: Mapping[str, str]) -> Columns:
    scope = pa.struct([("timestamp", pa.string()), *((name, pa.float64()) for name in measures)])
    stamps, *values = pa.array(rows, type=scope).flatten()
    bad = {}
    if stamps.null_count:
        bad = {number: _without_timestamp(rows[number]) for number in np.flatnonzero(stamps.is_null()).tolist()}
        rows = [row for row in rows if row is not None]
    unknown = frozenset().union(*rows) - _NOT_MEASURES - measures.keys()
    return Columns(_table(stamps, values, measures, bad), bad, unknown=unknown)


def _without_timestamp(row: object) -> Reason:
    if row is None:
        return Reason.NULL_ROW
    return Reason.NO_TIMESTAMP if isinstance(row, dict) else Reason.NOT_AN_OBJECT


def _value_by_value(rows: list[Any], measures: Mapping[str, str]) -> Columns:
    objects = [row if isinstance(row, dict) else {} for row in rows]
    texts = [row.get("timestamp") for row in objects]
    stamps = pa.array([text if isinstance(text, str) else None for text in texts], pa.string())
    bad = {number: _without_timestamp(rows[number]) for number in np.flatnonzero(stamps.is_null()).tolist()}
    values, bad_values = [], dict[int, tuple[str, ...]]()
    is_void = np.ones(len(rows), dtype=bool)
    for name, column in measures.items():
        numbers, is_bad = _numbers(pd.Series([row.get(name) for row in objects], dtype=object))
        for number in np.flatnonzero(is_bad).tolist():
            bad_values[number] = (*bad_values.get(number, ()), column)
        is_void &= np.isnan(numbers)
        values.append(pa.array(numbers, from_pandas=True))
    bad = {number: Reason.NOT_A_NUMBER for number in bad_values if is_void[number]} | bad
    bad_values = {number: names for number, names in bad_values.items() if number not in bad}
    unknown = frozenset().union(*objects) - _NOT_MEASURES - measures.keys()
    return Columns(_table(stamps, values, measures, bad), bad, bad_values, unknown, is_by_value=True)


def _numbers(values: pd.Series) -> tuple[Any, Any]:
    """Values as floats, NaN where there is none; and which are neither a number, nor a number's spelling, nor NULL."""
    is_null = values.map(lambda value: value is None).to_numpy(dtype=bool)
    is_candidate = values.map(lambda value: isinstance(value, int | float | str) and not isinstance(value, bool))
    numbers = pd.to_numeric(values.where(is_candidate.astype(bool), None), errors="coerce").to_numpy(dtype=np.float64)
    is_number = np.isfinite(numbers)
    return np.where(is_number, numbers, np.nan), ~is_null & ~is_number


def _table(stamps: pa.Array, values: list[pa.Array], measures: Mapping[str, str], bad: dict[int, Reason]) -> pa.Table:
    numbers = np.arange(len(stamps), dtype=np.int32)
    table = pa.table([numbers, stamps, *values], names=["row_number", "timestamp", *measures.values()])
    return table.filter(~np.isin(numbers, list(bad))) if bad else table
