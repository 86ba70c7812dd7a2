"""Any rows that are written to the lake are read back."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples, instants
from warehouse.build.build import build
from warehouse.connection import connect
from warehouse.lake.lake import Lake
from warehouse.schema import TABLES, Field, Kind, Table

SITE = 2**53 + 1
"""A site id that a float cannot hold."""

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
INSTANTS = instants(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def _value(field: Field, table: Table) -> st.SearchStrategy[Any]:
    lowest, highest = field.bounds or (-(2**31), 2**31 - 1)
    values: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.BIGINT: st.integers(int(lowest), int(highest)),
        Kind.INTEGER: st.integers(max(int(lowest), -(2**31)), min(int(highest), 2**31 - 1)),
        Kind.DOUBLE: st.floats(lowest, highest, allow_nan=False),
        Kind.DECIMAL: st.decimals(int(lowest), int(highest), places=6),
        Kind.MONEY: st.decimals(-(10**18), 10**18, places=9),
        Kind.VARCHAR: TEXTS,
        Kind.BOOLEAN: st.booleans(),
        Kind.DATE: st.dates(date(1970, 1, 1), date(2200, 1, 1)),
        Kind.TIMESTAMPTZ: INSTANTS,
    }
    if field.name == "site_id" and table.partition == "site_month":
        return st.just(SITE)
    return values[field.type] | st.none() if field.nullable else values[field.type]


def _frames(table: Table, *, max_rows: int = 8) -> st.SearchStrategy[pd.DataFrame]:
    row = st.fixed_dictionaries({field.name: _value(field, table) for field in table.fields})
    rows = st.lists(row, max_size=max_rows, unique_by=lambda row: tuple(row[name] for name in table.primary_key))
    return rows.map(lambda given: _frame(table, given))


def _frame(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {field.name: pd.Series([row[field.name] for row in rows], dtype=field.dtype) for field in table.fields}
    )


def _partition(table: Table) -> dict[str, Any]:
    return {} if table.partition == "account" else {"site_id": SITE, "period": "2025-03"}


@EVERY_TABLE
@examples(6)
@given(data=st.data())
def test_written_frame_is_read_back(table: Table, data: st.DataObject) -> None:
    """Values, NULLs and dtypes come back, sorted by key, and again after the warehouse was built from them."""
    frame = data.draw(_frames(table))
    with TemporaryDirectory() as directory:
        lake = Lake(Path(directory) / "lake")
        written = lake.write(table, frame, **_partition(table), digest="d")
        back = lake.read(table)
        again = Lake(Path(directory) / "again").write(table, back, **_partition(table), digest="d")
        assert again.path.read_bytes() == written.path.read_bytes()
    expected = frame.sort_values(list(table.primary_key), ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_exact=True)
    assert written.rows == len(frame)


@pytest.mark.slow
@examples(2)
@given(frames=st.fixed_dictionaries({name: _frames(table, max_rows=3) for name, table in TABLES.items()}))
def test_warehouse_holds_what_the_lake_holds(frames: dict[str, pd.DataFrame]) -> None:
    """Every table of the warehouse equals the lake's, row by row and to the bit."""
    with TemporaryDirectory() as directory:
        lake = Lake(Path(directory) / "lake")
        for name, frame in frames.items():
            lake.write(name, frame, **_partition(TABLES[name]), digest="d")
        built = build(lake, Path(directory) / "warehouse.duckdb")
        with connect(built.path, read_only=True) as connection:
            for name, table in TABLES.items():
                content = connection.sql(f'from main."{name}"').to_arrow_table().cast(table.arrow_schema())
                expected = lake.read(name)
                found = pd.DataFrame(
                    {
                        field.name: pd.Series(content[field.name].to_pylist(), dtype=field.dtype)
                        for field in table.fields
                    }
                )
                pd.testing.assert_frame_equal(found, expected, check_exact=True)
                assert built.rows[name] == len(expected)


@examples(15)
@given(order=st.permutations(range(12)))
def test_order_of_rows_is_irrelevant(order: list[int]) -> None:
    """The same rows make the same file, byte for byte."""
    start = datetime(2025, 3, 1, tzinfo=UTC)
    table = TABLES["state_of_energy"]
    plain: dict[str, Any] = {"site_id": SITE, "interval_s": 900, "local_date": date(2025, 3, 1), "_fetched_at": start}
    rows = [
        {
            **plain,
            "interval_start": start + timedelta(minutes=15 * step),
            "soe_pct": step,
            "_raw_id": "r",
            "_run_id": "n",
        }
        for step in order
    ]
    with TemporaryDirectory() as directory:
        shuffled = Lake(Path(directory) / "a").write(table, _frame(table, rows), **_partition(table), digest="d")
        rows.sort(key=lambda row: row["interval_start"])
        ordered = Lake(Path(directory) / "b").write(table, _frame(table, rows), **_partition(table), digest="d")
        assert shuffled.path.read_bytes() == ordered.path.read_bytes()
