"""A key is in one file of a table, for any requested months."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.tasks.shape import shaped_tables
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import build
from warehouse.errors import DuplicateKey
from warehouse.lake.lake import Lake
from warehouse.lake.repeated_keys import drop_repeated
from warehouse.schema import TABLES, Keep

MARCH, APRIL = "2025-03", "2025-04"
EARLY, LATE = datetime(2025, 4, 2, tzinfo=UTC), datetime(2025, 4, 3, tzinfo=UTC)

BY_TIME = [name for name in shaped_tables() if TABLES[name].time_column is not None]


def stored(lake: Lake, name: str, column: str) -> dict[str, list[Any]]:
    """What the file of each month holds of a column."""
    return {str(part.period): lake.read_partition(part, name)[column].tolist() for part in lake.partitions(name)}


@pytest.fixture
def write(lake: Lake, frame_of: FrameOf) -> Any:
    def written(name: str, month: str, *rows: Mapping[str, Any]) -> None:
        frame = frame_of(TABLES[name], *rows)
        lake.write(name, frame, site_id=1001, period=month, digest=f"of {month}")

    return written


def written_twice(write: Any, name: str) -> None:
    for month in (MARCH, APRIL):
        write(name, month, {"expected_rows": 1, "gap_end": LATE} if name == "gaps" else {})


@pytest.mark.parametrize("name", BY_TIME)
def test_a_row_that_two_months_hold_stands_in_one_of_them(lake: Lake, write: Any, name: str) -> None:
    """Every table that shaping writes and that has a time in its key."""
    written_twice(write, name)
    assert drop_repeated(lake, name, 1001) == 1
    assert sum(lake.read_partition(part, name).shape[0] for part in lake.partitions(name)) == 1
    assert [lake.digest_of(name, 1001, month) for month in (MARCH, APRIL)] == ["of 2025-03", "of 2025-04"]
    assert drop_repeated(lake, name, 1001) == 0


def test_what_two_months_hold_is_refused_and_published_once_it_is_in_one(
    lake: Lake, write: Any, tmp_path: Path
) -> None:
    for name in BY_TIME:
        written_twice(write, name)
    with pytest.raises(DuplicateKey):
        build(lake, tmp_path / "warehouse.duckdb")
    for name in BY_TIME:
        drop_repeated(lake, name, 1001)
    rows = build(lake, tmp_path / "warehouse.duckdb").rows
    assert {name: rows[name] for name in BY_TIME} == dict.fromkeys(BY_TIME, 1)


def test_tables_without_a_time_in_their_key_are_keyed_by_the_answer_alone() -> None:
    """A record is in one segment, so in the file of one month. Imports have a file of their own."""
    others = set(shaped_tables()) - set(BY_TIME) - {"imports"}
    assert {TABLES[name].primary_key[0] for name in others} == {"raw_id", "command_id"}


@pytest.mark.parametrize(("earlier", "stays"), [(MARCH, MARCH), (APRIL, APRIL)])
def test_of_a_snapshot_the_first_observation_stays(lake: Lake, write: Any, earlier: str, stays: str) -> None:
    for month in (MARCH, APRIL):
        write("live_status", month, {"_fetched_at": EARLY if month == earlier else LATE})
    drop_repeated(lake, "live_status", 1001)
    assert {month for month, rows in stored(lake, "live_status", "_fetched_at").items() if rows} == {stays}


@pytest.mark.parametrize("name", ["charge_sessions", "backup_events"])
@pytest.mark.parametrize(("later", "stays"), [(MARCH, MARCH), (APRIL, APRIL)])
def test_of_values_reported_again_the_last_ones_stay(lake: Lake, write: Any, name: str, later: str, stays: str) -> None:
    for month in (MARCH, APRIL):
        write(name, month, {"_fetched_at": LATE if month == later else EARLY})
    drop_repeated(lake, name, 1001)
    assert {month for month, rows in stored(lake, name, "_fetched_at").items() if rows} == {stays}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("power", "local_date"),
        ("energy_intervals", "local_date"),
        ("state_of_energy", "local_date"),
        ("energy_periods", "period_start"),
    ],
)
@pytest.mark.parametrize(("day", "stays"), [(date(2025, 3, 31), MARCH), (date(2025, 4, 1), APRIL)])
def test_a_row_is_stored_in_the_month_of_its_day(
    lake: Lake, write: Any, name: str, column: str, day: date, stays: str
) -> None:
    """The other rows of the day are there, and the day is estimated from them."""
    for month in (MARCH, APRIL):
        write(name, month, {column: day, "_fetched_at": LATE if month != stays else EARLY})
    drop_repeated(lake, name, 1001)
    assert {month for month, rows in stored(lake, name, column).items() if rows} == {stays}


def test_of_two_gaps_that_begin_together_the_longer_stays(lake: Lake, write: Any) -> None:
    start = datetime(2025, 4, 1, 7, tzinfo=UTC)
    for month, hour in ((MARCH, 10), (APRIL, 8)):
        write("gaps", month, {"gap_start": start, "gap_end": start.replace(hour=hour), "expected_rows": 1})
    drop_repeated(lake, "gaps", 1001)
    assert stored(lake, "gaps", "gap_end") == {MARCH: [start.replace(hour=10)], APRIL: []}


def test_rows_that_only_look_alike_all_stay(lake: Lake, write: Any) -> None:
    """Two connectors begin at one instant, two sites observe at one instant."""
    write("charge_sessions", MARCH, {"target_id": "a"})
    write("charge_sessions", APRIL, {"target_id": "b"}, {"target_id": "c"})
    assert drop_repeated(lake, "charge_sessions", 1001) == 0
    assert stored(lake, "charge_sessions", "target_id") == {MARCH: ["a"], APRIL: ["b", "c"]}


def test_only_what_is_repeated_is_dropped(lake: Lake, write: Any) -> None:
    """Three months share an instant, and each has others."""
    same = {"observed_at": EARLY, "_fetched_at": LATE}
    write("live_status", "2025-04", {**same, "_fetched_at": EARLY}, {"observed_at": EARLY.replace(hour=1)})
    write("live_status", "2025-05", same, {"observed_at": LATE})
    write("live_status", "2025-06", same)
    assert drop_repeated(lake, "live_status", 1001) == 2
    assert stored(lake, "live_status", "observed_at") == {
        "2025-04": [EARLY, EARLY.replace(hour=1)],
        "2025-05": [LATE],
        "2025-06": [],
    }


def test_files_that_were_published_are_not_compared_again(lake: Lake, write: Any) -> None:
    """Publishing refuses repeated keys; one file that changed since is compared with all others."""
    write("live_status", MARCH, {})
    write("live_status", APRIL, {})
    paths = [part.path for part in lake.partitions("live_status")]
    published_ns = 1_700_000_000_000_000_000
    for path in paths:
        os.utime(path, ns=(0, published_ns - 10**10))
    assert drop_repeated(lake, "live_status", 1001, published_ns=published_ns) == 0
    os.utime(paths[1], ns=(0, published_ns + 1))
    assert drop_repeated(lake, "live_status", 1001, published_ns=published_ns) == 1


def test_which_row_stays_is_declared_with_the_table() -> None:
    assert TABLES["live_status"].keep is Keep.FIRST_FETCHED
