"""The address of an object store that is used as a data directory."""

import re
from dataclasses import dataclass
from pathlib import PurePath

from flows.errors import UsageError

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):(?:/{1,2}|$)(?P<bucket>[^/]*)(?:/(?P<prefix>.*))?")
"""Two slashes, one or, at the very end, none: a path drops what it can."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is: `s3://BUCKET/PREFIX`.

    Attributes:
        bucket: The bucket.
        prefix: What all keys begin with: nothing, or ends with a slash.
    """

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def store_address(data_dir: str | PurePath) -> StoreAddress | None:
    """The store that a data directory names; None where it is a directory of this machine.

    Raises:
        UsageError: It is an address, but none that wattlog can use.
    """
    found = _ADDRESS.fullmatch(str(data_dir))
    if found is None:
        return None
    if found["scheme"] != "s3":
        raise UsageError(
            f"{found['scheme']}:// is no address for a data directory; use s3://bucket/prefix, "
            "with AWS_ENDPOINT_URL for stores other than Amazon's that speak S3"
        )
    if not _BUCKET.fullmatch(found["bucket"]):
        raise UsageError(f"{found['bucket']!r} is not a bucket's name; write s3://bucket/prefix")
    parts = [part for part in (found["prefix"] or "").split("/") if part]
    if {".", ".."} & set(parts):
        raise UsageError(f"{data_dir} has a part '.' or '..', which keys cannot have; write s3://bucket/prefix")
    return StoreAddress(found["bucket"], "".join(f"{part}/" for part in parts))
