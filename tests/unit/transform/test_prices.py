"""Prices by interval from files: what is read, what is refused and why, and which of two rows counts."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, records
from transform.prices import UnreadablePrices, read_prices, shape_prices

FIRST = datetime(2025, 4, 1, tzinfo=UTC)
HEADER = "interval_start,interval_s,buy_per_kwh,sell_per_kwh\n"


def file(content: str | bytes, number: int = 1, label: str = "EUR") -> KeptAnswer:
    """A file, imported on the day of its number."""
    body = content.encode() if isinstance(content, str) else content
    at = FIRST + timedelta(days=number)
    return KeptAnswer(f"r{number}", "price_file", at.date(), at.date(), at, body, path=f"/import/price_file/{label}")


def shaped(*files: KeptAnswer) -> tuple[list[dict[str, Any]], list[tuple[str, int, str]]]:
    tables = checked(dict(shape_prices(files, BATTERY_SITE)))
    refused = [(row["raw_id"], row["row_number"], row["reason"]) for row in records(tables["quarantine"])]
    return records(tables["prices"]), refused


def starts(rows: list[dict[str, Any]]) -> list[str]:
    return [f"{row['interval_start']:%H:%M}" for row in rows]


def as_parquet(columns: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.18291", "0.182910"),
        ("-0.0125", "-0.012500"),
        ("0", "0.000000"),
        ("1e-05", "0.000010"),
        ("+0.5", "0.500000"),
        (".5", "0.500000"),
        ("0.1234565", "0.123456"),
        ("0.1234575", "0.123458"),
        ("0.30000000000000004", "0.300000"),
        ("1000000", "1000000.000000"),
    ],
)
def test_a_price_is_exact_to_a_millionth(text: str, expected: str) -> None:
    rows, refused = shaped(file(f"{HEADER}2025-03-30T00:00Z,3600,{text},\n"))
    assert refused == []
    assert rows[0]["buy_per_kwh"] == Decimal(expected)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-03-30T00:00,3600,0.1,0.1", "bad_timestamp"),
        ("yesterday,3600,0.1,0.1", "bad_timestamp"),
        (",3600,0.1,0.1", "no_timestamp"),
        ("2025-03-30T00:00Z,3600,cheap,0.1", "not_a_number"),
        ("2025-03-30T00:00Z,3600,0.1,inf", "not_a_number"),
        ("2025-03-30T00:00Z,3600,1000001,0.1", "out_of_range"),
        ("2025-03-30T00:00Z,3600,1e300,0.1", "out_of_range"),
        ("2025-03-30T00:00Z,3600,,", "no_value"),
        ("2025-03-30T00:00Z,0,0.1,0.1", "no_length"),
        ("2025-03-30T00:00Z,86401,0.1,0.1", "no_length"),
        ("2025-03-30T00:00Z,an hour,0.1,0.1", "no_length"),
        ("2025-03-30T00:00Z,,0.1,0.1", "no_length"),
    ],
)
def test_a_row_that_cannot_be_used_is_quarantined_with_its_reason(row: str, reason: str) -> None:
    """The others of the file are used; a row alone has no length that could be seen."""
    is_alone = row.split(",")[1] == ""
    rows, refused = shaped(file(f"{HEADER}{row}\n" + ("" if is_alone else "2025-04-05T12:00Z,3600,0.2,0.1\n")))
    assert refused == [("r1", 0, reason)]
    assert len(rows) == (0 if is_alone else 1)


def test_the_currency_is_that_of_the_column_else_that_given() -> None:
    head = "instant,buy,currency\n"
    rows, refused = shaped(file(f"{head}2025-03-30T00:00Z,0.1,GBP\n2025-03-30T00:30Z,0.1,\n", label="column"))
    assert [row["currency"] for row in rows] == ["GBP"]
    assert refused == [("r1", 1, "no_currency")]
    rows, refused = shaped(file(f"{head}2025-03-30T00:00Z,0.1,GBP\n2025-03-30T00:30Z,0.1,\n", label="EUR"))
    assert ([row["currency"] for row in rows], refused) == (["GBP", "EUR"], [])


def test_rows_of_another_site_are_not_this_ones() -> None:
    content = "site,instant,buy\n101,2025-03-30T00:00Z,0.1\n202,2025-03-30T00:00Z,0.2\n101,2025-03-30T01:00Z,0.3\n"
    rows, refused = shaped(file(content))
    assert [row["buy_per_kwh"] for row in rows] == [Decimal("0.1"), Decimal("0.3")]
    assert refused == [("r1", 1, "other_site")]


def test_the_length_is_the_distance_to_the_nearer_row() -> None:
    """Hours, then quarter hours; a row that is missing makes no interval longer."""
    times = ("00:00", "01:00", "02:00", "02:15", "02:30", "03:00")
    rows, _ = shaped(file("instant,buy\n" + "".join(f"2025-03-30T{time}Z,0.1\n" for time in times)))
    assert [row["interval_s"] for row in rows] == [3600, 3600, 900, 900, 900, 1800]


def test_a_correction_replaces_and_the_order_of_files_is_that_of_their_import() -> None:
    old = file(f"{HEADER}2025-03-30T00:00Z,3600,0.1,\n2025-03-30T01:00Z,3600,0.2,\n")
    new = file(f"{HEADER}2025-03-30T01:00Z,3600,0.25,0.1\n", 2)
    rows, refused = shaped(new, old)
    assert [(row["buy_per_kwh"], row["_raw_id"]) for row in rows] == [(Decimal("0.1"), "r1"), (Decimal("0.25"), "r2")]
    assert refused == []


def test_the_same_file_twice_changes_nothing() -> None:
    content = f"{HEADER}2025-03-30T00:00Z,3600,0.1,\n2025-03-30T01:00Z,3600,0.2,\n"
    once, twice = (
        [{name: value for name, value in row.items() if not name.startswith("_")} for row in shaped(*files)[0]]
        for files in ((file(content),), (file(content), file(content, 2)))
    )
    assert once == twice


def test_of_rows_of_one_beginning_in_a_file_the_last_counts_and_others_are_reported() -> None:
    row = "2025-03-30T00:00Z,3600,{},\n"
    rows, refused = shaped(file(HEADER + "".join(row.format(price) for price in ("0.1", "0.2", "0.20", "0.2"))))
    assert ([row["buy_per_kwh"] for row in rows], refused) == ([Decimal("0.2")], [("r1", 0, "overlap")])


def test_of_rows_that_overlap_that_of_the_later_file_stays() -> None:
    old = file(f"{HEADER}2025-03-30T00:00Z,3600,0.1,\n2025-03-30T01:00Z,3600,0.2,\n2025-03-30T02:00Z,3600,0.3,\n")
    new = file(f"{HEADER}2025-03-30T01:30Z,3600,0.4,\n", 2)
    rows, refused = shaped(old, new)
    assert starts(rows) == ["00:00", "01:30"]
    assert refused == [("r1", 1, "overlap"), ("r1", 2, "overlap")]


def test_of_rows_that_overlap_in_a_file_the_earlier_stays() -> None:
    times = [f"2025-03-30T00:{minute:02d}Z,1800,0.1,\n" for minute in range(0, 60, 10)]
    rows, refused = shaped(file(HEADER + "".join(times)))
    assert starts(rows) == ["00:00", "00:30"]
    assert [row for _, row, _ in refused] == [1, 2, 4, 5]


def test_quarter_hours_replace_hours() -> None:
    old = file(f"{HEADER}2025-03-30T00:00Z,3600,0.1,\n2025-03-30T01:00Z,3600,0.2,\n")
    new = file(HEADER + "".join(f"2025-03-30T00:{minute}Z,900,0.3,\n" for minute in ("00", "15", "30", "45")), 2)
    rows, refused = shaped(old, new)
    assert (starts(rows), refused) == (["00:00", "00:15", "00:30", "00:45", "01:00"], [])


def test_parquet_has_the_same_prices_as_csv() -> None:
    starting = pd.date_range("2025-03-30", periods=3, freq="1h", tz="Europe/Berlin")
    columns = {"interval_start": starting, "buy_per_kwh": [0.1, 0.1 + 0.2, 1e-05], "sell_per_kwh": [None, 0.05, -0.01]}
    text = "interval_start,buy_per_kwh,sell_per_kwh\n" + "".join(
        f"{start.isoformat()},{buy},{'' if sell is None else sell}\n"
        for start, buy, sell in zip(*columns.values(), strict=True)
    )
    exact = columns | {
        "buy_per_kwh": pa.array([Decimal("0.1"), Decimal("0.3"), Decimal("0.00001")], pa.decimal128(9, 5))
    }
    assert shaped(file(as_parquet(columns))) == shaped(file(text)) == shaped(file(as_parquet(exact)))
    assert len(shaped(file(text))[0]) == 3


def test_instants_of_parquet_without_a_zone_name_no_instant() -> None:
    naive = as_parquet({"instant": pd.date_range("2025-03-30", periods=2, freq="1h"), "buy": [0.1, 0.2]})
    assert shaped(file(naive)) == ([], [("r1", 0, "bad_timestamp"), ("r1", 1, "bad_timestamp")])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither CSV nor Parquet"),
        (b"PAR1 and no more", "neither CSV nor Parquet"),
        (b"a,b\n1\n", "neither CSV nor Parquet"),
        (b"a,b\n1,2\n", "no column interval_start or instant"),
        (b"instant,price\n1,2\n", "no column buy_per_kwh or buy"),
        (b"\xff\xfe\x00instant,buy\n", "n"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePrices, match=reason):
        read_prices(content)
    assert [refused[1:] for refused in shaped(file(content))[1]] == [(-1, "contract")]


def test_a_file_without_rows_has_none() -> None:
    assert shaped(file(HEADER)) == ([], [])
    assert shaped(file(as_parquet({"instant": pa.array([], pa.string()), "buy": pa.array([], pa.float64())}))) == (
        [],
        [],
    )
