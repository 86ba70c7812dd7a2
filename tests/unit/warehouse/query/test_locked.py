"""What a statement reaches: the warehouse, and nothing else of the machine. Both layers are tried, each without the other."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.unit.warehouse.conftest import FrameOf, Publish
from warehouse.build.build import build
from warehouse.errors import ExportFailed, FunctionRefused, NotReadOnly, QueryFailed
from warehouse.export.export import export
from warehouse.lake.lake import Lake
from warehouse.query.output_format import Format
from warehouse.query.query import connect, run_sql
from warehouse.query.statement_check import checked
from warehouse.schema import POWER, SITES

SECRET = "a-token-that-must-not-be-read"
VARIABLE = "WATTLOG_ACCESS_TOKEN"

WRITING = (
    "explain analyze copy (select 1) to '{out}'",
    "explain (analyze) copy (select 1) to '{out}'",
    "explain (analyze, format json) copy (select 1) to '{out}'",
    "explain /* harmless */ analyze -- and so on\n copy (select 1) to '{out}'",
    "with x as (copy (select 1) to '{out}') select 1",
    "explain analyze with x as (copy (select 1) to '{out}') select 1",
    "select (with x as (copy (select 1) to '{out}') select 1)",
    "from query('with x as (copy (select 1) to ''{out}'') select 1')",
    "from json_execute_serialized_sql(json_serialize_sql('with x as (copy (select 1) to ''{out}'') select 1'))",
    "copy (select 1) to '{out}'",
    "copy power from '{secret}'",
    "export database '{out}'",
    "import database '{directory}'",
    "attach '{out}' as mine",
    "attach '{secret}' as mine",
    "install httpfs",
    "load httpfs",
    "load '{secret}'",
    "pragma enable_profiling",
    "pragma temp_directory = '{directory}'",
    "set temp_directory = '{directory}'",
    "set enable_external_access = true",
    "set allowed_directories = ['{directory}']",
    "reset lock_configuration",
    "set variable wattlog_lake = '{directory}'",
    "call enable_logging()",
    "call query('select 1')",
    "create secret (type s3, key_id 'x', secret 'y')",
    "create macro mine() as table from read_text('{secret}')",
    "create temp view mine as select 1",
    "create or replace temp table power as select 1",
    "prepare mine as select 1",
    "execute mine",
    "use memory",
    "vacuum",
    "checkpoint",
    "begin",
    "with x as (delete from power returning *) from x",
    "with x as (insert into meta.build values (1) returning *) from x",
    "select 1; copy (select 1) to '{out}'",
)
READING = (
    "from read_text('{secret}')",
    "from READ_TEXT('{secret}')",
    "from system.main.read_text('{secret}')",
    "from read_blob('{secret}')",
    "from read_blob('/proc/self/environ')",
    "from read_csv('{secret}', header = false)",
    "from read_json('{secret}')",
    "from read_parquet('{secret}')",
    "from sniff_csv('{secret}')",
    "from parquet_metadata('{secret}')",
    "from read_duckdb('{secret}')",
    "from '{secret}'",
    "from '/proc/self/environ'",
    "select * from power where 'x' in (select content from read_text('{secret}'))",
    "from glob('{directory}/*')",
    "from query('from read_text(''{secret}'')')",
    "from query_table('{secret}')",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''{secret}'')'))",
    "select getenv('WATTLOG_ACCESS_TOKEN')",
    "from duckdb_secrets()",
    "from which_secret('s3://bucket/key', 's3')",
    "from duckdb_logs()",
    "from local_frame",
    "from arrow_scan(1::ubigint::pointer, 1::ubigint::pointer, 1::ubigint::pointer)",
)


@dataclass(frozen=True)
class Place:
    """A published warehouse with a secret beside it.

    Attributes:
        warehouse: The warehouse.
        secret: A file that no statement may read.
        out: A file that no statement may write.
    """

    warehouse: Path
    secret: Path
    out: Path

    def filled_in(self, sql: str) -> str:
        """A statement about these files."""
        return sql.format(secret=self.secret, out=self.out, directory=self.secret.parent)


@pytest.fixture
def place(publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv(VARIABLE, SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(f"{SECRET}\n")
    return Place(publish({"power": [{"solar_w": 1.0}]}), outside / "secret.csv", outside / "out.csv")


def _answer(path: Path, sql: str) -> str:
    sink = io.BytesIO()
    with connect(path) as connection:
        run_sql(connection, sql).write(sink, Format.CSV)
    return sink.getvalue().decode()


@pytest.mark.parametrize("sql", WRITING)
def test_nothing_is_written_or_changed(place: Place, sql: str) -> None:
    before = place.warehouse.read_bytes()
    with pytest.raises(QueryFailed):
        _answer(place.warehouse, place.filled_in(sql))
    assert [path.name for path in place.secret.parent.iterdir()] == ["secret.csv"]
    assert place.warehouse.read_bytes() == before


@pytest.mark.parametrize("sql", READING)
def test_nothing_but_the_warehouse_is_read(place: Place, sql: str) -> None:
    local_frame = pa.table({"content": [SECRET]})
    assert local_frame.num_rows == 1
    with pytest.raises(QueryFailed):
        _answer(place.warehouse, place.filled_in(sql))


@pytest.mark.parametrize(
    "sql", [statement for statement in (*WRITING, *READING) if statement.startswith(("with", "select", "from", "e"))]
)
def test_an_export_of_a_query_is_checked_alike(place: Place, sql: str) -> None:
    destination = place.warehouse.with_name("exported.csv")
    with pytest.raises((QueryFailed, ExportFailed)):
        export(place.warehouse, place.filled_in(sql), destination, Format.CSV)
    assert not destination.exists()
    assert [path.name for path in place.secret.parent.iterdir()] == ["secret.csv"]


def test_the_switches_alone_keep_files_away(place: Place) -> None:
    """The first layer: as if no statement was checked."""
    with connect(place.warehouse) as connection:
        for sql in (statement for statement in (*WRITING, *READING) if "{" in statement or "/proc" in statement):
            if sql.startswith("set variable"):
                continue  # a variable is no switch, and it names a place that cannot be read
            with pytest.raises(duckdb.Error):
                connection.execute(place.filled_in(sql)).fetchall()
        with pytest.raises(duckdb.Error, match="locked"):
            connection.execute("set threads = 9")
        assert connection.execute("from duckdb_secrets()").fetchall() == []
    assert [path.name for path in place.secret.parent.iterdir()] == ["secret.csv"]


def test_the_check_alone_refuses_what_reaches_out(place: Place) -> None:
    """The second layer: on a connection of which no switch is set. What it lets through names a table."""
    with duckdb.connect(place.warehouse, read_only=True) as connection:
        passing = set()
        for sql in (*WRITING, *READING):
            try:
                checked(connection, place.filled_in(sql))
            except QueryFailed:
                continue
            passing.add(sql)
    assert passing == {
        "from '{secret}'",
        "from '/proc/self/environ'",
        "from local_frame",
        "select getenv('WATTLOG_ACCESS_TOKEN')",
    }


def _table_functions(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = connection.execute(
        "select distinct function_name from duckdb_functions() where function_type in ('table', 'table_macro') order by all"
    )
    return (name for (name,) in found.fetchall())


def test_no_table_function_of_this_duckdb_reads_a_file(place: Place) -> None:
    """Every function of the installed DuckDB is given the path, as a text and as a list, through both layers."""
    with connect(place.warehouse) as connection:
        for name in _table_functions(connection):
            for argument in (f"'{place.secret}'", f"['{place.secret}']"):
                try:
                    rows = run_sql(connection, f'from "{name}"({argument})').rows.read_all().to_pylist()
                except (QueryFailed, OSError):
                    continue
                assert all(value != SECRET for row in rows for value in row.values()), name


def test_views_over_the_lake_read_the_lake_and_write_nothing(lake: Lake, frame_of: FrameOf, tmp_path: Path) -> None:
    """Within the lake's directory DuckDB's switches allow writing, too; the check does not."""
    lake.write("sites", frame_of(SITES, {"timezone": "America/Los_Angeles"}), digest="a")
    lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="a")
    path = build(lake, tmp_path / "views.duckdb", in_place_views=True).path
    (tmp_path / "secret.csv").write_text(SECRET)
    assert _answer(path, "select solar_w from power") == "solar_w\n1\n"
    before = sorted(lake.root.rglob("*"))
    for sql in (
        f"explain analyze copy (select 1) to '{lake.root}/out.csv'",
        f"with x as (copy (select 1) to '{lake.root}/out.csv') select 1",
        f"from query('with x as (copy (select 1) to ''{lake.root}/out.csv'') select 1')",
        f"from '{lake.root}/../secret.csv'",
        f"from '{tmp_path}/secret.csv'",
    ):
        with pytest.raises(QueryFailed):
            _answer(path, sql)
    assert sorted(lake.root.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "explain analyze select * from power",
        "explain (format json) select 1",
        "explain (select 1)",
        "from range(3)",
        "select unnest([1, 2])",
        "summarize power",
        "show tables",
        "select column_name from duckdb_columns() where table_name = 'power'",
        "select * from information_schema.tables",
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n",
        "from (pivot power on site_id in (1001) using sum(solar_w))",
        "select solar_w from power union all select 2",
    ],
)
def test_reading_in_every_way_goes_on_working(place: Place, sql: str) -> None:
    assert _answer(place.warehouse, sql)


def test_files_are_read_by_who_asks_for_that_and_never_written(place: Place) -> None:
    sql = f"select content from read_text('{place.secret}')"
    with pytest.raises(FunctionRefused, match="--allow-files"):
        _answer(place.warehouse, sql)
    with connect(place.warehouse, allows_files=True) as connection:
        rows = run_sql(connection, sql, allows_files=True).rows.read_all()
        assert rows["content"].to_pylist() == [f"{SECRET}\n"]
        with pytest.raises(NotReadOnly):
            run_sql(connection, place.filled_in(WRITING[0]), allows_files=True)
        with pytest.raises(NotReadOnly):
            run_sql(connection, place.filled_in(WRITING[4]), allows_files=True)


def test_a_statement_nested_beyond_reason_is_refused_in_one_line(place: Place) -> None:
    with pytest.raises(NotReadOnly):
        _answer(place.warehouse, "select " + "+".join(["1"] * 900))


def test_what_is_spilled_is_bounded_and_goes_to_a_private_directory_that_is_removed(place: Place) -> None:
    with connect(place.warehouse) as connection:
        settings = "select current_setting('temp_directory'), current_setting('max_temp_directory_size')"
        ((directory, bound),) = connection.execute(settings).fetchall()
        assert Path(directory).stat().st_mode & 0o777 == 0o700
        assert bound == "9.3 GiB"
    assert not Path(directory).exists()


def test_an_export_is_written_by_wattlog_while_the_switches_are_locked(place: Place) -> None:
    for form in (Format.CSV, Format.PARQUET, Format.JSON):
        written = export(place.warehouse, "select solar_w from power", place.out.with_suffix(f".{form}"), form)
        assert written.rows == 1
