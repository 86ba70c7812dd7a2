"""However the lake changes from night to night, the warehouse holds what loading all of it gives."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from warehouse.build import build as building
from warehouse.build import manifest
from warehouse.build.build import Loading, build
from warehouse.lake.lake import Lake
from warehouse.schema import DAILY, GAPS, QUARANTINE, TABLES, Table

SITES, MONTHS, NIGHTS = (1, 2), range(1, 7), 3
CHANGED = (DAILY.name, GAPS.name, QUARANTINE.name)
"""A table keyed by site and date; one whose files overlap and whose key has more than both; one keyed by neither."""

Change = tuple[str, int, int, int | None, int]
"""Table, site, month, first day of the rows (None: the file is removed), how many days they are spread over."""

CHANGES = st.tuples(
    st.sampled_from(CHANGED),
    st.sampled_from(SITES),
    st.sampled_from(MONTHS),
    st.none() | st.integers(0, 40),
    st.sampled_from([0, 1, 40, 200]),
)


def _rows(table: Table, site: int, month: int, first: int, spread: int) -> pd.DataFrame:
    """Two rows, of one file alone: those of months that overlap differ by the hour, or by what else is in the key."""
    day = date(2025, month, 1) + timedelta(days=first)
    days = [day, day + timedelta(days=spread)] if spread else [day]
    if table is DAILY:  # a day is in one file alone, so months keep to themselves
        days = [date(2025, month, 1 + day % 28) for day in sorted({first, first + spread})]
        days = sorted(set(days))
    given: dict[str, Any] = {
        "site_id": site,
        "local_date": days,
        "status": "agreed",
        "coverage_pct": 100.0,
        "solar_energy_exported_wh": [float(first + spread)] * len(days),
        "series": f"series {month}",
        "gap_start": [datetime(day.year, day.month, day.day, month, tzinfo=UTC) for day in days],
        "gap_end": [datetime(day.year, day.month, day.day, month + 1, tzinfo=UTC) for day in days],
        "cause": "no_data",
        "expected_rows": 1 + first,
        "raw_id": f"{site} {month}",
        "row_number": list(range(len(days))),
        "reason": f"reason {first}",
    }
    columns = {field.name: pd.Series(given.get(field.name), index=range(len(days))) for field in table.fields}
    return pd.DataFrame(columns).astype(table.dtypes)


def _apply(lake: Lake, change: Change) -> None:
    name_of_table, site, month, first, spread = change
    table = TABLES[name_of_table]
    name = f"2025-{month:02d}"
    if first is None:
        lake.path(table, site, name).unlink(missing_ok=True)
    else:
        lake.write(table, _rows(table, site, month, first, spread), site_id=site, period=name, digest="d")


def _content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return {
            table.name: connection.execute(f'from "{table.name}" order by all').fetchall() for table in TABLES.values()
        }


def _without_models(connection: duckdb.DuckDBPyConnection, _: object) -> None:
    connection.execute("create schema if not exists analytics")


@pytest.mark.slow
@examples(5)
@given(
    first=st.lists(CHANGES, min_size=20, max_size=24),
    nights=st.lists(st.lists(CHANGES, max_size=4), min_size=NIGHTS, max_size=NIGHTS),
)
def test_nights_of_changes_come_to_what_a_whole_load_gives(first: list[Change], nights: list[list[Change]]) -> None:
    """Files come, change, lose and gain rows, overlap and go; table by table the rows are those of the lake."""
    with (
        TemporaryDirectory() as directory,
        patch.object(building, "create_models", _without_models),
        patch.object(building, "updated_models", lambda *_: nullcontext()),
        patch.object(manifest, "RACE_NS", 0),
    ):
        lake, path = Lake(Path(directory) / "lake"), Path(directory) / "warehouse.duckdb"
        for change in first:
            _apply(lake, change)
        assert build(lake, path).loading is Loading.WHOLE
        for changes in nights:
            for change in changes:
                _apply(lake, change)
            built = build(lake, path)
        whole = build(lake, path.with_name("whole.duckdb"), anew=True)
        assert _content(path) == _content(whole.path)
        assert built.rows == whole.rows
