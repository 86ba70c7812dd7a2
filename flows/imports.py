"""Files that a person imports: checked, kept in the raw archive, and then made into tables like responses."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import pandas as pd

from extract.archive.imported import IMPORTED, ImportedFile, imported, keep_file
from extract.archive.raw_archive import ArchiveRecord, RawArchive
from flows import ledger
from flows.errors import ExitCode
from flows.run_context import RunContext
from transform.prices import FROM_COLUMN, shape_prices
from transform.sites import Site
from wattlog.series_spec import Series


@dataclass(frozen=True, slots=True)
class PriceImport:
    """What a file of prices changes.

    Attributes:
        new: Intervals that had no price.
        changed: Intervals that had another price.
        refused: How many rows of the file are quarantined, by reason.
    """

    new: int
    changed: int
    refused: Mapping[str, int]

    @classmethod
    def together(cls, imports: Iterable["PriceImport"]) -> "PriceImport":
        """What changes at several sites."""
        of_sites = list(imports)
        refused = sum((Counter(of_site.refused) for of_site in of_sites), Counter[str]())
        return cls(sum(one.new for one in of_sites), sum(one.changed for one in of_sites), refused)

    @property
    def is_nothing(self) -> bool:
        """Whether the tables stay as they are."""
        return not self.new and not self.changed


def is_kept_tariff(archive: RawArchive, file: ImportedFile) -> bool:
    """Whether the same bytes are the tariff that was imported last for the same site and day."""
    of_day = [entry for entry in imported(archive, file.site_id, file.series) if entry.window_start == file.since]
    return bool(of_day) and of_day[-1].sha256 == hashlib.sha256(file.content).hexdigest()


def effect_of(archive: RawArchive, site: Site, file: ImportedFile, context: RunContext) -> PriceImport:
    """What the import of a file of prices would change."""
    files = list(archive.load_all(imported(archive, site.site_id, Series.PRICE_FILE)))
    before = shape_prices(files, site)["prices"]
    record = _record(file, context)
    after = shape_prices([*files, record], site)
    joined = before.merge(after["prices"], on="interval_start", how="right", suffixes=("_old", ""), indicator=True)
    is_new = (joined["_merge"] == "right_only").to_numpy()
    refused = after["quarantine"].loc[lambda rows: rows["raw_id"] == record.raw_id, "reason"].tolist()
    return PriceImport(int(is_new.sum()), int((_is_other(joined) & ~is_new).sum()), dict(Counter(refused)))


def _is_other(joined: pd.DataFrame) -> Any:
    """Whether the price, the length, or the currency of each interval differs from the one before."""
    differs = pd.Series(False, index=joined.index)
    for name in ("interval_s", "buy_per_kwh", "sell_per_kwh", "currency"):
        old, new = joined[f"{name}_old"], joined[name]
        is_same = (old == new).fillna(False).astype(bool) | (old.isna() & new.isna())
        differs |= ~is_same
    return differs.to_numpy()


def _record(file: ImportedFile, context: RunContext) -> ArchiveRecord:
    """A file as the archive would give it."""
    now = context.clock()
    return ArchiveRecord(
        "new", context.run_id, file.site_id, file.series, file.path, now.date(), now.date(), now, 200, file.content
    )


def price_file(site: Site, content: bytes, currency: str | None) -> ImportedFile:
    """A file of prices, with the currency of rows that have none."""
    return ImportedFile(site.site_id, Series.PRICE_FILE, content, currency or FROM_COLUMN)


def keep(archive: RawArchive, files: Sequence[tuple[ImportedFile, tzinfo]], context: RunContext, command: str) -> None:
    """Keep files, each with the zone of its site, in the raw archive, as a run of its own in the ledger.

    Raises:
        ArchiveError: A file cannot be written.
    """
    run = ledger.begin(archive.root, context.run_id, command, IMPORTED, context.clock())
    for file, zone in files:
        keep_file(archive, file, zone=zone, now=context.clock(), run_id=context.run_id)
    ledger.end(archive.root, run, exit_code=ExitCode.OK, requests=0, rows_written=0, now=context.clock())
