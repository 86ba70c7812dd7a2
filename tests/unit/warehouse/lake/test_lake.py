"""The lake keeps what it was given, says what it was made from, and never shows half a file."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.full_disk import full_after
from tests.unit.warehouse.conftest import FrameOf
from warehouse.errors import LakeFailed, Nonconforming
from warehouse.lake.lake import Lake
from warehouse.lake.parquet_file import DIGEST_KEY, VERSION_KEY
from warehouse.schema import ENERGY_INTERVALS, POWER, QUARANTINE, RECONCILIATION, SCHEMA_VERSION, SITES

START = datetime(2025, 3, 1, 8, tzinfo=UTC)


def test_site_month_table_has_hive_layout(lake: Lake, frame_of: FrameOf) -> None:
    """The path is the contract with every other reader."""
    written = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc")
    assert written.path == lake.root / "table=power/site_id=1001/month=2025-03/part.parquet"
    assert written.rows == 1
    assert written.bytes == written.path.stat().st_size
    assert [path.name for path in written.path.parent.iterdir()] == ["part.parquet"]


def test_account_table_is_one_file(lake: Lake, frame_of: FrameOf) -> None:
    """Sites of the whole account are in one file."""
    assert lake.write(SITES, frame_of(SITES, {}), digest="abc").path == lake.root / "table=sites/part.parquet"


def test_file_holds_the_site_so_that_any_reader_sees_it(lake: Lake, frame_of: FrameOf) -> None:
    """`site_id` is in the path and in the file; the month is in the path alone."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc").path
    assert pq.read_schema(path).names == list(POWER.columns)
    pattern = str(lake.root / "table=power" / "**" / "*.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select site_id, month, solar_w from read_parquet(?, hive_partitioning = true)", [pattern]
        ).fetchall()
    assert rows == [(1001, "2025-03", None)]


def test_parquet_is_small_and_has_units(lake: Lake, frame_of: FrameOf) -> None:
    """Instants are stored as distances, powers byte by byte, the rest by dictionaries; the file has each column's unit."""
    path = lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="abc").path
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "DELTA_BINARY_PACKED" in columns["interval_start"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["solar_w"].encodings
    assert "RLE_DICTIONARY" in columns["_raw_id"].encodings
    assert pq.read_schema(path).field("solar_w").metadata[b"unit"] == b"W"


def test_same_content_gives_the_same_bytes(lake: Lake, frame_of: FrameOf, tmp_path: Path) -> None:
    """A rebuild makes the same lake, byte for byte, for any order of the rows."""
    rows = [{"interval_start": START + timedelta(minutes=5 * index), "solar_w": float(index)} for index in range(50)]
    forward = lake.write("power", frame_of(POWER, *rows), site_id=1001, period="2025-03", digest="abc")
    other = Lake(tmp_path / "other")
    backward = other.write("power", frame_of(POWER, *reversed(rows)), site_id=1001, period="2025-03", digest="abc")
    assert forward.path.read_bytes() == backward.path.read_bytes()


def test_digest_comes_back_from_the_footer(lake: Lake, frame_of: FrameOf) -> None:
    """What was made from the same responses need not be made again."""
    assert lake.digest_of("power", 1001, "2025-03") is None
    lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc")
    assert lake.digest_of("power", 1001, "2025-03") == "abc"
    assert lake.digest_of("power", 1001, "2025-04") is None
    lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="def")
    assert lake.digest_of("power", 1001, "2025-03") == "def"


def test_empty_partition_remembers_its_digest(lake: Lake, frame_of: FrameOf) -> None:
    """A month without data is written too: else it would be made again on every run."""
    written = lake.write("power", frame_of(POWER), site_id=1001, period="2025-03", digest="abc")
    assert written.rows == 0
    assert lake.digest_of("power", 1001, "2025-03") == "abc"
    frame = lake.read("power")
    assert frame.empty
    assert frame.dtypes.astype(str).to_dict() == POWER.dtypes


def test_no_digest_for_another_schema_version(lake: Lake, frame_of: FrameOf) -> None:
    """A file whose columns meant something else is made again."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc").path
    content = pq.ParquetFile(path).read()
    old = {**content.schema.metadata, VERSION_KEY: str(SCHEMA_VERSION - 1).encode()}
    pq.write_table(content.replace_schema_metadata(old), path)
    assert lake.digest_of("power", 1001, "2025-03") is None


def test_no_digest_for_other_columns(lake: Lake) -> None:
    """Nor is a file used whose columns are not the declared ones, for any version in it."""
    path = lake.path("power", 1001, "2025-03")
    path.parent.mkdir(parents=True)
    metadata = {VERSION_KEY: str(SCHEMA_VERSION).encode(), DIGEST_KEY: b"abc"}
    pq.write_table(pa.table({"site_id": [1]}).replace_schema_metadata(metadata), path)
    assert lake.digest_of("power", 1001, "2025-03") is None
    with pytest.raises(LakeFailed, match="columns of another schema version; run `wattlog rebuild`"):
        lake.read("power")


def test_damaged_file_has_no_digest_and_is_named(lake: Lake, frame_of: FrameOf) -> None:
    """A torn file is made again, and reading it says which one it is."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc").path
    path.write_bytes(path.read_bytes()[:-40])
    assert lake.digest_of("power", 1001, "2025-03") is None
    with pytest.raises(LakeFailed, match=r"month=2025-03/part.parquet: is damaged; run `wattlog rebuild`"):
        lake.read("power")


def test_read_chooses_sites_and_months_and_sorts_by_key(lake: Lake, frame_of: FrameOf) -> None:
    """Parts come together in the order of the key, with the schema's dtypes."""
    for site in (2, 1):
        for month in (3, 4):
            start = datetime(2025, month, 1, 8, tzinfo=UTC)
            row = {"site_id": site, "interval_start": start, "solar_w": float(month)}
            lake.write("power", frame_of(POWER, row), site_id=site, period=f"2025-{month:02d}", digest="abc")
    everything = lake.read("power")
    assert everything[["site_id", "solar_w"]].to_numpy().tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert everything.dtypes.astype(str).to_dict() == POWER.dtypes
    assert lake.read("power", site_id=2)["solar_w"].tolist() == [3, 4]
    assert lake.read("power", site_id=2, periods=["2025-04"])["solar_w"].tolist() == [4]
    assert lake.read("power", site_id=3).empty
    partitions = [(part.site_id, part.period) for part in lake.partitions("power")]
    assert partitions == [(1, "2025-03"), (1, "2025-04"), (2, "2025-03"), (2, "2025-04")]


def test_files_that_end_before_a_day_are_not_read(lake: Lake, frame_of: FrameOf) -> None:
    """A file is left out by its footer, and read whole where a single row reaches the day."""
    for month in (3, 4, 5):
        rows = [
            {"interval_start": datetime(2025, month, day, 8, tzinfo=UTC), "local_date": date(2025, month, day)}
            for day in (1, 2)
        ]
        lake.write("power", frame_of(POWER, *rows), site_id=1001, period=f"2025-{month:02d}", digest="abc")
    lake.write("power", frame_of(POWER), site_id=1001, period="2025-06", digest="abc")
    days = lake.read("power", site_id=1001, reaching=date(2025, 4, 2))["local_date"].tolist()
    assert days == [date(2025, 4, 1), date(2025, 4, 2), date(2025, 5, 1), date(2025, 5, 2)]
    assert lake.read("power", site_id=1001, reaching=date(2025, 7, 1)).empty


def test_rows_with_other_texts_are_left_out(lake: Lake, frame_of: FrameOf) -> None:
    """NULL is none of the texts. A file without any such row gives an empty frame of the same types."""

    def difference(month: int, day: int, measure: str, **facts: str) -> dict[str, object]:
        return {"measure": measure, "period_start": date(2025, month, day), **facts}

    rows = [
        difference(3, 1, "a", granularity="day", cause="night"),
        difference(3, 1, "b", granularity="day"),
        difference(3, 1, "c", granularity="month", cause="night"),
        difference(3, 2, "a", granularity="day", cause="install_day"),
    ]
    lake.write(RECONCILIATION, frame_of(RECONCILIATION, *rows), site_id=1001, period="2025-03", digest="a")
    april = frame_of(RECONCILIATION, difference(4, 1, "a", granularity="day"))
    lake.write(RECONCILIATION, april, site_id=1001, period="2025-04", digest="a")
    whole = lake.read(RECONCILIATION)
    nights = lake.read(RECONCILIATION, where={"cause": ["night"], "granularity": ["day", "year"]})
    assert nights.equals(whole.iloc[:1])
    assert len(lake.read(RECONCILIATION, where={"cause": ["night", "install_day"]})) == 3
    nothing = lake.read(RECONCILIATION, site_id=1001, where={"cause": ["another"]})
    assert nothing.empty
    assert nothing.dtypes.equals(whole.dtypes)


def test_a_column_is_only_read_where_the_footer_allows_the_texts(
    lake: Lake, frame_of: FrameOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years without a difference cost ten footers."""
    read: list[list[int]] = []
    original = pq.ParquetFile.read_row_groups

    def observed(file: pq.ParquetFile, row_groups: list[int], **options: Any) -> pa.Table:
        read.append(row_groups)
        return original(file, row_groups, **options)

    row = {"measure": "a", "verdict": "agree"}
    lake.write(RECONCILIATION, frame_of(RECONCILIATION, row), site_id=1001, period="2025-03", digest="a")
    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", observed)
    for where in ({"verdict": ["differs"]}, {"cause": ["night"]}, {"verdict": ["agree"], "cause": ["night"]}):
        assert lake.read(RECONCILIATION, where=where).empty
    assert read == [[], [], []]
    assert len(lake.read(RECONCILIATION, where={"verdict": ["differs", "agree"]})) == 1


def test_a_file_has_exactly_some_rows(lake: Lake, frame_of: FrameOf) -> None:
    rows = [
        {"measure": "a", "granularity": "day", "left_wh": 1.0},
        {"measure": "a", "granularity": "month", "left_wh": 2.0},
    ]
    day, month = (frame_of(RECONCILIATION, row) for row in rows)
    lake.write(RECONCILIATION, frame_of(RECONCILIATION, *rows), site_id=1001, period="2025-03", digest="a")
    (part,) = lake.partitions(RECONCILIATION)
    of_months = {"granularity": ["month"]}
    assert lake.has_exactly(part, RECONCILIATION, month, of_months)
    assert not lake.has_exactly(part, RECONCILIATION, day, of_months)
    assert not lake.has_exactly(part, RECONCILIATION, month.assign(left_wh=3.0), of_months)
    assert not lake.has_exactly(part, RECONCILIATION, month.iloc[:0], of_months)
    assert lake.has_exactly(part, RECONCILIATION, month.iloc[:0], {"granularity": ["year"]})


def test_rows_are_amended_only_where_they_differ_and_the_digest_stays(lake: Lake, frame_of: FrameOf) -> None:
    """The order in which rows come is no difference; a file of other rows keeps what it says that it was made from."""
    rows = [{"interval_start": START + timedelta(minutes=5 * number), "solar_w": float(number)} for number in (0, 1)]
    where: dict[str, Any] = {"site_id": 1001, "period": "2025-03"}
    assert lake.amend("power", frame_of(POWER, *rows), **where, digest="new") is not None
    assert lake.digest_of("power", **where) == "new"
    path = lake.write("power", frame_of(POWER, *rows), **where, digest="abc").path
    inode = path.stat().st_ino
    assert lake.amend("power", frame_of(POWER, *reversed(rows)), **where, digest="other") is None
    assert path.stat().st_ino == inode
    second = lake.amend("power", frame_of(POWER, rows[0]), **where, digest="other")
    assert second is not None
    assert (second.rows, lake.digest_of("power", 1001, "2025-03")) == (1, "abc")


def test_account_table_can_be_read_for_one_site(lake: Lake, frame_of: FrameOf) -> None:
    """One file for all sites, one site's row out of it."""
    lake.write("sites", frame_of(SITES, {"site_id": 1}, {"site_id": 2}), digest="abc")
    assert lake.read("sites", site_id=2)["site_id"].tolist() == [2]
    assert [(part.site_id, part.period) for part in lake.partitions("sites")] == [(None, None)]


def test_table_without_files_is_empty(lake: Lake) -> None:
    """A lake that does not exist yet has every table, with no rows."""
    assert lake.partitions("energy_intervals") == []
    assert lake.partitions("sites") == []
    frame = lake.read("energy_intervals")
    assert frame.empty
    assert frame.dtypes.astype(str).to_dict() == ENERGY_INTERVALS.dtypes


def test_another_sites_rows_are_refused(lake: Lake, frame_of: FrameOf) -> None:
    """Every chunk owns its files, with rows of its site only."""
    frame = frame_of(POWER, {"site_id": 1001}, {"site_id": 1002})
    with pytest.raises(Nonconforming, match="rows of site 1002 cannot be in the file of site 1001"):
        lake.write("power", frame, site_id=1001, period="2025-03", digest="abc")
    assert lake.partitions("power") == []


def test_table_without_site_column_has_a_partition_all_the_same(lake: Lake, frame_of: FrameOf) -> None:
    """`quarantine` belongs to the chunk that requested it, by its path."""
    lake.write("quarantine", frame_of(QUARANTINE, {"raw_id": "a"}), site_id=1001, period="2025-03", digest="abc")
    assert lake.read("quarantine", site_id=1001)["raw_id"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("site", "period"), [(None, "2025-03"), (1001, None), (1001, "2025-13"), (1001, "25"), (1001, "../../x")]
)
def test_partition_needs_a_site_and_a_period(lake: Lake, site: int | None, period: str | None) -> None:
    """A malformed period never becomes a path."""
    with pytest.raises(Nonconforming, match="needs a site and a period as YYYY-MM or YYYY"):
        lake.path("power", site, period)


def test_account_table_takes_no_site(lake: Lake) -> None:
    """Otherwise the same row would be in two files."""
    with pytest.raises(Nonconforming, match="one file for the whole account"):
        lake.path("sites", 1001, "2025-03")


def test_full_disk_is_one_sentence_and_the_old_file_stands(
    lake: Lake, frame_of: FrameOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up in the middle of a file loses nothing that was there."""
    lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="abc")
    monkeypatch.setattr("os.write", full_after(1000))
    with pytest.raises(LakeFailed, match=r"part\.parquet: No space left on device; free space there"):
        lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-03", digest="def")
    assert lake.read("power")["solar_w"].tolist() == [1.0]
    assert [path.name for path in lake.path("power", 1001, "2025-03").parent.iterdir()] == ["part.parquet"]


def test_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, frame_of: FrameOf) -> None:
    """A file where the lake's directory should be, for instance."""
    (tmp_path / "lake").touch()
    with pytest.raises(LakeFailed, match=r"lake file .*: Not a directory; a file is where a directory belongs"):
        Lake(tmp_path / "lake").write("sites", frame_of(SITES, {}), digest="abc")


def test_leftovers_of_a_killed_process_are_ignored_and_swept(lake: Lake, frame_of: FrameOf) -> None:
    """A writer that died leaves a temporary file: no reader takes it for data, the next writer removes it."""
    path = lake.write("power", frame_of(POWER, {"solar_w": 1.0}), site_id=1001, period="2025-03", digest="abc").path
    leftover = path.with_name(".part.parquet.0123456789ab.unfinished")
    leftover.write_bytes(b"PAR1 half")
    assert lake.read("power")["solar_w"].tolist() == [1.0]
    assert len(lake.partitions("power")) == 1
    lake.write("power", frame_of(POWER, {"solar_w": 2.0}), site_id=1001, period="2025-03", digest="def")
    assert not leftover.exists()
    leftover.write_bytes(b"PAR1 half")
    assert lake.sweep() == 1
    assert path.exists()


def test_foreign_files_are_no_partitions(lake: Lake, frame_of: FrameOf) -> None:
    """A directory that is not ours does not become a site or a month."""
    path = lake.write("power", frame_of(POWER, {}), site_id=1001, period="2025-03", digest="abc").path
    for strange in ("site_id=abc/month=2025-03", "site_id=1001/month=2025-3"):
        place = lake.root / "table=power" / strange
        place.mkdir(parents=True)
        (place / "part.parquet").write_bytes(path.read_bytes())
    assert [part.path for part in lake.partitions("power")] == [path]


def test_nulls_come_back_as_nulls(lake: Lake, frame_of: FrameOf) -> None:
    """NULL is "not measured"; it never turns into zero, an empty text or a float."""
    lake.write("sites", frame_of(SITES, {"site_id": 2**62 + 1}), digest="abc")
    frame = lake.read("sites")
    assert frame["site_id"].tolist() == [2**62 + 1]
    optional = [field.name for field in SITES.fields if field.nullable]
    assert bool(frame[optional].isna().all(axis=None))
    assert isinstance(frame["wall_connectors"].dtype, pd.Int32Dtype)


def test_stale_files_of_a_table_can_be_discarded(lake: Lake, frame_of: FrameOf) -> None:
    """Of another version or torn: they go; those of today, and other tables', stay."""
    for month in ("2025-01", "2025-02", "2025-03"):
        lake.write("power", frame_of(POWER, {}), site_id=1001, period=month, digest="abc")
    lake.path("sites").parent.mkdir()
    lake.path("sites").write_bytes(b"torn")
    old = lake.path("power", 1001, "2025-01")
    content = pq.ParquetFile(old).read()
    pq.write_table(content.replace_schema_metadata({**content.schema.metadata, VERSION_KEY: b"0"}), old)
    lake.path("power", 1001, "2025-02").write_bytes(b"torn")
    assert lake.discard_stale("power") == 2
    assert [part.period for part in lake.partitions("power")] == ["2025-03"]
    assert lake.discard_stale("power") == 0
    assert lake.path("sites").exists()
