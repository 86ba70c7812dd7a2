"""The whole pipeline on an object store: the same tables as on a disk, on whichever machine."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from pyarrow.fs import S3FileSystem

from extract.api.client import utc_now
from flows.cli import run as wattlog
from flows.executors.threads import ThreadExecutor
from flows.object_store.layout import Part, files_of
from flows.object_store.session import open_data_dir
from flows.pipeline import BackfillRequest, backfill, rebuild
from flows.settings import Settings
from tests.object_store import BUCKET, REGION, ObjectStore, serve_object_store
from tests.simulated import Account, account
from warehouse.query.query import connect
from warehouse.schema import TABLES
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

SITE = 2104877316
SINCE, UNTIL = date(2025, 10, 31), date(2025, 11, 1)
"""Two days of two months."""

OF_THE_RUN = {"elapsed_ms"}


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with serve_object_store() as made:
        yield made


@pytest.fixture(scope="module")
def served() -> Iterator[Account]:
    with account() as made:
        yield made


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with connect(path) as connection:
        return {name: _rows(connection, name, table.columns) for name, table in TABLES.items()}


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...]) -> list[tuple[object, ...]]:
    chosen = ", ".join(column for column in columns if column not in OF_THE_RUN)
    return sorted(connection.execute(f"select {chosen} from main.{name}").fetchall(), key=repr)


def settings_of(machine: Path, prefix: str) -> Settings:
    return Settings(data_dir=Path(f"s3://{BUCKET}/{prefix}"), cache_dir=machine)


def read(machine: Path, prefix: str) -> dict[str, list[tuple[object, ...]]]:
    """The tables as a machine that never saw the store before reads them."""
    with open_data_dir(settings_of(machine, prefix), "sql") as settings:
        return tables(settings.data_dir / "warehouse.duckdb")


def test_the_store_alone_makes_the_warehouse_of_a_local_directory(
    store: ObjectStore, served: Account, tmp_path: Path
) -> None:
    """Raw files moved to a store and a rebuild: the same tables, the same lake to the byte, for Arrow to read in place."""
    context = served.context(tmp_path / "local")
    backfill(context, ThreadExecutor(), BackfillRequest((SITE,), (Series.POWER, Series.ENERGY_INTERVAL), SINCE, UNTIL))
    expected = tables(tmp_path / "local/warehouse.duckdb")
    for path in files_of(tmp_path / "local", Part.RAW):
        store.client.upload_file(str(tmp_path / "local" / path), BUCKET, f"home/{path}")
    with open_data_dir(settings_of(tmp_path / "one", "home"), "rebuild") as settings:
        context = served.context(settings.data_dir)
        rebuild(context, ThreadExecutor())
    shutil.rmtree(tmp_path / "one")

    assert read(tmp_path / "two", "home") == expected
    with open_data_dir(settings_of(tmp_path / "three", "home"), "sync") as settings:
        assert lake_of(settings.data_dir) == lake_of(tmp_path / "local")
    assert [key.removeprefix("home/") for key in store.keys("home/lake/")] == sorted(lake_of(tmp_path / "local"))

    partitions = pa.schema([("site_id", pa.int64()), ("month", pa.string())])
    power = ds.dataset(
        f"{BUCKET}/home/lake/table=power",
        filesystem=S3FileSystem(
            endpoint_override=store.url, access_key="test-key", secret_key="test-secret", region=REGION
        ),
        partitioning=ds.partitioning(partitions, flavor="hive"),
    )
    assert power.count_rows() == len(expected["power"]) == 2 * 288
    of_site = (ds.field("month") == "2025") & (ds.field("site_id") == SITE)
    assert power.count_rows(filter=of_site) == 2 * 288
    assert power.count_rows(filter=of_site & (ds.field("local_date") == SINCE)) == 288
    assert power.count_rows(filter=ds.field("month") == "2025-10") == 0


def lake_of(data_dir: Path) -> dict[str, bytes]:
    return {path: (data_dir / path).read_bytes() for path in files_of(data_dir, Part.LAKE)}


def test_the_command_line_on_an_address(
    store: ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Backfill on one machine, query and verify on others, one run at a time, `config` without secrets."""
    monkeypatch.chdir(tmp_path)
    with account(now=utc_now) as served:
        environment = {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": served.server.base_url,
            "WATTLOG_ACCESS_TOKEN": str(served.login["access_token"]),
            "WATTLOG_CONFIG_DIR": str(tmp_path / "config"),
            "WATTLOG_DATA_DIR": f"s3://{BUCKET}/house/",
            "WATTLOG_CACHE_DIR": str(tmp_path / "one"),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        days = ["--site", str(SITE), "--since", "2025-11-01", "--until", "2025-11-02"]
        assert wattlog(["backfill", *days, "--series", "energy_interval", "--json"]) == 0
        asked = len(served.asked_history())
        assert b"warehouse.duckdb" in capfdbinary.readouterr().out

        monkeypatch.setenv("WATTLOG_CACHE_DIR", str(tmp_path / "two"))
        assert wattlog(["sql", "select count(*) as days from main.daily where home_wh > 0", "--json"]) == 0
        assert orjson.loads(capfdbinary.readouterr().out) == [{"days": 2}]
        assert wattlog(["verify", "--download"]) == 0, capfdbinary.readouterr().err
        assert wattlog(["backfill", *days, "--series", "energy_interval"]) == 0
        assert len(served.asked_history()) == asked, "what one machine fetched, no other asks"

        capfdbinary.readouterr()
        with open_data_dir(settings_of(tmp_path / "one", "house"), "sync"):
            assert wattlog(["backfill"]) == 6
        assert b"wattlog: another run holds s3://powerwalls/house (sync, process" in capfdbinary.readouterr().err
        store.client.delete_object(Bucket=BUCKET, Key="house/lake/table=sites/part.parquet")
        assert wattlog(["verify", "--json"]) == 1
        (found,) = orjson.loads(capfdbinary.readouterr().out)["findings"]
        assert (found["part"], found["where"]) == ("store", "lake/table=sites/part.parquet")
        assert found["what"] == "is gone; run `wattlog rebuild`"
        assert wattlog(["config"]) == 0
        shown = capfdbinary.readouterr().out
        assert b"s3://powerwalls/house" in shown
        assert b"test-secret" not in shown
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("s3")]
