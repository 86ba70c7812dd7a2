"""A record of the archive whose body is read when it is needed, and again when it is needed again."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from extract.archive.raw_archive import IndexEntry, RawArchive


@dataclass(frozen=True, slots=True)
class LazyRecord:
    """What `transform` reads of a record.

    Attributes:
        archive: The archive.
        entry: The entry of the record.
    """

    archive: RawArchive
    entry: IndexEntry

    @property
    def raw_id(self) -> str:
        """Identifies the record."""
        return self.entry.raw_id

    @property
    def run_id(self) -> str:
        """The run that kept it."""
        return self.entry.run_id

    @property
    def site_id(self) -> int:
        """The site."""
        return self.entry.site_id

    @property
    def series(self) -> str:
        """The series."""
        return self.entry.series

    @property
    def path(self) -> str:
        """The path."""
        return self.entry.path

    @property
    def window_start(self) -> date:
        """First local day; without one, the UTC day on which it was kept."""
        return self.entry.window_start or self.entry.requested_at.astimezone(UTC).date()

    @property
    def window_end(self) -> date:
        """Last local day."""
        return self.entry.window_end or self.entry.requested_at.astimezone(UTC).date()

    @property
    def requested_at(self) -> datetime:
        """When it was kept."""
        return self.entry.requested_at

    @property
    def status(self) -> int:
        """The status."""
        return self.entry.status or 0

    @property
    def body(self) -> bytes:
        """The bytes; none if the record is lost, which is logged and noted."""
        record = self.archive.load_or_none(self.entry)
        return b"" if record is None else record.body
