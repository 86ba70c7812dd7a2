"""Exports, opened by the tools that people open them with."""

import csv
import errno
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.unit.warehouse.conftest import Publish, Row
from warehouse.errors import DestinationExists, ExportFailed, NotReadOnly, QueryFailed, UnknownRelation
from warehouse.export.export import export
from warehouse.localtime import Clock
from warehouse.query.output_format import Format
from warehouse.query.query import Result
from warehouse.schema import POWER

FALL_BACK = datetime(2025, 11, 2, 8, 55, tzinfo=UTC)
"""01:55 in Los Angeles, the last interval before clocks go back (Q5)."""


@pytest.fixture
def path(publish: Publish) -> Path:
    day = {"local_date": date(2025, 11, 2)}
    rows: list[Row] = [
        {**day, "interval_start": FALL_BACK + timedelta(hours=hour), "solar_w": hour + 0.1, "_raw_id": "=1+1"}
        for hour in (0, 1)
    ]
    other: Row = {"site_id": 1002, "interval_start": FALL_BACK, "local_date": date(2025, 11, 3), "grid_w": -5.0}
    sites: list[Row] = [
        {"timezone": "America/Los_Angeles", "site_name": 'Home, "sweet"'},
        {"site_id": 1002, "timezone": "UTC+05:30", "site_name": "-cabin"},
    ]
    daily: list[Row] = [{"status": "agreed", "solar_energy_exported_wh": 1_234.0}]
    return publish({"sites": sites, "power": [*rows, other], "daily": daily})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "power.csv"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_speaks_each_sites_clock(path: Path, out: Path) -> None:
    """The repeated hour has two offsets, the other site its own; nothing collides (Q6)."""
    done = export(path, "power", out, Format.CSV)
    rows = _rows(out)
    assert [row["interval_start"] for row in rows] == [
        "2025-11-02T01:55:00-07:00",
        "2025-11-02T01:55:00-08:00",
        "2025-11-02T14:25:00+05:30",
    ]
    assert (done.path, done.rows, done.bytes) == (out, 3, out.stat().st_size)
    assert [row["_raw_id"] for row in rows] == ["'=1+1", "'=1+1", "x"]
    assert [row["grid_w"] for row in rows] == ["", "", "-5"]
    assert [path.name for path in out.parent.iterdir()] == ["power.csv"]


def test_csv_in_utc_is_read_by_pandas(path: Path, out: Path) -> None:
    """pandas gets the same instants and numbers that the warehouse holds."""
    export(path, "power", out, Format.CSV, tz=Clock.UTC)
    frame = pd.read_csv(out, parse_dates=["interval_start", "local_date"])
    assert list(frame.columns) == list(POWER.columns)
    assert frame["interval_start"].tolist() == [FALL_BACK, FALL_BACK + timedelta(hours=1), FALL_BACK]
    assert frame["solar_w"].tolist()[:2] == [0.1, 1.1]
    assert frame["solar_w"].isna().tolist() == [False, False, True]
    assert frame["local_date"].dt.day.tolist() == [2, 2, 3]


def test_texts_survive_quoting(path: Path, out: Path) -> None:
    """A site's name is the owner's to choose."""
    export(path, "sites", out, Format.CSV)
    assert [row["site_name"] for row in _rows(out)] == ['Home, "sweet"', "'-cabin"]


def test_parquet_of_a_table_says_its_units(path: Path, out: Path) -> None:
    """pyarrow finds types, unit and description; instants stay instants with any clock."""
    export(path, "main.power", out, Format.PARQUET)
    table = pq.read_table(out)
    assert table.schema.names == list(POWER.columns)
    assert [field.type for field in table.schema] == [field.type.arrow for field in POWER.fields]
    assert table.schema.field("solar_w").metadata[b"unit"] == b"W"
    assert (
        table.schema.field("battery_w").metadata[b"description"]
        == b"Mean battery power; + discharge, \xe2\x88\x92 charge."
    )
    assert table["interval_start"].to_pylist()[0] == FALL_BACK
    assert pq.read_metadata(out).row_group(0).column(0).compression == "ZSTD"


def test_parquet_of_a_model_says_its_units(path: Path, out: Path) -> None:
    """Models declare their columns as tables do."""
    export(path, "analytics.daily", out, Format.PARQUET)
    table = pq.read_table(out)
    assert table["solar_kwh"].to_pylist() == [1.234]
    assert table.schema.field("solar_kwh").metadata[b"unit"] == b"kWh"


def test_parquet_of_a_query_says_the_units_it_can_know(path: Path, out: Path) -> None:
    """A column that means the same wherever it is declared keeps its meaning; `status` means several things."""
    query = "select site_id, interval_s, status, solar_w + 1 as mine from power join daily using (site_id)"
    export(path, query, out, Format.PARQUET)
    schema = pq.read_schema(out)
    assert schema.field("interval_s").metadata[b"unit"] == b"s"
    assert schema.field("status").metadata is None
    assert schema.field("mine").metadata is None


@pytest.mark.parametrize(
    ("relation", "column"),
    [
        ("daily", "solar_energy_exported_wh"),
        ("main.daily", "solar_energy_exported_wh"),
        ("analytics.daily", "solar_kwh"),
    ],
)
def test_bare_name_is_the_table(path: Path, out: Path, relation: str, column: str) -> None:
    """`daily` is a table and a model: the table goes first, the model has its schema's name."""
    export(path, relation, out, Format.CSV)
    assert column in out.read_text().splitlines()[0].split(",")


def test_since_until_and_sites_choose_rows(path: Path, out: Path) -> None:
    """Days are the site's own, both included."""
    export(path, "power", out, Format.CSV, since=date(2025, 11, 3), until=date(2025, 11, 3))
    assert [row["site_id"] for row in _rows(out)] == ["1002"]
    export(path, "power", out, Format.CSV, sites=[1001], force=True)
    assert [row["site_id"] for row in _rows(out)] == ["1001", "1001"]


@pytest.mark.parametrize(
    "query",
    [
        "select site_id, solar_w from power order by solar_w desc nulls last;",
        "\n  WITH lit AS (SELECT * FROM power) select site_id, solar_w from lit order by solar_w desc nulls last -- sun",
        "-- the sun\nselect site_id, solar_w from power order by solar_w desc nulls last",
    ],
)
def test_query_is_exported_in_its_own_order(path: Path, out: Path, query: str) -> None:
    """Also with a choice of sites around it."""
    export(path, query, out, Format.CSV)
    assert out.read_text() == "site_id,solar_w\n1001,1.1\n1001,0.1\n1002,\n"
    export(path, query, out, Format.CSV, sites=[1001], force=True)
    assert out.read_text() == "site_id,solar_w\n1001,1.1\n1001,0.1\n"


def test_existing_file_is_replaced_only_with_force(path: Path, out: Path) -> None:
    """An export never destroys another."""
    export(path, "power", out, Format.CSV)
    before = out.read_bytes()
    with pytest.raises(DestinationExists, match="it exists already; choose another name or add --force"):
        export(path, "sites", out, Format.CSV)
    assert out.read_bytes() == before
    export(path, "sites", out, Format.CSV, force=True)
    assert out.read_bytes() != before


def test_error_of_an_unknown_relation_lists_the_known(path: Path, out: Path) -> None:
    """Including the models, by the name that exports them."""
    for name in ("pwer", "analytics.power", "meta.build", 'power"; drop table power; --'):
        with pytest.raises(UnknownRelation, match=r"there is no table or model called .*analytics\.daily.* power,"):
            export(path, name, out, Format.CSV)
    assert not out.parent.exists()


def test_query_that_fails_halfway_leaves_nothing(path: Path, out: Path) -> None:
    """A file is whole or absent, and the reason is DuckDB's."""
    query = "select case when i = 900000 then error('too far') else i end as i from range(1000000) t(i)"
    for form in (Format.CSV, Format.PARQUET, Format.JSON):
        with pytest.raises(QueryFailed, match="too far"):
            export(path, query, out, form)
        assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    "query", ["select 1; delete from power", "with x as (select 1) insert into power select * from x"]
)
def test_query_that_writes_is_refused(path: Path, out: Path, query: str) -> None:
    """The one statement is read before it is wrapped."""
    with pytest.raises((NotReadOnly, QueryFailed)):
        export(path, query, out, Format.CSV)
    assert not out.parent.exists()


def test_full_disk_leaves_nothing(path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and no half file."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Result, "write", full)
    with pytest.raises(ExportFailed, match=r"cannot export to .*power\.csv: No space left on device; free space"):
        export(path, "power", out, Format.CSV)
    assert list(out.parent.iterdir()) == []


def test_leftover_of_a_killed_export_is_swept(path: Path, out: Path) -> None:
    """The next export to that name removes it."""
    out.parent.mkdir()
    leftover = out.with_name(".power.csv.0123456789ab.unfinished")
    leftover.write_text("site_id\n10")
    export(path, "power", out, Format.CSV)
    assert [path.name for path in out.parent.iterdir()] == ["power.csv"]
