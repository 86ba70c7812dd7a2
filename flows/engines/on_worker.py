"""What a worker process does: the chunks of some site-years, one after the other.

It has nothing but what was sent with the task and what stands in the data directory, so another process can do the same
again if this one dies: answers that were kept are not asked for twice, and files that were written stand.
"""

import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic

from filelock import FileLock

from extract.allowance import Allowance, Halt
from extract.archive import RawArchive
from extract.series import Series
from flows.engines import Result, Step
from flows.engines.site_years import SiteYear
from flows.errors import UsageError
from flows.workspace import OnRequest, Workspace

OWNERS = ".owners"
"""Directory of the locks that keep a process which was given up for dead, and is not, away from its successor's files."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """What a batch came to.

    Attributes:
        results: Of each chunk, by its place among all of the stage.
        is_stopped: The run may not ask any further.
        set_aside: Sites that kept failing.
        not_offered: Series that the provider does not know.
    """

    results: dict[int, Result]
    is_stopped: bool
    set_aside: frozenset[int]
    not_offered: frozenset[Series]


def do_batch(
    step: Step[Any, Result], workspace: Workspace, batch: Sequence[SiteYear], on_request: OnRequest | None = None
) -> Done[Result]:
    """Do every chunk of a batch.

    Raises:
        UsageError: This process does not see the run's data directory.
    """
    allowance = _allowance(workspace)
    workspace.on_request = on_request
    results: dict[int, Result] = {}
    for year in batch:
        with _owned(workspace, year):
            own = _alone_with(workspace, year.site_id)
            for place, item in year.items:
                _obey(allowance.halt, own)
                results[place] = step(own, item)
            own.close()
    allowance.close()
    return Done(results, workspace.stop.is_set(), workspace.set_aside.among(), frozenset(workspace.not_offered))


def _allowance(workspace: Workspace) -> Allowance:
    if workspace.allowance is None or not workspace.allowance.path.exists():
        raise UsageError(
            f"a worker does not see the data directory {workspace.root}; all workers must share it, under the same path"
        )
    return workspace.allowance


def _alone_with(workspace: Workspace, site_id: int) -> Workspace:
    """The same for one site: its part of the archive is all that is read, whatever the others have."""
    own = replace(workspace)
    own.lake = workspace.lake
    own.archive = RawArchive(workspace.root / "raw", site_id=site_id)
    return own


def _owned(workspace: Workspace, year: SiteYear) -> AbstractContextManager[object]:
    owners = workspace.root / OWNERS
    owners.mkdir(exist_ok=True)
    return FileLock(owners / f"{year.site_id}-{year.year}.lock")


def _obey(halt: Halt, workspace: Workspace) -> None:
    """A halted step begins nothing and says so in its result."""
    if halt is Halt.EVERYTHING:
        workspace.interrupt(signal.SIGTERM)
    elif halt is Halt.ASKING:
        workspace.stop.set()
