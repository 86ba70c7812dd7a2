"""Frames with exactly the columns that the schema declares, in order and with its types."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pandas as pd

from warehouse.schema import TABLES


def table_frame(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """A frame of `table` from its columns (arrays, Series or scalars); a column left out is NULL throughout.

    Raises:
        KeyError: The table is not declared.
        ValueError: A column is not among the table's.
    """
    fields = TABLES[table].fields
    unknown = columns.keys() - {each.name for each in fields}
    if unknown:
        raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
    rows = _length(columns.values())
    if rows == 0:
        return empty_frame(table)
    return pd.DataFrame(
        {each.name: pd.Series(_plain(columns.get(each.name)), index=range(rows), dtype=each.dtype) for each in fields}
    )


def empty_frame(table: str) -> pd.DataFrame:
    """A frame of `table` without rows."""
    return _empty(table).copy()


@cache
def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame({each.name: pd.Series([], dtype=each.dtype) for each in TABLES[table].fields})


def _length(columns: Iterable[Any]) -> int:
    return max((len(each) for each in columns if hasattr(each, "__len__") and not isinstance(each, str)), default=0)


def _plain(column: Any) -> Any:
    """Values without an index, so that columns are put side by side by position."""
    return column.array if isinstance(column, pd.Series) else column
