"""`wattlog verify`: is everything that was kept what was written, and does everything made of it agree?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rich.table import Table

from extract.client import utc_now
from flows.console import note, print_json, print_table
from flows.data_directory import held
from flows.errors import ExitCode
from flows.object_store.verify import verify_store
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id
from warehouse.checks import run_checks
from warehouse.errors import QueryFailed, Unreadable, WarehouseMissing
from warehouse.query import connect
from warehouse.verify import verify_lake, verify_warehouse

SHOWN = 20
"""Findings that are printed; `--json` gives all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding.

    Attributes:
        part: Which part of the data directory.
        where: Where in it.
        what: What is wrong.
        first_rows: The first rows that offend, where rows do.
    """

    part: str
    where: str
    what: str
    first_rows: tuple[dict[str, object], ...] = ()


def verify(settings: Settings, *, has_download: bool = False, as_json: bool) -> int:
    """Check raw, lake and warehouse, and the store that they mirror; 0 when nothing is found, else 1."""
    workspace = Workspace(settings, new_run_id(utc_now()))
    with held(settings.data_dir, "verify"):
        try:
            findings = list(find(workspace))
            findings += [
                Found("store", each.where, each.what) for each in verify_store(settings, has_download=has_download)
            ]
        finally:
            workspace.close()
    if as_json:
        print_json({"findings": [asdict(each) for each in findings]})
    elif findings:
        print_table(_table(findings[:SHOWN]))
    if findings:
        hidden = len(findings) - min(len(findings), SHOWN)
        note(
            f"{len(findings)} findings" + (f", {hidden} not shown; --json gives all" if hidden and not as_json else "")
        )
        return ExitCode.INCOMPLETE
    note("raw, lake and warehouse are sound")
    return ExitCode.OK


def find(workspace: Workspace) -> Iterator[Found]:
    """Everything that is wrong: raw checksums, the lake against the schema, the warehouse against the lake, SQL checks.

    Raises:
        WarehouseMissing: There is no warehouse yet.
    """
    for damage in workspace.archive.verify():
        yield Found("raw", damage.segment, str(damage))
    for mismatch in verify_lake(workspace.lake):
        yield Found("lake", mismatch.where, mismatch.what)
    try:
        yield from _find_in_warehouse(workspace)
    except WarehouseMissing:
        raise
    except (Unreadable, QueryFailed) as error:
        yield Found("warehouse", workspace.warehouse_path.name, str(error))


def _find_in_warehouse(workspace: Workspace) -> Iterator[Found]:
    with connect(workspace.warehouse_path) as connection:
        for finding in run_checks(connection):
            what = f"{finding.rows:,} rows do not keep to this: {finding.check.purpose}"
            yield Found("warehouse", finding.check.name, what, finding.examples)
    for mismatch in verify_warehouse(workspace.lake, workspace.warehouse_path):
        yield Found("warehouse", mismatch.where, mismatch.what)


def _table(findings: list[Found]) -> Table:
    table = Table("part", "where", "what", title="Findings", title_justify="left", box=None, pad_edge=False)
    for each in findings:
        rows = (", ".join(f"{name} {value}" for name, value in row.items()) for row in each.first_rows)
        table.add_row(each.part, each.where, "\n  ".join([each.what, *rows]))
    return table
