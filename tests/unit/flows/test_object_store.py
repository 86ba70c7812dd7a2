"""The pure parts of the object store: addresses, the list of files, growing files."""

import pickle
import re
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from botocore.exceptions import ClientError

from extract import segment
from flows.data_directory import held
from flows.errors import FlowError, UsageError, exit_code_for
from flows.object_store import growing
from flows.object_store.address import StoreAddress, store_address
from flows.object_store.errors import StoreBusy, StoreChanged, StoreDamaged, StoreRefused, StoreUnreachable
from flows.object_store.mirror import Mirror
from flows.object_store.parts import NEEDS, Part, files_of, need_of, part_of
from flows.object_store.refusals import understood
from flows.settings import Settings, load_settings

SEGMENT = "raw/site_id=1001/series=power/month=2025-03.ndjson.zst"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("s3://my-bucket", StoreAddress("my-bucket")),
        ("s3://my-bucket/", StoreAddress("my-bucket")),
        ("s3://my.bucket/home//wattlog/", StoreAddress("my.bucket", "home/wattlog/")),
        (Path("s3://my-bucket/home"), StoreAddress("my-bucket", "home/")),
        ("data", None),
        ("/s3:/data", None),
        (Path("data/s3"), None),
    ],
)
def test_an_address_is_known_however_it_is_written(given: str | Path, address: StoreAddress | None) -> None:
    """A path drops the second slash; it is the same address."""
    assert store_address(given) == address


@pytest.mark.parametrize(
    ("given", "says"),
    [("gs://bucket/x", "use s3://bucket/prefix"), ("s3://", "'' is not a bucket's name"), ("s3://B_d/x", "'B_d'")],
)
def test_an_address_that_cannot_be_used_is_refused_with_what_to_write(given: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        store_address(given)
    with pytest.raises(UsageError, match=f"WATTLOG_DATA_DIR: .*{says}"):
        load_settings(data_dir=given)


def test_settings_show_the_address_and_work_in_the_mirror(tmp_path: Path) -> None:
    settings = load_settings(data_dir="s3://bucket/home/")
    assert settings.model_dump(mode="json")["data_dir"] == settings.shown_data_dir == "s3://bucket/home"
    mirrored = settings.mirrored(tmp_path, "s3://bucket/home")
    assert mirrored.data_dir == tmp_path
    assert mirrored.model_dump(mode="json")["data_dir"] == mirrored.shown_data_dir == "s3://bucket/home"
    assert Settings(data_dir=Path("here")).shown_data_dir == "here"


def test_an_address_is_never_taken_for_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgets to open the store gets an error, not a directory called `s3:`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="s3://bucket/home is no directory"), held(Path("s3://bucket/home"), "sync"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_mirror_of_another_endpoint_is_another(tmp_path: Path) -> None:
    address = StoreAddress("bucket", "home/")
    regional = "https://s3.eu-west-1.amazonaws.com"
    roots = {
        Mirror.of(tmp_path, address, each).root for each in (regional, "https://s3.amazonaws.com", "http://nas:9000")
    }
    assert len(roots) == 2, "Amazon is one, in whatever region"
    assert all(root.is_relative_to(tmp_path / "stores") for root in roots)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (SEGMENT, Part.RAW),
        (SEGMENT + ".torn", Part.RAW),
        ("raw/site_id=0/series=products/month=2025-03.ndjson.zst", Part.RAW),
        ("raw/runs.ndjson", Part.RAW),
        ("lake/table=power/site_id=1001/month=2025-03/part.parquet", Part.LAKE),
        ("lake/table=power/site_id=1001/year=2024/part.parquet", Part.LAKE),
        ("lake/table=runs/part.parquet", Part.LAKE),
        ("warehouse.duckdb", Part.WAREHOUSE),
    ],
)
def test_what_belongs_to_a_store(path: str, part: Part) -> None:
    assert part_of(path) is part


@pytest.mark.parametrize(
    "path",
    [
        ".lock",
        ".holder.json",
        ".env",
        "tokens.json",
        "wattlog.toml",
        "raw/index.ndjson",
        "raw/site_id=1001/index-2025.ndjson",
        "raw/site_id=1001/tokens.json",
        "raw/site_id=1001/series=power/.month=2025-03.ndjson.zst.0a1b.unfinished",
        "raw/../warehouse.duckdb",
        "raw/site_id=1001/series=../month=2025-03.ndjson.zst",
        "lake/table=power/site_id=1001/month=2025-03/.part.parquet.0a1b.unfinished",
        "lake/table=../part.parquet",
        "lake/table=power/../../../tokens.parquet",
        ".lake.rebuilding/table=power/part.parquet",
        "warehouse.duckdb.wal",
        "/etc/passwd",
        "../warehouse.duckdb",
        "warehouse.duckdb\n",
    ],
)
def test_nothing_else_goes_to_a_store_or_comes_from_one(path: str) -> None:
    """Tokens, locks, caches and temporary files stay; a manifest cannot name a place elsewhere on this machine."""
    assert part_of(path) is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a token")
    place = tmp_path / "data/lake/table=runs"
    place.mkdir(parents=True)
    (place / "part.parquet").symlink_to(tmp_path / "secret")
    (tmp_path / "data/warehouse.duckdb").symlink_to(tmp_path / "secret")
    assert [path for part in Part for path in files_of(tmp_path / "data", part)] == []


def test_every_listed_command_exists_and_one_not_listed_gets_everything() -> None:
    modules = (Path(__file__).parents[3] / "flows/cli").glob("*.py")
    commands = {name for module in modules for name in re.findall(r"^def (\w+)\(", module.read_text(), re.MULTILINE)}
    assert NEEDS.keys() <= commands
    unknown = need_of("something new")
    assert unknown.pulls == unknown.pushes == frozenset(Part)
    assert not unknown.is_reader


# --- growing files ----------------------------------------------------------------------------------------------------


def line(text: str) -> bytes:
    return orjson.dumps({"body": text})


def test_a_segments_torn_tail_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "month=2025-03.ndjson.zst"
    path.write_bytes(segment.frame(line("a")) + segment.frame(line("b")))
    both = path.read_bytes()
    path.write_bytes(both + segment.frame(line("c"))[:-5])
    assert growing.whole(path) == both
    assert growing.whole(path, len(segment.frame(line("a")))) == both
    assert growing.whole(path, len(both)) == both


def test_half_a_line_of_the_ledger_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson"
    path.write_bytes(b'{"run_id":1}\n{"run')
    assert growing.whole(path) == b'{"run_id":1}\n'


@pytest.mark.parametrize(
    ("local", "remote", "result"),
    [
        ("ab", "abc", "abc"),
        ("abc", "ab", "abc"),
        ("abc", "abc", "abc"),
        ("abx", "abyz", "abyzx"),
        ("x", "y", "yx"),
        ("", "y", "y"),
    ],
)
def test_what_two_machines_added_is_joined_record_by_record(
    tmp_path: Path, local: str, remote: str, result: str
) -> None:
    """The store's first, then what only this machine has; frames that begin alike are still told apart."""
    path = tmp_path / "month=2025-03.ndjson.zst"
    here, there, wanted = (b"".join(segment.frame(line(name)) for name in names) for names in (local, remote, result))
    path.write_bytes(here)
    assert growing.joined(path, here, there) == wanted


def test_ledgers_are_joined_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson"
    path.write_bytes(b'{"run":1}\n{"run":22}\n')
    joined = growing.joined(path, path.read_bytes(), b'{"run":1}\n{"run":23}\n')
    assert joined == b'{"run":1}\n{"run":23}\n{"run":22}\n'


# --- refusals ---------------------------------------------------------------------------------------------------------


def meaning(status: int, code: str, **more: str) -> tuple[int, str]:
    """Exit code and line of an answer of the store."""
    answer = {"Error": {"Code": code, "Message": "no", **more}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(FlowError) as found, understood(StoreAddress("bucket", "home/"), "PutObject", "raw/runs.ndjson"):
        raise ClientError(cast("Any", answer), "PutObject")
    return exit_code_for(found.value), str(found.value)


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "says"),
    [
        (404, "NoSuchBucket", 2, "bucket bucket does not exist; create it, or correct s3://bucket/home"),
        (
            403,
            "AccessDenied",
            2,
            "refuses PutObject raw/runs.ndjson (AccessDenied); the credentials need s3:ListBucket",
        ),
        (403, "ExpiredToken", 2, "does not take these credentials (ExpiredToken); renew them"),
        (403, "SignatureDoesNotMatch", 2, "does not take these credentials (SignatureDoesNotMatch); renew them"),
        (403, "RequestTimeTooSkewed", 2, "set this machine's clock"),
        (301, "PermanentRedirect", 2, "is not in this region but in eu-west-1; set AWS_REGION"),
        (
            501,
            "NotImplemented",
            2,
            "refuses PutObject raw/runs.ndjson (501 NotImplemented no); is it a store that speaks S3?",
        ),
        (503, "SlowDown", 1, "is out of order (503 SlowDown to PutObject raw/runs.ndjson); what is here is kept"),
        (400, "RequestTimeout", 1, "run the command again"),
    ],
)
def test_every_answer_of_a_store_has_its_exit_code_and_its_advice(
    status: int, code: str, exit_code: int, says: str
) -> None:
    found, line = meaning(status, code, Region="eu-west-1")
    assert (found, says in line) == (exit_code, True), line


@pytest.mark.parametrize("kind", [StoreRefused, StoreUnreachable, StoreDamaged, StoreBusy, StoreChanged])
def test_errors_survive_the_way_between_processes(kind: type[FlowError]) -> None:
    there_and_back = pickle.loads(pickle.dumps(kind("s3://bucket is no more")))  # noqa: S301 - our own bytes
    assert (type(there_and_back), str(there_and_back)) == (kind, "s3://bucket is no more")
    assert exit_code_for(there_and_back) == kind.exit_code
