"""A flipped bit anywhere in a lake file is found before anything of it is read, loaded or published."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.manifest import content_digest
from warehouse.errors import LakeDamaged
from warehouse.lake.lake import Lake
from warehouse.lake.parquet_file import ROW_GROUP_ROWS, packed
from warehouse.schema import GAPS, POWER, SITES

FLIPS = (400, pytest.param(4000, marks=pytest.mark.exhaustive))


@pytest.fixture
def path(tmp_path: Path, frame_of: FrameOf) -> Path:
    """A file of the lake."""
    return (
        Lake(tmp_path)
        .write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="made of")
        .path
    )


@pytest.mark.parametrize("flips", FLIPS)
def test_a_flipped_bit(path: Path, flips: int) -> None:
    """In pages, in their headers, in the footer, in the checksum: the file is damaged, and has no digest."""
    content, lake = path.read_bytes(), Lake(path.parents[3])
    assert lake.digest_of("power", 1001, "2025-03") == "made of"
    for bit in np.random.default_rng(31).choice(len(content) * 8, flips, replace=False).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(changed))
        if b"wattlog.checksum" not in changed:
            continue  # the entry's own name: the same as a file of a version that wrote none, with the same rows
        with pytest.raises(LakeDamaged):
            lake.read("power", site_id=1001, periods=["2025-03"])
        with pytest.raises(LakeDamaged):
            content_digest(path)
        assert lake.digest_of("power", 1001, "2025-03") is None


def test_other_programs_read_the_file(path: Path) -> None:
    """The checksum is an entry of the footer, and nothing else is unusual."""
    assert duckdb.execute("select count(*) > 0 from read_parquet(?)", [str(path)]).fetchall() == [(True,)]
    entries = duckdb.execute("select decode(key) from parquet_kv_metadata(?)", [str(path)]).fetchall()
    assert ("wattlog.checksum",) in entries


def test_a_month_is_made_again_as_a_whole(path: Path, frame_of: FrameOf) -> None:
    lake = Lake(path.parents[3])
    other = lake.write("gaps", frame_of(GAPS), site_id=1001, period="2025-03", digest="made of").path
    next_month = lake.write("gaps", frame_of(GAPS), site_id=1001, period="2025-04", digest="made of").path
    sites = lake.write("sites", frame_of(SITES, {}), digest="").path
    assert lake.discard_damaged(path)
    assert [file.exists() for file in (path, other, next_month, sites)] == [False, False, True, True]
    assert not lake.discard_damaged(path)
    assert lake.discard_damaged(sites)
    assert [path.exists() for path in (next_month, sites)] == [True, False]


def groups_of(rows: pa.Table) -> list[int]:
    """The rows in each row group of a file."""
    with pq.ParquetFile(pa.BufferReader(packed(rows, {}, {}))) as file:
        assert file.read().equals(rows)
        return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]


def test_a_year_of_five_minute_intervals_is_one_row_group() -> None:
    rows = 366 * 288
    assert groups_of(pa.table({"n": range(rows)})) == [rows]
    assert groups_of(pa.table({"n": pa.array([], pa.int64())})) == [0]


def test_more_rows_are_several_row_groups() -> None:
    assert groups_of(pa.table({"n": range(ROW_GROUP_ROWS + 1)})) == [ROW_GROUP_ROWS, 1]
