"""The names of what a data directory holds, each in one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

RAW: Final = "raw"
"""The raw archive. A store has the same paths as a data directory: `raw/…`, `lake/…` and the warehouse."""

DELIVERIES: Final = "deliveries.ndjson"
"""The file of the raw archive with what was delivered to which target."""

LAKE: Final = "lake"
WAREHOUSE: Final = "warehouse.duckdb"
REPORT: Final = "report.html"
REPLACED_TARIFFS: Final = "replaced-tariffs"
WHAT_IF: Final = "what_if"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A data directory and the places in it, whether or not they are there.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def raw(self) -> Path:
        """The raw archive: every response, as it came."""
        return self.root / RAW

    @property
    def lake(self) -> Path:
        """The Parquet lake."""
        return self.root / LAKE

    @property
    def unfinished_lake(self) -> Path:
        """The lake that a rebuild makes, until it takes the place of `lake`."""
        return self.root / f".{LAKE}.rebuilding"

    @property
    def warehouse(self) -> Path:
        """The published warehouse."""
        return self.root / WAREHOUSE

    @property
    def report(self) -> Path:
        """The report, where no other place is given."""
        return self.root / REPORT

    @property
    def replaced_tariffs(self) -> Path:
        """The directory of tariffs that `set tariff` replaced; the raw archive has them as well."""
        return self.root / REPLACED_TARIFFS

    @property
    def what_if(self) -> Path:
        """The last answers of `wattlog what-if`, which the report shows: `SITE.json`."""
        return self.root / WHAT_IF

    @property
    def lock(self) -> Path:
        """The file that a run locks."""
        return self.root / ".lock"

    @property
    def lock_owner(self) -> Path:
        """Which run has the lock, for the message to the next one."""
        return self.root / ".holder.json"

    @property
    def task_locks(self) -> Path:
        """The directory of the locks that tasks on other processes take, one for each site and year."""
        return self.root / ".owners"

    @property
    def shared_limits(self) -> Path:
        """The request budget and the rate limit that the processes of a run share."""
        return self.root / ".allowance.sqlite"
