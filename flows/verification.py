"""What can be wrong in a data directory: raw checksums, secrets, the lake, the warehouse, the store; and two repairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from extract.archive.losses import ACCEPTED_LOSSES, losses
from extract.archive.raw_archive import RawArchive
from extract.archive.stored_secrets import find_secrets, mask_secrets
from extract.requests import ACCOUNT
from flows import ledger
from flows.console import note
from flows.errors import UsageError
from flows.run_context import RunContext
from flows.settings import Settings
from flows.tasks.partition import MARKER
from flows.tasks.reconcile import made_from
from flows.tasks.shape import tables_of_one_digest
from warehouse.checks.consistency import verify_lake, verify_warehouse
from warehouse.checks.sql_checks import run_checks
from warehouse.errors import LakeFailed, QueryFailed, Unreadable, WarehouseMissing
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from wattlog import checked_lines
from wattlog.names import DataDirectory

MOST_NOTES = 20
"""Records that are named one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a data directory.

    Attributes:
        part: Which part of the data directory.
        where: Where in it.
        what: What is wrong.
        first_rows: The first rows that a check returned.
    """

    part: str
    where: str
    what: str
    first_rows: tuple[dict[str, object], ...] = ()


def redact(settings: Settings, archive: RawArchive) -> None:
    """Remove secrets from the raw archive, and print which records were changed.

    Raises:
        UsageError: The data directory is a store, whose objects only grow.
        ArchiveError: A segment cannot be written.
    """
    if settings.is_store:
        raise UsageError(f"{settings.shown_data_dir} is a store, whose objects only grow; redact a data directory")
    found = mask_secrets(archive)
    for secret in found[:MOST_NOTES]:
        note(f"{secret.segment}: removed a secret from record {secret.raw_id}")
    if found:
        note(f"removed secrets from {len(found)} records; they were readable on this disk, so log in again")
    if any(secret.is_transformed for secret in found):
        note("lake and warehouse may contain them, too; run `wattlog rebuild`")


def secrets_in(root: Path) -> list[Problem]:
    """Records of the raw archive that contain a secret; the secret is not shown."""
    return [Problem("raw", secret.segment, str(secret)) for secret in find_secrets(DataDirectory(root).raw)]


def problems(context: RunContext, archive: RawArchive) -> Iterator[Problem]:
    """Everything that is wrong: raw checksums, the lake against the schema, the warehouse against the lake, SQL checks.

    Raises:
        WarehouseMissing: There is no warehouse yet, and nothing is wrong with raw.
    """
    lake = context.open_lake()
    raw = [Problem("raw", loss.segment, str(loss)) for loss in losses(archive.verify())]
    raw += _damaged_lines(archive)
    raw += () if context.settings.is_store else _indexes_made_again(archive)
    yield from raw
    for mismatch in verify_lake(lake):
        yield Problem("lake", mismatch.where, mismatch.what)
    yield from _files_of_other_responses(lake)
    yield from _missing_runs(archive, lake)
    try:
        yield from _find_in_warehouse(context)
    except WarehouseMissing as error:
        if not raw:
            raise
        yield Problem("warehouse", context.directory.warehouse.name, str(error))
    except (Unreadable, QueryFailed) as error:
        yield Problem("warehouse", context.directory.warehouse.name, str(error))


def accept_losses(archive: RawArchive, now: datetime) -> None:
    """Give up what the archive has lost, and print what that was."""
    accepted = archive.accept_losses(now)
    for loss in accepted:
        note(f"accepted as lost: {loss.what}")
    note(
        "the raw archive has lost nothing"
        if not accepted
        else "run `wattlog backfill` to request it again, as far as the API still has it"
    )


def _damaged_lines(archive: RawArchive) -> Iterator[Problem]:
    """Damaged lines that were removed from the index, the ledger, and other lists; each is reported once."""
    ledger.heal(archive.root)
    for path, count in checked_lines.unreported(archive.root):
        where = str(path.relative_to(archive.root)).removesuffix(checked_lines.DAMAGED)
        counted = "1 damaged line was" if count == 1 else f"{count:,} damaged lines were"
        yield Problem(
            "raw", where, f"{counted} removed from {where} and stored in {path.name}.reported; {_remedy(where)}"
        )


def _indexes_made_again(archive: RawArchive) -> Iterator[Problem]:
    """Parts of the index that were not there, or lacked more than one record, when the archive was opened."""
    for shard in archive.unchecked:
        yield Problem(
            "raw",
            shard,
            "the index was missing, or incomplete, and was made again from the segments; responses that were lost before "
            "cannot be detected any more: restore it from a backup if you have one, otherwise there is nothing to do",
        )


def _files_of_other_responses(lake: Lake) -> Iterator[Problem]:
    """Files of the lake that are sound and of the right table, but not those that were written last for their period."""
    for part in lake.partitions(MARKER):
        if part.site_id in {None, ACCOUNT} or part.period is None:
            continue
        digest = lake.digest_of(MARKER, part.site_id, part.period)
        for name in tables_of_one_digest():
            path = lake.path(name, part.site_id, part.period)
            found = lake.digest_of(name, part.site_id, part.period) if path.exists() else digest
            if digest is not None and found is not None and made_from(found) != digest:
                where = str(path.relative_to(lake.root))
                yield Problem("lake", where, "was made from other responses than its period has; run `wattlog rebuild`")


def _missing_runs(archive: RawArchive, lake: Lake) -> Iterator[Problem]:
    """Runs that the last published table has, and the ledger has not."""
    try:
        published = set(lake.read("runs")["run_id"])
    except LakeFailed:
        return  # `verify_lake` has named the file
    missing = published - {run.run_id for run in ledger.runs(archive.root)}
    if missing:
        yield Problem(
            "raw",
            ledger.LEDGER,
            f"lacks {len(missing):,} of the runs in table runs; restore it from a backup: otherwise the next run removes "
            "them from the table, and nothing else is affected",
        )


def _remedy(where: str) -> str:
    if where == ledger.LEDGER:
        return "table runs may lack these runs, nothing else is affected; there is nothing to do"
    if where == ACCEPTED_LOSSES:
        return "losses that were accepted in these lines are reported again"
    return "they were made again from the segments; there is nothing to do"


def _find_in_warehouse(context: RunContext) -> Iterator[Problem]:
    with connect(context.directory.warehouse) as connection:
        for failed in run_checks(connection):
            what = f"{failed.rows:,} rows violate this: {failed.check.purpose}"
            yield Problem("warehouse", failed.check.name, what, failed.examples)
    for mismatch in verify_warehouse(context.open_lake(), context.directory.warehouse):
        yield Problem("warehouse", mismatch.where, mismatch.what)
