"""Amounts of money as integers: billionths of the currency.

Energy in Wh times a price in millionths of the currency per kWh is an amount in billionths, without any division. Where
energies are whole Wh, every amount and every sum is exact; others are rounded once, to half a billionth, when a row is priced.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

from warehouse.schema import Kind

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NANO: Final = 1_000_000_000
"""Billionths in one unit of the currency."""

NANO_PER_MICRO: Final = 1_000

_AMOUNT: Final = Kind.MONEY.arrow
_PRICE: Final = Kind.DECIMAL.arrow


def priced(energy_wh: Floats, micro_per_kwh: Ints) -> Ints:
    """Amounts in billionths of the currency.

    A double is exact up to 2**53 billionths, nine million of the currency in one row.
    """
    return np.rint(energy_wh * micro_per_kwh).astype(np.int64)


def money(nano: Ints, is_null: Mask | None = None) -> ExtensionArray:
    """Amounts in billionths as a column of type MONEY, NULL where the mask says so."""
    return _decimals(nano, _AMOUNT, is_null)


def prices(micro: Ints, is_null: Mask | None = None) -> ExtensionArray:
    """Prices in millionths as a column of type DECIMAL, NULL where the mask says so."""
    return _decimals(micro, _PRICE, is_null)


def nano_of(column: pd.Series) -> Ints:
    """Amounts of a column of type MONEY in billionths; 0 where it is NULL."""
    return _integers(column, _AMOUNT)


def micro_of(column: pd.Series) -> Ints:
    """Prices of a column of type DECIMAL in millionths; 0 where it is NULL."""
    return _integers(column, _PRICE)


def _decimals(values: Ints, kind: pa.DataType, is_null: Mask | None) -> ExtensionArray:
    words = np.empty((len(values), 2), np.int64)  # a decimal of 128 bits: the low word, then the sign
    words[:, 0] = values
    words[:, 1] = values >> 63
    validity = pa.array(~is_null).buffers()[1] if is_null is not None and is_null.any() else None
    return pd.arrays.ArrowExtensionArray(pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(words)]))


def _integers(column: pd.Series, kind: pa.DataType) -> Ints:
    array = pa.array(column, kind)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    buffer = array.buffers()[1]
    if len(array) == 0 or buffer is None:
        return np.zeros(len(array), np.int64)
    words = np.frombuffer(buffer, np.int64).reshape(-1, 2)[array.offset : array.offset + len(array), 0]
    return np.where(np.asarray(array.is_null()), 0, words)
