"""What a target is to a delivery: it has parts of a site's history by month, and takes those that changed."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Part:
    """A month of a site's history, as a target would have it.

    Attributes:
        site_id: The site.
        month: `2025-03`, of the clock that the target divides by.
        digest: SHA-256 of the content.
        rows: Rows of it.
        extent: Which hours of which columns it has, as bits, where the target cannot lose single ones.
    """

    site_id: int
    month: str
    digest: str
    rows: int
    extent: Mapping[str, str] = field(default_factory=dict)


class Target(ABC):
    """Where a history is delivered.

    Attributes:
        key: What it is in the record: it changes with its address and with how its content is made.
        name: Its name, for messages.
        can_withdraw: What it has can be taken away again.
    """

    key: str
    name: str
    can_withdraw: bool = True

    @abstractmethod
    def parts(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[Part]:
        """The history of a site as the target would have it, by month, ascending."""

    @abstractmethod
    def send(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[Part]:
        """Bring months of one site to the target, ascending; each is yielded once the target has it for certain.

        Raises:
            ServiceError: The target failed.
        """

    @abstractmethod
    def withdraw(self, site_id: int, months: Sequence[str]) -> bool:
        """Take months away that the warehouse no longer has, or of which it has less.

        Returns:
            Whether the target has nothing of the site any more, so that all of it has to be sent again.
        """

    def left_out(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[str]:
        """What the warehouse has of a site and the target does not get: a sentence for each."""
        del connection, site_id
        return ()

    def is_absent(self, part: Part) -> bool:
        """Whether the target can be seen to lack a month that was delivered."""
        del part
        return False


def digest_of(*contents: str | bytes | npt.NDArray[np.generic]) -> str:
    """SHA-256 of texts, bytes and arrays, each with its length."""
    found = hashlib.sha256()
    for content in contents:
        if isinstance(content, np.ndarray):
            data = np.ascontiguousarray(content).tobytes()
        else:
            data = content.encode() if isinstance(content, str) else content
        found.update(len(data).to_bytes(8, "big"))
        found.update(data)
    return found.hexdigest()
