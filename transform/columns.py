"""From the rows of an answer (dictionaries) to columns of numbers.

Rows differ in their keys from one to the next (Q24), so the wanted ones are picked by name: what is absent is NULL, what
is unknown is reported. Arrow does it in one pass; only an answer that it refuses is looked at value by value.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from transform.quarantine import Reason
from warehouse.schema import API_FLOWS

_FLOWS: Final[dict[str, str]] = {name: f"{name}_wh" for name in API_FLOWS}

_POWERS: Final[dict[str, str]] = {
    "solar_power": "solar_w",
    "battery_power": "battery_w",
    "grid_power": "grid_w",
    "grid_services_power": "grid_services_w",
    "generator_power": "generator_w",
}

_LIVE: Final[dict[str, str]] = {
    "solar_power": "solar_w",
    "battery_power": "battery_w",
    "grid_power": "grid_w",
    "load_power": "load_w",
    "generator_power": "generator_w",
    "grid_services_power": "grid_services_w",
    "percentage_charged": "soe_pct",
    "energy_left": "energy_left_wh",
    "total_pack_energy": "total_pack_energy_wh",
}
"""Source: API.md §1.4."""

MEASURES: Final[dict[str, dict[str, str]]] = {
    "power": _POWERS,
    "soe": {"soe": "soe_pct"},
    "backup": {"duration": "duration"},
    "energy_interval": _FLOWS,
    "energy_day": _FLOWS,
    "energy_month": _FLOWS,
    "energy_year": _FLOWS,
    "history": _POWERS | _FLOWS,
    "live_status": _LIVE,
    "snapshot": _LIVE,
}
"""Per series: the API's name of a measure → the lake's. Answers of `history` hold either powers or energy. Source: API.md
§1.2, §1.6."""

_NOT_MEASURES = frozenset(
    {
        "timestamp",
        "raw_timestamp",
        "total_home_usage",
        "total_battery_discharge",
        "total_battery_charge",
        "total_solar_generation",
        "total_grid_energy_exported",
        # live_status: words and switches, taken from the record itself, and what is of no interest here
        "grid_status",
        "island_status",
        "storm_mode_active",
        "backup_capable",
        "grid_services_active",
        "wall_connectors",
    }
)
"""Known names that are not stored: totals are sums of the measures, and are left out where they are zero (fact 4, Q42)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of one answer, by column.

    Attributes:
        table: `row_number`, `timestamp` and the measures of the usable rows.
        bad_rows: Row number → why the row is not among them.
        unknown: Names that are neither measures nor known beside them.
    """

    table: pa.Table
    bad_rows: dict[int, Reason] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


def columns_of(rows: list[Any], measures: dict[str, str], *, is_strict: bool = True) -> Columns:
    """Pick `timestamp` and the measures (API name → lake name) out of the rows.

    Args:
        rows: The rows as the JSON had them; anything may be among them.
        measures: Which values are wanted, and what they are to be called.
        is_strict: Whether the JSON was by the book; NaN may be among the numbers when it was not.
    """
    if is_strict:
        try:
            return _in_one_pass(rows, measures)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # some value is not what it should be
    return _value_by_value(rows, measures)


def _in_one_pass(rows: list[Any], measures: dict[str, str]) -> Columns:
    wanted = pa.struct([("timestamp", pa.string()), *((name, pa.float64()) for name in measures)])
    stamps, *values = pa.array(rows, type=wanted).flatten()
    bad = {}
    if stamps.null_count:
        bad = {number: _without_timestamp(rows[number]) for number in np.flatnonzero(stamps.is_null()).tolist()}
        rows = [row for row in rows if row is not None]
    unknown = frozenset().union(*rows) - _NOT_MEASURES - measures.keys()
    return Columns(_table(stamps, values, measures, bad), bad, unknown)


def _without_timestamp(row: object) -> Reason:
    if row is None:
        return Reason.NULL_ROW
    return Reason.NO_TIMESTAMP if isinstance(row, dict) else Reason.NOT_AN_OBJECT


def _value_by_value(rows: list[Any], measures: dict[str, str]) -> Columns:
    objects = [row if isinstance(row, dict) else {} for row in rows]
    texts = [row.get("timestamp") for row in objects]
    stamps = pa.array([text if isinstance(text, str) else None for text in texts], pa.string())
    bad = {number: _without_timestamp(rows[number]) for number in np.flatnonzero(stamps.is_null()).tolist()}
    values = []
    for name in measures:
        numbers, is_bad = _numbers(pd.Series([row.get(name) for row in objects], dtype=object))
        bad = dict.fromkeys(np.flatnonzero(is_bad).tolist(), Reason.NOT_A_NUMBER) | bad
        values.append(pa.array(numbers, from_pandas=True))
    unknown = frozenset().union(*objects) - _NOT_MEASURES - measures.keys()
    return Columns(_table(stamps, values, measures, bad), bad, unknown)


def _numbers(values: pd.Series) -> tuple[Any, Any]:
    """Values as floats, and which of them are something else than a number, a number's spelling, or NULL."""
    is_null = values.map(lambda value: value is None).to_numpy(dtype=bool)
    is_candidate = values.map(lambda value: isinstance(value, int | float | str) and not isinstance(value, bool))
    numbers = pd.to_numeric(values.where(is_candidate.astype(bool), None), errors="coerce").to_numpy(dtype=np.float64)
    return numbers, ~is_null & ~np.isfinite(numbers)


def _table(stamps: pa.Array, values: list[pa.Array], measures: dict[str, str], bad: dict[int, Reason]) -> pa.Table:
    numbers = np.arange(len(stamps), dtype=np.int32)
    table = pa.table([numbers, stamps, *values], names=["row_number", "timestamp", *measures.values()])
    return table.filter(~np.isin(numbers, list(bad))) if bad else table
