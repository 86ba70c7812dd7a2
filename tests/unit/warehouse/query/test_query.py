"""Questions to the warehouse: read-only, one at a time, answered as a stream, refused in one line."""

import io
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.patience import PATIENCE_S
from tests.unit.warehouse.conftest import Publish
from warehouse.errors import (
    NotReadOnly,
    QueryFailed,
    Unreadable,
    VersionMismatch,
    WarehouseMissing,
)
from warehouse.localtime import Clock
from warehouse.query.output_format import Format
from warehouse.query.query import connect, run_sql
from warehouse.schema import SCHEMA_VERSION


@pytest.fixture
def path(publish: Publish) -> Path:
    return publish({"power": [{"solar_w": 1.0}]})


def _answer(path: Path, sql: str, form: Format = Format.CSV, clock: Clock = Clock.UTC) -> str:
    sink = io.BytesIO()
    with connect(path) as connection:
        run_sql(connection, sql, clock=clock).write(sink, form)
    return sink.getvalue().decode()


def test_no_warehouse_says_how_to_get_one(tmp_path: Path) -> None:
    """The first question of a new user."""
    with pytest.raises(WarehouseMissing, match="run `wattlog backfill` first"), connect(tmp_path / "warehouse.duckdb"):
        pass


@pytest.mark.parametrize("content", [b"", b"no database" * 10_000], ids=["empty", "something else"])
def test_file_that_is_no_database_is_said_to_be(tmp_path: Path, content: bytes) -> None:
    """A file of that name may be anything."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match="it is damaged or no DuckDB file; run `wattlog rebuild`"), connect(path):
        pass


def test_truncated_warehouse_is_said_to_be_damaged(path: Path) -> None:
    """A copy that stopped halfway, for instance."""
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(Unreadable, match="it is damaged"), connect(path):
        pass


def test_directory_is_no_warehouse(tmp_path: Path) -> None:
    """The operating system's own word is kept where it says more."""
    with pytest.raises(Unreadable, match="Is a directory"), connect(tmp_path):
        pass


def test_other_database_is_no_warehouse(tmp_path: Path) -> None:
    """A DuckDB file that is not wattlog's is refused before a query of it runs."""
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(path).close()
    with pytest.raises(Unreadable, match="it is not a wattlog warehouse"), connect(path):
        pass


@pytest.mark.parametrize(
    ("version", "advice"), [(SCHEMA_VERSION + 1, "upgrade wattlog"), (SCHEMA_VERSION - 1, "run `wattlog rebuild`")]
)
def test_other_schema_version_is_refused(path: Path, version: int, advice: str) -> None:
    """Columns may mean something else there."""
    with duckdb.connect(path) as connection:
        connection.execute("update meta.build set schema_version = ?", [version])
    with pytest.raises(VersionMismatch, match=advice) as caught, connect(path):
        pass
    assert (caught.value.found, caught.value.expected) == (version, SCHEMA_VERSION)


def test_writer_elsewhere_is_named(path: Path) -> None:
    """DuckDB does not read a file that another process writes to: the error says that, not "damaged"."""
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('locked', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(Unreadable, match="another program has it open for writing"), connect(path):
            pass
        writer.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    "sql",
    [
        "select solar_w from power",
        "with lit as (select * from power) select solar_w from lit",
        "from power select solar_w;",
        "-- the sun\nselect solar_w from power -- in W",
    ],
)
def test_reading_statements_are_answered(path: Path, sql: str) -> None:
    """However the one statement is spelled."""
    assert _answer(path, sql) == "solar_w\n1\n"


def test_explain_describe_and_show_read_too(path: Path) -> None:
    """Looking around is reading."""
    assert "interval_start" in _answer(path, "describe power")
    assert "energy_intervals" in _answer(path, "show all tables")
    assert "power" in _answer(path, "explain select * from power")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "an empty text"),
        ("-- nothing", "an empty text"),
        ("select 1; select 2", "2 statements"),
        ("delete from power", "DELETE"),
        ("with x as (select 1) insert into meta.build select * from x", "INSERT"),
        ("create table mine as select 1", "CREATE"),
        ("drop table power", "DROP"),
        ("copy power to 'power.csv'", "COPY"),
        ("attach 'other.duckdb'", "ATTACH"),
        ("set threads = 9", "SET"),
        ("install httpfs", "LOAD"),
        ("export database 'there'", "EXPORT"),
    ],
)
def test_anything_else_is_refused_before_it_runs(path: Path, sql: str, said: str) -> None:
    """Read-only means the file and everything around it."""
    before = sorted(path.parent.iterdir())
    with connect(path) as connection, pytest.raises(NotReadOnly, match=f"one SELECT at a time, not {said}"):
        run_sql(connection, sql)
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1", 'Parser Error: syntax error at or near "selec"'),
        ("select sun from power", 'Binder Error: Referenced column "sun" not found in FROM clause!'),
        ("select * from pwer", "Catalog Error: Table with name pwer does not exist!"),
        ("select * from power where interval_start > 'noon'", "Conversion Error: invalid timestamp"),
        ("select * from power limit ?", "Values were not provided"),
    ],
)
def test_sql_errors_are_duckdbs_own_words_in_one_line(path: Path, sql: str, said: str) -> None:
    """No stack trace, no drawing of the statement."""
    with connect(path) as connection, pytest.raises(QueryFailed) as caught:
        run_sql(connection, sql)
    assert said in str(caught.value)
    assert "LINE 1" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variables_of_the_program_are_no_tables(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB would find a frame of that name in the Python code that asks."""
    monkeypatch.setattr("warehouse.query.query.leaked", pd.DataFrame({"solar_w": [1.0]}), raising=False)
    with connect(path) as connection, pytest.raises(QueryFailed, match="Table with name leaked does not exist"):
        run_sql(connection, "select * from leaked")


def test_rows_come_before_the_query_is_through(path: Path) -> None:
    """The result is a stream: the first rows are there although a later one fails, which is then an error."""
    sql = "select case when i = 5000000 then error('too far') else i end as i from range(10000000) t(i)"
    with connect(path) as connection:
        result = run_sql(connection, sql)
        assert result.columns == ("i",)
        assert result.rows.read_next_batch()["i"][0].as_py() == 0
        with pytest.raises(QueryFailed, match="Invalid Input Error: too far"):
            result.write(io.BytesIO(), Format.CSV)


def test_sink_that_cannot_be_written_is_an_os_error(path: Path) -> None:
    """A closed pipe is no fault of the query."""

    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with connect(path) as connection, pytest.raises(BrokenPipeError):
        run_sql(connection, "select 1 as n").write(Closed(), Format.CSV)


def test_type_that_a_format_cannot_hold_is_said(path: Path) -> None:
    """Parquet has no place for an interval of months, days and microseconds."""
    with (
        connect(path) as connection,
        pytest.raises(QueryFailed, match=r"parquet cannot represent the result: .*interval"),
    ):
        run_sql(connection, "select interval '1 month' as span").write(io.BytesIO(), Format.PARQUET)


def test_instants_speak_utc_unless_asked(path: Path) -> None:
    """The result does not depend on the machine's zone; the site's clock is an option."""
    sql = "select site_id, interval_start from power"
    assert "2025-03-01T08:00:00+00:00" in _answer(path, sql)
    assert "2025-03-01T00:00:00-08:00" in _answer(path, sql, clock=Clock.LOCAL)
    assert json.loads(_answer(path, "select interval_start from power", Format.JSON, Clock.LOCAL)) == [
        {"interval_start": "2025-03-01T00:00:00-08:00"}
    ]


def test_local_clock_of_several_zones_needs_the_site(publish: Publish) -> None:
    """No clock is guessed: the rows must say whose it is."""
    zones = [{"site_id": 1, "timezone": "Europe/London"}, {"site_id": 2, "timezone": "UTC-07:00"}]
    path = publish({"sites": zones, "power": [{"site_id": 2}]})
    with pytest.raises(QueryFailed, match="several time zones: add site_id to the columns, or choose UTC"):
        _answer(path, "select interval_start from power", clock=Clock.LOCAL)
    assert "2025-03-01T01:00:00-07:00" in _answer(path, "select site_id, interval_start from power", clock=Clock.LOCAL)


def test_zone_that_python_does_not_know_is_one_line(publish: Publish) -> None:
    """The error names the setting that corrects it (Q8)."""
    path = publish({"power": [{}]})
    with duckdb.connect(path) as connection:
        connection.execute("update sites set timezone = 'America/Pacific'")
    with pytest.raises(QueryFailed, match=r"America/Pacific.*; set it with WATTLOG_SITE_TIMEZONES"):
        _answer(path, "select site_id, interval_start from power", clock=Clock.LOCAL)
