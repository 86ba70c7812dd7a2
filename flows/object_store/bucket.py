"""Requests to the store.

Everything goes through boto3: a write needs a condition (only if nobody else has written), a checksum that the store
proves, and the file's sha256 kept beside the object. Arrow's S3 file system offers none of them (DECISIONS 38).
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from flows.errors import UsageError
from flows.object_store.address import StoreAddress
from flows.object_store.errors import StoreDamaged
from flows.object_store.refusals import CONFLICTS, code_of, is_missing, understood

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

WORKERS = 16
"""Requests in flight: they wait for the network, not for this machine."""

ATTEMPTS = 6
"""Of each request, with exponential back-off and jitter, where the store is busy or the network fails."""

SINGLE_REQUEST_BYTES = 64 * 2**20
"""Larger files go up in several parts: a single request takes 5 GB at most, and a failure near its end costs all of it."""

COPY_AT_ONCE_BYTES = 5 * 2**30
"""The most that one request copies."""

DELETE_AT_ONCE = 1000
"""The most that one request may delete."""

_CHUNK = 2**20
_DIGEST = "sha256"


class Conflict(Exception):
    """The condition of a write does not hold: the object is there already, or is another one by now."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read.

    Attributes:
        body: Its bytes.
        etag: Names this very state of it.
        age_s: Seconds since it was written, by the store's clock.
    """

    body: bytes
    etag: str
    age_s: float


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing: path below the store, size, state."""

    path: str
    size: int
    etag: str


class Bucket:
    """The objects of one store. Thread-safe.

    Args:
        address: Where the store is.
        client: A boto3 client for S3.
    """

    def __init__(self, address: StoreAddress, client: Any) -> None:
        self.address = address
        self._client = client

    @classmethod
    def connect(cls, address: StoreAddress) -> "Bucket":
        """A store by the standard chain of credentials, region and endpoint: environment, `~/.aws`, the machine's role.

        Nothing is asked yet.

        Raises:
            UsageError: boto3 is not installed.
            StoreRefused: The configuration makes no sense.
        """
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise UsageError(f"{address} needs boto3; install it with `pip install 'wattlog[s3]'`") from None
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=WORKERS + 2,
        )
        with understood(address, "connect"):
            return cls(address, boto3.session.Session().client("s3", config=config))

    @property
    def endpoint(self) -> str:
        """Who serves the store."""
        return str(self._client.meta.endpoint_url)

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, path: str) -> Stored | None:
        """A small object; None where there is none."""
        with understood(self.address, "GetObject", path):
            answer = self._get(path)
            if answer is None:
                return None
            told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            now = datetime.now(UTC) if told is None else parsedate_to_datetime(told)
            age_s = (now - answer["LastModified"]).total_seconds()
            return Stored(answer["Body"].read(), answer["ETag"], age_s)

    def download(self, path: str, to: Path) -> str | None:
        """Write an object to a file; returns its sha256, or None where there is no such object."""
        digest = hashlib.sha256()
        with understood(self.address, "GetObject", path):
            answer = self._get(path)
            if answer is None:
                return None
            with to.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()

    def _get(self, path: str) -> Any:
        return self._unless_missing(lambda: self._client.get_object(**self._at(path)))

    def digest(self, path: str) -> str | None:
        """The sha256 that was noted when an object was written; empty if none was, None where there is no object."""
        with understood(self.address, "HeadObject", path):
            answer = self._unless_missing(lambda: self._client.head_object(**self._at(path)))
        return None if answer is None else str(answer["Metadata"].get(_DIGEST, ""))

    def list(self, below: str) -> Iterator[Listed]:
        """Every object whose path begins with `below`."""
        pages = self._client.get_paginator("list_objects_v2")
        with understood(self.address, "ListObjectsV2", below):
            for page in pages.paginate(Bucket=self.address.bucket, Prefix=self.address.key(below)):
                for each in page.get("Contents", ()):
                    yield Listed(each["Key"].removeprefix(self.address.prefix), each["Size"], each["ETag"])

    # --- writing ------------------------------------------------------------------------------------------------------

    def put(self, path: str, body: bytes, *, replaces: str | None) -> str:
        """Write an object if it is still in the state `replaces`, or if there is none where that is None.

        Returns:
            The state it is in now.

        Raises:
            Conflict: It is in another state.
        """
        digest = hashlib.sha256(body).hexdigest()
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        with understood(self.address, "PutObject", path):
            try:
                answer = self._client.put_object(**self._at(path), Body=body, Metadata={_DIGEST: digest}, **condition)
            except self._client.exceptions.ClientError as error:
                if code_of(error) not in CONFLICTS and not is_missing(error):
                    raise
                return self._ours_after_all(path, digest)
        return str(answer["ETag"])

    def _ours_after_all(self, path: str, digest: str) -> str:
        """The state of an object that a request of ours wrote, though the answer was lost and the retry found it there."""
        there = self._unless_missing(lambda: self._client.head_object(**self._at(path)))
        if there is None or there["Metadata"].get(_DIGEST) != digest:
            raise Conflict(path)
        return str(there["ETag"])

    def upload(self, path: str, file: Path, digest: str) -> None:
        """Write an object from a file, whatever there was."""
        with understood(self.address, "PutObject", path):
            if file.stat().st_size <= SINGLE_REQUEST_BYTES:
                with file.open("rb") as body:
                    self._client.put_object(**self._at(path), Body=body, Metadata={_DIGEST: digest})
            else:
                self._client.upload_file(str(file), **self._at(path), ExtraArgs={"Metadata": {_DIGEST: digest}})

    def copy(self, source: str, target: str, *, size: int, digest: str) -> None:
        """Make one object equal to another of this size and checksum, within the store.

        Raises:
            StoreDamaged: The other one is not there.
        """
        origin = {"Bucket": self.address.bucket, "Key": self.address.key(source)}
        with understood(self.address, "CopyObject", target):
            try:
                if size <= COPY_AT_ONCE_BYTES:
                    self._client.copy_object(**self._at(target), CopySource=origin)
                else:
                    noted = {"Metadata": {_DIGEST: digest}, "MetadataDirective": "REPLACE"}
                    self._client.copy(origin, **self._at(target), ExtraArgs=noted)
            except self._client.exceptions.ClientError as error:
                if is_missing(error):
                    raise StoreDamaged(f"{self.address}/{source} is gone; run the command again") from None
                raise

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; those that are not there are as good as deleted."""
        keys = [{"Key": self.address.key(path)} for path in paths]
        for start in range(0, len(keys), DELETE_AT_ONCE):
            with understood(self.address, "DeleteObjects"):
                answer = self._client.delete_objects(
                    Bucket=self.address.bucket, Delete={"Objects": keys[start : start + DELETE_AT_ONCE], "Quiet": True}
                )
            for error in answer.get("Errors", ()):
                log.warning("not deleted key=%s code=%s", error.get("Key"), error.get("Code"))

    # --- both ---------------------------------------------------------------------------------------------------------

    def _at(self, path: str) -> dict[str, str]:
        return {"Bucket": self.address.bucket, "Key": self.address.key(path)}

    def _unless_missing(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._client.exceptions.ClientError as error:
            if is_missing(error):
                return None
            raise


def at_once(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do the same to many items, several at a time; the first error ends it, and nothing further is begun."""
    with ThreadPoolExecutor(min(WORKERS, len(items)) or 1, thread_name_prefix="store") as threads:
        try:
            return list(threads.map(work, items))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
