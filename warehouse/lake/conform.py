"""Every row passes here on its way into the lake: a frame becomes the declared Arrow table, or an error."""

import math
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import Nonconforming
from warehouse.lake.frames import layout_of
from warehouse.schema import TABLES, Field, Kind, Table

_EXACT_IN_A_FLOAT = 2**53
"""Above this a float cannot represent every whole number; 16-digit site ids come close."""


def declared(table: Table | str) -> Table:
    """The declaration behind a table's name.

    Raises:
        Nonconforming: The schema has no such table.
    """
    if isinstance(table, Table):
        return table
    if table not in TABLES:
        raise Nonconforming(table, f"is not a table of the schema, which has {', '.join(TABLES)}")
    return TABLES[table]


def conform(frame: pd.DataFrame, table: Table | str) -> pa.Table:
    """Check `frame` against the schema and give it the declared order and types.

    A value keeps its meaning or is refused: a float is an integer only where it is whole, a timestamp without zone is no
    instant, a timestamp is a date only at midnight, text is never read as a number. NaN is NULL.

    **Shape**: exactly the table's columns in any order, one row per grain → the same rows, columns in the declared order,
    sorted by key.
    **Units**: as declared; nothing is scaled.

    Args:
        frame: The rows that `transform` made.
        table: The declaration, or its name.

    Returns:
        The Arrow table, its schema equal to `table.arrow_schema()`.

    Raises:
        Nonconforming: Wrong columns, a wrong type, a NULL, bound or key that the schema forbids.
    """
    table = declared(table)
    layout = layout_of(table)
    _refuse_other_columns(frame, table, layout.columns)
    given = dict(frame.items())
    columns = [_column(given[field.name], field, table) for field in table.fields]
    return _with_unique_key(pa.Table.from_arrays(columns, schema=layout.schema), table)


def _refuse_other_columns(frame: pd.DataFrame, table: Table, scope: tuple[str, ...]) -> None:
    given = [str(name) for name in frame.columns]
    if len(given) == len(scope) and set(given) == set(scope):
        return
    missing = [name for name in scope if name not in given]
    unknown = [name for name in given if name not in scope]
    twice = sorted({name for name in given if given.count(name) > 1})
    faults = [
        f"{text} {', '.join(names)}"
        for text, names in (("misses", missing), ("has unknown", unknown), ("has twice", twice))
        if names
    ]
    raise Nonconforming(table.name, f"the frame {' and '.join(faults)}")


def _column(values: pd.Series, field: Field, table: Table) -> pa.Array:
    try:
        array = _plain(values)
        array = pa.nulls(len(array), field.type.arrow) if array.null_count == len(array) else _cast(array, field)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        _refuse(table, field, f"cannot be {field.type}: {str(error).splitlines()[0]}")
    if array.null_count and not field.nullable:
        _refuse(table, field, f"is NULL in {array.null_count} of {len(array)} rows and must not be")
    _refuse_out_of_bounds(array, field, table)
    return array


def _plain(values: pd.Series) -> pa.Array:
    """One chunk, no dictionary, NaN as NULL, also of Arrow-backed and categorical columns."""
    if isinstance(values.dtype, np.dtype):
        # Arrow handles NaN itself, and takes longer for a Series than for its values.
        return pa.array(values.to_numpy(), from_pandas=True)
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type) and pc.any(pc.is_nan(array)).as_py():
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _cast(array: pa.Array, field: Field) -> pa.Array:
    scope = field.type.arrow
    if array.type == scope:
        return array
    match field.type:
        case Kind.BIGINT | Kind.INTEGER:
            _expect(array, pa.types.is_integer(array.type) or _is_exact_float(array))
        case Kind.DOUBLE:
            _expect(array, pa.types.is_floating(array.type) or pa.types.is_integer(array.type))
        case Kind.DECIMAL | Kind.MONEY:  # a double is no amount of money
            _expect(array, pa.types.is_decimal(array.type) or pa.types.is_integer(array.type))
        case Kind.VARCHAR:
            _expect(array, pa.types.is_string(array.type) or pa.types.is_large_string(array.type))
        case Kind.BOOLEAN:
            _expect(array, pa.types.is_boolean(array.type))
        case Kind.DATE:
            _expect(array, pa.types.is_date(array.type) or _is_midnight(array))
        case Kind.TIMESTAMPTZ:
            _expect(array, pa.types.is_timestamp(array.type) and array.type.tz is not None)
    return array.cast(scope)


def _expect(array: pa.Array, is_understood: bool) -> None:
    if not is_understood:
        raise TypeError(f"the frame has {array.type}, for instance {array.drop_null()[0].as_py()!r}")


def _is_exact_float(array: pa.Array) -> bool:
    if not pa.types.is_floating(array.type):
        return False
    return bool(pc.all(pc.less_equal(pc.abs(array), float(_EXACT_IN_A_FLOAT))).as_py())


def _is_midnight(array: pa.Array) -> bool:
    if not pa.types.is_timestamp(array.type) or array.type.tz is not None:
        return False
    return bool(pc.all(pc.equal(array, array.cast(pa.date32()).cast(array.type))).as_py())


def _refuse_out_of_bounds(array: pa.Array, field: Field, table: Table) -> None:
    is_number = field.type is Kind.DOUBLE or field.bounds is not None
    if not is_number or array.null_count == len(array):
        return
    extremes = pc.min_max(array)
    least, most = extremes["min"].as_py(), extremes["max"].as_py()
    if field.bounds is None:
        if not (math.isfinite(least) and math.isfinite(most)):
            _refuse(table, field, "has infinity")
        return
    lowest, highest = field.bounds
    for value, is_outside in ((least, least < lowest), (most, most > highest)):
        if is_outside:
            _refuse(table, field, f"has {value}, outside {lowest:,} … {highest:,}")


def by_key(content: pa.Table, table: Table) -> pa.Table:
    """The same rows in the order of the table's key."""
    if _is_ascending(content, table):
        return content
    order = pc.sort_indices(content, sort_keys=[(name, "ascending") for name in table.primary_key])
    return content.take(order)


def _is_ascending(content: pa.Table, table: Table) -> bool:
    """Whether each row's key is larger than the one before it, which is usual, and is found without sorting."""
    is_tied = None
    for name in table.primary_key:
        key = content[name].combine_chunks()
        if key.null_count:
            return False
        before, after = key[:-1], key[1:]
        is_more, is_same = pc.greater(before, after), pc.equal(before, after)
        if pc.any(is_more if is_tied is None else pc.and_(is_tied, is_more)).as_py():
            return False
        is_tied = is_same if is_tied is None else pc.and_(is_tied, is_same)
        if not pc.any(is_tied).as_py():
            return True
    return False


def _with_unique_key(content: pa.Table, table: Table) -> pa.Table:
    if _is_ascending(content, table):
        return content
    ordered = by_key(content, table)
    same = None
    for name in table.primary_key:
        key = ordered[name].combine_chunks()
        equal = pc.equal(key[1:], key[:-1])
        same = equal if same is None else pc.and_(same, equal)
    repeated = pc.sum(same).as_py() or 0
    if repeated:
        first = ordered.slice(pc.index(same, True).as_py(), 1).select(list(table.primary_key)).to_pylist()[0]
        key_text = ", ".join(f"{name} {value}" for name, value in first.items())
        raise Nonconforming(table.name, f"{repeated} rows repeat a key, the first is {key_text}")
    return ordered


def _refuse(table: Table, field: Field, reason: str) -> NoReturn:
    raise Nonconforming(table.name, f"column {field.name} {reason}")
