"""Responses that are read and never written: they have what may not be stored, such as whole VINs and names of cars."""

from extract.archive.record import IndexEntry, Response, entry_of, record_of
from extract.archive.segment import ByteRange


class Unkept:
    """Takes the place of the raw archive for one request at a time. Nothing of it outlives the process."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def keep(self, response: Response, *, run_id: str, provider: str) -> IndexEntry:
        """Hold a response in memory until it is taken."""
        entry = entry_of(record_of(response, run_id=run_id, provider=provider), "", ByteRange(0, 0))
        self._bodies[entry.raw_id] = response.body
        return entry

    def take(self, entry: IndexEntry) -> bytes:
        """The body of a response, which is then forgotten."""
        body = self._bodies[entry.raw_id]
        self._bodies.clear()
        return body
