"""Stores that fail, refuse, are damaged, or are worked on by two machines at once."""

import hashlib
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from flows.errors import ExitCode, FlowError, UsageError, exit_code_for
from flows.object_store import lease
from flows.object_store.errors import StoreBusy, StoreChanged, StoreDamaged, StoreRefused, StoreUnreachable
from flows.object_store.lease import Lease, State
from flows.object_store.manifest import read_manifest, verify_store
from flows.object_store.mirror import Mirror
from flows.object_store.session import open_data_dir
from flows.object_store.store import Store
from flows.object_store.transfer import push_raw
from flows.settings import Settings
from flows.store_address import store_address
from tests.machines import (
    APRIL,
    OTHER_SEGMENT,
    POWER,
    SEGMENT,
    Home,
    answer,
    append,
    first_night,
    second_night,
    until,
    write,
)
from tests.object_store import BUCKET, ObjectStore, serve_object_store
from tests.simulated import NOW
from wattlog.names import WAREHOUSE


@pytest.fixture(scope="module")
def served() -> Iterator[ObjectStore]:
    with serve_object_store() as made:
        yield made


@pytest.fixture
def home(served: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    yield Home(served, f"home-{abs(hash(request.node.nodeid)) % 10**12}", tmp_path)
    served.fault = lambda method, path: None
    served.lost = lambda method, path: False


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """obstore waits between its attempts; hardly so here."""
    for name in ("FIRST_WAIT", "LONGEST_WAIT"):
        monkeypatch.setattr(f"flows.object_store.store.{name}", timedelta(milliseconds=1))


def store_of(home: Home) -> Store:
    address = store_address(home.settings().data_dir)
    assert address is not None
    return Store.connect(address)


# --- failing ----------------------------------------------------------------------------------------------------------


def test_what_fails_for_a_while_is_asked_again(home: Home, patient: None) -> None:
    """Every second request is answered with 503, 500 or 429, reading or writing."""
    count = 0

    def fault(method: str, path: str) -> int | None:
        nonlocal count
        count += 1
        return (503, 500, 429)[count // 2 % 3] if count % 2 else None

    home.server.fault = fault
    home.run(first_night)
    home.run(second_night, machine="two")
    home.server.fault = lambda method, path: None
    assert home.content("three")[SEGMENT] == answer("monday") + answer("tuesday")
    assert home.is_in_order()


def test_a_write_whose_response_was_lost_is_not_taken_for_anothers(home: Home, patient: None) -> None:
    """The retry finds the object there, in another state than before: it is ours, since its checksum is."""
    seen = set[tuple[str, str]]()

    def lost(method: str, path: str) -> bool:
        is_first = (method, path) not in seen
        seen.add((method, path))
        return method == "PUT" and is_first

    home.server.lost = lost
    home.run(first_night)
    assert {path.rsplit("/", 1)[-1] for _, path in seen} >= {"lease.json", "manifest.ndjson.zst", "runs.ndjson"}
    home.run(lambda data_dir: append(data_dir, SEGMENT, answer("tuesday")))
    assert home.body(SEGMENT) == answer("monday") + answer("tuesday")


def test_a_renewal_of_which_no_response_arrived_costs_no_lease(home: Home, patient: None) -> None:
    """The store has done it: the next renewal finds the own token there."""
    own = Lease.acquire(store_of(home), "sync", "machine-one", NOW)
    home.server.lost = lambda method, path: method == "PUT"
    with pytest.raises(StoreUnreachable):
        own.renew()
    home.server.lost = lambda method, path: False
    own.renew()
    own.end(State.RELEASED)
    assert home.is_in_order()


def test_an_addition_of_which_no_response_arrived_is_followed_by_the_next(home: Home, patient: None) -> None:
    """What the store holds is the beginning of what is here, so nothing of another machine is written over."""
    store, mirror = store_of(home), Mirror(home.caches / "mirror")
    append(mirror.data_dir, SEGMENT, answer("monday"))
    home.server.lost = lambda method, path: method == "PUT"
    with pytest.raises(StoreUnreachable):
        push_raw(store, mirror)
    home.server.lost = lambda method, path: False
    append(mirror.data_dir, SEGMENT, answer("tuesday"))
    push_raw(store, mirror)
    assert home.body(SEGMENT) == answer("monday") + answer("tuesday")


def test_what_could_not_be_pushed_is_kept_and_pushed_by_the_next_run(home: Home, patient: None) -> None:
    """The store fails after a night's work: exit code 1, one line, and nothing is lost."""
    home.run(first_night)

    def work(data_dir: Path) -> None:
        second_night(data_dir)
        home.server.fault = lambda method, path: 503 if method != "GET" else None

    with pytest.raises(StoreUnreachable, match=r"is out of order \(503\b.*what is here is kept") as failed:
        home.run(work)
    assert exit_code_for(failed.value) == ExitCode.INCOMPLETE
    home.server.fault = lambda method, path: None
    assert home.body(SEGMENT) == answer("monday")
    home.run(lambda _: None)
    assert home.content("two") == home.content("one") | {WAREHOUSE: b"warehouse of tuesday"}
    assert home.body(SEGMENT) == answer("monday") + answer("tuesday")
    assert home.body(POWER) == b"power of monday and tuesday"


def refused(settings: Settings) -> tuple[ExitCode, str]:
    """Exit code and line of a run that never begins."""
    with pytest.raises(FlowError) as failed, open_data_dir(settings, "sync"):
        pytest.fail("it began")
    (line,) = str(failed.value).splitlines()
    assert "test-secret" not in line
    return exit_code_for(failed.value), line


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, ExitCode.USAGE, "the credentials need s3:ListBucket"),
        (400, ExitCode.USAGE, "is it a store that speaks S3?"),
        (503, ExitCode.INCOMPLETE, "run the command again"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    home: Home, patient: None, status: int, code: ExitCode, message: str
) -> None:
    home.server.fault = lambda method, path: status
    found, line = refused(home.settings())
    assert (found, message in line) == (code, True), line


def test_a_bucket_that_is_not_there_is_named(served: ObjectStore, tmp_path: Path) -> None:
    settings = Settings(data_dir=Path("s3://powerwall/home"), cache_dir=tmp_path)
    assert refused(settings) == (
        ExitCode.USAGE,
        "bucket powerwall does not exist; create it, or correct s3://powerwall/home",
    )


def test_no_credentials_no_network_no_profile(
    served: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    settings = Settings(data_dir=Path(f"s3://{BUCKET}"), cache_dir=tmp_path)
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        code, line = refused(settings)
        assert (code, "Unable to locate credentials" in line) == (ExitCode.USAGE, True), line
    with monkeypatch.context() as patch:
        patch.setenv("AWS_PROFILE", "missing")
        code, line = refused(settings)
        assert (code, "missing" in line) == (ExitCode.USAGE, True), line
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        code, line = refused(settings)
        assert (code, "cannot be reached" in line) == (ExitCode.INCOMPLETE, True), line


def test_a_large_warehouse_goes_up_and_is_copied_in_parts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single request takes no more than five gigabytes; here a few megabytes count as many."""
    monkeypatch.setattr("flows.object_store.store.PART_BYTES", 5 * 2**20)
    monkeypatch.setattr("flows.object_store.store.COPY_AT_ONCE_BYTES", 2**20)
    content = bytes(range(256)) * (9 * 2**12)
    home.run(lambda data_dir: write(data_dir, WAREHOUSE, content))
    parts = [path for method, path in home.server.requests if method == "PUT" and "/staged/" in path]
    assert len(parts) > 1
    assert home.content("reader", "sql") == {WAREHOUSE: content}
    assert differences(home) == {}, "its checksum is noted, too"


# --- two machines -----------------------------------------------------------------------------------------------------


def test_one_run_at_a_time_over_all_machines(home: Home) -> None:
    """The second one gets a message that names the holder of the store, and readers do not wait."""
    home.run(first_night)
    with open_data_dir(home.settings("one"), "backfill"):
        code, line = refused(home.settings("two"))
        assert code == ExitCode.BUSY
        assert f"another run holds s3://{BUCKET}/{home.prefix} (backfill, process " in line
        assert home.content("two", "sql") == {WAREHOUSE: b"warehouse of monday"}
        code, line = refused(home.settings("one"))
        assert (code, "another run holds" in line) == (ExitCode.BUSY, True), "the same machine"
    home.run(lambda _: None, machine="two")


def test_of_many_that_begin_at_once_one_gets_it(home: Home) -> None:
    """By a condition that the store itself checks."""
    store, got, refused_ones = store_of(home), list[str](), list[str]()
    begin = threading.Barrier(8)

    def take(name: str) -> None:
        begin.wait()
        try:
            Lease.acquire(store, "sync", name, NOW)
            got.append(name)
        except StoreBusy:
            refused_ones.append(name)

    threads = [threading.Thread(target=take, args=(f"machine-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused_ones)) == (1, 7)


def test_a_lease_is_kept_by_renewing_and_lost_by_silence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(home)
    assert not Lease.acquire(store, "sync", "machine-one", NOW).is_clean, "no run has left it in good order"
    Lease.acquire(store, "sync", "machine-one", NOW).end(State.RELEASED)
    own = Lease.acquire(store, "sync", "machine-one", NOW)
    assert own.is_clean
    own.renew()
    with pytest.raises(StoreBusy, match="sync, process"):
        Lease.acquire(store, "sync", "machine-two", NOW)
    monkeypatch.setattr(lease, "STALE_S", -10.0)
    taken = Lease.acquire(store, "sync", "machine-two", NOW)
    assert not taken.is_clean, "the next run must recover"
    with pytest.raises(StoreChanged, match="may have taken over"):
        own.renew()
    for attempt in (own.ensure, lambda: own.end(State.RELEASED), lambda: own.end(State.ABANDONED)):
        with pytest.raises(StoreChanged):
            attempt()
    taken.ensure()
    taken.end(State.ABANDONED)
    monkeypatch.undo()
    assert not Lease.acquire(store, "sync", "machine-three", NOW).is_clean


@pytest.mark.parametrize("clock", ["time", "monotonic"])
def test_a_holder_that_was_not_heard_of_changes_nothing_more(
    home: Home, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """A laptop that slept: by its own clocks it is too late, whatever the store has, and whichever of them stood still."""
    own = Lease.acquire(store_of(home), "sync", "machine-one", NOW)
    late = getattr(time, clock)() + lease.HOLDER_LIMIT_S + 10
    monkeypatch.setattr(f"flows.object_store.lease.time.{clock}", lambda: late)
    with pytest.raises(StoreChanged, match="was not heard of for too long"):
        own.end(State.RELEASED)
    monkeypatch.undo()


def test_a_copy_of_a_mirror_on_another_machine_waits_like_any_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of the one has no meaning for the other."""
    Lease.acquire(store_of(home), "sync", "machine-one", NOW)
    assert not Lease.acquire(store_of(home), "sync", "machine-one", NOW).is_clean, "here the holder is dead"
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    with pytest.raises(StoreBusy):
        Lease.acquire(store_of(home), "sync", "machine-one", NOW)


def test_a_store_that_heeds_no_conditions_is_refused_before_it_holds_anything(home: Home) -> None:
    home.server.is_careless = True
    try:
        code, line = refused(home.settings())
    finally:
        home.server.is_careless = False
    assert (code, "use a store that heeds conditions" in line) == (ExitCode.USAGE, True), line
    assert home.listing() == []


def test_responses_of_two_machines_are_both_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is taken for dead while it works; what it asked for is added behind what the other did."""
    home.run(first_night)

    def sleep(data_dir: Path) -> None:
        append(data_dir, SEGMENT, answer("of the sleeper"))
        append(data_dir, OTHER_SEGMENT, answer("soe of the sleeper"))
        write(data_dir, "raw/site_id=1001/index-2025.ndjson", b"of other places")
        write(data_dir, POWER, b"power of the sleeper")
        with monkeypatch.context() as patch:
            patch.setattr(lease, "STALE_S", -10.0)
            home.run(second_night, machine="two")

    with pytest.raises(StoreChanged, match="what was fetched is kept on this machine"):
        home.run(sleep, machine="one")
    assert home.content("three")[SEGMENT] == answer("monday") + answer("tuesday"), "the other's work stands"

    home.run(lambda _: None, machine="one")
    found = home.content("three")
    assert found[SEGMENT] == answer("monday") + answer("tuesday") + answer("of the sleeper")
    assert found[OTHER_SEGMENT] == answer("soe") + answer("soe of the sleeper")
    assert not any("index" in path for path in home.content("one")), "the archive reads it anew"


def test_two_commits_that_know_the_same_state_do_not_both_succeed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of defence: even without any lease, the manifest is replaced only by who knew it."""
    home.run(first_night)
    monkeypatch.setattr(Lease, "ensure", lambda self: None)

    def work(data_dir: Path) -> None:
        write(data_dir, POWER, b"power of the sleeper")
        with monkeypatch.context() as patch:
            patch.setattr(lease, "STALE_S", -10.0)
            home.run(lambda other: write(other, POWER, b"power of two"), machine="two")

    with pytest.raises(StoreChanged, match="another run has committed"):
        home.run(work)
    assert home.body(POWER) == b"power of two"


# --- damage -----------------------------------------------------------------------------------------------------------


def differences(home: Home, *, has_download: bool = False) -> dict[str, str]:
    mirrored = home.settings().mirrored(home.caches, home.settings().shown_data_dir)
    return {problem.where: problem.what for problem in verify_store(mirrored, has_download=has_download)}


def test_verify_names_every_object_that_is_not_what_was_committed(home: Home) -> None:
    home.run(first_night)
    home.run(second_night)
    assert differences(home) == differences(home, has_download=True) == {}
    home.delete(SEGMENT)
    home.put(APRIL, b"shorter")
    home.put(WAREHOUSE, b"Warehouse of tuesday")
    home.put("lake/table=power/site_id=7/month=2025-03/part.parquet", b"stray")
    home.put("raw/site_id=7/series=power/month=2025-03.ndjson.zst", b"by hand")
    for has_download in (False, True):
        assert differences(home, has_download=has_download) == {
            SEGMENT: "is gone; restore it from a backup",
            APRIL: "has 7 bytes instead of 14; run `wattlog rebuild`",
            WAREHOUSE: "has another checksum than was committed; run `wattlog rebuild`",
            "lake/table=power/site_id=7/month=2025-03/part.parquet": (
                "is not in the manifest: a push did not end; the next run removes it"
            ),
            "raw/site_id=7/series=power/month=2025-03.ndjson.zst": (
                "is not in the manifest; run `wattlog rebuild` to take it in"
            ),
        }


def test_verify_reads_back_where_the_note_may_lie(home: Home) -> None:
    """Content that rotted in the store keeps the checksum that was noted beside it; reading it back shows it."""
    home.run(first_night)
    noted = home.server.client.head_object(Bucket=BUCKET, Key=f"{home.prefix}/{POWER}")["Metadata"]
    home.server.client.put_object(Bucket=BUCKET, Key=f"{home.prefix}/{POWER}", Body=b"Power of monday", Metadata=noted)
    assert differences(home) == {}
    assert list(differences(home, has_download=True)) == [POWER]


def test_verify_of_a_directory_of_this_machine_looks_at_no_store(tmp_path: Path) -> None:
    assert list(verify_store(Settings(data_dir=tmp_path), has_download=True)) == []


def test_a_damaged_lake_file_is_left_to_be_made_again(home: Home) -> None:
    """It can be made from raw; a damaged raw file or warehouse is an error with what to do."""
    home.run(first_night)
    home.put(POWER, b"Power of monday")
    assert POWER not in home.content("two", "sync")
    home.run(lambda data_dir: write(data_dir, POWER, b"power of monday"), machine="two")
    assert home.body(POWER) == b"power of monday"
    home.put(WAREHOUSE, b"Warehouse of monday")
    with pytest.raises(StoreDamaged, match=r"warehouse.duckdb is not what was written; run `wattlog rebuild`"):
        home.content("reader", "sql")
    home.delete(SEGMENT)
    with pytest.raises(StoreDamaged, match="is gone; restore it from a backup, or run `wattlog rebuild`"):
        home.content("three", "sync")
    assert SEGMENT not in home.content("three", "rebuild")


def test_a_raw_file_that_changed_other_than_by_growing_is_not_pushed(home: Home) -> None:
    """Damage on this machine never reaches the store's copy."""
    home.run(first_night)
    with pytest.raises(StoreDamaged, match="has changed other than by growing and is not pushed"):
        home.run(lambda data_dir: write(data_dir, SEGMENT, answer("MONDAY") + answer("tuesday")))
    assert home.body(SEGMENT) == answer("monday")


def test_a_manifest_of_a_newer_wattlog_or_none_at_all_is_refused(home: Home) -> None:
    import zstandard

    line = orjson.dumps({"format": 2, "store_id": "x", "sequence": 1, "committed_at": ""})
    home.put("_wattlog/manifest.ndjson.zst", zstandard.compress(line))
    with pytest.raises(StoreRefused, match="written by a newer wattlog"):
        read_manifest(store_of(home))
    for body in (b"", b"not zstd", zstandard.compress(b"{}"), zstandard.compress(b"[1]")):
        home.put("_wattlog/manifest.ndjson.zst", body)
        with pytest.raises(StoreDamaged, match="delete _wattlog/manifest"):
            read_manifest(store_of(home))


def test_a_store_of_the_version_before_opens(home: Home) -> None:
    """As boto3 left it: the same names, the same lines, the checksum noted at the object under the same name."""
    import zstandard

    objects = {SEGMENT: answer("monday"), POWER: b"power of monday", WAREHOUSE: b"warehouse of monday"}
    lines: list[dict[str, object]] = [
        {"format": 1, "store_id": "0f" * 16, "sequence": 3, "committed_at": "2025-03-04T03:10:00+00:00"}
    ]
    client, bucket = home.server.client, {"Bucket": BUCKET}
    for path, body in objects.items():
        sha256 = hashlib.sha256(body).hexdigest()
        put = client.put_object(**bucket, Key=f"{home.prefix}/{path}", Body=body, Metadata={"sha256": sha256})
        etag = put["ETag"] if path == SEGMENT else ""
        lines.append({"path": path, "size": len(body), "sha256": sha256, "etag": etag})
    text = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    home.put("_wattlog/manifest.ndjson.zst", zstandard.compress(text))
    holder = {
        "token": "a",
        "mirror": "b",
        "host": "c",
        "pid": 1,
        "command": "sync",
        "since": "2025-03-04T03:00:00+00:00",
    }
    home.put("_wattlog/lease.json", orjson.dumps(holder | {"state": "released"}))

    assert home.content("two") == objects
    assert differences(home) == differences(home, has_download=True) == {}
    home.run(second_night, machine="two")
    assert home.content("three")[SEGMENT] == answer("monday") + answer("tuesday")
    assert home.body(POWER) == b"power of monday and tuesday"
    manifest = read_manifest(store_of(home))
    assert manifest is not None
    assert (manifest.store_id, manifest.sequence) == ("0f" * 16, 4)


def test_a_manifest_writes_nowhere_but_where_files_belong(home: Home) -> None:
    """A person who may write to the bucket may not write to this machine's other files."""
    home.run(first_night)
    manifest = read_manifest(store_of(home))
    assert manifest is not None
    stored = home.body("_wattlog/manifest.ndjson.zst")
    import zstandard

    text = zstandard.ZstdDecompressor().decompressobj().decompress(stored)
    line = {"path": "lake/../../../evil", "size": 4, "sha256": "0" * 64, "etag": ""}
    home.put("_wattlog/manifest.ndjson.zst", zstandard.compress(text + orjson.dumps(line) + b"\n"))
    again = read_manifest(store_of(home))
    assert again is not None
    assert again.files == manifest.files


def test_the_lease_keeper_goes_on_after_a_failure(home: Home, monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    """One minute without a network costs no lease; what fails beside a run does not end it."""
    monkeypatch.setattr(lease, "RENEW_S", 0.02)
    monkeypatch.setattr(lease, "PUSH_RAW_S", 0.02)

    def work(data_dir: Path) -> None:
        home.server.fault = lambda method, path: 503
        before = len(home.server.requests)
        until(lambda: len(home.server.requests) >= before + 12)
        home.server.fault = lambda method, path: None
        append(data_dir, SEGMENT, answer("monday"))
        until(lambda: SEGMENT in home.listing())

    home.run(work)
    with pytest.raises(UsageError):
        home.content("reader", "sql")
