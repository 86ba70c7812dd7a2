"""Frames, databases and warehouses from literal rows: a test names the columns it is about, the others are plausible."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from warehouse.build.build import build
from warehouse.connection import connect
from warehouse.lake.lake import Lake
from warehouse.models import MODELS
from warehouse.models.gap_causes import create_gap_causes
from warehouse.models.zone_offsets import create_zone_offsets
from warehouse.schema import TABLES, Field, Kind, Table

Row = Mapping[str, Any]

_PLAUSIBLE: dict[str, Any] = {
    "site_id": 1001,
    "status": "ok",
    "interval_s": 300,
    "coverage_pct": 100.0,
    "attempts": 1,
    "rows": 1,
    "interval_start": datetime(2025, 3, 1, 8, tzinfo=UTC),
    "local_date": date(2025, 3, 1),
}
_BY_KIND: dict[Kind, Any] = {
    Kind.BIGINT: 0,
    Kind.INTEGER: 0,
    Kind.DOUBLE: 0.0,
    Kind.DECIMAL: Decimal(0),
    Kind.MONEY: Decimal(0),
    Kind.VARCHAR: "x",
    Kind.BOOLEAN: False,
    Kind.DATE: date(2025, 3, 1),
    Kind.TIMESTAMPTZ: datetime(2025, 3, 1, 8, tzinfo=UTC),
}


class FrameOf(Protocol):
    """`frame_of(POWER, {"solar_w": 5.0}, …)` → a conforming frame, a row a mapping."""

    def __call__(self, table: Table, *rows: Row) -> pd.DataFrame: ...


class Publish(Protocol):
    """`publish({"power": [{…}]}, sites=[{…}])` → the path of a built warehouse."""

    def __call__(self, rows: Mapping[str, Sequence[Row]]) -> Path: ...


def _frame(table: Table, *rows: Row) -> pd.DataFrame:
    for row in rows:
        assert set(row) <= set(table.columns), f"{table.name} has no {set(row) - set(table.columns)}"
    return pd.DataFrame({field.name: pd.Series(_values(field, rows), dtype=field.dtype) for field in table.fields})


def _values(field: Field, rows: tuple[Row, ...]) -> list[Any]:
    default = None if field.nullable else _required(field.name, field.type)
    return [row.get(field.name, default) for row in rows]


def _required(name: str, kind: Kind) -> Any:
    return _PLAUSIBLE.get(name, _BY_KIND[kind])


@pytest.fixture
def frame_of() -> FrameOf:
    return _frame


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def published() -> dict[str, bytes]:
    """Warehouses built so far, by the rows they were built from: many tests ask the same few."""
    return {}


@pytest.fixture
def publish(tmp_path: Path, lake: Lake, published: dict[str, bytes]) -> Publish:
    """Write rows to the lake, in March 2025, and build."""
    destination = tmp_path / "warehouse.duckdb"

    def publishing(rows: Mapping[str, Sequence[Row]]) -> Path:
        given: dict[str, Sequence[Row]] = {"sites": [{"timezone": "America/Los_Angeles"}], **rows}
        if repr(given) not in published:
            for name, of_table in given.items():
                _write(lake, TABLES[name], _frame(TABLES[name], *of_table))
            published[repr(given)] = build(lake, destination).path.read_bytes()
        destination.write_bytes(published[repr(given)])
        return destination

    return publishing


def _write(lake: Lake, table: Table, frame: pd.DataFrame) -> None:
    if table.partition == "account":
        lake.write(table, frame, digest="d")
        return
    for site in frame["site_id"].unique().tolist():
        lake.write(table, frame[frame["site_id"] == site], site_id=site, period="2025-03", digest="d")


class Database(Protocol):
    """`database({"daily": [{…}]}, "monthly")` → tables in memory, and the models named with those they read."""

    def __call__(self, rows: Mapping[str, Sequence[Row]], *models: str) -> duckdb.DuckDBPyConnection: ...


@pytest.fixture(scope="session")
def prepared() -> Iterator[Callable[[int], duckdb.DuckDBPyConnection]]:
    """`prepared(0)`, `prepared(1)`, …: databases in memory with every table, without a row or a model.

    To make the tables takes longer than most tests: each test writes in a transaction, which ends without a trace.
    """
    opened: list[duckdb.DuckDBPyConnection] = []

    def prepare(number: int) -> duckdb.DuckDBPyConnection:
        while len(opened) <= number:
            connection = connect()
            opened.append(connection)
            connection.execute("begin")
            for table in TABLES.values():
                connection.execute(next(table.ddl()))
            connection.execute("create schema analytics")
            connection.execute("commit")
        return opened[number]

    yield prepare
    for connection in opened:
        connection.close()


@pytest.fixture
def database(prepared: Callable[[int], duckdb.DuckDBPyConnection]) -> Iterator[Database]:
    """Without the lake's checks, so that rows are there that it would refuse; without comments, which take longest."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def opening(rows: Mapping[str, Sequence[Row]], *models: str) -> duckdb.DuckDBPyConnection:
        connection = prepared(len(opened))
        opened.append(connection)
        connection.execute("begin")
        for name, of_table in rows.items():
            table = TABLES[name]
            content = pa.Table.from_pandas(_frame(table, *of_table), schema=table.arrow_schema(), preserve_index=False)
            connection.from_arrow(content).insert_into(f"main.{name}")
        create_zone_offsets(connection)
        create_gap_causes(connection)
        scope = set(_with_sources(models))
        for model in MODELS.values():
            if model.name in scope:
                connection.execute(model.statement.sql)
        return connection

    yield opening
    for connection in opened:
        connection.execute("rollback")


def _with_sources(models: Iterable[str]) -> Iterator[str]:
    """The models, and the models that they say they read."""
    for name in models:
        yield name
        sources = MODELS[name].statement.header["sources"].split(", ")
        yield from _with_sources(
            source.removeprefix("analytics.") for source in sources if source.startswith("analytics.")
        )
