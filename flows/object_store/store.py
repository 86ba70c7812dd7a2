"""Requests to the store, by obstore.

A write needs a condition (only if the object is still in the state that was seen), a checksum that the store proves, and the
file's sha256 noted at the object: obstore offers all three. Credentials, region and endpoint come from botocore, since
obstore alone reads neither profiles nor single sign-on (DECISIONS 70).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import httpx

from flows.errors import UsageError
from flows.object_store.errors import (
    NO_BUCKET,
    StoreDamaged,
    StoreUnreachable,
    cannot_open,
    code_of,
    explained,
)
from flows.store_address import StoreAddress

if TYPE_CHECKING:
    from obstore import GetResult, PutMode
    from obstore.store import ClientConfig, S3Store

T = TypeVar("T")
R = TypeVar("R")

WORKERS = 16
"""Requests in flight: they wait for the network, not for this machine."""

RETRIES = 5
"""Of each request, with exponential back-off and jitter, where the store is busy or the network fails."""

FIRST_WAIT = timedelta(milliseconds=200)
LONGEST_WAIT = timedelta(seconds=10)
RETRY_FOR = timedelta(seconds=30)
"""After so long no further attempt begins."""

SILENCE = timedelta(seconds=60)
"""How long an attempt waits for the store to take or to send something. With `RETRY_FOR`, the longest that a request takes."""

PART_BYTES = 8 * 2**20
"""Larger files go up in parts of this size, two at a time: a request must end within `SILENCE` on a slow line, too."""

MOST_PARTS = 9_000
"""S3 takes ten thousand."""

COPY_AT_ONCE_BYTES = 5 * 2**30
"""The most that one request copies."""

ANY_REGION = "us-east-1"
"""For stores that have no regions."""

AMAZON = "https://s3.amazonaws.com"

_ENDPOINT = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/[\w./~-]*)?", re.IGNORECASE | re.ASCII)
_CHUNK = 2**20
_DIGEST = "sha256"


class Conflict(Exception):
    """The condition of a write does not hold: the object is there already, or is another one by now."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was read.

    Attributes:
        body: Its bytes.
        etag: Names this very state of it.
        written_at: When it was written, by the store's clock.
    """

    body: bytes
    etag: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a listing: path below the store, size, state."""

    path: str
    size: int
    etag: str


class Store:
    """The objects of one store. Thread-safe.

    Args:
        address: Where the store is.
        endpoint: Who serves it; empty for Amazon.
        client: obstore's.
    """

    def __init__(self, address: StoreAddress, endpoint: str, client: "S3Store") -> None:
        self.address = address
        self.endpoint = endpoint
        self._client = client

    @classmethod
    def connect(cls, address: StoreAddress) -> "Store":
        """A store by AWS's chain of credentials, region and endpoint: environment, `~/.aws`, the machine's role.

        Raises:
            UsageError: obstore or botocore is not installed.
            StoreRefused: The configuration makes no sense.
        """
        try:
            from botocore.configprovider import ConfiguredEndpointProvider
            from botocore.exceptions import BotoCoreError
            from botocore.session import Session
            from obstore.store import S3Store
        except ImportError:
            raise UsageError(f"{address} needs obstore; install it with `pip install 'wattlog[s3]'`") from None
        try:
            session = Session({"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)})
            configured = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3").provide()
            endpoint = (configured or "").rstrip("/")
            if endpoint and not _ENDPOINT.fullmatch(endpoint):  # obstore ends the process at some
                raise ValueError(f"the endpoint {configured!r} is not an address like https://host:port")
            has_no_checksums = session.get_config_variable("request_checksum_calculation") == "when_required"
            client = S3Store(
                address.bucket,
                config={
                    "region": session.get_config_variable("region") or _region_of(address, endpoint),
                    "conditional_put": "etag",
                    **({} if has_no_checksums else {"checksum_algorithm": "SHA256"}),
                    **({"endpoint": endpoint} if endpoint else {}),
                },
                client_options=_client_options(endpoint, session.get_config_variable("ca_bundle")),
                retry_config={
                    "max_retries": RETRIES,
                    "backoff": {"init_backoff": FIRST_WAIT, "max_backoff": LONGEST_WAIT, "base": 2},
                    "retry_timeout": RETRY_FOR,
                },
                credential_provider=_credentials(session),
            )
        except (BotoCoreError, ValueError, OSError) as error:
            raise cannot_open(address, error) from None
        return cls(address, endpoint, client)

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, path: str) -> StoredObject | None:
        """A small object; None where there is none."""
        with self._explaining("GetObject", path):
            response = self._get(path)
            if response is None:
                return None
            return StoredObject(bytes(response.bytes()), response.meta["e_tag"] or "", response.meta["last_modified"])

    def download(self, path: str, to: Path) -> str | None:
        """Write an object to a file; returns its sha256, or None where there is no such object."""
        digest = hashlib.sha256()
        with self._explaining("GetObject", path):
            response = self._get(path)
            if response is None:
                return None
            with to.open("wb") as file:
                for chunk in response.stream(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()

    def digest(self, path: str) -> str | None:
        """The sha256 that was noted when an object was written; empty if none was, None where there is no object."""
        with self._explaining("HeadObject", path):
            response = self._get(path, head=True)
        return None if response is None else response.attributes.get(_DIGEST, "")

    def list(self, below: str) -> Iterator[ListedObject]:
        """Every object below a folder."""
        with self._explaining("ListObjectsV2", below):
            for page in self._client.list(self._key(below)):
                for listed in page:
                    path = listed["path"].removeprefix(self.address.prefix)
                    yield ListedObject(path, listed["size"], listed["e_tag"] or "")

    def age_s(self, found: StoredObject) -> float:
        """Seconds since an object was written, by the store's clock, which only a write shows."""
        probe = f"_wattlog/clock-{uuid4().hex}"
        self.put(probe, b"", replaces=None)
        now = self.read(probe)
        self.delete([probe])
        return 0.0 if now is None else (now.written_at - found.written_at).total_seconds()

    def _get(self, path: str, *, head: bool = False) -> "GetResult | None":
        try:
            return self._client.get(self._key(path), options={"head": head})
        except FileNotFoundError as error:
            if code_of(error) == NO_BUCKET:
                raise
            return None

    # --- writing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, body: bytes, *, replaces: str | None) -> str:
        """Write an object if it is still in the state `replaces`, or if there is none where that is None.

        Where the response is lost, the retry of a write that was done finds another state: the caller then looks whose it is.

        Returns:
            The state it is in now.

        Raises:
            Conflict: It is in another state.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: PutMode = "create" if replaces is None else {"e_tag": replaces}
        noted = {_DIGEST: hashlib.sha256(body).hexdigest()}
        with self._explaining("PutObject", path):
            try:
                response = self._client.put(self._key(path), body, mode=mode, attributes=noted, use_multipart=False)
            except (AlreadyExistsError, PreconditionError) as error:
                if code_of(error) == NO_BUCKET:
                    raise
                raise Conflict(path) from None
        return response["e_tag"] or ""

    def upload(self, path: str, file: Path, digest: str) -> None:
        """Write an object from a file, whatever there was."""
        size = file.stat().st_size
        with file.open("rb") as body, self._explaining("PutObject", path):
            self._client.put(
                self._key(path),
                body,
                attributes={_DIGEST: digest},
                use_multipart=size > PART_BYTES,
                chunk_size=max(PART_BYTES, -(-size // MOST_PARTS)),
                max_concurrency=2,
            )

    def copy(self, source: str, target: str, *, size: int, digest: str) -> None:
        """Make one object equal to another of this size and checksum; within the store unless it is too large for that.

        Raises:
            StoreDamaged: The other one is not there.
        """
        if size <= COPY_AT_ONCE_BYTES:
            with suppress(FileNotFoundError), self._explaining("CopyObject", target):
                self._client.copy(self._key(source), self._key(target))
                return None
        else:
            with TemporaryDirectory() as directory:
                copied = Path(directory) / "object"
                if self.download(source, copied) == digest:
                    return self.upload(target, copied, digest)
        raise StoreDamaged(f"{self.address}/{source} is gone; run the command again")

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; those that are not there are as good as deleted."""
        keys = [self._key(path) for path in paths]
        if keys:
            with self._explaining("DeleteObjects", keys[0]):
                self._client.delete(keys)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _key(self, path: str) -> str:
        return self.address.prefix + path

    @contextmanager
    def _explaining(self, operation: str, path: str) -> Iterator[None]:
        """Turn what obstore raises in this block into what to do about it.

        Raises:
            StoreRefused: A person must change something.
            StoreUnreachable: It may work later.
        """
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            if isinstance(error, FileNotFoundError) and code_of(error) != NO_BUCKET:
                raise
            raise explained(str(error), self.address, f"{operation} {path}") from None


def _region_of(address: StoreAddress, endpoint: str) -> str:
    """The region where none is configured: Amazon names it to anyone who asks for the bucket.

    Raises:
        StoreUnreachable: Amazon does not respond.
    """
    if endpoint:
        return ANY_REGION
    try:
        response = httpx.head(f"{AMAZON}/{address.bucket}", timeout=10)
    except httpx.TransportError as error:
        raise StoreUnreachable(
            f"{address} cannot be reached ({error}); what is here is kept, run the command again"
        ) from None
    return str(response.headers.get("x-amz-bucket-region", ANY_REGION))


def _client_options(endpoint: str, ca_bundle: str | None) -> "ClientConfig":
    import certifi

    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": SILENCE,
        "timeout": timedelta(hours=6),  # of a whole download: its silence is what counts
        "allow_http": endpoint.startswith("http://"),
    }
    if not options["allow_http"]:
        options["root_certificate"] = Path(ca_bundle or certifi.where()).read_bytes()
    return options


def _credentials(session: Any) -> Callable[[], Any]:
    """Current credentials, whenever obstore asks; botocore renews those that expire.

    Raises:
        BotoCoreError: There are none.
    """
    from botocore.exceptions import NoCredentialsError

    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    found.get_frozen_credentials()  # what cannot be used fails here, before anything begins

    def current() -> dict[str, Any]:
        frozen = found.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + timedelta(minutes=5),
        }

    return current


def in_parallel(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do the same to many items, several at a time; the first error ends it, and nothing further is begun."""
    with ThreadPoolExecutor(min(WORKERS, len(items)) or 1, thread_name_prefix="store") as threads:
        try:
            return list(threads.map(work, items))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
