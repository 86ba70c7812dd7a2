"""Frames with exactly the columns that the schema declares, in order and with its types."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype
from pandas.api.types import pandas_dtype

from warehouse.schema import TABLES

Dtype = np.dtype[Any] | ExtensionDtype


def table_frame(table: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """A frame of `table` from its columns (arrays, Series or scalars); a column left out is NULL throughout.

    Raises:
        KeyError: The table is not declared.
        ValueError: A column is not among the table's.
    """
    dtypes = _dtypes(table)
    unknown = columns.keys() - dtypes.keys()
    if unknown:
        raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
    rows = _length(columns.values())
    if rows == 0:
        return empty_frame(table)
    arrays = {name: _array(columns.get(name), dtype, rows) for name, dtype in dtypes.items()}
    return pd.DataFrame(arrays, index=pd.RangeIndex(rows))


def empty_frame(table: str) -> pd.DataFrame:
    """A frame of `table` without rows."""
    return _empty(table).copy(deep=False)  # pandas copies what is written to


@cache
def _empty(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in _dtypes(table).items()})


@cache
def _dtypes(table: str) -> dict[str, Dtype]:
    """The declared types, parsed once: pandas takes longer to parse a type's name than to make a column of it."""
    return {field.name: pandas_dtype(field.dtype) for field in TABLES[table].fields}


def _length(columns: Iterable[Any]) -> int:
    return max(
        (len(column) for column in columns if hasattr(column, "__len__") and not isinstance(column, str)), default=0
    )


def _array(column: Any, dtype: Dtype, rows: int) -> Any:
    """A column as an array of its declared type, without an index, so that columns are aligned by position."""
    values = column
    if isinstance(column, pd.Series):
        values = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
    if isinstance(values, np.ndarray | ExtensionArray) and values.dtype == dtype and len(values) == rows:
        return values
    if values is None and dtype == np.float64:
        return np.full(rows, np.nan)
    made = pd.Series(values, index=range(rows), dtype=dtype)
    return made.to_numpy() if isinstance(dtype, np.dtype) else made.array
