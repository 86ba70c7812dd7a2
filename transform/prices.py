"""Series `price_file`: imported files of prices by interval → table `prices`.

A file is CSV or Parquet with a row per interval. Prices stay exact: they are read as text, and rounded to a millionth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from transform.frames import empty_frame, table_frame
from transform.responses import RawResponse, Reason, Reject, Tables, quarantine_frame, reject
from transform.sites import Site
from transform.time import epoch_us, to_utc
from warehouse.schema import TABLES

Mask = npt.NDArray[np.bool_]

COLUMNS: Final = {
    "interval_start": ("interval_start", "instant", "start", "timestamp"),
    "interval_s": ("interval_s",),
    "buy_per_kwh": ("buy_per_kwh", "buy"),
    "sell_per_kwh": ("sell_per_kwh", "sell"),
    "currency": ("currency",),
    "site_id": ("site_id", "site"),
}
"""Column → the names that it may have in a file."""

REQUIRED: Final = ("interval_start", "buy_per_kwh")

FROM_COLUMN: Final = "column"
"""The label of a file that has a column with the currency; otherwise the label is the currency."""

_PARQUET: Final = b"PAR1"
_NUMBER: Final = r"^-?\d{1,9}(\.\d{0,15})?$"
"""What Arrow reads as a decimal; other spellings of numbers are few and read one by one."""

_CURRENCY: Final = r"^[A-Z]{3}$"
_MONEY: Final = TABLES["prices"].field("buy_per_kwh").type.arrow
_HIGHEST: Final = (TABLES["prices"].field("buy_per_kwh").bounds or (0, 0))[1]
_LONGEST_S: Final = 86_400
"""A price is at most for a day."""


class UnreadablePrices(ValueError):
    """A file that is neither CSV nor Parquet with the required columns. Its text has the reason."""


@dataclass(frozen=True, slots=True)
class PriceRows:
    """The rows of some files.

    Attributes:
        usable: `interval_start`, `interval_s`, `buy_per_kwh`, `sell_per_kwh`, `currency`, `file` (position) and `row`.
        rejects: The others, with the reason.
    """

    usable: pd.DataFrame
    rejects: list[Reject]


def shape_prices(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Imported files → table `prices`, and `quarantine` for rows that cannot be used.

    A later file replaces the prices of the same beginnings. Of rows that overlap otherwise, that of the later file stays, and
    in one file the earlier.

    **Shape**: files in any order → one row per beginning of an interval. **Units**: the currency per kWh, s.
    """
    ordered = sorted(responses, key=lambda response: (response.requested_at, response.raw_id))
    rows = price_rows(ordered, site.site_id)
    if rows.usable.empty:
        return {"prices": empty_frame("prices"), "quarantine": quarantine_frame(rows.rejects)}
    kept, overlapping = without_overlaps(rows.usable)
    rejects = [*rows.rejects, *_overlaps(overlapping, ordered)]
    of_file = kept["file"].to_numpy()
    lineage: dict[str, pd.Series] = {
        "_fetched_at": pd.Series([response.requested_at for response in ordered], dtype="datetime64[us, UTC]"),
        "_raw_id": pd.Series([response.raw_id for response in ordered], dtype="str"),
        "_run_id": pd.Series([response.run_id for response in ordered], dtype="str"),
    }
    columns = {name: kept[name] for name in ("interval_start", "interval_s", "buy_per_kwh", "sell_per_kwh", "currency")}
    columns |= {name: values.take(of_file).reset_index(drop=True) for name, values in lineage.items()}
    frame = table_frame("prices", {"site_id": site.site_id, **columns})
    return {"prices": frame, "quarantine": quarantine_frame(rejects)}


def price_rows(files: Sequence[RawResponse], site_id: int) -> PriceRows:
    """The rows of files in the order of their import; a file that cannot be read is rejected as a whole."""
    parts, rejects = list[pd.DataFrame](), list[Reject]()
    for position, file in enumerate(files):
        try:
            table = read_prices(file.body)
        except UnreadablePrices as error:
            rejects.append(reject(file, -1, Reason.CONTRACT, str(error)))
            continue
        label = file.path.rsplit("/", 1)[-1]
        rows, refused = _usable(table, None if label == FROM_COLUMN else label, site_id)
        rejects += [reject(file, row, reason, _payload(table, row)) for row, reason in refused]
        parts.append(rows.assign(file=position))
    usable = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return PriceRows(usable, rejects)


def read_prices(content: bytes) -> pa.Table:
    """A file as columns of text, under the names of table `prices`; instants of Parquet stay instants.

    Raises:
        UnreadablePrices: It is neither CSV nor Parquet, or has not the columns.
    """
    try:
        if content[:4] == _PARQUET:
            table = parquet.read_table(pa.BufferReader(content))
        else:
            names = csv.open_csv(pa.BufferReader(content)).schema.names
            as_text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
            table = csv.read_csv(pa.BufferReader(content), convert_options=as_text)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadablePrices(f"it is neither CSV nor Parquet: {str(error).splitlines()[0]}") from None
    found = {name.strip().lower(): position for position, name in enumerate(table.schema.names)}
    columns = {}
    for name, spellings in COLUMNS.items():
        positions = [found[spelling] for spelling in spellings if spelling in found]
        if positions:
            columns[name] = _text(table.column(positions[0]))
        elif name in REQUIRED:
            raise UnreadablePrices(f"it has no column {' or '.join(spellings)}")
    return pa.table(columns)


def _text(column: pa.ChunkedArray) -> pa.Array:
    """Values as text, but for instants."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)
    try:
        return pc.utf8_trim_whitespace(values.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(values), pa.string())


def _usable(table: pa.Table, currency: str | None, site_id: int) -> tuple[pd.DataFrame, list[tuple[int, Reason]]]:
    """The rows of a file that can be used, and the others with the reason. A row has the first reason that applies."""
    count = table.num_rows
    reasons = np.full(count, None, dtype=object)

    def refuse(is_bad: Mask, reason: Reason) -> None:
        reasons[is_bad & (reasons == None)] = reason  # noqa: E711 - element by element

    if "site_id" in table.column_names:
        refuse(np.asarray(pc.fill_null(pc.not_equal(table["site_id"], str(site_id)), False)), Reason.OTHER_SITE)
    instants = _instants(table["interval_start"].combine_chunks())
    refuse(np.asarray(table["interval_start"].is_null()), Reason.NO_TIMESTAMP)
    refuse(instants.isna().to_numpy(), Reason.BAD_TIMESTAMP)
    prices = {}
    for name in ("buy_per_kwh", "sell_per_kwh"):
        texts = table[name].combine_chunks() if name in table.column_names else pa.nulls(count, pa.string())
        prices[name], is_number, is_in_range = _money(texts)
        refuse(~is_number, Reason.NOT_A_NUMBER)
        refuse(~is_in_range, Reason.OUT_OF_RANGE)
    is_empty = np.asarray(pc.and_(*(prices[name].is_null() for name in prices)))
    refuse(is_empty, Reason.NO_VALUE)
    currencies = (
        table["currency"].combine_chunks() if "currency" in table.column_names else pa.nulls(count, pa.string())
    )
    currencies = pc.fill_null(currencies, pa.scalar(currency, pa.string()))
    is_code = pc.fill_null(pc.match_substring_regex(currencies, _CURRENCY), False)
    refuse(~np.asarray(is_code), Reason.NO_CURRENCY)
    lengths = np.zeros(count, np.int64)
    timed = np.flatnonzero(
        instants.notna().to_numpy()
    )  # also of rows that are refused: they show how long intervals are
    lengths[timed] = _lengths_s(table, instants, timed)
    refuse((lengths < 1) | (lengths > _LONGEST_S), Reason.NO_LENGTH)
    kept = np.flatnonzero(reasons == None)  # noqa: E711 - element by element
    rows = pd.DataFrame(
        {
            "interval_start": instants.take(kept).reset_index(drop=True),
            "interval_s": lengths[kept],
            **{
                name: pd.Series(values.take(pa.array(kept)), dtype=pd.ArrowDtype(_MONEY))
                for name, values in prices.items()
            },
            "currency": pd.Series(currencies.take(pa.array(kept)), dtype="str"),
            "row": kept,
        }
    )
    return rows, [(row, reasons[row]) for row in np.flatnonzero(reasons != None).tolist()]  # noqa: E711


def _instants(values: pa.Array) -> pd.Series:
    """Instants of text with an offset, or of a Parquet column with a zone; without either they name none."""
    if not pa.types.is_timestamp(values.type):
        return to_utc(values)
    if values.type.tz is None:
        return pd.Series(pd.NaT, index=range(len(values)), dtype="datetime64[us, UTC]")
    return pd.Series(values.cast(pa.timestamp("us", tz="UTC")).to_pandas())


def _money(texts: pa.Array) -> tuple[pa.Array, Mask, Mask]:
    """Prices of text, NULL where there is none; whether each is a number or NULL; whether it is within the bounds."""
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    is_plain = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), False)
    wide = pc.if_else(is_plain, texts, None).cast(pa.decimal128(38, 15))
    prices = pc.round(wide, ndigits=6, round_mode="half_to_even").cast(pa.decimal128(38, 6), safe=False)
    is_number = np.array(pc.or_(is_plain, texts.is_null()))
    others = np.flatnonzero(~is_number)
    if len(others):
        values = prices.to_pylist()
        for position in others.tolist():
            values[position] = _decimal(texts[position].as_py())
            is_number[position] = values[position] is not None
        prices = pa.array(values, pa.decimal128(38, 6))
    is_in_range = np.array(pc.fill_null(pc.less_equal(pc.abs(prices), pa.scalar(Decimal(int(_HIGHEST)))), True))
    return pc.if_else(pa.array(is_in_range), prices, None).cast(_MONEY), is_number, is_in_range


def _decimal(text: str) -> Decimal | None:
    """A number in another spelling, such as 1e-05."""
    try:
        number = Decimal(text)
        if number.is_finite() and abs(number) > _HIGHEST:
            return Decimal(int(_HIGHEST) + 1)  # out of range, whatever its size
        return number.quantize(Decimal("0.000001"), ROUND_HALF_EVEN) if number.is_finite() else None
    except InvalidOperation:
        return None


def _lengths_s(table: pa.Table, instants: pd.Series, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Seconds of each interval: as given, else the distance to the nearer of the rows before and after it; 0 without any."""
    starts_s = epoch_us(instants.take(rows)) // 1_000_000
    order = np.argsort(starts_s, kind="stable")
    distinct = np.unique(starts_s)
    gaps = np.diff(distinct)
    longest = np.iinfo(np.int64).max
    nearest = (
        np.minimum(np.append(gaps, longest), np.append(longest, gaps))
        if len(gaps)
        else np.zeros(len(distinct), np.int64)
    )
    lengths = nearest[np.searchsorted(distinct, starts_s)] if len(order) else np.zeros(0, np.int64)
    if "interval_s" in table.column_names:
        texts = table["interval_s"].combine_chunks().take(pa.array(rows))
        is_whole = pc.fill_null(pc.match_substring_regex(texts, r"^\d{1,6}(\.0+)?$"), False)
        given = pc.fill_null(pc.if_else(is_whole, texts, None).cast(pa.float64()), 0)
        lengths = np.where(np.asarray(texts.is_null()), lengths, np.asarray(given).astype(np.int64))
    return lengths


_VALUES: Final = ["interval_start", "file", "interval_s", "buy_per_kwh", "sell_per_kwh", "currency"]
"""What rows of a file must have in common to be the same."""


def without_overlaps(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of which none overlap, in order of time, and those that were left out.

    A row of the same beginning in a later file replaces one, which is not reported. In one file the last counts, and others are
    reported unless they are the same.
    """
    ordered = rows.sort_values(["interval_start", "file", "row"], kind="stable")
    of_files = ordered.drop_duplicates(["interval_start", "file"], keep="last")
    repeated = ordered.drop(index=of_files.index).drop_duplicates(_VALUES, keep="last")
    is_same = pd.concat([repeated, of_files]).duplicated(_VALUES, keep=False).iloc[: len(repeated)]
    dropped = [repeated[~is_same]] if len(repeated) else []
    kept = of_files.drop_duplicates("interval_start", keep="last").reset_index(drop=True)
    while True:
        starts_us = epoch_us(kept["interval_start"])
        ends_us = starts_us + kept["interval_s"].to_numpy(np.int64) * 1_000_000
        first = np.flatnonzero(ends_us[:-1] > starts_us[1:])
        if not len(first):
            break
        file = kept["file"].to_numpy()
        is_older = file[first] < file[first + 1]
        loser = np.unique(np.where(is_older, first, first + 1))
        # One of a chain at a time: the next row may no longer overlap when the one before it is gone.
        loser = loser[np.append(True, np.diff(loser) > 1)]
        dropped.append(kept.take(loser))
        kept = kept.drop(index=loser).reset_index(drop=True)
    return kept, pd.concat(dropped, ignore_index=True) if dropped else kept.iloc[:0]


def _overlaps(rows: pd.DataFrame, files: Sequence[RawResponse]) -> list[Reject]:
    tables: dict[int, pa.Table] = {}
    found = []
    for position, row in zip(rows["file"].tolist(), rows["row"].tolist(), strict=True):
        if position not in tables:
            tables[position] = read_prices(files[position].body)
        found.append(reject(files[position], row, Reason.OVERLAP, _payload(tables[position], row)))
    return found


def _payload(table: pa.Table, row: int) -> dict[str, Any]:
    """A row as it is quarantined."""
    values = table.slice(row, 1).to_pylist()[0]
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
