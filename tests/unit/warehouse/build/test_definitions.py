"""A warehouse that is loaded anew takes tables, views and comments from the published one, and nothing else."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.build.published import assert_as_built_anew, fill
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build import provenance
from warehouse.build.build import Loading, build
from warehouse.connection import connect
from warehouse.lake.lake import Lake

pytestmark = pytest.mark.usefixtures("old_files", "real_models")

CATALOG = (
    "select schema_name, table_name, comment, sql from duckdb_tables() where database_name = 'warehouse' order by all",
    (
        "select schema_name, view_name, comment from duckdb_views() "
        "where database_name = 'warehouse' and not internal order by all"
    ),
    (
        "select schema_name, table_name, column_index, column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where database_name = 'warehouse' and not internal order by all"
    ),
    (
        "select schema_name, function_name, macro_definition, comment from duckdb_functions() "
        "where database_name = 'warehouse' and not internal order by all"
    ),
)


def _catalog(path: Path) -> list[list[tuple[Any, ...]]]:
    with duckdb.connect(path, read_only=True) as connection:
        return [connection.execute(query).fetchall() for query in CATALOG]


def test_the_second_build_has_the_catalog_and_the_rows_of_the_first(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come from the lake alone, also for a table that has none any more."""
    fill(lake, frame_of, months=range(1, 4))
    build(lake, destination)
    before = _catalog(destination)
    assert len(before[2]) > 900
    lake.path("power", 1, "2025-02").unlink()
    monkeypatch.setattr("warehouse.build.build.create_models", None)  # it is not called
    built = build(lake, destination, anew=True)
    monkeypatch.undo()
    assert built.loading is Loading.WHOLE
    assert _catalog(destination) == before
    assert_as_built_anew(lake, destination, built, real_models)


def test_a_file_of_other_definitions_is_not_copied(
    lake: Lake, frame_of: FrameOf, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, frame_of, months=range(1, 2))
    with monkeypatch.context() as patched:
        patched.setattr(provenance, "definition", lambda: "another")
        build(lake, destination)
    with connect() as connection:
        assert not provenance.copy_definitions(connection, destination)
        assert not provenance.copy_definitions(connection, destination.with_name("absent.duckdb"))


def test_a_warehouse_of_views_over_the_lake_is_not_copied(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...]
) -> None:
    """Its definitions are those of this version, too, and its tables are views."""
    fill(lake, frame_of, months=range(1, 2))
    build(lake, destination, in_place_views=True)
    built = build(lake, destination, anew=True)
    assert_as_built_anew(lake, destination, built, real_models)
