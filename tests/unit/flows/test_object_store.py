"""The pure parts of the object store: addresses, the list of files, append-only files."""

import pickle
import re
from pathlib import Path

import httpx
import orjson
import pytest

from extract.archive import segment
from flows.data_directory import locked
from flows.errors import FlowError, UsageError, exit_code_for
from flows.object_store.errors import StoreBusy, StoreChanged, StoreDamaged, StoreRefused, StoreUnreachable, explained
from flows.object_store.layout import NEEDS, Part, files_of, need_of, part_of
from flows.object_store.mirror import Mirror, SyncedFile, join_records, whole_records
from flows.object_store.store import Store
from flows.settings import Settings, load_settings
from flows.store_address import StoreAddress, store_address
from wattlog import checked_lines

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
    ("given", "message"),
    [
        ("gs://bucket/x", "use s3://bucket/prefix"),
        ("s3://b-d/../x", "a part '.' or '..'"),
        ("s3://", "'' is not a bucket's name"),
        ("s3://B_d/x", "'B_d'"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_what_to_write(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        store_address(given)
    with pytest.raises(UsageError, match=f"WATTLOG_DATA_DIR: .*{message}"):
        load_settings(data_dir=given)


def test_settings_show_the_address_and_work_in_the_mirror(tmp_path: Path) -> None:
    settings = load_settings(data_dir="s3://bucket/home/")
    assert settings.model_dump(mode="json")["data_dir"] == settings.shown_data_dir == "s3://bucket/home"
    mirrored = settings.mirrored(tmp_path, "s3://bucket/home")
    assert mirrored.data_dir == tmp_path
    assert mirrored.model_dump(mode="json")["data_dir"] == mirrored.shown_data_dir == "s3://bucket/home"
    assert Settings(data_dir=Path("here")).shown_data_dir == "here"


def test_an_address_is_never_taken_for_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that forgets to open the store gets an error, not a directory called `s3:`."""
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(UsageError, match="s3://bucket/home is not a directory of this machine"),
        locked(Path("s3://bucket/home"), "sync"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_mirror_of_another_endpoint_is_another(tmp_path: Path) -> None:
    address = StoreAddress("bucket", "home/")
    regional = "https://s3.eu-west-1.amazonaws.com"
    roots = {
        Mirror.of(tmp_path, address, endpoint).root
        for endpoint in (regional, "https://s3.amazonaws.com", "http://nas:9000")
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
        ("raw/deliveries.ndjson", Part.RAW),
        ("lake/table=power/site_id=1001/month=2025-03/part.parquet", Part.LAKE),
        ("lake/table=power/site_id=1001/year=2024/part.parquet", Part.LAKE),
        ("lake/table=power/site_id=1001/month=2024/part.parquet", Part.LAKE),
        ("lake/table=power/site_id=1001/month=lifetime/part.parquet", Part.LAKE),
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


# --- append-only files -------------------------------------------------------------------------------------------------


def line(text: str) -> bytes:
    return orjson.dumps({"body": text})


def test_a_segments_torn_tail_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "month=2025-03.ndjson.zst"
    path.write_bytes(segment.frame(line("a")) + segment.frame(line("b")))
    both = path.read_bytes()
    path.write_bytes(both + segment.frame(line("c"))[:-5])
    assert whole_records(path) == both
    assert whole_records(path, len(segment.frame(line("a")))) == both
    assert whole_records(path, len(both)) == both


def test_half_a_line_of_the_ledger_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson"
    path.write_bytes(b'{"run_id":1}\n{"run')
    assert whole_records(path) == b'{"run_id":1}\n'


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
    """The store's first, then what only this machine has; frames that begin alike are still distinguished."""
    path = tmp_path / "month=2025-03.ndjson.zst"
    here, there, scope = (b"".join(segment.frame(line(name)) for name in names) for names in (local, remote, result))
    path.write_bytes(here)
    assert join_records(path, here, there) == scope


def test_ledgers_are_joined_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.ndjson"
    path.write_bytes(b'{"run":1}\n{"run":22}\n')
    joined = join_records(path, path.read_bytes(), b'{"run":1}\n{"run":23}\n')
    assert joined == b'{"run":1}\n{"run":23}\n{"run":22}\n'


# --- errors -----------------------------------------------------------------------------------------------------------

ADDRESS = StoreAddress("bucket", "home/")
REQUEST = "PutObject raw/runs.ndjson"


def refusal(status: int, code: str) -> str:
    """An error of obstore about a response of the store, as 0.12 writes it."""
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>no</Message><Region>eu-west-1</Region></Error>"
    return (
        "Generic S3 error: Error performing PUT https://s3.eu-west-1.amazonaws.com/bucket/home/raw/runs.ndjson in 3.1ms - "
        f"Server returned non-2xx status code: {status} Refused: {body if code else ''}\n\nDebug source:\nGeneric {{ "
        f'source: Status {{ status: {status}, body: Some("Signature=abc") }} }}'
    )


def failure(cause: str) -> str:
    """An error of obstore about a request that was not answered."""
    return (
        "Generic S3 error: Error performing PUT https://nas:9000/bucket/x in 3.1ms, after 5 retries - HTTP error: error "
        f"sending request\n\nDebug source:\nGeneric {{\n  inner: Http(\n  {cause}\n  ),\n }}"
    )


@pytest.mark.parametrize(
    ("text", "exit_code", "message"),
    [
        (refusal(404, "NoSuchBucket"), 2, "bucket bucket does not exist; create it, or correct s3://bucket/home"),
        (refusal(403, "AccessDenied"), 2, f"refuses {REQUEST} (AccessDenied); the credentials need s3:ListBucket"),
        (refusal(403, ""), 2, f"refuses {REQUEST} (403); the credentials need s3:ListBucket"),
        (refusal(403, "ExpiredToken"), 2, "does not take these credentials (ExpiredToken); renew them"),
        (
            refusal(403, "SignatureDoesNotMatch"),
            2,
            "does not take these credentials (SignatureDoesNotMatch); renew them",
        ),
        (refusal(403, "RequestTimeTooSkewed"), 2, "set this machine's clock"),
        (refusal(301, "PermanentRedirect"), 2, "is not in this region but in eu-west-1; set AWS_REGION"),
        (failure("inner: BareRedirect,"), 2, "bucket bucket is not in this region; set AWS_REGION"),
        (
            refusal(501, "NotImplemented"),
            2,
            f"refuses {REQUEST} (501 NotImplemented no); is it a store that speaks S3?",
        ),
        (refusal(503, "SlowDown"), 1, f"is out of order (503 SlowDown no, to {REQUEST}); what is here is kept"),
        (refusal(429, ""), 1, "run the command again"),
        (refusal(400, "RequestTimeout"), 1, "run the command again"),
        (failure('Os { code: 111, message: "Connection refused" },'), 1, "cannot be reached (Connection refused)"),
        (failure('Custom { error: "failed to lookup: Name or service not known", },'), 1, "Name or service not known"),
        (failure("kind: Timeout, source: TimedOut,"), 1, "cannot be reached (TimedOut)"),
        (failure("error: InvalidCertificate( UnknownIssuer, ),"), 2, "AWS_CA_BUNDLE"),
        (
            "No valid credentials for External AWS credential provider: UnauthorizedSSOTokenError: the session has expired\n",
            2,
            "cannot be opened (UnauthorizedSSOTokenError: the session has expired); set credentials",
        ),
    ],
)
def test_every_response_of_a_store_has_its_exit_code_and_its_advice(text: str, exit_code: int, message: str) -> None:
    error = explained(text, ADDRESS, REQUEST)
    assert (exit_code_for(error), message in str(error)) == (exit_code, True), str(error)
    assert len(str(error).splitlines()) == 1
    assert "Signature=" not in str(error)


@pytest.mark.parametrize("endpoint", ["nas:9000", "ftp://nas", "http://", "http://a b:9000", "https://nas:port"])
def test_an_endpoint_that_is_none_is_refused_before_it_is_asked(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """obstore ends the process at some of them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(
        StoreRefused, match=r"not an address like https://host:port\); set credentials, region or endpoint"
    ):
        Store.connect(ADDRESS)


def test_without_a_region_amazon_is_asked_for_the_buckets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the AWS command line finds it; a store of another maker is not asked."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    asked = []

    def head(url: str, timeout: float) -> httpx.Response:
        asked.append(url)
        return httpx.Response(403, headers={"x-amz-bucket-region": "eu-west-1"})

    monkeypatch.setattr("httpx.head", head)
    store = Store.connect(ADDRESS)
    assert (asked, store._client.config["region"]) == (["https://s3.amazonaws.com/bucket"], "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nas:9000")
    store = Store.connect(ADDRESS)
    assert (len(asked), store.endpoint, store._client.config["region"]) == (1, "http://nas:9000", "us-east-1")


def test_a_store_that_refuses_checksums_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature covers the content, too, wherever requests are signed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nas:9000")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert Store.connect(ADDRESS)._client.config["checksum_algorithm"] == "SHA256"
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    assert "checksum_algorithm" not in Store.connect(ADDRESS)._client.config


def test_profiles_of_the_aws_command_line_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Region, endpoint and credentials, which obstore alone would not find."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text("[profile nas]\nregion = eu-north-1\nendpoint_url = http://nas:9000\n")
    (tmp_path / "credentials").write_text("[nas]\naws_access_key_id = of-nas\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "nas")
    store = Store.connect(ADDRESS)
    assert (store.endpoint, store._client.config["region"]) == ("http://nas:9000", "eu-north-1")
    provider = store._client.credential_provider
    assert provider is not None
    assert provider()["access_key_id"] == "of-nas"  # type: ignore[index]


@pytest.mark.parametrize("kind", [StoreRefused, StoreUnreachable, StoreDamaged, StoreBusy, StoreChanged])
def test_errors_survive_the_way_between_processes(kind: type[FlowError]) -> None:
    there_and_back = pickle.loads(pickle.dumps(kind("s3://bucket is no more")))  # noqa: S301 - our own bytes
    assert (type(there_and_back), str(there_and_back)) == (kind, "s3://bucket is no more")
    assert exit_code_for(there_and_back) == kind.exit_code


def test_a_ledger_that_was_given_checksums_is_joined_line_by_line(tmp_path: Path) -> None:
    """The store has lines without checksums, and one that this machine has lost; both machines' runs are there once."""
    path = tmp_path / "runs.ndjson"
    first, second, third = (b'{"run_id":"%d"}' % number for number in range(3))
    local = checked_lines.with_checksum(first) + checked_lines.with_checksum(third)
    path.write_bytes(local)
    remote = first + b"\n" + second + b"\n"
    joined = join_records(path, local, remote)
    assert joined == checked_lines.with_checksum(first) + second + b"\n" + checked_lines.with_checksum(third)
    assert join_records(path, joined, remote) == joined


def test_a_flipped_bit_in_what_was_agreed_on_changes_nothing_that_is_believed(tmp_path: Path) -> None:
    """A file whose line is damaged is compared by content; the others are known as before."""
    mirror = Mirror(tmp_path)
    mirror.store_id = "store"
    mirror.synced = {f"raw/{name}": SyncedFile(5, "ab" * 32, "etag", 5, 1_700_000_000) for name in "xyz"}
    mirror.save()
    path, before = tmp_path / "state.ndjson", dict(mirror.synced)
    content = path.read_bytes()
    for bit in range(0, len(content) * 8, 3):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(changed))
        mirror.load()
        assert mirror.synced.items() <= before.items()
        assert mirror.store_id in {"store", None}
    path.write_bytes(content)
    mirror.load()
    assert (mirror.store_id, mirror.synced) == ("store", before)
