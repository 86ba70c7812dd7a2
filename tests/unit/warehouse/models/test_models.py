"""Each model, on literal rows; and models are what they are declared to be."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from tests.unit.warehouse.conftest import Database
from warehouse.connection import connect
from warehouse.errors import ModelMismatch
from warehouse.models import MODELS, Model, create_models
from warehouse.schema import TABLES, Field, Kind
from warehouse.statements import load

EVERY_MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)


@pytest.fixture
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table, empty, and no model."""
    with connect() as connection:
        for table in TABLES.values():
            for statement in table.ddl():
                connection.execute(statement)
        yield connection


def test_daily_is_the_table_in_kwh_with_the_sites_name(database: Database) -> None:
    """Each flow arrives in its own column, a thousandth of its Wh."""
    flows = {
        "solar_energy_exported_wh": 1_000.0,
        "home_wh": 2_000.0,
        "grid_energy_imported_wh": 3_000.0,
        "grid_export_wh": 4_000.0,
        "battery_charge_wh": 5_000.0,
        "battery_energy_exported_wh": 6_000.0,
        "generator_energy_exported_wh": 7_000.0,
        "consumer_energy_imported_from_solar_wh": 8_000.0,
        "battery_energy_imported_from_solar_wh": 9_000.0,
        "grid_energy_exported_from_solar_wh": 10_000.0,
        "consumer_energy_imported_from_battery_wh": 11_000.0,
        "grid_energy_exported_from_battery_wh": 12_000.0,
        "consumer_energy_imported_from_grid_wh": 13_000.0,
        "battery_energy_imported_from_grid_wh": 14_001.0,
    }
    day = {"local_date": date(2025, 3, 9), "status": "agreed", "source": "calendar_history/month", "coverage_pct": 99.5}
    connection = database({"sites": [{"site_name": "Home"}], "daily": [{**day, **flows}]}, "daily")
    row = connection.execute("select * from analytics.daily").fetchall()
    facts = (1001, "Home", date(2025, 3, 9), "agreed", "calendar_history/month", 99.5)
    assert row == [(*facts, *(float(kwh) for kwh in range(1, 14)), 14.001)]


def test_daily_keeps_a_missing_day_and_a_site_without_name(database: Database) -> None:
    """NULL stays NULL, never zero; a site that `sites` does not know keeps its days."""
    connection = database({"sites": [], "daily": [{"site_id": 7, "status": "missing", "coverage_pct": 0.0}]}, "daily")
    row = connection.execute("select * from analytics.daily").fetchall()[0]
    assert row[:6] == (7, None, date(2025, 3, 1), "missing", None, 0.0)
    assert set(row[6:]) == {None}


def test_coverage_counts_stored_and_missing_rows_by_month(database: Database) -> None:
    """Nights, the future and the time before the installation are not expected; a gap over a month's end counts in both."""

    def gap(start: datetime, end: datetime, rows: int, cause: str) -> dict[str, object]:
        return {"series": "power", "gap_start": start, "gap_end": end, "expected_rows": rows, "cause": cause}

    # Los Angeles is eight hours behind in March until the 9th, then seven.
    gaps = [
        gap(datetime(2025, 3, 1, 10, tzinfo=UTC), datetime(2025, 3, 1, 11, tzinfo=UTC), 12, "no_data"),
        gap(datetime(2025, 4, 1, 5, tzinfo=UTC), datetime(2025, 4, 1, 9, tzinfo=UTC), 48, "not_fetched"),
        gap(datetime(2025, 3, 2, 8, tzinfo=UTC), datetime(2025, 3, 2, 9, tzinfo=UTC), 12, "night"),
        gap(datetime(2025, 3, 3, 8, tzinfo=UTC), datetime(2025, 3, 3, 9, tzinfo=UTC), 12, "future"),
        gap(datetime(2025, 1, 3, 8, tzinfo=UTC), datetime(2025, 1, 3, 9, tzinfo=UTC), 12, "before_install"),
    ]
    stored = [{"interval_start": datetime(2025, 3, 1, 8, minute, tzinfo=UTC)} for minute in (0, 5, 10, 15)]
    periods = [
        {"granularity": "day", "source": source} for source in ("calendar_history/month", "calendar_history/week")
    ]
    sites = [{"timezone": "America/Los_Angeles"}]
    connection = database({"sites": sites, "power": stored, "gaps": gaps, "energy_periods": periods}, "coverage")
    rows = connection.execute("select * exclude (site_id) from analytics.coverage order by all").fetchall()
    assert rows == [
        ("energy_day", date(2025, 3, 1), 1, 1, 100.0),
        ("power", date(2025, 3, 1), 4, 4 + 12 + 24, 10.0),
        ("power", date(2025, 4, 1), 0, 24, 0.0),
    ]


def test_coverage_of_a_site_with_a_fixed_offset_is_by_its_own_months(database: Database) -> None:
    """Q7: 5:00 UTC is the last half hour of March at UTC-05:30, and April's first hour where the half is forgotten."""
    start = datetime(2025, 4, 1, 4, 30, tzinfo=UTC)
    gap = {
        "gap_start": start,
        "gap_end": start + timedelta(hours=1),
        "expected_rows": 12,
        "cause": "failed",
        "series": "soe",
    }
    connection = database({"sites": [{"timezone": "UTC-05:30"}], "gaps": [gap]}, "coverage")
    rows = connection.execute("select series, month, held_rows, expected_rows from analytics.coverage").fetchall()
    assert rows == [("soe", date(2025, 3, 1), 0, 12)]


def test_every_sql_file_is_declared_and_every_declaration_has_a_file() -> None:
    """Adding a model is adding both; forgetting one is a failing test."""
    assert set(load("models")) == set(MODELS)


@EVERY_MODEL
def test_header_states_purpose_grain_and_sources(model: Model) -> None:
    """The page of the dictionary and DuckDB's comment are made from them."""
    assert set(model.statement.header) == {"purpose", "grain", "sources"}
    assert all(text.strip() for text in model.statement.header.values())


@EVERY_MODEL
def test_sources_of_the_header_are_those_of_the_query(model: Model) -> None:
    """What the header claims to read is what is read."""
    body = "\n".join(line for line in model.statement.sql.splitlines() if not line.startswith("--"))
    for source in model.statement.header["sources"].split(", "):
        assert source in body
    schemas = ("main.", "analytics.", "meta.")
    named = {name.strip("(),;") for name in body.split() if name.startswith(schemas)}
    relations = {name for name in named if "(" not in name}
    assert relations - {f"analytics.{model.name}"} == set(model.statement.header["sources"].split(", "))


def test_declarations_are_in_duckdb_as_comments(tables: duckdb.DuckDBPyConnection) -> None:
    """`describe` and every SQL tool show what a model and its columns mean."""
    create_models(tables)
    found = tables.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'analytics'"
    ).fetchall()
    assert set(found) == {
        (model.name, field.name, field.description) for model in MODELS.values() for field in model.fields
    }
    of_models = tables.execute(
        "select view_name, comment, false from duckdb_views() where schema_name = 'analytics' "
        "union all select table_name, comment, true from duckdb_tables() where schema_name = 'analytics'"
    ).fetchall()
    assert set(of_models) == {(model.name, model.grain, model.is_materialised) for model in MODELS.values()}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (MODELS["daily"].fields[:-1], "grid_to_battery_kwh DOUBLE"),
        ((*MODELS["daily"].fields, Field("extra_kwh", Kind.DOUBLE, "Extra.")), "extra_kwh DOUBLE"),
        ((replace(MODELS["daily"].fields[0], type=Kind.INTEGER), *MODELS["daily"].fields[1:]), "site_id INTEGER"),
        (tuple(reversed(MODELS["daily"].fields)), "their order"),
    ],
    ids=["one too few", "one too many", "another type", "another order"],
)
def test_model_that_is_not_as_declared_is_refused(
    tables: duckdb.DuckDBPyConnection, fields: tuple[Field, ...], said: str
) -> None:
    """Names, types and order of a model are relied on by queries."""
    with pytest.raises(ModelMismatch, match=f"model daily and its declaration differ in .*{said}"):
        create_models(tables, [MODELS["sites"], replace(MODELS["daily"], fields=fields)])
