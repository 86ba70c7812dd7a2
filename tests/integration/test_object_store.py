"""A data directory in an object store: what two machines see of it, whatever dies in between (moto, on loopback)."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.object_store import lease
from flows.object_store.errors import StoreRefused
from tests.machines import (
    APRIL,
    OTHER_SEGMENT,
    POWER,
    RUNS,
    SEGMENT,
    Home,
    answer,
    append,
    first_night,
    of_store,
    second_night,
    until,
    write,
)
from tests.object_store import BUCKET, WRITES, ObjectStore, serve_object_store
from wattlog import checked_lines
from wattlog.names import WAREHOUSE

OF_WATTLOG = ["_wattlog/lease.json", "_wattlog/manifest.ndjson.zst"]


@pytest.fixture(scope="module")
def served() -> Iterator[ObjectStore]:
    with serve_object_store() as made:
        yield made


@pytest.fixture
def home(served: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    yield Home(served, f"home-{abs(hash(request.node.nodeid)) % 10**12}", tmp_path)
    served.fault = lambda method, path: None
    served.lost = lambda method, path: False


# --- there and back ---------------------------------------------------------------------------------------------------


def test_another_machine_finds_all_of_it(home: Home) -> None:
    home.run(first_night)
    home.run(second_night)
    assert (
        home.content("two")
        == of_store(home.content("one"))
        == {
            SEGMENT: answer("monday") + answer("tuesday"),
            OTHER_SEGMENT: answer("soe"),
            "raw/runs.ndjson": b'{"run":1}\n{"run":2}\n',
            POWER: b"power of monday and tuesday",
            APRIL: b"power of april",
            RUNS: b"two runs",
            WAREHOUSE: b"warehouse of tuesday",
        }
    )


def test_objects_have_the_names_of_the_files(home: Home) -> None:
    """Other programs read the lake in its hive layout, without wattlog."""
    home.run(first_night)
    home.run(second_night)
    assert {key: home.body(key) for key in home.listing() if not key.startswith("_wattlog/")} == of_store(
        home.content("one")
    )
    assert [key for key in home.listing() if key.startswith("_wattlog/")] == OF_WATTLOG


def test_a_reader_gets_the_warehouse_and_nothing_else(home: Home) -> None:
    home.run(first_night)
    before = len(home.server.requests)
    assert home.content("reader", "sql") == {WAREHOUSE: b"warehouse of monday"}
    assert home.server.since(before) == {"GET": 2}, "the manifest, the warehouse"
    before = len(home.server.requests)
    assert home.content("reader", "sql") == {WAREHOUSE: b"warehouse of monday"}
    assert home.server.since(before) == {"GET": 1}
    home.run(second_night)
    assert home.content("reader", "sql") == {WAREHOUSE: b"warehouse of tuesday"}
    before = len(home.server.requests)
    assert home.content("one", "sql") == {WAREHOUSE: b"warehouse of tuesday"}
    assert home.server.since(before) == {"GET": 1}, "who pushed it need not fetch it"


def test_a_reader_of_an_empty_store_gets_a_message_with_what_to_do(home: Home) -> None:
    with pytest.raises(UsageError, match="holds no warehouse yet; run `wattlog backfill` first"):
        home.run(lambda _: None, command="sql")


def test_only_what_changed_is_written(home: Home) -> None:
    home.run(first_night)
    before = len(home.server.requests)
    home.run(lambda _: None)
    assert home.server.since(before) == {"PUT": 2, "GET": 2}, (
        "the lease, taken and given back; it and the manifest read"
    )
    before = len(home.server.requests)
    home.run(lambda data_dir: write(data_dir, POWER, b"power of monday"))
    assert home.server.since(before)["PUT"] == 2, "the same content, written again"
    before = len(home.server.requests)
    home.run(lambda data_dir: append(data_dir, SEGMENT, answer("tuesday")))
    written = [path for method, path in home.server.requests[before:] if method == "PUT"]
    assert [path.removeprefix(f"/{BUCKET}/{home.prefix}/") for path in written] == [
        "_wattlog/lease.json",
        SEGMENT,
        "_wattlog/manifest.ndjson.zst",
        "_wattlog/lease.json",
    ]


def test_a_run_that_makes_no_warehouse_pushes_no_old_one(home: Home) -> None:
    """The one on this machine may be older than another machine's."""
    home.run(first_night, machine="one")
    home.run(second_night, machine="two")
    home.run(lambda data_dir: write(data_dir, POWER, b"power"), machine="one")
    assert home.body(WAREHOUSE) == b"warehouse of tuesday"
    assert home.body(POWER) == b"power"


def test_what_is_gone_from_the_lake_goes_from_the_store(home: Home) -> None:
    """On other machines, too; raw files are never deleted, whatever happens to them here."""
    home.run(first_night)
    home.run(second_night)
    assert APRIL in home.content("two")

    def remove(data_dir: Path) -> None:
        (data_dir / APRIL).unlink()
        (data_dir / OTHER_SEGMENT).unlink()

    home.run(remove)
    assert APRIL not in home.listing()
    assert APRIL not in home.content("two")
    assert home.body(OTHER_SEGMENT) == answer("soe")
    assert home.content("one")[OTHER_SEGMENT] == answer("soe"), "fetched again"


def test_nothing_secret_is_uploaded(home: Home) -> None:
    """Neither tokens nor locks nor anything that is not on the list, wherever it lies."""
    secret = b"refresh-token-1234"
    places = [
        "tokens.json",
        ".env",
        "raw/token",
        "raw/site_id=1001/tokens.json",
        "lake/table=power/.netrc",
        "raw/.lock",
    ]

    def work(data_dir: Path) -> None:
        first_night(data_dir)
        for place in places:
            write(data_dir, place, secret)
        (home.mirror("one") / "tokens.json").write_bytes(secret)

    home.run(work)
    assert not [key for key in home.listing() if any(key.endswith(Path(place).name) for place in places)]
    assert all(secret not in home.body(key) for key in home.listing())


def test_a_lost_cache_costs_nothing(home: Home) -> None:
    home.run(first_night)
    shutil.rmtree(home.caches / "one")
    home.run(second_night)
    assert home.content("two")[SEGMENT] == answer("monday") + answer("tuesday")


def test_a_lost_bucket_is_filled_again_from_a_machine(home: Home) -> None:
    home.run(first_night)
    before = {key: home.body(key) for key in home.listing() if not key.startswith("_wattlog/")}
    for key in home.listing():
        home.delete(key)
    home.run(lambda _: None)
    assert {key: home.body(key) for key in home.listing() if not key.startswith("_wattlog/")} == before


def test_another_store_at_the_same_address_is_not_mixed_with_this_one(home: Home) -> None:
    home.run(first_night)
    for key in home.listing():
        home.delete(key)
    home.run(second_night, machine="two")
    with pytest.raises(StoreRefused, match="mirrors another store that was at"):
        home.run(lambda _: None, machine="one")


def test_raw_files_brought_there_by_hand_are_taken_in(home: Home) -> None:
    """How a local data directory moves to a store: copy `raw/`, then rebuild."""
    home.put(SEGMENT, answer("monday"))
    home.put("raw/runs.ndjson", b'{"run":1}\n')
    assert home.content("one", "rebuild") == {SEGMENT: answer("monday"), "raw/runs.ndjson": b'{"run":1}\n'}
    home.put(OTHER_SEGMENT, answer("soe"))
    home.run(lambda _: None, command="rebuild")
    assert home.content("two")[OTHER_SEGMENT] == answer("soe")


def test_a_ledger_is_given_checksums_on_one_machine(home: Home) -> None:
    """Lines of an older version get theirs, and one that is damaged there goes: the store keeps every line."""
    first, second, third = (b'{"run_id":"%d"}' % number for number in range(3))
    home.run(lambda data_dir: append(data_dir, "raw/runs.ndjson", first + b"\n" + second + b"\n"))
    healed = checked_lines.with_checksum(second) + checked_lines.with_checksum(third)
    home.run(lambda data_dir: write(data_dir, "raw/runs.ndjson", healed))
    for machine in ("two", "one"):
        assert home.content(machine)["raw/runs.ndjson"] == first + b"\n" + healed


# --- dying ------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is no more: nothing that it would still do is done."""


def kill_at(server: ObjectStore, number: int) -> list[str]:
    """From the given write on, nothing of this machine reaches the store. Returns the writes that did."""
    done: list[str] = []
    is_dead = False

    def fault(method: str, path: str) -> int | None:
        nonlocal is_dead
        is_dead = is_dead or (method in WRITES and len(done) == number)
        if not is_dead and method in WRITES:
            done.append(f"{method} {path}")
        return 403 if is_dead else None

    server.fault = fault
    return done


def changes(data_dir: Path) -> None:
    """One file of each kind: grown, replaced, new, gone."""
    append(data_dir, SEGMENT, answer("tuesday"))
    write(data_dir, POWER, b"power of monday and tuesday")
    write(data_dir, APRIL, b"power of april")
    write(data_dir, WAREHOUSE, b"warehouse of tuesday")
    (data_dir / RUNS).unlink()


MADE_BEFORE = {POWER: b"power of monday", RUNS: b"one run", WAREHOUSE: b"warehouse of monday"}
MADE_AFTER = {
    POWER: b"power of monday and tuesday",
    APRIL: b"power of april",
    WAREHOUSE: b"warehouse of tuesday",
}
COMMIT = 5
"""The lease, the raw file, three files that wait; then the manifest, three copies, one deletion; then the lease again."""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 11))
def test_a_push_killed_at_any_write_leaves_the_old_state_or_the_new(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A reader and another machine find one of the two, whole; the next run completes it, and no response is lost."""
    home.run(first_night)
    done = kill_at(home.server, number)
    with suppress(StoreRefused):  # it is not raised where the last write alone, of the lease, is missing
        home.run(changes)
    home.server.fault = lambda method, path: None
    assert len(done) == number
    assert [write.endswith("manifest.ndjson.zst") for write in done] == [at == COMMIT for at in range(number)]

    made = MADE_AFTER if number > COMMIT else MADE_BEFORE
    assert home.content("reader", "sql") == {WAREHOUSE: made[WAREHOUSE]}
    with monkeypatch.context() as patch:
        patch.setattr(lease, "STALE_S", -10.0)
        found = home.content("two")
    answers = answer("monday") + (answer("tuesday") if number > 1 else b"")
    assert found == made | {SEGMENT: answers, "raw/runs.ndjson": b'{"run":1}\n'}, "what is there of raw is found"

    home.run(lambda _: None)
    whole = MADE_AFTER | {SEGMENT: answer("monday") + answer("tuesday"), "raw/runs.ndjson": b'{"run":1}\n'}
    assert {key: home.body(key) for key in home.listing() if not key.startswith("_wattlog")} == whole, (
        "nothing else is left"
    )
    assert [key for key in home.listing() if key.startswith("_wattlog")] == OF_WATTLOG


KILLED = """
import os, signal, sys
from pathlib import Path
from flows.object_store import transfer
from flows.object_store.session import open_data_dir
from flows.settings import Settings

transfer.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open_data_dir(Settings(data_dir=Path(sys.argv[1]), cache_dir=Path(sys.argv[2])), "sync") as settings:
    (settings.data_dir / "warehouse.duckdb").write_bytes(b"warehouse of tuesday")
"""


def test_a_process_killed_with_minus_nine_is_followed_at_once_on_the_same_machine(home: Home) -> None:
    """The lock of the mirror is free, so the holder of its lease is dead: no run waits for the lease to go stale."""
    home.run(first_night)
    settings = home.settings()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.data_dir), str(settings.cache_dir)],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert home.body(WAREHOUSE) == b"warehouse of monday"
    assert home.content("reader", "sql") == {WAREHOUSE: b"warehouse of tuesday"}, "committed, though not in its place"
    home.run(lambda _: None)
    assert home.body(WAREHOUSE) == b"warehouse of tuesday"


def test_a_command_that_fails_keeps_what_was_fetched(home: Home) -> None:
    """Raw files are pushed, half-made others are not, and the next run need not recover anything."""
    home.run(first_night)

    def work(data_dir: Path) -> None:
        append(data_dir, SEGMENT, answer("tuesday"))
        write(data_dir, POWER, b"half")
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        home.run(work)
    assert home.body(SEGMENT) == answer("monday") + answer("tuesday")
    assert home.body(POWER) == b"power of monday"
    assert home.is_in_order()


def test_a_rebuild_that_fails_leaves_the_lake_in_the_store(home: Home) -> None:
    """On a machine that has no lake yet, none was made: that is no reason to delete the store's."""
    home.run(first_night)

    def work(data_dir: Path) -> None:
        assert not (data_dir / "lake").exists()
        raise UsageError("no")

    with pytest.raises(UsageError):
        home.run(work, command="rebuild", machine="two")
    assert RUNS in home.content("three", "sync")
    home.run(lambda data_dir: write(data_dir, POWER, b"rebuilt"), command="rebuild", machine="two")
    assert home.body(POWER) == b"rebuilt"
    assert RUNS not in home.listing(), "a rebuild that succeeds is all of the lake"


def test_paid_responses_are_saved_while_a_long_run_lasts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that burns down takes the last minutes with it, no more; what it had pushed is found by the next."""
    monkeypatch.setattr(lease, "RENEW_S", 0.02)
    monkeypatch.setattr(lease, "PUSH_RAW_S", 0.02)

    def work(data_dir: Path) -> None:
        append(data_dir, SEGMENT, answer("monday") + answer("tuesday")[:-4])
        until(lambda: SEGMENT in home.listing())
        assert home.body(SEGMENT) == answer("monday"), "not the answer that is being written"
        append(data_dir, SEGMENT, answer("tuesday")[-4:])
        until(lambda: home.body(SEGMENT) != answer("monday"))
        burnt.set()
        raise Killed

    burnt = threading.Event()
    home.server.fault = lambda method, path: 403 if burnt.is_set() else None
    with pytest.raises(Killed):
        home.run(work)
    home.server.fault = lambda method, path: None
    assert sorted(home.listing()) == ["_wattlog/lease.json", SEGMENT]
    monkeypatch.setattr(lease, "STALE_S", -10.0)
    assert home.content("two") == {SEGMENT: answer("monday") + answer("tuesday")}
