"""Numbers and times of whole columns, and which of them cannot be used."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.day_sums import Floats
from transform.imports.mapping import Stamps
from transform.time import FIRST_YEAR, LAST_YEAR, Ints, epoch_us, to_utc

Mask = npt.NDArray[np.bool_]

_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_MISSING: Final = pa.array(["", "nan", "none", "null", "unknown", "unavailable", "n/a"])
_LABEL: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$"
_OFFSET: Final = r"(Z|[+-]\d{2}(:?\d{2})?)$"
"""The offset at the end of an instant; what is before it is what the clock shows."""

_NOTHING: Final = np.iinfo(np.int64).min
_FIRST_US, _LAST_US = (int(np.datetime64(f"{year}-01-01", "us").astype(np.int64)) for year in (FIRST_YEAR, LAST_YEAR))
_PER_US: Final = {Stamps.SECONDS: 1e6, Stamps.MILLISECONDS: 1e3}


@dataclass(frozen=True, slots=True)
class Times:
    """The times of some rows.

    Attributes:
        instants_us: Microseconds since 1970, where the file names an instant; else None.
        walls_us: What the clock showed, as the file writes it; None where the file writes no clock.
        is_missing: Rows without a time.
        is_bad: Rows whose time is none.
    """

    instants_us: Ints | None
    walls_us: Ints | None
    is_missing: Mask
    is_bad: Mask


def text_of(column: pa.Array) -> pa.Array:
    """A column as trimmed text; bytes that are no text are replaced."""
    values = column
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        try:
            values = values.cast(pa.string())
        except pa.ArrowInvalid:
            values = pa.array(
                [None if value is None else value.decode(errors="replace") for value in values.to_pylist()]
            )
    try:
        return pc.utf8_trim_whitespace(values.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, structures, and others that are no text
        return pa.nulls(len(values), pa.string())


def with_points(column: pa.Array, decimal: str) -> pa.Array:
    """A column whose numbers are written with decimal points.

    Args:
        column: The column.
        decimal: The decimal mark that it is written with. Points are then between thousands.
    """
    if decimal == "." or not (pa.types.is_binary(column.type) or pa.types.is_string(column.type)):
        return column
    texts = pc.replace_substring_regex(text_of(column), r"^([+-]?\d{1,3})((?:\.\d{3})+)(,|$)", r"\1\2#\3")
    is_grouped = pc.match_substring(texts, "#")
    grouped = pc.replace_substring(pc.replace_substring(texts, "#", ""), ".", "")
    others = pc.replace_substring(texts, ".", "?")  # 1.5 is no number where points are between thousands
    return pc.replace_substring(pc.if_else(is_grouped, grouped, others), ",", ".")


def numbers(column: pa.Array) -> tuple[Floats, Mask]:
    """A column as numbers, NaN where it has none, and which values are no numbers."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return values, np.isinf(values)
    if pa.types.is_decimal(column.type):
        return numbers(column.cast(pa.float64()))
    texts = column
    if not pa.types.is_binary(texts.type):
        texts = text_of(texts)
    try:
        raw = texts.cast(pa.string())
        values = pc.if_else(pc.equal(raw, ""), None, raw).cast(pa.float64()).to_numpy(zero_copy_only=False)
        if not np.isinf(values).any():
            return values, np.zeros(len(values), dtype=bool)
    except pa.ArrowInvalid:
        pass
    return _one_by_one(text_of(texts))


def _one_by_one(texts: pa.Array) -> tuple[Floats, Mask]:
    is_number = pc.match_substring_regex(texts, _NUMBER)
    is_missing = pc.or_kleene(pc.is_null(texts), pc.is_in(pc.utf8_lower(texts), value_set=_MISSING))
    is_bad = pc.and_not(pc.invert(pc.fill_null(is_number, False)), pc.fill_null(is_missing, True))
    values = pc.if_else(is_number, texts, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values, np.asarray(is_bad) | np.isinf(values)


def decimals(column: pa.Array, at_most: int = 2_000) -> int | None:
    """The most decimals of the first values of a column of text; None where they are no text."""
    if not (pa.types.is_binary(column.type) or pa.types.is_string(column.type)):
        return None
    found = [value for value in text_of(column.slice(0, at_most)).to_pylist() if value]
    if any("e" in value.lower() for value in found):
        return None
    return max((len(value.partition(".")[2]) for value in found), default=None)


def times(column: pa.Array, stamps: Stamps, *, has_walls: bool = True) -> Times:
    """The times of a column.

    Args:
        column: The column.
        stamps: How the file writes times.
        has_walls: What the clock showed is wanted beside instants.
    """
    if stamps is not Stamps.TEXT:
        values, is_bad = numbers(column)
        is_missing = np.isnan(values) & ~is_bad
        us = np.where(np.isfinite(values), values, 0.0) * _PER_US[stamps]
        is_bad |= (us < _FIRST_US) | (us >= _LAST_US)
        return Times(np.where(is_bad, 0, us).round().astype(np.int64), None, is_missing, is_bad)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        is_missing = np.asarray(column.is_null())
        zone = column.type.tz if pa.types.is_timestamp(column.type) else None
        cast = column.cast(pa.timestamp("us", tz="UTC") if zone else pa.timestamp("us"), safe=False)
        us = pc.fill_null(cast.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        is_bad = (us < _FIRST_US) | (us >= _LAST_US)
        return Times(us, None, is_missing, is_bad) if zone else Times(None, us, is_missing, is_bad)
    return _times_of_text(text_of(column), has_walls=has_walls)


def _times_of_text(texts: pa.Array, *, has_walls: bool) -> Times:
    is_missing = np.asarray(pc.fill_null(pc.equal(texts, ""), True))
    try:
        walls = texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        walls = None
    if walls is not None:
        us = pc.fill_null(walls.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        return Times(None, us, is_missing, ~is_missing & ((us < _FIRST_US) | (us >= _LAST_US)))
    is_label = np.asarray(pc.fill_null(pc.match_substring_regex(texts, _LABEL), False))
    instants = to_utc(texts)
    is_instant = instants.notna().to_numpy()
    if is_label.sum() > is_instant.sum():
        us = _walls_us(texts, is_label)
        return Times(None, np.where(us == _NOTHING, 0, us), is_missing, ~is_missing & (us == _NOTHING))
    us = np.where(is_instant, epoch_us(instants.fillna(pd.Timestamp(0, tz="UTC"))), 0)
    walls_us = _walls_us(pc.replace_substring_regex(texts, _OFFSET, ""), is_instant) if has_walls else None
    return Times(us, walls_us, is_missing, ~is_missing & ~is_instant)


def _walls_us(texts: pa.Array, is_chosen: Mask) -> Ints:
    """What the clock showed, microseconds since 1970 of a clock in UTC; `_NOTHING` for texts that are no time."""
    chosen = pd.Series(pc.if_else(pa.array(is_chosen), texts, None).to_pandas())
    found = pd.to_datetime(chosen, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    found = found.astype("datetime64[us]")
    return np.where(found.notna().to_numpy(), found.to_numpy().view(np.int64), _NOTHING)
