"""Deliveries of files, and what all deliveries share: settings, the record, `sync`, flows, and bad input."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow.dataset as ds
import pytest

from flows.cli import sync as cli_sync
from flows.deliveries.record import DeliveryRecord
from flows.errors import RunFailed
from flows.orchestration.context import new_context
from flows.orchestration.deliveries import deliver_to, follow_sync
from flows.pipeline import Summary
from flows.settings import Settings
from tests.integration.published_homes import HARBOUR, HOMES, RIDGE, Published, changed
from tests.object_store import BUCKET, ObjectStore, serve_object_store
from tests.recordings import Recordings

pytestmark = pytest.mark.slow

RELATIONS = ("daily", "analytics.hourly", "analytics.daily")


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


@pytest.fixture
def published(homes: Path, tmp_path: Path) -> Published:
    return Published.copy(homes, tmp_path / "data")


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with serve_object_store() as made:
        yield made


def sent(found: dict[str, Any]) -> dict[str, int]:
    """Relation → months that were sent."""
    return {target["target"].rpartition(" ")[2]: target["sent"]["months"] for target in found["targets"]}


def check_files(published: Published, place: Path) -> None:
    """Each relation is a dataset with exactly the rows of the warehouse."""
    for relation in RELATIONS:
        files = ds.dataset(place / relation, format="parquet", partitioning="hive")
        table = files.to_table()
        assert {"site", "month"} < set(table.schema.names)
        assert published.rows(f"select count(*) from {relation}") == [(table.num_rows,)]
        column = "home_wh" if relation == "daily" else "home_kwh"
        ((total,),) = published.rows(f"select sum({column}) from {relation}")
        assert sum(value for value in table[column].to_pylist() if value is not None) == pytest.approx(total, abs=1e-6)


def test_a_directory_follows_the_warehouse(published: Published, tmp_path: Path) -> None:
    """Only files whose rows changed are written; one that was removed comes back; a month that is gone is removed."""
    place = tmp_path / "out"
    first = sent(published.publish("parquet", str(place)))
    assert all(months > 4 for months in first.values())
    check_files(published, place)
    stamps = {path: path.stat().st_mtime_ns for path in place.rglob("*.parquet")}
    assert sent(published.publish("parquet", str(place))) == dict.fromkeys(RELATIONS, 0)
    hour = place / "analytics.hourly" / f"site={RIDGE}" / "month=2025-11" / "part.parquet"
    hour.unlink()
    published.change(
        f"update daily set home_wh = home_wh + 1 where site_id = {RIDGE} and local_date = date '2025-10-05'"
    )
    assert sent(published.publish("parquet", str(place))) == dict.fromkeys(RELATIONS, 1)
    october = {
        place / name / f"site={RIDGE}" / "month=2025-10" / "part.parquet" for name in ("daily", "analytics.daily")
    }
    untouched = {path for path in stamps if path.stat().st_mtime_ns == stamps[path]}
    assert set(stamps) - untouched == {*october, hour}
    published.change(f"delete from daily where site_id = {RIDGE} and local_date < date '2025-04-01'")
    found = published.publish("parquet", str(place))
    assert found["targets"][0]["sites"][0]["taken_away"] == ["2025-03"]
    assert not (place / "daily" / f"site={RIDGE}" / "month=2025-03").exists()
    assert published.rows("select count(*) from daily") == [
        (ds.dataset(place / "daily", partitioning="hive").count_rows(),)
    ]


def test_a_store_follows_the_warehouse(published: Published, store: ObjectStore) -> None:
    """The same below a prefix of S3."""
    published.environment |= store.environment
    to = f"s3://{BUCKET}/export"
    first = sent(published.publish("parquet", to))
    keys = store.keys("export/")
    assert len(keys) == sum(first.values())
    assert f"export/daily/site={RIDGE}/month=2025-03/part.parquet" in keys
    assert sent(published.publish("parquet", to)) == dict.fromkeys(RELATIONS, 0)
    store.client.delete_object(Bucket=BUCKET, Key=keys[0])
    assert sum(sent(published.publish("parquet", to)).values()) == 1
    assert store.keys("export/") == keys


def test_sites_and_days_of_a_target(published: Published, tmp_path: Path) -> None:
    place = str(tmp_path / "out")
    published.targets(
        [{"target": "parquet", "to": place, "sites": [HARBOUR], "since": "2025-10-15", "relations": ["power"]}]
    )
    assert changed(published.publish()) == {HARBOUR: ["2025-10", "2025-11"]}
    assert changed(published.publish("--since", "2025-01-01"))[HARBOUR] == ["2025-03"]
    assert list(changed(published.publish("parquet", "--site", str(RIDGE)))) == [RIDGE]


def test_a_rebuild_keeps_the_record(published: Published, tmp_path: Path) -> None:
    """The same history made again is the same content: nothing is sent."""
    place = str(tmp_path / "out")
    published.publish("parquet", place)
    assert published.wattlog("rebuild").returncode == 0
    relations = sent(published.publish("parquet", place))
    assert relations["analytics.hourly"] == relations["analytics.daily"] == 0
    listed = published.wattlog("publish", "--list")
    assert listed.returncode == 0
    assert f"parquet {place} daily" in listed.stdout


def test_a_damaged_line_of_the_record_is_sent_again(published: Published, tmp_path: Path) -> None:
    place = str(tmp_path / "out")
    published.publish("parquet", place)
    path = published.place / "raw" / "deliveries.ndjson"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0].replace(b"2025", b"2035", 1), *lines[1:-1]]) + b'\n{"torn')
    assert sum(sent(published.publish("parquet", place)).values()) == 1
    assert len(DeliveryRecord.of(published.place / "raw").entries()) == len(lines) - 1


def test_sync_delivers(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the warehouse is published; a target that is not reached makes the run fail with one line."""
    place = tmp_path / "out"
    monkeypatch.setattr(cli_sync, "run_backfill", lambda *_, **__: Summary("20260115T200730.000001Z"))
    published.targets(
        [
            {"target": "influxdb", "to": "http://127.0.0.1:9"},
            {"target": "parquet", "to": str(place), "relations": ["daily"]},
            {"target": "parquet", "to": str(place / "other"), "name": "weekly", "with_sync": False},
        ]
    )
    monkeypatch.setattr("extract.services.http.ATTEMPTS", 1)
    found = published.wattlog("sync")
    assert found.returncode == 1
    assert [line for line in found.stderr.splitlines() if "influxdb" in line and "no connection" in line]
    assert (place / "daily").is_dir()
    assert not (place / "other").exists()


def test_flow_runs_deliver(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extract.services.http.ATTEMPTS", 1)
    targets = [
        {"target": "parquet", "to": str(tmp_path / "out"), "relations": ["daily"]},
        {"target": "influxdb", "to": "http://127.0.0.1:9", "with_sync": False},
    ]
    settings = Settings.model_validate({"data_dir": published.place, "publish": targets})
    context = new_context(settings)
    assert deliver_to(context, "parquet", [RIDGE], date(2025, 11, 1)) == {"sent": {"parquet: daily": 1}}
    assert follow_sync(context, {"requests": 3}) == {"requests": 3}
    with pytest.raises(RunFailed, match="influxdb: InfluxDB"):
        deliver_to(context, None, (), None)


@pytest.mark.parametrize(
    ("arguments", "publish", "reason"),
    [
        (["publish"], "", "there is no target"),
        (["publish", "nowhere"], "", "nowhere is no target"),
        (["publish", "nowhere", "out"], "", "nowhere is neither"),
        (["publish", "parquet", "out", "--site", "5"], "", "there is no site 5"),
        (["publish", "parquet", "gs://bucket"], "", "gs://"),
        (["publish", "home-assistant", "http://127.0.0.1:9"], "", "set WATTLOG_SECRET_HOME_ASSISTANT"),
        (["publish", "parquet", "out", "--energy-dashboard"], "", "is no Home Assistant"),
        (["publish", "--list", "--reset"], "", "--list takes nothing"),
        (["publish"], "[1]", "WATTLOG_PUBLISH"),
        (["publish"], '[{"target": "toaster", "to": "x"}]', "target"),
        (["publish"], '[{"target": "parquet"}]', "needs `to`"),
        (["publish"], '[{"target": "parquet", "to": "out", "donation": true}]', "donation belongs to target pvoutput"),
        (["publish"], '[{"target": "parquet", "to": "out", "relations": ["toast"]}]', "no table or model toast"),
        (["publish"], '[{"target": "parquet", "to": "out", "relations": ["runs"]}]', "runs has no site_id"),
        (["publish"], '[{"target": "parquet", "to": "a"}, {"target": "parquet", "to": "b"}]', "two targets are called"),
        (["publish"], '[{"target": "influxdb", "to": "http://a", "version": 2}]', "needs org"),
        (["publish"], '[{"target": "influxdb", "to": "http://a", "database": "a b"}]', "is not a database"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(homes: Path, arguments: list[str], publish: str, reason: str) -> None:
    """Nothing is sent, and the line says what to do."""
    found = Published(homes, {"WATTLOG_PUBLISH": publish}).wattlog(*arguments)
    assert found.returncode == 2, found.stderr
    assert reason in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert not (homes / "raw" / "deliveries.ndjson").exists()


def test_what_would_be_sent_is_shown(published: Published, tmp_path: Path) -> None:
    found = published.wattlog("publish", "parquet", str(tmp_path / "out"), "--dry-run")
    assert found.returncode == 0, found.stderr
    assert "months to send" in found.stdout
    assert not (tmp_path / "out").exists()
    assert orjson.loads(published.wattlog("publish", "--list", "--json").stdout) == []
