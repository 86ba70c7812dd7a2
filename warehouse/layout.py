"""What derives from a table's declaration, derived once: describing a table anew takes longer than writing a small one."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import pandas_dtype

from warehouse.schema import Table


@dataclass(frozen=True, slots=True)
class Layout:
    """A table as Arrow and pandas see it.

    Attributes:
        columns: Names in order.
        schema: The Arrow schema, with descriptions.
        dtypes: pandas' type by column, in order: what `Lake.read` gives.
    """

    columns: tuple[str, ...]
    schema: pa.Schema
    dtypes: dict[str, np.dtype[Any] | ExtensionDtype]


@cache
def layout_of(table: Table) -> Layout:
    """The layout of a declaration."""
    dtypes = {name: pandas_dtype(dtype) for name, dtype in table.dtypes.items()}
    return Layout(table.columns, table.arrow_schema(), dtypes)
