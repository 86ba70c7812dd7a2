"""What verify finds in lake and warehouse, and that it finds nothing in sound ones."""

from pathlib import Path

import duckdb
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import build
from warehouse.checks.consistency import verify_lake, verify_warehouse
from warehouse.errors import QueryFailed
from warehouse.lake.lake import Lake
from warehouse.schema import POWER, RUNS


@pytest.fixture
def path(lake: Lake, frame_of: FrameOf, tmp_path: Path) -> Path:
    """A warehouse, and the lake of one power row and two runs that it was built from."""
    lake.write("power", frame_of(POWER, {"solar_w": 5.0}), site_id=1001, period="2025-03", digest="d")
    lake.write("runs", frame_of(RUNS, {"run_id": "a"}, {"run_id": "b"}), digest="d")
    return build(lake, tmp_path / "warehouse.duckdb").path


def test_a_sound_lake_and_its_warehouse_pass(lake: Lake, path: Path) -> None:
    assert list(verify_lake(lake)) == []
    assert list(verify_warehouse(lake, path)) == []


@pytest.mark.usefixtures("path")
def test_a_damaged_file_is_named(lake: Lake) -> None:
    part = lake.path("power", 1001, "2025-03")
    part.write_bytes(part.read_bytes()[:-9])
    (found,) = verify_lake(lake)
    assert found.where == "table=power/site_id=1001/month=2025-03/part.parquet"
    assert "wattlog rebuild" in found.what


@pytest.mark.usefixtures("path")
def test_a_file_in_the_place_of_another_site_is_named(lake: Lake) -> None:
    stray = lake.path("power", 2002, "2025-03")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(lake.path("power", 1001, "2025-03").read_bytes())
    (found,) = verify_lake(lake)
    assert "another site" in found.what


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("delete from power", "has 0 rows in the warehouse and 1 in the lake"),
        ("update power set solar_w = 6", "has other values"),
        ("update power set solar_w = null", "has other values"),
    ],
)
def test_a_warehouse_that_was_tampered_with_differs_from_the_lake(
    lake: Lake, path: Path, statement: str, what: str
) -> None:
    """One value is enough, NULL instead of a number too."""
    with duckdb.connect(path) as connection:
        connection.execute(statement)
    (found,) = verify_warehouse(lake, path)
    assert found.where == "power"
    assert what in found.what


def test_the_order_of_rows_is_no_difference(lake: Lake, path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("create table other as select * from runs order by run_id desc")
        connection.execute("delete from runs")
        connection.execute("insert into runs from other")
    assert list(verify_warehouse(lake, path)) == []


def test_a_warehouse_that_is_none_is_an_error(lake: Lake, path: Path) -> None:
    path.write_bytes(b"not a database")
    with pytest.raises(QueryFailed, match="cannot be compared"):
        list(verify_warehouse(lake, path))


def test_a_lake_put_in_the_place_of_another_leaves_nothing_of_it(tmp_path: Path, frame_of: FrameOf) -> None:
    old, new = Lake(tmp_path / "lake"), Lake(tmp_path / "fresh")
    old.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="a")
    old.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-04", digest="b")
    new.write("power", frame_of(POWER, {"solar_w": 3.0}), site_id=1001, period="2025-03", digest="c")
    old.replace_by(new)
    (part,) = old.partitions("power")
    assert old.read_partition(part, "power")["solar_w"].tolist() == [3.0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake"]


def test_a_lake_that_never_was_can_be_replaced_by_an_empty_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.replace_by(Lake(tmp_path / "fresh"))
    assert lake.partitions("power") == []
    assert lake.root.is_dir()
